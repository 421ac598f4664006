/*
 * channel_queue.c - messages that wait until a worker's channel has room.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "supervisor/channel_queue.h"

#define QUEUE_CAP_FIRST 64u

void
channel_queue_init(struct channel_queue *q, uint32_t limit)
{
	*q = (struct channel_queue){ .limit = limit };
}

void
channel_queue_fini(struct channel_queue *q)
{
	free(q->ring);
	*q = (struct channel_queue){ 0 };
}

static struct msg *
queue_at(const struct channel_queue *q, uint32_t position)
{
	return &q->ring[(q->first + position) & (q->cap - 1)];
}

/* Double the ring, the oldest message first. */
static int
queue_grow(struct channel_queue *q)
{
	uint32_t cap = q->cap == 0 ? QUEUE_CAP_FIRST : q->cap * 2;
	struct msg *ring = calloc(cap, sizeof(*ring));

	if (ring == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < q->count; i++)
		ring[i] = *queue_at(q, i);
	free(q->ring);
	q->ring = ring;
	q->cap = cap;
	q->first = 0;
	return 0;
}

int
channel_queue_push(struct channel_queue *q, const struct msg *m)
{
	if (q->count >= q->limit)
		return -ENOBUFS;
	if (q->count == q->cap) {
		int r = queue_grow(q);

		if (r < 0)
			return r;
	}
	*queue_at(q, q->count) = *m;
	q->count++;
	return 0;
}

const struct msg *
channel_queue_peek(const struct channel_queue *q)
{
	return q->count == 0 ? NULL : queue_at(q, 0);
}

struct msg *
channel_queue_last(struct channel_queue *q)
{
	return q->count == 0 ? NULL : queue_at(q, q->count - 1);
}

void
channel_queue_pop(struct channel_queue *q)
{
	sc_assert(q->count > 0);
	q->first = (q->first + 1) & (q->cap - 1);
	q->count--;
	if (q->count == 0 && q->cap > QUEUE_CAP_FIRST) {
		/* A jam is rare: don't keep its memory. */
		free(q->ring);
		q->ring = NULL;
		q->cap = 0;
		q->first = 0;
	}
}

uint32_t
channel_queue_count(const struct channel_queue *q)
{
	return q->count;
}

const struct msg *
channel_queue_at(const struct channel_queue *q, uint32_t n)
{
	return n < q->count ? queue_at(q, n) : NULL;
}

bool
channel_queue_is_empty(const struct channel_queue *q)
{
	return q->count == 0;
}
