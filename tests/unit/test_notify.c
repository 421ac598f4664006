/*
 * test_notify.c - tells the service manager how we are.
 */
#include "config.h"

#include <check.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "supervisor/notify.h"
#include "tests/unit/unit.h"

/* A manager that listens at `name` ('@' for an abstract one). */
static int
listen_as(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static const char *
received(int fd)
{
	static char buf[256];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

static const char *const forms[] = { "/tmp/sc-notify-%d", "@sc-notify-%d" };

START_TEST(manager_hears_us)
{
	char name[64], want[64];
	int fd;

	(void)snprintf(name, sizeof(name), forms[_i], (int)getpid());
	fd = listen_as(name);
	notify_send("STATUS=idle");
	ck_assert_str_eq(received(fd), "STATUS=idle");
	notify_ready("serving");
	(void)snprintf(want, sizeof(want),
	    "READY=1\nMAINPID=%d\nSTATUS=serving", (int)getpid());
	ck_assert_str_eq(received(fd), want);
	fd_close(&fd);
	if (name[0] == '/')
		(void)unlink(name);
}
END_TEST

/* A manager that nobody else talks to. */
static int
listen_alone(void)
{
	char name[64];

	(void)snprintf(name, sizeof(name), forms[1], (int)getpid());
	return listen_as(name);
}

static uint64_t
monotonic_us(void)
{
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

START_TEST(a_reload_says_when_it_began)
{
	int fd = listen_alone();
	uint64_t before = monotonic_us(), said = 0;

	notify_reloading();
	ck_assert_int_eq(
	    sscanf(received(fd),
		"RELOADING=1\nMONOTONIC_USEC=%" SCNu64 "\nSTATUS=reloading",
		&said),
	    1);
	ck_assert_uint_ge(said, before);
	ck_assert_uint_le(said, monotonic_us());
	fd_close(&fd);
}
END_TEST

START_TEST(a_stop_says_how_long_it_may_take)
{
	uint64_t limits_ms[] = { 0, 30000, UINT32_MAX }, said;
	int fd = listen_alone();

	for (size_t i = 0; i < ARRAY_LEN(limits_ms); i++) {
		notify_stopping(limits_ms[i]);
		said = 0;
		ck_assert_int_eq(sscanf(received(fd),
				     "STOPPING=1\nSTATUS=stopping\n"
				     "EXTEND_TIMEOUT_USEC=%" SCNu64,
				     &said),
		    1);
		ck_assert_uint_ge(said, (limits_ms[i] + 1000) * 1000);
	}
	fd_close(&fd);
}
END_TEST

START_TEST(a_watched_process_says_that_it_lives)
{
	int fd = listen_alone();
	char pid[16];

	notify_alive(); /* nobody watches */
	ck_assert_str_eq(received(fd), "");
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "30000000", 1), 0);
	notify_alive();
	ck_assert_str_eq(received(fd), "WATCHDOG=1");
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	ck_assert_int_eq(setenv("WATCHDOG_PID", pid, 1), 0);
	notify_alive();
	ck_assert_str_eq(received(fd), "WATCHDOG=1");
	ck_assert_int_eq(setenv("WATCHDOG_PID", "1", 1), 0);
	notify_alive(); /* another one is watched */
	ck_assert_str_eq(received(fd), "");
	fd_close(&fd);
}
END_TEST

static const char *const bad_names[] = { "", "/", "@", "relative",
	"/nobody/listens/here" };

START_TEST(nobody_to_hear_us_is_no_trouble)
{
	int before, after;

	ck_assert_int_eq(setenv("NOTIFY_SOCKET", bad_names[_i], 1), 0);
	before = dup(0);
	(void)close(before);
	notify_ready("serving");
	after = dup(0);
	(void)close(after);
	ck_assert_int_eq(before, after); /* nothing was left open */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tc = tcase_create("notify");

	tcase_add_loop_test(tc, manager_hears_us, 0, 2);
	tcase_add_test(tc, a_reload_says_when_it_began);
	tcase_add_test(tc, a_stop_says_how_long_it_may_take);
	tcase_add_test(tc, a_watched_process_says_that_it_lives);
	tcase_add_loop_test(tc, nobody_to_hear_us_is_no_trouble, 0, 5);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
