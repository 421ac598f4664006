/*
 * http_head.h - the strict reading of HTTP/1.1 heads (RFC 9112).
 *
 * A head is all bytes up to and with the empty line.  This is the reading
 * that decides: what it refuses is answered with an error and the connection
 * is closed; the body is framed by the digest found here.  Never let another
 * parser frame a body by the raw head: http-parser, for one, forgets
 * "chunked" when a later field's name begins with Transfer-Encoding.  Pure:
 * no I/O, no allocation; slices point into the caller's bytes and are valid
 * as long as those.
 *
 * The way to use it, however the bytes arrive:
 *
 *	struct http_scan scan = { 0 };           once a head
 *	n = http_head_take(&scan, HTTP_SIDE_REQUEST, buf, len, max, &head);
 *
 * n > 0: the head's length; 0: read on; < 0: -(enum http_fault).  It takes the
 * head's bytes from its first one and contiguous.  What comes whole is read
 * at once; of what comes in pieces, each byte is looked at once until all are
 * there (http_head_find_end()), and then it is read.
 */
#ifndef COMMON_HTTP_HEAD_H
#define COMMON_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http_names.h"
#include "common/http_slice.h"
#include "common/sc.h"

#define HTTP_HEAD_FIELDS_MAX 128
#define HTTP_REQUEST_LINE_MAX 8192 /* bytes, without CR LF */
#define HTTP_METHOD_MAX 32         /* bytes */
#define HTTP_CONNECTION_OPTIONS_MAX 32

/* No name of these headers is one of http_parser.h: a file may use both. */
enum http_side { HTTP_SIDE_REQUEST, HTTP_SIDE_ANSWER };

struct http_field {
	struct http_slice name;
	struct http_slice value; /* without white space around it */
	enum http_field_id id;
	bool nominated; /* named in Connection: not passed on */
};

struct http_head {
	enum http_side side;
	struct http_slice raw;    /* the head's bytes, all of them */
	struct http_slice behind; /* http_head_take(): what came with it */
	uint8_t minor;            /* HTTP/1.0 or HTTP/1.1 */

	/* Of a request. */
	enum http_method_id method;
	struct http_slice method_name;
	struct http_slice target; /* as it was written */
	/*
	 * The target without scheme, host and query: "/mcp", "*"; "/" where a
	 * http:// URL has no path; empty for CONNECT.
	 */
	struct http_slice path;
	struct http_slice query; /* with its '?', or empty */
	/*
	 * host[:port] that the client means: of the target if that is a
	 * http:// URL (RFC 9112 3.2.2), else of the Host field; p is NULL if
	 * there is neither (HTTP/1.0).
	 */
	struct http_slice host;
	bool expect_continue; /* wants a 100 before it sends the body */

	/* Of an answer. */
	unsigned status; /* 100-599 */
	struct http_slice reason;

	/* Of both. */
	int64_t content_length; /* -1: there is none */
	bool chunked;
	bool keep_alive; /* by version and Connection (RFC 9112 9.3) */

	uint32_t field_count;
	uint8_t first[HTTP_FIELD_COUNT]; /* index + 1 of a field's first line */
	struct http_field fields[HTTP_HEAD_FIELDS_MAX];
};

/*
 * How far http_head_find_end() has looked.  All zero at a head's start; plain
 * numbers, so that it may stand in shared memory and be taken up elsewhere.
 */
struct http_scan {
	uint32_t seen;  /* bytes looked at */
	uint32_t line;  /* where the current line starts */
	uint32_t start; /* where the first line starts (after empty ones) */
};

/*
 * Find the end of a head whose first len bytes are at buf, looking only at
 * bytes that an earlier call with the same scan has not seen.
 * Returns the head's length; 0: not complete; or -(enum http_fault), for
 * faults that are certain although the head is not complete: another
 * protocol, garbage, control characters, bare line ends, more than
 * max_header bytes.  What it accepts is still to be read by a scan below.
 */
SC_MUST_CHECK int http_head_find_end(struct http_scan *scan,
    enum http_side side, const char *buf, size_t len, size_t max_header);

/*
 * The next bytes of a head have come: all len of it that are there are at
 * buf.  Returns its length with *ret filled, and the scan all zero again; 0:
 * not complete; or -(enum http_fault) as the functions below and above.
 */
SC_MUST_CHECK int http_head_take(struct http_scan *scan, enum http_side side,
    const char *buf, size_t len, size_t max_header, struct http_head *ret);

/*
 * Read a request's head at buf (len bytes are there; more than the head is
 * allowed).  max_header: bytes that a head may have at most.
 * Returns the head's length with *ret filled; 0: not complete, no fault so
 * far; or -(enum http_fault).  *ret is undefined unless the length is
 * returned.  Rules: RFC 9112 2.2, 3, 5, 6, 7.1, with no choice where that
 * leaves one: only CR LF ends a line, no folding, one Content-Length or
 * chunked, no tab after either.  Up to two empty lines may come first.  CONNECT
 * and TRACE are read; to refuse them is for the caller.
 */
SC_MUST_CHECK int http_head_scan_request(
    const char *buf, size_t len, size_t max_header, struct http_head *ret);

/*
 * The same for an upstream's answer (RFC 9112 4).  The reason may be empty,
 * with or without the space before it.  101 is a fault, for Upgrade is never
 * passed on.  Interim answers (1xx) are read like others.
 */
SC_MUST_CHECK int http_head_scan_answer(
    const char *buf, size_t len, size_t max_header, struct http_head *ret);

/* The first field with this id, or NULL. */
static inline const struct http_field *
http_head_field(const struct http_head *head, enum http_field_id id)
{
	uint8_t at = head->first[id];

	return at == 0 ? NULL : &head->fields[at - 1];
}

/* The value of that field; p is NULL if it is absent. */
static inline struct http_slice
http_head_value(const struct http_head *head, enum http_field_id id)
{
	uint8_t at = head->first[id];

	return at == 0 ? (struct http_slice){ 0 } : head->fields[at - 1].value;
}

/*
 * Does a body follow this answer's head, when it answers this method
 * (RFC 9112 6.3)?  No: HEAD, 1xx, 204, 304, Content-Length: 0.
 */
bool http_head_has_body(
    const struct http_head *answer, enum http_method_id asked);

#endif
