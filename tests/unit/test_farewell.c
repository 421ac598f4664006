/*
 * test_farewell.c - clients that have left are told of once each, in order,
 * in few messages, and soon.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <sys/socket.h>

#include "common/fd.h"
#include "tests/unit/unit.h"
#include "worker/farewell.h"

static struct farewell farewell;
static struct channel channel;
static struct ev_loop *loop;
static int supervisor;

static void
ignore(void *context)
{
	(void)context;
}

static void
setup(void)
{
	int ends[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(fd_set_nonblock(ends[0]), 0);
	ck_assert_int_eq(fd_set_nonblock(ends[1]), 0);
	supervisor = ends[0];
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(loop);
	channel.on_flushed = ignore;
	channel.on_closed = ignore;
	channel_init(&channel, loop, ends[1]);
	farewell_init(&farewell, loop, &channel);
}

static void
teardown(void)
{
	channel_fini(&channel);
	ev_loop_destroy(loop);
	fd_close(&supervisor);
}

/* The next message: `count` clients, those of slot `first` and on. */
static void
check_told(uint32_t first, uint32_t count)
{
	struct msg m;
	int fd;

	ck_assert_int_eq(msg_receive(supervisor, FROM_WORKER, &m, &fd), 1);
	ck_assert_int_eq(m.head.type, MSG_LEFT);
	ck_assert_uint_eq(m.body.LEFT.count, count);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_uint_eq(m.body.LEFT.item[i].slot, first + i);
		ck_assert_uint_eq(
		    m.body.LEFT.item[i].generation, 7 * (first + i));
	}
}

static bool
is_silent(void)
{
	struct msg m;
	int fd;

	return msg_receive(supervisor, FROM_WORKER, &m, &fd) == -EAGAIN;
}

static void
leave(uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		farewell_say(&farewell, i, 7 * i);
}

START_TEST(many_are_told_at_once)
{
	leave(0, MSG_SLOTS_MAX - 1);
	ck_assert(is_silent());
	leave(MSG_SLOTS_MAX - 1, 3);
	check_told(0, MSG_SLOTS_MAX);
	ck_assert(is_silent());
	farewell_flush(&farewell);
	check_told(MSG_SLOTS_MAX, 2);
	farewell_flush(&farewell);
	ck_assert(is_silent());
}
END_TEST

/* One alone waits for no other: the loop, left to itself, tells of it. */
START_TEST(a_few_are_told_soon)
{
	leave(5, 2);
	while (ev_is_active(&farewell.timer))
		(void)ev_run(loop, EVRUN_ONCE);
	check_told(5, 2);
	ck_assert(is_silent());
	leave(9, 1);
	ck_assert(ev_is_active(&farewell.timer));
}
END_TEST

START_TEST(without_a_supervisor_nobody_is_told)
{
	fd_close(&supervisor);
	leave(0, 3 * MSG_SLOTS_MAX + 1);
	farewell_flush(&farewell);
	ck_assert_uint_eq(farewell.msg.body.LEFT.count, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("farewell");
	TCase *tc = tcase_create("farewell");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, many_are_told_at_once);
	tcase_add_test(tc, a_few_are_told_soon);
	tcase_add_test(tc, without_a_supervisor_nobody_is_told);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
