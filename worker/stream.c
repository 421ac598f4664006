/*
 * stream.c - one relayed answer, from its request's head to its last byte.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/http_write.h"
#include "worker/answer.h"
#include "worker/client.h"
#include "worker/legacy.h"
#include "worker/refuse.h"
#include "worker/resume.h"
#include "worker/session.h"
#include "worker/stream.h"
#include "worker/upstream.h"
#include "worker/work.h"

/*
 * Unsent bytes, and no more is read: what waits for slow clients shall stay in
 * the processor's cache, and out of memory.
 */
#define UNSENT_MAX (64u * 1024u)

static const char continue_head[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* --- coming ------------------------------------------------------------- */

/* The state that every stream begins with. */
static struct stream_state *
blank_state(struct stream *st)
{
	struct stream_state *next = RECORD_NEXT(st->rec);

	memset(next, 0, sizeof(*next));
	if (st->legacy != NULL)
		*stream_legacy(st, next) =
		    (struct legacy_state){ .retry_ms = UINT32_MAX };
	next->phase = STREAM_WAITING;
	sse_init(&next->sse);
	return next;
}

/* The first state of a client's stream; 0, or -ENOMEM. */
static int
first_state(
    struct stream *st, struct client *c, const struct stream_about *about)
{
	struct stream_state *next = blank_state(st);

	next->wire = about->wire;
	next->role = (uint8_t)about->role;
	next->client_ref = c->slot + 1;
	next->client_generation = c->rec->generation;
	next->request = about->request;
	next->session_ref =
	    about->session != NULL ? about->session->slot + 1 : 0;
	if (about->expects_continue)
		return journal_put(&st->w->arena, &next->answer, JOURNAL_HEAD,
		    continue_head, sizeof(continue_head) - 1);
	return 0;
}

static void
describe_legacy(struct legacy_record *rec, const struct stream_about *about)
{
	rec->token[0] = '\0';
	memcpy(rec->owner_sum, about->owner_sum, sizeof(rec->owner_sum));
	jsonrpc_init(&rec->request);
}

static void
describe(struct stream *st, const struct stream_about *about)
{
	struct stream_record *rec = st->rec;

	rec->generation++;
	KILL_POINT();
	rec->era = (uint8_t)about->era;
	rec->method = (uint8_t)about->method;
	rec->framing = (uint8_t)about->framing;
	rec->minor = about->minor;
	rec->primes = about->primes;
	if (st->legacy != NULL)
		describe_legacy(st->legacy->rec, about);
	KILL_POINT();
	rec->begun_ms = clock_ms();
	rec->id = atomic_fetch_add_explicit(&st->w->shm->header->next_stream_id,
		      1, memory_order_relaxed) +
		  1;
}

/*
 * A free record; where there is none, the stream that was finished or left
 * longest ago gives up its own (DESIGN, 3.5).  A record of another kind may
 * be open meanwhile.
 */
static int
take_slot(struct worker *w, uint32_t *ret_slot)
{
	int error;

	while ((error = claim_take(&w->streams, ret_slot)) != 0) {
		if (!arena_make_room(&w->arena, &w->streams))
			break;
	}
	return error;
}

struct legacy_share {
	struct stream st;
	struct stream_legacy legacy;
};

/* This process's share in a record, in one piece of memory; NULL: none. */
static struct stream *
make_share(struct worker *w, uint32_t slot, bool is_legacy)
{
	struct legacy_share *share;
	struct stream *st = calloc(1, is_legacy ? sizeof(*share) : sizeof(*st));

	if (st == NULL)
		return NULL;
	st->w = w;
	st->slot = slot;
	st->rec = &w->shm->streams[slot];
	if (is_legacy) {
		share = container_of(st, struct legacy_share, st);
		st->legacy = &share->legacy;
		st->legacy->st = st;
		st->legacy->rec = &w->shm->legacies[slot];
	}
	w->stream_of[slot] = st;
	return st;
}

/* A record and this process's share in it; NULL: no room. */
static struct stream *
stream_alloc(struct worker *w, enum stream_era era)
{
	struct stream *st;
	uint32_t slot;

	if (take_slot(w, &slot) != 0)
		return NULL;
	st = make_share(w, slot, era == ERA_LEGACY);
	if (st == NULL) {
		(void)claim_give(&w->streams, slot);
		return NULL;
	}
	st->is_settled = true;
	if (st->legacy != NULL)
		st->legacy->is_sound = true;
	return st;
}

static void
stream_unalloc(struct stream *st)
{
	st->w->stream_of[st->slot] = NULL;
	(void)claim_give(&st->w->streams, st->slot);
	free(st);
}

struct stream *
stream_new(struct client *c, const struct stream_about *about)
{
	struct worker *w = c->w;
	struct stream *st = stream_alloc(w, about->era);

	if (st == NULL)
		return NULL;
	if (first_state(st, c, about) != 0) {
		stream_unalloc(st);
		return NULL;
	}
	describe(st, about);
	RECORD_COMMIT(st->rec);
	st->client = c;
	stream_rewind(st);
	worker_count(w, COUNTER_STREAMS_BEGUN, 1);
	if (about->session != NULL)
		session_join(about->session, st);
	return st;
}

struct stream *
stream_new_errand(struct session *s)
{
	struct stream_about about = {
		.era = ERA_LEGACY,
		.method = HTTP_METHOD_DELETE,
		.minor = 1,
	};
	struct stream *st = stream_alloc(s->w, about.era);
	struct stream_state *next;

	if (st == NULL)
		return NULL;
	describe(st, &about);
	next = blank_state(st);
	next->role = ROLE_ERRAND;
	next->rooted = 1;
	next->session_ref = s->slot + 1;
	worker_count(s->w, COUNTER_STREAMS_BEGUN, 1);
	session_join(s, st);
	stream_note_errand(st);
	return st;
}

void
stream_note_errand(struct stream *st)
{
	st->legacy->counted_errand = true;
	st->w->errand_count++;
	deadline_set(&st->legacy->kept, &st->w->errands);
}

struct stream *
stream_revive(struct worker *w, uint32_t slot, struct client *c)
{
	struct stream *st =
	    make_share(w, slot, w->shm->streams[slot].era == ERA_LEGACY);

	if (st != NULL)
		st->client = c;
	return st;
}

struct stream_change
stream_begin(struct stream *st)
{
	struct stream_change change = { st, st->w->pinned, stream_next(st) };

	st->w->pinned = st;
	return change;
}

void
stream_cancel(const struct stream_change *change)
{
	change->st->w->pinned = change->outer;
}

void
stream_commit(const struct stream_change *change)
{
	RECORD_COMMIT(change->st->rec);
	arena_settle(&change->st->w->arena);
	change->st->w->pinned = change->outer;
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
		work_on_stream(st, WORK_RESOLVE);
		if (why == NULL) {
			upstream_ask(st, false);
			continue;
		}
		worker_count(w, COUNTER_FAILED_RESOLVE, 1);
		stream_log(st, LOG_LEVEL_WARNING, "resolve %s: %s",
		    w->resolver.url.host, why);
		stream_fail(
		    st, HTTP_FAULT_UPSTREAM_UNKNOWN, END_UPSTREAM_UNREACHED);
	}
}

void
stream_start(struct stream *st)
{
	st->tries = 0;
	if (resolver_ready(&st->w->resolver))
		upstream_ask(st, false);
	else
		wait_for_address(st);
}

/* --- what it is --------------------------------------------------------- */

/* What it asks the upstream itself. */
static const struct journal *
own_request(const struct stream *st, struct journal_wire *ret_form,
    uint64_t *ret_dropped)
{
	const struct stream_state *ss = stream_state(st);
	const struct legacy_state *ls = stream_legacy(st, ss);

	ret_form->framing = ss->ask_framing;
	*ret_dropped = ls->ask_wire;
	return &ls->ask;
}

const struct journal *
stream_request(const struct stream *st, struct journal_wire *ret_form,
    uint64_t *ret_dropped)
{
	const struct client_state *cs;

	memset(ret_form, 0, sizeof(*ret_form));
	*ret_dropped = 0;
	if (stream_state(st)->asks)
		return own_request(st, ret_form, ret_dropped);
	/* It was sent whole before its client left (and perhaps returned). */
	if (st->client == NULL || stream_state(st)->returned)
		return NULL;
	cs = client_state(st->client);
	ret_form->framing = st->rec->framing;
	*ret_dropped = cs->out_wire;
	return &cs->out;
}

struct jsonrpc
stream_message(const struct stream *st)
{
	struct jsonrpc none;

	if (st->legacy != NULL)
		return st->legacy->rec->request;
	if (st->client != NULL)
		return client_message(st->client);
	jsonrpc_init(&none);
	return none;
}

bool
stream_is_in_flight(const struct stream *st)
{
	const struct stream_state *ss = stream_state(st);

	return !st->is_dead && ss->role == ROLE_REQUEST && !ss->responded &&
	       st->rec->method == HTTP_METHOD_POST &&
	       ss->phase != STREAM_ENDING && ss->phase != STREAM_FREE;
}

bool
stream_is_abandoned(const struct stream *st)
{
	const struct stream_state *ss = stream_state(st);

	return st->client == NULL && !ss->resumable &&
	       ss->phase != STREAM_WAITING;
}

/* --- going on ----------------------------------------------------------- */

bool
stream_has_room(const struct stream *st)
{
	/* Nobody waits: what is too much is trimmed. */
	if (st->client == NULL)
		return true;
	return journal_unsent(&stream_state(st)->answer, &st->sent) <
	       MIN(st->w->conf->journal_stream_limit, UNSENT_MAX);
}

static void
note_end(struct stream *st, enum end_reason why)
{
	if (st->is_logged)
		return;
	st->is_logged = true;
	worker_count(st->w, COUNTER_STREAMS_ENDED + why, 1);
	report_stream(st, why);
}

/* What runs and waits for a legacy stream, and what is its own. */
static void
let_go_legacy(struct stream_legacy *legacy)
{
	struct worker *w = legacy->st->w;

	w->errand_count -= legacy->counted_errand;
	free(legacy->marks);
	legacy->marks = NULL;
	if (legacy->timer.data != NULL)
		ev_timer_stop(w->loop, &legacy->timer);
	deadline_cancel(&legacy->kept);
	deadline_cancel(&legacy->quiet);
	deadline_cancel(&legacy->silent);
}

static void
clear_legacy(struct arena *a, struct legacy_state *next)
{
	journal_clear(a, &next->prelude);
	journal_clear(a, &next->ask);
}

/* Free the record; no committed state names it any more. */
static void
stream_free(struct stream *st, enum end_reason why)
{
	struct worker *w = st->w;
	struct stream_state *next;

	if (st->is_dead)
		return;
	note_end(st, why);
	st->is_dead = true;
	stop_waiting(st);
	next = stream_next(st);
	journal_clear(&w->arena, &next->answer);
	if (st->legacy != NULL) {
		let_go_legacy(st->legacy);
		clear_legacy(&w->arena, stream_legacy(st, next));
	}
	next->phase = STREAM_FREE;
	next->rooted = 0;
	next->upstream_ref = 0;
	RECORD_COMMIT(st->rec);
	arena_settle(&w->arena);
	w->stream_of[st->slot] = NULL;
	(void)claim_give(&w->streams, st->slot);
	st->client = NULL;
	if (st->session != NULL)
		session_leave(st->session, st);
	worker_bury(w, &st->grave);
	if (st->legacy != NULL && st->legacy->prober != NULL)
		client_probed(st->legacy->prober, PROBE_REFUSED);
}

void
stream_discard(struct stream *st)
{
	if (st != NULL && st->legacy != NULL)
		free(st->legacy->marks);
	free(st);
}

/* The answer's last record is sent. */
static void
stream_finish(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	enum http_framing framing = ss->framing;
	enum end_reason why = ss->reason;
	struct client *c = st->client;
	uint64_t wire = st->sent.wire;
	bool clean, kept;

	if (ss->break_off) {
		/* To end in order would look like the end of the answer. */
		client_close(c, why, framing == HTTP_FRAMING_CLOSE);
		return;
	}
	note_end(st, why);
	/* The client's word first: a kept stream is rooted all along. */
	clean = client_answered(c, wire, framing != HTTP_FRAMING_CLOSE);
	kept = legacy_keep_finished(st);
	st->client = NULL;
	if (kept)
		stream_recount(st);
	else
		stream_free(st, why);
	client_go_on(c, clean);
}

void
stream_progress(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);

	if (ss->phase == STREAM_ENDING && stream_is_all_sent(st)) {
		stream_finish(st);
		return;
	}
	stream_drop_sent(st);
	if (st->upstream != NULL)
		upstream_rewatch(st->upstream);
}

void
stream_flush(struct stream *st)
{
	if (st->is_dead)
		return;
	if (st->client != NULL)
		client_flush(st->client);
	else if (st->upstream != NULL)
		upstream_rewatch(st->upstream);
}

/* --- ending ------------------------------------------------------------- */

/*
 * An event of our own.  On a kept stream it has an id, so that a client that
 * comes back after it finds that nothing is left, and doesn't come for ever
 * (PROTOCOL, 4.1).
 */
static int
put_event(
    struct stream *st, struct stream_state *next, const char *event, size_t len)
{
	struct arena *a = &st->w->arena;

	if (journal_open(a, &next->answer) != 0)
		return -ENOMEM;
	if (journal_add(a, &next->answer, event, len) != 0) {
		journal_abandon(a, &next->answer);
		return -ENOMEM;
	}
	journal_finish(a, &next->answer, JOURNAL_BODY,
	    next->resumable ? JOURNAL_MINT : 0, 0);
	return 0;
}

void
stream_write_end(
    struct stream *st, struct stream_state *next, enum end_reason why)
{
	struct arena *a = &st->w->arena;
	struct jsonrpc request;
	char event[REFUSAL_MAX];
	size_t len = 0;
	bool tell = next->events &&
		    (st->rec->era != ERA_MODERN || why == END_EVENT_TOO_LONG);

	journal_abandon(a, &next->answer);
	next->phase = STREAM_ENDING;
	next->reason = (uint8_t)why;
	next->upstream_ref = 0;
	next->break_off = !tell;
	legacy_note_request(st);
	if (tell && !next->responded) {
		request = stream_message(st);
		len =
		    refusal_event_write(&request, end_reason_text(why), event);
	}
	if (len > 0 && put_event(st, next, event, len) != 0)
		next->break_off = 1;
	if (next->break_off == 0 &&
	    journal_put(a, &next->answer, JOURNAL_END, "", 0) != 0)
		next->break_off = 1;
}

/* Whether a stream in this state may go on with another connection. */
static bool
is_worth_a_pause(const struct stream_state *ss, enum end_reason why)
{
	return ss->phase == STREAM_RESUMING ||
	       (ss->phase == STREAM_RELAYING && ss->resumable &&
		   (why == END_UPSTREAM_LOST || why == END_UPSTREAM_GARBLED ||
		       why == END_RECORD_BROKEN));
}

void
stream_note_failure(struct stream *st, struct stream_state *next,
    enum http_fault fault, enum end_reason why)
{
	if (next->phase == STREAM_WAITING) {
		next->fault = (uint8_t)fault;
		next->reason = (uint8_t)why;
	} else if (is_worth_a_pause(next, why)) {
		resume_pause_state(st, next, PAUSE_LOST);
	} else if (next->phase == STREAM_RELAYING) {
		stream_write_end(st, next, why);
	}
}

void
stream_fail(struct stream *st, enum http_fault fault, enum end_reason why)
{
	uint8_t phase = stream_state(st)->phase;
	struct stream_change change;

	if (phase == STREAM_WAITING) {
		if (st->client != NULL)
			client_refuse(st->client, fault, why);
		else
			stream_drop(st, why);
		return;
	}
	if (phase == STREAM_RELAYING || phase == STREAM_RESUMING) {
		change = stream_begin(st);
		stream_note_failure(st, change.next, fault, why);
		stream_commit(&change);
	}
	if (st->upstream != NULL)
		upstream_release(st->upstream, false);
	if (stream_state(st)->phase == STREAM_PAUSED)
		resume_paused(st);
	stream_recount(st);
	stream_flush(st);
}

void
stream_cut(struct stream *st, enum http_fault fault, enum end_reason why)
{
	uint8_t phase = stream_state(st)->phase;
	struct stream_change change;

	if (phase == STREAM_WAITING) {
		stream_fail(st, fault, why);
		return;
	}
	if (st->client == NULL) {
		stream_drop(st, why);
		return;
	}
	if (phase == STREAM_ENDING) {
		client_close(st->client, why, true);
		return;
	}
	change = stream_begin(st);
	stream_write_end(st, change.next, why);
	stream_commit(&change);
	if (st->upstream != NULL)
		upstream_release(st->upstream, false);
	resume_retime(st);
	stream_flush(st);
}

void
stream_drop(struct stream *st, enum end_reason why)
{
	struct upstream *u = st->upstream;

	stream_free(st, why);
	if (u != NULL)
		upstream_release(u, false);
}
