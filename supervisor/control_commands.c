/*
 * control_commands.c - what the commands do.
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/control_commands.h"
#include "supervisor/control_find.h"
#include "supervisor/control_metrics.h"
#include "supervisor/control_rows.h"
#include "supervisor/control_tap.h"
#include "supervisor/control_upgrade.h"
#include "supervisor/control_wait.h"
#include "supervisor/dispatch.h"
#include "supervisor/recycle.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"

/* A session that is to end: how long, and when the worker is told again. */
#define END_WAIT_MS 10000u
#define END_AGAIN_MS 500u

/* --- one session ------------------------------------------------------------
 */

struct session_job {
	struct control_find find;
	bool is_found;
	bool is_shown;
	uint64_t begun_ms; /* of waiting for its end */
	uint64_t told_ms;
};

static enum control_step
refuse_id(
    struct control_conn *conn, const struct control_find *find, bool is_many)
{
	if (is_many)
		return control_step_refuse(
		    conn, "more than one session begins with %s", find->text);
	return control_step_refuse(conn, "there is no %s %s",
	    find->streams_too ? "session or stream" : "session", find->text);
}

/* Look for the session; *ret_found: it is there, go on. */
static enum control_step
find_session(struct control_conn *conn, struct session_job *job)
{
	const struct supervisor *sv = conn->control->context;

	switch (control_find_step(&job->find, &sv->shm)) {
	case CONTROL_FOUND_NONE:
		return refuse_id(conn, &job->find, false);
	case CONTROL_FOUND_MANY:
		return refuse_id(conn, &job->find, true);
	case CONTROL_FOUND_SESSION:
	case CONTROL_FOUND_STREAM:
		job->is_found = true;
		break;
	case CONTROL_FOUND_NOT_YET:
		break;
	}
	return CONTROL_STEP_MORE;
}

static enum control_step
step_show(struct control_conn *conn)
{
	struct session_job *job = conn->job;

	if (!job->is_found)
		return find_session(conn, job);
	if (job->is_shown)
		return control_step_done(conn, "1 session");
	ctl_rows_begin(&conn->out);
	ctl_row_begin(&conn->out);
	control_rows_put_session(&conn->out, &job->find.session);
	(void)ctl_row_end(&conn->out);
	ctl_rows_end(&conn->out);
	job->is_shown = true;
	return CONTROL_STEP_MORE;
}

/* Whether the session that was found is no longer what it was. */
static bool
has_ended(const struct shm *shm, const struct look_session *found)
{
	struct look_session now;

	return !look_session(shm, found->index, &now) ||
	       now.generation != found->generation ||
	       now.phase == SESSION_ENDED;
}

/*
 * Tell the worker that is at home; again after a while, for it may have died
 * with the message.
 */
static void
tell_home(struct supervisor *sv, struct session_job *job, uint64_t now)
{
	struct look_session s;

	if (job->told_ms != 0 && now - job->told_ms < END_AGAIN_MS)
		return;
	job->told_ms = now;
	if (look_session(&sv->shm, job->find.session.index, &s) &&
	    s.home < sv->workers.count)
		dispatch_end_session(sv, &sv->workers.rows[s.home],
		    job->find.session.index, job->find.session.generation);
}

static enum control_step
step_end(struct control_conn *conn)
{
	struct supervisor *sv = conn->control->context;
	struct session_job *job = conn->job;
	uint64_t now = clock_ms();

	if (!job->is_found)
		return find_session(conn, job);
	if (job->begun_ms == 0)
		job->begun_ms = now;
	else if (has_ended(&sv->shm, &job->find.session))
		return control_step_done(
		    conn, "session %s has ended", job->find.session.id);
	if (now - job->begun_ms > END_WAIT_MS)
		return control_step_refuse(conn,
		    "session %s: its worker has not ended it in time",
		    job->find.session.id);
	tell_home(sv, job, now);
	return CONTROL_STEP_LATER;
}

static void
begin_session(struct control_conn *conn, const char *id,
    enum control_step (*step)(struct control_conn *conn))
{
	struct session_job *job = calloc(1, sizeof(*job));

	if (job == NULL) {
		control_conn_refuse(conn, "no memory");
		return;
	}
	control_find_init(&job->find, id, false);
	control_conn_work(conn, step, job, NULL);
}

/* --- the daemon -------------------------------------------------------------
 */

static void
begin_reload(struct supervisor *sv, struct control_conn *conn)
{
	struct control_promise *promise = control_wait_begin(conn);

	if (promise != NULL)
		reload_begin(sv, control_wait_over, promise);
}

/* The slots that the argument names: 0 where it is none that we have. */
static uint64_t
parse_slots(const struct supervisor *sv, const struct ctl_request *request)
{
	const char *text = request->arguments[0];
	unsigned long slot;
	char *end;

	if (request->argument_count == 0)
		return RECYCLE_ALL;
	if (text[0] < '0' || text[0] > '9')
		return 0;
	slot = strtoul(text, &end, 10);
	return *end == '\0' && slot < sv->workers.wanted ? (uint64_t)1 << slot
							 : 0;
}

static void
begin_recycle(struct supervisor *sv, struct control_conn *conn,
    const struct ctl_request *request)
{
	uint64_t slots = parse_slots(sv, request);
	struct control_promise *promise;
	int r;

	if (slots == 0) {
		control_conn_refuse(conn,
		    "%s is no slot of a worker: there are 0 to %u",
		    request->arguments[0], sv->workers.wanted - 1);
		return;
	}
	promise = control_wait_begin(conn);
	if (promise == NULL)
		return;
	r = recycle_begin(sv, slots, control_wait_over, promise);
	if (r < 0)
		control_wait_over(promise, r,
		    r == -ENOENT      ? "there is no such worker"
		    : r == -ESHUTDOWN ? "the daemon is stopping"
				      : strerror(-r));
}

static void
drain(struct supervisor *sv, struct control_conn *conn)
{
	if (sv->state >= SUPERVISOR_DRAINING) {
		control_conn_refuse(conn, "the daemon is stopping already");
		return;
	}
	control_conn_done(conn, "draining %u connections, for %.15g s at most",
	    sv->vault.tables[SOCKET_CLIENT].used,
	    (double)sv->conf->drain_timeout / 1e3);
	supervisor_drain(sv);
}

static void
stop(struct supervisor *sv, struct control_conn *conn)
{
	control_conn_done(conn, "stopping");
	supervisor_stop(sv);
}

static void
set_log_level(
    struct supervisor *sv, struct control_conn *conn, const char *word)
{
	enum log_level level;

	if (log_level_parse(word, &level) < 0) {
		control_conn_refuse(conn,
		    "%s is no level; the levels are"
#define X(name, text, priority) " " text
		    LOG_LEVELS(X)
#undef X
			,
		    word);
		return;
	}
	log_set_level(level);
	for (uint32_t i = 0; i < sv->workers.count; i++)
		dispatch_log_level(sv, &sv->workers.rows[i], level);
	control_conn_done(conn, "logging %s and graver", word);
}

/* --- all of them ------------------------------------------------------------
 */

/* Whoever rules the daemon, or reads what others say, is noted. */
static void
note_who(const struct control_conn *conn, const struct ctl_request *request)
{
	const struct ctl_command_row *row = ctl_command_row(request->command);
	const char *argument =
	    request->argument_count > 0 ? request->arguments[0] : "";
	size_t shown = strlen(argument);

	/* A session's id is a secret. */
	if (strcmp(row->arguments, "ID") == 0)
		shown = log_id_len(shown);
	log_at(row->changes || row->form == CTL_FORM_LIVE ? LOG_LEVEL_NOTICE
							  : LOG_LEVEL_DEBUG,
	    "control: %s%s%.*s%s by uid %d, gid %d, pid %d", row->words,
	    shown > 0 ? " " : "", (int)shown, argument,
	    request->bodies ? " with bodies" : "", (int)conn->peer.uid,
	    (int)conn->peer.gid, (int)conn->peer.pid);
}

void
control_commands_run(
    void *context, struct control_conn *conn, const struct ctl_request *request)
{
	struct supervisor *sv = context;

	note_who(conn, request);
	switch (request->command) {
	case CTL_STATUS:
		control_rows_status(sv, conn);
		break;
	case CTL_WORKERS:
		control_rows_workers(sv, conn);
		break;
	case CTL_SESSIONS:
		control_rows_sessions(sv, conn);
		break;
	case CTL_SESSION_SHOW:
		begin_session(conn, request->arguments[0], step_show);
		break;
	case CTL_SESSION_END:
		begin_session(conn, request->arguments[0], step_end);
		break;
	case CTL_STREAMS:
		control_rows_streams(sv, conn);
		break;
	case CTL_UPSTREAMS:
		control_rows_upstreams(sv, conn);
		break;
	case CTL_TAP:
		control_tap(sv, conn, request);
		break;
	case CTL_RELOAD:
		begin_reload(sv, conn);
		break;
	case CTL_RECYCLE:
		begin_recycle(sv, conn, request);
		break;
	case CTL_UPGRADE:
		control_upgrade_begin(sv, conn, request->force);
		break;
	case CTL_DRAIN:
		drain(sv, conn);
		break;
	case CTL_STOP:
		stop(sv, conn);
		break;
	case CTL_LOG:
		set_log_level(sv, conn, request->arguments[0]);
		break;
	case CTL_METRICS:
		control_metrics(sv, conn);
		break;
	case CTL_CRASHES:
		control_rows_crashes(sv, conn);
		break;
	case CTL_COMMAND_COUNT:
		break; /* refused by ctl_request_decode() */
	}
}
