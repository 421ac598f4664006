/*
 * journal.h - journals: records on chains of blocks.
 *
 * A journal is what stands between a received byte and a sent one: nothing
 * goes to a client (answers) or an upstream (requests) that is not in a
 * committed journal.  So a count of sent bytes tells which record and which
 * byte of it comes next, in this process or in its successor.
 *
 * struct journal is part of a record's state and changes only in the copy
 * that is not committed; common/chain.h says what becomes of its blocks.
 */
#ifndef COMMON_JOURNAL_H
#define COMMON_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/chain.h"
#include "common/sc.h"
#include "common/shm_layout.h"

/* --- journals ----------------------------------------------------------- */

/*
 * Begin a record at the end, unless one is open.  Then add payload to it;
 * -ENOMEM leaves the journal as it was.
 */
SC_MUST_CHECK int journal_open(struct arena *a, struct journal *j);
SC_MUST_CHECK int journal_add(
    struct arena *a, struct journal *j, const void *bytes, size_t len);

/* Copy the open record's payload, open_len bytes, to buf. */
void journal_peek_open(
    const struct arena *a, const struct journal *j, char *buf);

/*
 * Finish the open record (there must be one): from the commit on it may be
 * sent.  `flags` is of enum journal_flag; `id_sum` goes with JOURNAL_HAS_ID.
 */
void journal_finish(struct arena *a, struct journal *j, enum journal_type type,
    unsigned flags, uint32_t id_sum);

/* One whole record at once; an open record must not exist. */
SC_MUST_CHECK int journal_put(struct arena *a, struct journal *j,
    enum journal_type type, const void *bytes, size_t len);

/* The same for one that is gathered from `count` pieces. */
SC_MUST_CHECK int journal_put_pieces(struct arena *a, struct journal *j,
    enum journal_type type, const struct iovec *pieces, int count);

/* The same for one whole event of a kept stream: flags as journal_finish(). */
SC_MUST_CHECK int journal_put_event(struct arena *a, struct journal *j,
    unsigned flags, uint32_t id_sum, const void *bytes, size_t len);

/*
 * Make an open record, if any, one that is never sent.
 */
void journal_abandon(struct arena *a, struct journal *j);

/* Let everything go: records, and the open one. */
void journal_clear(struct arena *a, struct journal *j);

/* --- sending ------------------------------------------------------------ */

/*
 * How far a journal has been sent: private to the process that sends.
 * `wire` counts bytes on the wire from the journal's first kept record.
 */
struct journal_cursor {
	uint32_t ref; /* the record that comes next or is half sent */
	uint32_t off;
	uint64_t seq;  /* its number; the journal's next_seq: none left */
	uint64_t wire; /* at the start of that record (before its notes) */
	uint64_t sent; /* bytes of it that are sent: wire + sent is the place */
	uint64_t passed; /* payload bytes passed since the last drop */
};

/*
 * At the first kept record; `wire` is the count at which it begins.
 */
void journal_cursor_init(struct journal_cursor *cur, const struct arena *a,
    const struct journal *j, uint64_t wire);

/*
 * At record `seq`, or at the first kept one after it, which begins at byte
 * `wire`.
 */
SC_MUST_CHECK int journal_cursor_seek(struct journal_cursor *cur,
    const struct arena *a, const struct journal *j, uint64_t seq,
    uint64_t wire);

/*
 * The cursor's record, for a successor; and at a marked record, or -EBADMSG
 * where the journal has none such there.
 */
struct journal_mark journal_mark(const struct journal_cursor *cur);
SC_MUST_CHECK int journal_cursor_resume(struct journal_cursor *cur,
    const struct arena *a, const struct journal *j,
    const struct journal_mark *mark);

/* Whether all finished records are sent. */
bool journal_all_sent(
    const struct journal *j, const struct journal_cursor *cur);

/*
 * Drop the records before the cursor's one.  The caller notes cur->wire in
 * the same state as the new start.  Where everything is sent and no record
 * is open, every block goes.
 */
void journal_drop(
    struct arena *a, struct journal *j, struct journal_cursor *cur);

#define JOURNAL_NONE UINT64_MAX /* the number of no record */

/*
 * Drop the oldest records, but none that is not sent (cur; NULL: nobody is
 * to be sent anything) and never the newest, until no more than `limit`
 * payload bytes are kept.  Record `spared` (JOURNAL_NONE: none is) stays as
 * long as what follows it is within the limit, however large it is itself,
 * and whatever was abandoned behind it.
 * Returns how many were dropped.
 */
uint64_t journal_trim(struct arena *a, struct journal *j,
    struct journal_cursor *cur, uint64_t spared, uint64_t limit);

/* Payload bytes that are not sent yet. */
uint64_t journal_unsent(
    const struct journal *j, const struct journal_cursor *cur);

/* --- looking at records ------------------------------------------------- */

/* The number of the first kept record; next_seq where there is none. */
uint64_t journal_first_seq(const struct arena *a, const struct journal *j);

/*
 * Call visit(context, record) for each finished record from `seq` on, the
 * oldest first, until it returns false.  0 or -EBADMSG.
 */
struct journal_view {
	const struct arena *arena;
	struct journal_record record;
	uint32_t ref, off; /* of its payload */
};
SC_MUST_CHECK int journal_each(const struct arena *a, const struct journal *j,
    uint64_t seq, bool (*visit)(void *context, const struct journal_view *),
    void *context);

/*
 * The next piece of a view's payload, at most `left` bytes: moves the view
 * on and lowers *left.  NULL at the end, or where a link is broken.
 */
const char *journal_piece(
    struct journal_view *view, uint32_t *left, uint32_t *ret_len);

/* A view of the open record (its header is not written yet). */
struct journal_view journal_open_view(
    const struct arena *a, const struct journal *j);

/* Walk all records and verify length, type and checksum: 0, or -EBADMSG. */
SC_MUST_CHECK int journal_verify(
    const struct arena *a, const struct journal *j);

/* The same for the cursor's record and those behind it. */
SC_MUST_CHECK int journal_verify_rest(const struct arena *a,
    const struct journal *j, const struct journal_cursor *cur);

#endif
