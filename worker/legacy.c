/*
 * legacy.c - what legacy streams mean for their clients and sessions: who
 * leaves, what is kept, what a request and an answer say of both.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/tcp_count.h"
#include "worker/ask.h"
#include "worker/client.h"
#include "worker/event.h"
#include "worker/events.h"
#include "worker/legacy.h"
#include "worker/resume.h"
#include "worker/session.h"
#include "worker/upstream.h"
#include "worker/work.h"

bool
legacy_is_complete(const struct stream *st, const struct stream_state *ss)
{
	if (ss->responded || jsonrpc_is_batch(&st->legacy->rec->request))
		return true;
	/* What is not a request has nothing to wait for. */
	return ss->role == ROLE_REQUEST &&
	       jsonrpc_is_complete(&st->legacy->rec->request) &&
	       jsonrpc_kind(&st->legacy->rec->request) != JSONRPC_REQUEST;
}

/* A client that hears nothing: a comment keeps its connection warm. */
void
legacy_on_quiet_due(struct deadline *d)
{
	struct stream *st = container_of(d, struct stream_legacy, quiet)->st;
	const struct stream_state *ss = stream_state(st);
	struct stream_state *next;
	uint64_t unacked;

	work_on_stream(st, WORK_TIMER);
	if (st->client == NULL || ss->phase == STREAM_ENDING)
		return;
	deadline_set(d, &st->w->stream_quiet);
	if (st->client->is_blocked || !stream_is_all_sent(st))
		return;
	unacked = stream_legacy(st, ss)->unacked_seq;
	if (unacked < st->sent.seq)
		unacked = stream_first_unacked(st);
	next = stream_next(st);
	stream_legacy(st, next)->unacked_seq = unacked;
	/* What was sent of the notes is counted into the start. */
	stream_set_start(st, next, st->sent.wire + st->sent.sent, st->sent.seq);
	next->answer.notes = 1;
	RECORD_COMMIT(st->rec);
	st->sent.wire = next->wire;
	st->sent.sent = 0;
	/* From before it the way here can't be counted any more. */
	stream_forget_marks(st);
	worker_count(st->w, COUNTER_COMMENTS, 1);
	client_flush(st->client);
}

/* The newest one counts; older ones are kept for their clients. */
static void
note_standalone(struct stream *st)
{
	struct session *s = st->session;

	if (s->standalone == NULL || s->standalone->rec->id < st->rec->id)
		s->standalone = st;
}

void
legacy_adopted(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);

	if (st->legacy == NULL)
		return;
	/* While its client is there, the request is noted again. */
	st->legacy->has_request = st->client == NULL;
	if (st->session != NULL && ss->role == ROLE_STANDALONE && ss->resumable)
		note_standalone(st);
	if (ss->resumable && st->client != NULL)
		deadline_set(&st->legacy->quiet, &st->w->stream_quiet);
	if (ss->resumable && ss->phase == STREAM_RELAYING)
		deadline_set(&st->legacy->silent, &st->w->stream_silent);
	st->legacy->events_seen = ss->answer.next_seq;
	resume_retime(st);
}

/* --- clients that leave ------------------------------------------------- */

void
legacy_let_client_go(struct stream *st, struct stream_state *next)
{
	struct legacy_state *ls = stream_legacy(st, next);

	next->client_ref = 0;
	next->rooted = 1;
	next->answer.notes = 0;
	ls->left_ms = clock_ms();
	journal_clear(&st->w->arena, &ls->prelude);
}

void
legacy_take_request_along(struct stream *st, struct stream_state *next)
{
	const struct client_state *cs = client_state(st->client);
	struct legacy_state *ls = stream_legacy(st, next);

	if (next->asks || stream_state(st)->returned ||
	    journal_all_sent(&cs->out, &st->asked))
		return;
	ls->ask = cs->out;
	ls->ask_wire = cs->out_wire;
	next->ask_framing = st->rec->framing;
	next->asks = 1;
	st->client->request_taken = true;
}

bool
legacy_detach(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	struct stream_state *next;
	struct worker *w = st->w;

	if (st->legacy == NULL || w->orphaned ||
	    w->conf->stream_detach_timeout == 0 ||
	    client_state(st->client)->phase != CLIENT_WAIT ||
	    (!ss->resumable && ss->phase != STREAM_WAITING) ||
	    (ss->phase == STREAM_WAITING && ss->role == ROLE_STANDALONE))
		return false;
	legacy_note_request(st);
	next = stream_next(st);
	stream_legacy(st, next)->unacked_seq = stream_first_unacked(st);
	legacy_let_client_go(st, next);
	legacy_take_request_along(st, next);
	RECORD_COMMIT(st->rec);
	arena_settle(&w->arena);
	st->client = NULL;
	worker_count(w, COUNTER_DETACHES, 1);
	stream_log(st, LOG_LEVEL_INFO, "its client has left; kept");
	deadline_cancel(&st->legacy->quiet);
	deadline_set(&st->legacy->kept, &w->stream_detach);
	stream_recount(st);
	if (st->upstream != NULL)
		upstream_rewatch(st->upstream);
	return true;
}

bool
legacy_keep_finished(struct stream *st)
{
	struct stream_state *next;
	struct worker *w = st->w;

	if (!stream_state(st)->resumable || w->draining || w->orphaned ||
	    w->conf->stream_detach_timeout == 0)
		return false;
	next = stream_next(st);
	stream_legacy(st, next)->unacked_seq = next->answer.next_seq;
	legacy_let_client_go(st, next);
	RECORD_COMMIT(st->rec);
	arena_settle(&w->arena);
	deadline_cancel(&st->legacy->quiet);
	deadline_set(&st->legacy->kept, &w->stream_detach);
	return true;
}

void
legacy_on_detach_due(struct deadline *d)
{
	struct stream *st = container_of(d, struct stream_legacy, kept)->st;

	work_on_stream(st, WORK_TIMER);
	if (st->client == NULL)
		stream_drop(st, stream_state(st)->phase == STREAM_ENDING
				    ? stream_state(st)->reason
				    : END_NOT_RETURNED);
}

void
legacy_on_errand_due(struct deadline *d)
{
	struct stream *st = container_of(d, struct stream_legacy, kept)->st;

	work_on_stream(st, WORK_TIMER);
	stream_drop(st, END_UPSTREAM_SILENT);
}

/* --- requests ----------------------------------------------------------- */

/* The stream of the session that carries this request. */
static struct stream *
find_request(struct session *s, struct jsonrpc_text id)
{
	struct jsonrpc_text its;
	struct stream *st;

	for (st = s->streams; st != NULL; st = st->legacy->session_next) {
		if (jsonrpc_kind(&st->legacy->rec->request) != JSONRPC_REQUEST)
			continue;
		(void)jsonrpc_id(&st->legacy->rec->request, &its);
		if (its.len == id.len &&
		    memcmp(its.text, id.text, id.len) == 0 &&
		    !stream_state(st)->responded)
			return st;
	}
	return NULL;
}

/* After a cancellation no response is due (MCP, basic/utilities). */
static void
cancel(struct stream *by)
{
	struct jsonrpc_text id;
	struct stream_state *next;
	struct stream *st;

	if (by->session == NULL ||
	    jsonrpc_method(&by->legacy->rec->request) !=
		JSONRPC_METHOD_CANCELLED ||
	    jsonrpc_extra(&by->legacy->rec->request, &id) !=
		JSONRPC_EXTRA_REQUEST_ID ||
	    id.len == 0)
		return;
	st = find_request(by->session, id);
	if (st == NULL)
		return;
	next = stream_next(st);
	next->responded = 1;
	RECORD_COMMIT(st->rec);
	stream_recount(st);
	/* Nobody comes back for it. */
	if (st->client == NULL)
		deadline_set(&st->legacy->kept, &st->w->stream_detach);
}

void
legacy_note_request(struct stream *st)
{
	const struct client_state *cs;

	if (st->legacy == NULL || st->legacy->has_request || st->client == NULL)
		return;
	cs = client_state(st->client);
	if (cs->phase != CLIENT_WAIT || cs->method != HTTP_METHOD_POST)
		return;
	st->legacy->has_request = true;
	st->legacy->rec->request = client_message(st->client);
	cancel(st);
	stream_recount(st);
}

/* --- heads of answers --------------------------------------------------- */

struct first_record {
	char *buf;
	size_t cap, len;
};

static bool
copy_first(void *context, const struct journal_view *view)
{
	struct first_record *first = context;
	struct journal_view at = *view;
	uint32_t left = at.record.len, len;
	const char *p;

	while (at.record.len <= first->cap &&
	       (p = journal_piece(&at, &left, &len)) != NULL) {
		memcpy(first->buf + first->len, p, len);
		first->len += len;
	}
	return false;
}

/* Keep what the request that began a session carried. */
static void
save_first_fields(struct session *s, const struct stream *st)
{
	struct worker *w = st->w;
	struct first_record first = { w->scratch_in, w->scratch_size, 0 };
	struct http_head head;

	if (st->client == NULL || client_state(st->client)->out_wire != 0 ||
	    journal_each(&w->arena, &client_state(st->client)->out, 0,
		copy_first, &first) != 0 ||
	    http_head_scan_request(first.buf, first.len, first.cap, &head) <= 0)
		return;
	session_save_fields(s, &head);
}

/* The answer to initialize names a session: it lives here from now on. */
static void
begin_session(
    struct stream *st, struct stream_state *next, struct http_slice id)
{
	struct worker *w = st->w;
	struct session *s = NULL;
	uint32_t home;

	if (session_find(w, id, &s, &home) != SESSION_IS_HERE)
		s = session_new(w, id, SESSION_LIVE);
	if (s == NULL)
		return;
	save_first_fields(s, st);
	next->session_ref = s->slot + 1;
	session_join(s, st);
}

void
legacy_note_head(
    struct stream *st, struct stream_state *next, const struct http_head *head)
{
	struct http_slice id = http_head_value(head, HTTP_FIELD_MCP_SESSION_ID);
	uint32_t mark;

	if (st->legacy == NULL || next->role == ROLE_ERRAND)
		return;
	next->resumable = next->events && head->status == 200;
	if (next->role == ROLE_STANDALONE && !next->resumable)
		next->role = ROLE_REQUEST;
	if (id.len == 0 || st->session != NULL || head->status >= 300)
		return;
	mark = arena_hold(&st->w->arena);
	begin_session(st, next, id);
	arena_unhold(&st->w->arena, mark);
}

void
legacy_observe(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	struct session *s = st->session;

	if (st->legacy == NULL)
		return;
	if (st->legacy->prober != NULL && ss->status != 0) {
		struct client *c = st->legacy->prober;

		st->legacy->prober = NULL;
		client_probed(
		    c, ss->status < 300 ? PROBE_ACCEPTED : PROBE_REFUSED);
		return;
	}
	if (s == NULL || st->legacy->is_observed || ss->status == 0 ||
	    ss->role == ROLE_ERRAND)
		return;
	st->legacy->is_observed = true;
	if (ss->status < 300)
		session_confirm(s);
	if (ss->role == ROLE_STANDALONE && ss->resumable)
		note_standalone(st);
	if (ss->status == 404)
		session_end(s, END_SESSION_LOST, false);
	else if (st->rec->method == HTTP_METHOD_DELETE && ss->status < 300)
		session_end(s, END_SESSION_DELETED, false);
}

/* --- the end of a session ----------------------------------------------- */

void
legacy_session_ended(struct stream *st, enum end_reason why)
{
	/* Else its own answer is under way, or all there. */
	if (stream_state(st)->events &&
	    stream_state(st)->phase != STREAM_ENDING)
		stream_cut(st, HTTP_FAULT_SESSION_ENDED, why);
}

void
legacy_tell_end(struct session *s)
{
	struct stream *st;
	struct stream_state *next;

	st = stream_new_errand(s);
	if (st == NULL)
		return;
	next = RECORD_NEXT(st->rec);
	if (ask_write(st, next, "DELETE", NULL) != 0) {
		stream_drop(st, END_MEMORY_SHORT);
		return;
	}
	RECORD_COMMIT(st->rec);
	arena_settle(&s->w->arena);
	stream_start(st);
}
