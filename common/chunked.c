/*
 * chunked.c - where a message body ends (RFC 9112, 6 and 7.1).
 *
 * A chunked body is taken apart one framing byte at a time; the data between
 * is passed by length.  Nothing is stored but the state, so a body may be
 * cut at any byte.
 */
#include "config.h"

#include <errno.h>

#include "common/chunked.h"
#include "common/http_chars.h"

/* A size is at most 64 bits long. */
#define SIZE_DIGITS_MAX 16u

/*
 * How many bytes of chunk extensions and trailers may come on top of the
 * data: a body that is all extensions must not go on for ever, and one that
 * is endless (an event stream) may have an extension in each chunk.
 */
#define EXTRA_MAX 4096u

enum chunk_state {
	CHUNK_SIZE,          /* in the digits */
	CHUNK_EXTENSION,     /* behind the first ';' */
	CHUNK_SIZE_LF,       /* CR seen behind size and extensions */
	CHUNK_DATA,          /* `left` bytes of it */
	CHUNK_DATA_CR,       /* CR is due */
	CHUNK_DATA_LF,       /* LF is due */
	CHUNK_TRAILER_BEGIN, /* a trailer field, or the final CRLF */
	CHUNK_TRAILER_NAME,
	CHUNK_TRAILER_VALUE,
	CHUNK_TRAILER_LF,
	CHUNK_FINAL_LF,
	CHUNK_DONE,
	CHUNK_BROKEN,
};

void
chunked_begin(struct chunked *c, enum chunked_kind kind, uint64_t length)
{
	*c = (struct chunked){ .kind = (uint8_t)kind,
		.state = CHUNK_SIZE,
		.left = kind == BODY_LENGTH ? length : 0 };
}

bool
chunked_done(const struct chunked *c)
{
	switch (c->kind) {
	case BODY_NONE:
		return true;
	case BODY_LENGTH:
		return c->left == 0;
	case BODY_CHUNKED:
		return c->state == CHUNK_DONE;
	default:
		return false;
	}
}

/* --- framing, byte by byte ---------------------------------------------- */

/* clang-format off */
/* The value of a hex digit, and 1; 0 for what is none. */
static const uint8_t hex_digits[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6,
	['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
	['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};
/* clang-format on */

static inline int
hex_value(unsigned char ch)
{
	return hex_digits[ch] - 1;
}

/* One more byte of extensions or trailers, counted. */
static int
extra_byte(struct chunked *c, int state)
{
	return c->extra++ < EXTRA_MAX ? state : CHUNK_BROKEN;
}

static int
step_size(struct chunked *c, unsigned char ch)
{
	int value = hex_value(ch);

	if (value >= 0) {
		if (c->digits >= SIZE_DIGITS_MAX)
			return CHUNK_BROKEN;
		c->digits++;
		c->left = c->left << 4 | (unsigned)value;
		return CHUNK_SIZE;
	}
	if (c->digits == 0)
		return CHUNK_BROKEN;
	if (ch == ';')
		return extra_byte(c, CHUNK_EXTENSION);
	return ch == '\r' ? CHUNK_SIZE_LF : CHUNK_BROKEN;
}

/* A byte of an extension or a trailer's value, `state`, up to its CR. */
static int
step_text(struct chunked *c, unsigned char ch, int state, int after_cr)
{
	if (ch == '\r')
		return after_cr;
	return http_char_is((char)ch, HTTP_CHAR_TEXT) ? extra_byte(c, state)
						      : CHUNK_BROKEN;
}

/* A trailer's first byte, or the CR of the last line.  No obs-fold. */
static int
step_trailer_begin(struct chunked *c, unsigned char ch)
{
	if (ch == '\r')
		return CHUNK_FINAL_LF;
	return http_char_is((char)ch, HTTP_CHAR_TOKEN)
		   ? extra_byte(c, CHUNK_TRAILER_NAME)
		   : CHUNK_BROKEN;
}

static int
step_trailer_name(struct chunked *c, unsigned char ch)
{
	if (ch == ':')
		return extra_byte(c, CHUNK_TRAILER_VALUE);
	return http_char_is((char)ch, HTTP_CHAR_TOKEN)
		   ? extra_byte(c, CHUNK_TRAILER_NAME)
		   : CHUNK_BROKEN;
}

/* The size line is complete. */
static int
step_size_lf(struct chunked *c, unsigned char ch)
{
	if (ch != '\n')
		return CHUNK_BROKEN;
	c->digits = 0;
	return c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER_BEGIN;
}

/* `state` if `ch` is the one byte that may stand here. */
static int
step_exactly(unsigned char ch, unsigned char due, int state)
{
	return ch == due ? state : CHUNK_BROKEN;
}

/* Take one byte that is not data; returns the state behind it. */
static int
step(struct chunked *c, unsigned char ch)
{
	switch (c->state) {
	case CHUNK_SIZE:
		return step_size(c, ch);
	case CHUNK_EXTENSION:
		return step_text(c, ch, CHUNK_EXTENSION, CHUNK_SIZE_LF);
	case CHUNK_SIZE_LF:
		return step_size_lf(c, ch);
	case CHUNK_DATA_CR:
		return step_exactly(ch, '\r', CHUNK_DATA_LF);
	case CHUNK_DATA_LF:
		return step_exactly(ch, '\n', CHUNK_SIZE);
	case CHUNK_TRAILER_BEGIN:
		return step_trailer_begin(c, ch);
	case CHUNK_TRAILER_NAME:
		return step_trailer_name(c, ch);
	case CHUNK_TRAILER_VALUE:
		return step_text(c, ch, CHUNK_TRAILER_VALUE, CHUNK_TRAILER_LF);
	case CHUNK_TRAILER_LF:
		return step_exactly(ch, '\n', CHUNK_TRAILER_BEGIN);
	case CHUNK_FINAL_LF:
		return step_exactly(ch, '\n', CHUNK_DONE);
	default: /* from garbage */
		return CHUNK_BROKEN;
	}
}

/* A frame of digits alone is no longer than this. */
#define FRAME_MAX (2 + SIZE_DIGITS_MAX + 2)

/*
 * The frame as it nearly always is: the end of the chunk before, then digits
 * and CRLF.  The same as step() for each of its bytes; returns their number,
 * 0 where something else is in them, or where they might not all be there.
 */
static size_t
step_over_frame(struct chunked *c, const char *buf, size_t len)
{
	const char *p = buf, *digits;
	uint64_t size = 0;
	unsigned value;

	if (len < FRAME_MAX)
		return 0;
	if (c->state == CHUNK_DATA_CR) {
		if (p[0] != '\r' || p[1] != '\n')
			return 0;
		p += 2;
	} else if (c->state != CHUNK_SIZE || c->digits > 0) {
		return 0;
	}
	digits = p;
	while ((value = hex_digits[(unsigned char)*p]) != 0) {
		if (p++ == digits + SIZE_DIGITS_MAX)
			return 0;
		size = size << 4 | (value - 1);
	}
	if (size == 0 || p[0] != '\r' || p[1] != '\n')
		return 0;
	c->left = size;
	c->state = CHUNK_DATA;
	return (size_t)(p + 2 - buf);
}

/* --- data ---------------------------------------------------------------- */

/* Take up to `left` bytes of data. */
static size_t
take_data(struct chunked *c, size_t len)
{
	size_t n = len < c->left ? len : (size_t)c->left;

	c->left -= n;
	return n;
}

/* Take data of a chunk; each byte of it pays for one that is not data. */
static size_t
take_chunk_data(struct chunked *c, size_t len)
{
	size_t n = take_data(c, len);

	if (c->extra > 0)
		c->extra -= (uint16_t)MIN((size_t)c->extra, n);
	if (c->left == 0)
		c->state = CHUNK_DATA_CR;
	return n;
}

static ptrdiff_t
next_chunked(struct chunked *c, const char *buf, size_t len,
    const char **ret_piece, size_t *ret_piece_len)
{
	size_t used = step_over_frame(c, buf, len);

	while (used < len && c->state != CHUNK_DATA && c->state != CHUNK_DONE) {
		c->state = (uint8_t)step(c, (unsigned char)buf[used]);
		if (c->state == CHUNK_BROKEN)
			return -EPROTO;
		used++;
	}
	*ret_piece = buf + used;
	if (c->state == CHUNK_DATA && used < len) {
		if (c->left == 0) /* from garbage */
			return -EPROTO;
		*ret_piece_len = take_chunk_data(c, len - used);
	}
	return (ptrdiff_t)(used + *ret_piece_len);
}

size_t
chunked_take_plain(struct chunked *c, size_t len)
{
	return c->kind == BODY_LENGTH ? take_data(c, len) : 0;
}

ptrdiff_t
chunked_next(struct chunked *c, const char *buf, size_t len,
    const char **ret_piece, size_t *ret_piece_len)
{
	*ret_piece = buf;
	*ret_piece_len = 0;
	switch (c->kind) {
	case BODY_NONE:
		return 0;
	case BODY_LENGTH:
		*ret_piece_len = take_data(c, len);
		return (ptrdiff_t)*ret_piece_len;
	case BODY_CHUNKED:
		return next_chunked(c, buf, len, ret_piece, ret_piece_len);
	case BODY_CLOSE:
		*ret_piece_len = len;
		return (ptrdiff_t)len;
	default: /* from garbage */
		return -EPROTO;
	}
}
