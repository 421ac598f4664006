/*
 * channel.c - the supervisor's end of the channel to one worker.
 */
#include "config.h"

#include <errno.h>

#include "common/fd.h"
#include "supervisor/channel.h"

/* Messages taken in one turn of the loop, so that none starves the rest. */
#define BATCH 64

/* A socket may be writable and still refuse a descriptor (ETOOMANYREFS). */
#define RETRY_S 0.02

/* Derive the watchers from the state; the only function that does. */
static void
worker_channel_rewatch(struct worker_channel *ch, bool refused)
{
	bool waiting;

	if (ch->state == CHANNEL_OPEN) {
		ev_io_start(ch->loop, &ch->reader);
	} else {
		ev_io_stop(ch->loop, &ch->reader);
		ev_prepare_stop(ch->loop, &ch->turn);
	}
	waiting = ch->state == CHANNEL_OPEN && !ev_is_active(&ch->turn) &&
		  !channel_queue_is_empty(&ch->queue);
	if (waiting && !refused)
		ev_io_start(ch->loop, &ch->writer);
	else
		ev_io_stop(ch->loop, &ch->writer);
	if (waiting && refused) {
		ev_timer_set(&ch->retry, RETRY_S, 0);
		ev_timer_start(ch->loop, &ch->retry);
	} else {
		ev_timer_stop(ch->loop, &ch->retry);
	}
}

/* --- sending ----------------------------------------------------------- */

/* 0 if m is sent or void, else what msg_send_with() said. */
static int
send_now(struct worker_channel *ch, const struct msg *m)
{
	struct msg sent = *m;
	struct msg_fds fds;

	fds.count = 0;
	if (ch->handler->descriptors(ch->context, &sent, &fds) == -ESTALE)
		return 0;
	return msg_send_with(ch->fd, &sent, &fds);
}

/* Send what waits, as far as the socket takes it; returns how much it took. */
static unsigned
flush(struct worker_channel *ch)
{
	const struct msg *m;
	unsigned sent = 0;

	while ((m = channel_queue_peek(&ch->queue)) != NULL) {
		if (send_now(ch, m) == -EAGAIN)
			break;
		/* Any other failure means that its end is closed. */
		channel_queue_pop(&ch->queue);
		sent++;
	}
	return sent;
}

static void
on_writable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct worker_channel *ch = io->data;

	(void)loop;
	(void)revents;
	worker_channel_rewatch(ch, flush(ch) == 0);
}

static void
on_retry(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct worker_channel *ch = timer->data;

	(void)loop;
	(void)revents;
	worker_channel_rewatch(ch, flush(ch) == 0);
}

/* Before the loop sleeps. */
static void
on_turn(struct ev_loop *loop, ev_prepare *turn, int revents)
{
	struct worker_channel *ch = turn->data;

	(void)revents;
	ev_prepare_stop(loop, turn);
	(void)flush(ch);
	worker_channel_rewatch(ch, false);
}

int
worker_channel_send(struct worker_channel *ch, const struct msg *m)
{
	int r = -EAGAIN;

	if (ch->state != CHANNEL_OPEN)
		return -EPIPE;
	if (channel_queue_is_empty(&ch->queue))
		r = send_now(ch, m);
	if (r != -EAGAIN)
		return r;
	r = channel_queue_push(&ch->queue, m);
	if (r == 0 && !ev_is_active(&ch->retry))
		worker_channel_rewatch(ch, false);
	return r;
}

static void
add_client(struct msg *m, uint32_t slot, uint32_t generation)
{
	struct msg_slots *clients = &m->body.CLIENTS;

	clients->item[clients->count++] = (struct msg_slot){ slot, generation };
}

int
worker_channel_send_client(
    struct worker_channel *ch, uint32_t slot, uint32_t generation)
{
	struct msg *last = channel_queue_last(&ch->queue);
	struct msg m;
	int r;

	if (ch->state != CHANNEL_OPEN)
		return -EPIPE;
	if (last != NULL && last->head.type == MSG_CLIENTS &&
	    last->body.CLIENTS.count < MSG_SLOTS_MAX) {
		add_client(last, slot, generation);
		return 0;
	}
	msg_init(&m, MSG_CLIENTS);
	add_client(&m, slot, generation);
	r = channel_queue_push(&ch->queue, &m);
	/* Where others wait, something is awaited already. */
	if (r == 0 && last == NULL)
		ev_prepare_start(ch->loop, &ch->turn);
	return r;
}

/* --- receiving --------------------------------------------------------- */

/*
 * Receive one message and hand it over.  1 if there may be more, 0 if not
 * now, -errno where the socket failed.
 */
static int
receive_one(struct worker_channel *ch)
{
	struct msg m;
	int fd = -1;
	int r;

	r = msg_receive(ch->fd, FROM_WORKER, &m, &fd);
	if (r == 1) {
		ch->handler->on_message(ch->context, &m, fd);
		return 1;
	}
	if (r == -EPROTO || r == -EMFILE) {
		ch->handler->on_fault(ch->context, r);
		return 1;
	}
	if (r == 0) {
		ch->state = CHANNEL_ENDED;
		return 0;
	}
	/* A peer that closed with our messages unread: said once, then EOF. */
	if (r == -ECONNRESET || r == -EINTR)
		return 1;
	return r == -EAGAIN ? 0 : r;
}

static void
on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct worker_channel *ch = io->data;
	int r = 1;

	(void)loop;
	(void)revents;
	for (unsigned i = 0; r > 0 && i < BATCH; i++) {
		r = receive_one(ch);
		if (ch->state == CHANNEL_CLOSED)
			return; /* by the handler */
	}
	if (r < 0) {
		ch->state = CHANNEL_ENDED;
		ch->handler->on_fault(ch->context, r);
	}
	if (ch->state == CHANNEL_ENDED)
		worker_channel_rewatch(ch, false);
}

void
worker_channel_drain(struct worker_channel *ch)
{
	while (ch->state == CHANNEL_OPEN) {
		if (receive_one(ch) <= 0)
			break;
	}
	if (ch->state == CHANNEL_OPEN)
		ch->state = CHANNEL_ENDED;
	if (ch->state == CHANNEL_ENDED)
		worker_channel_rewatch(ch, false);
}

/* --- life -------------------------------------------------------------- */

void
worker_channel_open(struct worker_channel *ch, struct ev_loop *loop, int fd,
    uint32_t limit, const struct worker_channel_handler *handler, void *context)
{
	sc_assert(ch->state == CHANNEL_CLOSED);
	ch->state = CHANNEL_OPEN;
	ch->loop = loop;
	ch->fd = fd;
	ch->handler = handler;
	ch->context = context;
	channel_queue_init(&ch->queue, limit);
	ev_io_init(&ch->reader, on_readable, fd, EV_READ);
	ev_io_init(&ch->writer, on_writable, fd, EV_WRITE);
	ev_timer_init(&ch->retry, on_retry, RETRY_S, 0);
	ev_prepare_init(&ch->turn, on_turn);
	ch->reader.data = ch;
	ch->writer.data = ch;
	ch->retry.data = ch;
	ch->turn.data = ch;
	worker_channel_rewatch(ch, false);
}

void
worker_channel_close(struct worker_channel *ch)
{
	if (ch->state == CHANNEL_CLOSED)
		return;
	ch->state = CHANNEL_CLOSED;
	worker_channel_rewatch(ch, false);
	channel_queue_fini(&ch->queue);
	fd_close(&ch->fd);
}

bool
worker_channel_is_open(const struct worker_channel *ch)
{
	return ch->state == CHANNEL_OPEN;
}
