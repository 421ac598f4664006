/*
 * test_journal_broken.c - journals in single steps, and what becomes of them
 * when another process died over them or stored garbage into them.
 */
#include "config.h"

#include <errno.h>

#include "common/journal_wire.h"
#include "tests/unit/arena_rig.h"
#include "tests/unit/unit.h"

#define BLOCKS 24u
#define SELF 0x101u
#define NOTE ": keepalive\n\n"

static struct shm shm;
static struct arena arena;
static struct dice dice;

static const struct journal_wire plain = { .framing = HTTP_FRAMING_LENGTH };
static const struct journal_wire chunked = { .framing = HTTP_FRAMING_CHUNKED };

static void
setup(void)
{
	struct shm_sizes sizes = { 1, 1, 1, 1, BLOCKS };

	ck_assert_int_eq(shm_create(&sizes, &shm), 0);
	arena_init(&arena, &shm, SELF);
}

static void
teardown(void)
{
	shm_fini(&shm);
}

static void
fill(char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (char)dice_next(&dice);
}

/* --- journals: single things -------------------------------------------- */

/* All that is gathered, as one string. */
static size_t
gather_all(const struct journal *j, enum http_framing how, char *buf)
{
	const struct journal_wire form = { .framing = how };
	struct journal_cursor cur;
	struct iovec iov[64];
	struct journal_cursor end;
	char scratch[JOURNAL_SCRATCH];
	size_t len = 0;
	int i, n;

	journal_cursor_init(&cur, &arena, j, 0);
	n = journal_gather(&arena, j, &form, &cur, iov, 64, scratch, &end);
	ck_assert_int_ge(n, 0);
	for (i = 0; i < n; i++) {
		memcpy(buf + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	buf[len] = '\0';
	return len;
}

START_TEST(records_are_framed)
{
	struct journal j = { 0 };
	char buf[256];

	ck_assert_int_eq(
	    journal_put(&arena, &j, JOURNAL_HEAD, "head\r\n\r\n", 8), 0);
	j.notes = 1;
	ck_assert_int_eq(journal_open(&arena, &j), 0);
	ck_assert_int_eq(journal_add(&arena, &j, "data: ", 6), 0);
	ck_assert_int_eq(journal_add(&arena, &j, "0123456789abcd", 14), 0);
	journal_finish(&arena, &j, JOURNAL_BODY, 1, 0);
	ck_assert_int_eq(journal_open(&arena, &j), 0);
	ck_assert_int_eq(journal_add(&arena, &j, "never", 5), 0);
	(void)gather_all(&j, HTTP_FRAMING_LENGTH, buf);
	ck_assert_str_eq(buf, "head\r\n\r\n" NOTE "data: 0123456789abcd");
	journal_abandon(&arena, &j);
	ck_assert_int_eq(journal_put(&arena, &j, JOURNAL_END, "", 0), 0);
	(void)gather_all(&j, HTTP_FRAMING_CLOSE, buf);
	ck_assert_str_eq(buf, "head\r\n\r\n" NOTE "data: 0123456789abcd");
	(void)gather_all(&j, HTTP_FRAMING_CHUNKED, buf);
	ck_assert_str_eq(buf,
	    "head\r\n\r\nd\r\n" NOTE "\r\n14\r\ndata: 0123456789abcd\r\n"
	    "0\r\n\r\n");
}
END_TEST

/* An empty chunk would be the last one (RFC 9112 7.1). */
START_TEST(an_empty_record_is_no_chunk)
{
	struct journal j = { 0 };
	char buf[64];

	ck_assert_int_eq(journal_put(&arena, &j, JOURNAL_BODY, "", 0), 0);
	ck_assert_uint_eq(gather_all(&j, HTTP_FRAMING_CHUNKED, buf), 0);
}
END_TEST

/*
 * The last committed record ends with its block, and the dead had begun the
 * next block: the successor may take another one for it.
 */
START_TEST(a_link_that_was_not_committed_leads_nowhere)
{
	struct journal j = { 0 }, dying;
	struct journal_cursor cur;
	const struct chain *chain = &j.chain;
	char bytes[SHM_BLOCK_SIZE - sizeof(struct journal_record)] = "x";
	struct iovec iov[4];
	struct journal_cursor end;
	char scratch[JOURNAL_SCRATCH];
	uint32_t index;

	ck_assert_int_eq(
	    journal_put(&arena, &j, JOURNAL_BODY, bytes, sizeof(bytes)), 0);
	dying = j;
	ck_assert_int_eq(journal_put(&arena, &dying, JOURNAL_BODY, "y", 1), 0);
	arena_succeed(&arena, &chain, 1);
	journal_cursor_init(&cur, &arena, &j, 0);
	ck_assert_int_eq(
	    journal_advance(&arena, &j, &plain, &cur, sizeof(bytes)), 0);
	ck_assert_int_eq(claim_take(&arena.claim, &index), 0);
	ck_assert_uint_eq(index + 1, dying.chain.last_ref);
	ck_assert_int_eq(journal_put(&arena, &j, JOURNAL_BODY, "z", 1), 0);
	ck_assert_int_eq(
	    journal_gather(&arena, &j, &plain, &cur, iov, 4, scratch, &end), 1);
	ck_assert_mem_eq(iov[0].iov_base, "z", 1);
}
END_TEST

/* --- what a wild store in shared memory can do -------------------------- */

static void
build(struct journal *j)
{
	char bytes[3 * SHM_BLOCK_SIZE];
	size_t len;

	memset(j, 0, sizeof(*j));
	for (int i = 0; i < 5; i++) {
		len = dice_len(&dice) + 1;
		fill(bytes, len);
		ck_assert_int_eq(
		    journal_put(&arena, j, JOURNAL_BODY, bytes, len), 0);
	}
	ck_assert_int_eq(journal_open(&arena, j), 0);
	ck_assert_int_eq(journal_add(&arena, j, "half an event", 13), 0);
}

START_TEST(a_flipped_bit_is_found)
{
	struct journal j;
	struct journal_cursor cur;
	uint32_t size;
	char *byte;

	dice_init(&dice, (unsigned)_i);
	build(&j);
	ck_assert_int_eq(journal_verify(&arena, &j), 0);
	journal_cursor_init(&cur, &arena, &j, 0);
	/* In the first record, whose bytes are contiguous up to here. */
	size = MIN(SHM_BLOCK_SIZE, (uint32_t)sizeof(struct journal_record) + 1);
	byte = shm.blocks + (size_t)(cur.ref - 1) * SHM_BLOCK_SIZE + cur.off +
	       dice_roll(&dice, size);
	*byte = (char)(*byte ^ 1 << dice_roll(&dice, 8));
	ck_assert_int_eq(journal_verify(&arena, &j), -EBADMSG);
}
END_TEST

/* A header whose length leads out of the chain, met half way. */
START_TEST(a_record_that_has_no_end_is_not_sent_for_ever)
{
	struct journal j = { 0 };
	struct journal_cursor cur;
	struct journal_record r;
	struct iovec iov[64];
	struct journal_cursor end;
	char scratch[JOURNAL_SCRATCH];
	char *at;
	int i, turns, n = 0;

	ck_assert_int_eq(journal_put(&arena, &j, JOURNAL_BODY, "abc", 3), 0);
	journal_cursor_init(&cur, &arena, &j, 0);
	at = shm.blocks + (size_t)(cur.ref - 1) * SHM_BLOCK_SIZE + cur.off;
	memcpy(&r, at, sizeof(r));
	r.len = 100 * SHM_BLOCK_SIZE;
	memcpy(at, &r, sizeof(r));
	for (turns = 0; turns < 5 && n >= 0; turns++) {
		uint64_t sent = 0;

		n = journal_gather(
		    &arena, &j, &chunked, &cur, iov, 64, scratch, &end);
		for (i = 0; i < n; i++)
			sent += iov[i].iov_len;
		ck_assert(n != 0);
		if (n > 0 &&
		    journal_advance(&arena, &j, &chunked, &cur, sent) != 0)
			n = -EBADMSG;
	}
	ck_assert_int_eq(n, -EBADMSG);
}
END_TEST

static uint32_t
wild_number(void)
{
	switch (dice_roll(&dice, 4)) {
	case 0:
		return dice_roll(&dice, BLOCKS + 2);
	case 1:
		return dice_roll(&dice, 2 * SHM_BLOCK_SIZE);
	case 2:
		return UINT32_MAX - dice_roll(&dice, 4);
	default:
		return (uint32_t)dice_next(&dice);
	}
}

/* Overwrite a link, a word of a block, or a member of the journal. */
static void
go_wild(struct journal *j)
{
	uint32_t word = wild_number();
	uint32_t block = dice_roll(&dice, BLOCKS);

	switch (dice_roll(&dice, 3)) {
	case 0:
		shm.block_next[block] = word;
		break;
	case 1:
		memcpy(shm.blocks + (size_t)block * SHM_BLOCK_SIZE +
			   dice_roll(&dice, SHM_BLOCK_SIZE / 4) * 4,
		    &word, sizeof(word));
		break;
	default:
		memcpy((char *)j + dice_roll(&dice, sizeof(*j) / sizeof(word)) *
				       sizeof(word),
		    &word, sizeof(word));
	}
}

/* Everything that reads; what comes out does not matter here. */
static void
read_all(struct journal *j)
{
	struct journal_cursor cur;
	struct iovec iov[8];
	struct journal_cursor end;
	char scratch[JOURNAL_SCRATCH], buf[2 * SHM_BLOCK_SIZE];
	uint32_t n = 0, turns = 0;
	size_t i;
	int got = 1, error;

	error = chain_visit(&arena, &j->chain, arena_count_block, &n);
	ck_assert(error == 0 || error == -EBADMSG);
	(void)chain_len(&arena, &j->chain);
	(void)chain_peek(&arena, &j->chain, buf, sizeof(buf));
	journal_cursor_init(&cur, &arena, j, 0);
	while (got > 0 && turns++ < 100) {
		uint64_t sent = 0;

		got = journal_gather(
		    &arena, j, &chunked, &cur, iov, 8, scratch, &end);
		for (i = 0; got > 0 && i < (size_t)got; i++)
			sent += iov[i].iov_len;
		if (got > 0 &&
		    journal_advance(&arena, j, &chunked, &cur, sent) != 0)
			break;
	}
	journal_drop(&arena, j, &cur);
}

START_TEST(garbage_is_survived)
{
	struct journal j, copy;
	struct chain chain;
	int error;

	dice_init(&dice, (unsigned)_i);
	build(&j);
	for (uint32_t n = dice_roll(&dice, 4); n < 4; n++)
		go_wild(&j);
	copy = j;
	read_all(&copy);
	arena.freed_count = 0;
	chain = j.chain;
	chain_consume(&arena, &chain, dice_len(&dice));
	chain_clear(&arena, &chain);
	if (journal_verify(&arena, &j) == 0) {
		/* Sound, so it may be gone on with. */
		ck_assert_int_eq(journal_open(&arena, &j), 0);
		error = journal_add(&arena, &j, "more of it", 10);
		ck_assert(error == 0 || error == -ENOMEM);
		journal_finish(&arena, &j, JOURNAL_BODY, 0, 0);
		error = journal_put(&arena, &j, JOURNAL_END, "", 0);
		ck_assert(error == 0 || error == -ENOMEM);
	}
	journal_clear(&arena, &j);
	arena_settle(&arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("journal_broken");
	TCase *tc = tcase_create("journal_broken");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, records_are_framed);
	tcase_add_test(tc, an_empty_record_is_no_chunk);
	tcase_add_test(tc, a_link_that_was_not_committed_leads_nowhere);
	tcase_add_loop_test(tc, a_flipped_bit_is_found, 0, 32);
	tcase_add_test(tc, a_record_that_has_no_end_is_not_sent_for_ever);
	tcase_add_loop_test(tc, garbage_is_survived, 0, 400);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
