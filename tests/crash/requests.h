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
enum request_times {
	REQUEST_ONCE,
	REQUEST_AT_MOST_ONCE,
	REQUEST_NEVER,     /* the proxy answers it */
	REQUEST_AND_AGAIN, /* a GET that may be repeated */
	REQUEST_DELETE,    /* once, and it ends its session */
};

/*
 * A number for a new request, for its field X-Id.  `body`, if not NULL, is
 * what the origin must get.  `label` (kept) says who asks, for messages.
 */
unsigned request_new(
    const char *label, enum request_times times, const struct bytes *body);

/*
 * A new session: the origin must be told with one DELETE that it is over, be
 * it the client's or one of the proxy's own.  Fills in its id.
 */
#define SESSION_CAP 40
void request_new_session(char ret[SESSION_CAP]);

/* Whether a DELETE for it stands in what was read of the log. */
bool request_session_ended(const char *session);

/*
 * Requests that the proxy makes by itself carry the number of the session's
 * newest one: a GET with Last-Event-ID, which asks to go on and counts for
 * nothing, and a DELETE.
 */

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
