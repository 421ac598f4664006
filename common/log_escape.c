/*
 * log_escape.c - make text of any origin fit to stand in a log line.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/log_escape.h"
#include "common/sc.h"

static const char cut_mark[] = "...";

/*
 * Length of the UTF-8 sequence that the lead byte announces, and the range
 * its second byte must lie in, which is what keeps out overlong forms,
 * surrogates, what is above U+10FFFF, and (C2 80 to C2 9F) the controls C1.
 */
static const struct utf8_lead {
	unsigned char from, to, len, second_min, second_max;
} utf8_leads[] = {
	{ 0x20, 0x7e, 1, 0, 0 },
	{ 0xc2, 0xc2, 2, 0xa0, 0xbf },
	{ 0xc3, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

/* Bytes of the printable character at text; 0 where there is none. */
static size_t
printable_len(const unsigned char *text, size_t len)
{
	const struct utf8_lead *lead = utf8_leads;

	while (lead < utf8_leads + ARRAY_LEN(utf8_leads) &&
	       (text[0] < lead->from || text[0] > lead->to))
		lead++;
	if (lead == utf8_leads + ARRAY_LEN(utf8_leads) || lead->len > len)
		return 0;
	for (size_t i = 1; i < lead->len; i++) {
		unsigned char min = i == 1 ? lead->second_min : 0x80;
		unsigned char max = i == 1 ? lead->second_max : 0xbf;

		if (text[i] < min || text[i] > max)
			return 0;
	}
	return lead->len;
}

/*
 * One character, or one escaped byte, to out (room for 6).  In quotes, a
 * quote and a backslash get a backslash before them.  Returns the bytes
 * written; *ret_taken is what they stand for.
 */
static size_t
escape_one(const char *text, size_t len, bool in_quotes, char out[6],
    size_t *ret_taken)
{
	size_t n = printable_len((const unsigned char *)text, len);

	*ret_taken = MAX(n, (size_t)1);
	if (n == 0)
		return (size_t)snprintf(out, 6,
		    in_quotes ? "\\\\x%02x" : "\\x%02x",
		    (unsigned)(unsigned char)text[0]);
	if (in_quotes && (text[0] == '"' || text[0] == '\\')) {
		out[0] = '\\';
		out[1] = text[0];
		return 2;
	}
	memcpy(out, text, n);
	return n;
}

static size_t
escape(const char *text, size_t len, bool in_quotes, char *buf, size_t cap)
{
	size_t used = 0, cut_at = 0;

	for (size_t taken, at = 0; at < len; at += taken) {
		char one[6];
		size_t n =
		    escape_one(text + at, len - at, in_quotes, one, &taken);

		if (used + n >= cap) {
			memcpy(buf + cut_at, cut_mark, sizeof(cut_mark));
			return cut_at + sizeof(cut_mark) - 1;
		}
		memcpy(buf + used, one, n);
		used += n;
		if (used + sizeof(cut_mark) <= cap)
			cut_at = used;
	}
	buf[used] = '\0';
	return used;
}

size_t
log_escape(const char *text, size_t len, char *buf, size_t cap)
{
	return escape(text, len, false, buf, cap);
}

size_t
log_quote(const char *text, size_t len, char *buf, size_t cap)
{
	return escape(text, len, true, buf, cap);
}
