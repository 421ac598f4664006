/*
 * http_write.h - writing HTTP/1.1 heads into a caller's buffer.
 *
 * Heads are always written anew from what common/http_head.h accepted; no
 * byte reaches the other side that was not read strictly.  Lines of
 * end-to-end fields are copied as they are and in their order.  Pure: no
 * I/O, no allocation.
 */
#ifndef COMMON_HTTP_WRITE_H
#define COMMON_HTTP_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/http_head.h"
#include "common/sc.h"

/*
 * A buffer of the caller that is being filled.  What doesn't fit sets
 * overflow and is left out, all that follows as well; check it once, at the
 * end.
 */
struct http_out {
	char *p;
	size_t cap;
	size_t len;
	bool overflow;
};

/* How the end of the body is told (RFC 9112 6). */
enum http_framing {
	HTTP_FRAMING_NONE,    /* nothing is written: there is no body */
	HTTP_FRAMING_LENGTH,  /* Content-Length: N */
	HTTP_FRAMING_CHUNKED, /* Transfer-Encoding: chunked */
	HTTP_FRAMING_CLOSE,   /* nothing is written: the body ends with the
				 connection, which Connection: close says */
};

/* What an answer says of the connection after it (RFC 9112 9.3). */
enum http_persistence {
	HTTP_PERSIST_IMPLIED, /* nothing: HTTP/1.1 stays open */
	HTTP_PERSIST_CLOSE,   /* Connection: close */
	HTTP_PERSIST_KEEP,    /* Connection: keep-alive, for HTTP/1.0 */
};

/*
 * A rewritten head is at most this much longer than the one it was made of,
 * the lengths of struct http_request_rewrite's slices not counted.
 */
#define HTTP_WRITE_SLACK 256

/* --- pieces, for heads that the proxy makes up itself ------------------- */

void http_out_init(struct http_out *out, char *p, size_t cap);
void http_out_number(struct http_out *out, uint64_t number);

/* In the header, so that literals are copied without calls. */
static inline void
http_out_bytes(struct http_out *out, const char *p, size_t len)
{
	if (out->overflow || len > out->cap - out->len) {
		out->overflow = true;
		return;
	}
	if (len == 0)
		return;
	memcpy(out->p + out->len, p, len);
	out->len += len;
}

static inline void
http_out_slice(struct http_out *out, struct http_slice s)
{
	http_out_bytes(out, s.p, s.len);
}

static inline void
http_out_text(struct http_out *out, const char *text)
{
	http_out_bytes(out, text, strlen(text));
}

/* "METHOD target HTTP/1.1" CR LF */
void http_out_request_line(
    struct http_out *out, const char *method, struct http_slice target);

/*
 * "HTTP/1.1 status reason" CR LF.  reason.p == NULL: the standard phrase.
 */
void http_out_status_line(
    struct http_out *out, unsigned status, struct http_slice reason);

/*
 * "Name: value" CR LF.  The value must be free of CR, LF and NUL: bytes that
 * a scan accepted, or the proxy's own.
 */
void http_out_field(
    struct http_out *out, enum http_field_id id, struct http_slice value);

/* The field of this framing, if it has one; length is for LENGTH alone. */
void http_out_framing(
    struct http_out *out, enum http_framing framing, uint64_t length);

/* The Connection field, if this needs one. */
void http_out_persistence(
    struct http_out *out, enum http_persistence persistence);

/* The empty line.  Returns 0, or -ENOSPC if anything did not fit. */
SC_MUST_CHECK int http_out_end(struct http_out *out);

/* --- whole heads -------------------------------------------------------- */

struct http_request_rewrite {
	struct http_slice host;           /* of the upstream, host[:port] */
	struct http_slice client_address; /* 192.0.2.1 or 2001:db8::1 */
	struct http_slice proto;          /* "http" or "https" */
	enum http_framing framing;        /* never CLOSE */
	uint64_t content_length;          /* for HTTP_FRAMING_LENGTH */
	bool drop_last_event_id;
};

/*
 * The head of the request for the upstream: the target in origin-form, Host,
 * the end-to-end fields, X-Forwarded-For (the client's own values, then its
 * address), X-Forwarded-Proto and -Host, Accept-Encoding: identity, framing.
 * Hop-by-hop fields, those named in Connection, and Expect are left out.
 * Never for CONNECT, which has no such form.
 * Returns 0, or -ENOSPC (out->len is then of no use).
 */
SC_MUST_CHECK int http_request_write(struct http_out *out,
    const struct http_head *request, const struct http_request_rewrite *how);

struct http_answer_rewrite {
	enum http_framing framing;
	uint64_t content_length; /* for HTTP_FRAMING_LENGTH */
	enum http_persistence persistence;
	bool event_stream; /* add what keeps others from buffering it */
};

/*
 * The head of the answer for the client: HTTP/1.1, the upstream's status and
 * reason, the end-to-end fields, framing, Connection.  An event stream gets
 * X-Accel-Buffering: no and Cache-Control: no-cache, no-transform where the
 * upstream sent no such field.
 * Returns 0, or -ENOSPC (out->len is then of no use).
 */
SC_MUST_CHECK int http_answer_write(struct http_out *out,
    const struct http_head *answer, const struct http_answer_rewrite *how);

struct http_error {
	unsigned status;
	struct http_slice body;  /* JSON; may be empty */
	struct http_slice date;  /* IMF-fixdate (RFC 9110 5.6.7), or empty */
	struct http_slice allow; /* methods, for 405; or empty */
	int64_t retry_after_s;   /* -1: none */
	bool without_body; /* the answer to HEAD: only the body's length */
	enum http_persistence persistence;
};

/*
 * A whole answer of the proxy's own, head and body.  A 204 (and 1xx, 304) has
 * neither body nor Content-Length.
 * Returns 0, or -ENOSPC (out->len is then of no use).
 */
SC_MUST_CHECK int http_error_write(
    struct http_out *out, const struct http_error *error);

#endif
