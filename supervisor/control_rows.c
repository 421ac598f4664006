/*
 * control_rows.c - the tables that the control socket shows.
 *
 * Each is made by a step function that goes on where the last slice ended.
 * Rows are read from tables that change meanwhile: who comes or goes while
 * a long table is made may be in it or not.
 */
#include "config.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/log.h"
#include "supervisor/control_rows.h"
#include "supervisor/deaths.h"
#include "supervisor/obituary.h"
#include "supervisor/tally.h"

/* Records looked at in one slice. */
#define SLICE 2048u

#define STREAM_ID_CAP 17

/* What all tables need; some have more in `streams`. */
struct rows_job {
	uint32_t position;
	uint32_t count;
	struct tally tally;
	uint64_t *streams; /* upstreams: who uses each slot; 0: nobody */
	bool is_scanned;
};

static struct supervisor *
supervisor_of(const struct control_conn *conn)
{
	return conn->control->context;
}

static void
job_fini(void *job)
{
	struct rows_job *j = job;

	if (j != NULL)
		free(j->streams);
}

static struct rows_job *
start(struct control_conn *conn,
    enum control_step (*step)(struct control_conn *conn))
{
	struct rows_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		control_conn_refuse(conn, "no memory");
	else
		control_conn_work(conn, step, job, job_fini);
	return job;
}

double
control_rows_since(uint64_t then_ms)
{
	uint64_t now = clock_ms();

	return now > then_ms ? (double)(now - then_ms) / 1e3 : 0.;
}

/* When something on clock_ms() was, in seconds since the Epoch. */
static double
epoch_of(uint64_t then_ms)
{
	return (double)clock_wall_ms() / 1e3 - control_rows_since(then_ms);
}

static void
format_stream_id(uint64_t id, char buf[STREAM_ID_CAP])
{
	(void)snprintf(buf, STREAM_ID_CAP, "%" PRIx64, id);
}

/* --- status -----------------------------------------------------------------
 */

static const char *
state_word(const struct supervisor *sv)
{
	switch (sv->state) {
	case SUPERVISOR_STARTING:
		return "starting";
	case SUPERVISOR_RUNNING:
		return "running";
	case SUPERVISOR_DRAINING:
		return "draining";
	case SUPERVISOR_STOPPING:
		return "stopping";
	}
	return "?";
}

/* The addresses of sockets, with blanks between. */
static void
put_addresses(
    struct ctl_out *out, const char *key, const struct listeners *listeners)
{
	char text[1024];
	size_t used = 0;
	int n;

	text[0] = '\0';
	for (size_t i = 0; i < listeners->count; i++) {
		n = snprintf(text + used, sizeof(text) - used, "%s%s",
		    i > 0 ? " " : "", listeners->items[i].text);
		if (n < 0 || (size_t)n >= sizeof(text) - used)
			break;
		used += (size_t)n;
	}
	ctl_put_text(out, key, text);
}

static uint64_t
restarts(const struct supervisor *sv)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < sv->workers.count; i++)
		sum += sv->workers.rows[i].restarts;
	return sum;
}

static void
put_status(struct supervisor *sv, struct ctl_out *out, const struct tally *t)
{
	const struct shm *shm = &sv->shm;

	ctl_row_begin(out);
	ctl_put_text(out, "version", PACKAGE_VERSION);
	ctl_put_uint(out, "pid", (uint64_t)getpid());
	ctl_put_text(out, "state", state_word(sv));
	ctl_put_number(out, "started", epoch_of(sv->started_ms));
	ctl_put_number(out, "uptime", control_rows_since(sv->started_ms));
	put_addresses(out, "listen", &sv->listeners);
	put_addresses(out, "metrics", &sv->scrape.listeners);
	ctl_put_text(out, "upstream", sv->conf->upstream_url);
	ctl_put_uint(out, "workers", worker_table_living(&sv->workers));
	ctl_put_uint(out, "workers_ready",
	    worker_table_in_state(&sv->workers, WORKER_READY));
	ctl_put_uint(out, "leaving", sv->leaving.count);
	ctl_put_uint(out, "restarts", restarts(sv));
	ctl_put_uint(out, "connections", sv->vault.tables[SOCKET_CLIENT].used);
	ctl_put_uint(
	    out, "connections_limit", sv->vault.tables[SOCKET_CLIENT].capacity);
	ctl_put_uint(out, "upstreams", sv->vault.tables[SOCKET_UPSTREAM].used);
	ctl_put_uint(out, "sessions", t->session_count);
	ctl_put_uint(out, "sessions_limit", shm->sizes.sessions);
	ctl_put_uint(out, "streams", t->stream_count);
	ctl_put_uint(out, "streams_detached", t->streams_detached);
	ctl_put_uint(out, "journal_bytes", t->blocks_used * SHM_BLOCK_SIZE);
	ctl_put_uint(
	    out, "journal_limit", (uint64_t)shm->sizes.blocks * SHM_BLOCK_SIZE);
	ctl_put_uint(out, "requests", look_counter(shm, COUNTER_REQUESTS));
	ctl_put_uint(out, "events", look_counter(shm, COUNTER_EVENTS));
	ctl_put_text(out, "log_level", log_level_name(log_get_level()));
	(void)ctl_row_end(out);
}

static enum control_step
step_status(struct control_conn *conn)
{
	struct supervisor *sv = supervisor_of(conn);
	struct rows_job *job = conn->job;

	if (!tally_step(&job->tally, &sv->shm))
		return CONTROL_STEP_MORE;
	if (job->position++ > 0)
		return control_step_done(conn, "1 row");
	ctl_rows_begin(&conn->out);
	put_status(sv, &conn->out, &job->tally);
	ctl_rows_end(&conn->out);
	return CONTROL_STEP_MORE;
}

void
control_rows_status(struct supervisor *sv, struct control_conn *conn)
{
	(void)sv;
	(void)start(conn, step_status);
}

/* --- workers ----------------------------------------------------------------
 */

static uint64_t
counter_of(const struct shm *shm, uint32_t slot, enum counter which)
{
	return atomic_load_explicit(
	    &shm->workers[slot].counters[which], memory_order_relaxed);
}

static void
put_worker(struct supervisor *sv, struct ctl_out *out,
    const struct worker_slot *w, const struct tally *t)
{
	const struct shm *shm = &sv->shm;

	ctl_put_uint(out, "slot", w->index);
	ctl_put_uint(out, "pid", (uint64_t)w->pid);
	ctl_put_uint(out, "generation", w->generation);
	ctl_put_text(out, "state", worker_slot_state_name(w->state));
	ctl_put_number(out, "started", epoch_of(w->started_ms));
	ctl_put_number(out, "uptime", control_rows_since(w->started_ms));
	ctl_put_uint(out, "restarts", w->restarts);
	ctl_put_uint(out, "connections",
	    vault_count(&sv->vault, SOCKET_CLIENT, w->index));
	ctl_put_uint(out, "upstreams",
	    vault_count(&sv->vault, SOCKET_UPSTREAM, w->index));
	ctl_put_uint(out, "sessions", t->sessions[w->index]);
	ctl_put_uint(out, "streams", t->streams[w->index]);
	ctl_put_uint(
	    out, "requests", counter_of(shm, w->index, COUNTER_REQUESTS));
	ctl_put_uint(out, "events", counter_of(shm, w->index, COUNTER_EVENTS));
}

static enum control_step
step_workers(struct control_conn *conn)
{
	struct supervisor *sv = supervisor_of(conn);
	struct rows_job *job = conn->job;

	if (!tally_step(&job->tally, &sv->shm))
		return CONTROL_STEP_MORE;
	if (job->position >= sv->workers.count)
		return control_step_done(conn, "%u workers", job->count);
	ctl_rows_begin(&conn->out);
	for (; job->position < sv->workers.count; job->position++) {
		const struct worker_slot *w = &sv->workers.rows[job->position];

		if (w->state == WORKER_EMPTY)
			continue;
		ctl_row_begin(&conn->out);
		put_worker(sv, &conn->out, w, &job->tally);
		if (!ctl_row_end(&conn->out))
			break;
		job->count++;
	}
	ctl_rows_end(&conn->out);
	return CONTROL_STEP_MORE;
}

void
control_rows_workers(struct supervisor *sv, struct control_conn *conn)
{
	(void)sv;
	(void)start(conn, step_workers);
}

/*
 * A slice of a table of the shared memory: add() makes the row of the job's
 * position, and is false where that does not fit any more.
 */
static enum control_step
step_table(struct control_conn *conn, uint32_t size,
    bool (*add)(struct control_conn *, const struct shm *, struct rows_job *),
    const char *noun)
{
	const struct shm *shm = &supervisor_of(conn)->shm;
	struct rows_job *job = conn->job;
	uint32_t left;

	if (job->position >= size)
		return control_step_done(conn, "%u %s", job->count, noun);
	ctl_rows_begin(&conn->out);
	for (left = SLICE; left > 0 && job->position < size;
	     left--, job->position++) {
		if (!add(conn, shm, job))
			break;
	}
	ctl_rows_end(&conn->out);
	return CONTROL_STEP_MORE;
}

/* --- sessions ---------------------------------------------------------------
 */

void
control_rows_put_session(struct ctl_out *out, const struct look_session *s)
{
	ctl_put_bytes(out, "id", s->id, s->id_len);
	ctl_put_text(out, "state", look_session_phase(s->phase));
	ctl_put_uint(out, "worker", s->home);
	ctl_put_number(out, "started", epoch_of(s->begun_ms));
	ctl_put_number(out, "age", control_rows_since(s->begun_ms));
	ctl_put_number(out, "idle", control_rows_since(s->used_ms));
	ctl_put_uint(out, "connections", s->connections);
	ctl_put_uint(out, "streams", s->streams);
	if (s->last_event_id[0] != '\0')
		ctl_put_text(out, "last_event_id", s->last_event_id);
	else
		ctl_put_nil(out, "last_event_id");
}

/* False where the row does not fit. */
static bool
add_session(
    struct control_conn *conn, const struct shm *shm, struct rows_job *job)
{
	struct look_session s;

	if (!look_session(shm, job->position, &s) || s.phase == SESSION_ENDED)
		return true;
	ctl_row_begin(&conn->out);
	control_rows_put_session(&conn->out, &s);
	if (!ctl_row_end(&conn->out))
		return false;
	job->count++;
	return true;
}

static enum control_step
step_sessions(struct control_conn *conn)
{
	return step_table(conn, supervisor_of(conn)->shm.sizes.sessions,
	    add_session, "sessions");
}

void
control_rows_sessions(struct supervisor *sv, struct control_conn *conn)
{
	(void)sv;
	(void)start(conn, step_sessions);
}

/* --- streams ----------------------------------------------------------------
 */

/* The id of the session that a stream names, or nil. */
static void
put_session_of(
    struct ctl_out *out, const struct shm *shm, const struct look_stream *st)
{
	uint32_t ref = st->state.session_ref;
	struct look_session s;

	if (ref != 0 && ref <= shm->sizes.sessions &&
	    look_session(shm, ref - 1, &s))
		ctl_put_bytes(out, "session", s.id, s.id_len);
	else
		ctl_put_nil(out, "session");
}

static void
put_stream(
    struct ctl_out *out, const struct shm *shm, const struct look_stream *st)
{
	const struct stream_state *state = &st->state;
	char id[STREAM_ID_CAP];

	format_stream_id(st->id, id);
	ctl_put_text(out, "id", id);
	ctl_put_uint(out, "worker", st->worker);
	put_session_of(out, shm, st);
	ctl_put_text(out, "state", look_stream_phase(state->phase));
	ctl_put_text(out, "era", look_stream_era(st->era));
	ctl_put_text(out, "role", look_stream_role(state->role));
	ctl_put_text(out, "method", look_method(st->method));
	if (state->status != 0)
		ctl_put_uint(out, "status", state->status);
	else
		ctl_put_nil(out, "status");
	ctl_put_bool(out, "events", state->events != 0);
	ctl_put_bool(out, "client", state->client_ref != 0);
	ctl_put_bool(out, "upstream", state->upstream_ref != 0);
	ctl_put_number(out, "age", control_rows_since(st->begun_ms));
	ctl_put_uint(out, "bytes", state->body_len);
	ctl_put_uint(out, "kept", state->answer.kept);
	ctl_put_uint(out, "resumes", state->resumes);
}

static bool
add_stream(
    struct control_conn *conn, const struct shm *shm, struct rows_job *job)
{
	struct look_stream st;

	if (!look_stream(shm, job->position, &st))
		return true;
	ctl_row_begin(&conn->out);
	put_stream(&conn->out, shm, &st);
	if (!ctl_row_end(&conn->out))
		return false;
	job->count++;
	return true;
}

static enum control_step
step_streams(struct control_conn *conn)
{
	return step_table(conn, supervisor_of(conn)->shm.sizes.streams,
	    add_stream, "streams");
}

void
control_rows_streams(struct supervisor *sv, struct control_conn *conn)
{
	(void)sv;
	(void)start(conn, step_streams);
}

/* --- upstreams --------------------------------------------------------------
 */

static const struct vault_table *
upstream_table(const struct control_conn *conn)
{
	return &supervisor_of(conn)->vault.tables[SOCKET_UPSTREAM];
}

/* Find out who uses which connection, one slice; true at the end. */
static bool
scan_streams(struct rows_job *job, const struct shm *shm, uint32_t upstreams)
{
	struct look_stream st;
	uint32_t left = SLICE;

	for (; left > 0 && job->position < shm->sizes.streams;
	     left--, job->position++) {
		if (look_stream(shm, job->position, &st) &&
		    st.state.upstream_ref != 0 &&
		    st.state.upstream_ref <= upstreams)
			job->streams[st.state.upstream_ref - 1] = st.id;
	}
	return job->position >= shm->sizes.streams;
}

static void
put_upstream(struct ctl_out *out, uint32_t slot,
    const struct vault_entry *entry, uint64_t stream)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(address);
	char text[ADDR_TEXT_CAP], id[STREAM_ID_CAP];

	ctl_put_uint(out, "slot", slot);
	ctl_put_uint(out, "worker", entry->worker);
	ctl_put_text(out, "state", stream != 0 ? "busy" : "idle");
	(void)getpeername(entry->fd, (struct sockaddr *)&address, &len);
	addr_format((const struct sockaddr *)&address, text, sizeof(text));
	ctl_put_text(out, "address", text);
	format_stream_id(stream, id);
	if (stream != 0)
		ctl_put_text(out, "stream", id);
	else
		ctl_put_nil(out, "stream");
}

static enum control_step
step_upstreams(struct control_conn *conn)
{
	const struct vault_table *table = upstream_table(conn);
	struct rows_job *job = conn->job;
	uint32_t left = SLICE, end = MIN(table->touched, table->capacity);

	if (!job->is_scanned) {
		job->is_scanned = scan_streams(
		    job, &supervisor_of(conn)->shm, table->capacity);
		if (job->is_scanned)
			job->position = 0;
		return CONTROL_STEP_MORE;
	}
	if (job->position >= end)
		return control_step_done(conn, "%u connections", job->count);
	ctl_rows_begin(&conn->out);
	for (; left > 0 && job->position < end; left--, job->position++) {
		if (table->entries[job->position].fd < 0)
			continue;
		ctl_row_begin(&conn->out);
		put_upstream(&conn->out, job->position,
		    &table->entries[job->position],
		    job->streams[job->position]);
		if (!ctl_row_end(&conn->out))
			break;
		job->count++;
	}
	ctl_rows_end(&conn->out);
	return CONTROL_STEP_MORE;
}

void
control_rows_upstreams(struct supervisor *sv, struct control_conn *conn)
{
	uint64_t *streams = calloc(
	    sv->vault.tables[SOCKET_UPSTREAM].capacity, sizeof(*streams));
	struct rows_job *job;

	if (streams == NULL) {
		control_conn_refuse(conn, "no memory");
		return;
	}
	job = start(conn, step_upstreams);
	if (job != NULL)
		job->streams = streams;
	else
		free(streams);
}

/* --- crashes ----------------------------------------------------------------
 */

static void
put_text_or_nil(struct ctl_out *out, const char *key, const char *text)
{
	if (text[0] != '\0')
		ctl_put_text(out, key, text);
	else
		ctl_put_nil(out, key);
}

static void
put_death(struct ctl_out *out, const struct death *d)
{
	char obituary[OBITUARY_CAP];

	obituary_format(d->wait_status, obituary, sizeof(obituary));
	ctl_put_number(out, "time", (double)d->wall_ms / 1e3);
	ctl_put_number(out, "lived", (double)d->lived_ms / 1e3);
	ctl_put_uint(out, "slot", d->slot);
	ctl_put_uint(out, "generation", d->generation);
	ctl_put_uint(out, "pid", (uint64_t)d->pid);
	ctl_put_text(out, "death", obituary);
	if (WIFSIGNALED(d->wait_status))
		ctl_put_uint(out, "signal", (uint64_t)WTERMSIG(d->wait_status));
	else
		ctl_put_nil(out, "signal");
	put_text_or_nil(out, "killed_for", deaths_kill_name(d->kill));
	ctl_put_text(out, "doing", work_task_text(d->blame.task));
	put_text_or_nil(out, "about", d->blame.about);
	put_text_or_nil(out, "trace", d->blame.trace);
	put_text_or_nil(out, "build_id", d->blame.build_id);
}

static enum control_step
step_crashes(struct control_conn *conn)
{
	const struct deaths *deaths = &supervisor_of(conn)->deaths;
	struct rows_job *job = conn->job;
	const struct death *d;

	if (job->position++ > 0)
		return control_step_done(conn, "%u of %" PRIu64 " deaths",
		    job->count, deaths->count);
	ctl_rows_begin(&conn->out);
	while ((d = deaths_newest(deaths, job->count)) != NULL) {
		ctl_row_begin(&conn->out);
		put_death(&conn->out, d);
		if (!ctl_row_end(&conn->out))
			break;
		job->count++;
	}
	ctl_rows_end(&conn->out);
	return CONTROL_STEP_MORE;
}

void
control_rows_crashes(struct supervisor *sv, struct control_conn *conn)
{
	(void)sv;
	(void)start(conn, step_crashes);
}
