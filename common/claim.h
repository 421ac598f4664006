/*
 * claim.h - who owns an element of a shared table.
 *
 * Beside each table (streams, upstream records, blocks) stands an array of
 * owner words.  A process claims an element by compare-and-swap from 0 to
 * its own id and releases it by storing 0.  Each process keeps a private
 * stack of elements that it has claimed and does not use (their words have
 * CLAIM_IDLE set), so that the hot path takes and gives without touching
 * what others share.
 *
 * A death loses nothing: what stands claimed by the dead and is not
 * reachable from a committed record is free (claim_sweep()).  Nothing is
 * counted, so nothing can be miscounted by a death.
 *
 * Low elements are preferred, so that high extents become empty and their
 * memory can be given back.
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
	return (owner & 0x7f) - 1;
}

/*
 * The owner of blocks that travel with a client's connection from one worker
 * to another: no process, so no sweep frees them.
 */
static inline uint32_t
owner_of_travelling(uint32_t client_slot)
{
	return client_slot << 8 | 0x7f;
}

/*
 * Set in the owner word of an element that its owner holds in reserve and
 * does not use: such a word equals no owner id.
 */
#define CLAIM_IDLE 0x80u

/* A stack holds at most this many, and no more than 1/256 of the table. */
#define CLAIM_STACK_MAX 256u

/*
 * Elements come in extents of CLAIM_EXTENT.  Where `back` is set, an extent
 * is backed with memory when the first of its elements is claimed, and given
 * back when the last one is released.  The word of an extent is one of
 * these, or the id of the process that is giving it back at the moment.
 */
#define CLAIM_EXTENT 1024u
#define EXTENT_UNTOUCHED 0u     /* no element was ever claimed */
#define EXTENT_BARE 0xfffffffeu /* may lack memory: back it before use */
#define EXTENT_BACKED 0xffffffffu

struct claim {
	_Atomic uint32_t *owners;
	_Atomic uint32_t *extents; /* NULL where memory needs no backing */
	uint32_t count;
	uint32_t self;   /* owner id of this process */
	uint32_t cursor; /* where the next search starts */
	uint32_t limit;  /* elements that `stack` may hold */
	uint32_t run;    /* elements that one search takes at most */
	uint32_t held;   /* elements in `stack` */
	/*
	 * Back / give back elements [first, first + n): 0, or -errno.
	 * Several processes may back the same elements at once, and backing
	 * what is backed must keep what it holds.
	 */
	int (*back)(void *context, uint32_t first, uint32_t n);
	void (*give_back)(void *context, uint32_t first, uint32_t n);
	void *context;
	uint32_t stack[CLAIM_STACK_MAX]; /* in descending order */
};

/*
 * Begin with an empty stack; `owners` and all that claim_set_backing() gets
 * (one extent word for each CLAIM_EXTENT elements) are borrowed.
 */
void claim_init(
    struct claim *c, _Atomic uint32_t *owners, uint32_t count, uint32_t self);
void claim_set_backing(struct claim *c, _Atomic uint32_t *extents,
    int (*back)(void *, uint32_t, uint32_t),
    void (*give_back)(void *, uint32_t, uint32_t), void *context);

/*
 * Take an element: 0 and its index in *ret, or -ENOSPC where every element
 * is taken, or what `back` returned.  Cheap while the stack holds some.
 */
SC_MUST_CHECK int claim_take(struct claim *c, uint32_t *ret);

/*
 * Give back an element.  False, and nothing is changed, if this process
 * does not use an element of this index (given twice, another's, no such).
 */
bool claim_give(struct claim *c, uint32_t index);

/* Whether the stack holds less than a search would bring. */
static inline bool
claim_is_low(const struct claim *c)
{
	return c->held < c->run;
}

/*
 * Give the whole stack back to the table: before a process leaves, and when
 * it has been idle, for an element in the stack holds the memory of its
 * extent.
 */
void claim_flush(struct claim *c);

/* Elements that nobody uses.  Looks at every word: for when few are left. */
uint32_t claim_count_free(const struct claim *c);

/* Search from the lowest element on the next time. */
static inline void
claim_rewind(struct claim *c)
{
	c->cursor = 0;
}

/*
 * Take over an element that `dead` used (no CAS is needed: only the
 * successor may call this, and it alone).  False where someone else owns it,
 * the dead had it in reserve, or there is no such element.
 */
bool claim_inherit(struct claim *c, uint32_t index, uint32_t dead);

/* The owner word of an element; 0 where there is no such one. */
static inline uint32_t
claim_owner(const struct claim *c, uint32_t index)
{
	return index < c->count ? atomic_load(&c->owners[index]) : 0;
}

/* Give an element that this process uses to another owner id. */
void claim_pass(struct claim *c, uint32_t index, uint32_t to);

/*
 * Free every element that still stands claimed by `dead`; called after all
 * that is reachable was inherited.  May be interrupted and repeated, and run
 * while others take and give.  Returns how many were freed.
 */
uint32_t claim_sweep(struct claim *c, uint32_t dead);

/* The same for all earlier processes of this one's worker slot, at once. */
uint32_t claim_sweep_own_slot(struct claim *c);

/* Whether this word says that one of them uses the element. */
static inline bool
claim_is_of_own_slot(uint32_t word, uint32_t self)
{
	return word != self && (word & 0xff) == (self & 0xff);
}

#endif
