/*
 * test_dispatch.c - the talk between a supervisor and its workers, in order
 * and out of it: connections given, parked and released.
 */
#include "config.h"

#include <sys/socket.h>

#include "common/fd.h"
#include "common/sc.h"
#include "tests/unit/supervisor_rig.h"
#include "tests/unit/unit.h"

START_TEST(connections_are_spread_over_the_workers)
{
	int on[2] = { 0 };

	start_supervisor("--set", "log.level=debug", NULL);
	expect_serving();
	wait_for(log_count(": ready after ") == 2);
	for (int i = 0; i < 6; i++)
		on[worker_in(ask(dial(), "x"))]++;
	ck_assert_int_eq(on[0], 3);
	ck_assert_int_eq(on[1], 3);
}
END_TEST

/* A worker that breaks the protocol dies, and nothing else happens. */
static const char *const offences[] = { "nonsense", "park far", "deaf", "flood",
	"release 2", "release 4294967295" };

START_TEST(offender_is_killed_and_adopted)
{
	int fd, other;

	start_supervisor(NULL);
	expect_serving();
	fd = dial_worker(0);
	other = dial_worker(1);
	tell(fd, offences[_i]);
	wait_for(log_count("; killed") + log_count("its channel; killed") > 0);
	wait_for(log_count("killed by SIGKILL; successor pid ") == 1);
	ck_assert_uint_eq(generation_in(ask(other, "x")), 1);
	/* The first one may have answered before it died. */
	wait_for(generation_in(ask(fd, "x")) == 2);
}
END_TEST

START_TEST(slot_that_is_taken_is_not_parked_twice)
{
	int fd;

	start_supervisor("--workers", "1", NULL);
	expect_serving();
	fd = dial();
	(void)ask(fd, "park");
	(void)ask(fd, "x");
	tell(fd, "park");
	wait_for(log_count("broke the protocol: message PARK; killed") == 1);
	wait_for(generation_in(ask(fd, "x")) == 2);
	ck_assert_uint_eq(upstreams_in(ask(fd, "x")), 1);
}
END_TEST

/* What it parked right before it died is in the inheritance. */
START_TEST(channel_of_the_dead_is_read_before_the_successor_is_born)
{
	int fd;

	start_supervisor("--workers", "1", NULL);
	expect_serving();
	fd = dial();
	(void)ask(fd, "park");
	tell(fd, "park and die");
	wait_for(log_count("; successor pid ") == 1);
	ck_assert_uint_eq(upstreams_in(ask(fd, "x")), 3);
}
END_TEST

START_TEST(released_client_goes_to_its_target)
{
	static const char *const orders[] = { "release 0", "release 1" };
	int fd;

	start_supervisor(NULL);
	expect_serving();
	(void)dial_worker(1); /* both are ready */
	fd = dial_worker(0);
	for (unsigned i = 1; i <= 20; i++) {
		(void)ask(fd, orders[i % 2]);
		ck_assert_uint_eq(worker_in(ask(fd, "x")), i % 2);
	}
}
END_TEST

START_TEST(full_table_lets_clients_wait)
{
	int fds[8], late;
	char buf[8];

	start_supervisor("--set", "client.max_connections=8", NULL);
	expect_serving();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial();
		(void)ask(fds[i], "x");
	}
	late = dial();
	tell(late, "x");
	wait_for(log_count("every client slot is taken") == 1);
	ck_assert_int_lt(recv(late, buf, sizeof(buf), MSG_DONTWAIT), 0);
	fd_close(&fds[3]);
	ck_assert_int_gt(recv(late, buf, sizeof(buf), 0), 0);
	ck_assert_uint_eq(log_count("every client slot is taken"), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dispatch");
	TCase *tc = tcase_create("dispatch");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_add_test(tc, connections_are_spread_over_the_workers);
	tcase_add_loop_test(
	    tc, offender_is_killed_and_adopted, 0, ARRAY_LEN(offences));
	tcase_add_test(tc, slot_that_is_taken_is_not_parked_twice);
	tcase_add_test(
	    tc, channel_of_the_dead_is_read_before_the_successor_is_born);
	tcase_add_test(tc, released_client_goes_to_its_target);
	tcase_add_test(tc, full_table_lets_clients_wait);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
