/*
 * channel_queue.h - messages that wait until a worker's channel has room.
 *
 * First in, first out.  Holds no descriptors: the one that belongs to a
 * message is looked up when the message is sent.
 */
#ifndef SUPERVISOR_CHANNEL_QUEUE_H
#define SUPERVISOR_CHANNEL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/sc.h"

struct channel_queue {
	struct msg *ring;
	uint32_t cap; /* of the ring: a power of two, or 0 */
	uint32_t first;
	uint32_t count;
	uint32_t limit; /* messages that may wait */
};

/* An empty queue in which `limit` messages may wait. */
void channel_queue_init(struct channel_queue *q, uint32_t limit);

/* Free the queue and what waits in it. */
void channel_queue_fini(struct channel_queue *q);

/* Add a copy of m at the end.  0, -ENOBUFS at the limit, or -ENOMEM. */
SC_MUST_CHECK int channel_queue_push(
    struct channel_queue *q, const struct msg *m);

/* The first message, or NULL; valid until the queue is changed. */
const struct msg *channel_queue_peek(const struct channel_queue *q);

/* The last message, to be added to, or NULL; valid as above. */
struct msg *channel_queue_last(struct channel_queue *q);

/* Remove the first message; there must be one. */
void channel_queue_pop(struct channel_queue *q);

bool channel_queue_is_empty(const struct channel_queue *q);

/* How many wait; and the n-th of them, 0 being the oldest, or NULL. */
uint32_t channel_queue_count(const struct channel_queue *q);
const struct msg *channel_queue_at(const struct channel_queue *q, uint32_t n);

#endif
