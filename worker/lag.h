/*
 * lag.h - how late an event loop is, measured by a timer of its own.
 *
 * A ready connection waits for what the loop does before it, as long as such
 * a timer does.  One that is asked each second sees every pause of more than
 * a second, and of shorter ones a fair sample.
 */
#ifndef WORKER_LAG_H
#define WORKER_LAG_H

#include <stdint.h>

/* All zero: not asked yet. */
struct lag {
	uint64_t due_us;    /* when the timer is to come next */
	uint64_t worst_us;  /* in the present window of time */
	uint64_t before_us; /* the worst in the window before */
	unsigned asked;     /* times in the present window */
};

/* Times that make a window. */
#define LAG_WINDOW 30u

/*
 * The timer, which repeats each period_us, has come: returns how late it is.
 * The first time it is never late.
 */
uint64_t lag_note(struct lag *lag, uint64_t now_us, uint64_t period_us);

/* The worst of at least the last LAG_WINDOW times, at most twice as many. */
uint64_t lag_worst(const struct lag *lag);

#endif
