/*
 * journal_peek.h - reading the journal of a stream that another process
 * writes and drops while we read.
 *
 * Everything is copied out of the memfd with pread(2), so that what is given
 * back meanwhile reads as zero, and no page is taken by looking.  A record
 * counts only if its number, its place and its checksum agree; what was
 * dropped before it was read is told as skipped.
 */
#ifndef COMMON_JOURNAL_PEEK_H
#define COMMON_JOURNAL_PEEK_H

#include <stdint.h>

#include "common/sc.h"
#include "common/shm.h"

/* How far a journal has been read; all zero: from its first kept record. */
struct journal_peek {
	uint64_t seq; /* the record that comes next */
	uint32_t ref; /* where it begins, 0: not known */
	uint32_t off;
};

struct journal_peeked {
	struct journal_record record;
	uint64_t skipped; /* records before it that were gone already */
	size_t len;       /* bytes of its payload in the caller's buffer */
};

/* Stand behind the last finished record of `j`: what comes later is new. */
void journal_peek_end(struct journal_peek *peek, const struct journal *j);

/* Records with a longer payload are told, but not read. */
#define JOURNAL_PEEK_MAX (256u * 1024u)

/*
 * Read the next finished record, and at most `cap` bytes of its payload into
 * buf; `j` is a copy of the journal as a commit left it.  1 and *ret; 0 where
 * there is none yet; -EAGAIN where it changed under our hands (look again
 * with a newer copy).
 */
SC_MUST_CHECK int journal_peek_next(struct journal_peek *peek,
    const struct shm *shm, const struct journal *j, char *buf, size_t cap,
    struct journal_peeked *ret);

#endif
