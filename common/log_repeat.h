/*
 * log_repeat.h - lines that come again and again: a few are written, the
 * rest is counted.  Pure: the caller has the time, and writes.
 *
 * A site is where a line comes from.  In each LOG_REPEAT_WINDOW_MS a site may
 * write LOG_REPEAT_MAX lines; what goes beyond is hidden, and summed up when
 * the window is over.  The memory for it is bounded: where there are more
 * sites than rows, the one whose window began first gives up its own.
 */
#ifndef COMMON_LOG_REPEAT_H
#define COMMON_LOG_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_REPEAT_WINDOW_MS 10000u
#define LOG_REPEAT_MAX 20u
#define LOG_REPEAT_SITES 32u
#define LOG_REPEAT_SAMPLE_CAP 120

struct log_repeat {
	const char *site; /* its format; NULL: the row is free */
	uint64_t since_ms;
	uint32_t written;
	uint32_t hidden;
	int level;                          /* for whoever sums up */
	char sample[LOG_REPEAT_SAMPLE_CAP]; /* what it said last */
};

struct log_repeats {
	struct log_repeat row[LOG_REPEAT_SITES];
};

/*
 * The row of a site.  Where it has none and none is free it takes the oldest
 * one, whose sum is then to be told first: log_repeat_sum() of the result.
 */
struct log_repeat *log_repeat_find(struct log_repeats *all, const char *site);

/*
 * How many lines were hidden in a window that is over, or in one of another
 * `site`; 0: none.  The caller tells it, then calls log_repeat_begin().
 */
uint32_t log_repeat_sum(
    const struct log_repeat *r, const char *site, uint64_t now_ms);

/* Whether a line of this site may be written now; if not, it is counted. */
bool log_repeat_admit(struct log_repeat *r, const char *site, uint64_t now_ms);

/* Begin a window of this site, with nothing written. */
void log_repeat_begin(struct log_repeat *r, const char *site, uint64_t now_ms);

#endif
