/*
 * lag.c - how late an event loop is.
 */
#include "config.h"

#include "common/sc.h"
#include "worker/lag.h"

static void
remember(struct lag *lag, uint64_t late_us)
{
	if (lag->asked++ == LAG_WINDOW) {
		lag->asked = 1;
		lag->before_us = lag->worst_us;
		lag->worst_us = 0;
	}
	lag->worst_us = MAX(lag->worst_us, late_us);
}

uint64_t
lag_note(struct lag *lag, uint64_t now_us, uint64_t period_us)
{
	uint64_t late = 0;

	if (lag->due_us != 0 && now_us > lag->due_us)
		late = now_us - lag->due_us;
	if (lag->due_us == 0)
		lag->due_us = now_us;
	/* As libev does: what was missed is not made up for. */
	lag->due_us = MAX(lag->due_us + period_us, now_us);
	remember(lag, late);
	return late;
}

uint64_t
lag_worst(const struct lag *lag)
{
	return MAX(lag->worst_us, lag->before_us);
}
