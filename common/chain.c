/*
 * chain.c - blocks of the shared memory, and chains of them.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/chain.h"
#include "common/kill_point.h"

/* --- the arena ---------------------------------------------------------- */

static int
back_blocks(void *context, uint32_t first, uint32_t n)
{
	return shm_blocks_back(context, first, n);
}

static void
give_back_blocks(void *context, uint32_t first, uint32_t n)
{
	shm_blocks_give_back(context, first, n);
}

void
arena_init(struct arena *a, struct shm *shm, uint32_t self)
{
	memset(a, 0, sizeof(*a));
	a->shm = shm;
	a->reserve_from = shm->sizes.blocks;
	claim_init(&a->claim, shm->block_owners, shm->sizes.blocks, self);
	claim_set_backing(
	    &a->claim, shm->extents, back_blocks, give_back_blocks, shm);
}

void
arena_let_go(struct arena *a, uint32_t first_ref, uint32_t count)
{
	if (count == 0)
		return;
	sc_assert(a->freed_count < ARENA_RUNS_MAX);
	a->freed[a->freed_count].first_ref = first_ref;
	a->freed[a->freed_count].count = count;
	a->freed_count++;
}

/* Give back a run, the last block first: each goes on top of the stack. */
static void
give_run(struct arena *a, const struct arena_run *run)
{
	uint32_t ref = run->first_ref, left = run->count, n;
	uint32_t indices[64];

	while (left > 0) {
		for (n = 0; n < ARRAY_LEN(indices) && left > 0; left--) {
			if (!block_is_valid(a, ref)) {
				left = 0;
				break;
			}
			indices[n++] = ref - 1;
			ref = block_next(a, ref);
		}
		while (n > 0) {
			(void)claim_give(&a->claim, indices[--n]);
			KILL_POINT();
		}
	}
}

void
arena_settle(struct arena *a)
{
	uint32_t i;

	for (i = a->freed_count; i > a->floor; i--)
		give_run(a, &a->freed[i - 1]);
	a->freed_count = a->floor;
}

uint32_t
arena_hold(struct arena *a)
{
	uint32_t held = a->floor;

	a->floor = a->freed_count;
	return held;
}

void
arena_unhold(struct arena *a, uint32_t held)
{
	a->floor = held;
}

/* --- chains ------------------------------------------------------------- */

bool
chain_is_empty(const struct chain *c)
{
	return c->first_ref == 0;
}

uint64_t
chain_len(const struct arena *a, const struct chain *c)
{
	uint64_t len = 0;
	uint32_t ref = c->first_ref, off = c->first_off, turns = 0;

	while (block_is_valid(a, ref) && turns++ < a->shm->sizes.blocks) {
		if (ref == c->last_ref)
			return len + c->last_off - off;
		len += SHM_BLOCK_SIZE - off;
		off = 0;
		ref = block_next(a, ref);
	}
	return len;
}

bool
arena_make_room(struct arena *a, const struct claim *c)
{
	uint32_t held = arena_hold(a);
	bool freed = false;

	/* A few at once: each search of a full table walks all of it. */
	while (
	    a->on_short != NULL && claim_is_low(c) && a->on_short(a->context))
		freed = true;
	arena_unhold(a, held);
	return freed;
}

/* All of it is about to be written; the memory is mostly a cold one. */
static void
prefetch_block(const struct arena *a, uint32_t index)
{
	const char *p = block_at(a, index + 1), *end = p + SHM_BLOCK_SIZE;

	for (; p < end; p += 64)
		__builtin_prefetch(p, 1);
}

int
chain_grow(struct arena *a, struct chain *c)
{
	uint32_t index;

	while (claim_take(&a->claim, &index) != 0) {
		if (!arena_make_room(a, &a->claim))
			return -ENOMEM;
	}
	KILL_POINT();
	a->is_low |= index >= a->reserve_from;
	prefetch_block(a, index);
	a->shm->block_next[index] = 0;
	if (c->first_ref == 0) {
		c->first_ref = index + 1;
		c->first_off = 0;
	} else {
		a->shm->block_next[c->last_ref - 1] = index + 1;
	}
	KILL_POINT();
	c->last_ref = index + 1;
	c->last_off = 0;
	return 0;
}

void
chain_restore(struct arena *a, struct chain *c, struct chain_end end)
{
	uint32_t ref = c->first_ref, next;

	if (end.ref != 0)
		ref = end.ref == c->last_ref ? 0 : block_next(a, end.ref);
	while (ref != 0) {
		next = ref == c->last_ref ? 0 : block_next(a, ref);
		claim_give(&a->claim, ref - 1);
		ref = next;
	}
	if (end.ref == 0)
		memset(c, 0, sizeof(*c));
	c->last_ref = end.ref;
	c->last_off = end.off;
}

char *
block_copy(char *to, const char *from, size_t len)
{
	return mempcpy(to, from, len);
}

int
chain_append(struct arena *a, struct chain *c, const void *bytes, size_t len)
{
	const char *from = bytes;
	struct chain_end was = chain_end(c);
	size_t part;

	while (len > 0) {
		if (c->last_ref == 0 || c->last_off == SHM_BLOCK_SIZE) {
			if (chain_grow(a, c) != 0) {
				chain_restore(a, c, was);
				return -ENOMEM;
			}
		}
		part = MIN(len, (size_t)(SHM_BLOCK_SIZE - c->last_off));
		memcpy(block_at(a, c->last_ref) + c->last_off, from, part);
		KILL_POINT();
		c->last_off += (uint32_t)part;
		from += part;
		len -= part;
	}
	return 0;
}

size_t
chain_peek(const struct arena *a, const struct chain *c, char *buf, size_t cap)
{
	uint32_t ref = c->first_ref, off = c->first_off, end;
	size_t len = 0, part;

	while (len < cap && block_is_valid(a, ref)) {
		end = ref == c->last_ref ? c->last_off : SHM_BLOCK_SIZE;
		if (off > end || end > SHM_BLOCK_SIZE)
			break;
		part = MIN(cap - len, (size_t)(end - off));
		memcpy(buf + len, block_at(a, ref) + off, part);
		len += part;
		if (ref == c->last_ref)
			break;
		ref = block_next(a, ref);
		off = 0;
	}
	return len;
}

void
chain_clear(struct arena *a, struct chain *c)
{
	uint32_t ref = c->first_ref, count = 0;

	while (block_is_valid(a, ref) && count < a->shm->sizes.blocks) {
		count++;
		if (ref == c->last_ref)
			break;
		ref = block_next(a, ref);
	}
	arena_let_go(a, c->first_ref, count);
	memset(c, 0, sizeof(*c));
}

void
chain_consume(struct arena *a, struct chain *c, size_t len)
{
	uint32_t first = c->first_ref, count = 0;
	size_t part;

	while (len > 0 && c->first_ref != c->last_ref &&
	       block_is_valid(a, c->first_ref) &&
	       c->first_off <= SHM_BLOCK_SIZE) {
		part = MIN(len, (size_t)(SHM_BLOCK_SIZE - c->first_off));
		c->first_off += (uint32_t)part;
		len -= part;
		if (c->first_off == SHM_BLOCK_SIZE) {
			c->first_ref = block_next(a, c->first_ref);
			c->first_off = 0;
			count++;
		}
	}
	arena_let_go(a, first, count);
	if (c->first_ref == 0 || c->first_ref != c->last_ref)
		return;
	c->first_off += (uint32_t)MIN(len, c->last_off - c->first_off);
	if (c->first_off == c->last_off)
		chain_clear(a, c);
}

int
chain_visit(const struct arena *a, const struct chain *c,
    void (*visit)(void *context, uint32_t index), void *context)
{
	uint32_t ref = c->first_ref, count = 0;

	if (c->first_off > SHM_BLOCK_SIZE || c->last_off > SHM_BLOCK_SIZE)
		return -EBADMSG;
	if (ref == 0)
		return c->last_ref == 0 ? 0 : -EBADMSG;
	for (;;) {
		if (!block_is_valid(a, ref) || count++ > a->shm->sizes.blocks)
			return -EBADMSG;
		visit(context, ref - 1);
		if (ref == c->last_ref)
			return 0;
		ref = block_next(a, ref);
	}
}
