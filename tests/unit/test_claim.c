/*
 * test_claim.c - who owns what, step by step: each race is played by hand,
 * with a second claimer that acts while the first one is in the middle of
 * something.  test_claim_kill.c does the same by force.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "common/claim.h"
#include "tests/unit/unit.h"

#define EXTENTS 3u
#define COUNT ((EXTENTS - 1) * CLAIM_EXTENT + 100)

#define SELF 0x101u
#define OTHER 0x102u
#define DEAD 0x203u

static _Atomic uint32_t owners[COUNT];
static _Atomic uint32_t extents[EXTENTS];
static struct claim a, b;
static uint32_t taken[COUNT];

/* What the backing did and is to do. */
static struct {
	unsigned backed[EXTENTS], given[EXTENTS];
	int error;
	void (*meanwhile)(void); /* what another process does just then */
} memory;

static void
run_meanwhile(void)
{
	void (*meanwhile)(void) = memory.meanwhile;

	memory.meanwhile = NULL;
	if (meanwhile != NULL)
		meanwhile();
}

static void
check_range(uint32_t first, uint32_t n)
{
	ck_assert_uint_eq(first % CLAIM_EXTENT, 0);
	ck_assert_uint_eq(
	    n, first / CLAIM_EXTENT == EXTENTS - 1 ? 100 : CLAIM_EXTENT);
}

static int
back(void *context, uint32_t first, uint32_t n)
{
	ck_assert_ptr_eq(context, &memory);
	check_range(first, n);
	run_meanwhile();
	if (memory.error != 0)
		return memory.error;
	memory.backed[first / CLAIM_EXTENT]++;
	return 0;
}

static void
give_back(void *context, uint32_t first, uint32_t n)
{
	ck_assert_ptr_eq(context, &memory);
	check_range(first, n);
	run_meanwhile();
	memory.given[first / CLAIM_EXTENT]++;
}

static void
setup(void)
{
	claim_init(&a, owners, COUNT, SELF);
	claim_set_backing(&a, extents, back, give_back, &memory);
	claim_init(&b, owners, COUNT, OTHER);
	claim_set_backing(&b, extents, back, give_back, &memory);
}

/* Take n elements; returns how many could be taken. */
static uint32_t
take(struct claim *c, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && claim_take(c, &taken[i]) == 0)
		i++;
	return i;
}

static void
give_all(struct claim *c)
{
	for (uint32_t i = 0; i < COUNT; i++)
		if (owners[i] == c->self)
			ck_assert(claim_give(c, i));
	claim_flush(c);
}

static uint32_t
count_words(uint32_t word)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < COUNT; i++)
		n += owners[i] == word;
	return n;
}

START_TEST(each_element_is_taken_once_the_lowest_first)
{
	uint32_t index = 77;

	ck_assert_uint_eq(take(&a, COUNT), COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		ck_assert_uint_eq(taken[i], i);
	ck_assert_uint_eq(count_words(SELF), COUNT);
	ck_assert_int_eq(claim_take(&a, &index), -ENOSPC);
	ck_assert_int_eq(claim_take(&b, &index), -ENOSPC);
	ck_assert_uint_eq(index, 77);
	ck_assert(claim_give(&a, 1500));
	ck_assert_int_eq(claim_take(&b, &index), -ENOSPC); /* in a's stack */
	claim_flush(&a);
	ck_assert_int_eq(claim_take(&b, &index), 0);
	ck_assert_uint_eq(index, 1500);
}
END_TEST

START_TEST(only_what_is_in_use_can_be_given)
{
	uint32_t mine, others;

	ck_assert_int_eq(claim_take(&a, &mine), 0);
	ck_assert_int_eq(claim_take(&b, &others), 0);
	ck_assert(!claim_give(&a, others));
	ck_assert(!claim_give(&a, COUNT));
	ck_assert(!claim_give(&a, UINT32_MAX));
	ck_assert(!claim_give(&a, COUNT - 1));
	ck_assert(claim_give(&a, mine));
	ck_assert(!claim_give(&a, mine));
	ck_assert_uint_eq(owners[mine], SELF | CLAIM_IDLE);
	ck_assert_uint_eq(owners[others], OTHER);
}
END_TEST

/* Neighbours are to be taken one after the other. */
START_TEST(the_lowest_is_first_however_they_were_given)
{
	static const uint32_t order[] = { 3, 0, 5, 4, 1, 6, 2 };
	uint32_t i, index;

	ck_assert_uint_eq(take(&a, ARRAY_LEN(order)), ARRAY_LEN(order));
	for (i = 0; i < ARRAY_LEN(order); i++)
		ck_assert(claim_give(&a, order[i]));
	for (i = 0; i < ARRAY_LEN(order); i++) {
		ck_assert_int_eq(claim_take(&a, &index), 0);
		ck_assert_uint_eq(index, i);
	}
	/* With others in the stack already. */
	ck_assert(claim_give(&a, 4));
	ck_assert(claim_give(&a, 1));
	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert_uint_eq(index, 1);
	ck_assert(claim_give(&a, 5));
	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert_uint_eq(index, 4);
}
END_TEST

START_TEST(little_is_hoarded)
{
	uint32_t idle;

	ck_assert_uint_eq(take(&a, COUNT), COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		ck_assert(claim_give(&a, i));
		idle = count_words(SELF | CLAIM_IDLE);
		ck_assert_uint_le(idle, COUNT / 256);
	}
	ck_assert_uint_eq(count_words(SELF), 0);
	claim_flush(&a);
	ck_assert_uint_eq(count_words(0), COUNT);
}
END_TEST

START_TEST(what_is_held_in_reserve_counts_as_free)
{
	ck_assert_uint_eq(claim_count_free(&a), COUNT);
	ck_assert_uint_eq(take(&a, 10), 10);
	ck_assert_uint_eq(take(&b, 5), 5);
	ck_assert_uint_eq(claim_count_free(&a), COUNT - 15);
	ck_assert(claim_give(&a, 0));
	ck_assert_uint_eq(claim_count_free(&b), COUNT - 14);
}
END_TEST

START_TEST(a_search_begins_anew_where_others_gave_back)
{
	uint32_t first, index;

	ck_assert_int_eq(claim_take(&b, &first), 0);
	claim_flush(&b);
	ck_assert_uint_eq(take(&a, COUNT / 2), COUNT / 2);
	claim_flush(&a);
	ck_assert(claim_give(&b, first));
	claim_flush(&b);
	claim_rewind(&a);
	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert_uint_eq(index, first);
}
END_TEST

START_TEST(a_tiny_table_can_be_used_up_by_two)
{
	_Atomic uint32_t words[3] = { 0 };
	uint32_t index;

	claim_init(&a, words, 3, SELF);
	claim_init(&b, words, 3, OTHER);
	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert_int_eq(claim_take(&b, &index), 0);
	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert_int_eq(claim_take(&b, &index), -ENOSPC);
	claim_init(&a, words, 0, SELF);
	ck_assert_int_eq(claim_take(&a, &index), -ENOSPC);
	ck_assert_uint_eq(claim_sweep(&a, OTHER), 0);
}
END_TEST

/* --- memory -------------------------------------------------------------- */

START_TEST(memory_is_backed_before_use_and_given_back_after)
{
	ck_assert_uint_eq(take(&a, CLAIM_EXTENT), CLAIM_EXTENT);
	ck_assert_uint_eq(memory.backed[0], 1);
	ck_assert_uint_eq(memory.backed[1], 0);
	ck_assert_uint_eq(extents[0], EXTENT_BACKED);
	ck_assert_uint_eq(extents[1], EXTENT_UNTOUCHED);
	ck_assert_uint_eq(take(&b, 1), 1);
	ck_assert_uint_eq(taken[0], CLAIM_EXTENT);
	ck_assert_uint_eq(memory.backed[1], 1);
	give_all(&b);
	ck_assert_uint_eq(memory.given[1], 1);
	ck_assert_uint_eq(extents[1], EXTENT_BARE);
	ck_assert_uint_eq(memory.given[0], 0);
	give_all(&a);
	ck_assert_uint_eq(memory.given[0], 1);
	ck_assert_uint_eq(take(&b, 1), 1);
	ck_assert_uint_eq(taken[0], 0);
	ck_assert_uint_eq(memory.backed[0], 2);
}
END_TEST

START_TEST(others_leave_room_that_is_used_before_new_memory)
{
	ck_assert_uint_eq(take(&b, 500), 500);
	ck_assert_uint_eq(take(&a, 500), 500);
	give_all(&b);
	/* The cursor of `a` stands behind the room that `b` left. */
	ck_assert_uint_eq(take(&a, 500), 500);
	ck_assert_uint_eq(memory.backed[1], 0);
	give_all(&a);
	ck_assert_uint_eq(memory.given[0], 1);
}
END_TEST

START_TEST(no_memory_is_an_error_that_passes)
{
	uint32_t index;

	memory.error = -ENOMEM;
	ck_assert_int_eq(claim_take(&a, &index), -ENOMEM);
	ck_assert_uint_eq(count_words(0), COUNT);
	ck_assert_uint_eq(extents[0], EXTENT_BARE);
	memory.error = 0;
	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert_uint_eq(index, 0);
}
END_TEST

static void
b_takes_one(void)
{
	ck_assert_uint_eq(take(&b, 1), 1);
}

static void
b_takes_and_gives_all(void)
{
	b_takes_one();
	give_all(&b);
}

START_TEST(two_may_back_the_same)
{
	uint32_t index;

	memory.meanwhile = b_takes_one;
	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert_uint_eq(memory.backed[0], 2);
	ck_assert_uint_eq(extents[0], EXTENT_BACKED);
	ck_assert_uint_ne(index, taken[0]);
}
END_TEST

START_TEST(what_is_being_backed_is_not_given_back)
{
	uint32_t index;

	memory.meanwhile = b_takes_and_gives_all;
	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert_uint_eq(memory.given[0], 0);
	ck_assert_uint_eq(extents[0], EXTENT_BACKED);
}
END_TEST

START_TEST(what_is_being_given_back_is_passed_over)
{
	uint32_t index;

	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert(claim_give(&a, index));
	memory.meanwhile = b_takes_one;
	claim_flush(&a);
	ck_assert_uint_eq(memory.given[0], 1);
	ck_assert_uint_eq(taken[0], CLAIM_EXTENT);
	ck_assert_uint_eq(extents[0], EXTENT_BARE);
	ck_assert_uint_eq(extents[1], EXTENT_BACKED);
}
END_TEST

START_TEST(nothing_is_taken_where_memory_goes)
{
	uint32_t index;

	for (uint32_t i = 0; i < EXTENTS; i++)
		extents[i] = OTHER;
	ck_assert_int_eq(claim_take(&a, &index), -ENOSPC);
	ck_assert_uint_eq(count_words(0), COUNT);
	extents[1] = EXTENT_BARE;
	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert_uint_eq(index, CLAIM_EXTENT);
}
END_TEST

/* --- after a death ------------------------------------------------------- */

/* All who were in our slot before are dead; nobody else is. */
START_TEST(those_of_the_own_slot_are_swept_at_once)
{
	const uint32_t before = owner_id(0, 7), long_before = owner_id(0, 3);

	ck_assert_uint_eq(SELF, owner_id(0, 1));
	ck_assert(claim_is_of_own_slot(before, SELF));
	ck_assert(!claim_is_of_own_slot(SELF, SELF));
	ck_assert(!claim_is_of_own_slot(OTHER, SELF));
	ck_assert(!claim_is_of_own_slot(before | CLAIM_IDLE, SELF));
	ck_assert(!claim_is_of_own_slot(0, SELF));
	owners[3] = before;
	owners[4] = long_before | CLAIM_IDLE;
	owners[5] = OTHER;
	owners[6] = SELF;
	owners[7] = SELF | CLAIM_IDLE;
	owners[8] = owner_of_travelling(0);
	extents[0] = EXTENT_BACKED;
	extents[1] = long_before; /* died giving it back */
	extents[2] = EXTENT_BARE;
	ck_assert_uint_eq(claim_sweep_own_slot(&a), 2);
	ck_assert_uint_eq(owners[3], 0);
	ck_assert_uint_eq(owners[4], 0);
	ck_assert_uint_eq(owners[5], OTHER);
	ck_assert_uint_eq(owners[6], SELF);
	ck_assert_uint_eq(owners[7], SELF | CLAIM_IDLE);
	ck_assert_uint_eq(owners[8], owner_of_travelling(0));
	ck_assert_uint_ne(extents[1], long_before);
	ck_assert_uint_eq(extents[2], EXTENT_BARE);
	ck_assert_uint_eq(claim_owner(&a, 5), OTHER);
	ck_assert_uint_eq(claim_owner(&a, COUNT), 0);
}
END_TEST

START_TEST(the_dead_lose_what_was_not_inherited)
{
	uint32_t index;

	owners[3] = DEAD;
	owners[4] = DEAD | CLAIM_IDLE;
	owners[5] = OTHER;
	owners[6] = OTHER | CLAIM_IDLE;
	owners[COUNT - 1] = DEAD;
	extents[0] = EXTENT_BACKED;
	extents[2] = EXTENT_BARE; /* died before it could back it */
	ck_assert(claim_inherit(&a, 3, DEAD));
	ck_assert(!claim_inherit(&a, 4, DEAD));
	ck_assert(!claim_inherit(&a, 5, DEAD));
	ck_assert(!claim_inherit(&a, 7, DEAD));
	ck_assert(!claim_inherit(&a, COUNT, DEAD));
	ck_assert_uint_eq(claim_sweep(&a, DEAD), 2);
	ck_assert_uint_eq(owners[3], SELF);
	ck_assert_uint_eq(owners[4], 0);
	ck_assert_uint_eq(owners[5], OTHER);
	ck_assert_uint_eq(owners[6], OTHER | CLAIM_IDLE);
	ck_assert_uint_eq(owners[COUNT - 1], 0);
	ck_assert_uint_eq(claim_sweep(&a, DEAD), 0);
	ck_assert_uint_eq(take(&a, 2), 2);
	ck_assert_uint_eq(taken[0], 0);
	ck_assert(claim_give(&a, 3));
	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert_uint_eq(index, 3);
}
END_TEST

START_TEST(the_memory_of_the_dead_is_given_back)
{
	owners[0] = DEAD;
	owners[CLAIM_EXTENT] = DEAD | CLAIM_IDLE;
	owners[CLAIM_EXTENT + 1] = OTHER;
	extents[0] = extents[1] = EXTENT_BACKED;
	ck_assert_uint_eq(claim_sweep(&a, DEAD), 2);
	ck_assert_uint_eq(memory.given[0], 1);
	ck_assert_uint_eq(memory.given[1], 0);
	ck_assert_uint_eq(extents[0], EXTENT_BARE);
	ck_assert_uint_eq(extents[1], EXTENT_BACKED);
}
END_TEST

START_TEST(a_giver_that_died_blocks_nobody)
{
	uint32_t index;

	extents[0] = extents[1] = DEAD;
	owners[CLAIM_EXTENT + 1] = OTHER;
	ck_assert_int_eq(claim_take(&a, &index), 0);
	ck_assert_uint_eq(index, 2 * CLAIM_EXTENT);
	ck_assert_uint_eq(claim_sweep(&a, DEAD), 0);
	ck_assert_uint_eq(extents[0], EXTENT_BARE);
	ck_assert_uint_eq(memory.given[0], 1);
	/* Not empty: there may be memory or not, and it must stay. */
	ck_assert_uint_eq(extents[1], EXTENT_BARE);
	ck_assert_uint_eq(memory.given[1], 0);
	claim_flush(&a);
	ck_assert_uint_eq(take(&a, 1), 1);
	/* What has memory goes before what may have none. */
	ck_assert_uint_eq(taken[0], 2 * CLAIM_EXTENT + 1);
	ck_assert_uint_eq(take(&a, 100), 100);
	ck_assert_uint_eq(extents[0], EXTENT_BACKED);
}
END_TEST

START_TEST(ids_are_taken_apart)
{
	ck_assert_uint_eq(owner_worker(owner_id(0, 1)), 0);
	ck_assert_uint_eq(owner_worker(owner_id(63, 0xffffff)), 63);
	ck_assert_uint_eq(owner_worker(owner_id(63, 1) | CLAIM_IDLE), 63);
	ck_assert_uint_ne(owner_id(0, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("claim");
	TCase *tc = tcase_create("claim");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, each_element_is_taken_once_the_lowest_first);
	tcase_add_test(tc, only_what_is_in_use_can_be_given);
	tcase_add_test(tc, the_lowest_is_first_however_they_were_given);
	tcase_add_test(tc, little_is_hoarded);
	tcase_add_test(tc, what_is_held_in_reserve_counts_as_free);
	tcase_add_test(tc, a_search_begins_anew_where_others_gave_back);
	tcase_add_test(tc, a_tiny_table_can_be_used_up_by_two);
	tcase_add_test(tc, memory_is_backed_before_use_and_given_back_after);
	tcase_add_test(tc, others_leave_room_that_is_used_before_new_memory);
	tcase_add_test(tc, no_memory_is_an_error_that_passes);
	tcase_add_test(tc, two_may_back_the_same);
	tcase_add_test(tc, what_is_being_backed_is_not_given_back);
	tcase_add_test(tc, what_is_being_given_back_is_passed_over);
	tcase_add_test(tc, nothing_is_taken_where_memory_goes);
	tcase_add_test(tc, those_of_the_own_slot_are_swept_at_once);
	tcase_add_test(tc, the_dead_lose_what_was_not_inherited);
	tcase_add_test(tc, the_memory_of_the_dead_is_given_back);
	tcase_add_test(tc, a_giver_that_died_blocks_nobody);
	tcase_add_test(tc, ids_are_taken_apart);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
