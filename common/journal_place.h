/*
 * journal_place.h - places in a journal's chain of blocks.  For the files of
 * the journal alone.
 */
#ifndef COMMON_JOURNAL_PLACE_H
#define COMMON_JOURNAL_PLACE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/chain.h"
#include "common/journal.h"

/* A place in a chain. */
struct place {
	uint32_t ref;
	uint32_t off;
};

/* Whether a record's header may begin there: headers are never split. */
static inline bool
header_fits(uint32_t off)
{
	return off <= SHM_BLOCK_SIZE - sizeof(struct journal_record);
}

/* Where the record at or after `at` starts. */
static inline bool
place_of_header(const struct arena *a, struct place *at)
{
	if (!block_is_valid(a, at->ref) || at->off > SHM_BLOCK_SIZE)
		return false;
	if (!header_fits(at->off)) {
		at->ref = block_next(a, at->ref);
		at->off = 0;
	}
	return block_is_valid(a, at->ref);
}

/*
 * How many of `left` bytes from `at` on lie in one block; 0 where the chain is
 * broken.  At the end of a block `at` moves on to the next one only if a byte
 * is wanted there: behind the last byte of a committed state a link may stand
 * that was never committed.
 */
static inline uint32_t
place_piece(const struct arena *a, struct place *at, uint32_t left)
{
	if (left == 0 || !block_is_valid(a, at->ref))
		return 0;
	if (at->off == SHM_BLOCK_SIZE) {
		at->ref = block_next(a, at->ref);
		at->off = 0;
	}
	if (!block_is_valid(a, at->ref) || at->off > SHM_BLOCK_SIZE)
		return 0;
	return MIN(left, SHM_BLOCK_SIZE - at->off);
}

/* Call for each piece of `len` payload bytes that start at `at`. */
#define FOR_EACH_PIECE(a, at, len, left, piece)                                \
	for (left = (len); (piece) = place_piece((a), &(at), left), left > 0;  \
	     left -= (piece), (at).off += (piece))

/*
 * The journal begins at the record that `at` is the place of, from now on:
 * let the blocks before it go.  False where the chain is broken.
 */
static inline bool
place_begin_there(struct arena *a, struct journal *j, struct place *at)
{
	uint32_t ref = j->chain.first_ref, count = 0;

	if (!place_of_header(a, at))
		return false;
	while (ref != at->ref && block_is_valid(a, ref) &&
	       count < a->shm->sizes.blocks) {
		ref = block_next(a, ref);
		count++;
	}
	arena_let_go(a, j->chain.first_ref, count);
	j->chain.first_ref = at->ref;
	j->chain.first_off = at->off;
	return true;
}

/* The record at `at`, which must have this number. */
static inline int
record_read(const struct arena *a, struct place at, uint64_t seq,
    struct journal_record *ret, struct place *ret_body)
{
	if (!place_of_header(a, &at))
		return -EBADMSG;
	memcpy(ret, block_at(a, at.ref) + at.off, sizeof(*ret));
	if (ret->seq != seq || ret->type == 0 ||
	    ret->type >= JOURNAL_TYPE_COUNT ||
	    ret->len / SHM_BLOCK_SIZE > a->shm->sizes.blocks)
		return -EBADMSG;
	ret_body->ref = at.ref;
	ret_body->off = at.off + (uint32_t)sizeof(*ret);
	return 0;
}

/* The place behind a payload of `len` bytes: 0, or -EBADMSG. */
static inline int
payload_end(
    const struct arena *a, struct place at, uint32_t len, struct place *ret)
{
	uint32_t left, piece;

	FOR_EACH_PIECE(a, at, len, left, piece)
	{
		if (piece == 0)
			return -EBADMSG;
	}
	*ret = at;
	return 0;
}

/* The first kept record's place; the open one's where none is finished. */
static inline struct place
journal_start(const struct journal *j)
{
	struct place at = { j->chain.first_ref, j->chain.first_off };

	return at;
}

static inline struct place
cursor_place(const struct journal *j, const struct journal_cursor *cur)
{
	struct place at = { cur->ref, cur->off };

	return cur->ref != 0 ? at : journal_start(j);
}

#endif
