/*
 * nursery.h - births and deaths of workers.
 */
#ifndef SUPERVISOR_NURSERY_H
#define SUPERVISOR_NURSERY_H

#include <stdbool.h>

#include "common/sc.h"
#include "supervisor/state.h"

/* Set the rows up.  Then fork a worker into every wanted slot. */
void nursery_init(struct supervisor *sv);
void nursery_start(struct supervisor *sv);

/* Go on with the rows that an earlier image has left. */
void nursery_resume(struct supervisor *sv);

/*
 * From now on there are so many workers (1 .. SHM_WORKERS_MAX).  New slots
 * get theirs as soon as nobody adopts what was left there; those that are too
 * many are killed, and each one's connections go to another slot, whose
 * worker is replaced by one that adopts them.
 */
void nursery_resize(struct supervisor *sv, uint32_t wanted);

/* Somebody has adopted what was left in a slot: it may be wanted again. */
void nursery_fill(struct supervisor *sv);

/* Let the births that wait for a back-off in these slots be now. */
void nursery_hasten(struct supervisor *sv, uint64_t slots);

/* Reap who has died, and see to the successors. */
void nursery_reap(struct supervisor *sv);

/*
 * Kill a worker (SIGKILL); its death is seen when it is reaped.  One that
 * is dead already is allowed.
 */
void nursery_kill(
    struct supervisor *sv, struct worker_slot *w, enum worker_kill why);

/* One tick: kill the workers whose heart stands still. */
void nursery_tick(struct supervisor *sv);

/* A worker said that it serves: 0, or -EPROTO if it had said so before. */
SC_MUST_CHECK int nursery_ready(struct supervisor *sv, struct worker_slot *w);

/*
 * Let no slot wait for a successor that is not needed: those that left
 * nothing behind, or all of them.
 */
void nursery_cancel_idle(struct supervisor *sv);
void nursery_cancel_all(struct supervisor *sv);

/* Whether there is no worker, and none is to be born. */
bool nursery_is_empty(const struct supervisor *sv);

#endif
