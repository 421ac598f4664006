/*
 * events.c - the events of a legacy stream become journal records.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "common/journal_marks.h"
#include "common/tcp_count.h"
#include "worker/client.h"
#include "worker/event.h"
#include "worker/events.h"
#include "worker/replay.h"
#include "worker/session.h"

/* What shm_header.upstream_primes says. */
enum primes { PRIMES_UNKNOWN, PRIMES_NO, PRIMES_YES };

/* What stream_state.prime_due says; done, and the upstream not yet known. */
enum prime_due { PRIME_NOT, PRIME_WAITS, PRIME_DONE };

/* --- priming ------------------------------------------------------------ */

static enum primes
upstream_primes(const struct stream *st)
{
	return atomic_load_explicit(
	    &st->w->shm->header->upstream_primes, memory_order_relaxed);
}

static void
learn(const struct stream *st, bool primes)
{
	if (upstream_primes(st) != (primes ? PRIMES_YES : PRIMES_NO))
		atomic_store_explicit(&st->w->shm->header->upstream_primes,
		    primes ? PRIMES_YES : PRIMES_NO, memory_order_relaxed);
}

/* An event without data, whose id is the place where the stream begins. */
static int
prime(struct stream *st, struct stream_state *next)
{
	static const char priming[] = "data: \n\n";
	struct arena *a = &st->w->arena;

	next->prime_due = PRIME_DONE;
	if (journal_open(a, &next->answer) != 0 ||
	    journal_add(a, &next->answer, priming, sizeof(priming) - 1) != 0)
		return -1;
	journal_finish(
	    a, &next->answer, JOURNAL_BODY, JOURNAL_MINT | JOURNAL_ONCE, 0);
	return 0;
}

bool
events_announced(const struct http_head *head)
{
	const struct http_slice none = HTTP_SLICE("identity");
	struct http_slice coding =
	    http_head_value(head, HTTP_FIELD_CONTENT_ENCODING);

	return http_media_type_is(
		   http_head_value(head, HTTP_FIELD_CONTENT_TYPE),
		   "text/event-stream") &&
	       (coding.len == 0 || http_slice_equals_nocase(coding, none));
}

enum answer_verdict
events_begin(struct stream *st, struct stream_state *next)
{
	next->rooted = 1;
	replay_make_token(st->w, st->slot, st->legacy->rec->token);
	next->prime_due = st->rec->primes &&
			  upstream_primes(st) != PRIMES_YES &&
			  jsonrpc_method(&st->legacy->rec->request) !=
			      JSONRPC_METHOD_INITIALIZE;
	return ANSWER_MORE;
}

/* --- what an event is --------------------------------------------------- */

struct id_search {
	const struct event *event;
	bool found;
};

static bool
is_same_event(void *context, const struct journal_view *view)
{
	struct id_search *search = context;
	struct event other;

	if (!(view->record.flags & JOURNAL_HAS_ID) ||
	    view->record.id_sum != search->event->id_sum)
		return true;
	event_read(*view, EVENT_ID, &other);
	search->found = other.id_len == search->event->id_len &&
			memcmp(other.id, search->event->id, other.id_len) == 0;
	return !search->found;
}

static bool
journal_has(
    const struct stream *st, const struct journal *j, const struct event *e)
{
	struct id_search search = { e, false };

	return journal_each(&st->w->arena, j, 0, is_same_event, &search) == 0 &&
	       search.found;
}

static bool
same_text(struct jsonrpc_text a, struct jsonrpc_text b)
{
	return a.len > 0 && a.len == b.len &&
	       memcmp(a.text, b.text, a.len) == 0;
}

static bool
is_response(const struct event *e)
{
	return e->has_message &&
	       (jsonrpc_kind(&e->message) == JSONRPC_RESPONSE ||
		   jsonrpc_kind(&e->message) == JSONRPC_ERROR_RESPONSE);
}

/*
 * Whether it is the response to the stream's own request.  Of a stream that
 * was resumed before we knew it the request is not known: any response ends
 * it.
 */
static bool
is_own_response(const struct stream *st, const struct stream_state *next,
    const struct event *e)
{
	const struct jsonrpc *request = &st->legacy->rec->request;
	struct jsonrpc_text asked, answered;
	enum jsonrpc_token its;

	if (!is_response(e) || jsonrpc_is_batch(request) ||
	    next->role != ROLE_REQUEST)
		return false;
	if (jsonrpc_kind(request) != JSONRPC_REQUEST)
		return true;
	its = jsonrpc_id(&e->message, &answered);
	if (jsonrpc_id(request, &asked) == JSONRPC_TOKEN_TOO_LONG)
		return its == JSONRPC_TOKEN_TOO_LONG;
	return same_text(asked, answered);
}

/* Whether it tells of the progress of another stream's request. */
static bool
is_progress_of(const struct stream *other, const struct event *e)
{
	struct jsonrpc_text token, its;

	return e->has_message &&
	       jsonrpc_method(&e->message) == JSONRPC_METHOD_PROGRESS &&
	       jsonrpc_extra(&e->message, &token) ==
		   JSONRPC_EXTRA_PROGRESS_TOKEN &&
	       jsonrpc_extra(&other->legacy->rec->request, &its) ==
		   JSONRPC_EXTRA_META_PROGRESS_TOKEN &&
	       same_text(token, its);
}

/*
 * Whether a resumed upstream stream replays what is another stream's.  A
 * widely used server replays everything (PROTOCOL, 4.2).
 */
static bool
is_foreign(const struct stream *st, const struct stream_state *next,
    const struct event *e)
{
	const struct stream *other;

	if (is_response(e) && !is_own_response(st, next, e) &&
	    (next->role == ROLE_STANDALONE ||
		!jsonrpc_is_batch(&st->legacy->rec->request)))
		return true;
	if (st->session == NULL)
		return false;
	if (e->has_id) {
		other = session_find_seen(st->session, e->id_sum);
		if (other != NULL && other != st &&
		    journal_has(other, &stream_state(other)->answer, e))
			return true;
	}
	for (other = st->session->streams; other != NULL;
	     other = other->legacy->session_next) {
		if (other != st && is_progress_of(other, e) &&
		    !is_progress_of(st, e))
			return true;
	}
	return false;
}

/* Whether the stream has had this event already. */
static bool
is_known(const struct stream *st, const struct stream_state *next,
    const struct event *e)
{
	return e->has_id && st->session != NULL &&
	       session_find_seen(st->session, e->id_sum) == st &&
	       journal_has(st, &next->answer, e);
}

/* Why an event of a resumed stream is not passed on; 0: it is. */
static enum counter
unwanted(const struct stream *st, const struct stream_state *next,
    const struct event *e)
{
	if (is_known(st, next, e))
		return COUNTER_DUPLICATES;
	if (next->responded && is_own_response(st, next, e))
		return COUNTER_DUPLICATES;
	if (is_foreign(st, next, e))
		return COUNTER_FOREIGN_EVENTS;
	return COUNTER_COUNT;
}

/* --- records ------------------------------------------------------------ */

static unsigned
flags_of(const struct event *e)
{
	if (e->has_id)
		return JOURNAL_HAS_ID;
	if (e->resets)
		return 0;
	/* Ids never stand in a block without data (PROTOCOL, 5). */
	return e->has_data ? JOURNAL_MINT : JOURNAL_ONCE;
}

/* For people: the id that the client has with this event. */
static void
note_id_for_people(
    struct stream *st, const struct event *e, unsigned flags, uint64_t seq)
{
	if (st->session == NULL)
		return;
	if (flags & JOURNAL_MINT) {
		st->legacy->minted_seq = seq;
	} else if (e->has_id && e->id_len > 0) {
		st->legacy->minted_seq = 0;
		session_note_event_id(st->session, e->id, e->id_len);
	}
}

/*
 * What has to be known of the next event.  Most notifications of a stream
 * that was never resumed need not be read to their end.
 */
static enum event_depth
depth_of(const struct stream *st, const struct stream_state *next)
{
	if (next->resumes > 0)
		return EVENT_MESSAGE;
	if (next->role != ROLE_REQUEST || next->responded ||
	    jsonrpc_is_batch(&st->legacy->rec->request))
		return EVENT_ID;
	return EVENT_RESPONSE;
}

/* Whether to pass it on, and if not, count that. */
static bool
is_wanted(const struct stream *st, const struct stream_state *next,
    const struct event *e)
{
	enum counter why;

	if (next->resumes == 0 || !e->has_data)
		return true;
	why = unwanted(st, next, e);
	if (why != COUNTER_COUNT)
		worker_count(st->w, why, 1);
	return why == COUNTER_COUNT;
}

/* What an event (or a block of comments) means that is record `seq` now. */
static void
note_event(struct stream *st, struct stream_state *next, const struct event *e,
    unsigned flags, uint64_t seq)
{
	struct legacy_state *ls = stream_legacy(st, next);

	if (e->has_data) {
		st->new_events++;
		ls->attempts = 0;
	}
	if (e->has_data && next->prime_due) {
		learn(st, e->is_empty && e->has_id);
		next->prime_due = 0;
	}
	if (e->has_id)
		ls->last_id_ref = seq + 1;
	if (e->has_id && st->session != NULL)
		session_note_seen(st->session, st, e->id_sum);
	if (e->resets)
		ls->last_id_ref = 0;
	if (is_own_response(st, next, e))
		next->responded = 1;
	note_id_for_people(st, e, flags, seq);
}

/* The open record is a whole block, which came in pieces. */
static void
finish_event(struct stream *st, struct stream_state *next)
{
	struct arena *a = &st->w->arena;
	struct journal *j = &next->answer;
	struct event e;
	unsigned flags;

	event_read(journal_open_view(a, j), depth_of(st, next), &e);
	if (!is_wanted(st, next, &e)) {
		journal_abandon(a, j);
		return;
	}
	flags = flags_of(&e);
	note_event(st, next, &e, flags, j->next_seq);
	journal_finish(a, j, JOURNAL_BODY, flags, e.id_sum);
}

static enum answer_verdict
add(struct stream *st, struct stream_state *next, const char *p, size_t len)
{
	if (len == 0)
		return ANSWER_MORE;
	if (next->answer.open_len + len > st->w->conf->stream_max_event)
		return ANSWER_TOO_LONG;
	if (journal_open(&st->w->arena, &next->answer) != 0 ||
	    journal_add(&st->w->arena, &next->answer, p, len) != 0)
		return ANSWER_NO_MEMORY;
	return ANSWER_MORE;
}

/*
 * A blank line between events means nothing and is dropped.  But the LF of a
 * CRLF that was cut behind its CR ends the event for a client that waits for
 * it, so it follows; in a replay nobody needs it.
 */
static enum answer_verdict
take_blank(struct stream *st, struct stream_state *next, const char *first)
{
	enum answer_verdict verdict;

	if (!next->ends_in_cr || *first != '\n')
		return ANSWER_MORE;
	next->ends_in_cr = 0;
	verdict = add(st, next, first, 1);
	if (verdict == ANSWER_MORE)
		journal_finish(&st->w->arena, &next->answer, JOURNAL_BODY,
		    JOURNAL_ONCE, 0);
	return verdict;
}

/*
 * Nearly all events come whole, and are taken so.  Returns how many bytes
 * that are, 0 where they have to be taken in pieces.
 */
static size_t
take_whole(struct stream *st, struct stream_state *next, const char *p,
    size_t len, enum answer_verdict *ret)
{
	struct journal *j = &next->answer;
	uint64_t seq = j->next_seq;
	struct event e;
	unsigned flags;
	size_t n;

	if (!sse_is_at_block(&next->sse) || j->open_ref != 0)
		return 0;
	n = event_read_whole(p, len, depth_of(st, next), &e);
	if (n == 0)
		return 0;
	next->ends_in_cr = 0;
	if (n > st->w->conf->stream_max_event) {
		*ret = ANSWER_TOO_LONG;
	} else if (is_wanted(st, next, &e)) {
		flags = flags_of(&e);
		if (journal_put_event(
			&st->w->arena, j, flags, e.id_sum, p, n) != 0)
			*ret = ANSWER_NO_MEMORY;
		else
			note_event(st, next, &e, flags, seq);
	}
	return n;
}

/*
 * What begins a block that is not whole yet.  Whether the upstream primes is
 * not known then; our own priming can't wait, for it can't come within.
 */
static enum answer_verdict
add_fragment(
    struct stream *st, struct stream_state *next, const char *p, size_t len)
{
	if (len == 0)
		return ANSWER_MORE;
	if (next->prime_due == PRIME_WAITS && prime(st, next) != 0)
		return ANSWER_NO_MEMORY;
	return add(st, next, p, len);
}

enum answer_verdict
events_take(
    struct stream *st, struct stream_state *next, const char *p, size_t len)
{
	enum answer_verdict verdict = ANSWER_MORE;
	size_t begun = 0, used = 0, whole;
	struct sse_step step;

	while (used < len && verdict == ANSWER_MORE) {
		whole = begun == used ? take_whole(st, next, p + used,
					    len - used, &verdict)
				      : 0;
		if (whole > 0) {
			used += whole;
			begun = used;
			continue;
		}
		used += sse_next(&next->sse, p + used, len - used, &step);
		switch (step.token) {
		case SSE_RETRY:
			/* Before a return it is waited so long (9.2.6). */
			stream_legacy(st, next)->retry_ms = step.retry_ms;
			break;
		case SSE_BLANK:
			verdict = take_blank(st, next, p + begun);
			begun = used;
			break;
		case SSE_BOM:
			/* It would spoil a field's name, as would a part. */
			journal_abandon(&st->w->arena, &next->answer);
			begun = used;
			break;
		case SSE_COMMENT:
		case SSE_DISPATCH:
			verdict = add(st, next, p + begun, used - begun);
			if (verdict == ANSWER_MORE)
				finish_event(st, next);
			next->ends_in_cr = p[used - 1] == '\r';
			begun = used;
			break;
		case SSE_MORE:
		case SSE_DATA:
		case SSE_ID:
		case SSE_EVENT:
			break;
		}
	}
	if (verdict == ANSWER_MORE)
		verdict = add_fragment(st, next, p + begun, len - begun);
	return verdict;
}

enum answer_verdict
events_settle(struct stream *st, struct stream_state *next)
{
	if (next->prime_due == PRIME_WAITS) {
		if (prime(st, next) != 0)
			return ANSWER_NO_MEMORY;
	}
	/* After a resume the SDKs' servers leave the stream open for ever. */
	if (next->responded && next->resumes > 0 &&
	    next->role == ROLE_REQUEST && next->phase == STREAM_RELAYING) {
		journal_abandon(&st->w->arena, &next->answer);
		next->up_keep = 0;
		if (answer_end(st, next, END_ANSWERED) != 0)
			return ANSWER_NO_MEMORY;
		return ANSWER_COMPLETE;
	}
	return ANSWER_MORE;
}

void
events_tell(struct stream *st)
{
	struct stream_legacy *legacy = st->legacy;
	char minted[JOURNAL_ID_MAX];

	if (st->new_events > 0) {
		worker_count(st->w, COUNTER_EVENTS, st->new_events);
		if (st->session != NULL)
			session_touch(st->session);
	}
	st->new_events = 0;
	if (legacy == NULL)
		return;
	if (legacy->minted_seq != 0 && st->session != NULL)
		session_note_event_id(st->session, minted,
		    journal_write_id(
			minted, legacy->rec->token, legacy->minted_seq));
	legacy->minted_seq = 0;
}

/*
 * The record with the upstream's newest id is needed to resume: it stays
 * while what follows it is within the limit, however large it is.
 */
static uint64_t
record_to_spare(const struct stream *st, const struct stream_state *next)
{
	uint64_t first = journal_first_seq(&st->w->arena, &next->answer);
	uint64_t last_id_ref = stream_legacy(st, next)->last_id_ref;

	return last_id_ref > first ? last_id_ref - 1 : JOURNAL_NONE;
}

/*
 * Up to a mark that the client's TCP has confirmed.  How far that is follows
 * from what was sent and is still queued: nobody else sends to it.
 */
static bool
trim_to_mark(struct stream *st, struct stream_state *next, uint64_t spared)
{
	const uint64_t limit = st->w->conf->journal_stream_limit;
	struct legacy_state *ls = stream_legacy(st, next);
	struct journal_mark acked;
	uint64_t sent = st->sent.wire + st->sent.sent, queued;

	if (st->legacy->marks == NULL ||
	    tcp_count_queued(st->client->io.fd, &queued) != 0 || queued > sent)
		return false;
	if (!journal_marks_trim(st->legacy->marks, &st->w->arena, &next->answer,
		&st->sent, sent - queued, spared, limit / 2, limit - limit / 4,
		&acked))
		return false;
	if (acked.seq > next->wire_seq)
		stream_set_start(st, next, acked.wire, acked.seq);
	ls->unacked_seq = MAX(ls->unacked_seq, next->wire_seq);
	return true;
}

void
events_trim(struct stream *st, struct stream_state *next)
{
	struct arena *a = &st->w->arena;
	struct journal_cursor *sent = st->client != NULL ? &st->sent : NULL;
	struct legacy_state *ls = stream_legacy(st, next);
	uint64_t limit = st->w->conf->journal_stream_limit;
	uint64_t before, spared;

	if (next->answer.kept <= limit)
		return;
	/* While a prelude goes out, the replay is still to come. */
	if (sent != NULL && !chain_is_empty(&ls->prelude.chain))
		return;
	ls->sent_mark.seq = 0; /* what lies before it may go */
	spared = record_to_spare(st, next);
	if (sent != NULL && trim_to_mark(st, next, spared))
		return;
	stream_forget_marks(st);
	before = journal_first_seq(a, &next->answer);
	if (sent != NULL)
		ls->unacked_seq = stream_first_unacked(st);
	/* By a good part at once: the question above is four system calls. */
	if (journal_trim(a, &next->answer, sent, spared, limit - limit / 4) ==
	    0)
		return;
	if (sent != NULL) {
		stream_set_start(st, next, sent->wire, sent->seq);
	} else if (journal_first_seq(a, &next->answer) > ls->unacked_seq &&
		   before <= ls->unacked_seq) {
		next->gap = 1;
	}
}
