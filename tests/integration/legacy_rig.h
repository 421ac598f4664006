/*
 * legacy_rig.h - sessions and streams of MCP up to 2025-11-25, for the tests
 * of what the proxy does for them.
 */
#ifndef INTEGRATION_LEGACY_RIG_H
#define INTEGRATION_LEGACY_RIG_H

#include "tests/integration/ask.h"

#define STREAM "head 200 text/event-stream chunked; "
#define SESSION(id) "Mcp-Session-Id: " id "\r\n"
#define PROTOCOL(v) "MCP-Protocol-Version: " v "\r\n"
#define OLD PROTOCOL("2025-06-18")
#define PRIMED PROTOCOL("2025-11-25")
#define EVENTS "Accept: application/json, text/event-stream\r\n"
#define LAST(id) "Last-Event-ID: " id "\r\n"
/* The session that most tests use. */
#define MINE SESSION("s1") OLD EVENTS

/* Begin the session: an initialize request that is answered with JSON. */
void legacy_begin(const char *id, const char *fields);

/*
 * The same with an answer that is not over before legacy_release(): up to then
 * no limit of time ends the session.
 */
void legacy_hold(struct client *c, const char *id, const char *fields);
void legacy_release(struct client *c);

/* A call with this JSON-RPC id (JSON text), up to its answer's head. */
void legacy_call(
    struct client *c, const char *id, const char *script, const char *fields);

/* A GET up to its answer's head, which must have this status. */
void legacy_get(
    struct client *c, const char *script, const char *fields, int status);

/* Come back with Last-Event-ID: up to the head of the answer. */
void legacy_return(struct client *c, const char *fields, const char *id,
    const char *script, int status);

/* The next event that is no priming event and no comment is this one. */
void assert_event(struct client *c, const char *id, const char *data);

/* The next event is the response to the request with this id. */
void assert_response(struct client *c, const char *id);

/* The next event is a JSON-RPC error for this request; the stream ends. */
void assert_stream_fails(struct client *c, const char *id);

/* The body ends in order and holds no further event. */
void assert_stream_ends(struct client *c);

/* The n-th request at the origin has this method, and this Last-Event-ID. */
void assert_asked(unsigned n, const char *method, const char *last_id);

/* Send a ping in this session, which gets this status. */
void assert_ping(const char *fields, int status);

/* Wait until the origin has executed so many requests. */
void legacy_wait_requests(unsigned count);

#endif
