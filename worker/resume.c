/*
 * resume.c - when a kept stream is paused, and how the upstream is asked to go
 * on with it.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/backoff.h"
#include "common/clock.h"
#include "worker/ask.h"
#include "worker/event.h"
#include "worker/events.h"
#include "worker/resume.h"
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
resume_is_possible(const struct stream *st, const struct stream_state *ss)
{
	return hindrance(st, ss) == NULL;
}

/* --- pausing ------------------------------------------------------------ */

static uint64_t
delay_ms(const struct stream *st, const struct legacy_state *ls,
    enum resume_pause_why why)
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
resume_pause_state(
    struct stream *st, struct stream_state *next, enum resume_pause_why why)
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
	if (!resume_is_possible(st, next)) {
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
resume_paused(struct stream *st)
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
	resume_retime(st);
	stream_recount(st);
	stream_flush(st);
}

void
resume_pause(struct stream *st, enum resume_pause_why why)
{
	struct stream_change change = stream_begin(st);

	resume_pause_state(st, change.next, why);
	stream_commit(&change);
	if (st->upstream != NULL)
		upstream_release(st->upstream, false);
	resume_paused(st);
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
resume_last_id(struct stream *st, struct event *ret)
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

/* Ask the upstream to go on where the newest event ended. */
static void
ask_to_go_on(struct stream *st)
{
	struct stream_change change;
	struct stream_state *next;
	struct event after;

	if (!resume_last_id(st, &after) &&
	    stream_state(st)->role != ROLE_STANDALONE) {
		/* The event with the id is not kept any more. */
		next = stream_next(st);
		next->no_resume = 1;
		RECORD_COMMIT(st->rec);
		resume_pause(st, PAUSE_LOST);
		return;
	}
	change = stream_begin(st);
	next = change.next;
	next->phase = STREAM_RESUMING;
	stream_legacy(st, next)->attempts++;
	memset(&next->scan, 0, sizeof(next->scan));
	if (ask_write(st, next, "GET", &after) != 0) {
		next->phase = STREAM_PAUSED;
		stream_legacy(st, next)->due_ms =
		    clock_ms() + st->w->conf->reconnect_max_delay;
	}
	stream_commit(&change);
	worker_count(st->w, COUNTER_RESUME_ATTEMPTS, 1);
	if (stream_state(st)->phase == STREAM_RESUMING)
		stream_start(st);
	else
		resume_retime(st);
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
resume_answered(struct stream *st, struct stream_state *next,
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
		ask_to_go_on(st);
	} else if (waits_for_response(st)) {
		st->legacy->watch_ms =
		    MIN(st->legacy->watch_ms * 2, WATCHDOG_MAX_MS);
		worker_count(st->w, COUNTER_WATCHDOG_RESUMES, 1);
		resume_pause(st, PAUSE_SILENT);
	}
}

void
resume_retime(struct stream *st)
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

/* The upstream hears or says nothing: is it still there? */
void
resume_on_silent_due(struct deadline *d)
{
	struct stream *st = container_of(d, struct stream_legacy, silent)->st;
	const struct stream_state *ss = stream_state(st);

	work_on_stream(st, WORK_TIMER);
	if (ss->phase == STREAM_RELAYING && resume_is_possible(st, ss)) {
		stream_log(
		    st, LOG_LEVEL_INFO, "the upstream is silent: asked anew");
		resume_pause(st, PAUSE_SILENT);
	}
}
