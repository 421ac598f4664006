/*
 * test_tcp_count.c - the kernel's counts, in every state that a connection
 * can be in when its worker dies, against what this test did.
 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/tcp_count.h"
#include "common/tcp_self_test.h"
#include "tests/unit/unit.h"

#define PATIENCE_MS 30000
#define BUFFERS 8192

/* One end of a connection, and what was done with it. */
struct end {
	int fd;
	enum tcp_side side;
	uint64_t sent, taken;
};

static struct end us, peer;
static int listener;

/* Happens once, between the first reading of TCP_INFO and what follows. */
static void (*in_between)(void);

/* In libc's place: tcp_count() reads the lengths of the queues with it. */
int
ioctl(int fd, unsigned long request, ...)
{
	void (*happens)(void) = in_between;
	va_list args;
	void *ret;

	va_start(args, request);
	ret = va_arg(args, void *);
	va_end(args);
	in_between = NULL;
	if (happens != NULL)
		happens();
	return (int)syscall(SYS_ioctl, fd, request, ret);
}

static int
new_socket(void)
{
	const int buffers = BUFFERS;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffers, sizeof(buffers)),
	    0);
	ck_assert_int_eq(
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffers, sizeof(buffers)),
	    0);
	ck_assert_int_eq(fd_set_stream_options(fd), 0);
	return fd;
}

static void
wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
	ck_assert_int_ne(p.revents & events, 0);
}

static void
listen_somewhere(struct sockaddr_in *ret)
{
	socklen_t len = sizeof(*ret);

	*ret = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	listener = new_socket();
	ck_assert_int_eq(bind(listener, (struct sockaddr *)ret, len), 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	ck_assert_int_eq(
	    getsockname(listener, (struct sockaddr *)ret, &len), 0);
}

/* Begin to connect; does not wait. */
static int
dial(const struct sockaddr_in *to)
{
	int fd = new_socket();

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		ck_assert_int_eq(errno, EINPROGRESS);
	return fd;
}

/* `us` is on the given side of a new connection, `peer` on the other. */
static void
open_pair(enum tcp_side side)
{
	struct sockaddr_in a;
	struct end dialled = { .side = TCP_CONNECTED };
	struct end accepted = { .side = TCP_ACCEPTED };

	listen_somewhere(&a);
	dialled.fd = dial(&a);
	wait_for(dialled.fd, POLLOUT);
	wait_for(listener, POLLIN);
	accepted.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	ck_assert_int_ge(accepted.fd, 0);
	us = side == TCP_CONNECTED ? dialled : accepted;
	peer = side == TCP_CONNECTED ? accepted : dialled;
}

static void
setup(void)
{
	us.fd = peer.fd = listener = -1;
	in_between = NULL;
}

static void
teardown(void)
{
	fd_close(&us.fd);
	fd_close(&peer.fd);
	fd_close(&listener);
}

/* --- what the ends do ---------------------------------------------------- */

static void
put(struct end *e, size_t len)
{
	static const char bytes[BUFFERS];

	ck_assert_uint_le(len, sizeof(bytes));
	ck_assert_int_eq(send(e->fd, bytes, len, 0), (ssize_t)len);
	e->sent += len;
}

/* Write until nothing more is taken; the last write may be a part. */
static void
fill(struct end *e)
{
	static const char bytes[1 << 20];
	ssize_t n;

	while ((n = send(e->fd, bytes, sizeof(bytes), 0)) > 0)
		e->sent += (uint64_t)n;
	ck_assert_int_eq(errno, EAGAIN);
}

static void
get(struct end *e, size_t len)
{
	static char bytes[BUFFERS];

	while (len > 0) {
		ssize_t n;

		wait_for(e->fd, POLLIN);
		n = recv(e->fd, bytes, MIN(len, sizeof(bytes)), 0);
		ck_assert_int_gt(n, 0);
		e->taken += (uint64_t)n;
		len -= (size_t)n;
	}
}

/* Close in such a way that the other end is reset. */
static void
reset(struct end *e)
{
	const struct linger now = { .l_onoff = 1 };

	ck_assert_int_eq(
	    setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	fd_close(&e->fd);
}

static void
finish(struct end *e)
{
	ck_assert_int_eq(shutdown(e->fd, SHUT_WR), 0);
}

/* --- what is counted ----------------------------------------------------- */

static struct tcp_count
count(const struct end *e)
{
	struct tcp_count c = { 0 };

	ck_assert_int_eq(tcp_count(e->fd, e->side, &c), 0);
	return c;
}

/* Count an end, which must be in this state, and compare. */
static struct tcp_count
check(const struct end *e, int state)
{
	struct tcp_count c = count(e);

	ck_assert_int_eq(c.state, state);
	ck_assert_uint_eq(c.sent, e->sent);
	ck_assert_uint_eq(c.taken, e->taken);
	ck_assert_uint_le(c.acked, c.sent);
	ck_assert_int_eq(c.reset, state == TCP_CLOSE);
	ck_assert_int_eq(c.peer_closed, state == TCP_CLOSE_WAIT ||
					    state == TCP_LAST_ACK ||
					    state == TCP_CLOSING);
	ck_assert(!c.connecting);
	return c;
}

/* Wait until the kernel says that all of it is acknowledged, or waits. */
static void
wait_acked(const struct end *e, uint64_t acked)
{
	for (int i = 0; count(e).acked != acked; i++) {
		ck_assert_int_lt(i, PATIENCE_MS);
		(void)poll(NULL, 0, 1);
	}
}

static void
wait_waiting(const struct end *e, uint64_t waiting)
{
	for (int i = 0; count(e).waiting != waiting; i++) {
		ck_assert_int_lt(i, PATIENCE_MS);
		(void)poll(NULL, 0, 1);
	}
}

static void
wait_state(const struct end *e, int state)
{
	for (int i = 0; count(e).state != state; i++) {
		ck_assert_int_lt(i, PATIENCE_MS);
		(void)poll(NULL, 0, 1);
	}
}

/* --- tests, each for both sides ------------------------------------------ */

START_TEST(nothing_done_counts_nothing)
{
	open_pair((enum tcp_side)_i);
	check(&us, TCP_ESTABLISHED);
	check(&peer, TCP_ESTABLISHED);
}
END_TEST

START_TEST(unread_bytes_are_not_taken)
{
	open_pair((enum tcp_side)_i);
	put(&us, 1000);
	put(&us, 1);
	put(&peer, 500);
	get(&us, 200);
	get(&peer, 700);
	wait_waiting(&us, 300);
	wait_waiting(&peer, 301);
	wait_acked(&us, 1001);
	check(&us, TCP_ESTABLISHED);
	check(&peer, TCP_ESTABLISHED);
}
END_TEST

START_TEST(a_full_queue_is_sent)
{
	struct tcp_count c;

	open_pair((enum tcp_side)_i);
	fill(&us);
	c = check(&us, TCP_ESTABLISHED);
	ck_assert_uint_gt(c.sent, c.acked);
	get(&peer, 3000);
	fill(&us);
	check(&us, TCP_ESTABLISHED);
	get(&peer, us.sent - peer.taken);
	wait_acked(&us, us.sent);
	check(&us, TCP_ESTABLISHED);
	check(&peer, TCP_ESTABLISHED);
}
END_TEST

START_TEST(urgent_bytes_count_like_others)
{
	open_pair((enum tcp_side)_i);
	put(&peer, 10);
	ck_assert_int_eq(send(peer.fd, "!", 1, MSG_OOB), 1);
	peer.sent++;
	put(&peer, 10);
	wait_waiting(&us, 21);
	check(&us, TCP_ESTABLISHED);
	get(&us, 15);
	check(&us, TCP_ESTABLISHED);
	check(&peer, TCP_ESTABLISHED);
}
END_TEST

START_TEST(the_end_of_the_peer_is_no_byte)
{
	open_pair((enum tcp_side)_i);
	put(&us, 77);
	finish(&peer);
	wait_for(us.fd, POLLRDHUP);
	check(&us, TCP_CLOSE_WAIT);
	ck_assert_int_eq(recv(us.fd, &(char){ 0 }, 1, 0), 0);
	check(&us, TCP_CLOSE_WAIT);
	put(&us, 5);
	check(&us, TCP_CLOSE_WAIT);
}
END_TEST

START_TEST(bytes_ahead_of_the_end_may_be_unread)
{
	struct tcp_count c;

	open_pair((enum tcp_side)_i);
	put(&peer, 1000);
	finish(&peer);
	wait_for(us.fd, POLLRDHUP);
	c = check(&us, TCP_CLOSE_WAIT);
	ck_assert_uint_eq(c.waiting, 1000);
	get(&us, 999);
	c = check(&us, TCP_CLOSE_WAIT);
	ck_assert_uint_eq(c.waiting, 1);
	get(&us, 1);
	c = check(&us, TCP_CLOSE_WAIT);
	ck_assert_uint_eq(c.waiting, 0);
}
END_TEST

/* A reset is no end; what was sent and taken is known all the same. */
START_TEST(a_reset_is_told)
{
	struct tcp_count c;
	uint64_t acked;

	open_pair((enum tcp_side)_i);
	put(&peer, 1000);
	get(&us, 300);
	fill(&us);
	acked = count(&us).acked;
	reset(&peer);
	wait_for(us.fd, POLLHUP);
	c = check(&us, TCP_CLOSE);
	ck_assert_uint_eq(c.waiting, 700);
	ck_assert_uint_ge(c.acked, acked);
	/* Unlike elsewhere, the bytes are still there. */
	get(&us, 700);
	check(&us, TCP_CLOSE);
	ck_assert_int_eq(recv(us.fd, &(char){ 0 }, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	/* And once the error is taken, only the state tells. */
	ck_assert_int_eq(recv(us.fd, &(char){ 0 }, 1, 0), 0);
	check(&us, TCP_CLOSE);
}
END_TEST

START_TEST(a_reset_after_the_end_counts_it)
{
	struct tcp_count c;

	open_pair((enum tcp_side)_i);
	put(&peer, 1000);
	put(&us, 1);
	finish(&peer);
	wait_for(us.fd, POLLRDHUP);
	get(&us, 300);
	reset(&peer);
	wait_for(us.fd, POLLHUP);
	c = count(&us);
	ck_assert(c.reset && !c.peer_closed);
	ck_assert_uint_eq(c.sent, 1);
	ck_assert_uint_eq(c.waiting, 700);
	ck_assert_uint_eq(c.taken, 301); /* nothing tells the FIN */
}
END_TEST

/* Own ends: no part of the promise, but what they add is known. */
START_TEST(an_own_end_is_no_byte)
{
	open_pair((enum tcp_side)_i);
	put(&us, 100);
	get(&peer, 100);
	finish(&us);
	wait_for(peer.fd, POLLRDHUP);
	wait_state(&us, TCP_FIN_WAIT2);
	ck_assert_uint_eq(count(&us).acked, 100);
	check(&us, TCP_FIN_WAIT2);
	put(&peer, 50);
	wait_waiting(&us, 50);
	check(&us, TCP_FIN_WAIT2);
	finish(&peer);
	wait_for(us.fd, POLLIN);
}
END_TEST

START_TEST(an_own_end_may_wait_behind_bytes)
{
	open_pair((enum tcp_side)_i);
	fill(&us);
	finish(&us);
	check(&us, TCP_FIN_WAIT1);
	put(&peer, 10);
	finish(&peer);
	wait_for(us.fd, POLLRDHUP);
	wait_state(&us, TCP_CLOSING);
	get(&us, 4);
	check(&us, TCP_CLOSING);
}
END_TEST

START_TEST(the_last_ack_may_wait_behind_bytes)
{
	open_pair((enum tcp_side)_i);
	put(&peer, 10);
	finish(&peer);
	wait_for(us.fd, POLLRDHUP);
	fill(&us);
	finish(&us);
	check(&us, TCP_LAST_ACK);
	get(&us, 4);
	check(&us, TCP_LAST_ACK);
}
END_TEST

/* A segment, which also acknowledges what was sent. */
static void
peer_puts(void)
{
	put(&peer, 100);
}

START_TEST(a_segment_in_between_is_counted_whole)
{
	open_pair((enum tcp_side)_i);
	put(&us, 70);
	in_between = peer_puts;
	check(&us, TCP_ESTABLISHED);
	ck_assert_ptr_null(in_between);
	ck_assert_uint_eq(peer.sent, 100);
	get(&us, 30);
	in_between = peer_puts;
	check(&us, TCP_ESTABLISHED);
}
END_TEST

/* Counted while a process writes without a pause. */
START_TEST(the_parts_belong_together)
{
	int status;
	pid_t pid;

	open_pair((enum tcp_side)_i);
	pid = fork();
	if (pid == 0) {
		static const char bytes[1234];

		(void)fcntl(peer.fd, F_SETFL, 0);
		for (int i = 0; i < 2000; i++)
			if (send(peer.fd, bytes, sizeof(bytes), 0) < 0)
				_exit(1);
		_exit(0);
	}
	for (int i = 0; i < 20000; i++) {
		if (i % 10 == 0 && us.taken < 1234 * 2000)
			get(&us, 1234);
		check(&us, TCP_ESTABLISHED);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* --- no connection ------------------------------------------------------- */

START_TEST(a_connect_under_way_has_no_bytes)
{
	struct sockaddr_in a;
	struct tcp_count c;
	int first, others[8];

	listen_somewhere(&a);
	first = dial(&a);
	wait_for(first, POLLOUT);
	/* The listener's queue takes one or two. */
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		others[i] = dial(&a);
	us = (struct end){ others[7], TCP_CONNECTED, 0, 0 };
	c = count(&us);
	ck_assert(c.connecting && !c.reset && !c.peer_closed);
	ck_assert_int_eq(c.state, TCP_SYN_SENT);
	ck_assert(c.sent == 0 && c.taken == 0 && c.acked == 0);
	fd_close(&first);
	for (size_t i = 0; i < ARRAY_LEN(others) - 1; i++)
		fd_close(&others[i]);
}
END_TEST

START_TEST(a_refused_connect_has_no_bytes)
{
	struct sockaddr_in a;
	const struct linger now = { .l_onoff = 1 };

	listen_somewhere(&a);
	fd_close(&listener);
	us = (struct end){ new_socket(), TCP_CONNECTED, 0, 0 };
	(void)setsockopt(us.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	if (connect(us.fd, (const struct sockaddr *)&a, sizeof(a)) < 0 &&
	    errno == EINPROGRESS)
		wait_for(us.fd, POLLHUP);
	check(&us, TCP_CLOSE);
}
END_TEST

START_TEST(what_is_no_connection_is_refused)
{
	struct tcp_count c = { .sent = 77 };
	struct sockaddr_in a;
	int fds[2], fd;

	listen_somewhere(&a);
	ck_assert_int_lt(tcp_count(listener, TCP_ACCEPTED, &c), 0);
	fd = open("/dev/null", O_RDWR);
	ck_assert_int_eq(tcp_count(fd, TCP_ACCEPTED, &c), -ENOTSOCK);
	fd_close(&fd);
	ck_assert_int_eq(tcp_count(-1, TCP_ACCEPTED, &c), -EBADF);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_lt(tcp_count(fds[0], TCP_ACCEPTED, &c), 0);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_lt(tcp_count(fd, TCP_ACCEPTED, &c), 0);
	fd_close(&fd);
	ck_assert_uint_eq(c.sent, 77);
}
END_TEST

/* The side decides whether a SYN is among the bytes: a wrong one shows. */
START_TEST(impossible_values_are_refused)
{
	struct tcp_count c;

	open_pair(TCP_ACCEPTED);
	ck_assert_int_eq(tcp_count(us.fd, TCP_CONNECTED, &c), -ERANGE);
}
END_TEST

START_TEST(this_kernel_counts_right)
{
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(tcp_count_self_test(), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tcp_count");
	TCase *tc = tcase_create("connections");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	/* i is an enum tcp_side */
	tcase_add_loop_test(tc, nothing_done_counts_nothing, 0, 2);
	tcase_add_loop_test(tc, unread_bytes_are_not_taken, 0, 2);
	tcase_add_loop_test(tc, a_full_queue_is_sent, 0, 2);
	tcase_add_loop_test(tc, urgent_bytes_count_like_others, 0, 2);
	tcase_add_loop_test(tc, the_end_of_the_peer_is_no_byte, 0, 2);
	tcase_add_loop_test(tc, bytes_ahead_of_the_end_may_be_unread, 0, 2);
	tcase_add_loop_test(tc, a_reset_is_told, 0, 2);
	tcase_add_loop_test(tc, a_reset_after_the_end_counts_it, 0, 2);
	tcase_add_loop_test(tc, an_own_end_is_no_byte, 0, 2);
	tcase_add_loop_test(tc, an_own_end_may_wait_behind_bytes, 0, 2);
	tcase_add_loop_test(tc, the_last_ack_may_wait_behind_bytes, 0, 2);
	tcase_add_loop_test(tc, a_segment_in_between_is_counted_whole, 0, 2);
	tcase_add_loop_test(tc, the_parts_belong_together, 0, 2);
	suite_add_tcase(suite, tc);
	tc = tcase_create("no connection");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_connect_under_way_has_no_bytes);
	tcase_add_test(tc, a_refused_connect_has_no_bytes);
	tcase_add_test(tc, what_is_no_connection_is_refused);
	tcase_add_test(tc, impossible_values_are_refused);
	tcase_add_test(tc, this_kernel_counts_right);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
