/*
 * act.h - what a client in a scene (scenes.h) can do: each step writes down
 * in the transcript what it saw.
 */
#ifndef CRASH_ACT_H
#define CRASH_ACT_H

#include "tests/crash/scenes.h"

/* The deadline of each step. */
#define PATIENCE_MS 30000

/* Fields of requests. */
#define JSON "Content-Type: application/json\r\n"
#define LEGACY "MCP-Protocol-Version: 2025-06-18\r\n"
#define MODERN "MCP-Protocol-Version: 2026-07-28\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

/* --- the transcript ------------------------------------------------------ */

/* Add a line. */
void act_tell(struct play *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Add a line, and count it as wrong whatever the reference says. */
void act_tell_wrong(struct play *p, const char *what);

/* --- chance -------------------------------------------------------------- */

/* The next of a sequence that the seed decides; 1 to max. */
unsigned act_pick(struct play *p, unsigned max);

/* A size up to `large`, or `small` where every call is gone through. */
size_t act_size(struct play *p, size_t small, size_t large);

/* --- the client's side --------------------------------------------------- */

/* Connect; false where that failed. */
bool act_enter(struct play *p);

/* Append a request's head without the empty line; `body`: request_new(). */
void act_add_head(struct play *p, struct bytes *out, const char *method,
    const char *fields, enum request_times times, const struct bytes *body,
    const char *script);

/* Append a whole request with a body of known length. */
void act_add_post(struct play *p, struct bytes *out, const char *fields,
    const struct bytes *body, const char *script);

/* Send, at once or in pieces with a breath between them; empties `out`. */
void act_send(struct play *p, struct bytes *out);
void act_drip(struct play *p, struct bytes *out, size_t piece);

/* Read the next head that is no interim answer's; false: there is none. */
bool act_read_head(struct play *p, bool for_head);

/* Read the next answer, whose body must be `want` unless that is NULL. */
void act_read_answer(struct play *p, const struct bytes *want);

/* The same by a client that takes its time. */
void act_read_slowly(struct play *p, const struct bytes *want);

/* Do nothing, unless the proxy leaves. */
void act_pause(struct play *p, unsigned ms);

/* The connection must be usable still: one more request. */
void act_ask_again(struct play *p);

/* Write down that the connection is open, or how the proxy closed it. */
void act_leave_open(struct play *p);
void act_leave_closed(struct play *p);

/* --- bodies -------------------------------------------------------------- */

/* Append `len` bytes of the origin's filling. */
void act_fill_body(struct bytes *body, size_t len);

/* Append a JSON-RPC request. */
void act_json_body(struct bytes *body, unsigned id);

/* Append the body without what a proxy may add to legacy event streams. */
void act_normalise(struct play *p, struct bytes *out);

/* Append what the origin's `events COUNT MS id=PREFIX` makes. */
void act_add_events(struct bytes *out, unsigned count, const char *prefix);

/* The same without ids. */
void act_add_bare_events(struct bytes *out, unsigned count);

/* Append what its `fillevent SIZE id=ID` makes; id may be NULL. */
void act_add_fillevent(struct bytes *out, size_t size, const char *id);

/* Append what its `response REQUEST [id=ID]` makes; id may be NULL. */
void act_add_response(struct bytes *out, unsigned request, const char *id);

#endif
