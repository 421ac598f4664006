/*
 * origin_log.h - reads what the scripted origin wrote (tests/peers/diary.h).
 *
 * Each call reads the file anew: tests wait for a line to appear.
 */
#ifndef INTEGRATION_ORIGIN_LOG_H
#define INTEGRATION_ORIGIN_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/peers/message.h"

/* One request as the origin executed it; freed by origin_request_fini(). */
struct origin_request {
	unsigned connection;
	unsigned number;
	int64_t ms; /* when its head had come: wire_now_ms() */
	struct message message; /* its head */
	struct bytes method;
	struct bytes target;
	bool has_body; /* the body has ended, one way or the other */
	bool complete;
	uint64_t body_length;
	char body_hash[17];
	struct bytes body; /* up to 4 KiB, else empty */
};

/* How many requests were executed. */
unsigned origin_log_requests(const char *path);

/* How many connections were accepted. */
unsigned origin_log_connections(const char *path);

/* How many lines {"event":event} there are, with this "name" unless NULL. */
unsigned origin_log_count(
    const char *path, const char *event, const char *name);

/* Whether the peer of this connection has closed it. */
bool origin_log_closed(const char *path, unsigned connection);

/* The n-th request, from 1; false if there were fewer. */
bool origin_log_request(
    const char *path, unsigned n, struct origin_request *ret);

void origin_request_fini(struct origin_request *request);

#endif
