/*
 * report.h - what the log says of clients, requests, streams and sessions.
 *
 * Each line names what it is about: the stream, the session (the beginning of
 * its id), the client's address, and the request's number on its connection.
 * No line has a whole session id, a query, a field of a head, or a byte of a
 * body, but for the JSON-RPC method.
 */
#ifndef WORKER_REPORT_H
#define WORKER_REPORT_H

#include "common/end_reasons.h"
#include "common/log.h"

struct client;
struct session;
struct stream;

/* A line about a stream. */
void stream_log(const struct stream *st, enum log_level level, const char *fmt,
    ...) SC_PRINTF(3, 4);

/* A line about a client that has no stream (yet). */
void client_log(const struct client *c, enum log_level level, const char *fmt,
    ...) SC_PRINTF(3, 4);

/*
 * A client's request is over: `bytes` went out for it, and `why` is how it
 * ended.  Written if log.access says so, or if it was refused.
 */
void report_request(
    const struct client *c, uint64_t bytes, enum end_reason why);

/* A stream has ended. */
void report_stream(const struct stream *st, enum end_reason why);

/* A session has ended. */
void report_session(const struct session *s, enum end_reason why);

#endif
