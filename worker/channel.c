/*
 * channel.c - the worker's end of its channel to the supervisor.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/fd.h"
#include "common/kill_point.h"
#include "common/log.h"
#include "worker/channel.h"

/* Too many descriptors in flight is not cured by a writable socket. */
#define RETRY_S 0.01
/* Messages read in one turn of the loop. */
#define BATCH 64

static void
channel_close(struct channel *ch)
{
	if (ch->fd < 0)
		return;
	ev_io_stop(ch->loop, &ch->io);
	ev_timer_stop(ch->loop, &ch->retry);
	fd_close(&ch->fd);
	ch->on_closed(ch->context);
}

static void
rewatch(struct channel *ch)
{
	int events = EV_READ | (ch->first != NULL ? EV_WRITE : 0);

	if (ch->fd < 0 || ((ch->io.events & (EV_READ | EV_WRITE)) == events))
		return;
	ev_io_stop(ch->loop, &ch->io);
	ev_io_set(&ch->io, ch->fd, events);
	ev_io_start(ch->loop, &ch->io);
}

static void
flush(struct channel *ch)
{
	struct channel_item *item;
	int error;

	while ((item = ch->first) != NULL) {
		error = msg_send(ch->fd, &item->msg, item->fd);
		if (error == -EAGAIN) {
			ev_timer_start(ch->loop, &ch->retry);
			return;
		}
		if (error != 0) {
			log_error(
			    "channel to the supervisor: %s", strerror(-error));
			channel_close(ch);
			return;
		}
		ch->first = item->next;
		if (ch->first == NULL)
			ch->last = &ch->first;
		free(item);
		ch->sent_seq++;
	}
	ch->on_flushed(ch->context);
}

static void
on_retry(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct channel *ch = timer->data;

	(void)loop;
	(void)revents;
	flush(ch);
	rewatch(ch);
}

static void
receive(struct channel *ch)
{
	struct msg_fds fds;
	struct msg m;
	int n, turns;

	for (turns = 0; turns < BATCH && ch->fd >= 0; turns++) {
		n = msg_receive_with(ch->fd, FROM_SUPERVISOR, &m, &fds);
		if (n == -EAGAIN)
			return;
		if (n > 0) {
			KILL_POINT();
			ch->on_message(ch->context, &m, &fds);
			continue;
		}
		if (n == -EMFILE) {
			log_warning("no descriptor free for the log");
			continue;
		}
		if (n < 0)
			log_error(
			    "channel from the supervisor: %s", strerror(-n));
		channel_close(ch);
	}
}

static void
on_channel(struct ev_loop *loop, ev_io *io, int revents)
{
	struct channel *ch = io->data;

	(void)loop;
	if (revents & EV_READ)
		receive(ch);
	if (ch->fd >= 0 && ch->first != NULL && revents & EV_WRITE)
		flush(ch);
	rewatch(ch);
}

void
channel_init(struct channel *ch, struct ev_loop *loop, int fd)
{
	ch->loop = loop;
	ch->fd = fd;
	ch->queued_seq = 0;
	ch->sent_seq = 0;
	ch->first = NULL;
	ch->last = &ch->first;
	ev_io_init(&ch->io, on_channel, fd, EV_READ);
	ch->io.data = ch;
	ev_timer_init(&ch->retry, on_retry, RETRY_S, 0.);
	ch->retry.data = ch;
	ev_io_start(loop, &ch->io);
}

void
channel_fini(struct channel *ch)
{
	struct channel_item *item;

	if (ch->fd >= 0) {
		ev_io_stop(ch->loop, &ch->io);
		ev_timer_stop(ch->loop, &ch->retry);
		fd_close(&ch->fd);
	}
	while ((item = ch->first) != NULL) {
		ch->first = item->next;
		free(item);
	}
	ch->last = &ch->first;
}

uint64_t
channel_send(struct channel *ch, const struct msg *m, int fd)
{
	struct channel_item *item;

	if (ch->fd < 0)
		return 0;
	KILL_POINT();
	if (ch->first == NULL && msg_send(ch->fd, m, fd) == 0) {
		KILL_POINT();
		ch->sent_seq++;
		return ++ch->queued_seq;
	}
	item = malloc(sizeof(*item));
	if (item == NULL)
		return 0;
	item->next = NULL;
	item->msg = *m;
	item->fd = fd;
	*ch->last = item;
	ch->last = &item->next;
	rewatch(ch);
	return ++ch->queued_seq;
}

bool
channel_sent(const struct channel *ch, uint64_t seq)
{
	return seq <= ch->sent_seq;
}
