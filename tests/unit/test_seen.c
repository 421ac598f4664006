/*
 * test_seen.c - ids that a session has seen: each of the newest is found.
 */
#include "config.h"

#include <check.h>

#include "tests/unit/unit.h"
#include "worker/seen.h"

/* Hashes that fall together in the same chains. */
static uint32_t
sum_of(uint32_t n)
{
	return n * 2654435761u & 0xffff00ff;
}

START_TEST(newest_are_all_found)
{
	struct seen *seen = seen_new();
	uint32_t n, i, count = 3 * SEEN_MAX + 5;

	for (n = 0; n < count; n++)
		seen_add(seen, sum_of(n), n);
	for (i = count - SEEN_MAX; i < count; i++)
		ck_assert_uint_eq(seen_find(seen, sum_of(i)), i + 1);
	seen_free(&seen);
	ck_assert_ptr_null(seen);
}
END_TEST

START_TEST(older_are_forgotten)
{
	struct seen *seen = seen_new();
	uint32_t n;

	seen_add(seen, 7, 1);
	for (n = 1; n < SEEN_MAX; n++)
		seen_add(seen, 7 + n * SEEN_MAX, 2);
	ck_assert_uint_eq(seen_find(seen, 7), 2);
	seen_add(seen, 8, 3);
	ck_assert_uint_eq(seen_find(seen, 7), 0);
	ck_assert_uint_eq(seen_find(seen, 7 + SEEN_MAX), 3);
	seen_free(&seen);
}
END_TEST

START_TEST(newest_of_equals_counts)
{
	struct seen *seen = seen_new();

	ck_assert_uint_eq(seen_find(seen, 5), 0);
	seen_add(seen, 5, 10);
	seen_add(seen, 5, 11);
	ck_assert_uint_eq(seen_find(seen, 5), 12);
	seen_free(&seen);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("seen");
	TCase *tc = tcase_create("window");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, newest_are_all_found);
	tcase_add_test(tc, older_are_forgotten);
	tcase_add_test(tc, newest_of_equals_counts);
	return unit_run(suite);
}
