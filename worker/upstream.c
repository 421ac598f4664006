/*
 * upstream.c - connections to the upstream: the request goes out, the answer
 * comes in, and at the end, in this order: the commit that names the
 * connection no more, shutdown, UNPARK, CLOSED, close.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/tcp_count.h"
#include "worker/answer.h"
#include "worker/client.h"
#include "worker/events.h"
#include "worker/legacy.h"
#include "worker/resume.h"
#include "worker/send.h"
#include "worker/session.h"
#include "worker/upstream.h"
#include "worker/work.h"

#define IOV_CAP 64

/* --- lists -------------------------------------------------------------- */

static void
list_push(struct upstream **head, struct upstream *u)
{
	u->prev = NULL;
	u->next = *head;
	if (u->next != NULL)
		u->next->prev = u;
	*head = u;
}

static void
list_remove(struct upstream **head, struct upstream *u)
{
	if (u->prev != NULL)
		u->prev->next = u->next;
	else
		*head = u->next;
	if (u->next != NULL)
		u->next->prev = u->prev;
	u->next = NULL;
	u->prev = NULL;
}

void
upstream_set_state(struct upstream *u, enum upstream_state to)
{
	struct worker *w = u->w;

	if (u->state == UPSTREAM_PARKING)
		list_remove(&w->parking, u);
	if (u->state == UPSTREAM_IDLE) {
		list_remove(&w->idle, u);
		w->idle_count--;
	}
	u->state = (uint8_t)to;
	if (to == UPSTREAM_PARKING)
		list_push(&w->parking, u);
	if (to == UPSTREAM_IDLE) {
		list_push(&w->idle, u);
		w->idle_count++;
	}
}

/* --- watching ----------------------------------------------------------- */

static bool
has_request_left(const struct upstream *u)
{
	struct journal_wire form;
	uint64_t dropped;
	const struct journal *request =
	    stream_request(u->stream, &form, &dropped);

	return request != NULL && !journal_all_sent(request, &u->stream->asked);
}

static int
wanted_events(const struct upstream *u)
{
	int events = 0;

	switch ((enum upstream_state)u->state) {
	case UPSTREAM_CONNECTING:
		return EV_WRITE;
	case UPSTREAM_BUSY:
		if (stream_has_room(u->stream))
			events |= EV_READ;
		if (u->is_blocked)
			events |= EV_WRITE;
		return events;
	case UPSTREAM_IDLE:
		return EV_READ; /* to notice that it was closed */
	case UPSTREAM_PARKING:
	case UPSTREAM_CLOSING:
		break;
	}
	return 0;
}

void
upstream_rewatch(struct upstream *u)
{
	int events = wanted_events(u);

	if ((u->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(u->w->loop, &u->io);
	ev_io_set(&u->io, u->io.fd, events);
	if (events != 0)
		ev_io_start(u->w->loop, &u->io);
}

/* --- closing ------------------------------------------------------------ */

static void
upstream_free(struct upstream *u)
{
	struct worker *w = u->w;
	int fd = u->io.fd;

	fd_close(&fd);
	w->upstream_of[u->slot] = NULL;
	claim_give(&w->upstreams, u->slot);
	worker_bury(w, &u->grave);
}

void
upstream_close(struct upstream *u)
{
	struct msg m;

	if (u->state == UPSTREAM_CLOSING)
		return;
	upstream_set_state(u, UPSTREAM_CLOSING);
	if (u->stream != NULL)
		u->stream->upstream = NULL;
	u->stream = NULL;
	deadline_cancel(&u->deadline);
	upstream_rewatch(u);
	(void)shutdown(u->io.fd, SHUT_RDWR);
	KILL_POINT();
	msg_init(&m, MSG_UNPARK);
	m.body.UNPARK.slot = u->slot;
	m.body.UNPARK.generation = u->rec->generation;
	if (channel_send(&u->w->channel, &m, -1) == 0)
		upstream_free(u);
}

void
upstream_closed(struct worker *w, uint32_t slot)
{
	struct upstream *u = w->upstream_of[slot];

	if (u != NULL && u->state == UPSTREAM_CLOSING)
		upstream_free(u);
}

void
upstream_release(struct upstream *u, bool keep)
{
	struct worker *w = u->w;

	if (!keep || w->draining || w->orphaned || u->state != UPSTREAM_BUSY ||
	    w->idle_count >= w->conf->upstream_max_idle ||
	    w->conf->upstream_idle_timeout == 0) {
		upstream_close(u);
		return;
	}
	u->stream->upstream = NULL;
	u->stream = NULL;
	u->is_blocked = false;
	upstream_set_state(u, UPSTREAM_IDLE);
	deadline_set(&u->deadline, &w->upstream_idle);
	upstream_rewatch(u);
}

/* --- sending the request ------------------------------------------------ */

/* Drop what is sent of the request; it can't be sent anew afterwards. */
static void
drop_request(struct stream *st)
{
	struct arena *a = &st->w->arena;

	if (stream_state(st)->asks) {
		struct legacy_state *next = stream_legacy(st, stream_next(st));

		journal_drop(a, &next->ask, &st->asked);
		next->ask_wire = st->asked.wire;
		RECORD_COMMIT(st->rec);
	} else if (st->client != NULL && !stream_state(st)->returned) {
		struct client_state *next = RECORD_BEGIN(st->client->rec);

		journal_drop(a, &next->out, &st->asked);
		next->out_wire = st->asked.wire;
		RECORD_COMMIT(st->client->rec);
	}
	arena_settle(a);
}

/* Whether no more of the request will come from the client. */
static bool
request_is_in(const struct stream *st)
{
	return st->client == NULL || stream_state(st)->asks ||
	       client_state(st->client)->phase == CLIENT_WAIT;
}

/* The request is out, whole: the wait for its answer begins. */
static void
note_request_sent(struct upstream *u)
{
	uint8_t phase = stream_state(u->stream)->phase;

	if (request_is_in(u->stream) && u->deadline.next == NULL &&
	    (phase == STREAM_WAITING || phase == STREAM_RESUMING))
		deadline_set(&u->deadline, &u->w->upstream_response);
}

/* A byte of the answer came, or the request is large: no second try. */
static void
maybe_drop_request(struct stream *st)
{
	if (st->asked.passed > 0 && (st->asked.passed >= REQUEST_LIMIT ||
					stream_state(st)->up_answered))
		drop_request(st);
}

/* Send pieces; returns the bytes that went, -1 where the connection failed. */
static ssize_t
send_to(struct upstream *u, const struct iovec *iov, int count)
{
	ssize_t n = send_pieces(u->io.fd, iov, count, &u->is_blocked);

	if (n < 0) {
		/*
		 * An answer may be waiting (a refusal of the body): read it
		 * before the connection is given up.
		 */
		u->is_blocked = false;
		return -1;
	}
	u->sent += (uint64_t)n;
	worker_count(u->w, COUNTER_BYTES_UP, (uint64_t)n);
	return n;
}

/* Send what there is: 0, or -EBADMSG where the journal is broken. */
static int
send_request(struct upstream *u)
{
	static char scratch[JOURNAL_SCRATCH]; /* until it is sent */
	struct iovec iov[IOV_CAP];
	struct stream *st = u->stream;
	const struct journal *request;
	struct journal_cursor end;
	struct journal_wire form;
	uint64_t dropped;
	ssize_t sent;
	int n;

	do {
		request = stream_request(st, &form, &dropped);
		if (request == NULL)
			return 0;
		n = journal_gather(&u->w->arena, request, &form, &st->asked,
		    iov, IOV_CAP, scratch, &end);
		if (n <= 0)
			return n;
		sent = send_to(u, iov, n);
		if (sent < 0) {
			u->is_deaf = true;
			return 0;
		}
		n = journal_sent(&u->w->arena, request, &form, &st->asked, &end,
		    (uint64_t)sent);
	} while (
	    n == 0 && !u->is_blocked && !journal_all_sent(request, &st->asked));
	return n;
}

void
upstream_flush(struct upstream *u)
{
	struct stream *st = u->stream;

	if (u->state != UPSTREAM_BUSY || u->is_deaf)
		return;
	work_on_stream(st, WORK_SEND_UPSTREAM);
	if (send_request(u) != 0) {
		stream_fail(st, HTTP_FAULT_UPSTREAM_LOST, END_RECORD_BROKEN);
		return;
	}
	if (!u->is_deaf) {
		maybe_drop_request(st);
		if (!has_request_left(u))
			note_request_sent(u);
	}
	upstream_rewatch(u);
	/* There may be room for more of the request. */
	if (st->client != NULL)
		client_rewatch(st->client);
}

/* --- receiving the answer ------------------------------------------------ */

/* Commit that they don't any more; the request is to be sent anew. */
static void
commit_parting(struct stream *st)
{
	struct stream_state *next = stream_next(st);

	next->upstream_ref = 0;
	RECORD_COMMIT(st->rec);
	/* All of it is to be sent again. */
	memset(&st->asked, 0, sizeof(st->asked));
}

/* A request that we made up, and that may be repeated. */
static bool
is_our_own(const struct stream *st)
{
	return stream_state(st)->phase == STREAM_RESUMING ||
	       stream_state(st)->role == ROLE_ERRAND;
}

/*
 * Whether the request may be sent anew on another connection: every byte of
 * it is still here, no byte of an answer came, and the peer's kernel has
 * closed the connection without having acknowledged a byte of it; or the
 * method is one that may be repeated (RFC 9110, 9.2.2).
 */
static bool
may_retry(const struct upstream *u, bool at_eof)
{
	const struct stream *st = u->stream;
	enum http_method_id method = st->rec->method;
	struct journal_wire form;
	struct tcp_count count;
	uint64_t dropped = 0;

	if (!u->is_reused || stream_state(st)->up_answered ||
	    stream_request(st, &form, &dropped) == NULL || dropped != 0)
		return false;
	if (method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD ||
	    method == HTTP_METHOD_OPTIONS || is_our_own(st))
		return true;
	return at_eof && tcp_count(u->io.fd, TCP_CONNECTED, &count) == 0 &&
	       count.acked <= stream_state(st)->up_base;
}

/* The connection is gone before the answer was whole; error 0: by EOF. */
void
upstream_lost(struct upstream *u, int error)
{
	struct stream *st = u->stream;
	bool retry = may_retry(u, error == 0 || error == EPIPE);

	worker_count(u->w, COUNTER_FAILED_LOST, 1);
	stream_log(st, retry ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING,
	    "upstream connection: %s%s",
	    error == 0 ? "closed in mid-answer" : strerror(error),
	    retry ? "; no byte was processed: sent anew" : "");
	if (!retry) {
		stream_fail(st, HTTP_FAULT_UPSTREAM_LOST, END_UPSTREAM_LOST);
		return;
	}
	worker_count(u->w, COUNTER_UPSTREAM_RETRIES, 1);
	commit_parting(st);
	upstream_close(u);
	upstream_ask(st, true);
}

/* The answer goes on: what it means for timers. */
static void
note_more(struct upstream *u)
{
	struct stream *st = u->stream;
	const struct stream_state *ss = stream_state(st);

	if (ss->phase != STREAM_RELAYING)
		return;
	deadline_cancel(&u->deadline);
	if (!ss->resumable)
		return;
	deadline_set(&st->legacy->silent, &u->w->stream_silent);
	if (ss->resumes > 0)
		resume_retime(st);
	if (st->client == NULL)
		return;
	client_bound_queue(st->client, u->w->conf->journal_stream_limit / 2);
	if (st->legacy->quiet.next == NULL)
		deadline_set(&st->legacy->quiet, &u->w->stream_quiet);
}

/* The answer is whole: its connection may serve another request. */
static void
note_complete(struct upstream *u)
{
	struct stream *st = u->stream;
	const struct stream_state *ss = stream_state(st);

	upstream_release(u, ss->up_keep);
	if (st->legacy == NULL)
		return;
	deadline_cancel(&st->legacy->silent);
	resume_retime(st);
}

/* How an answer fails. */
static const struct {
	enum http_fault fault;
	enum end_reason why;
} failures[] = {
	[ANSWER_GARBLED] = { HTTP_FAULT_UPSTREAM_GARBLED,
	    END_UPSTREAM_GARBLED },
	[ANSWER_TOO_LONG] = { HTTP_FAULT_UPSTREAM_GARBLED, END_EVENT_TOO_LONG },
	[ANSWER_NO_MEMORY] = { HTTP_FAULT_NO_ROOM, END_MEMORY_SHORT },
};

static bool
is_failure(enum answer_verdict verdict)
{
	return verdict >= ANSWER_GARBLED;
}

/* The stream is paused, or has lost its session: its state says so. */
static void
act_on_pause(struct upstream *u, enum answer_verdict verdict)
{
	struct stream *st = u->stream;

	upstream_release(u, false);
	if (verdict == ANSWER_SESSION_GONE && st->session != NULL) {
		stream_log(st, LOG_LEVEL_WARNING,
		    "the upstream does not know the session any more");
		session_end(st->session, END_SESSION_LOST, false);
	}
	resume_paused(st);
}

/* What the bytes meant for the stream, whose state is committed. */
static void
act_on(struct upstream *u, enum answer_verdict verdict)
{
	struct stream *st = u->stream;

	if (is_failure(verdict)) {
		if (verdict == ANSWER_GARBLED) {
			worker_count(u->w, COUNTER_FAILED_GARBLED, 1);
			stream_log(st, LOG_LEVEL_WARNING,
			    "the upstream's answer is not valid HTTP/1.1");
		}
		if (verdict == ANSWER_NO_MEMORY) {
			stream_log(st, LOG_LEVEL_WARNING,
			    "journal.memory is full: its answer ends");
			worker_count(u->w, COUNTER_MEMORY_SHORT, 1);
		}
		stream_fail(st, failures[verdict].fault, failures[verdict].why);
		return;
	}
	if (verdict == ANSWER_PAUSE || verdict == ANSWER_SESSION_GONE) {
		act_on_pause(u, verdict);
		return;
	}
	if (verdict == ANSWER_COMPLETE)
		note_complete(u);
	else
		note_more(u);
	legacy_observe(st);
	if (st->is_dead)
		return;
	stream_recount(st);
	if (stream_is_abandoned(st))
		stream_drop(st, END_CLIENT_LEFT);
	else
		stream_flush(st);
}

/* Bytes were taken; before them, the answer's head was awaited or not. */
static void
note_taken(struct upstream *u, size_t len, bool was_waiting)
{
	struct stream *st = u->stream;

	worker_count(u->w, COUNTER_UPSTREAM_RECEIVED, len);
	if (was_waiting)
		st->answered_us = worker_now_us(u->w);
	if (was_waiting && stream_state(st)->status != 0 && st->client != NULL)
		worker_observe_since(u->w, HISTOGRAM_FIRST_BYTE,
		    client_state(st->client)->begun_us);
}

void
upstream_feed(struct upstream *u, const char *buf, size_t len)
{
	struct stream *st = u->stream;
	bool was_waiting = stream_state(st)->phase == STREAM_WAITING;
	struct stream_change change = stream_begin(st);
	struct stream_state *next = change.next;
	enum answer_verdict verdict;

	POISON_POINT(buf, len);
	if (len > 0) {
		next->up_taken += len;
		next->up_answered = 1;
		verdict = answer_take(st, next, buf, len);
	} else {
		verdict = answer_eof(st, next);
	}
	u->taken = next->up_taken;
	if (verdict == ANSWER_COMPLETE) {
		/* A request that is not out yet leaves it half used. */
		if (has_request_left(u) || !request_is_in(st))
			next->up_keep = 0;
		next->upstream_ref = 0;
	}
	if (is_failure(verdict))
		stream_note_failure(
		    st, next, failures[verdict].fault, failures[verdict].why);
	if (verdict == ANSWER_PAUSE)
		resume_pause_state(st, next, PAUSE_LOST);
	if (verdict == ANSWER_SESSION_GONE)
		stream_write_end(st, next, END_SESSION_LOST);
	if (next->resumable)
		events_trim(st, next);
	stream_mark_sent(st, next);
	stream_commit(&change);
	note_taken(u, len, was_waiting);
	if (next->events)
		events_tell(st);
	if (len == 0 && verdict == ANSWER_MORE)
		upstream_lost(u, 0);
	else
		act_on(u, verdict);
}

static void
upstream_read(struct upstream *u)
{
	struct worker *w = u->w;
	const struct stream_state *ss = stream_state(u->stream);
	bool first = !ss->up_answered;
	ssize_t n;

	work_on_stream(u->stream, WORK_RECEIVE_UPSTREAM);
	worker_note_hand(
	    w, HAND_UPSTREAM, u->slot, u->rec->generation, ss->up_taken);
	n = recv(u->io.fd, w->window, SHM_WINDOW_SIZE, 0);
	KILL_POINT();
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		upstream_lost(u, errno);
		return;
	}
	w->slot->hand.got = (int32_t)n;
	KILL_POINT();
	if (n == 0 && u->is_reset) {
		upstream_lost(u, ECONNRESET);
		return;
	}
	upstream_feed(u, w->window, (size_t)n);
	if (first && u->state == UPSTREAM_BUSY)
		maybe_drop_request(u->stream);
}

void
upstream_on_event(struct ev_loop *loop, ev_io *io, int revents)
{
	struct upstream *u = io->data;

	(void)loop;
	switch ((enum upstream_state)u->state) {
	case UPSTREAM_CONNECTING:
		work_on_stream(u->stream, WORK_CONNECT);
		upstream_connected(u);
		break;
	case UPSTREAM_BUSY:
		if (revents & EV_WRITE)
			upstream_flush(u);
		/* Where room has to be made first, it is for the next turn. */
		if (u->state == UPSTREAM_BUSY && revents & EV_READ &&
		    !u->w->arena.is_low)
			upstream_read(u);
		break;
	case UPSTREAM_IDLE:
		work_on_nothing(u->w, WORK_RECEIVE_UPSTREAM);
		upstream_close(u);
		break;
	case UPSTREAM_PARKING:
	case UPSTREAM_CLOSING:
		break;
	}
}

/* --- time limits -------------------------------------------------------- */

void
upstream_on_response_due(struct deadline *d)
{
	struct upstream *u = container_of(d, struct upstream, deadline);

	worker_count(u->w, COUNTER_FAILED_SILENT, 1);
	work_on_stream(u->stream, WORK_TIMER);
	stream_log(u->stream, LOG_LEVEL_WARNING,
	    "no answer from the upstream in time");
	stream_fail(
	    u->stream, HTTP_FAULT_UPSTREAM_TIMEOUT, END_UPSTREAM_SILENT);
}

void
upstream_on_idle_due(struct deadline *d)
{
	struct upstream *u = container_of(d, struct upstream, deadline);

	work_on_nothing(u->w, WORK_TIMER);
	upstream_close(u);
}
