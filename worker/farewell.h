/*
 * farewell.h - tells the supervisor which clients have left, so that it closes
 * the originals of their sockets: many in one message, for each message may
 * wake a process that sleeps.
 */
#ifndef WORKER_FAREWELL_H
#define WORKER_FAREWELL_H

#include <ev.h>
#include <stdint.h>

#include "common/msg.h"
#include "worker/channel.h"

struct farewell {
	struct channel *channel;
	struct ev_loop *loop;
	ev_timer timer; /* runs while somebody is in the message */
	struct msg msg; /* LEFT */
};

/* The channel must be ready when the first one leaves. */
void farewell_init(
    struct farewell *f, struct ev_loop *loop, struct channel *channel);

/*
 * The client in this record is gone, with this use of it.  The supervisor
 * hears of it a few milliseconds later, or when many have left.  Whoever dies
 * in between leaves it to the successor, who finds the record CLOSING.
 */
void farewell_say(struct farewell *f, uint32_t slot, uint32_t generation);

/* Say now what is to be said. */
void farewell_flush(struct farewell *f);

#endif
