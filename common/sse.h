/*
 * sse.h - where the events of a text/event-stream begin and end, and what
 * they hold (WHATWG HTML 9.2.5 and 9.2.6).  Pure: no I/O, no memory.
 *
 * The relay passes raw bytes on.  The parser looks at them on their way and
 * tells where blocks end, what stands in their lines, and at which places
 * the stream may be cut, or something of our own be put in between.
 */
#ifndef COMMON_SSE_H
#define COMMON_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All that is remembered between two reads.  Plain data that may lie in
 * shared memory and be copied at any time.  Two parsers that were fed the
 * same bytes, however cut, hold the same bytes (memcmp).  The members are
 * for sse.c alone.
 */
struct sse {
	uint8_t state;     /* enum sse_state */
	uint8_t field;     /* the field whose name or value is being read */
	uint8_t matched;   /* bytes of that name that have been seen */
	uint8_t line;      /* what is known about the line, LINE_* */
	uint8_t block;     /* what the block holds so far, SSE_HAS_* */
	uint8_t unused[3]; /* zero */
	uint32_t retry_ms; /* digits of a retry line so far */
};

/* What sse_next() has found; all from SSE_COMMENT on are safe places. */
enum sse_token {
	SSE_MORE,  /* everything is consumed, and there was nothing to tell */
	SSE_DATA,  /* a piece of the value of a data line */
	SSE_ID,    /* a piece of the value of an id line */
	SSE_EVENT, /* a piece of the value of an event line */
	SSE_RETRY, /* a retry line with a usable number ended */
	/*
	 * A comment line ended, and the block holds nothing but comments: a
	 * safe place, and the line may be sent on at once.
	 */
	SSE_COMMENT,
	/*
	 * A blank line ended a block of at least one line: a safe place.  The
	 * id of the block, if it has one, is the last event id from here on,
	 * also when there is no data (SSE_HAS_DATA) to dispatch.
	 */
	SSE_DISPATCH,
	/*
	 * Bytes between two blocks that mean nothing: one more blank line, or
	 * the LF of a CRLF whose CR was the last byte of the read before.  A
	 * safe place; a line that is to become part of the next block has to
	 * be put behind them.
	 */
	SSE_BLANK,
	/*
	 * The stream began with a byte order mark, which ends here.  It is
	 * to be dropped: behind anything else it would spoil a field's name.
	 */
	SSE_BOM,
};

/* About a piece of a value (SSE_DATA, SSE_ID, SSE_EVENT). */
enum sse_piece {
	SSE_FIRST = 1 << 0,     /* the value begins with this piece */
	SSE_LAST = 1 << 1,      /* ends with it; the piece may be empty */
	SSE_LF_BEFORE = 1 << 2, /* not the block's first data line: the data
				   has one LF ahead of this piece */
	SSE_VOID = 1 << 3,      /* with SSE_ID and SSE_LAST: the value holds
				   a NUL, the line is ignored as a whole */
};

/* What a block holds (SSE_DISPATCH), bits. */
enum sse_has {
	SSE_HAS_DATA = 1 << 0, /* at least one data line, empty or not */
	SSE_HAS_ID = 1 << 1,   /* an id that counts (may be empty: reset) */
	SSE_HAS_EVENT = 1 << 2,
	SSE_HAS_RETRY = 1 << 3,   /* a retry that counts */
	SSE_HAS_COMMENT = 1 << 4, /* alone: nothing but comments */
	SSE_HAS_OTHER = 1 << 5,   /* a line that means nothing */
};

/* One step of the parser. */
struct sse_step {
	enum sse_token token;
	uint8_t piece;     /* SSE_DATA, SSE_ID, SSE_EVENT: enum sse_piece */
	uint8_t block;     /* the block so far, enum sse_has; complete with
			      SSE_DISPATCH */
	uint32_t retry_ms; /* SSE_RETRY: milliseconds, clamped */
	const char *text;  /* the piece, inside of the caller's buffer */
	size_t len;        /* its bytes, 0 is possible */
};

/* Make a parser that stands at the start of a stream. */
void sse_init(struct sse *);

/* The same behind the beginning of a stream, where a block begins. */
void sse_init_at_block(struct sse *);

/*
 * Read from `buf` up to the next thing to tell, and describe it in *ret.
 * Returns the number of bytes consumed, at least 1 unless `len` is 0;
 * call again with the rest until all are.
 *
 * Values come in pieces, in order: the first has SSE_FIRST and the last
 * SSE_LAST, also where both are one, or empty.  Where a read ends in the
 * middle of a value, what there is of it comes first.  The line end is
 * consumed with the last piece, and a CRLF as one unless it was cut.
 *
 * Nothing is told at the end of a stream: what is not ended by a blank
 * line is discarded (9.2.6), see sse_is_between().
 */
size_t sse_next(
    struct sse *, const char *buf, size_t len, struct sse_step *ret);

/*
 * Consume all of `buf`, faster than sse_next() and to the same state, where
 * nobody asks what the events hold.  Returns the offset just behind the
 * last safe place (the end of what sse_next() would have told as
 * SSE_COMMENT, SSE_DISPATCH, SSE_BLANK or SSE_BOM), 0 if there is none, and
 * how many events, which are blocks with data, end in `buf`.
 */
size_t sse_boundary(
    struct sse *, const char *buf, size_t len, uint32_t *ret_events);

/*
 * Whether the parser stands at a safe place: nothing has been read of the
 * next block but comments.  If not at the end of a stream, the stream's
 * last block is void.
 */
bool sse_is_between(const struct sse *);

/*
 * Whether the next byte is the first one of a block: whoever finds the end of
 * that block by other means may pass over all of it.
 */
bool sse_is_at_block(const struct sse *);

/*
 * Whether a byte order mark may still come, or is under way.  While this
 * is true, use sse_next(): sse_boundary() counts the mark as sent on.
 */
bool sse_is_at_start(const struct sse *);

/*
 * Whether these bytes can have come from this parser.  sse_next() and
 * sse_boundary() reach out of no buffer and end, whatever the bytes are;
 * but what they find in a state that is not valid has no meaning.
 */
bool sse_is_valid(const struct sse *);

#endif
