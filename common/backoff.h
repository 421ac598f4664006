/*
 * backoff.h - how long to wait before trying again.  Pure functions.
 */
#ifndef COMMON_BACKOFF_H
#define COMMON_BACKOFF_H

#include <stdint.h>

/*
 * Milliseconds to wait before refilling a worker slot that has died
 * `fails` times in a row without once serving for a minute.  The first
 * death is refilled at once; after that 100 ms, doubling up to 30 s.
 */
unsigned respawn_delay_ms(unsigned fails);

struct backoff {
	uint64_t initial_ms;
	uint64_t max_ms;
	uint32_t jitter_permille; /* 0 .. 1000: that much may be cut off */
};

/*
 * Milliseconds to wait before try number `attempt` (the first is 0):
 * initial_ms, doubled each time, at most max_ms, less a part of it up to
 * the jitter, chosen by `random` (any 32 random bits).  So of many that wait
 * for the same, no two come at once, and none waits longer than max_ms.
 */
uint64_t backoff_delay_ms(
    const struct backoff *limits, unsigned attempt, uint32_t random);

#endif
