/*
 * backoff.c - how long to wait before trying again.
 */
#include "config.h"

#include "common/backoff.h"
#include "common/sc.h"

#define RESPAWN_FIRST_MS 100u
#define RESPAWN_MAX_MS 30000u

/* first * 2^doublings, at most max. */
static uint64_t
doubled(uint64_t first, unsigned doublings, uint64_t max)
{
	if (first == 0)
		return 0;
	if (doublings >= 64 || first > max >> doublings)
		return max;
	return first << doublings;
}

unsigned
respawn_delay_ms(unsigned fails)
{
	if (fails == 0)
		return 0;
	return (unsigned)doubled(RESPAWN_FIRST_MS, fails - 1, RESPAWN_MAX_MS);
}

/* value * part / 2^32, without overflow. */
static uint64_t
scale(uint64_t value, uint32_t part)
{
	return (value >> 32) * part + ((value & UINT32_MAX) * part >> 32);
}

uint64_t
backoff_delay_ms(
    const struct backoff *limits, unsigned attempt, uint32_t random)
{
	uint64_t delay = doubled(limits->initial_ms, attempt, limits->max_ms);
	uint64_t permille = MIN(limits->jitter_permille, 1000u);
	uint64_t jitter =
	    delay / 1000 * permille + delay % 1000 * permille / 1000;

	return delay - scale(jitter, random);
}
