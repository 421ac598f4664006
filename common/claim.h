/*
 * claim.h - who owns an element of a shared table.
 *
 * Beside each table (streams, upstream records, blocks) stands an array of
 * owner words.  A process claims an element by compare-and-swap from 0 to
 * its own id and releases it by storing 0.  Each process keeps a private
 * stack of elements that it has claimed and does not use, so that the hot
 * path takes and gives without touching what others share.
 *
 * A death loses nothing: what stands claimed by the dead and is not
 * reachable from a committed record is free (claim_sweep()).
 */
#ifndef COMMON_CLAIM_H
#define COMMON_CLAIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/sc.h"

/* The id of a worker process: never 0, unique while its dead are not swept. */
static inline uint32_t
owner_id(uint32_t worker_index, uint32_t generation)
{
	return generation << 8 | (worker_index + 1);
}

/* The worker slot of an owner id, which must not be 0. */
static inline uint32_t
owner_worker(uint32_t owner)
{
	return (owner & 0xff) - 1;
}

#define CLAIM_STACK_MAX 256u

/*
 * Elements come in extents of CLAIM_EXTENT.  Where `back` is set, an extent
 * is backed with memory when the first of its elements is claimed, and may
 * be given back when the last one is released.
 */
#define CLAIM_EXTENT 1024u

struct claim {
	_Atomic uint32_t *owners;
	_Atomic uint32_t *extents; /* NULL where memory needs no backing */
	uint32_t count;
	uint32_t self;   /* owner id of this process */
	uint32_t cursor; /* where the next search starts */
	uint32_t held;   /* elements in `stack` */
	/* 0, or -errno: back / give back elements [first, first + n). */
	int (*back)(void *context, uint32_t first, uint32_t n);
	void (*give_back)(void *context, uint32_t first, uint32_t n);
	void *context;
	uint32_t stack[CLAIM_STACK_MAX];
};

/* `extents`, `back`, `give_back` and `context` may be NULL together. */
void claim_init(struct claim *c, _Atomic uint32_t *owners, uint32_t count,
    uint32_t self);
void claim_set_backing(struct claim *c, _Atomic uint32_t *extents,
    int (*back)(void *, uint32_t, uint32_t),
    void (*give_back)(void *, uint32_t, uint32_t), void *context);

/*
 * Take an element: 0 and its index in *ret, or -ENOSPC where every element
 * is taken, or what `back` returned.  Cheap while the stack holds some.
 */
SC_MUST_CHECK int claim_take(struct claim *c, uint32_t *ret);

/* Give back an element that this process owns. */
void claim_give(struct claim *c, uint32_t index);

/* Give the whole stack back to the table (before a process leaves). */
void claim_flush(struct claim *c);

/*
 * Take over an element from `dead` (no CAS is needed: only the successor
 * may call this, and it alone).  False where someone else owns it.
 */
bool claim_inherit(struct claim *c, uint32_t index, uint32_t dead);

/*
 * Free every element that still stands claimed by `dead`; called after all
 * that is reachable was inherited.  Returns how many were freed.
 */
uint32_t claim_sweep(struct claim *c, uint32_t dead);

#endif
