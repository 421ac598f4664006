/*
 * pulse.c - whether a worker's heart beats.
 */
#include "config.h"

#include <limits.h>

#include "supervisor/pulse.h"

void
pulse_start(struct pulse *p, uint64_t beat)
{
	p->beat = beat;
	p->missed = 0;
}

bool
pulse_tick(struct pulse *p, uint64_t beat, uint64_t hang_timeout_ms)
{
	if (beat != p->beat) {
		pulse_start(p, beat);
		return false;
	}
	if (p->missed < UINT_MAX)
		p->missed++;
	/*
	 * The first missed tick may follow a beat at once: it does not count
	 * as a whole one.
	 */
	return hang_timeout_ms > 0 &&
	       (uint64_t)(p->missed - 1) * PULSE_TICK_MS >= hang_timeout_ms;
}
