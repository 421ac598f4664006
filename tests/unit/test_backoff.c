/*
 * test_backoff.c - waiting times, by rows.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "common/backoff.h"
#include "common/sc.h"
#include "tests/unit/unit.h"

static const struct {
	unsigned fails, want;
} respawn_rows[] = {
	{ 0, 0 },
	{ 1, 100 },
	{ 2, 200 },
	{ 9, 25600 },
	{ 10, 30000 },
	{ 64, 30000 },
	{ 65, 30000 },
	{ 4000000000u, 30000 },
};

START_TEST(respawn_delay_grows_then_stays)
{
	ck_assert_uint_eq(
	    respawn_delay_ms(respawn_rows[_i].fails), respawn_rows[_i].want);
}
END_TEST

/* clang-format off */
static const struct {
	struct backoff limits;
	unsigned attempt;
	uint32_t random;
	uint64_t want;
} rows[] = {
	/* doubling, up to the limit */
	{ { 250, 30000, 0 }, 0, 0, 250 },
	{ { 250, 30000, 0 }, 1, UINT32_MAX, 500 },
	{ { 250, 30000, 0 }, 6, 0, 16000 },
	{ { 250, 30000, 0 }, 7, 0, 30000 },
	{ { 250, 30000, 0 }, 63, 0, 30000 },
	{ { 250, 30000, 0 }, 64, 0, 30000 },
	{ { 250, 30000, 0 }, UINT32_MAX, 0, 30000 },
	/* less by at most the jitter */
	{ { 1000, 30000, 250 }, 0, 0, 1000 },
	{ { 1000, 30000, 250 }, 0, 0x80000000u, 875 },
	{ { 1000, 30000, 250 }, 0, UINT32_MAX, 751 },
	{ { 1000, 30000, 1000 }, 0, UINT32_MAX, 1 },
	{ { 1000, 30000, UINT32_MAX }, 0, UINT32_MAX, 1 },
	{ { 1000, 30000, 250 }, 99, 0x80000000u, 26250 },
	/* odd limits */
	{ { 0, 30000, 250 }, 5, 9, 0 },
	{ { 5000, 1000, 0 }, 0, 0, 1000 },
	{ { 5000, 0, 0 }, 3, 0, 0 },
	{ { 1, UINT64_MAX, 0 }, 63, 0, UINT64_C(1) << 63 },
	{ { 3, UINT64_MAX, 0 }, 63, 0, UINT64_MAX },
};
/* clang-format on */

START_TEST(backoff_delay_grows_within_limits)
{
	ck_assert(backoff_delay_ms(&rows[_i].limits, rows[_i].attempt,
		      rows[_i].random) == rows[_i].want);
}
END_TEST

START_TEST(large_delays_do_not_overflow)
{
	const struct backoff limits = { UINT64_MAX, UINT64_MAX, 1000 };

	ck_assert(backoff_delay_ms(&limits, 0, 0) == UINT64_MAX);
	ck_assert(backoff_delay_ms(&limits, 0, UINT32_MAX) < UINT64_C(1) << 33);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("backoff");
	TCase *tc = tcase_create("backoff");

	tcase_add_loop_test(
	    tc, respawn_delay_grows_then_stays, 0, ARRAY_LEN(respawn_rows));
	tcase_add_loop_test(
	    tc, backoff_delay_grows_within_limits, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, large_delays_do_not_overflow);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
