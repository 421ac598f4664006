/*
 * test_listen.c - the listening sockets.
 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"
#include "supervisor/listen.h"
#include "tests/unit/unit.h"

static char errors[] = "/tmp/sc-listen-XXXXXX";
static struct listeners listeners;

static void
setup(void)
{
	int fd;

	strcpy(errors, "/tmp/sc-listen-XXXXXX");
	fd = mkstemp(errors);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
	fd_close(&fd);
}

static void
teardown(void)
{
	listeners_close(&listeners);
	(void)unlink(errors);
}

static int
open_one(const char *address)
{
	char text[ADDR_TEXT_CAP];
	char *items[] = { text };
	const struct conf_list list = { items, 1 };

	(void)snprintf(text, sizeof(text), "%s", address);
	return listeners_open(&list, &listeners);
}

static const char *
errors_text(void)
{
	static char buf[1024];
	FILE *f = fopen(errors, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(buf, 1, sizeof(buf) - 1, f);
	(void)fclose(f);
	buf[n] = '\0';
	return buf;
}

static int
option(int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(
	    getsockopt(listeners.items[0].fd, level, name, &value, &len), 0);
	return value;
}

START_TEST(port_zero_picks_one)
{
	unsigned port;

	ck_assert_int_eq(open_one("127.0.0.1:0"), 0);
	ck_assert_uint_eq(listeners.count, 1);
	ck_assert_int_eq(
	    sscanf(listeners.items[0].text, "127.0.0.1:%u", &port), 1);
	ck_assert_uint_gt(port, 0);
	ck_assert_int_ne(option(IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_ne(option(SOL_SOCKET, SO_OOBINLINE), 0);
	ck_assert_int_ne(option(SOL_SOCKET, SO_KEEPALIVE), 0);
	ck_assert_int_ne(option(SOL_SOCKET, SO_ACCEPTCONN), 0);
	ck_assert_int_ne(fcntl(listeners.items[0].fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(listeners.items[0].fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

/* Where a wildcard is bound, the connection is asked. */
START_TEST(what_comes_in_on_loopback_is_known)
{
	int near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in loopback = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	ck_assert_int_eq(
	    bind(near, (const struct sockaddr *)&loopback, sizeof(loopback)),
	    0);
	ck_assert_int_eq(open_one("127.0.0.1:0"), 0);
	ck_assert(listener_on_loopback(&listeners.items[0], -1));
	listeners_close(&listeners);
	ck_assert_int_eq(open_one("0.0.0.0:0"), 0);
	ck_assert(listener_on_loopback(&listeners.items[0], near));
	ck_assert(!listener_on_loopback(&listeners.items[0], -1));
	fd_close(&near);
}
END_TEST

START_TEST(port_in_use_is_one_clear_line)
{
	struct listeners first;
	char want[ADDR_TEXT_CAP + 64];

	ck_assert_int_eq(open_one("127.0.0.1:0"), 0);
	first = listeners;
	listeners = (struct listeners){ 0 };
	ck_assert_int_eq(open_one(first.items[0].text), -EADDRINUSE);
	ck_assert_uint_eq(listeners.count, 0);
	(void)snprintf(want, sizeof(want),
	    "listen %s: Address already in use\n", first.items[0].text);
	ck_assert_ptr_nonnull(strstr(errors_text(), want));
	listeners_close(&first);
}
END_TEST

START_TEST(names_are_looked_up)
{
	ck_assert_int_eq(open_one("localhost:0"), 0);
	ck_assert_uint_eq(listeners.count, 1);
}
END_TEST

START_TEST(unknown_name_is_told)
{
	ck_assert_int_lt(open_one("no-such-host.invalid:80"), 0);
	ck_assert_ptr_nonnull(
	    strstr(errors_text(), "listen no-such-host.invalid:80: "));
}
END_TEST

START_TEST(several_addresses_or_none)
{
	char one[] = "127.0.0.1:0", two[] = "127.0.0.2:0",
	     bad[] = "192.0.2.1:0";
	char *items[] = { one, two, bad };
	struct conf_list list = { items, 2 };

	ck_assert_int_eq(listeners_open(&list, &listeners), 0);
	ck_assert_uint_eq(listeners.count, 2);
	listeners_close(&listeners);
	list.count = 3;
	ck_assert_int_eq(listeners_open(&list, &listeners), -EADDRNOTAVAIL);
	ck_assert_uint_eq(listeners.count, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("listen");
	TCase *tc = tcase_create("listen");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, port_zero_picks_one);
	tcase_add_test(tc, what_comes_in_on_loopback_is_known);
	tcase_add_test(tc, port_in_use_is_one_clear_line);
	tcase_add_test(tc, names_are_looked_up);
	tcase_add_test(tc, unknown_name_is_told);
	tcase_add_test(tc, several_addresses_or_none);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
