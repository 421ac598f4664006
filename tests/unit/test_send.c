/*
 * test_send.c - pieces arrive whole and in order, however many and long they
 * are; a full socket and a lost peer are told apart.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"
#include "tests/unit/unit.h"
#include "worker/send.h"

#define BYTES 8192

static char bytes[BYTES], got[BYTES];
static int ends[2];

static void
setup(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 31 + i / 256);
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static void
teardown(void)
{
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

/* clang-format off */
static const size_t rows[][3] = {
	{ 1, 0, 0 },
	{ 8192, 0, 0 },
	{ 100, 24, 500 },

	{ 2000, 40, 9 },
	{ 100, 8000, 92 },
};
/* clang-format on */

START_TEST(pieces_arrive_in_order)
{
	struct iovec iov[3];
	size_t all = 0;
	bool blocked = true;
	int count = 0;

	while (count < 3 && rows[_i][count] > 0) {
		iov[count].iov_base = bytes + all;
		iov[count].iov_len = rows[_i][count];
		all += rows[_i][count++];
	}
	ck_assert_int_eq(send_pieces(ends[0], iov, count, &blocked), all);
	ck_assert(!blocked);
	ck_assert_int_eq(recv(ends[1], got, sizeof(got), 0), all);
	ck_assert_mem_eq(got, bytes, all);
}
END_TEST

/* Until nothing goes any more: what went before is told, then none. */
START_TEST(a_full_socket_blocks)
{
	struct iovec iov[2] = { { bytes, BYTES / 2 },
		{ bytes + BYTES / 2, BYTES / 2 } };
	bool blocked = false;
	ssize_t n = 0;

	for (int turns = 0; !blocked && turns < 10000; turns++)
		n = send_pieces(ends[0], iov, 2, &blocked);
	ck_assert(blocked);
	ck_assert_int_ge(n, 0);
	ck_assert_int_lt(n, BYTES);
	blocked = false;
	ck_assert_int_eq(send_pieces(ends[0], iov, 1, &blocked), 0);
	ck_assert(blocked);
}
END_TEST

START_TEST(a_lost_peer_is_an_error)
{
	struct iovec iov[2] = { { bytes, 10 }, { bytes, 10 } };
	bool blocked;

	fd_close(&ends[1]);
	ck_assert_int_eq(send_pieces(ends[0], iov, _i, &blocked), -EPIPE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("send");
	TCase *tc = tcase_create("send");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, pieces_arrive_in_order, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, a_full_socket_blocks);
	tcase_add_loop_test(tc, a_lost_peer_is_an_error, 1, 3);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
