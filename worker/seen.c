/*
 * seen.c - ids that a session has seen lately: a ring in order of their
 * coming, whose places are chained by hash.
 */
#include "config.h"

#include <stdlib.h>

#include "worker/seen.h"

struct place {
	uint32_t id_sum;
	uint32_t slot;
	uint16_t next_ref; /* in its chain: index + 1, 0: the last */
};

struct seen {
	uint32_t count;              /* of all that came */
	uint16_t heads[SEEN_MAX];    /* of the chains: index + 1 */
	struct place ring[SEEN_MAX]; /* number n is in n % SEEN_MAX */
};

_Static_assert(SEEN_MAX < UINT16_MAX, "references are 16 bits");

struct seen *
seen_new(void)
{
	return calloc(1, sizeof(struct seen));
}

void
seen_free(struct seen **seen)
{
	free(*seen);
	*seen = NULL;
}

static uint16_t *
head_of(struct seen *seen, uint32_t id_sum)
{
	return &seen->heads[id_sum % SEEN_MAX];
}

/* The oldest one leaves its chain; it is the chain's last. */
static void
forget(struct seen *seen, uint32_t index)
{
	uint16_t *ref = head_of(seen, seen->ring[index].id_sum);

	while (*ref != index + 1)
		ref = &seen->ring[*ref - 1].next_ref;
	*ref = seen->ring[index].next_ref;
}

void
seen_add(struct seen *seen, uint32_t id_sum, uint32_t slot)
{
	uint32_t index = seen->count % SEEN_MAX;
	uint16_t *head = head_of(seen, id_sum);

	if (seen->count >= SEEN_MAX)
		forget(seen, index);
	seen->ring[index] = (struct place){ id_sum, slot, *head };
	*head = (uint16_t)(index + 1);
	/* Stays in the upper half of the numbers: full is full. */
	if (++seen->count == 2 * SEEN_MAX)
		seen->count = SEEN_MAX;
}

uint32_t
seen_find(const struct seen *seen, uint32_t id_sum)
{
	uint16_t ref = seen->heads[id_sum % SEEN_MAX];

	while (ref != 0 && seen->ring[ref - 1].id_sum != id_sum)
		ref = seen->ring[ref - 1].next_ref;
	return ref != 0 ? seen->ring[ref - 1].slot + 1 : 0;
}
