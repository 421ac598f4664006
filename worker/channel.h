/*
 * channel.h - the worker's end of its channel to the supervisor.
 *
 * Messages go out in order.  What the socket does not take waits in a queue
 * of bounded size and is sent when the socket is writable; channel_sent()
 * tells whether a message has left, which matters for PARK: no byte goes to
 * an upstream before the supervisor is sure to hold a copy of the socket.
 */
#ifndef WORKER_CHANNEL_H
#define WORKER_CHANNEL_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/sc.h"

struct channel_item {
	struct channel_item *next;
	struct msg msg;
	int fd; /* borrowed: the sender keeps it open until it was sent */
};

struct channel {
	struct ev_loop *loop;
	ev_io io;
	ev_timer retry;
	int fd;
	uint64_t queued_seq; /* number of the newest message */
	uint64_t sent_seq;   /* number of the newest one that has left */
	struct channel_item *first, **last;
	/* A message came; its descriptors are the receiver's. */
	void (*on_message)(
	    void *context, const struct msg *m, const struct msg_fds *fds);
	void (*on_flushed)(void *context); /* messages that waited have left */
	void (*on_closed)(void *context);  /* the supervisor is gone */
	void *context;
};

/* Takes `fd`.  The callbacks and context are set by the caller before. */
void channel_init(struct channel *ch, struct ev_loop *loop, int fd);

/* Close it and forget what is queued. */
void channel_fini(struct channel *ch);

/*
 * Send a message, with a descriptor (borrowed; -1 for none) that must stay
 * open until channel_sent() says so.  Returns its number, or 0 where it
 * could not even be queued: no memory, or the supervisor is gone.
 */
uint64_t channel_send(struct channel *ch, const struct msg *m, int fd);

/* Whether message number `seq` has left. */
bool channel_sent(const struct channel *ch, uint64_t seq);

#endif
