/*
 * requests.h - every request that the tests send has a number, and the
 * origin's log tells how often it was executed.
 */
#ifndef CRASH_REQUESTS_H
#define CRASH_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/peers/bytes.h"

/* How often the origin may see a request. */
enum request_times { REQUEST_ONCE, REQUEST_AT_MOST_ONCE };

/*
 * A number for a new request, for its field X-Id.  `body`, if not NULL, is
 * what the origin must get.  `label` (kept) says who asks, for messages.
 */
unsigned request_new(
    const char *label, enum request_times times, const struct bytes *body);

/*
 * Compare with the origin's log, from where the last call stopped.  Returns
 * how many faults there are that were not told before, each with a line on
 * stdout.  With `final`, requests that never came are faults as well.
 */
unsigned requests_check(const char *log, bool final);

/* A new origin has a new log. */
void requests_forget_log(void);

/* How many requests there were in all. */
unsigned requests_count(void);

#endif
