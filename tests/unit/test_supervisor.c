/*
 * test_supervisor.c - the life of a supervisor and its workers: births,
 * deaths, stops; the background, and root.
 */
#include "config.h"

#include <arpa/inet.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/sc.h"
#include "supervisor/confine.h"
#include "tests/unit/supervisor_rig.h"
#include "tests/unit/unit.h"

#define DEATHS 50

/* Clients stay, nothing leaks, and a child holds just what it should. */
START_TEST(fifty_deaths_change_nothing)
{
	pid_t workers[2];
	int fds[5], before;

	start_supervisor(NULL);
	expect_serving();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial();
		(void)ask(fds[i], "x");
	}
	before = fd_count(rig.pid);
	for (int death = 0; death < DEATHS; death++) {
		wait_for(workers_of(rig.pid, workers, 2) == 2);
		(void)ask(fds[0], "x"); /* nobody is half born */
		ck_assert_int_eq(kill(workers[death % 2], SIGKILL), 0);
		wait_for(!is_running(workers[death % 2]));
		for (size_t i = 0; i < ARRAY_LEN(fds); i++)
			(void)ask(fds[i], "x");
	}
	wait_for(fd_count(rig.pid) == before);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_close(&fds[i]);
	wait_for(fd_count(rig.pid) == before - (int)ARRAY_LEN(fds));
}
END_TEST

START_TEST(fault_is_logged_with_its_successor)
{
	int fd;

	start_supervisor("--workers", "1", NULL);
	expect_serving();
	fd = dial();
	ck_assert_uint_eq(generation_in(ask(fd, "x")), 1);
	tell(fd, "abort");
	wait_for(log_count(") killed by SIGABRT") == 1);
	wait_for(log_count("; successor pid ") == 1);
	ck_assert_uint_eq(generation_in(ask(fd, "x")), 2);
}
END_TEST

START_TEST(hanging_worker_is_replaced)
{
	int fd;

	start_supervisor(
	    "--workers", "1", "--set", "worker.hang_timeout=1s", NULL);
	expect_serving();
	fd = dial();
	(void)ask(fd, "x");
	tell(fd, "stop");
	wait_for(log_count("hangs: no sign of life for 1000 ms; killed") == 1);
	ck_assert_uint_eq(generation_in(ask(fd, "x")), 2);
}
END_TEST

static const int stop_signals[] = { SIGTERM, SIGINT, SIGQUIT };

START_TEST(stop_leaves_nothing)
{
	pid_t workers[2];

	start_supervisor(NULL);
	expect_serving();
	(void)ask(dial(), "x");
	wait_for(workers_of(rig.pid, workers, 2) == 2);
	ck_assert_int_eq(access(rig.pidfile, F_OK), 0);
	ck_assert_int_eq(access(rig.control, F_OK), 0);
	ck_assert_int_eq(kill(rig.pid, stop_signals[_i]), 0);
	ck_assert_int_eq(end_status(), 0);
	ck_assert_int_ne(access(rig.pidfile, F_OK), 0);
	ck_assert_int_ne(access(rig.control, F_OK), 0);
	ck_assert(!is_running(workers[0]) && !is_running(workers[1]));
}
END_TEST

/* A worker that has connections and dies while we stop is replaced. */
START_TEST(death_while_draining_is_adopted)
{
	int fd;

	start_supervisor("--workers", "1", "--set", "drain.timeout=77s", NULL);
	expect_serving();
	fd = dial();
	(void)ask(fd, "x");
	ck_assert_int_eq(kill(rig.pid, SIGTERM), 0);
	wait_for(log_count("stopping: workers have 77000 ms") == 1);
	ck_assert_uint_eq(generation_in(ask(fd, "x")), 1);
	/* The successor is told of the drain, too, and leaves. */
	tell(fd, "abort");
	ck_assert_int_eq(end_status(), 0);
	ck_assert_uint_eq(log_count("; successor pid "), 1);
}
END_TEST

START_TEST(limit_of_draining_holds)
{
	start_supervisor("--set", "worker.hang_timeout=0", "--set",
	    "drain.timeout=100ms", NULL);
	expect_serving();
	tell(dial(), "stop");
	wait_for(log_count("listening on") == 1);
	ck_assert_int_eq(kill(rig.pid, SIGTERM), 0);
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

START_TEST(second_signal_stops_at_once)
{
	int fd;

	start_supervisor("--set", "drain.timeout=77s", NULL);
	expect_serving();
	fd = dial();
	(void)ask(fd, "x");
	ck_assert_int_eq(kill(rig.pid, SIGTERM), 0);
	wait_for(log_count("stopping: workers have") == 1);
	(void)ask(fd, "x");
	ck_assert_int_eq(kill(rig.pid, SIGTERM), 0);
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

START_TEST(workers_notice_the_supervisors_death)
{
	pid_t workers[2];

	start_supervisor(NULL);
	expect_serving();
	/* One is a successor, born with its sibling's channel about. */
	wait_for(workers_of(rig.pid, workers, 2) == 2);
	ck_assert_int_eq(kill(workers[0], SIGKILL), 0);
	wait_for(log_count("; successor") == 1);
	wait_for(workers_of(rig.pid, workers, 2) == 2);
	(void)ask(dial(), "x");
	ck_assert_int_eq(kill(rig.pid, SIGKILL), 0);
	wait_for(!is_running(workers[0]) && !is_running(workers[1]));
}
END_TEST

START_TEST(hopeless_workers_end_the_daemon)
{
	ck_assert_int_eq(setenv("WORKER_EXITS", "2", 1), 0);
	start_supervisor(NULL);
	ck_assert_int_eq(end_status(), 1);
	ck_assert_uint_ge(
	    log_count("exited with code 2 before any worker served"), 1);
	ck_assert_int_ne(access(rig.pidfile, F_OK), 0);
	ck_assert_int_ne(access(rig.control, F_OK), 0);
}
END_TEST

START_TEST(workers_that_fail_are_tried_later_and_later)
{
	ck_assert_int_eq(setenv("WORKER_EXITS", "1", 1), 0);
	start_supervisor("--workers", "1", NULL);
	wait_for(log_count("exited with code 1; successor in 200 ms") == 1);
	ck_assert_uint_eq(log_count("exited with code 1; successor pid"), 1);
	ck_assert_int_eq(kill(rig.pid, SIGTERM), 0);
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

/* Listen on a port, once it is free. */
static void
squat(unsigned port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	wait_for(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	ck_assert_int_eq(listen(fd, 1), 0);
}

START_TEST(port_in_use_ends_with_one_line)
{
	char address[32];
	const char *end;

	start_supervisor(NULL);
	expect_serving();
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", rig.port);
	ck_assert_int_eq(kill(rig.pid, SIGKILL), 0);
	(void)waitpid(rig.pid, NULL, 0);
	rig.pid = 0;
	(void)unlink(rig.log);
	squat(rig.port);
	start_supervisor("--bind", address, NULL);
	ck_assert_int_eq(end_status(), 1);
	end = strstr(log_text(), "Address already in use\n");
	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end, "Address already in use\n");
	ck_assert_ptr_eq(strchr(log_text(), '\n'), end + strlen(end) - 1);
}
END_TEST

START_TEST(background_returns_when_it_serves)
{
	FILE *f;
	int pid = 0, fd;

	start_supervisor("--daemon", "--set", "log.target=stderr", "--set",
	    "log.level=debug", NULL);
	ck_assert_int_eq(end_status(), 0);
	expect_serving();
	f = fopen(rig.pidfile, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
	(void)fclose(f);
	ck_assert_int_gt(pid, 1);
	ck_assert_int_eq(getsid(pid), pid);
	fd = dial();
	(void)ask(fd, "x");
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	wait_for(!is_running(pid));
	ck_assert_int_ne(access(rig.pidfile, F_OK), 0);
}
END_TEST

START_TEST(background_fails_if_it_does_not_serve)
{
	ck_assert_int_eq(setenv("WORKER_EXITS", "2", 1), 0);
	start_supervisor("--daemon", "--set", "log.target=stderr", NULL);
	ck_assert_int_eq(end_status(), 1);
	ck_assert_uint_ge(log_count("giving up"), 1);
}
END_TEST

START_TEST(workers_of_root_are_not_root)
{
	bool root = getuid() == 0;
	const char *line;

	start_supervisor("--workers", "1", NULL);
	expect_serving();
	line = ask(dial(), "x");
	if (root)
		ck_assert_ptr_null(strstr(line, " uid0 "));
	else
		ck_assert_int_eq(atoi(strstr(line, " uid") + 4), (int)getuid());
}
END_TEST

/* The line of /proc/PID/status with this name, as a number. */
static unsigned long long
status_bits(pid_t pid, const char *name)
{
	char path[40], line[256];
	unsigned long long bits = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			bits = strtoull(line + strlen(name) + 1, NULL, 16);
	}
	(void)fclose(f);
	return bits;
}

START_TEST(root_keeps_what_it_needs)
{
	start_supervisor("--workers", "1", NULL);
	expect_serving();
	ck_assert_uint_eq(
	    status_bits(rig.pid, "CapEff:") & ~confine_kept(false), 0);
	ck_assert_uint_eq(
	    status_bits(rig.pid, "CapPrm:") & ~confine_kept(false), 0);
	if (getuid() == 0)
		ck_assert_uint_eq(
		    status_bits(rig.pid, "CapEff:") >> CAP_KILL & 1, 1);
}
END_TEST

START_TEST(reload_replaces_the_workers_and_says_so)
{
	start_supervisor(NULL);
	expect_serving();
	ck_assert_int_eq(kill(rig.pid, SIGHUP), 0);
	wait_for(log_count("reload: the new configuration is in force") == 1);
	ck_assert_int_eq(kill(rig.pid, SIGUSR2), 0);
	wait_for(log_count("upgrade: ") == 1);
	(void)ask(dial(), "x");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("supervisor");
	TCase *tc = tcase_create("supervisor");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_add_test(tc, fifty_deaths_change_nothing);
	tcase_add_test(tc, fault_is_logged_with_its_successor);
	tcase_add_test(tc, hanging_worker_is_replaced);
	tcase_add_loop_test(
	    tc, stop_leaves_nothing, 0, ARRAY_LEN(stop_signals));
	tcase_add_test(tc, death_while_draining_is_adopted);
	tcase_add_test(tc, limit_of_draining_holds);
	tcase_add_test(tc, second_signal_stops_at_once);
	tcase_add_test(tc, workers_notice_the_supervisors_death);
	tcase_add_test(tc, hopeless_workers_end_the_daemon);
	tcase_add_test(tc, workers_that_fail_are_tried_later_and_later);
	tcase_add_test(tc, port_in_use_ends_with_one_line);
	tcase_add_test(tc, background_returns_when_it_serves);
	tcase_add_test(tc, background_fails_if_it_does_not_serve);
	tcase_add_test(tc, workers_of_root_are_not_root);
	tcase_add_test(tc, root_keeps_what_it_needs);
	tcase_add_test(tc, reload_replaces_the_workers_and_says_so);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
