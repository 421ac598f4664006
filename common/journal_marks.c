/*
 * journal_marks.c - places that were passed while sending.
 */
#include "config.h"

#include <string.h>

#include "common/journal_marks.h"
#include "common/journal_place.h"

/* Forget the `n` oldest ones. */
static void
forget(struct journal_marks *m, uint32_t n)
{
	m->count -= n;
	memmove(m->mark, m->mark + n, m->count * sizeof(*m->mark));
}

void
journal_marks_note(
    struct journal_marks *m, const struct journal_cursor *cur, uint64_t every)
{
	uint64_t last = m->count > 0 ? m->mark[m->count - 1].passed : 0;

	if (cur->ref == 0 || cur->passed < last + every)
		return;
	if (m->count == JOURNAL_MARKS_MAX)
		forget(m, 1);
	m->mark[m->count++] = journal_mark(cur);
}

/* How many of the marks are at or before this byte: the first ones. */
static uint32_t
count_acked(const struct journal_marks *m, uint64_t acked)
{
	uint32_t n = m->count;

	while (n > 0 && m->mark[n - 1].wire > acked)
		n--;
	return n;
}

/* What is kept from a mark on. */
static uint64_t
kept_from(const struct journal_mark *mark, const struct journal *j)
{
	return j->kept - MIN(j->kept, mark->passed);
}

/* The first of `n` marks from which on no more than `most` is kept; or n. */
static uint32_t
find_cut(const struct journal_marks *m, uint32_t n, const struct journal *j,
    uint64_t most)
{
	uint32_t i = 0;

	while (i < n && kept_from(&m->mark[i], j) > most)
		i++;
	return i;
}

bool
journal_marks_trim(struct journal_marks *m, struct arena *a, struct journal *j,
    struct journal_cursor *cur, uint64_t acked, uint64_t spared, uint64_t least,
    uint64_t most, struct journal_mark *ret_acked)
{
	uint32_t n = count_acked(m, acked), cut = find_cut(m, n, j, most), i;
	uint64_t dropped;
	struct place at;

	/* The newest record always stays. */
	if (cut == n || kept_from(&m->mark[cut], j) < least ||
	    m->mark[cut].seq >= j->next_seq || m->mark[cut].seq > spared)
		return false;
	at = (struct place){ m->mark[cut].ref, m->mark[cut].off };
	if (!place_begin_there(a, j, &at))
		return false;
	dropped = m->mark[cut].passed;
	j->kept -= MIN(j->kept, dropped);
	cur->passed -= MIN(cur->passed, dropped);
	/* It may stand at the end of a block that has just been let go. */
	if (cur->seq == m->mark[cut].seq) {
		cur->ref = at.ref;
		cur->off = at.off;
	}
	*ret_acked = m->mark[n - 1];
	for (i = cut; i < m->count; i++)
		m->mark[i].passed -= dropped;
	forget(m, cut);
	m->mark[0].ref = at.ref;
	m->mark[0].off = at.off;
	return true;
}
