/*
 * test_journal_marks.c - journals that are trimmed to marks: what is left is
 * sent as before, and what a mark says is true.
 */
#include "config.h"

#include "common/journal_marks.h"
#include "common/journal_wire.h"
#include "tests/unit/arena_rig.h"
#include "tests/unit/unit.h"

#define BLOCKS 128u
#define SELF 0x101u
#define ROUNDS 400u
#define EVERY (2 * SHM_BLOCK_SIZE)

static const struct journal_wire form = { .framing = HTTP_FRAMING_CHUNKED,
	.token = "0123456789abcdefghijkl" };

static struct shm shm;
static struct arena arena;
static struct dice dice;
static struct journal j;
static struct journal_cursor cur;
static struct journal_marks marks;
/* At which byte each record begins. */
static uint64_t begins[ROUNDS + 2];

static void
setup(void)
{
	const struct shm_sizes sizes = { 1, 1, 1, 1, BLOCKS };

	ck_assert_int_eq(shm_create(&sizes, &shm), 0);
	arena_init(&arena, &shm, SELF);
	memset(&j, 0, sizeof(j));
	j.next_seq = 1;
	journal_cursor_init(&cur, &arena, &j, 0);
	memset(&marks, 0, sizeof(marks));
}

static void
teardown(void)
{
	shm_fini(&shm);
}

static void
put_record(void)
{
	static char bytes[4 * SHM_BLOCK_SIZE];
	struct journal alone = { .next_seq = j.next_seq };
	size_t len = dice_len(&dice);
	unsigned flags = len > 0 ? JOURNAL_MINT : 0;

	memset(bytes, 'a' + (int)(j.next_seq % 26), len);
	ck_assert_int_eq(
	    journal_put_event(&arena, &alone, flags, 0, bytes, len), 0);
	begins[j.next_seq + 1] =
	    begins[j.next_seq] + journal_wire_len(&arena, &alone, &form);
	journal_clear(&arena, &alone);
	arena_settle(&arena);
	ck_assert_int_eq(
	    journal_put_event(&arena, &j, flags, 0, bytes, len), 0);
}

/* Send a part of what there is, perhaps all. */
static void
send_some(void)
{
	uint64_t left = begins[j.next_seq] - (cur.wire + cur.sent);
	uint64_t n = dice_roll(&dice, 4) == 0
			 ? left
			 : dice_roll(&dice, (uint32_t)left + 1);

	ck_assert_int_eq(journal_advance(&arena, &j, &form, &cur, n), 0);
	journal_marks_note(&marks, &cur, EVERY);
}

static void
check_mark(const struct journal_mark *mark, uint64_t acked)
{
	struct journal_cursor there;

	ck_assert_uint_le(mark->wire, acked);
	ck_assert_uint_eq(mark->wire, begins[mark->seq]);
	ck_assert_uint_ge(mark->seq, journal_first_seq(&arena, &j));
	ck_assert_int_eq(journal_cursor_find(&there, &arena, &j, &form,
			     mark->seq, mark->wire, cur.wire + cur.sent),
	    0);
	ck_assert_uint_eq(there.seq, cur.seq);
	ck_assert_uint_eq(there.sent, cur.sent);
}

static bool
trim(uint64_t limit)
{
	uint64_t sent = cur.wire + cur.sent;
	uint64_t acked = sent - MIN(sent, dice_roll(&dice, 3 * EVERY));
	uint64_t unsent = journal_unsent(&j, &cur);
	struct journal_cursor was = cur;
	struct journal_mark mark;

	if (!journal_marks_trim(&marks, &arena, &j, &cur, acked, JOURNAL_NONE,
		limit / 2, limit, &mark))
		return false;
	arena_settle(&arena);
	check_mark(&mark, acked);
	ck_assert_uint_le(j.kept, limit);
	ck_assert_uint_ge(j.kept, limit / 2);
	ck_assert_uint_lt(journal_first_seq(&arena, &j), j.next_seq);
	ck_assert_uint_eq(journal_unsent(&j, &cur), unsent);
	ck_assert_uint_eq(cur.wire + cur.sent, was.wire + was.sent);
	return true;
}

START_TEST(trimming_to_marks_leaves_the_rest)
{
	unsigned trimmed = 0;

	dice_init(&dice, (unsigned)_i);
	while (j.next_seq < ROUNDS) {
		put_record();
		send_some();
		if (j.kept > 20 * SHM_BLOCK_SIZE) {
			if (trim(14 * SHM_BLOCK_SIZE))
				trimmed++;
			else if (j.kept > 60 * SHM_BLOCK_SIZE)
				(void)journal_trim(
				    &arena, &j, &cur, JOURNAL_NONE, 0),
				    arena_settle(&arena),
				    journal_marks_clear(&marks);
		}
		ck_assert_int_eq(journal_verify(&arena, &j), 0);
		ck_assert_uint_eq(
		    arena_used(&arena), arena_reach(&arena, &j.chain));
	}
	ck_assert_uint_gt(trimmed, 5);
}
END_TEST

/* What TCP has not confirmed is not dropped, however much it is. */
START_TEST(nothing_is_dropped_that_is_not_confirmed)
{
	struct journal_mark mark;
	uint64_t acked, left;

	dice_init(&dice, 1);
	while (j.kept < 20 * SHM_BLOCK_SIZE) {
		put_record();
		ck_assert_int_eq(journal_advance(&arena, &j, &form, &cur,
				     begins[j.next_seq] - cur.wire),
		    0);
		journal_marks_note(&marks, &cur, EVERY);
	}
	ck_assert_uint_gt(marks.count, 4);
	acked = marks.mark[0].wire - 1;
	ck_assert(!journal_marks_trim(
	    &marks, &arena, &j, &cur, acked, JOURNAL_NONE, 0, j.kept, &mark));
	acked = marks.mark[1].wire;
	left = j.kept - marks.mark[1].passed;
	ck_assert(!journal_marks_trim(
	    &marks, &arena, &j, &cur, acked, JOURNAL_NONE, 0, left - 1, &mark));
	ck_assert(!journal_marks_trim(&marks, &arena, &j, &cur, acked,
	    JOURNAL_NONE, left + 1, left, &mark));
	ck_assert(!journal_marks_trim(&marks, &arena, &j, &cur, acked,
	    marks.mark[1].seq - 1, left, left, &mark));
	ck_assert(journal_marks_trim(&marks, &arena, &j, &cur, acked,
	    marks.mark[1].seq, left, left, &mark));
	ck_assert_uint_eq(mark.wire, acked);
	ck_assert_uint_eq(journal_first_seq(&arena, &j), mark.seq);
}
END_TEST

START_TEST(the_newest_record_is_always_kept)
{
	struct journal_mark mark;

	dice_init(&dice, 2);
	while (marks.count == 0) {
		put_record();
		ck_assert_int_eq(journal_advance(&arena, &j, &form, &cur,
				     begins[j.next_seq] - cur.wire),
		    0);
		journal_marks_note(&marks, &cur, EVERY);
	}
	/* The mark is behind all that there is. */
	ck_assert_uint_eq(marks.mark[0].seq, j.next_seq);
	ck_assert(!journal_marks_trim(&marks, &arena, &j, &cur, cur.wire,
	    JOURNAL_NONE, 0, EVERY / 2, &mark));
	put_record();
	ck_assert(journal_marks_trim(&marks, &arena, &j, &cur, cur.wire,
	    JOURNAL_NONE, 0, 4 * SHM_BLOCK_SIZE, &mark));
	ck_assert_uint_eq(journal_first_seq(&arena, &j), j.next_seq - 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("journal_marks");
	TCase *tc = tcase_create("journal_marks");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, trimming_to_marks_leaves_the_rest, 0, 20);
	tcase_add_test(tc, nothing_is_dropped_that_is_not_confirmed);
	tcase_add_test(tc, the_newest_record_is_always_kept);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
