/*
 * blame.h - what a dead worker was doing, and where: read from its slot of
 * the shared memory, which may hold any bytes.
 */
#ifndef SUPERVISOR_BLAME_H
#define SUPERVISOR_BLAME_H

#include <stdint.h>

#include "common/shm.h"
#include "common/work.h"

/* Room for "stream 1f", "session 0123abcd". */
#define BLAME_ABOUT_CAP 40
/* Room for as many frames as there may be. */
#define BLAME_TRACE_CAP (SHM_FRAMES_MAX * (SHM_MODULE_CAP + 20u))
#define BLAME_BUILD_ID_CAP (2 * SHM_BUILD_ID_MAX + 1)

struct blame {
	uint32_t task; /* enum work_task; what was no task is IDLE */
	/* The record, and what is committed of it; ON_NOTHING where that is
	   none, or another than the worker meant. */
	struct work_place place;
	char about[BLAME_ABOUT_CAP]; /* the record, for people; "" */
	/* FILE+0xOFFSET of each frame, the innermost first, with blanks
	   between; "" where the worker could not say. */
	char trace[BLAME_TRACE_CAP];
	char build_id[BLAME_BUILD_ID_CAP]; /* hexadecimal; "" */
};

/* Read the slot of worker `index`, which is dead. */
void blame_read(const struct shm *shm, uint32_t index, struct blame *ret);

#endif
