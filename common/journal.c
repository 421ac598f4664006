/*
 * journal.c - records on chains of blocks.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/journal.h"
#include "common/journal_place.h"
#include "common/journal_sum.h"
#include "common/kill_point.h"

/* --- writing records ---------------------------------------------------- */

int
journal_open(struct arena *a, struct journal *j)
{
	if (j->open_ref != 0)
		return 0;
	if (j->chain.last_ref == 0 || !header_fits(j->chain.last_off)) {
		if (chain_grow(a, &j->chain) != 0)
			return -ENOMEM;
	}
	j->open_ref = j->chain.last_ref;
	j->open_off = j->chain.last_off;
	j->open_len = 0;
	j->chain.last_off += sizeof(struct journal_record);
	return 0;
}

int
journal_add(struct arena *a, struct journal *j, const void *bytes, size_t len)
{
	if (len > UINT32_MAX - j->open_len)
		return -ENOMEM;
	if (chain_append(a, &j->chain, bytes, len) != 0)
		return -ENOMEM;
	j->open_len += (uint32_t)len;
	return 0;
}

/* The place of the open record's payload. */
static struct place
open_body(const struct journal *j)
{
	struct place at = { j->open_ref,
		j->open_off + (uint32_t)sizeof(struct journal_record) };

	return at;
}

void
journal_peek_open(const struct arena *a, const struct journal *j, char *buf)
{
	struct place at = open_body(j);
	uint32_t left, piece;

	FOR_EACH_PIECE(a, at, j->open_len, left, piece)
	{
		if (piece == 0)
			return;
		memcpy(buf, block_at(a, at.ref) + at.off, piece);
		buf += piece;
	}
}

/*
 * The sum of a record whose payload is about to go to the end of the chain,
 * from where it comes: its blocks may not be in the cache yet.
 */
static uint32_t
sum_of_new(
    const struct journal *j, const struct journal_record *r, const char *from)
{
	uint64_t sum = journal_sum_begin(r);
	uint32_t room = SHM_BLOCK_SIZE - j->chain.last_off, left, piece;

	for (left = r->len; left > 0; left -= piece, from += piece) {
		piece = MIN(left, room > 0 ? room : SHM_BLOCK_SIZE);
		sum = journal_sum_add(sum, from, piece);
		room = 0;
	}
	return journal_sum_end(sum);
}

/* What the record's sum must be; where it is broken, another one. */
static uint32_t
record_sum(
    const struct arena *a, const struct journal_record *r, struct place at)
{
	uint64_t sum = journal_sum_begin(r);
	uint32_t left, piece;

	FOR_EACH_PIECE(a, at, r->len, left, piece)
	{
		if (piece == 0)
			return ~r->sum;
		sum = journal_sum_add(sum, block_at(a, at.ref) + at.off, piece);
	}
	return journal_sum_end(sum);
}

/* The header of the next record; its sum is still to come. */
static struct journal_record
new_header(const struct journal *j, enum journal_type type, unsigned flags,
    uint32_t id_sum, uint32_t len)
{
	return (struct journal_record){
		.len = len,
		.type = (uint8_t)type,
		.flags = (uint8_t)flags,
		.notes = (uint16_t)j->notes,
		.id_sum = id_sum,
		.seq = j->next_seq,
	};
}

/* A header where it stands in a block, at any byte. */
struct placed_header {
	struct journal_record r;
} __attribute__((packed, may_alias));

/* Field by field: see chain_end(). */
static inline void
write_header(char *to, const struct journal_record *r)
{
	struct placed_header *at = (void *)to;

	at->r.len = r->len;
	at->r.sum = r->sum;
	at->r.type = r->type;
	at->r.flags = r->flags;
	at->r.notes = r->notes;
	at->r.id_sum = r->id_sum;
	at->r.seq = r->seq;
}

/* The open record is finished, and this is its header. */
static inline void
finish(struct arena *a, struct journal *j, const struct journal_record *r)
{
	KILL_POINT();
	write_header(block_at(a, j->open_ref) + j->open_off, r);
	KILL_POINT();
	j->kept += r->len;
	j->next_seq++;
	j->notes = 0;
	j->open_ref = 0;
	j->open_off = 0;
	j->open_len = 0;
}

void
journal_finish(struct arena *a, struct journal *j, enum journal_type type,
    unsigned flags, uint32_t id_sum)
{
	struct journal_record r =
	    new_header(j, type, flags, id_sum, j->open_len);

	sc_assert(j->open_ref != 0);
	r.sum = record_sum(a, &r, open_body(j));
	finish(a, j, &r);
}

/* One whole record. */
static int
put(struct arena *a, struct journal *j, enum journal_type type, unsigned flags,
    uint32_t id_sum, const void *bytes, size_t len)
{
	struct chain_end was = chain_end(&j->chain);
	struct journal_record r;

	sc_assert(j->open_ref == 0);
	if (len > UINT32_MAX || journal_open(a, j) != 0)
		return -ENOMEM;
	r = new_header(j, type, flags, id_sum, (uint32_t)len);
	r.sum = sum_of_new(j, &r, bytes);
	if (journal_add(a, j, bytes, len) != 0) {
		j->open_ref = 0;
		chain_restore(a, &j->chain, was);
		return -ENOMEM;
	}
	finish(a, j, &r);
	return 0;
}

int
journal_put_event(struct arena *a, struct journal *j, unsigned flags,
    uint32_t id_sum, const void *bytes, size_t len)
{
	return put(a, j, JOURNAL_BODY, flags, id_sum, bytes, len);
}

int
journal_put(struct arena *a, struct journal *j, enum journal_type type,
    const void *bytes, size_t len)
{
	return put(a, j, type, 0, 0, bytes, len);
}

int
journal_put_pieces(struct arena *a, struct journal *j, enum journal_type type,
    const struct iovec *pieces, int count)
{
	struct chain_end was = chain_end(&j->chain);
	int error = journal_open(a, j);

	for (int i = 0; i < count && error == 0; i++)
		error =
		    journal_add(a, j, pieces[i].iov_base, pieces[i].iov_len);
	if (error != 0) {
		j->open_ref = 0;
		j->open_len = 0;
		chain_restore(a, &j->chain, was);
		return error;
	}
	journal_finish(a, j, type, 0, 0);
	return 0;
}

void
journal_abandon(struct arena *a, struct journal *j)
{
	if (j->open_ref != 0)
		journal_finish(a, j, JOURNAL_SKIP, 0, 0);
}

void
journal_clear(struct arena *a, struct journal *j)
{
	chain_clear(a, &j->chain);
	j->open_ref = 0;
	j->open_off = 0;
	j->open_len = 0;
	j->kept = 0;
}

/* --- reading records ---------------------------------------------------- */

void
journal_cursor_init(struct journal_cursor *cur, const struct arena *a,
    const struct journal *j, uint64_t wire)
{
	struct place at = journal_start(j);
	struct journal_record r;

	memset(cur, 0, sizeof(*cur));
	cur->wire = wire;
	cur->seq = j->next_seq;
	if (!place_of_header(a, &at))
		return;
	if (at.ref == j->open_ref && at.off == j->open_off)
		return;
	memcpy(&r, block_at(a, at.ref) + at.off, sizeof(r));
	cur->ref = at.ref;
	cur->off = at.off;
	cur->seq = r.seq;
}

int
journal_cursor_seek(struct journal_cursor *cur, const struct arena *a,
    const struct journal *j, uint64_t seq, uint64_t wire)
{
	struct journal_record r;
	struct place at, body;

	journal_cursor_init(cur, a, j, wire);
	at = cursor_place(j, cur);
	while (cur->seq < seq && cur->seq < j->next_seq) {
		if (record_read(a, at, cur->seq, &r, &body) != 0 ||
		    payload_end(a, body, r.len, &at) != 0)
			return -EBADMSG;
		cur->passed += r.len;
		cur->seq++;
		cur->ref = at.ref;
		cur->off = at.off;
	}
	return 0;
}

struct journal_mark
journal_mark(const struct journal_cursor *cur)
{
	return (struct journal_mark){
		.seq = cur->seq,
		.wire = cur->wire,
		.passed = cur->passed,
		.ref = cur->ref,
		.off = cur->off,
	};
}

int
journal_cursor_resume(struct journal_cursor *cur, const struct arena *a,
    const struct journal *j, const struct journal_mark *mark)
{
	struct journal_record r;
	struct place body;

	*cur = (struct journal_cursor){
		.seq = mark->seq,
		.wire = mark->wire,
		.passed = mark->passed,
		.ref = mark->ref,
		.off = mark->off,
	};
	if (mark->seq == 0 || mark->seq > j->next_seq)
		return -EBADMSG;
	if (mark->seq == j->next_seq)
		return 0;
	return record_read(a, cursor_place(j, cur), mark->seq, &r, &body);
}

bool
journal_all_sent(const struct journal *j, const struct journal_cursor *cur)
{
	return cur->seq == j->next_seq;
}

void
journal_drop(struct arena *a, struct journal *j, struct journal_cursor *cur)
{
	struct place at = cursor_place(j, cur);

	j->kept -= MIN(j->kept, cur->passed);
	cur->passed = 0;
	if (journal_all_sent(j, cur) && j->open_ref == 0) {
		chain_clear(a, &j->chain);
		cur->ref = 0;
		cur->off = 0;
		return;
	}
	if (!place_begin_there(a, j, &at))
		return;
	cur->ref = at.ref;
	cur->off = at.off;
}

/* Payload bytes behind this record; what was abandoned doesn't count. */
static uint64_t
kept_behind(const struct arena *a, const struct journal *j, uint64_t seq,
    struct place at)
{
	uint64_t first = seq, len = 0;
	struct journal_record r;
	struct place body;

	for (; seq < j->next_seq; seq++) {
		if (record_read(a, at, seq, &r, &body) != 0 ||
		    payload_end(a, body, r.len, &at) != 0)
			break;
		if (seq > first && r.type != JOURNAL_SKIP)
			len += r.len;
	}
	return len;
}

uint64_t
journal_trim(struct arena *a, struct journal *j, struct journal_cursor *cur,
    uint64_t spared, uint64_t limit)
{
	uint64_t seq = journal_first_seq(a, j), dropped = 0;
	uint64_t end = cur != NULL ? cur->seq : j->next_seq;
	struct place at = journal_start(j), body;
	struct journal_record r;

	while (j->kept > limit && seq < end && seq + 1 < j->next_seq) {
		if (record_read(a, at, seq, &r, &body) != 0)
			break;
		if (seq == spared && kept_behind(a, j, seq, at) <= limit)
			break;
		if (payload_end(a, body, r.len, &at) != 0)
			break;
		j->kept -= MIN(j->kept, r.len);
		if (cur != NULL)
			cur->passed -= MIN(cur->passed, r.len);
		seq++;
		dropped++;
	}
	if (dropped == 0 || !place_begin_there(a, j, &at))
		return 0;
	/* It may stand at the end of a block that has just been let go. */
	if (cur != NULL && cur->seq == seq) {
		cur->ref = at.ref;
		cur->off = at.off;
	}
	return dropped;
}

uint64_t
journal_unsent(const struct journal *j, const struct journal_cursor *cur)
{
	return j->kept - MIN(j->kept, cur->passed);
}

uint64_t
journal_first_seq(const struct arena *a, const struct journal *j)
{
	struct journal_cursor cur;

	journal_cursor_init(&cur, a, j, 0);
	return cur.seq;
}

int
journal_each(const struct arena *a, const struct journal *j, uint64_t seq,
    bool (*visit)(void *context, const struct journal_view *), void *context)
{
	struct journal_cursor cur;
	struct journal_view view = { .arena = a };
	struct place at, body;

	if (journal_cursor_seek(&cur, a, j, seq, 0) != 0)
		return -EBADMSG;
	at = cursor_place(j, &cur);
	for (; cur.seq < j->next_seq; cur.seq++) {
		if (record_read(a, at, cur.seq, &view.record, &body) != 0)
			return -EBADMSG;
		view.ref = body.ref;
		view.off = body.off;
		if (!visit(context, &view))
			return 0;
		if (payload_end(a, body, view.record.len, &at) != 0)
			return -EBADMSG;
	}
	return 0;
}

const char *
journal_piece(struct journal_view *view, uint32_t *left, uint32_t *ret_len)
{
	struct place at = { view->ref, view->off };
	const char *p;

	*ret_len = place_piece(view->arena, &at, *left);
	if (*left == 0 || *ret_len == 0)
		return NULL;
	p = block_at(view->arena, at.ref) + at.off;
	view->ref = at.ref;
	view->off = at.off + *ret_len;
	*left -= *ret_len;
	return p;
}

struct journal_view
journal_open_view(const struct arena *a, const struct journal *j)
{
	struct place at = open_body(j);

	return (struct journal_view){
		.arena = a,
		.record = { .len = j->open_len, .seq = j->next_seq },
		.ref = at.ref,
		.off = at.off,
	};
}

/* Whether the chain ends behind `at`, or behind the open record there. */
static bool
ends_at(const struct arena *a, const struct journal *j, struct place at)
{
	uint32_t left, piece;

	if (j->open_ref != 0) {
		if (!place_of_header(a, &at) || at.ref != j->open_ref ||
		    at.off != j->open_off)
			return false;
		at = open_body(j);
		FOR_EACH_PIECE(a, at, j->open_len, left, piece)
		{
			if (piece == 0)
				return false;
		}
	}
	return at.ref == j->chain.last_ref && at.off == j->chain.last_off;
}

/* Verify the records from `seq` on, which lies there; adds up payloads. */
static int
verify_from(const struct arena *a, const struct journal *j, uint64_t seq,
    struct place at, uint64_t *ret_len)
{
	struct journal_record r;
	struct place body;

	*ret_len = 0;
	for (; seq < j->next_seq; seq++) {
		if (record_read(a, at, seq, &r, &body) != 0 ||
		    record_sum(a, &r, body) != r.sum ||
		    payload_end(a, body, r.len, &at) != 0)
			return -EBADMSG;
		*ret_len += r.len;
	}
	return ends_at(a, j, at) ? 0 : -EBADMSG;
}

int
journal_verify(const struct arena *a, const struct journal *j)
{
	struct journal_cursor cur;
	uint64_t len;
	int error;

	journal_cursor_init(&cur, a, j, 0);
	error = verify_from(a, j, cur.seq, cursor_place(j, &cur), &len);
	return error == 0 && len != j->kept ? -EBADMSG : error;
}

int
journal_verify_rest(const struct arena *a, const struct journal *j,
    const struct journal_cursor *cur)
{
	uint64_t len;

	return verify_from(a, j, cur->seq, cursor_place(j, cur), &len);
}
