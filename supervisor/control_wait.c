/*
 * control_wait.c - an answer that comes when something else is over.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "supervisor/control_wait.h"

#define TEXT_CAP 4096

struct control_promise {
	bool is_over;
	bool is_abandoned; /* nobody waits any more */
	int error;
	char text[TEXT_CAP];
};

/* The connection's share in it. */
struct wait_job {
	struct control_promise *promise;
};

static void
abandon(void *job)
{
	struct control_promise *promise = ((struct wait_job *)job)->promise;

	if (promise->is_over)
		free(promise);
	else
		promise->is_abandoned = true;
}

static enum control_step
step_wait(struct control_conn *conn)
{
	const struct control_promise *promise =
	    ((struct wait_job *)conn->job)->promise;
	bool fits;

	if (!promise->is_over)
		return CONTROL_STEP_LATER;
	fits = promise->error == 0 ? ctl_put_done(&conn->out, promise->text)
				   : ctl_put_error(&conn->out, promise->text);
	return fits ? CONTROL_STEP_DONE : CONTROL_STEP_MORE;
}

struct control_promise *
control_wait_begin(struct control_conn *conn)
{
	struct control_promise *promise = calloc(1, sizeof(*promise));
	struct wait_job *job = calloc(1, sizeof(*job));

	if (promise == NULL || job == NULL) {
		free(promise);
		free(job);
		control_conn_refuse(conn, "no memory");
		return NULL;
	}
	job->promise = promise;
	control_conn_work(conn, step_wait, job, abandon);
	return promise;
}

void
control_wait_over(void *context, int error, const char *text)
{
	struct control_promise *promise = context;

	if (promise->is_abandoned) {
		free(promise);
		return;
	}
	promise->is_over = true;
	promise->error = error;
	(void)snprintf(promise->text, sizeof(promise->text), "%s", text);
}
