/*
 * stream.c - one relayed answer, from its request's head to its last byte.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/http_write.h"
#include "common/tcp_count.h"
#include "worker/answer.h"
#include "worker/client.h"
#include "worker/legacy.h"
#include "worker/refuse.h"
#include "worker/session.h"
#include "worker/stream.h"
#include "worker/upstream.h"
#include "worker/work.h"

/* Sent bytes are dropped when all are sent, or this many. */
#define DROP_AT (64u * 1024u)
/*
 * Unsent bytes, and no more is read: what waits for slow clients shall stay in
 * the processor's cache, and out of memory.
 */
#define UNSENT_MAX (64u * 1024u)

static const char continue_head[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* --- coming ------------------------------------------------------------- */

/* The state that every stream begins with. */
static struct stream_state *
blank_state(struct stream_record *rec)
{
	struct stream_state *next = RECORD_NEXT(rec);

	memset(next, 0, sizeof(*next));
	next->phase = STREAM_WAITING;
	next->retry_ms = UINT32_MAX;
	sse_init(&next->sse);
	return next;
}

/* The first state of a client's stream; 0, or -ENOMEM. */
static int
first_state(
    struct stream *st, struct client *c, const struct stream_about *about)
{
	struct stream_state *next = blank_state(st->rec);

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
	rec->token[0] = '\0';
	memcpy(rec->owner_sum, about->owner_sum, sizeof(rec->owner_sum));
	jsonrpc_init(&rec->request);
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

/* A record and this process's share in it; NULL: no room. */
static struct stream *
stream_alloc(struct worker *w)
{
	struct stream *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	if (take_slot(w, &st->slot) != 0) {
		free(st);
		return NULL;
	}
	st->w = w;
	st->is_settled = true;
	st->is_sound = true;
	st->rec = &w->shm->streams[st->slot];
	w->stream_of[st->slot] = st;
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
	struct stream *st = stream_alloc(w);

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
	struct stream *st = stream_alloc(s->w);
	struct stream_state *next;

	if (st == NULL)
		return NULL;
	describe(st, &about);
	next = blank_state(st->rec);
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
	st->counted_errand = true;
	st->w->errand_count++;
	deadline_set(&st->kept, &st->w->errands);
}

struct stream *
stream_revive(struct worker *w, uint32_t slot, struct client *c)
{
	struct stream *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->w = w;
	st->slot = slot;
	st->client = c;
	st->rec = &w->shm->streams[slot];
	w->stream_of[slot] = st;
	return st;
}

struct stream_change
stream_begin(struct stream *st)
{
	struct stream_change change = { st, st->w->pinned,
		RECORD_BEGIN(st->rec) };

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

struct journal_wire
stream_wire(const struct stream *st)
{
	const struct stream_state *ss = stream_state(st);

	return (struct journal_wire){
		.framing = ss->framing,
		.token = ss->resumable ? st->rec->token : NULL,
		.attach_seq = ss->attach_seq,
	};
}

const struct journal *
stream_request(const struct stream *st, struct journal_wire *ret_form,
    uint64_t *ret_dropped)
{
	const struct stream_state *ss = stream_state(st);
	const struct client_state *cs;

	memset(ret_form, 0, sizeof(*ret_form));
	ret_form->framing = ss->ask_framing;
	*ret_dropped = ss->ask_wire;
	if (ss->asks)
		return &ss->ask;
	/* It was sent whole before its client left (and perhaps returned). */
	if (st->client == NULL || ss->returned)
		return NULL;
	cs = client_state(st->client);
	ret_form->framing = st->rec->framing;
	*ret_dropped = cs->out_wire;
	return &cs->out;
}

bool
stream_prelude_is_sent(const struct stream *st)
{
	return journal_all_sent(&stream_state(st)->prelude, &st->prelude);
}

bool
stream_is_all_sent(const struct stream *st)
{
	return stream_prelude_is_sent(st) &&
	       journal_all_sent(&stream_state(st)->answer, &st->sent);
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

void
stream_forget_marks(struct stream *st)
{
	if (st->marks != NULL)
		journal_marks_clear(st->marks);
}

/* Note the way, once it is so long that it will be trimmed. */
static void
mark_sent(struct stream *st)
{
	uint64_t every = st->w->conf->journal_stream_limit / 8;

	if (st->sent.passed < every)
		return;
	if (st->marks == NULL)
		st->marks = calloc(1, sizeof(*st->marks));
	if (st->marks != NULL)
		journal_marks_note(st->marks, &st->sent, every);
}

void
stream_rewind(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	struct arena *a = &st->w->arena;

	stream_forget_marks(st);
	journal_cursor_init(&st->prelude, a, &ss->prelude, ss->wire);
	if (journal_cursor_seek(
		&st->sent, a, &ss->answer, ss->wire_seq, ss->wire) != 0)
		st->sent.seq = ss->answer.next_seq;
}

void
stream_set_start(struct stream_state *next, uint64_t wire, uint64_t seq)
{
	next->wire = wire;
	next->wire_seq = seq;
	next->sent_mark.seq = 0;
}

void
stream_mark_sent(const struct stream *st, struct stream_state *next)
{
	if (next->resumable && st->client != NULL &&
	    chain_is_empty(&next->prelude.chain))
		next->sent_mark = journal_mark(&st->sent);
}

/* Set the cursors to the mark, if that is on the way to byte `sent`. */
static bool
go_to_mark(struct stream *st, uint64_t sent)
{
	const struct stream_state *ss = stream_state(st);
	struct arena *a = &st->w->arena;

	if (ss->sent_mark.seq == 0 || sent < ss->sent_mark.wire)
		return false;
	journal_cursor_init(&st->prelude, a, &ss->prelude, ss->wire);
	return journal_cursor_resume(
		   &st->sent, a, &ss->answer, &ss->sent_mark) == 0;
}

/* Set them to where the prelude ends, or to a byte of it. */
static bool
pass_prelude(struct stream *st, uint64_t sent)
{
	const struct stream_state *ss = stream_state(st);
	struct arena *a = &st->w->arena;
	struct journal_wire form = { .framing = ss->framing };
	uint64_t len = journal_wire_len(a, &ss->prelude, &form);

	if (sent < ss->wire)
		return false;
	stream_rewind(st);
	st->sent.wire = ss->wire + len;
	return journal_advance(a, &ss->prelude, &form, &st->prelude,
		   MIN(sent - ss->wire, len)) == 0;
}

bool
stream_go_on_at(struct stream *st, uint64_t sent)
{
	const struct stream_state *ss = stream_state(st);
	struct arena *a = &st->w->arena;
	struct journal_wire form = stream_wire(st);

	if (!go_to_mark(st, sent) && !pass_prelude(st, sent))
		return false;
	if (sent >= st->sent.wire && journal_advance(a, &ss->answer, &form,
					 &st->sent, sent - st->sent.wire) != 0)
		return false;
	return journal_verify_rest(a, &ss->answer, &st->sent) == 0;
}

uint64_t
stream_first_unacked(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	struct journal_wire form = stream_wire(st);
	struct journal_cursor cur;
	struct tcp_count count;

	if (st->client == NULL)
		return ss->unacked_seq;
	if (tcp_count(st->client->io.fd, TCP_ACCEPTED, &count) != 0 ||
	    !stream_prelude_is_sent(st) ||
	    journal_cursor_find(&cur, &st->w->arena, &ss->answer, &form,
		ss->wire_seq, ss->wire, count.acked) != 0)
		/* Not known: from what was known when that was last asked. */
		return ss->unacked_seq;
	return cur.seq;
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

/* Drop what is sent and is not to be kept. */
static void
drop_sent(struct stream *st)
{
	struct stream_state *next = RECORD_BEGIN(st->rec);

	journal_drop(&st->w->arena, &next->answer, &st->sent);
	stream_set_start(next, st->sent.wire, st->sent.seq);
	RECORD_COMMIT(st->rec);
	arena_settle(&st->w->arena);
}

/* The prelude is out: the answer's records come next. */
static void
drop_prelude(struct stream *st)
{
	struct stream_state *next = RECORD_BEGIN(st->rec);

	stream_set_start(next, st->prelude.wire, next->wire_seq);
	journal_clear(&st->w->arena, &next->prelude);
	RECORD_COMMIT(st->rec);
	arena_settle(&st->w->arena);
	journal_cursor_init(
	    &st->prelude, &st->w->arena, &next->prelude, next->wire);
	st->sent.wire = next->wire;
}

void
stream_outgoing(struct stream *st, const struct journal **ret_journal,
    struct journal_cursor **ret_cursor, struct journal_wire *ret_form)
{
	*ret_form = stream_wire(st);
	if (!stream_prelude_is_sent(st)) {
		*ret_journal = &stream_state(st)->prelude;
		*ret_cursor = &st->prelude;
		ret_form->token = NULL;
		ret_form->attach_seq = 0;
		return;
	}
	if (!chain_is_empty(&stream_state(st)->prelude.chain))
		drop_prelude(st);
	*ret_journal = &stream_state(st)->answer;
	*ret_cursor = &st->sent;
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
	w->errand_count -= st->counted_errand;
	free(st->marks);
	st->marks = NULL;
	stop_waiting(st);
	if (st->timer.data != NULL)
		ev_timer_stop(w->loop, &st->timer);
	deadline_cancel(&st->kept);
	deadline_cancel(&st->quiet);
	deadline_cancel(&st->silent);
	next = RECORD_BEGIN(st->rec);
	journal_clear(&w->arena, &next->answer);
	journal_clear(&w->arena, &next->prelude);
	journal_clear(&w->arena, &next->ask);
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
	if (st->prober != NULL)
		client_probed(st->prober, PROBE_REFUSED);
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
	bool all_sent = stream_is_all_sent(st);

	if (ss->phase == STREAM_ENDING && all_sent) {
		stream_finish(st);
		return;
	}
	if (ss->resumable)
		mark_sent(st);
	else if ((st->sent.passed >= DROP_AT ||
		     (st->sent.passed > 0 && all_sent)))
		drop_sent(st);
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
	if (tell && !next->responded)
		len = refusal_event_write(
		    &st->rec->request, end_reason_text(why), event);
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
		legacy_pause_state(st, next, PAUSE_LOST);
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
		legacy_paused(st);
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
	legacy_retime(st);
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
