/*
 * control_metrics.c - counters and gauges in Prometheus' text format
 * (version 0.0.4: "# HELP", "# TYPE", then the samples of that name).
 */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "supervisor/control_metrics.h"
#include "supervisor/control_rows.h"
#include "supervisor/look.h"

/* TABLE of the gauges that have one value and no label. */
/* clang-format off */
#define GAUGES(X)                                                            \
	X("up_seconds", control_rows_since(sv->started_ms),                  \
	    "time since the start")                                          \
	X("workers", worker_table_living(&sv->workers),                      \
	    "worker processes")                                              \
	X("workers_ready", worker_table_in_state(&sv->workers, WORKER_READY),\
	    "worker processes that get connections")                         \
	X("client_connections", sv->vault.tables[SOCKET_CLIENT].used,        \
	    "client connections that are open")                              \
	X("client_connections_limit",                                        \
	    sv->vault.tables[SOCKET_CLIENT].capacity,                        \
	    "client connections that there can be")                          \
	X("upstream_connections", sv->vault.tables[SOCKET_UPSTREAM].used,    \
	    "upstream connections that are open")                            \
	X("sessions", t->session_count, "sessions that are known")           \
	X("sessions_limit", sv->shm.sizes.sessions,                          \
	    "sessions that there can be")                                    \
	X("streams_detached", t->streams_detached,                           \
	    "streams that no client has at the moment")                      \
	X("streams_limit", sv->shm.sizes.streams,                            \
	    "streams that there can be")                                     \
	X("memory_blocks_used", t->blocks_used,                              \
	    "blocks of the journal memory in use")                           \
	X("memory_blocks_free",                                              \
	    (uint64_t)sv->shm.sizes.blocks - t->blocks_used,                 \
	    "blocks of the journal memory that are free")                    \
	X("memory_block_bytes", SHM_BLOCK_SIZE, "size of such a block")
/* clang-format on */

struct page {
	char *buf;
	size_t cap;
	size_t len;
};

/* Add a line, or leave it away whole. */
static void add_line(struct page *page, const char *fmt, ...) SC_PRINTF(2, 3);

static void
add_line(struct page *page, const char *fmt, ...)
{
	size_t room = page->cap - page->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(page->buf + page->len, room, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < room)
		page->len += (size_t)n;
}

static void
add_head(
    struct page *page, const char *name, const char *type, const char *help)
{
	add_line(page, "# HELP shadowcat_%s %s\n", name, help);
	add_line(page, "# TYPE shadowcat_%s %s\n", name, type);
}

static void
add_counter(struct page *page, const char *name, const char *help, uint64_t n)
{
	add_head(page, name, "counter", help);
	add_line(page, "shadowcat_%s %" PRIu64 "\n", name, n);
}

static void
add_gauge(struct page *page, const char *name, const char *help, double value)
{
	add_head(page, name, "gauge", help);
	add_line(page, "shadowcat_%s %.15g\n", name, value);
}

static void
add_counters(struct page *page, const struct shm *shm)
{
#define X(id, name, help)                                                      \
	add_counter(page, name, help, look_counter(shm, COUNTER_##id));
	COUNTERS(X)
#undef X
}

static void
add_gauges(
    struct page *page, const struct supervisor *sv, const struct tally *t)
{
#define X(name, value, help) add_gauge(page, name, help, (double)(value));
	GAUGES(X)
#undef X
}

static void
add_streams(struct page *page, const struct tally *t)
{
	add_head(page, "streams", "gauge", "streams, by their state");
	for (unsigned i = STREAM_FREE + 1; i < STREAM_PHASE_COUNT; i++)
		add_line(page, "shadowcat_streams{state=\"%s\"} %" PRIu32 "\n",
		    look_stream_phase(i), t->streams_in[i]);
}

size_t
control_metrics_write(
    const struct supervisor *sv, const struct tally *t, char *buf, size_t cap)
{
	struct page page = { buf, cap, 0 };

	add_head(&page, "build_info", "gauge", "the version that runs");
	add_line(
	    &page, "shadowcat_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
	add_gauges(&page, sv, t);
	add_streams(&page, t);
	add_counter(&page, "worker_deaths_total",
	    "worker processes that have ended", sv->deaths.count);
	add_counters(&page, &sv->shm);
	return page.len;
}

struct metrics_job {
	struct tally tally;
	bool is_written;
	char text[CONTROL_METRICS_CAP];
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
	len = control_metrics_write(
	    sv, &job->tally, job->text, sizeof(job->text));
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
