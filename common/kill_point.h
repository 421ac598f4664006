/*
 * kill_point.h - places between two stores where a test lets a worker die.
 *
 * In developer builds each KILL_POINT() counts; the tests of crashes say at
 * which count the process kills itself, so that they can go through all of
 * them.  In any other build it is nothing.
 *
 * WORK_POINT() stands where a worker notes what it begins to do (work.h).  A
 * plan may name a task and a signal: the first record for which a worker
 * begins with that task is the chosen one, and from then on each worker that
 * begins with it for that record raises the signal.
 *
 * The tests speak through a file that the environment names, and that is
 * mapped by them and by the workers: what one death has used up, no successor
 * meets again.
 */
#ifndef COMMON_KILL_POINT_H
#define COMMON_KILL_POINT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Path of a file that holds a struct kill_plan. */
#define KILL_PLAN_VARIABLE "SHADOWCAT_KILL_PLAN"

/* Deaths in one plan: the second is met by the first one's successor. */
#define KILL_DEATHS 2

/* Instead of a signal: hang. */
#define KILL_PLAN_HANG UINT32_MAX

struct kill_plan {
	_Atomic uint64_t passed;            /* points passed in all */
	_Atomic uint64_t left[KILL_DEATHS]; /* points to go; 0: no death */
	char where[KILL_DEATHS][64];        /* file:line of each death */

	_Atomic uint32_t fault_signal; /* 0: no fault; stored last */
	_Atomic uint32_t fault_task;   /* enum work_task */
	_Atomic uint32_t fault_kind;   /* enum work_kind, of the record */
	_Atomic uint32_t faults;       /* how often it was raised */
	_Atomic uint64_t fault_record; /* the chosen one, 0: none yet */
};

#ifdef SC_DEVELOPER
#define KILL_POINT() kill_point(__FILE__, __LINE__)

/* Count; die if the plan says so. */
void kill_point(const char *file, int line);

#define WORK_POINT(task, kind, slot, generation)                               \
	kill_point_work(task, kind, slot, generation)

/* Raise the signal if the plan says so. */
void kill_point_work(
    uint32_t task, uint32_t kind, uint32_t slot, uint32_t generation);

/* Die of a fault where these bytes hold the text that this names. */
#define POISON_VARIABLE "SHADOWCAT_POISON"
#define POISON_POINT(buf, len) kill_point_poison(buf, len)
void kill_point_poison(const char *buf, size_t len);
#else
#define KILL_POINT() ((void)0)
#define WORK_POINT(task, kind, slot, generation) ((void)0)
#define POISON_POINT(buf, len) ((void)0)
#endif

#endif
