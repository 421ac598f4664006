/*
 * http_head.c - the strict reading of HTTP/1.1 heads.
 *
 * One pass from left to right cuts the lines into fields; then those that
 * frame the message are read (http_digest.c).  A step returns 0 when it
 * went well, MORE when its bytes end too early, or -(enum http_fault).
 */
#include "config.h"

#include "common/http_chars.h"
#include "common/http_digest.h"
#include "common/http_head.h"
#include "common/http_origin.h"

#define MORE 1
#define FAULT(id) (-(int)HTTP_FAULT_##id)
#define EMPTY_LINES_MAX 2

/* Where the reading is, and where the bytes end. */
struct cursor {
	const char *p;
	const char *end;
};

/* --- bytes that must not be there -------------------------------------- */

/*
 * The fault of a byte: `otherwise` if it is text, or a CR, of which it is not
 * known whether LF follows.
 */
static int
byte_fault(char c, int otherwise)
{
	switch (c) {
	case '\0':
		return FAULT(NUL);
	case '\n':
		return FAULT(BARE_LF);
	case '\r':
		return otherwise;
	default:
		return http_char_is(c, HTTP_CHAR_TEXT) ? otherwise
						       : FAULT(CONTROL);
	}
}

/* Take CR LF; anything else is a fault. */
static int
take_line_end(struct cursor *cur, int otherwise)
{
	if (cur->p == cur->end)
		return MORE;
	if (*cur->p != '\r')
		return byte_fault(*cur->p, otherwise);
	if (cur->p + 1 == cur->end)
		return MORE;
	if (cur->p[1] != '\n')
		return FAULT(BARE_CR);
	cur->p += 2;
	return 0;
}

/* --- the first line ---------------------------------------------------- */

/* Up to two empty lines before a request line (RFC 9112 2.2). */
static int
skip_empty_lines(struct cursor *cur)
{
	for (int lines = 0; cur->p < cur->end; lines++) {
		int rc;

		if (*cur->p != '\r' && *cur->p != '\n')
			return 0;
		if (lines == EMPTY_LINES_MAX)
			return FAULT(EMPTY_LINES);
		rc = take_line_end(cur, 0);
		if (rc != 0)
			return rc;
	}
	return MORE;
}

static bool
begins_with(const struct cursor *cur, const char *text, size_t len)
{
	return (size_t)(cur->end - cur->p) >= len &&
	       memcmp(cur->p, text, len) == 0;
}

/* Does a request begin like another protocol, which its words betray? */
static int
foreign_protocol(const struct cursor *cur)
{
	switch (*cur->p) {
	case 0x16: /* a TLS record of type handshake */
		return FAULT(TLS);
	case 'S':
		return begins_with(cur, "SSH-", 4) ? FAULT(SSH) : 0;
	case 'P':
		if (begins_with(cur, "PRI * ", 6)) /* RFC 9113 3.4 */
			return FAULT(HTTP2);
		return begins_with(cur, "PROXY ", 6) ? FAULT(PROXY_PROTOCOL)
						     : 0;
	default:
		return 0;
	}
}

static int
scan_method(struct cursor *cur, struct http_head *ret)
{
	const char *start = cur->p;

	cur->p = http_chars_skip(start, cur->end, HTTP_CHAR_TOKEN);
	if (cur->p - start > HTTP_METHOD_MAX)
		return FAULT(METHOD_LONG);
	if (cur->p == cur->end)
		return MORE;
	if (cur->p == start)
		return FAULT(NOT_HTTP);
	if (*cur->p != ' ')
		return byte_fault(*cur->p, FAULT(METHOD));
	ret->method_name = http_slice_between(start, cur->p);
	ret->method = http_method_lookup(ret->method_name);
	cur->p++;
	return 0;
}

/* "HTTP/1.1" or "HTTP/1.0"; the fault says which part is wrong. */
static int
scan_version(struct cursor *cur, int otherwise, struct http_head *ret)
{
	static const char prefix[] = "HTTP/1.";
	const size_t len = sizeof(prefix) - 1;
	size_t have = (size_t)(cur->end - cur->p);
	size_t same = 0;

	while (same < len && same < have && cur->p[same] == prefix[same])
		same++;
	if (same == have)
		return MORE;
	if (same == 0)
		return otherwise;
	if (same < len || (cur->p[same] != '0' && cur->p[same] != '1')) {
		char c = cur->p[same];

		if (same >= 5 && c >= '0' && c <= '9')
			return FAULT(VERSION);
		return byte_fault(c, same == 6 ? FAULT(VERSION) : otherwise);
	}
	ret->minor = (uint8_t)(cur->p[same] - '0');
	cur->p += len + 1;
	return 0;
}

/* Cut the part of a target that starts at from into path and query. */
static void
cut_query(struct http_slice from, struct http_head *ret)
{
	const char *end = from.p + from.len;
	const char *mark = memchr(from.p, '?', from.len);

	if (mark == NULL)
		mark = end;
	ret->path = http_slice_between(from.p, mark);
	ret->query = http_slice_between(mark, end);
}

/* "http://host[:port][path][?query]" (RFC 9112 3.2.2). */
static int
read_absolute_target(struct http_head *ret)
{
	static const struct http_slice scheme = HTTP_SLICE("http://");
	static const struct http_slice root = HTTP_SLICE("/");
	static const struct http_slice asterisk = HTTP_SLICE("*");
	struct http_slice rest = ret->target, name;
	int port;

	rest.len = MIN(rest.len, scheme.len);
	if (!http_slice_equals_nocase(rest, scheme))
		return FAULT(TARGET);
	rest.p += scheme.len;
	rest.len = ret->target.len - scheme.len;
	ret->host = rest;
	while (rest.len > 0 && rest.p[0] != '/' && rest.p[0] != '?') {
		rest.p++;
		rest.len--;
	}
	ret->host.len -= rest.len;
	if (http_authority_parse(ret->host, &name, &port) < 0)
		return FAULT(TARGET);
	cut_query(rest, ret);
	if (ret->path.len > 0)
		return 0;
	/* Without a path, OPTIONS asks of the server (RFC 9112 3.2.4). */
	ret->path = ret->method == HTTP_METHOD_OPTIONS && ret->query.len == 0
			? asterisk
			: root;
	return 0;
}

/* Which of the forms of RFC 9112 3.2 is the target? */
static int
read_target(struct http_head *ret)
{
	if (ret->method == HTTP_METHOD_CONNECT)
		return 0;
	if (ret->target.p[0] == '/') {
		cut_query(ret->target, ret);
		return 0;
	}
	if (ret->target.p[0] == '*') {
		ret->path = ret->target;
		return ret->target.len == 1 &&
			       ret->method == HTTP_METHOD_OPTIONS
			   ? 0
			   : FAULT(TARGET);
	}
	return read_absolute_target(ret);
}

static int
scan_target(struct cursor *cur, struct http_head *ret)
{
	const char *start = cur->p;
	int rc;

	cur->p = http_chars_skip(start, cur->end, HTTP_CHAR_TARGET);
	if (cur->p == cur->end)
		return MORE;
	if (*cur->p != ' ') {
		/* "GET /" CR LF is HTTP/0.9. */
		return *cur->p == '\r' ? FAULT(VERSION_SYNTAX)
				       : byte_fault(*cur->p, FAULT(TARGET));
	}
	if (cur->p == start)
		return FAULT(TARGET);
	ret->target = http_slice_between(start, cur->p);
	rc = read_target(ret);
	cur->p++;
	return rc;
}

/* "METHOD SP target SP version CRLF" (RFC 9112 3). */
static int
scan_request_line(struct cursor *cur, struct http_head *ret)
{
	const char *start = cur->p;
	int rc;

	rc = foreign_protocol(cur);
	if (rc == 0)
		rc = scan_method(cur, ret);
	if (rc == 0)
		rc = scan_target(cur, ret);
	if (rc == 0)
		rc = scan_version(cur, FAULT(VERSION_SYNTAX), ret);
	if (rc == 0)
		rc = take_line_end(cur, FAULT(VERSION_SYNTAX));
	if (rc == 0 && cur->p - start > HTTP_REQUEST_LINE_MAX + 2)
		return FAULT(REQUEST_LINE_LONG);
	/* The byte beyond the limit may be the CR, no more. */
	if (rc == MORE && cur->end - start > HTTP_REQUEST_LINE_MAX + 1)
		return FAULT(REQUEST_LINE_LONG);
	return rc;
}

/* Three digits from 100 to 599. */
static int
scan_status(struct cursor *cur, struct http_head *ret)
{
	unsigned status = 0;

	for (int i = 0; i < 3; i++, cur->p++) {
		if (cur->p == cur->end)
			return MORE;
		if (*cur->p < (i == 0 ? '1' : '0') ||
		    *cur->p > (i == 0 ? '5' : '9'))
			return byte_fault(*cur->p, FAULT(STATUS_LINE));
		status = status * 10 + (unsigned)(*cur->p - '0');
	}
	ret->status = status;
	return status == 101 ? FAULT(UNASKED_UPGRADE) : 0;
}

/* The reason, which may be missing together with its space. */
static int
scan_reason(struct cursor *cur, struct http_head *ret)
{
	const char *start;

	if (cur->p == cur->end)
		return MORE;
	if (*cur->p == ' ')
		cur->p++;
	else if (*cur->p != '\r')
		return byte_fault(*cur->p, FAULT(STATUS_LINE));
	start = cur->p;
	cur->p = http_chars_skip_text(start, cur->end);
	ret->reason = http_slice_between(start, cur->p);
	return take_line_end(cur, FAULT(STATUS_LINE));
}

/* "version SP status [SP reason] CRLF" (RFC 9112 4). */
static int
scan_status_line(struct cursor *cur, struct http_head *ret)
{
	int rc;

	rc = scan_version(cur, FAULT(NOT_HTTP), ret);
	if (rc != 0)
		return rc;
	if (cur->p == cur->end)
		return MORE;
	if (*cur->p != ' ')
		return byte_fault(*cur->p, FAULT(STATUS_LINE));
	cur->p++;
	rc = scan_status(cur, ret);
	return rc != 0 ? rc : scan_reason(cur, ret);
}

/* --- fields ------------------------------------------------------------ */

/* Why is what starts at start, and goes on at p, no name with its colon? */
static int
name_fault(const char *start, const char *p)
{
	if (*p == ' ' || *p == '\t')
		return p == start ? FAULT(OBS_FOLD) : FAULT(SPACE_BEFORE_COLON);
	if (*p == '\r')
		return FAULT(NO_COLON);
	return byte_fault(*p, FAULT(FIELD_NAME));
}

/* The flag that forbids a second line on this side. */
static unsigned
once_flag(enum http_side side)
{
	return side == HTTP_SIDE_REQUEST ? HTTP_FIELD_ONCE_REQUEST
					 : HTTP_FIELD_ONCE_ANSWER;
}

/* Enter a field into the head. */
static int
add_field(struct http_head *ret, enum http_field_id id, struct http_slice name,
    struct http_slice value)
{
	if (ret->field_count == HTTP_HEAD_FIELDS_MAX)
		return FAULT(TOO_MANY_FIELDS);
	ret->fields[ret->field_count++] =
	    (struct http_field){ .name = name, .value = value, .id = id };
	if (id == HTTP_FIELD_OTHER)
		return 0;
	if (ret->first[id] == 0)
		ret->first[id] = (uint8_t)ret->field_count;
	else if (http_field_flags(id) & once_flag(ret->side))
		return FAULT(REPEATED_FIELD);
	return 0;
}

/* A name that is not known, and its colon. */
static int
scan_other_name(struct cursor *cur, struct http_slice *ret)
{
	const char *start = cur->p;

	cur->p = http_chars_skip(start, cur->end, HTTP_CHAR_TOKEN);
	if (cur->p == cur->end)
		return MORE;
	if (*cur->p != ':' || cur->p == start)
		return name_fault(start, cur->p);
	*ret = http_slice_between(start, cur->p++);
	return 0;
}

/* A name and its colon.  What is in the table needs no look at each byte. */
static int
scan_name(
    struct cursor *cur, struct http_slice *ret, enum http_field_id *ret_id)
{
	const char *colon = memchr(cur->p, ':', (size_t)(cur->end - cur->p));

	*ret_id = HTTP_FIELD_OTHER;
	if (colon != NULL) {
		*ret = http_slice_between(cur->p, colon);
		*ret_id = http_field_lookup(*ret);
	}
	if (*ret_id == HTTP_FIELD_OTHER)
		return scan_other_name(cur, ret);
	cur->p = colon + 1;
	return 0;
}

/* "name: value CRLF" (RFC 9112 5). */
static int
scan_field(struct cursor *cur, struct http_head *ret)
{
	struct http_slice name, value;
	enum http_field_id id;
	const char *start;
	int rc;

	rc = scan_name(cur, &name, &id);
	if (rc != 0)
		return rc;
	start = cur->p;
	cur->p = http_chars_skip_text(start, cur->end);
	value = http_slice_between(start, cur->p);
	rc = take_line_end(cur, 0);
	return rc != 0 ? rc : add_field(ret, id, name, http_slice_trim(value));
}

/* All fields, and the empty line. */
static int
scan_fields(struct cursor *cur, struct http_head *ret)
{
	while (cur->p < cur->end) {
		int rc;

		if (*cur->p == '\r')
			return take_line_end(cur, 0);
		rc = scan_field(cur, ret);
		if (rc != 0)
			return rc;
	}
	return MORE;
}

/* --- whole heads ------------------------------------------------------- */

/* Everything but the table of fields, which fills up as it goes. */
static void
clear_head(struct http_head *ret, enum http_side side, const char *buf)
{
	memset(ret, 0, offsetof(struct http_head, fields));
	ret->side = side;
	ret->raw.p = buf;
	ret->content_length = -1;
}

/* What a step's result means for the caller. */
static int
scan_result(int rc, const struct cursor *cur, size_t len, size_t max_header,
    struct http_head *ret)
{
	if (rc == MORE)
		return len >= max_header ? FAULT(HEAD_LONG) : 0;
	if (rc != 0)
		return rc;
	ret->raw.len = (uint32_t)(cur->p - ret->raw.p);
	return (int)ret->raw.len;
}

int
http_head_scan_request(
    const char *buf, size_t len, size_t max_header, struct http_head *ret)
{
	struct cursor cur = { buf, buf + MIN(len, max_header) };
	int rc;

	sc_assert(max_header <= INT32_MAX);
	clear_head(ret, HTTP_SIDE_REQUEST, buf);
	rc = skip_empty_lines(&cur);
	if (rc == 0)
		rc = scan_request_line(&cur, ret);
	if (rc == 0)
		rc = scan_fields(&cur, ret);
	if (rc == 0)
		rc = http_digest_request(ret);
	return scan_result(rc, &cur, len, max_header, ret);
}

int
http_head_scan_answer(
    const char *buf, size_t len, size_t max_header, struct http_head *ret)
{
	struct cursor cur = { buf, buf + MIN(len, max_header) };
	int rc;

	sc_assert(max_header <= INT32_MAX);
	clear_head(ret, HTTP_SIDE_ANSWER, buf);
	rc = scan_status_line(&cur, ret);
	if (rc == 0)
		rc = scan_fields(&cur, ret);
	if (rc == 0)
		rc = http_digest_answer(ret);
	return scan_result(rc, &cur, len, max_header, ret);
}

bool
http_head_has_body(const struct http_head *answer, enum http_method_id asked)
{
	return asked != HTTP_METHOD_HEAD && answer->status >= 200 &&
	       answer->status != 204 && answer->status != 304 &&
	       answer->content_length != 0;
}

/* --- the end of a head that comes in pieces ---------------------------- */

/*
 * A line that ends at lf.  Returns the head's length if it is the empty line
 * at the end, 0 if not, or -(enum http_fault).
 */
static int
end_line(struct http_scan *scan, enum http_side side, const char *buf,
    const char *lf)
{
	uint32_t len = (uint32_t)(lf - buf) - scan->line;

	scan->seen = (uint32_t)(lf - buf) + 1;
	if (len == 0 || lf[-1] != '\r')
		return FAULT(BARE_LF);
	if (len > 1) {
		scan->line = scan->seen;
		return 0;
	}
	if (scan->line != scan->start)
		return (int)scan->seen;
	if (side == HTTP_SIDE_ANSWER)
		return FAULT(NOT_HTTP);
	if (scan->start == 2 * EMPTY_LINES_MAX)
		return FAULT(EMPTY_LINES);
	scan->line = scan->start = scan->seen;
	return 0;
}

/* The first fault of bytes in the middle of a head, or 0. */
static int
check_bytes(const char *p, const char *end)
{
	while ((p = http_chars_skip_text(p, end)) < end) {
		bool line_end = *p == '\r' && p + 1 < end && p[1] == '\n';

		if (*p == '\r' && p + 1 == end)
			return 0; /* its LF may follow */
		if (!line_end)
			return byte_fault(*p, FAULT(BARE_CR));
		p += 2;
	}
	return 0;
}

/* Is it certain by now that the first line is none? */
static int
check_first_line(const struct http_scan *scan, enum http_side side,
    const char *buf, size_t len)
{
	struct cursor cur = { buf + scan->start, buf + len };
	struct http_head head;
	int rc;

	/* A CR that is the last byte may be an empty line; else it is bare. */
	if (cur.p == cur.end || (side == HTTP_SIDE_REQUEST && *cur.p == '\r'))
		return 0;
	clear_head(&head, side, buf);
	rc = side == HTTP_SIDE_REQUEST ? scan_request_line(&cur, &head)
				       : scan_status_line(&cur, &head);
	return rc == MORE ? 0 : rc;
}

/*
 * The head is not complete: is it certain by now that it is none?  old is the
 * scan before this call.  The first line is read while it is short, for a
 * method or a status is complete by then, and once more when it is complete.
 */
static int
check_incomplete(const struct http_scan *scan, const struct http_scan *old,
    enum http_side side, const char *buf)
{
	uint32_t from = old->seen, len = scan->seen;
	bool first = old->line == old->start;
	bool now = scan->line != scan->start;
	int rc = 0;

	if (first && (now || from <= scan->start + HTTP_METHOD_MAX + 1))
		rc = check_first_line(scan, side, buf, len);
	if (from > 0 && buf[from - 1] == '\r')
		from--;
	if (rc == 0)
		rc = check_bytes(buf + from, buf + len);
	if (rc == 0 && side == HTTP_SIDE_REQUEST && !now &&
	    len - scan->start > HTTP_REQUEST_LINE_MAX + 1)
		rc = FAULT(REQUEST_LINE_LONG);
	return rc;
}

int
http_head_find_end(struct http_scan *scan, enum http_side side, const char *buf,
    size_t len, size_t max_header)
{
	size_t limit = MIN(len, max_header);
	struct http_scan old;
	int rc;

	sc_assert(max_header <= INT32_MAX);
	if (scan->seen > limit || scan->line > scan->seen ||
	    scan->start > scan->line)
		*scan = (struct http_scan){ 0 }; /* not of these bytes */
	old = *scan;
	while (scan->seen < limit) {
		const char *lf =
		    memchr(buf + scan->seen, '\n', limit - scan->seen);

		if (lf == NULL)
			break;
		rc = end_line(scan, side, buf, lf);
		if (rc != 0)
			return rc;
	}
	scan->seen = (uint32_t)limit;
	rc = check_incomplete(scan, &old, side, buf);
	if (rc != 0)
		return rc;
	return len >= max_header ? FAULT(HEAD_LONG) : 0;
}

/* --- a head, however it comes ------------------------------------------- */

static int
scan_side(enum http_side side, const char *buf, size_t len, size_t max_header,
    struct http_head *ret)
{
	return side == HTTP_SIDE_REQUEST
		   ? http_head_scan_request(buf, len, max_header, ret)
		   : http_head_scan_answer(buf, len, max_header, ret);
}

int
http_head_take(struct http_scan *scan, enum http_side side, const char *buf,
    size_t len, size_t max_header, struct http_head *ret)
{
	int n = 0;

	/* Most heads come whole: one reading is enough. */
	if (scan->seen == 0)
		n = scan_side(side, buf, len, max_header, ret);
	if (n <= 0) {
		n = http_head_find_end(scan, side, buf, len, max_header);
		if (n > 0)
			n = scan_side(side, buf, (size_t)n, max_header, ret);
	}
	if (n > 0) {
		*scan = (struct http_scan){ 0 };
		ret->behind = http_slice_between(buf + n, buf + len);
	}
	return n;
}
