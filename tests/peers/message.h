/*
 * message.h - one HTTP/1.1 request or answer, read from a wire, strictly.
 *
 * The test peers use this to judge what the proxy writes, so it accepts
 * nothing that RFC 9112 allows only for leniency: no bare CR or LF, no
 * folded lines, no space before a colon, one framing.
 */
#ifndef PEERS_MESSAGE_H
#define PEERS_MESSAGE_H

#include <stdbool.h>

#include "tests/peers/wire.h"

enum message_framing {
	MESSAGE_EMPTY,   /* no body can follow */
	MESSAGE_LENGTH,  /* Content-Length */
	MESSAGE_CHUNKED, /* Transfer-Encoding: chunked */
	MESSAGE_CLOSE,   /* the body ends with the connection */
};

enum message_place {
	MESSAGE_IN_HEAD,
	MESSAGE_IN_CHUNK_SIZE,
	MESSAGE_IN_BODY,
	MESSAGE_IN_CHUNK_END,
	MESSAGE_AT_END,
};

struct message {
	struct bytes head; /* raw, with the empty line that ends it */
	enum message_framing framing;
	enum message_place place;
	uint64_t left;   /* bytes left of the body, or of this chunk */
	unsigned chunks; /* chunks seen, without the last, empty one */
};

/*
 * Read one head and leave what follows it in the wire.  0, -ENOTCONN if the
 * peer closed before the first byte, -ECONNABORTED if it closed within the
 * head, -EPROTO if the head is not strictly well-formed, -ETIMEDOUT,
 * -ECONNRESET.  m is freed with message_fini() in each case.
 */
int message_read_head(struct wire *w, struct message *m, int64_t deadline);

/* How the body of a request is framed (RFC 9112, 6.3).  0 or -EPROTO. */
int message_frame_request(struct message *m);

/*
 * How the body of an answer is framed; for_head: it answers a HEAD request.
 * 0 or -EPROTO.
 */
int message_frame_answer(struct message *m, bool for_head);

/*
 * The next piece of the decoded body, at most cap bytes.  Its length, 0 at
 * the end, -ECONNABORTED if the connection ended first, -EPROTO for broken
 * chunks, -ETIMEDOUT, -ECONNRESET.
 */
int message_read_body(
    struct wire *w, struct message *m, char *buf, size_t cap, int64_t deadline);

/* The status of an answer, 0 if the head is none. */
int message_status(const struct message *m);

/* 10 or 11: the version in the first line; 0 if there is none. */
int message_version(const struct message *m);

/* How many fields have this name. */
unsigned message_count(const struct message *m, const char *name);

/*
 * The value of the first field of this name, without surrounding blanks;
 * its length goes to *ret_len.  NULL if there is none.  Points into m.
 */
const char *message_field(
    const struct message *m, const char *name, size_t *ret_len);

/* Whether the first field of this name has exactly this value. */
bool message_field_is(
    const struct message *m, const char *name, const char *value);

void message_fini(struct message *m);

#endif
