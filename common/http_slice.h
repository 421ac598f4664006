/*
 * http_slice.h - pieces of somebody else's bytes, and what the values of
 * HTTP fields mean.  Pure: nothing is copied, allocated or kept.
 */
#ifndef COMMON_HTTP_SLICE_H
#define COMMON_HTTP_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* len bytes at p, borrowed, not terminated.  p == NULL: there is none. */
struct http_slice {
	const char *p;
	uint32_t len;
};

/* A slice over a string literal, for initialisers. */
#define HTTP_SLICE(literal)                                                    \
	{                                                                      \
		(literal), sizeof("" literal) - 1                              \
	}

/* The slice from one place to another of the same memory. */
static inline struct http_slice
http_slice_between(const char *from, const char *to)
{
	return (struct http_slice){ from, (uint32_t)(to - from) };
}

/* The slice over a string without its NUL; the string is borrowed. */
static inline struct http_slice
http_slice_of(const char *text)
{
	return (struct http_slice){ text, (uint32_t)strlen(text) };
}

/* Are the bytes the same? */
bool http_slice_equals(struct http_slice a, struct http_slice b);

/* The same, with ASCII letters of either case alike (no locale). */
bool http_slice_equals_nocase(struct http_slice a, struct http_slice b);

static inline bool
http_is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Without spaces and tabs (RFC 9110 5.6.3: OWS) at both ends. */
static inline struct http_slice
http_slice_trim(struct http_slice s)
{
	while (s.len > 0 && http_is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && http_is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

/*
 * Take the next element off a comma-separated list (RFC 9110 5.6.1), trimmed;
 * empty elements are skipped.  Returns false when there is none left.
 */
bool http_list_next(struct http_slice *list, struct http_slice *ret_element);

/* Does the comma-separated list hold this token, in any case of letters? */
bool http_value_has_token(struct http_slice list, const char *token);

/*
 * Is the value of a Content-Type this media type ("text/event-stream"),
 * whatever its parameters, a trailing semicolon, and the case of letters
 * (RFC 9110 8.3.1)?
 */
bool http_media_type_is(struct http_slice value, const char *type);

/*
 * Read a plain decimal number: digits alone, no sign, no white space, up to
 * INT64_MAX.  Returns 0 or -EINVAL with *ret_number untouched.
 */
int http_number_parse(struct http_slice s, int64_t *ret_number);

#endif
