/*
 * pace.c - whether connections come fast: a bucket that each fills, and that
 * drains with time.
 */
#include "config.h"

#include "common/sc.h"
#include "supervisor/pace.h"

#define ONE 1000u
/* What it holds: after a flood, this many milliseconds make it ordinary. */
#define FULL (2 * PACE_ROW * ONE)

bool
pace_note(struct pace *p, uint64_t now_us, uint32_t count)
{
	/* One PACE_PER_MS-th of a millisecond drains ONE. */
	uint64_t drained = (now_us - p->noted_us) * PACE_PER_MS;

	p->noted_us = now_us;
	p->level -= MIN(p->level, drained);
	p->level = MIN(p->level + (uint64_t)count * ONE, (uint64_t)FULL);
	return p->level >= PACE_ROW * ONE;
}
