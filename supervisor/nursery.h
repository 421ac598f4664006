/*
 * nursery.h - births and deaths of workers.
 */
#ifndef SUPERVISOR_NURSERY_H
#define SUPERVISOR_NURSERY_H

#include <stdbool.h>

#include "common/sc.h"
#include "supervisor/state.h"

/* Fork a worker into every slot. */
void nursery_start(struct supervisor *sv);

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
