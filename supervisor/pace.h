/*
 * pace.h - whether connections come so fast that it pays to let some gather
 * before they are taken.  Pure.
 */
#ifndef SUPERVISOR_PACE_H
#define SUPERVISOR_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* So many a millisecond are fast, once so many have come in a row. */
#define PACE_PER_MS 8u
#define PACE_ROW 16u

/* All zero: none has come. */
struct pace {
	uint64_t noted_us;
	uint64_t level; /* came, less what may come, in thousandths */
};

/* `count` connections have come at this time; whether they come fast. */
bool pace_note(struct pace *p, uint64_t now_us, uint32_t count);

#endif
