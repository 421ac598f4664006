/*
 * client.h - a raw HTTP and SSE client for tests: any bytes out, strict
 * reading in, a deadline on everything.
 *
 * Nothing here aborts a test: each function says what it saw, and the test
 * decides.  Times are milliseconds from now.
 */
#ifndef PEERS_CLIENT_H
#define PEERS_CLIENT_H

#include "tests/peers/message.h"

/* How the reading of an answer ended. */
enum client_end {
	CLIENT_COMPLETE,  /* the body ended as its framing says */
	CLIENT_WAITING,   /* nothing wrong; there may be more */
	CLIENT_TIMED_OUT, /* the deadline passed first */
	CLIENT_CUT,       /* the connection ended within the answer */
	CLIENT_RESET,     /* the connection was reset */
	CLIENT_CLOSED,    /* the connection ended before the answer began */
	CLIENT_BROKEN,    /* what came is not strict HTTP */
};

struct client {
	struct wire wire;
	struct message message; /* the answer that is being read */
	int status;             /* 0: no head yet */
	struct bytes body;      /* decoded, what came so far */
	size_t events_at;       /* where the next event begins in body */
	enum client_end end;
};

/* One parsed SSE block; what it lacks is empty.  Freed by event_fini(). */
struct client_event {
	struct bytes raw; /* with the empty line */
	struct bytes id;
	struct bytes type;
	struct bytes data;
	bool has_id;
	bool has_data;
	bool is_comment; /* nothing but comment lines */
};

/* Connect to 127.0.0.1:port.  0 or -errno. */
int client_open(struct client *c, uint16_t port, int timeout_ms);

/* The same with a small receive buffer, so that back-pressure shows soon. */
int client_open_small(struct client *c, uint16_t port, int timeout_ms);

/* Send bytes.  0 or -errno (-ETIMEDOUT: the peer doesn't take them). */
int client_send(struct client *c, const void *data, size_t len, int timeout_ms);

/* Send formatted text, at most 10 s.  0 or -errno. */
int client_sendf(struct client *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Send bytes in pieces with a pause behind each.  0 or -errno. */
int client_drip(
    struct client *c, const void *data, size_t len, size_t piece, int pause_ms);

/*
 * Send `len` bytes of filling until they are out (0), until the peer has
 * taken nothing for quiet_ms (-ETIMEDOUT), or -errno.  c->wire.sent tells
 * how many went.
 */
int client_send_filling(struct client *c, uint64_t len, int quiet_ms);

/*
 * Read the head of the next answer (forgetting the last one); interim
 * answers are answers of their own.  for_head: the request was HEAD.
 * CLIENT_WAITING, CLIENT_COMPLETE (it has no body), or what went wrong.
 */
enum client_end client_read_head(
    struct client *c, bool for_head, int timeout_ms);

/* Read more of the body.  CLIENT_WAITING as long as it goes on. */
enum client_end client_read_more(struct client *c, int timeout_ms);

/* Read the body to its end.  CLIENT_COMPLETE or what went wrong. */
enum client_end client_read_rest(struct client *c, int timeout_ms);

/* Read head and body of the next answer. */
enum client_end client_read_answer(struct client *c, int timeout_ms);

/* Read the body until needle stands in it; whether it came. */
bool client_read_until(struct client *c, const char *needle, int timeout_ms);

/*
 * The next SSE block.  True and an event to free; false when none came
 * (c->end tells why).  Comments alone are blocks as well.
 */
bool client_read_event(
    struct client *c, struct client_event *ret, int timeout_ms);

void event_fini(struct client_event *event);

/* Whether the connection is open and silent at this moment. */
bool client_is_open(struct client *c);

/*
 * Wait until the peer closes, throwing away what it still sends.  0 for a
 * FIN, -ECONNRESET, or -ETIMEDOUT.
 */
int client_wait_closed(struct client *c, int timeout_ms);

/* Send a FIN and go on reading. */
void client_finish(struct client *c);

/* Close and free everything; a client that never opened is allowed. */
void client_close(struct client *c);

/* The same with a reset. */
void client_reset(struct client *c);

/* The word for an end, for messages. */
const char *client_end_name(enum client_end end);

#endif
