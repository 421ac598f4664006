/*
 * scrape_request.c - what a scraper asks for.
 */
#include "config.h"

#include <string.h>

#include "common/sc.h"
#include "supervisor/scrape_request.h"

static const char *const paths[] = {
#define X(name, path) [SCRAPE_##name] = path,
	SCRAPE_TARGETS(X)
#undef X
};

/* Take what is before `end`, and `end` itself, off *rest; p NULL: not there. */
static struct http_slice
cut(struct http_slice *rest, const char *end)
{
	size_t end_len = strlen(end);
	const char *at = memmem(rest->p, rest->len, end, end_len);
	struct http_slice part = { NULL, 0 };

	if (at == NULL)
		return part;
	part.p = rest->p;
	part.len = (uint32_t)(at - rest->p);
	rest->p = at + end_len;
	rest->len -= part.len + (uint32_t)end_len;
	return part;
}

static unsigned
read_method(struct http_slice method, struct scrape_request *ret)
{
	ret->head_only = http_slice_equals(method, http_slice_of("HEAD"));
	if (ret->head_only || http_slice_equals(method, http_slice_of("GET")))
		return 200;
	return 405;
}

/* A path; what stands behind a question mark means nothing here. */
static unsigned
read_target(struct http_slice target, struct scrape_request *ret)
{
	const char *query = memchr(target.p, '?', target.len);

	if (query != NULL)
		target.len = (uint32_t)(query - target.p);
	for (unsigned i = 0; i < SCRAPE_TARGET_COUNT; i++) {
		if (http_slice_equals(target, http_slice_of(paths[i]))) {
			ret->target = (enum scrape_target)i;
			return 200;
		}
	}
	return 404;
}

static unsigned
read_version(struct http_slice version)
{
	if (http_slice_equals(version, http_slice_of("HTTP/1.1")) ||
	    http_slice_equals(version, http_slice_of("HTTP/1.0")))
		return 200;
	return version.len > 5 && memcmp(version.p, "HTTP/", 5) == 0 ? 505
								     : 400;
}

/* "GET /metrics HTTP/1.1", in exactly this form. */
static unsigned
read_line(struct http_slice line, struct scrape_request *ret)
{
	struct http_slice method = cut(&line, " "), target = cut(&line, " ");
	unsigned status;

	if (method.len == 0 || target.len == 0 || target.p[0] != '/')
		return 400;
	status = read_version(line);
	if (status == 200)
		status = read_method(method, ret);
	if (status == 200)
		status = read_target(target, ret);
	return status;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Find Host among the fields: 200, or 400 where there are two. */
static unsigned
read_host(struct http_slice fields, struct scrape_request *ret)
{
	struct http_slice value, name;

	while ((value = cut(&fields, "\r\n")).p != NULL) {
		name = cut(&value, ":");
		if (name.p == NULL ||
		    !http_slice_equals_nocase(name, http_slice_of("Host")))
			continue;
		if (ret->host.p != NULL)
			return 400;
		for (; value.len > 0 && is_blank(value.p[0]); value.len--)
			value.p++;
		while (value.len > 0 && is_blank(value.p[value.len - 1]))
			value.len--;
		ret->host = value;
	}
	return 200;
}

unsigned
scrape_request_read(const char *buf, size_t len, struct scrape_request *ret)
{
	struct http_slice rest = { buf, 0 }, line;
	const char *end =
	    memmem(buf, MIN(len, SCRAPE_REQUEST_MAX), "\r\n\r\n", 4);
	unsigned status;

	memset(ret, 0, sizeof(*ret));
	if (end == NULL)
		return len < SCRAPE_REQUEST_MAX ? 0 : 431;
	/* With the end of the last line. */
	rest.len = (uint32_t)(end + 2 - buf);
	line = cut(&rest, "\r\n");
	status = read_line(line, ret);
	return status == 200 ? read_host(rest, ret) : status;
}
