/*
 * test_fd.c - closing, options, and what a child keeps.
 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "tests/unit/unit.h"

/* Enough for every descriptor that these tests open. */
#define FDS 200

static int
open_null(void)
{
	int fd = open("/dev/null", O_RDWR);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(close_forgets_the_descriptor_and_keeps_errno)
{
	int fd = open_null(), number = fd;

	errno = ENOENT;
	fd_close(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert(!is_open(number));
	errno = ENOENT;
	fd_close(&fd);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(flags_are_set_and_cleared)
{
	int fd = open_null();

	ck_assert_int_eq(fd_set_nonblock(fd), 0);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fd_set_cloexec(fd, 1), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fd_set_cloexec(fd, 0), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	fd_close(&fd);
	ck_assert_int_eq(fd_set_nonblock(-1), -EBADF);
	ck_assert_int_eq(fd_set_cloexec(-1, 1), -EBADF);
	ck_assert_int_eq(fd_set_stream_options(-1), -EBADF);
}
END_TEST

static int
get_option(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, option, &value, &len), 0);
	return value;
}

START_TEST(an_accepted_socket_inherits_the_options)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	int fd;

	ck_assert_int_eq(fd_set_stream_options(listener), 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&a, len), 0);
	fd = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(get_option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_ne(get_option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	ck_assert_int_ne(get_option(fd, SOL_SOCKET, SO_OOBINLINE), 0);
	ck_assert_int_eq(
	    get_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), FD_USER_TIMEOUT_MS);
	ck_assert_int_lt(get_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	ck_assert_int_eq(get_option(client, SOL_SOCKET, SO_OOBINLINE), 0);
	fd_close(&fd);
	fd_close(&client);
	fd_close(&listener);
}
END_TEST

/*
 * In a process of its own, for the descriptors of libcheck go as well: which
 * of fds[] and of those beyond are wrong?  The exit code is their number.
 */
static void
keep_three(int *fds)
{
	int keep[] = { fds[150], fds[3], -1, fds[4], 2, fds[150] };
	int wrong = 0;

	fd_close_all_but(keep, ARRAY_LEN(keep));
	for (int fd = 0; fd < 3; fd++)
		wrong += !is_open(fd);
	for (int fd = 3; fd < fds[FDS - 1] + FDS; fd++)
		wrong += is_open(fd) !=
			 (fd == fds[3] || fd == fds[4] || fd == fds[150]);
	_exit(wrong > 99 ? 99 : wrong);
}

static void
keep_none(int *fds)
{
	fd_close_all_but(NULL, 0);
	_exit(is_open(fds[0]) || is_open(fds[FDS - 1]) || !is_open(2));
}

static void (*const child_rows[])(int *) = { keep_three, keep_none };

START_TEST(a_child_keeps_what_is_listed)
{
	int fds[FDS], status;
	pid_t pid;

	for (int i = 0; i < FDS; i++)
		fds[i] = open_null();
	pid = fork();
	if (pid == 0)
		child_rows[_i](fds);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	for (int i = 0; i < FDS; i++)
		fd_close(&fds[i]);
}
END_TEST

/* A socket that is bound to the address with these bytes. */
static int
bound_to(in_addr_t host)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(host) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

START_TEST(loopback_is_told_from_other_addresses)
{
	int near = bound_to(INADDR_LOOPBACK), all = bound_to(INADDR_ANY);

	ck_assert(fd_is_on_loopback(near));
	ck_assert(!fd_is_on_loopback(all));
	ck_assert(!fd_is_on_loopback(-1));
	fd_close(&near);
	fd_close(&all);
}
END_TEST

START_TEST(the_limit_is_raised_to_the_hard_one)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(fd_raise_limit(0), limit.rlim_max);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
}
END_TEST

/* Root may raise the hard limit as well; others are left with theirs. */
START_TEST(the_hard_limit_is_raised_where_that_is_allowed)
{
	struct rlimit limit = { 64, 128 }, back;
	uint64_t got;

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return; /* under valgrind, whose own the hard limit is */
	ck_assert_uint_eq(fd_raise_limit(100), 128);
	back = (struct rlimit){ 200, 200 };
	if (setrlimit(RLIMIT_NOFILE, &back) == 0)
		ck_assert_uint_eq(fd_raise_limit(256), 256);
	else
		ck_assert_uint_eq(fd_raise_limit(256), 128);
	got = fd_raise_limit(UINT64_MAX); /* more than any kernel gives */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(got, limit.rlim_cur);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fd");
	TCase *tc = tcase_create("fd");

	tcase_add_test(tc, close_forgets_the_descriptor_and_keeps_errno);
	tcase_add_test(tc, flags_are_set_and_cleared);
	tcase_add_test(tc, an_accepted_socket_inherits_the_options);
	tcase_add_test(tc, loopback_is_told_from_other_addresses);
	tcase_add_test(tc, the_limit_is_raised_to_the_hard_one);
	tcase_add_test(tc, the_hard_limit_is_raised_where_that_is_allowed);
	tcase_add_loop_test(
	    tc, a_child_keeps_what_is_listed, 0, ARRAY_LEN(child_rows));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
