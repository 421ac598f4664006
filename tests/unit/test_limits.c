/*
 * test_limits.c - how much of everything there is room for.
 */
#include "config.h"

#include <check.h>
#include <errno.h>

#include "supervisor/limits.h"
#include "tests/unit/unit.h"

static struct conf conf;

static void
setup(void)
{
	ck_assert_int_eq(conf_init(&conf), 0);
}

static void
teardown(void)
{
	conf_fini(&conf);
}

START_TEST(workers_are_as_many_as_cores_but_few_enough)
{
	ck_assert_uint_eq(limits_workers(&conf, 4), 4);
	ck_assert_uint_eq(limits_workers(&conf, 0), 1);
	ck_assert_uint_eq(limits_workers(&conf, -1), 1);
	ck_assert_uint_eq(limits_workers(&conf, 1000), SHM_WORKERS_MAX);
	conf.workers = 3;
	ck_assert_uint_eq(limits_workers(&conf, 8), 3);
}
END_TEST

START_TEST(both_sides_fit_into_the_limit)
{
	static const uint64_t files[] = { 200, 1024, 4096, 20000, 65536 };
	struct shm_sizes sizes;

	ck_assert_int_eq(limits_sizes(&conf, files[_i], 8, &sizes), 0);
	ck_assert_uint_eq(sizes.clients, sizes.upstreams);
	ck_assert_uint_ge(sizes.clients, LIMITS_SLOTS_MIN);
	/* 80 for the rest, and the channels. */
	ck_assert_uint_le(sizes.clients + sizes.upstreams + 80 + 8, files[_i]);
	ck_assert_uint_ge(
	    sizes.clients + sizes.upstreams + 80 + 8 + 8, files[_i]);
	ck_assert_uint_eq(sizes.streams,
	    MIN(sizes.clients + sizes.upstreams, conf.stream_max_streams));
	ck_assert_uint_eq(sizes.blocks, conf.journal_memory / SHM_BLOCK_SIZE);
}
END_TEST

START_TEST(no_limit_is_not_no_limit)
{
	struct shm_sizes sizes;

	ck_assert_int_eq(limits_sizes(&conf, UINT64_MAX, 64, &sizes), 0);
	ck_assert_uint_le(sizes.clients, 1u << 18);
	conf.journal_memory = UINT64_MAX;
	conf.stream_max_streams = UINT64_MAX;
	ck_assert_int_eq(limits_sizes(&conf, UINT64_MAX, 64, &sizes), 0);
	ck_assert_uint_gt(sizes.blocks, 1u << 30);
	ck_assert_uint_eq(sizes.streams, sizes.clients + sizes.upstreams);
}
END_TEST

START_TEST(fewer_clients_can_be_asked_for)
{
	struct shm_sizes sizes;

	conf.client_max_connections = 100;
	ck_assert_int_eq(limits_sizes(&conf, 20000, 2, &sizes), 0);
	ck_assert_uint_eq(sizes.clients, 100);
	ck_assert_uint_gt(sizes.upstreams, 9000);
}
END_TEST

START_TEST(more_clients_ask_for_more_files)
{
	struct shm_sizes sizes;

	ck_assert_uint_eq(limits_files(&conf, 64), 0);
	conf.client_max_connections = 5000;
	ck_assert_int_eq(
	    limits_sizes(&conf, limits_files(&conf, 64), 64, &sizes), 0);
	ck_assert_uint_eq(sizes.clients, 5000);
	conf.client_max_connections = UINT64_MAX;
	ck_assert_uint_lt(limits_files(&conf, 64), 1u << 20);
}
END_TEST

START_TEST(too_few_files_are_refused)
{
	struct shm_sizes sizes = { .clients = 77 };

	ck_assert_int_eq(limits_sizes(&conf, 80, 1, &sizes), -EMFILE);
	ck_assert_int_eq(limits_sizes(&conf, 0, 1, &sizes), -EMFILE);
	ck_assert_uint_eq(sizes.clients, 77);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("limits");
	TCase *tc = tcase_create("limits");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, workers_are_as_many_as_cores_but_few_enough);
	tcase_add_loop_test(tc, both_sides_fit_into_the_limit, 0, 5);
	tcase_add_test(tc, no_limit_is_not_no_limit);
	tcase_add_test(tc, fewer_clients_can_be_asked_for);
	tcase_add_test(tc, more_clients_ask_for_more_files);
	tcase_add_test(tc, too_few_files_are_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
