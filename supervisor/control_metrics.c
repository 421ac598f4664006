/*
 * control_metrics.c - all metrics, for shadowcatctl.
 */
#include "config.h"

#include <stdlib.h>

#include "supervisor/control_metrics.h"
#include "supervisor/metrics.h"

struct metrics_job {
	struct tally tally;
	bool is_written;
	char text[METRICS_CAP];
};

static enum control_step
step_metrics(struct control_conn *conn)
{
	const struct supervisor *sv = conn->control->context;
	struct metrics_job *job = conn->job;
	size_t len;

	if (!tally_step(&job->tally, &sv->shm))
		return CONTROL_STEP_MORE;
	if (job->is_written)
		return control_step_done(conn, "all metrics");
	len = metrics_write(sv, &job->tally, job->text, sizeof(job->text));
	job->is_written = ctl_put_piece(&conn->out, job->text, len);
	return CONTROL_STEP_MORE;
}

void
control_metrics(struct supervisor *sv, struct control_conn *conn)
{
	struct metrics_job *job = calloc(1, sizeof(*job));

	(void)sv;
	if (job == NULL)
		control_conn_refuse(conn, "no memory");
	else
		control_conn_work(conn, step_metrics, job, NULL);
}
