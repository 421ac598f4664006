/*
 * fuzz_chunked.c - the decoder of chunked bodies against itself, in pieces,
 * and against a plain reading of RFC 9112, 7.1, that sees the whole body.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/chunked.h"
#include "common/sc.h"
#include "tests/fuzz/fuzz.h"

/* More extensions and trailers than this are another matter (see there). */
#define PLAIN_MAX 4096

/* What came of a body. */
struct result {
	bool broken;
	bool done;
	size_t taken; /* bytes before the end, or before what broke it */
	size_t len;
	char *out;
};

/* --- the decoder --------------------------------------------------------- */

/* Feed one piece; stops at the end of the body. */
static void
feed(struct chunked *c, const char *buf, size_t len, struct result *r)
{
	while (len > 0 && !r->broken && !chunked_done(c)) {
		const char *piece;
		size_t piece_len;
		ptrdiff_t n = chunked_next(c, buf, len, &piece, &piece_len);

		r->broken = n < 0;
		if (r->broken)
			return;
		sc_assert(n > 0 && (size_t)n <= len);
		sc_assert(piece >= buf && piece + piece_len == buf + n);
		memcpy(r->out + r->len, piece, piece_len);
		r->len += piece_len;
		r->taken += (size_t)n;
		buf += n;
		len -= (size_t)n;
	}
}

static struct result
result_new(size_t cap)
{
	struct result r = { .out = malloc(cap + 1) };

	sc_assert(r.out != NULL);
	return r;
}

static struct result
decode(const char *buf, size_t len, bool in_pieces)
{
	struct result r = result_new(len);
	uint32_t seed = fuzz_seed((const uint8_t *)buf, len);
	struct chunked c;

	chunked_begin(&c, BODY_CHUNKED, 0);
	while (len > 0) {
		size_t n = in_pieces ? fuzz_piece(&seed, len) : len;

		feed(&c, buf, n, &r);
		buf += n;
		len -= n;
	}
	r.done = chunked_done(&c);
	return r;
}

/* --- the plain reading --------------------------------------------------- */

/* The bytes of a line without its CRLF, or -1: no whole and clean line. */
static ptrdiff_t
plain_line(const char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)buf[i];

		if (ch == '\r')
			return i + 1 < len && buf[i + 1] == '\n' ? (ptrdiff_t)i
								 : -1;
		if ((ch < ' ' && ch != '\t') || ch == 0x7f)
			return -1;
	}
	return -1;
}

/* A chunk's size from its line; false where it is none. */
static bool
plain_size(const char *line, size_t len, uint64_t *ret)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	char digits[17] = { 0 };
	size_t n = 0;

	while (n < len && line[n] != '\0' && strchr(hex, line[n]) != NULL)
		n++;
	if (n == 0 || n > 16 || (n < len && line[n] != ';'))
		return false;
	memcpy(digits, line, n);
	*ret = strtoull(digits, NULL, 16);
	return true;
}

static bool
plain_is_token(const char *text, size_t len)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < len; i++) {
		char ch = text[i], low = (char)(ch | 0x20);

		if ((low < 'a' || low > 'z') && (ch < '0' || ch > '9') &&
		    (ch == '\0' || strchr(others, ch) == NULL))
			return false;
	}
	return len > 0;
}

/* The trailers and the last line. */
static void
plain_trailers(const char *buf, size_t len, size_t at, struct result *r)
{
	for (;;) {
		ptrdiff_t n = plain_line(buf + at, len - at);
		const char *colon;

		if (n < 0)
			return;
		r->taken = at += (size_t)n + 2;
		r->done = n == 0;
		if (r->done)
			return;
		colon = memchr(buf + at - n - 2, ':', (size_t)n);
		if (colon == NULL || !plain_is_token(buf + at - n - 2,
					 (size_t)(colon - (buf + at - n - 2))))
			return;
	}
}

/* Whole bodies only: `done` says whether there is one. */
static struct result
read_plainly(const char *buf, size_t len)
{
	struct result r = result_new(len);
	size_t at = 0;

	for (;;) {
		ptrdiff_t n = plain_line(buf + at, len - at);
		uint64_t size;

		if (n < 0 || !plain_size(buf + at, (size_t)n, &size))
			return r;
		at += (size_t)n + 2;
		if (size == 0) {
			plain_trailers(buf, len, at, &r);
			return r;
		}
		if (size > len - at || len - at - size < 2 ||
		    memcmp(buf + at + size, "\r\n", 2) != 0)
			return r;
		memcpy(r.out + r.len, buf + at, size);
		r.len += size;
		at += size + 2;
	}
}

/* --- checks -------------------------------------------------------------- */

static void
check_same(const struct result *a, const struct result *b)
{
	sc_assert(a->broken == b->broken);
	sc_assert(a->done == b->done);
	sc_assert(a->len == b->len);
	sc_assert(memcmp(a->out, b->out, a->len) == 0);
	sc_assert(!a->done || a->taken == b->taken);
}

static void
check_body(const char *buf, size_t len)
{
	struct result whole = decode(buf, len, false);
	struct result pieces = decode(buf, len, true);

	check_same(&whole, &pieces);
	if (len <= PLAIN_MAX) {
		struct result plain = read_plainly(buf, len);

		sc_assert(plain.done == whole.done);
		plain.broken = whole.broken;
		if (plain.done)
			check_same(&plain, &whole);
		free(plain.out);
	}
	free(whole.out);
	free(pieces.out);
}

/* The input begins with a state, of which nothing is known. */
static void
check_any_state(const char *buf, size_t len)
{
	struct result r;
	struct chunked c;

	if (len < sizeof(c))
		return;
	memcpy(&c, buf, sizeof(c));
	r = result_new(len);
	feed(&c, buf + sizeof(c), len - sizeof(c), &r);
	free(r.out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *buf = fuzz_copy(data, len);

	check_body(buf, len);
	check_any_state(buf, len);
	free(buf);
	return 0;
}
