/*
 * journal_peek.c - reading a journal that another process writes.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/journal_peek.h"
#include "common/journal_sum.h"

/* Records passed at most in search of one. */
#define WALK_MAX 1024

struct place {
	uint32_t ref;
	uint32_t off;
};

/* Copy what stands at an address of the mapping, without touching it. */
static bool
copy(const struct shm *shm, const void *from, void *to, size_t len)
{
	off_t at = (const char *)from - (const char *)shm->header;

	return pread(shm->fd, to, len, at) == (ssize_t)len;
}

static bool
is_valid(const struct shm *shm, struct place at)
{
	return at.ref != 0 && at.ref <= shm->sizes.blocks &&
	       at.off <= SHM_BLOCK_SIZE;
}

static bool
go_to_next_block(const struct shm *shm, struct place *at)
{
	if (!copy(
		shm, &shm->block_next[at->ref - 1], &at->ref, sizeof(at->ref)))
		return false;
	at->off = 0;
	return is_valid(shm, *at);
}

/* The record's header at or after `at`, which moves behind it. */
static bool
read_header(const struct shm *shm, struct place *at, struct journal_record *ret)
{
	if (!is_valid(shm, *at))
		return false;
	if (at->off + sizeof(*ret) > SHM_BLOCK_SIZE &&
	    !go_to_next_block(shm, at))
		return false;
	if (!copy(shm,
		shm->blocks + (size_t)(at->ref - 1) * SHM_BLOCK_SIZE + at->off,
		ret, sizeof(*ret)))
		return false;
	at->off += (uint32_t)sizeof(*ret);
	return ret->type > 0 && ret->type < JOURNAL_TYPE_COUNT;
}

/*
 * Pass a payload, copying the first `cap` bytes of it to buf.  False where
 * it is broken, or its sum is wrong (a piece of a block each, as it was made
 * in journal.c).
 */
static bool
read_payload(const struct shm *shm, struct place *at,
    const struct journal_record *record, char *buf, size_t cap)
{
	char piece[SHM_BLOCK_SIZE];
	uint64_t sum = journal_sum_begin(record);
	uint32_t left = record->len, n;
	size_t used = 0, kept;

	for (; left > 0; left -= n, at->off += n) {
		if (at->off == SHM_BLOCK_SIZE && !go_to_next_block(shm, at))
			return false;
		n = MIN(left, SHM_BLOCK_SIZE - at->off);
		if (!copy(shm,
			shm->blocks + (size_t)(at->ref - 1) * SHM_BLOCK_SIZE +
			    at->off,
			piece, n))
			return false;
		sum = journal_sum_add(sum, piece, n);
		kept = MIN((size_t)n, cap - used);
		memcpy(buf + used, piece, kept);
		used += kept;
	}
	return journal_sum_end(sum) == record->sum;
}

/* Only the links: for payloads that are too long to be read. */
static bool
pass_payload(const struct shm *shm, struct place *at, uint32_t len)
{
	uint32_t n;

	if (len / SHM_BLOCK_SIZE > shm->sizes.blocks)
		return false;
	for (; len > 0; len -= n, at->off += n) {
		if (at->off == SHM_BLOCK_SIZE && !go_to_next_block(shm, at))
			return false;
		n = MIN(len, SHM_BLOCK_SIZE - at->off);
	}
	return true;
}

/*
 * The header of the record that comes next: where it was expected, or the
 * first that is kept, if ours is gone.
 */
static bool
find_header(const struct journal_peek *peek, const struct shm *shm,
    const struct journal *j, struct place *at, struct journal_record *ret)
{
	*at = (struct place){ j->chain.first_ref, j->chain.first_off };
	if (!read_header(shm, at, ret))
		return false;
	if (ret->seq >= peek->seq)
		return true;
	if (peek->ref != 0) {
		*at = (struct place){ peek->ref, peek->off };
		return read_header(shm, at, ret) && ret->seq == peek->seq;
	}
	/* Ours is further on: from here, one after the other. */
	for (int i = 0; ret->seq < peek->seq; i++) {
		uint64_t seq = ret->seq;

		if (i >= WALK_MAX || !pass_payload(shm, at, ret->len) ||
		    !read_header(shm, at, ret) || ret->seq != seq + 1)
			return false;
	}
	return true;
}

void
journal_peek_end(struct journal_peek *peek, const struct journal *j)
{
	peek->seq = j->next_seq;
	peek->ref = j->open_ref != 0 ? j->open_ref : j->chain.last_ref;
	peek->off = j->open_ref != 0 ? j->open_off : j->chain.last_off;
}

/* Nothing can be found: go on at the end. */
static int
skip_all(struct journal_peek *peek, const struct journal *j,
    struct journal_peeked *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->skipped = j->next_seq - peek->seq;
	journal_peek_end(peek, j);
	return 1;
}

int
journal_peek_next(struct journal_peek *peek, const struct shm *shm,
    const struct journal *j, char *buf, size_t cap, struct journal_peeked *ret)
{
	struct journal_record record;
	struct place at;
	bool is_whole;

	if (peek->seq >= j->next_seq)
		return 0;
	if (j->chain.first_ref == 0) /* all are dropped */
		return skip_all(peek, j, ret);
	if (!find_header(peek, shm, j, &at, &record) ||
	    record.seq >= j->next_seq) {
		if (peek->ref == 0)
			return skip_all(peek, j, ret);
		peek->ref = 0; /* search for it from the start */
		return -EAGAIN;
	}
	is_whole = record.len <= JOURNAL_PEEK_MAX
		       ? read_payload(shm, &at, &record, buf, cap)
		       : pass_payload(shm, &at, record.len);
	if (!is_whole) {
		peek->ref = 0;
		return -EAGAIN;
	}
	ret->record = record;
	ret->skipped = record.seq - peek->seq;
	ret->len =
	    record.len <= JOURNAL_PEEK_MAX ? MIN((size_t)record.len, cap) : 0;
	*peek = (struct journal_peek){ record.seq + 1, at.ref, at.off };
	return 1;
}
