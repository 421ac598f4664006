/*
 * answer.c - bytes from the upstream become records in the stream's journal.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/http_head.h"
#include "common/http_write.h"
#include "worker/answer.h"
#include "worker/client.h"
#include "worker/events.h"
#include "worker/legacy.h"
#include "worker/resume.h"

/* --- the head ----------------------------------------------------------- */

/* Bytes of an upstream's head at most. */
#define HEAD_MAX (64u * 1024u)

/*
 * Whether a body follows.  A legacy event stream without one is a stream that
 * ended before its response, however its head says so: who waits for that
 * must hear of it (DESIGN, 1), or it is resumed.
 */
static bool
has_body(const struct stream *st, const struct http_head *head)
{
	enum http_method_id asked = st->rec->method;

	return http_head_has_body(head, asked) ||
	       (st->rec->era == ERA_LEGACY && asked != HTTP_METHOD_HEAD &&
		   head->status == 200 && events_announced(head));
}

/*
 * How the body goes to the client (DESIGN, 8): a length stays; what is
 * chunked or ends with the connection becomes chunked, or for a HTTP/1.0
 * client ends with the connection.  An event stream never keeps a length,
 * for comments may have to be added to it.
 */
static enum http_framing
framing_for(const struct stream *st, const struct http_head *head, bool events)
{
	if (!has_body(st, head))
		return HTTP_FRAMING_NONE;
	if (head->content_length >= 0 && !events)
		return HTTP_FRAMING_LENGTH;
	return st->rec->minor == 0 ? HTTP_FRAMING_CLOSE : HTTP_FRAMING_CHUNKED;
}

static void
begin_body(struct stream_state *next, const struct http_head *head, bool body)
{
	if (!body)
		chunked_begin(&next->body, BODY_NONE, 0);
	else if (head->chunked)
		chunked_begin(&next->body, BODY_CHUNKED, 0);
	else if (head->content_length >= 0)
		chunked_begin(
		    &next->body, BODY_LENGTH, (uint64_t)head->content_length);
	else
		chunked_begin(&next->body, BODY_CLOSE, 0);
}

static enum http_persistence
persistence_for(const struct stream *st, enum http_framing framing)
{
	const struct client_state *cs;

	if (st->client == NULL)
		return HTTP_PERSIST_CLOSE; /* nobody will see it */
	cs = client_state(st->client);
	/*
	 * An answer that comes before the request is in leaves a body that
	 * nobody reads: the connection can't be used again.
	 */
	if (!cs->keep_alive || framing == HTTP_FRAMING_CLOSE ||
	    cs->phase != CLIENT_WAIT)
		return HTTP_PERSIST_CLOSE;
	return st->rec->minor == 0 ? HTTP_PERSIST_KEEP : HTTP_PERSIST_IMPLIED;
}

/*
 * A HEAD's or 304's Content-Length describes a body that does not follow
 * (RFC 9110, 8.6): it stays, whatever our framing.
 */
static void
describe_framing(struct http_answer_rewrite *how, const struct http_head *head)
{
	if (how->framing == HTTP_FRAMING_NONE && head->content_length >= 0 &&
	    head->status != 204) {
		how->framing = HTTP_FRAMING_LENGTH;
	}
	how->content_length = (uint64_t)MAX(head->content_length, 0);
}

/*
 * What came of a body with its head: where both go to the client as they are,
 * they do so in one record and one piece.
 */
static struct iovec
take_along(struct stream_state *next, const struct http_head *head)
{
	struct http_slice rest = head->behind;
	size_t len = next->framing == HTTP_FRAMING_LENGTH
			 ? chunked_take_plain(&next->body, rest.len)
			 : 0;

	next->body_len += len;
	return (struct iovec){ (void *)(uintptr_t)rest.p, len };
}

/* Put the client's head into the journal. */
static enum answer_verdict
write_head(
    struct stream *st, struct stream_state *next, const struct http_head *head)
{
	struct worker *w = st->w;
	struct http_answer_rewrite how = {
		.framing = next->framing,
		.persistence = persistence_for(st, next->framing),
		.event_stream = next->events,
	};
	struct iovec pieces[2];
	struct http_out out;

	describe_framing(&how, head);
	http_out_init(&out, w->scratch_out, w->scratch_size);
	if (http_answer_write(&out, head, &how) != 0)
		return ANSWER_GARBLED;
	pieces[0] = (struct iovec){ out.p, out.len };
	pieces[1] = take_along(next, head);
	if (journal_put_pieces(
		&w->arena, &next->answer, JOURNAL_HEAD, pieces, 2) != 0)
		return ANSWER_NO_MEMORY;
	return ANSWER_MORE;
}

/* The answer to a request to go on: the client's head is long sent. */
static enum answer_verdict
take_resumed(
    struct stream *st, struct stream_state *next, const struct http_head *head)
{
	enum answer_verdict verdict =
	    resume_answered(st, next, head, head->behind);

	if (verdict != ANSWER_MORE) {
		stream_log(st, LOG_LEVEL_INFO,
		    "the upstream answers the request to go on with status %u",
		    (unsigned)head->status);
		return verdict;
	}
	worker_count(st->w, COUNTER_RESUMES, 1);
	begin_body(next, head, true);
	next->up_keep = head->keep_alive && next->body.kind != BODY_CLOSE;
	return ANSWER_MORE;
}

/* A whole head: of an interim answer, or of the one that counts. */
static enum answer_verdict
take_whole_head(
    struct stream *st, struct stream_state *next, const struct http_head *head)
{
	enum answer_verdict verdict;
	bool body;

	if (head->status < 200)
		return ANSWER_MORE; /* 100 was our business, 103 is a hint */
	if (next->phase == STREAM_RESUMING)
		return take_resumed(st, next, head);
	body = has_body(st, head);
	next->status = (uint16_t)head->status;
	next->events = body && events_announced(head);
	next->framing = (uint8_t)framing_for(st, head, next->events);
	begin_body(next, head, body);
	next->up_keep = head->keep_alive && next->body.kind != BODY_CLOSE;
	next->phase = STREAM_RELAYING;
	next->cors = http_head_field(
			 head, HTTP_FIELD_ACCESS_CONTROL_ALLOW_ORIGIN) != NULL;
	legacy_note_head(st, next, head);
	verdict = write_head(st, next, head);
	/* Nothing is sent yet: there is an error to tell, and no answer. */
	if (verdict != ANSWER_MORE)
		next->phase = STREAM_WAITING;
	else if (next->resumable)
		verdict = events_begin(st, next);
	return verdict;
}

/* Bytes of a refusal's body that are waited for. */
#define REASON_MAX 512

/* Whether the head is one whose meaning stands in the body behind it. */
static bool
is_short(const struct stream_state *next, const struct http_head *head)
{
	return next->phase == STREAM_RESUMING &&
	       head->behind.len < REASON_MAX && head->status == 400 &&
	       head->content_length > (int64_t)head->behind.len;
}

/*
 * Gather a head; the fragment lies in the journal's open record.  Returns
 * how many bytes were taken.
 */
static size_t
take_head(struct stream *st, struct stream_state *next, const char *buf,
    size_t len, enum answer_verdict *ret)
{
	struct worker *w = st->w;
	struct journal *j = &next->answer;
	size_t held = j->open_ref != 0 ? j->open_len : 0;
	const char *bytes = buf;
	uint64_t before = next->body_len;
	struct http_head head;
	size_t part = len;
	int n;

	if (held > 0) {
		part = MIN(len, w->scratch_size - held);
		journal_peek_open(&w->arena, j, w->scratch);
		memcpy(w->scratch + held, buf, part);
		bytes = w->scratch;
	}
	n = http_head_take(
	    &next->scan, HTTP_SIDE_ANSWER, bytes, held + part, HEAD_MAX, &head);
	*ret = n < 0 ? ANSWER_GARBLED : ANSWER_MORE;
	if (n < 0)
		return len;
	if (n == 0 || is_short(next, &head)) {
		if (journal_open(&w->arena, j) != 0 ||
		    journal_add(&w->arena, j, buf, part) != 0)
			*ret = ANSWER_NO_MEMORY;
		return part;
	}
	journal_abandon(&w->arena, j);
	*ret = take_whole_head(st, next, &head);
	/* Of the body, what is counted was taken along. */
	return (size_t)n - held + (next->body_len - before);
}

/* --- the body ----------------------------------------------------------- */

static enum answer_verdict
add(struct stream *st, struct stream_state *next, const char *p, size_t len)
{
	if (len == 0)
		return ANSWER_MORE;
	if (journal_open(&st->w->arena, &next->answer) != 0 ||
	    journal_add(&st->w->arena, &next->answer, p, len) != 0)
		return ANSWER_NO_MEMORY;
	return ANSWER_MORE;
}

/* Finish the open record, if one is: it may be sent. */
static void
finish(struct stream *st, struct stream_state *next)
{
	if (next->answer.open_ref != 0)
		journal_finish(
		    &st->w->arena, &next->answer, JOURNAL_BODY, 0, 0);
}

/* Whether the open record ends where a block of events ends. */
static bool
is_whole(const struct stream_state *next)
{
	return next->answer.open_ref != 0 && sse_is_between(&next->sse);
}

/*
 * Where the first event that ends in these bytes does so, or len: the open
 * record is one event up to there.
 */
static size_t
first_end(struct sse sse, const char *p, size_t len)
{
	struct sse_step step;
	size_t used = 0;

	while (used < len) {
		used += sse_next(&sse, p + used, len - used, &step);
		if (step.token == SSE_DISPATCH || step.token == SSE_COMMENT)
			return used;
	}
	return len;
}

/*
 * Whether an event among these bytes is longer than stream.max_event; `held`
 * bytes of the first one came before.
 */
static bool
is_too_long(const struct stream *st, const struct stream_state *next,
    uint64_t held, const char *p, size_t len)
{
	uint64_t most = st->w->conf->stream_max_event;

	if (held + len <= most)
		return false;
	return held + first_end(next->sse, p, len) > most;
}

/*
 * Events of a stream that is not kept: whole ones may be sent, many in one
 * record; a fragment stays in the open record until its end has come.
 */
static enum answer_verdict
relay_events(
    struct stream *st, struct stream_state *next, const char *p, size_t len)
{
	bool was_whole = is_whole(next);
	uint64_t held = was_whole ? 0 : next->answer.open_len;
	enum answer_verdict verdict;
	uint32_t events;
	size_t safe;

	if (is_too_long(st, next, held, p, len))
		return ANSWER_TOO_LONG;
	safe = sse_boundary(&next->sse, p, len, &events);
	st->new_events += events;
	if (safe == 0 && was_whole)
		finish(st, next);
	verdict = add(st, next, p, safe);
	if (verdict == ANSWER_MORE && safe > 0 && safe < len)
		finish(st, next);
	if (verdict == ANSWER_MORE)
		verdict = add(st, next, p + safe, len - safe);
	return verdict;
}

/* A piece of decoded body, by what kind of body it is. */
static enum answer_verdict
take_piece(
    struct stream *st, struct stream_state *next, const char *p, size_t len)
{
	next->body_len += len;
	if (len == 0)
		return ANSWER_MORE;
	if (next->resumable)
		return events_take(st, next, p, len);
	return next->events ? relay_events(st, next, p, len)
			    : add(st, next, p, len);
}

/* The bytes of one recv() are taken: what is whole may be sent. */
static void
settle_body(struct stream *st, struct stream_state *next)
{
	if (!next->resumable && (!next->events || is_whole(next)))
		finish(st, next);
}

/* Bytes of the body.  Returns how many were taken. */
static size_t
take_body(struct stream *st, struct stream_state *next, const char *buf,
    size_t len, enum answer_verdict *ret)
{
	const char *piece;
	size_t used = 0, piece_len;
	ptrdiff_t n;

	*ret = ANSWER_MORE;
	while (
	    used < len && *ret == ANSWER_MORE && !chunked_done(&next->body)) {
		n = chunked_next(
		    &next->body, buf + used, len - used, &piece, &piece_len);
		if (n <= 0) {
			*ret = ANSWER_GARBLED;
			break;
		}
		used += (size_t)n;
		*ret = take_piece(st, next, piece, piece_len);
	}
	/* What was whole before a fault is sent; short of memory, who knows. */
	if (*ret != ANSWER_NO_MEMORY)
		settle_body(st, next);
	return used;
}

/* --- the end ------------------------------------------------------------ */

/*
 * Whether the end of the answer is a record: that of chunks is, and that of an
 * answer which is kept, for whoever fetches it may get it in chunks.
 */
static bool
ends_with_record(const struct stream_state *next)
{
	return next->framing == HTTP_FRAMING_CHUNKED || next->resumable;
}

int
answer_end(struct stream *st, struct stream_state *next, enum end_reason why)
{
	/* An event that its own end cut off is passed on as it came. */
	finish(st, next);
	if (ends_with_record(next) &&
	    journal_put(&st->w->arena, &next->answer, JOURNAL_END, "", 0) != 0)
		return -ENOMEM;
	next->phase = STREAM_ENDING;
	next->reason = (uint8_t)why;
	return 0;
}

/* The body is whole.  For a kept stream that may mean: to be continued. */
static enum answer_verdict
complete(struct stream *st, struct stream_state *next)
{
	if (next->resumable) {
		if (!legacy_is_complete(st, next))
			return ANSWER_PAUSE;
		journal_abandon(&st->w->arena, &next->answer);
	}
	return answer_end(st, next, END_ANSWERED) == 0 ? ANSWER_COMPLETE
						       : ANSWER_NO_MEMORY;
}

enum answer_verdict
answer_take(
    struct stream *st, struct stream_state *next, const char *buf, size_t len)
{
	enum answer_verdict verdict = ANSWER_MORE;
	size_t used;

	while (len > 0 && verdict == ANSWER_MORE) {
		if (next->phase == STREAM_WAITING ||
		    next->phase == STREAM_RESUMING)
			used = take_head(st, next, buf, len, &verdict);
		else
			used = take_body(st, next, buf, len, &verdict);
		/* A record may hold anything: no state may turn for ever. */
		if (used == 0 && verdict == ANSWER_MORE)
			verdict = ANSWER_GARBLED;
		buf += used;
		len -= used;
		if (verdict == ANSWER_MORE && next->phase == STREAM_RELAYING &&
		    chunked_done(&next->body))
			verdict = complete(st, next);
	}
	if (verdict == ANSWER_MORE && next->phase == STREAM_RELAYING &&
	    next->resumable)
		verdict = events_settle(st, next);
	/* Bytes that nobody asked for: what else is on its way? */
	if (len > 0)
		next->up_keep = 0;
	return verdict;
}

enum answer_verdict
answer_eof(struct stream *st, struct stream_state *next)
{
	if (next->phase != STREAM_RELAYING || next->body.kind != BODY_CLOSE)
		return ANSWER_MORE;
	next->up_keep = 0;
	return complete(st, next);
}
