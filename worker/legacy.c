/*
 * legacy.c - pausing and resuming legacy streams, and clients that leave.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/http_write.h"
#include "common/tcp_count.h"
#include "worker/client.h"
#include "worker/event.h"
#include "worker/events.h"
#include "worker/legacy.h"
#include "worker/refuse.h"
#include "worker/session.h"
#include "worker/upstream.h"
#include "worker/work.h"

/*
 * A resumed stream that stays silent while a response is due is asked again
 * after this, and after twice as long each time, up to the limit.
 */
#define WATCHDOG_MS 2000
#define WATCHDOG_MAX_MS 30000

/* No upstream is waited for longer than this, whatever it says. */
#define RETRY_AFTER_MAX_S 3600

#define RETRY_UNKNOWN UINT32_MAX
/* An upstream that wishes for 0 ms would make a loop. */
#define RETRY_MIN_MS 1

static uint32_t
any_number(void)
{
	return (uint32_t)rand() ^ (uint32_t)rand() << 16;
}

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

/* What stands in the way of going on with another connection, or NULL. */
static const char *
hindrance(const struct stream *st, const struct stream_state *ss)
{
	uint64_t most = st->w->conf->reconnect_max_attempts;
	const struct legacy_state *ls;

	if (!ss->resumable)
		return "it is not kept";
	if (ss->no_resume)
		return "the upstream does not go on with it";
	if (st->session == NULL)
		return "it belongs to no session";
	if (atomic_load(&st->session->rec->phase) != SESSION_LIVE)
		return "its session has ended";
	ls = stream_legacy(st, ss);
	if (ls->last_id_ref == 0 && ss->role != ROLE_STANDALONE)
		return "none of its events has an id of the upstream";
	return most != 0 && ls->attempts >= most
		   ? "reconnect.max_attempts is reached"
		   : NULL;
}

bool
legacy_can_resume(const struct stream *st, const struct stream_state *ss)
{
	return hindrance(st, ss) == NULL;
}

/* --- pausing ------------------------------------------------------------ */

static uint64_t
delay_ms(const struct stream *st, const struct legacy_state *ls,
    enum legacy_pause why)
{
	const struct conf *conf = st->w->conf;
	uint64_t backoff;
	struct backoff limits = {
		.initial_ms = conf->reconnect_initial_delay,
		.max_ms = conf->reconnect_max_delay,
		.jitter_permille = (uint32_t)(conf->reconnect_jitter * 1000),
	};

	if (why == PAUSE_SILENT)
		return 0;
	if (ls->retry_after_s != 0)
		return (uint64_t)ls->retry_after_s * 1000;
	backoff = backoff_delay_ms(&limits, ls->attempts, any_number());
	if (ls->retry_ms == RETRY_UNKNOWN)
		return backoff;
	/*
	 * The server's wish is obeyed to the letter (MCP 2025-11-25), and in
	 * vain attempts it is the least (WHATWG HTML 9.2.3).
	 */
	return ls->attempts == 0 ? MAX(ls->retry_ms, RETRY_MIN_MS)
				 : MAX(ls->retry_ms, backoff);
}

void
legacy_pause_state(
    struct stream *st, struct stream_state *next, enum legacy_pause why)
{
	struct legacy_state *ls = stream_legacy(st, next);

	journal_abandon(&st->w->arena, &next->answer);
	journal_clear(&st->w->arena, &ls->ask);
	next->asks = 0;
	next->upstream_ref = 0;
	/* The response has come, or none is due: there is nothing to ask. */
	if (next->resumable && next->responded && next->role == ROLE_REQUEST &&
	    answer_end(st, next, END_ANSWERED) == 0)
		return;
	if (!legacy_can_resume(st, next)) {
		stream_write_end(st, next, END_UPSTREAM_LOST);
		return;
	}
	/* A connection that was there and silent was no vain attempt. */
	if (why == PAUSE_SILENT)
		ls->attempts = 0;
	next->phase = STREAM_PAUSED;
	ls->due_ms = clock_ms() + delay_ms(st, ls, why);
	ls->retry_after_s = 0;
}

void
legacy_paused(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	const char *why;

	if (st->is_dead)
		return;
	why = hindrance(st, ss);
	if (ss->phase == STREAM_PAUSED)
		stream_log(st, LOG_LEVEL_INFO, "upstream lost; to be resumed");
	else if (ss->reason != END_ANSWERED)
		stream_log(st, LOG_LEVEL_INFO,
		    "upstream lost; it can't be resumed: %s",
		    why != NULL ? why : end_reason_text(ss->reason));
	deadline_cancel(&st->legacy->silent);
	legacy_retime(st);
	stream_recount(st);
	stream_flush(st);
}

void
legacy_pause(struct stream *st, enum legacy_pause why)
{
	struct stream_change change = stream_begin(st);

	legacy_pause_state(st, change.next, why);
	stream_commit(&change);
	if (st->upstream != NULL)
		upstream_release(st->upstream, false);
	legacy_paused(st);
}

/* --- asking to go on ---------------------------------------------------- */

struct id_search {
	uint64_t seq;
	struct event *event;
};

static bool
read_if_sought(void *context, const struct journal_view *view)
{
	struct id_search *search = context;

	if (view->record.seq == search->seq)
		event_read(*view, EVENT_ID, search->event);
	return view->record.seq < search->seq;
}

bool
legacy_last_id(struct stream *st, struct event *ret)
{
	const struct stream_state *ss = stream_state(st);
	uint64_t last_id_ref = stream_legacy(st, ss)->last_id_ref;
	struct id_search search = { last_id_ref - 1, ret };

	ret->has_id = false;
	if (last_id_ref == 0)
		return false;
	if (journal_each(&st->w->arena, &ss->answer, search.seq, read_if_sought,
		&search) != 0)
		return false;
	return ret->has_id;
}

/*
 * A request head of our own, with the fields that the session's requests
 * carry.
 */
static int
own_head(struct session *s, const char *method, const struct event *after,
    struct http_out *out)
{
	struct worker *w = s->w;
	size_t len = chain_peek(&w->arena, &RECORD_STATE(s->rec)->saved,
	    w->scratch_own, w->scratch_size / 2);

	http_out_init(
	    out, w->scratch_own + w->scratch_size / 2, w->scratch_size / 2);
	http_out_request_line(out, method, http_slice_of(w->endpoint));
	http_out_field(out, HTTP_FIELD_HOST, http_slice_of(w->upstream_host));
	http_out_bytes(out, w->scratch_own, len);
	http_out_field(out, HTTP_FIELD_ACCEPT,
	    http_slice_of("application/json, text/event-stream"));
	http_out_field(
	    out, HTTP_FIELD_ACCEPT_ENCODING, http_slice_of("identity"));
	http_out_field(
	    out, HTTP_FIELD_MCP_SESSION_ID, sessions_id(w->shm, s->slot));
	if (after != NULL && after->has_id)
		http_out_field(out, HTTP_FIELD_LAST_EVENT_ID,
		    (struct http_slice){ after->id, after->id_len });
	return http_out_end(out);
}

/* Put it into the state's own journal: 0 or -ENOMEM. */
static int
write_ask(struct stream *st, struct stream_state *next, const char *method,
    const struct event *after)
{
	struct legacy_state *ls = stream_legacy(st, next);
	struct http_out out;

	if (own_head(st->session, method, after, &out) != 0)
		return -ENOMEM;
	journal_clear(&st->w->arena, &ls->ask);
	if (journal_put(
		&st->w->arena, &ls->ask, JOURNAL_HEAD, out.p, out.len) != 0)
		return -ENOMEM;
	next->asks = 1;
	ls->ask_wire = 0;
	next->ask_framing = HTTP_FRAMING_NONE;
	return 0;
}

/* Ask the upstream to go on where the newest event ended. */
static void
resume(struct stream *st)
{
	struct stream_change change;
	struct stream_state *next;
	struct event after;

	if (!legacy_last_id(st, &after) &&
	    stream_state(st)->role != ROLE_STANDALONE) {
		/* The event with the id is not kept any more. */
		next = stream_next(st);
		next->no_resume = 1;
		RECORD_COMMIT(st->rec);
		legacy_pause(st, PAUSE_LOST);
		return;
	}
	change = stream_begin(st);
	next = change.next;
	next->phase = STREAM_RESUMING;
	stream_legacy(st, next)->attempts++;
	memset(&next->scan, 0, sizeof(next->scan));
	if (write_ask(st, next, "GET", &after) != 0) {
		next->phase = STREAM_PAUSED;
		stream_legacy(st, next)->due_ms =
		    clock_ms() + st->w->conf->reconnect_max_delay;
	}
	stream_commit(&change);
	worker_count(st->w, COUNTER_RESUME_ATTEMPTS, 1);
	if (stream_state(st)->phase == STREAM_RESUMING)
		stream_start(st);
	else
		legacy_retime(st);
}

/* Retry-After: seconds, or a date (RFC 9110, 10.2.3); 0 where absent. */
static uint32_t
retry_after_s(const struct http_head *head)
{
	struct http_slice value = http_head_value(head, HTTP_FIELD_RETRY_AFTER);
	char text[64];
	struct tm tm;
	int64_t wait;

	if (value.len == 0 || value.len >= sizeof(text))
		return 0;
	if (http_number_parse(value, &wait) != 0) {
		memcpy(text, value.p, value.len);
		text[value.len] = '\0';
		memset(&tm, 0, sizeof(tm));
		if (strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
			return 0;
		wait = timegm(&tm) - time(NULL);
	}
	return (uint32_t)MIN(MAX(wait, 0), RETRY_AFTER_MAX_S);
}

/*
 * Whether the upstream will say the same whenever it is asked: it resumes
 * nothing (405, 400), wants other credentials (401, 403), which only the
 * client has, or has nothing left (204; WHATWG HTML 9.2.3).
 */
static bool
is_final(unsigned status)
{
	return status == 405 || status == 400 || status == 401 ||
	       status == 403 || status == 204;
}

/*
 * Servers say 400 for a session that they don't know, and for an event id
 * that they don't like (PROTOCOL, 4.2): only the text tells which.
 */
static bool
is_about_session(struct http_slice text)
{
	static const char *const words[] = { "session", "not initialized" };
	uint32_t i, w;

	for (w = 0; w < ARRAY_LEN(words); w++) {
		uint32_t len = (uint32_t)strlen(words[w]);

		for (i = 0; i + len <= text.len; i++) {
			if (strncasecmp(text.p + i, words[w], len) == 0)
				return true;
		}
	}
	return false;
}

enum answer_verdict
legacy_resumed(struct stream *st, struct stream_state *next,
    const struct http_head *head, struct http_slice body)
{
	if (head->status == 200 && events_announced(head)) {
		next->phase = STREAM_RELAYING;
		if (next->resumes < UINT16_MAX)
			next->resumes++;
		sse_init(&next->sse);
		return ANSWER_MORE;
	}
	if (head->status == 404 ||
	    (head->status == 400 && is_about_session(body)))
		return ANSWER_SESSION_GONE;
	if (is_final((unsigned)head->status))
		next->no_resume = 1;
	stream_legacy(st, next)->retry_after_s = retry_after_s(head);
	return ANSWER_PAUSE;
}

/* --- timers ------------------------------------------------------------- */

static bool
waits_for_response(const struct stream *st)
{
	const struct stream_state *ss = stream_state(st);

	return ss->phase == STREAM_RELAYING && ss->resumes > 0 &&
	       ss->role == ROLE_REQUEST && !ss->responded;
}

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct stream *st = timer->data;

	(void)loop;
	(void)revents;
	work_on_stream(st, WORK_TIMER);
	if (stream_state(st)->phase == STREAM_PAUSED) {
		resume(st);
	} else if (waits_for_response(st)) {
		st->legacy->watch_ms =
		    MIN(st->legacy->watch_ms * 2, WATCHDOG_MAX_MS);
		worker_count(st->w, COUNTER_WATCHDOG_RESUMES, 1);
		legacy_pause(st, PAUSE_SILENT);
	}
}

void
legacy_retime(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	struct stream_legacy *legacy = st->legacy;
	uint64_t now, due_ms, wait_ms = 0;

	if (legacy == NULL)
		return;
	if (legacy->timer.data == NULL) {
		ev_timer_init(&legacy->timer, on_timer, 0., 0.);
		legacy->timer.data = st;
	}
	ev_timer_stop(st->w->loop, &legacy->timer);
	if (st->is_dead)
		return;
	if (ss->phase == STREAM_PAUSED) {
		now = clock_ms();
		due_ms = stream_legacy(st, ss)->due_ms;
		wait_ms = due_ms > now ? due_ms - now : 0;
	} else if (waits_for_response(st)) {
		if (legacy->events_seen != ss->answer.next_seq)
			legacy->watch_ms = WATCHDOG_MS;
		legacy->events_seen = ss->answer.next_seq;
		legacy->watch_ms = MAX(legacy->watch_ms, WATCHDOG_MS);
		wait_ms = legacy->watch_ms;
	} else {
		return;
	}
	ev_now_update(st->w->loop);
	ev_timer_set(&legacy->timer, (double)wait_ms / 1e3, 0.);
	ev_timer_start(st->w->loop, &legacy->timer);
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

/* The upstream hears or says nothing: is it still there? */
void
legacy_on_silent_due(struct deadline *d)
{
	struct stream *st = container_of(d, struct stream_legacy, silent)->st;
	const struct stream_state *ss = stream_state(st);

	work_on_stream(st, WORK_TIMER);
	if (ss->phase == STREAM_RELAYING && legacy_can_resume(st, ss)) {
		stream_log(
		    st, LOG_LEVEL_INFO, "the upstream is silent: asked anew");
		legacy_pause(st, PAUSE_SILENT);
	}
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
	legacy_retime(st);
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
	if (write_ask(st, next, "DELETE", NULL) != 0) {
		stream_drop(st, END_MEMORY_SHORT);
		return;
	}
	RECORD_COMMIT(st->rec);
	arena_settle(&s->w->arena);
	stream_start(st);
}
