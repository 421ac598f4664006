/*
 * chain.h - blocks of the shared memory, and chains of them used as queues of
 * bytes.
 *
 * struct chain is part of a record's state and changes only in the copy that
 * is not committed.  Blocks are append-only while a committed state points
 * into them; blocks that a change lets go are kept in the arena's `freed`
 * list until arena_settle(), which is called after the commit.
 */
#ifndef COMMON_CHAIN_H
#define COMMON_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/claim.h"
#include "common/sc.h"
#include "common/shm.h"
#include "common/shm_layout.h"

/* More runs than one change of one record ever lets go. */
#define ARENA_RUNS_MAX 32

/* This process's share in the blocks. */
struct arena {
	struct shm *shm;
	struct claim claim;
	/*
	 * Runs of linked blocks that a change let go which is not committed
	 * yet; their links still stand.
	 */
	struct arena_run {
		uint32_t first_ref;
		uint32_t count;
	} freed[ARENA_RUNS_MAX];
	uint32_t freed_count;
	uint32_t floor; /* runs below it wait for an outer commit */
	/*
	 * Blocks from this index on are the reserve: low ones are taken first,
	 * so that one of these is a sign that few are left.
	 */
	uint32_t reserve_from;
	bool is_low; /* one was taken; for the owner to look at and clear */
	/* Nothing is left: free something; false where nothing can be. */
	bool (*on_short)(void *context);
	void *context;
};

void arena_init(struct arena *a, struct shm *shm, uint32_t self);

/* After a commit: give back what the commit let go. */
void arena_settle(struct arena *a);

/*
 * A change of another record is made and committed while one is open: what
 * was let go so far is not given back by the inner commit.  Returns what
 * arena_unhold() needs.
 */
uint32_t arena_hold(struct arena *a);
void arena_unhold(struct arena *a, uint32_t held);

/*
 * Nothing of a table is left to take: free what on_short() lets go until `c`
 * has a few again.  False where nothing went.  A change may be open.
 */
bool arena_make_room(struct arena *a, const struct claim *c);

/* --- chains: queues of bytes -------------------------------------------- */

bool chain_is_empty(const struct chain *c);

/* Bytes held.  Walks the blocks: for cold paths and tests. */
uint64_t chain_len(const struct arena *a, const struct chain *c);

/* Append: 0, or -ENOMEM (nothing was appended, blocks may have been taken). */
SC_MUST_CHECK int chain_append(
    struct arena *a, struct chain *c, const void *bytes, size_t len);

/* Copy at most `cap` bytes from the front to buf, consuming none. */
size_t chain_peek(
    const struct arena *a, const struct chain *c, char *buf, size_t cap);

/* Consume `len` bytes from the front (no more than it holds). */
void chain_consume(struct arena *a, struct chain *c, size_t len);

/* Let everything go. */
void chain_clear(struct arena *a, struct chain *c);

/*
 * Call visit(context, block index) for each block of a chain; stops at a
 * broken link and returns -EBADMSG.  A chain that passes may be gone on with.
 */
SC_MUST_CHECK int chain_visit(const struct arena *a, const struct chain *c,
    void (*visit)(void *context, uint32_t index), void *context);

/* --- for journal.c, which lays records on chains ------------------------- */

/* Whether a block reference leads anywhere. */
static inline bool
block_is_valid(const struct arena *a, uint32_t ref)
{
	return ref != 0 && ref <= a->shm->sizes.blocks;
}

/* The bytes of a block, by a valid reference. */
static inline char *
block_at(const struct arena *a, uint32_t ref)
{
	return a->shm->blocks + (size_t)(ref - 1) * SHM_BLOCK_SIZE;
}

/* The block behind it; meaningful only before the chain's last one. */
static inline uint32_t
block_next(const struct arena *a, uint32_t ref)
{
	return a->shm->block_next[ref - 1];
}

/*
 * mempcpy(3), as a call.  A compiler that sees that no more than a block is
 * copied may do it in place, with an instruction that starts slowly.
 */
char *block_copy(char *to, const char *from, size_t len);

/* Remember `count` linked blocks for arena_settle(). */
void arena_let_go(struct arena *a, uint32_t first_ref, uint32_t count);

/* Add an empty block at the end: 0 or -ENOMEM. */
SC_MUST_CHECK int chain_grow(struct arena *a, struct chain *c);

/*
 * Where a chain ends now, and going back to there: blocks that grew since were
 * never committed.  Only what changes is kept and read, in the width in which
 * it was written: to read it in one piece waits for all stores before, among
 * which are those to blocks that are in no cache.
 */
struct chain_end {
	uint32_t ref; /* 0: it was empty */
	uint32_t off;
};

static inline struct chain_end
chain_end(const struct chain *c)
{
	return (struct chain_end){ c->last_ref, c->last_off };
}

void chain_restore(struct arena *a, struct chain *c, struct chain_end end);

#endif
