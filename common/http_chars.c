/*
 * http_chars.c - the table of bytes.
 */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "common/http_chars.h"

/* clang-format off */
/* Sums of enum http_char; test_http_names.c holds it against the grammar. */
const uint8_t http_chars[256] = {
	/* 00 */  0,  0,  0,  0,  0,  0,  0,  0,  0,  4,  0,  0,  0,  0,  0,  0,
	/* 10 */  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
	/* 20 */  4,  7,  6,  5,  7,  7,  7,  7,  6,  6,  7,  7,  6, 15, 15,  6,
	/* 30 */ 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  6,  6,  6,  6,  6,  6,
	/* 40 */  6, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
	/* 50 */ 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  6,  6,  6,  7, 15,
	/* 60 */  7, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
	/* 70 */ 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  6,  7,  6, 15,  0,
	/* 80 */  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,
	/* 90 */  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,
	/* a0 */  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,
	/* b0 */  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,
	/* c0 */  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,
	/* d0 */  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,
	/* e0 */  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,
	/* f0 */  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,
};
/* clang-format on */

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/*
 * The high bit of each of eight bytes that is below 0x20, or 0x7f (DEL); of
 * those in front of the first such byte in memory it is 0, where the low end
 * of a word is in front.
 */
static uint64_t
controls(uint64_t w)
{
	uint64_t low = (w - EACH_BYTE(0x20)) & ~w;
	uint64_t x = w ^ EACH_BYTE(0x7f);
	uint64_t del = (x - EACH_BYTE(0x01)) & ~x;

	return (low | del) & EACH_BYTE(0x80);
}

const char *
http_chars_skip_text(const char *p, const char *end)
{
	uint64_t w;

	while (end - p >= (ptrdiff_t)sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		w = controls(w);
		if (w == 0) {
			p += sizeof(w);
			continue;
		}
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		p += __builtin_ctzll(w) / 8;
#endif
		break; /* a tab, or the end: the table knows */
	}
	return http_chars_skip(p, end, HTTP_CHAR_TEXT);
}
