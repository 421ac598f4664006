/*
 * test_pulse.c - whether a worker's heart beats.
 */
#include "config.h"

#include <check.h>

#include "supervisor/pulse.h"
#include "tests/unit/unit.h"

START_TEST(beating_heart_never_hangs)
{
	struct pulse p;

	pulse_start(&p, 0);
	for (uint64_t beat = 1; beat < 100; beat++)
		ck_assert(!pulse_tick(&p, beat, 1));
}
END_TEST

START_TEST(still_heart_hangs_when_the_time_is_over)
{
	struct pulse p;

	pulse_start(&p, 7);
	/* The first tick may come right after the last beat. */
	for (int tick = 0; tick < 10; tick++)
		ck_assert(!pulse_tick(&p, 7, 10 * PULSE_TICK_MS));
	ck_assert(pulse_tick(&p, 7, 10 * PULSE_TICK_MS));
}
END_TEST

START_TEST(a_part_of_a_tick_counts_as_one)
{
	struct pulse p;

	pulse_start(&p, 0);
	ck_assert(!pulse_tick(&p, 0, PULSE_TICK_MS + 1));
	ck_assert(!pulse_tick(&p, 0, PULSE_TICK_MS + 1));
	ck_assert(pulse_tick(&p, 0, PULSE_TICK_MS + 1));
}
END_TEST

START_TEST(one_beat_starts_the_count_anew)
{
	struct pulse p;

	pulse_start(&p, 0);
	ck_assert(!pulse_tick(&p, 0, 2 * PULSE_TICK_MS));
	ck_assert(!pulse_tick(&p, 0, 2 * PULSE_TICK_MS));
	ck_assert(!pulse_tick(&p, 1, 2 * PULSE_TICK_MS));
	ck_assert(!pulse_tick(&p, 1, 2 * PULSE_TICK_MS));
	ck_assert(!pulse_tick(&p, 1, 2 * PULSE_TICK_MS));
	ck_assert(pulse_tick(&p, 1, 2 * PULSE_TICK_MS));
}
END_TEST

START_TEST(without_a_limit_nothing_hangs)
{
	struct pulse p;

	pulse_start(&p, 0);
	for (int tick = 0; tick < 10000; tick++)
		ck_assert(!pulse_tick(&p, 0, 0));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pulse");
	TCase *tc = tcase_create("pulse");

	tcase_add_test(tc, beating_heart_never_hangs);
	tcase_add_test(tc, still_heart_hangs_when_the_time_is_over);
	tcase_add_test(tc, a_part_of_a_tick_counts_as_one);
	tcase_add_test(tc, one_beat_starts_the_count_anew);
	tcase_add_test(tc, without_a_limit_nothing_hangs);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
