/*
 * test_journal_peek.c - reading a journal that another one writes and drops.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "common/journal_peek.h"
#include "tests/unit/arena_rig.h"
#include "tests/unit/unit.h"

#define RECORD_MAX 4096
#define RECORDS 60

static struct shm shm;
static struct arena arena;
static struct journal journal;
static struct journal_cursor cursor;
static char text[RECORDS][RECORD_MAX];
static size_t lens[RECORDS];

static void
setup(void)
{
	struct shm_sizes sizes = { 4, 4, 4, 4, 512 };

	ck_assert_int_eq(shm_create(&sizes, &shm), 0);
	arena_init(&arena, &shm, owner_id(0, 1));
	memset(&journal, 0, sizeof(journal));
	journal_cursor_init(&cursor, &arena, &journal, 0);
}

static void
teardown(void)
{
	shm_fini(&shm);
}

/* Write record n, of a length and bytes that the dice say. */
static void
put(struct dice *dice, unsigned n)
{
	lens[n] = dice_len(dice) % RECORD_MAX;
	for (size_t i = 0; i < lens[n]; i++)
		text[n][i] = (char)dice_next(dice);
	ck_assert_int_eq(
	    journal_put(&arena, &journal, JOURNAL_BODY, text[n], lens[n]), 0);
	arena_settle(&arena);
}

/* Send and drop everything but the newest `keep` records. */
static void
drop(uint64_t keep)
{
	uint64_t first = journal_first_seq(&arena, &journal);

	if (journal.next_seq - first <= keep)
		return;
	ck_assert_int_eq(journal_cursor_seek(&cursor, &arena, &journal,
			     journal.next_seq - keep, 0),
	    0);
	journal_drop(&arena, &journal, &cursor);
	arena_settle(&arena);
}

/*
 * One writes and drops, the other reads now and then: it sees each record
 * once, whole, or is told that it was skipped.
 */
START_TEST(each_record_is_seen_or_skipped)
{
	struct journal_peek peek = { 0 };
	struct journal_peeked seen;
	struct dice dice;
	static char buf[RECORD_MAX];
	uint64_t base, next;
	int r;

	dice_init(&dice, (unsigned)_i);
	base = next = journal.next_seq;
	peek.seq = base;
	for (unsigned n = 0; n < RECORDS; n++) {
		put(&dice, n);
		if (dice_roll(&dice, 4) == 0)
			drop(dice_roll(&dice, 4));
		if (dice_roll(&dice, 2) == 0)
			continue;
		while ((r = journal_peek_next(&peek, &shm, &journal, buf,
			    sizeof(buf), &seen)) != 0) {
			if (r == -EAGAIN)
				continue;
			next += seen.skipped;
			if (seen.record.type == 0)
				continue; /* all that was there is gone */
			ck_assert_uint_eq(seen.record.seq, next);
			ck_assert_uint_eq(seen.len, lens[next - base]);
			ck_assert_int_eq(
			    memcmp(buf, text[next - base], seen.len), 0);
			next++;
		}
		ck_assert_uint_eq(next, journal.next_seq);
	}
}
END_TEST

START_TEST(only_what_comes_later_is_new)
{
	struct journal_peek peek;
	struct journal_peeked seen;
	struct dice dice;
	static char buf[RECORD_MAX];

	dice_init(&dice, (unsigned)_i);
	for (unsigned n = 0; n < 10; n++)
		put(&dice, n);
	if (_i % 2 == 1) { /* with a record that is not finished */
		ck_assert_int_eq(journal_open(&arena, &journal), 0);
		ck_assert_int_eq(journal_add(&arena, &journal, "ab", 2), 0);
	}
	journal_peek_end(&peek, &journal);
	ck_assert_int_eq(
	    journal_peek_next(&peek, &shm, &journal, buf, sizeof(buf), &seen),
	    0);
	if (_i % 2 == 1)
		journal_finish(&arena, &journal, JOURNAL_BODY, 0, 0);
	else
		ck_assert_int_eq(
		    journal_put(&arena, &journal, JOURNAL_BODY, "ab", 2), 0);
	ck_assert_int_eq(
	    journal_peek_next(&peek, &shm, &journal, buf, sizeof(buf), &seen),
	    1);
	ck_assert_uint_eq(seen.skipped, 0);
	ck_assert_uint_eq(seen.len, 2);
	ck_assert_mem_eq(buf, "ab", 2);
}
END_TEST

START_TEST(payloads_are_cut_to_the_buffer)
{
	struct journal_peek peek = { .seq = journal.next_seq };
	struct journal_peeked seen;
	char buf[8];

	ck_assert_int_eq(
	    journal_put(&arena, &journal, JOURNAL_BODY, "0123456789", 10), 0);
	ck_assert_int_eq(
	    journal_peek_next(&peek, &shm, &journal, buf, sizeof(buf), &seen),
	    1);
	ck_assert_uint_eq(seen.len, sizeof(buf));
	ck_assert_uint_eq(seen.record.len, 10);
	ck_assert_mem_eq(buf, "01234567", 8);
}
END_TEST

/* A byte of the memory is changed: nothing wrong is ever shown. */
START_TEST(damage_is_never_shown)
{
	struct journal_peek peek = { .seq = journal.next_seq };
	struct journal_peeked seen;
	struct dice dice;
	static char buf[RECORD_MAX];
	uint64_t base = peek.seq;
	uint32_t block;
	int r, calls = 0;

	dice_init(&dice, (unsigned)_i);
	for (unsigned n = 0; n < 20; n++)
		put(&dice, n);
	block = journal.chain.first_ref - 1 + dice_roll(&dice, 8);
	shm.blocks[(size_t)(block % 512) * SHM_BLOCK_SIZE +
		   dice_roll(&dice, SHM_BLOCK_SIZE)] ^=
	    (char)(1 + dice_roll(&dice, 255));
	shm.block_next[dice_roll(&dice, 512)] = (uint32_t)dice_next(&dice);
	while ((r = journal_peek_next(
		    &peek, &shm, &journal, buf, sizeof(buf), &seen)) != 0 &&
	       calls++ < 100) {
		uint64_t n = seen.record.seq - base;

		if (r != 1 || seen.record.type == 0)
			continue;
		ck_assert_uint_lt(n, 20);
		ck_assert_uint_eq(seen.len, lens[n]);
		ck_assert_int_eq(memcmp(buf, text[n], lens[n]), 0);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("journal_peek");
	TCase *tc = tcase_create("journal_peek");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, each_record_is_seen_or_skipped, 0, 100);
	tcase_add_loop_test(tc, only_what_comes_later_is_new, 0, 40);
	tcase_add_test(tc, payloads_are_cut_to_the_buffer);
	tcase_add_loop_test(tc, damage_is_never_shown, 0, 100);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
