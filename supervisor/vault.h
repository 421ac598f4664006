/*
 * vault.h - the originals of every connection, so that no worker's death
 * closes one.
 *
 * One table for clients and one for upstreams, both of fixed size; a slot
 * here is the slot of the record in shared memory.  Client slots are handed
 * out here and nowhere else; upstream slots are chosen by the workers, who
 * agree on them in shared memory, so what they ask for is checked.  Each
 * worker's entries are on a list of their own: what a dead one leaves is
 * found without looking at the others'.  Everything but vault_fini() takes
 * constant time.
 */
#ifndef SUPERVISOR_VAULT_H
#define SUPERVISOR_VAULT_H

#include <stdint.h>

#include "common/msg.h"
#include "common/sc.h"
#include "common/shm_layout.h"

#define VAULT_KINDS 2u /* enum socket_kind */
#define VAULT_NONE UINT32_MAX

struct vault_entry {
	int fd; /* the original; -1: the slot is free */
	uint32_t generation;
	uint32_t worker;   /* index of the worker that has a duplicate */
	uint32_t previous; /* on that worker's list, or VAULT_NONE */
	uint32_t next;     /* the same; on the free list if the slot is free */
};

struct vault_list {
	uint32_t first;
	uint32_t count;
};

struct vault_table {
	struct vault_entry *entries;
	uint32_t capacity;
	uint32_t touched; /* slots from here on were never used */
	uint32_t free;    /* first of the free list, or VAULT_NONE */
	uint32_t used;
	struct vault_list lists[SHM_WORKERS_MAX];
};

struct vault {
	struct vault_table tables[VAULT_KINDS];
};

/* Room for so many of each: 0 or -ENOMEM. */
SC_MUST_CHECK int vault_init(
    struct vault *v, uint32_t clients, uint32_t upstreams);

/* Close every original and free the tables. */
void vault_fini(struct vault *v);

/*
 * Take an accepted connection (`fd`, on success) for a worker.  0 with the
 * slot and its generation, never 0 and another one at each use; -ENOSPC
 * where every slot is taken.
 */
SC_MUST_CHECK int vault_add_client(struct vault *v, int fd, uint32_t worker,
    uint32_t *ret_slot, uint32_t *ret_generation);

/*
 * Take an upstream socket (`fd`, on success) that a worker parks.  -ERANGE:
 * no such slot; -EBUSY: it is taken.
 */
SC_MUST_CHECK int vault_park_upstream(struct vault *v, uint32_t slot,
    uint32_t generation, int fd, uint32_t worker);

/*
 * The entry of a slot, or NULL if there is no such slot, it is free, or it
 * is of another generation.  Valid until the next call that is not const.
 */
const struct vault_entry *vault_find(
    const struct vault *v, uint32_t kind, uint32_t slot, uint32_t generation);

/* Close the original in a slot that is taken, and free the slot. */
void vault_drop(struct vault *v, uint32_t kind, uint32_t slot);

/* Let a slot that is taken belong to another worker. */
void vault_give(struct vault *v, uint32_t kind, uint32_t slot, uint32_t worker);

/* Number of entries of a kind that belong to a worker. */
uint32_t vault_count(const struct vault *v, uint32_t kind, uint32_t worker);

/* Number of free slots of a kind. */
uint32_t vault_room(const struct vault *v, uint32_t kind);

/*
 * Put an entry back where it was in an earlier image of the daemon: its fd
 * (taken; -1: the slot is free), generation and worker.  Each slot once, from
 * 0 on, into tables that are empty.  0; -ERANGE: no such slot or worker.
 */
SC_MUST_CHECK int vault_restore(struct vault *v, uint32_t kind, uint32_t slot,
    const struct vault_entry *entry);

/*
 * Walk a worker's entries: the first slot, and the one after `slot`, or
 * VAULT_NONE.  Nothing may be added or dropped during a walk.
 */
uint32_t vault_first(const struct vault *v, uint32_t kind, uint32_t worker);
uint32_t vault_next(const struct vault *v, uint32_t kind, uint32_t slot);

/* The entry of a slot that a walk returned. */
const struct vault_entry *vault_entry(
    const struct vault *v, uint32_t kind, uint32_t slot);

#endif
