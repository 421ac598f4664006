/*
 * journal_marks.h - places that were passed while sending, so that a long
 * journal can be trimmed without reading what lies between: the records of
 * many streams fit into no cache.
 *
 * Private to the process that sends, and never needed: who has no marks reads
 * the records (journal_trim(), journal_cursor_find()).
 */
#ifndef COMMON_JOURNAL_MARKS_H
#define COMMON_JOURNAL_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/journal.h"

#define JOURNAL_MARKS_MAX 16u

struct journal_marks {
	uint32_t count;
	struct journal_mark mark[JOURNAL_MARKS_MAX]; /* in order */
};

/*
 * Where the cursor is, unless that is less than `every` payload bytes behind
 * the newest mark.  The oldest mark makes room.
 */
void journal_marks_note(
    struct journal_marks *m, const struct journal_cursor *cur, uint64_t every);

/* The cursor was set anew: forget them. */
static inline void
journal_marks_clear(struct journal_marks *m)
{
	m->count = 0;
}

/*
 * Drop the oldest records, up to a mark, so that `least` to `most` payload
 * bytes are kept; but none that ends behind byte `acked`, nor record `spared`
 * (JOURNAL_NONE: none is) and what follows it.  Returns true and the newest
 * mark at or before that byte, or false where no mark is good for it: nothing
 * is changed then.
 */
bool journal_marks_trim(struct journal_marks *m, struct arena *a,
    struct journal *j, struct journal_cursor *cur, uint64_t acked,
    uint64_t spared, uint64_t least, uint64_t most,
    struct journal_mark *ret_acked);

#endif
