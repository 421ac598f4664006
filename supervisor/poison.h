/*
 * poison.h - records that workers die of.  Pure.
 *
 * Each worker notes what it is doing, and for which record (work.h).  Two
 * deaths by our own fault for the same record, of which nothing more was
 * committed in between: the next successor ends that client, stream or
 * session instead of trying a third time, and adopts the others.  Where the
 * adoption or the sending itself was fatal, or a third one died, it does so by
 * force, without touching any of it.
 *
 * The same for an adoption that is fatal before it has come to a record: then
 * all that is to be adopted is given up, for else no successor would live.
 */
#ifndef SUPERVISOR_POISON_H
#define SUPERVISOR_POISON_H

#include <stdbool.h>
#include <stdint.h>

#include "common/work.h"

/* Places that are remembered: the oldest is forgotten for a new one. */
#define POISON_SUSPECTS 4u

struct poison_suspect {
	struct work_place place;
	uint32_t task;   /* enum work_task, at the last of the deaths */
	uint32_t deaths; /* 0: none stands here */
};

/* What the dead of one slot died of lately; all zero: nothing. */
struct poison {
	struct poison_suspect suspects[POISON_SUSPECTS];
	uint32_t next; /* to be forgotten */
};

/*
 * Whether a death was our own fault: a fault signal, or that it hung.  A
 * SIGKILL from outside is nobody's.
 */
bool poison_is_fault(int wait_status, bool hung);

/*
 * Note a death by our own fault while doing this there.  Returns how many
 * there were at that place; 0 where the place can't be blamed: nothing was
 * being done, or for nobody.
 */
uint32_t poison_note(
    struct poison *p, uint32_t task, const struct work_place *place);

/* What must end; returns how many (at most POISON_SUSPECTS). */
uint32_t poison_verdicts(
    const struct poison *p, struct work_verdict ret[POISON_SUSPECTS]);

/* It was ended: forget it. */
void poison_settled(struct poison *p);

#endif
