/*
 * http_chars.h - which bytes may stand where in HTTP (RFC 9110 5.5, 5.6.2,
 * RFC 3986).
 */
#ifndef COMMON_HTTP_CHARS_H
#define COMMON_HTTP_CHARS_H

#include <stdbool.h>
#include <stdint.h>

enum http_char {
	HTTP_CHAR_TOKEN = 1,  /* methods, field names */
	HTTP_CHAR_TARGET = 2, /* visible ASCII without '#' */
	HTTP_CHAR_TEXT = 4,   /* field values: VCHAR, obs-text, SP, HTAB */
	HTTP_CHAR_HOST = 8,   /* RFC 3986 unreserved */
};

extern const uint8_t http_chars[256];

static inline bool
http_char_is(char c, enum http_char kind)
{
	return (http_chars[(uint8_t)c] & kind) != 0;
}

/* The first byte from p on that is not of this kind, or end. */
static inline const char *
http_chars_skip(const char *p, const char *end, enum http_char kind)
{
	while (p < end && http_char_is(*p, kind))
		p++;
	return p;
}

/* The same for HTTP_CHAR_TEXT, sixteen bytes at a time. */
const char *http_chars_skip_text(const char *p, const char *end);

/*
 * Lower case of an ASCII letter, cheaply: right for letters, digits and '-',
 * so two bytes of which one is such, and the other one a token's, are the
 * same letter in any case iff their folds are the same.
 */
static inline uint8_t
http_char_fold(char c)
{
	return (uint8_t)c | 0x20;
}

#endif
