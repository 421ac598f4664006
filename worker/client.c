/*
 * client.c - a client's connection: reading requests, sending answers.
 *
 * Reading: note what is in hand, recv() into the window, process every byte
 * from the committed state into the other copy, commit, act.  A request
 * begins in request.c; what happens between commits is derived from the
 * committed state in client_act(), so a successor that calls it after a kill
 * does what was left to do.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "worker/client.h"
#include "worker/legacy.h"
#include "worker/request.h"
#include "worker/stream.h"
#include "worker/upstream.h"
#include "worker/work.h"

/* --- time limits and watchers ------------------------------------------- */

static enum client_limit
limit_for(const struct client *c, const struct client_state *cs)
{
	if (c->is_closing)
		return LIMIT_NONE;
	if (c->is_blocked)
		return LIMIT_SEND;
	switch ((enum client_phase)cs->phase) {
	case CLIENT_HEAD:
		return cs->requests > 0 && chain_is_empty(&cs->in) ? LIMIT_IDLE
								   : LIMIT_HEAD;
	case CLIENT_BODY:
		/* Not the client's fault where we don't read. */
		return c->io.events & EV_READ ? LIMIT_BODY : LIMIT_NONE;
	case CLIENT_LINGER:
		return LIMIT_LINGER;
	case CLIENT_WAIT:
	case CLIENT_FREE:
	case CLIENT_CLOSING:
	case CLIENT_PHASE_COUNT:
		break;
	}
	return LIMIT_NONE;
}

static struct deadline_list *
limit_list(struct worker *w, enum client_limit limit)
{
	switch (limit) {
	case LIMIT_HEAD:
		return &w->client_head;
	case LIMIT_IDLE:
		return &w->client_idle;
	case LIMIT_BODY:
		return &w->client_body;
	case LIMIT_SEND:
		return &w->client_send;
	case LIMIT_LINGER:
		return &w->client_linger;
	case LIMIT_NONE:
		break;
	}
	return NULL;
}

void
client_retime(struct client *c, bool progress)
{
	enum client_limit limit = limit_for(c, client_state(c));
	struct deadline_list *list;

	if (limit == c->limit &&
	    !(progress && (limit == LIMIT_BODY || limit == LIMIT_SEND)))
		return;
	c->limit = (uint8_t)limit;
	list = limit_list(c->w, limit);
	if (list == NULL)
		deadline_cancel(&c->deadline);
	else
		deadline_set(&c->deadline, list);
}

/* Whether bytes of the client have a place to go. */
static bool
has_room(const struct client *c, const struct client_state *cs)
{
	switch ((enum client_phase)cs->phase) {
	case CLIENT_HEAD:
		return c->probe == NULL;
	case CLIENT_LINGER:
		return true;
	case CLIENT_BODY:
		return c->stream == NULL ||
		       journal_unsent(&cs->out, &c->stream->asked) <
			   REQUEST_LIMIT;
	case CLIENT_WAIT:
		/* Pipelined requests; and to see that the client leaves. */
		return chain_is_empty(&cs->in) ||
		       chain_len(&c->w->arena, &cs->in) <
			   c->w->conf->client_max_header;
	case CLIENT_FREE:
	case CLIENT_CLOSING:
	case CLIENT_PHASE_COUNT:
		break;
	}
	return false;
}

void
client_rewatch(struct client *c)
{
	const struct client_state *cs = client_state(c);
	int events = 0;

	if (!c->is_closing) {
		if (!cs->gone && has_room(c, cs))
			events |= EV_READ;
		if (c->is_blocked)
			events |= EV_WRITE;
	}
	if ((c->io.events & (EV_READ | EV_WRITE)) != events) {
		ev_io_stop(c->w->loop, &c->io);
		ev_io_set(&c->io, c->io.fd, events);
		if (events != 0)
			ev_io_start(c->w->loop, &c->io);
	}
	client_retime(c, false);
}

/* --- coming and going --------------------------------------------------- */

static void on_client(struct ev_loop *loop, ev_io *io, int revents);

struct client *
client_revive(struct worker *w, uint32_t slot, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->w = w;
	c->slot = slot;
	c->rec = &w->shm->clients[slot];
	ev_io_init(&c->io, on_client, fd, 0);
	c->io.data = c;
	c->is_on_loopback = c->rec->on_loopback;
	w->client_of[slot] = c;
	w->client_count++;
	return c;
}

void
client_new(struct worker *w, uint32_t slot, uint32_t generation, int fd)
{
	struct client_record *rec = &w->shm->clients[slot];
	struct client_state *next = RECORD_NEXT(rec);
	struct client *c;

	if (RECORD_STATE(rec)->generation == generation) {
		client_welcome(w, slot, fd);
		return;
	}
	c = client_revive(w, slot, fd);
	if (c == NULL) {
		farewell_say(&w->farewell, slot, generation);
		fd_close(&fd);
		return;
	}
	c->is_settled = true;
	work_on_client(c, WORK_MESSAGE);
	memset(next, 0, sizeof(*next));
	next->phase = CLIENT_HEAD;
	next->generation = generation;
	RECORD_COMMIT(rec);
	worker_count(w, COUNTER_CLIENTS_ACCEPTED, 1);
	client_rewatch(c);
}

void
client_free(struct client *c)
{
	int fd = c->io.fd;

	/*
	 * The supervisor holds this socket, so closing our descriptor would
	 * leave it in the epoll set, and libev never takes one out.
	 */
	if (c->w->epoll_fd >= 0)
		(void)epoll_ctl(c->w->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	fd_close(&fd);
	free(c->path);
	c->path = NULL;
	c->w->client_of[c->slot] = NULL;
	c->w->client_count--;
	worker_bury(c->w, &c->grave);
	worker_client_closed(c->w);
}

void
client_discard(struct client *c)
{
	if (c != NULL)
		free(c->path);
	free(c);
}

/* Let the state go; from here on the record is the supervisor's. */
static void
commit_closing(struct client *c)
{
	struct client_state *next = RECORD_BEGIN(c->rec);

	next->phase = CLIENT_CLOSING;
	next->stream_ref = 0;
	next->refusal = 0;
	chain_clear(&c->w->arena, &next->in);
	if (c->request_taken)
		memset(&next->out, 0, sizeof(next->out));
	else
		journal_clear(&c->w->arena, &next->out);
	RECORD_COMMIT(c->rec);
	arena_settle(&c->w->arena);
}

/* Whether the stream outlives its client's leaving; it is kept if so. */
static bool
leaves_stream(struct stream *st, enum end_reason why)
{
	return (why == END_CLIENT_LEFT || why == END_CLIENT_STALLED) &&
	       legacy_detach(st);
}

/* Nobody waits for what the upstream says of this client any more. */
static void
forget_probe(struct client *c)
{
	if (c->probe != NULL)
		c->probe->legacy->prober = NULL;
	c->probe = NULL;
}

/* Where on the connection the answer under way has come to. */
static uint64_t
place_of(const struct client *c)
{
	return c->stream != NULL ? stream_place(c->stream)
				 : client_state(c)->wire + c->refusal_sent;
}

/* The status that the client has seen, or will; 0: none. */
static unsigned
status_of(const struct client *c)
{
	return c->stream != NULL ? stream_state(c->stream)->status
				 : http_fault_status(client_state(c)->refusal);
}

void
client_request_over(struct client *c, enum end_reason why)
{
	if (c->stream == NULL && client_state(c)->refusal == 0)
		return; /* none is under way */
	worker_count(
	    c->w, counter_of_request(client_state(c)->method, status_of(c)), 1);
	if (c->stream == NULL && c->refused_why != 0)
		why = c->refused_why;
	report_request(c, place_of(c) - client_state(c)->wire, why);
}

void
client_close(struct client *c, enum end_reason why, bool reset)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	struct stream *st = c->stream;
	bool anew = client_state(c)->phase != CLIENT_CLOSING;
	bool kept;

	if (c->is_closing)
		return;
	client_request_over(c, why);
	forget_probe(c);
	kept = st != NULL && leaves_stream(st, why);
	c->is_closing = true;
	c->stream = NULL;
	commit_closing(c);
	if (st != NULL && !kept)
		stream_drop(st, why);
	client_rewatch(c);
	if (reset)
		(void)setsockopt(
		    c->io.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	else
		(void)shutdown(c->io.fd, SHUT_RDWR);
	KILL_POINT();
	/* Not again what a dead worker had closed and not said. */
	worker_count(c->w, COUNTER_CLIENTS_CLOSED, anew);
	farewell_say(&c->w->farewell, c->slot, c->rec->generation);
	client_free(c);
}

/* --- between requests --------------------------------------------------- */

/* What comes after an answer, decided by the state alone. */
static enum client_phase
phase_after_answer(const struct client_state *cs, bool usable)
{
	if (usable && cs->keep_alive && cs->phase == CLIENT_WAIT)
		return CLIENT_HEAD;
	return CLIENT_LINGER;
}

/* How long it took; what is asked for by GET may be open without an end. */
static void
observe_answer(const struct client *c)
{
	const struct client_state *cs = client_state(c);
	bool open_ended = c->stream != NULL &&
			  stream_state(c->stream)->events &&
			  cs->method == HTTP_METHOD_GET;

	if (cs->begun_us != 0 && !open_ended)
		worker_observe_since(c->w, HISTOGRAM_REQUEST, cs->begun_us);
}

bool
client_answered(struct client *c, uint64_t wire, bool usable)
{
	struct client_state *next;
	bool clean;

	client_request_over(c,
	    c->stream != NULL ? stream_state(c->stream)->reason : END_REFUSED);
	observe_answer(c);
	next = RECORD_BEGIN(c->rec);
	clean = next->phase == CLIENT_WAIT && chain_is_empty(&next->in);
	next->wire = wire;
	next->begun_us = 0;
	next->stream_ref = 0;
	next->refusal = 0;
	next->out_wire = 0;
	next->phase = (uint8_t)phase_after_answer(next, usable);
	journal_clear(&c->w->arena, &next->out);
	if (next->phase == CLIENT_LINGER)
		chain_clear(&c->w->arena, &next->in);
	RECORD_COMMIT(c->rec);
	arena_settle(&c->w->arena);
	c->stream = NULL;
	c->refused_why = 0;
	c->refused_stream = 0;
	c->refusal_sent = 0;
	return clean;
}

/*
 * Unread input would turn close() into a reset that destroys the answer on
 * its way (RFC 9112, 9.6): end our side, then read and drop for a while.
 */
static void
linger(struct client *c)
{
	if (c->is_shut)
		return;
	c->is_shut = true;
	(void)shutdown(c->io.fd, SHUT_WR);
	KILL_POINT();
}

void
client_go_on(struct client *c, bool clean)
{
	if (c->is_closing)
		return;
	if (client_state(c)->phase == CLIENT_LINGER) {
		if (clean)
			client_close(c, END_ANSWERED, false);
		else
			linger(c);
		return;
	}
	client_resume(c);
	if (!c->is_closing && c->w->draining)
		client_drain(c);
}

/* The stream that the state names, or names no more. */
static void
act_on_stream(struct client *c)
{
	struct stream *st = c->stream;

	if (client_state(c)->stream_ref == 0) {
		/* Too late to say what is wrong: the answer breaks off. */
		if (client_state(c)->refusal == 0)
			client_request_over(c, END_REFUSED);
		c->stream = NULL;
		stream_drop(st, END_REFUSED);
		return;
	}
	legacy_note_request(st);
	if (stream_state(st)->fault != 0)
		stream_fail(
		    st, stream_state(st)->fault, stream_state(st)->reason);
	else if (st->upstream != NULL)
		upstream_flush(st->upstream);
	else if (!st->is_waiting && stream_state(st)->phase == STREAM_WAITING)
		stream_start(st);
}

void
client_act(struct client *c)
{
	if (c->is_closing)
		return;
	if (c->is_leaving) {
		client_release(c);
		return;
	}
	if (c->probe != NULL) {
		if (c->probe->upstream == NULL && !c->probe->is_waiting)
			stream_start(c->probe);
		client_rewatch(c);
		return;
	}
	if (c->stream != NULL)
		act_on_stream(c);
	if (!c->is_closing && c->stream == NULL &&
	    client_state(c)->refusal == 0 &&
	    client_state(c)->phase == CLIENT_LINGER)
		linger(c);
	client_flush(c);
	/* A predecessor may have died before it took up the next request. */
	if (!c->is_closing && c->stream == NULL)
		client_resume(c);
}

void
client_bound_queue(struct client *c, uint64_t bytes)
{
	/* The kernel takes twice as much, for what it needs beside. */
	int size = (int)MIN(bytes / 2, (uint64_t)INT_MAX);

	if (c->is_bounded)
		return;
	c->is_bounded = true;
	(void)setsockopt(c->io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

void
client_probed(struct client *c, enum probe_verdict verdict)
{
	c->probe = NULL;
	c->probe_verdict = (uint8_t)verdict;
	client_act(c);
}

void
client_refuse(struct client *c, enum http_fault fault, enum end_reason why)
{
	struct client_state *next;
	struct stream *st = c->stream;

	/* Half a 100-continue on the wire can't be followed by an answer. */
	if (!stream_is_all_sent(st)) {
		client_close(c, why, true);
		return;
	}
	next = RECORD_BEGIN(c->rec);
	next->wire = st->sent.wire;
	request_refuse_later(c, next, fault);
	RECORD_COMMIT(c->rec);
	arena_settle(&c->w->arena);
	c->stream = NULL;
	c->refused_why = (uint8_t)why;
	c->refused_stream = st->rec->id;
	stream_drop(st, why);
	client_flush(c);
}

static void
on_client(struct ev_loop *loop, ev_io *io, int revents)
{
	struct client *c = io->data;

	(void)loop;
	if (revents & EV_WRITE)
		client_flush(c);
	if (!c->is_closing && revents & EV_READ)
		client_read(c);
}

void
client_take(struct worker *w, uint32_t slot, uint32_t generation, int fd)
{
	struct client *c;

	client_new(w, slot, generation, fd);
	c = w->client_of[slot];
	/* Mostly its request is there: no need to be woken for it. */
	if (c != NULL && c->io.events & EV_READ)
		client_read(c);
}

/* --- time limits -------------------------------------------------------- */

static struct client *
due_client(struct deadline *d)
{
	struct client *c = container_of(d, struct client, deadline);

	c->limit = LIMIT_NONE;
	work_on_client(c, WORK_TIMER);
	return c;
}

void
client_on_head_due(struct deadline *d)
{
	struct client *c = due_client(d);
	struct client_state *next;

	/* One that never said a word gets none. */
	if (chain_is_empty(&client_state(c)->in)) {
		client_close(c, END_CLIENT_LEFT, false);
		return;
	}
	forget_probe(c);
	next = RECORD_BEGIN(c->rec);
	chain_clear(&c->w->arena, &next->in);
	request_refuse_head(c, next, HTTP_FAULT_HEAD_TIMEOUT);
	RECORD_COMMIT(c->rec);
	arena_settle(&c->w->arena);
	client_act(c);
}

void
client_on_idle_due(struct deadline *d)
{
	client_close(due_client(d), END_CLIENT_LEFT, false);
}

void
client_on_body_due(struct deadline *d)
{
	struct client *c = due_client(d);
	struct client_state *next = RECORD_BEGIN(c->rec);

	request_refuse(c, next, HTTP_FAULT_BODY_TIMEOUT);
	RECORD_COMMIT(c->rec);
	arena_settle(&c->w->arena);
	client_act(c);
}

void
client_on_send_due(struct deadline *d)
{
	client_close(due_client(d), END_CLIENT_STALLED, true);
}

void
client_on_linger_due(struct deadline *d)
{
	client_close(due_client(d), END_CLIENT_LEFT, false);
}

void
client_drain(struct client *c)
{
	if (!c->is_closing && client_state(c)->phase == CLIENT_HEAD &&
	    chain_is_empty(&client_state(c)->in))
		client_close(c, END_STOPPED, false);
}
