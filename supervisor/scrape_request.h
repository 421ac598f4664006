/*
 * scrape_request.h - what a scraper asks for.  Pure.
 *
 * The one thing that the supervisor reads of HTTP, and not a reader of HTTP:
 * it knows a request line of five possible shapes and the Host field, and
 * gives no byte of it to anybody.  Whatever else the head says is skipped.
 */
#ifndef SUPERVISOR_SCRAPE_REQUEST_H
#define SUPERVISOR_SCRAPE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/http_slice.h"

/* The longest head. */
#define SCRAPE_REQUEST_MAX 4096u

/* TABLE of what there is: X(name, path). */
#define SCRAPE_TARGETS(X)                                                      \
	X(METRICS, "/metrics")                                                 \
	X(HEALTH, "/healthz")                                                  \
	X(READY, "/readyz")

enum scrape_target {
#define X(name, path) SCRAPE_##name,
	SCRAPE_TARGETS(X)
#undef X
	    SCRAPE_TARGET_COUNT
};

struct scrape_request {
	enum scrape_target target;
	bool head_only;         /* HEAD */
	struct http_slice host; /* of the Host field; p is NULL without one */
};

/*
 * Look at what has been received so far.  0: there is more to come; or the
 * status to answer with: 200 and *ret, 400 (no such thing as a request), 404,
 * 405, 431 (longer than SCRAPE_REQUEST_MAX) or 505.
 */
unsigned scrape_request_read(
    const char *buf, size_t len, struct scrape_request *ret);

#endif
