/*
 * test_lag.c - how late an event loop is.
 */
#include "config.h"

#include <check.h>

#include "tests/unit/unit.h"
#include "worker/lag.h"

#define SECOND 1000000u

static struct lag lag;

START_TEST(what_comes_in_time_is_not_late)
{
	lag = (struct lag){ 0 };
	ck_assert_uint_eq(lag_note(&lag, 5 * SECOND, SECOND), 0);
	ck_assert_uint_eq(lag_note(&lag, 6 * SECOND, SECOND), 0);
	ck_assert_uint_eq(lag_note(&lag, 6 * SECOND + 7, SECOND), 0);
	ck_assert_uint_eq(lag_worst(&lag), 0);
}
END_TEST

START_TEST(a_timer_is_late_once)
{
	lag = (struct lag){ 0 };
	ck_assert_uint_eq(lag_note(&lag, 10 * SECOND, SECOND), 0);
	ck_assert_uint_eq(lag_note(&lag, 11 * SECOND + 30, SECOND), 30);
	/* Its times do not move. */
	ck_assert_uint_eq(lag_note(&lag, 12 * SECOND, SECOND), 0);
	/* A pause of more than a period is not counted twice. */
	ck_assert_uint_eq(lag_note(&lag, 16 * SECOND, SECOND), 3 * SECOND);
	ck_assert_uint_eq(lag_note(&lag, 16 * SECOND + 1, SECOND), 1);
	ck_assert_uint_eq(lag_note(&lag, 17 * SECOND, SECOND), 0);
	ck_assert_uint_eq(lag_worst(&lag), 3 * SECOND);
}
END_TEST

START_TEST(the_worst_is_remembered_for_a_window_or_two)
{
	uint64_t now = SECOND;
	unsigned times = 0;

	lag = (struct lag){ 0 };
	(void)lag_note(&lag, now, SECOND);
	(void)lag_note(&lag, now += SECOND + 500, SECOND);
	for (now -= 500; lag_worst(&lag) == 500; times++)
		(void)lag_note(&lag, now += SECOND, SECOND);
	ck_assert_uint_ge(times, LAG_WINDOW);
	ck_assert_uint_le(times, 2 * LAG_WINDOW);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lag");
	TCase *tc = tcase_create("lag");

	tcase_add_test(tc, what_comes_in_time_is_not_late);
	tcase_add_test(tc, a_timer_is_late_once);
	tcase_add_test(tc, the_worst_is_remembered_for_a_window_or_two);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
