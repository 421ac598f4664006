/*
 * test_notify.c - tells the service manager how we are.
 */
#include "config.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"
#include "supervisor/notify.h"

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
	notify_send("STOPPING=1");
	ck_assert_str_eq(received(fd), "STOPPING=1");
	notify_ready();
	(void)snprintf(
	    want, sizeof(want), "READY=1\nMAINPID=%d", (int)getpid());
	ck_assert_str_eq(received(fd), want);
	fd_close(&fd);
	if (name[0] == '/')
		(void)unlink(name);
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
	notify_ready();
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
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, manager_hears_us, 0, 2);
	tcase_add_loop_test(tc, nobody_to_hear_us_is_no_trouble, 0, 5);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
