/*
 * chunked.h - where a message body ends: by length, by chunks, by the end
 * of the connection (RFC 9112, 6).  A strict decoder: exactly CRLF, no sign,
 * no space around the size; extensions and trailers are passed over, and may
 * be 4 KiB more than the data that came before them.  Plain data, pure,
 * without allocation; any bit pattern is a state that it survives.
 */
#ifndef COMMON_CHUNKED_H
#define COMMON_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sc.h"

enum chunked_kind { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_CLOSE };

struct chunked {
	uint8_t kind;    /* enum chunked_kind */
	uint8_t state;   /* inside a chunked body */
	uint16_t extra;  /* bytes of extensions and trailers beyond the data */
	uint32_t digits; /* hex digits of the size so far */
	uint64_t left;   /* bytes of this chunk, or of the body, still due */
};

/* Start a body.  `length` counts for BODY_LENGTH only. */
void chunked_begin(struct chunked *c, enum chunked_kind kind, uint64_t length);

/* Whether the body is complete.  BODY_CLOSE never is: its end is the EOF. */
bool chunked_done(const struct chunked *c);

/*
 * Take bytes of `buf` up to the end of the next piece of decoded body.
 * Returns how many bytes were taken (0 only if len is 0 or the body is
 * complete) and the piece, which is the last of them and may be empty; or
 * -EPROTO where the framing is broken, after which the body can't be
 * continued.
 */
SC_MUST_CHECK ptrdiff_t chunked_next(struct chunked *c, const char *buf,
    size_t len, const char **ret_piece, size_t *ret_piece_len);

/*
 * Of a body that is as long as its Content-Length says: take up to `len`
 * bytes, which come next.  Returns how many; 0 for other kinds.
 */
size_t chunked_take_plain(struct chunked *c, size_t len);

#endif
