/*
 * stream.c - one relayed answer, from its request's head to its last byte.
 */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/http_write.h"
#include "worker/answer.h"
#include "worker/client.h"
#include "worker/refuse.h"
#include "worker/stream.h"
#include "worker/upstream.h"

/* Sent bytes are dropped when all are sent, or this many. */
#define DROP_AT (64u * 1024u)

static const char continue_head[] = "HTTP/1.1 100 Continue\r\n\r\n";

static const struct {
	const char *word, *text;
	bool fault;
} reasons[END_REASON_COUNT] = {
#define X(name, is_fault, sentence) { #name, sentence, is_fault },
	END_REASONS(X)
#undef X
};

/* --- coming ------------------------------------------------------------- */

/* The first state; 0, or -ENOMEM. */
static int
first_state(struct worker *w, struct stream_record *rec,
    const struct stream_about *about)
{
	struct stream_state *next = RECORD_NEXT(rec);

	memset(next, 0, sizeof(*next));
	next->phase = STREAM_WAITING;
	next->wire = about->wire;
	sse_init(&next->sse);
	if (about->expects_continue)
		return journal_put(&w->arena, &next->answer, JOURNAL_HEAD,
		    continue_head, sizeof(continue_head) - 1);
	return 0;
}

static void
describe(struct client *c, struct stream_record *rec,
    const struct stream_about *about)
{
	rec->generation++;
	KILL_POINT();
	rec->client_ref = c->slot + 1;
	rec->client_generation = c->rec->generation;
	rec->request = about->request;
	rec->era = (uint8_t)about->era;
	rec->method = (uint8_t)about->method;
	rec->framing = (uint8_t)about->framing;
	rec->minor = about->minor;
	KILL_POINT();
	rec->begun_ms = clock_ms();
	rec->id = atomic_fetch_add_explicit(&c->w->shm->header->next_stream_id,
		      1, memory_order_relaxed) +
		  1;
}

struct stream *
stream_new(struct client *c, const struct stream_about *about)
{
	struct stream *st = calloc(1, sizeof(*st));
	struct worker *w = c->w;

	if (st == NULL)
		return NULL;
	if (claim_take(&w->streams, &st->slot) != 0) {
		free(st);
		return NULL;
	}
	st->w = w;
	st->client = c;
	st->rec = &w->shm->streams[st->slot];
	if (first_state(w, st->rec, about) != 0) {
		claim_give(&w->streams, st->slot);
		free(st);
		return NULL;
	}
	describe(c, st->rec, about);
	RECORD_COMMIT(st->rec);
	journal_cursor_init(
	    &st->sent, &w->arena, &stream_state(st)->answer, about->wire);
	worker_count(w, COUNTER_STREAMS_BEGUN, 1);
	return st;
}

struct stream *
stream_revive(struct client *c, uint32_t slot)
{
	struct stream *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->w = c->w;
	st->slot = slot;
	st->client = c;
	st->rec = &c->w->shm->streams[slot];
	return st;
}

/* --- waiting for the upstream's address --------------------------------- */

static void
wait_for_address(struct stream *st)
{
	struct worker *w = st->w;

	if (st->is_waiting)
		return;
	st->is_waiting = true;
	st->next_waiting = NULL;
	*w->waiting_last = st;
	w->waiting_last = &st->next_waiting;
}

static void
stop_waiting(struct stream *st)
{
	struct stream **p;
	struct worker *w = st->w;

	if (!st->is_waiting)
		return;
	st->is_waiting = false;
	for (p = &w->waiting; *p != st; p = &(*p)->next_waiting)
		;
	*p = st->next_waiting;
	if (*p == NULL)
		w->waiting_last = p;
}

void
stream_resolved(struct worker *w, const char *why)
{
	struct stream *st;

	while ((st = w->waiting) != NULL) {
		stop_waiting(st);
		if (why == NULL) {
			upstream_ask(st, false);
			continue;
		}
		stream_log(st, LOG_LEVEL_WARNING, "resolve %s: %s",
		    w->resolver.url.host, why);
		stream_fail(
		    st, HTTP_FAULT_UPSTREAM_UNKNOWN, END_UPSTREAM_UNREACHED);
	}
}

void
stream_start(struct stream *st)
{
	if (resolver_ready(&st->w->resolver))
		upstream_ask(st, false);
	else
		wait_for_address(st);
}

/* --- going on ----------------------------------------------------------- */

bool
stream_has_room(const struct stream *st)
{
	return journal_unsent(&stream_state(st)->answer, &st->sent) <
	       st->w->conf->journal_stream_limit;
}

/* Drop what is sent. */
static void
drop_sent(struct stream *st)
{
	struct stream_state *next = RECORD_BEGIN(st->rec);

	journal_drop(&st->w->arena, &next->answer, &st->sent);
	next->wire = st->sent.wire;
	RECORD_COMMIT(st->rec);
	arena_settle(&st->w->arena);
}

static void
log_end(const struct stream *st, enum end_reason why)
{
	const struct stream_state *ss = stream_state(st);
	const char *method = http_method_name(st->rec->method);
	enum log_level level =
	    reasons[why].fault ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;

	if (st->w->conf->log_access)
		level = LOG_LEVEL_INFO;
	stream_log(st, level,
	    "end reason=%s method=%s status=%u body=%" PRIu64 " ms=%" PRIu64,
	    reasons[why].word, method != NULL ? method : "other",
	    (unsigned)ss->status, ss->body_len, clock_ms() - st->rec->begun_ms);
}

/* Free the record; no committed state names it any more. */
static void
stream_free(struct stream *st, enum end_reason why)
{
	struct worker *w = st->w;
	struct stream_state *next;

	log_end(st, why);
	worker_count(w, COUNTER_STREAMS_ENDED, 1);
	stop_waiting(st);
	next = RECORD_BEGIN(st->rec);
	journal_clear(&w->arena, &next->answer);
	next->phase = STREAM_FREE;
	next->upstream_ref = 0;
	RECORD_COMMIT(st->rec);
	arena_settle(&w->arena);
	claim_give(&w->streams, st->slot);
	st->client = NULL;
	worker_bury(w, &st->grave);
}

/* The answer's last record is sent. */
static void
stream_finish(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	enum http_framing framing = ss->framing;
	enum end_reason why = ss->reason;
	struct client *c = st->client;
	bool clean;

	if (ss->break_off) {
		/* To end in order would look like the end of the answer. */
		client_close(c, why, framing == HTTP_FRAMING_CLOSE);
		return;
	}
	clean =
	    client_answered(c, st->sent.wire, framing != HTTP_FRAMING_CLOSE);
	stream_free(st, why);
	client_go_on(c, clean);
}

void
stream_progress(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	bool all_sent = journal_all_sent(&ss->answer, &st->sent);

	if (ss->phase == STREAM_ENDING && all_sent) {
		stream_finish(st);
		return;
	}
	if (st->sent.passed >= DROP_AT || (st->sent.passed > 0 && all_sent))
		drop_sent(st);
	if (st->upstream != NULL)
		upstream_rewatch(st->upstream);
}

/* --- ending ------------------------------------------------------------- */

/*
 * The end of an answer that can't be completed: an error event, so that the
 * client knows; or nothing, and the connection is broken off.
 */
static void
write_end(struct stream *st, struct stream_state *next, enum end_reason why)
{
	const struct client_state *cs = client_state(st->client);
	struct arena *a = &st->w->arena;
	char event[REFUSAL_MAX];
	size_t len = 0;
	bool tell = next->events &&
		    (st->rec->era != ERA_MODERN || why == END_EVENT_TOO_LONG);

	journal_abandon(a, &next->answer);
	next->phase = STREAM_ENDING;
	next->reason = (uint8_t)why;
	next->break_off = !tell;
	if (tell)
		len = refusal_event_write(cs, reasons[why].text, event);
	if (len > 0 &&
	    journal_put(a, &next->answer, JOURNAL_BODY, event, len) != 0)
		next->break_off = 1;
	if (next->break_off == 0 &&
	    journal_put(a, &next->answer, JOURNAL_END, "", 0) != 0)
		next->break_off = 1;
}

void
stream_note_failure(struct stream *st, struct stream_state *next,
    enum http_fault fault, enum end_reason why)
{
	if (next->phase == STREAM_RELAYING) {
		write_end(st, next, why);
		next->upstream_ref = 0;
	} else if (next->phase == STREAM_WAITING) {
		next->fault = (uint8_t)fault;
		next->reason = (uint8_t)why;
	}
}

void
stream_fail(struct stream *st, enum http_fault fault, enum end_reason why)
{
	struct client *c = st->client;
	struct stream_state *next;

	if (stream_state(st)->phase == STREAM_WAITING) {
		client_refuse(c, fault, why);
		return;
	}
	if (stream_state(st)->phase == STREAM_RELAYING) {
		next = RECORD_BEGIN(st->rec);
		stream_note_failure(st, next, fault, why);
		RECORD_COMMIT(st->rec);
		arena_settle(&st->w->arena);
	}
	if (st->upstream != NULL)
		upstream_release(st->upstream, false);
	client_flush(c);
}

void
stream_drop(struct stream *st, enum end_reason why)
{
	struct upstream *u = st->upstream;

	stream_free(st, why);
	if (u != NULL)
		upstream_release(u, false);
}

void
stream_log(const struct stream *st, enum log_level level, const char *fmt, ...)
{
	char subject[32];
	va_list ap;

	if (!log_enabled(level))
		return;
	(void)snprintf(
	    subject, sizeof(subject), "stream %" PRIx64, st->rec->id);
	va_start(ap, fmt);
	log_vwrite(level, subject, fmt, ap);
	va_end(ap);
}
