/*
 * journal_wire.h - what the records of a journal are on the wire, and how a
 * count of bytes finds its place among them.
 */
#ifndef COMMON_JOURNAL_WIRE_H
#define COMMON_JOURNAL_WIRE_H

#include <stdint.h>
#include <sys/uio.h>

#include "common/journal.h"

/*
 * What, beside the records, decides about the bytes on the wire.  The same
 * records and the same form always give the same bytes.
 */
struct journal_wire {
	enum http_framing framing;
	/* Of the ids that go before records with JOURNAL_MINT; or NULL. */
	const char *token;
	/*
	 * Records before this one are replayed to a client that returned:
	 * heads, notes and JOURNAL_ONCE were for the one before it.
	 */
	uint64_t attach_seq;
};

/*
 * The id of a record with JOURNAL_MINT: "sc1." token "." sequence (DESIGN,
 * 10).  Writes no NUL; returns the length.
 */
#define JOURNAL_ID_MAX (4 + STREAM_TOKEN_LEN + 1 + 20)
uint32_t journal_write_id(char *buf, const char *token, uint64_t seq);

/*
 * Gather what comes next, framed: at most `cap` pieces.  `scratch` holds what
 * had to be written for that, and copies of short payloads (JOURNAL_SCRATCH
 * bytes).  Returns the number of pieces, 0 where all is sent, or -EBADMSG
 * where a record is broken (length, type, block reference).  *ret_end is
 * where the cursor will be when all of these are sent.
 */
#define JOURNAL_SCRATCH (64u * 1024u)
SC_MUST_CHECK int journal_gather(const struct arena *a, const struct journal *j,
    const struct journal_wire *form, const struct journal_cursor *cur,
    struct iovec *iov, int cap, char *scratch, struct journal_cursor *ret_end);

/*
 * `n` bytes of what was gathered up to `end` are sent: as journal_advance(),
 * without reading the records again where that is all.
 */
SC_MUST_CHECK int journal_sent(const struct arena *a, const struct journal *j,
    const struct journal_wire *form, struct journal_cursor *cur,
    const struct journal_cursor *end, uint64_t n);

/*
 * Move the cursor on by `n` sent bytes.  -EBADMSG as above, or where the
 * journal has not that many.
 */
SC_MUST_CHECK int journal_advance(const struct arena *a,
    const struct journal *j, const struct journal_wire *form,
    struct journal_cursor *cur, uint64_t n);

/*
 * Where byte `sent` of the wire is, if record `seq` begins at byte `wire`:
 * what a successor knows.  -EBADMSG where the journal has not that much.
 */
SC_MUST_CHECK int journal_cursor_find(struct journal_cursor *cur,
    const struct arena *a, const struct journal *j,
    const struct journal_wire *form, uint64_t seq, uint64_t wire,
    uint64_t sent);

/* Bytes on the wire that all finished records make. */
uint64_t journal_wire_len(const struct arena *a, const struct journal *j,
    const struct journal_wire *form);

#endif
