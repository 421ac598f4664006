/*
 * ask.h - requests to the proxy of the rig, and what must hold of answers.
 *
 * Each function fails the test when its promise can't be kept.
 */
#ifndef INTEGRATION_ASK_H
#define INTEGRATION_ASK_H

#include "tests/integration/harness.h"

/* Open a client to the proxy. */
void ask_open(struct client *c);

/*
 * Send a request for /mcp: method, script for the origin, further field
 * lines (each with CRLF; "" for none), and a body or NULL.
 */
void ask_send(struct client *c, const char *method, const char *script,
    const char *fields, const char *body);

/* The same for another target. */
void ask_send_to(struct client *c, const char *method, const char *target,
    const char *script, const char *fields, const char *body);

/* Read the whole next answer, which must have this status. */
void ask_answer(struct client *c, int status);

/* Open, send, read the whole answer, which must have this status. */
void ask(struct client *c, const char *method, const char *script,
    const char *fields, const char *body, int status);

/* Open, send, read the answer's head, which must have this status. */
void ask_stream(struct client *c, const char *method, const char *script,
    const char *fields, int status);

/*
 * The next event, without comments and priming events (an id and empty
 * data).  Fails the test if none comes.
 */
void ask_event(struct client *c, struct client_event *ret);

/* The fields that make a request modern. */
#define MODERN "MCP-Protocol-Version: 2026-07-28\r\n"

/* Assert how reading ended, with words. */
#define assert_end(c, wanted)                                                  \
	ck_assert_msg((c)->end == (wanted),                                    \
	    "%s, not %s (status %d, %zu "                                      \
	    "bytes of body)",                                                  \
	    client_end_name((c)->end), client_end_name(wanted), (c)->status,   \
	    (c)->body.len)

#define assert_body(c, text)                                                   \
	do {                                                                   \
		ck_assert_uint_eq((c)->body.len, strlen(text));                \
		ck_assert_mem_eq((c)->body.data, text, strlen(text));          \
	} while (0)

/*
 * The body is a JSON-RPC error whose id is this JSON text ("7", "\"a\"",
 * "null").
 */
void assert_rpc_error(const struct client *c, const char *id);

/* The same of an event's data. */
void assert_rpc_error_event(const struct client_event *event, const char *id);

/* A header field of the answer has exactly this value. */
#define assert_field(c, name, value)                                           \
	ck_assert_msg(message_field_is(&(c)->message, name, value),            \
	    "%s is not %s in:\n%s", name, value, (c)->message.head.data)

#endif
