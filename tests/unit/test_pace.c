/*
 * test_pace.c - whether connections come fast.
 */
#include "config.h"

#include <check.h>

#include "supervisor/pace.h"
#include "tests/unit/unit.h"

#define START_US 5000000000u

static struct pace pace;

static void
setup(void)
{
	pace = (struct pace){ 0 };
}

/* One each so many microseconds, for so long: how many of them were fast. */
static unsigned
come(uint64_t *now_us, uint64_t every_us, uint64_t for_us)
{
	uint64_t end = *now_us + for_us;
	unsigned fast = 0;

	for (; *now_us < end; *now_us += every_us)
		fast += pace_note(&pace, *now_us, 1);
	return fast;
}

START_TEST(slow_ones_are_never_fast)
{
	uint64_t now = START_US;

	ck_assert_uint_eq(come(&now, 1000 / PACE_PER_MS, 10000000), 0);
}
END_TEST

START_TEST(a_few_at_once_are_not_fast)
{
	uint64_t now = START_US;

	for (unsigned i = 0; i < 1000; i++, now += 5000)
		ck_assert(!pace_note(&pace, now, PACE_ROW - 1));
}
END_TEST

START_TEST(fast_ones_are_after_a_while)
{
	uint64_t now = START_US;

	ck_assert_uint_eq(come(&now, 500 / PACE_PER_MS, 1000), 0);
	(void)come(&now, 500 / PACE_PER_MS, 10000);
	ck_assert_uint_gt(
	    come(&now, 500 / PACE_PER_MS, 10000), 10 * PACE_PER_MS);
}
END_TEST

START_TEST(a_flood_is_soon_forgotten)
{
	uint64_t now = START_US;

	ck_assert(pace_note(&pace, now, 1000000));
	now += 2 * PACE_ROW * 1000 / PACE_PER_MS;
	ck_assert(!pace_note(&pace, now, 1));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pace");
	TCase *tc = tcase_create("pace");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, slow_ones_are_never_fast);
	tcase_add_test(tc, a_few_at_once_are_not_fast);
	tcase_add_test(tc, fast_ones_are_after_a_while);
	tcase_add_test(tc, a_flood_is_soon_forgotten);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
