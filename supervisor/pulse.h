/*
 * pulse.h - whether a worker's heart beats.
 *
 * A worker's loop moves a counter in shared memory; the supervisor looks at
 * it once a tick.  Only ticks in which the supervisor itself ran count, so
 * that a machine which slept, or a supervisor that was stopped, kills
 * nobody.
 */
#ifndef SUPERVISOR_PULSE_H
#define SUPERVISOR_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#define PULSE_TICK_MS 1000u

struct pulse {
	uint64_t beat;   /* as it was at the last tick */
	unsigned missed; /* ticks in a row in which it did not move */
};

/* A new process, whose counter stands at `beat`. */
void pulse_start(struct pulse *p, uint64_t beat);

/*
 * One tick: the counter now stands at `beat`.  True if the worker hangs,
 * which is to say that the counter has stood still for hang_timeout_ms at
 * least (0: it never hangs).
 */
bool pulse_tick(struct pulse *p, uint64_t beat, uint64_t hang_timeout_ms);

#endif
