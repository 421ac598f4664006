/*
 * arena_rig.h - a shared memory with few blocks, an arena on it, and what
 * tests want to know of it.
 */
#ifndef TESTS_UNIT_ARENA_RIG_H
#define TESTS_UNIT_ARENA_RIG_H

#include <check.h>
#include <stdint.h>
#include <string.h>

#include "common/journal.h"

/* A generator of our own, so that a seed means the same everywhere. */
struct dice {
	uint64_t state;
};

static inline void
dice_init(struct dice *d, unsigned seed)
{
	d->state = seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
}

static inline uint64_t
dice_next(struct dice *d)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return d->state;
}

/* A number below n. */
static inline uint32_t
dice_roll(struct dice *d, uint32_t n)
{
	return (uint32_t)((dice_next(d) >> 16) % n);
}

/* Lengths that like to end where blocks and headers do. */
static inline size_t
dice_len(struct dice *d)
{
	static const uint32_t near[] = { 1, 24, SHM_BLOCK_SIZE - 48,
		SHM_BLOCK_SIZE - 24, SHM_BLOCK_SIZE, 2 * SHM_BLOCK_SIZE - 24 };

	switch (dice_roll(d, 4)) {
	case 0:
		return dice_roll(d, 40);
	case 1:
		return dice_roll(d, 3 * SHM_BLOCK_SIZE);
	default:
		return near[dice_roll(d, ARRAY_LEN(near))] + dice_roll(d, 3) -
		       1;
	}
}

/* Owner words that say that this process uses a block. */
static inline uint32_t
arena_used(const struct arena *a)
{
	uint32_t i, n = 0;

	for (i = 0; i < a->shm->sizes.blocks; i++)
		n += a->shm->block_owners[i] == a->claim.self;
	return n;
}

/* Owner words that are not free, whoever's they are. */
static inline uint32_t
arena_claimed(const struct arena *a)
{
	uint32_t i, n = 0;

	for (i = 0; i < a->shm->sizes.blocks; i++)
		n += a->shm->block_owners[i] != 0;
	return n;
}

static inline void
arena_count_block(void *context, uint32_t index)
{
	uint32_t *n = context;

	(void)index;
	++*n;
}

/* Blocks of a chain, which must be sound. */
static inline uint32_t
arena_reach(const struct arena *a, const struct chain *c)
{
	uint32_t n = 0;

	ck_assert_int_eq(chain_visit(a, c, arena_count_block, &n), 0);
	return n;
}

static inline void
arena_inherit_block(void *context, uint32_t index)
{
	struct arena *a = context;
	uint32_t dead = a->claim.self - (1u << 8);

	ck_assert(claim_inherit(&a->claim, index, dead));
}

/*
 * The process that had the arena is dead: its successor takes over what the
 * chains reach, and frees the rest, as adoption does it.
 */
static inline void
arena_succeed(struct arena *a, const struct chain *const *chains, size_t count)
{
	uint32_t dead = a->claim.self;
	size_t i;

	arena_init(a, a->shm, dead + (1u << 8));
	for (i = 0; i < count; i++)
		ck_assert_int_eq(
		    chain_visit(a, chains[i], arena_inherit_block, a), 0);
	(void)claim_sweep(&a->claim, dead);
}

#endif
