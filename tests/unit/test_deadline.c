/*
 * test_deadline.c - lists of time limits: none comes early, all come in
 * order, and what callbacks do to the list while it is walked.
 */
#include "config.h"

#include <check.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/sc.h"
#include "tests/unit/unit.h"
#include "worker/deadline.h"

#define LENGTH_MS 30u
#define COUNT 5

static struct ev_loop *loop;
static struct deadline_list list;
static struct deadline deadlines[COUNT];

/* Which came, in order, and when. */
static struct {
	const struct deadline *which;
	uint64_t at_ms;
} came[COUNT * 2];
static size_t came_count;
static void (*then)(struct deadline *d);

static uint64_t
now_ms(void)
{
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
on_due(struct deadline *d)
{
	ck_assert_ptr_null(d->next);
	ck_assert_uint_lt(came_count, ARRAY_LEN(came));
	came[came_count].which = d;
	came[came_count].at_ms = now_ms();
	came_count++;
	if (then != NULL)
		then(d);
}

static void
setup(void)
{
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(loop);
	deadline_list_init(&list, loop, LENGTH_MS, on_due);
	memset(deadlines, 0, sizeof(deadlines));
	came_count = 0;
	then = NULL;
}

static void
teardown(void)
{
	ev_loop_destroy(loop);
}

/* Until nothing is left to wait for: an armed timer holds the loop. */
static void
run(void)
{
	(void)ev_run(loop, 0);
}

static void
set_all(void)
{
	for (size_t i = 0; i < COUNT; i++)
		deadline_set(&deadlines[i], &list);
}

START_TEST(they_come_once_in_order_and_not_early)
{
	uint64_t begun = now_ms();

	set_all();
	run();
	ck_assert_uint_eq(came_count, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		ck_assert_ptr_eq(came[i].which, &deadlines[i]);
		ck_assert_uint_ge(came[i].at_ms - begun, LENGTH_MS);
	}
	/* The loop ended: no timer runs for an empty list. */
	ck_assert(!ev_is_active(&list.timer));
}
END_TEST

START_TEST(what_is_cancelled_does_not_come)
{
	set_all();
	deadline_cancel(&deadlines[0]);
	deadline_cancel(&deadlines[3]);
	deadline_cancel(&deadlines[3]);
	run();
	ck_assert_uint_eq(came_count, COUNT - 2);
	ck_assert_ptr_eq(came[0].which, &deadlines[1]);
	ck_assert_ptr_eq(came[2].which, &deadlines[4]);
}
END_TEST

START_TEST(all_cancelled_is_nothing_to_wait_for)
{
	set_all();
	for (size_t i = 0; i < COUNT; i++)
		deadline_cancel(&deadlines[i]);
	run();
	ck_assert_uint_eq(came_count, 0);
}
END_TEST

/* Set again is set from now: last in the list. */
START_TEST(setting_again_moves)
{
	set_all();
	deadline_set(&deadlines[1], &list);
	run();
	ck_assert_uint_eq(came_count, COUNT);
	ck_assert_ptr_eq(came[0].which, &deadlines[0]);
	ck_assert_ptr_eq(came[1].which, &deadlines[2]);
	ck_assert_ptr_eq(came[COUNT - 1].which, &deadlines[1]);
}
END_TEST

START_TEST(a_deadline_leaves_its_list_for_another)
{
	struct deadline_list never;

	deadline_list_init(&never, loop, 0, on_due);
	set_all();
	deadline_set(&deadlines[2], &never);
	ck_assert_ptr_null(deadlines[2].next);
	run();
	ck_assert_uint_eq(came_count, COUNT - 1);
}
END_TEST

/* A change of length counts from the next one on. */
START_TEST(the_length_can_change)
{
	uint64_t begun = now_ms();

	deadline_set(&deadlines[0], &list);
	deadline_list_set_length(&list, 3 * LENGTH_MS);
	deadline_set(&deadlines[1], &list);
	deadline_list_set_length(&list, 0);
	deadline_set(&deadlines[2], &list);
	run();
	ck_assert_uint_eq(came_count, 2);
	ck_assert_ptr_eq(came[0].which, &deadlines[0]);
	ck_assert_uint_ge(came[1].at_ms - begun, 3 * LENGTH_MS);
}
END_TEST

static void
cancel_the_next(struct deadline *d)
{
	if (d == &deadlines[0])
		deadline_cancel(&deadlines[1]);
}

START_TEST(a_callback_may_cancel_one_that_is_due)
{
	then = cancel_the_next;
	set_all();
	run();
	ck_assert_uint_eq(came_count, COUNT - 1);
	ck_assert_ptr_eq(came[1].which, &deadlines[2]);
}
END_TEST

static void
set_once_more(struct deadline *d)
{
	if (came_count <= COUNT)
		deadline_set(d, &list);
}

START_TEST(a_callback_may_set_it_again)
{
	then = set_once_more;
	set_all();
	run();
	ck_assert_uint_eq(came_count, 2 * COUNT);
	for (size_t i = 0; i < COUNT; i++)
		ck_assert_uint_ge(
		    came[i + COUNT].at_ms - came[i].at_ms, LENGTH_MS);
}
END_TEST

static void
cancel_the_first(struct ev_loop *l, ev_io *io, int revents)
{
	(void)revents;
	deadline_cancel(&deadlines[0]);
	ev_io_stop(l, io);
}

/* Both are ready in the same turn, as after an adoption that took long. */
START_TEST(what_has_come_in_comes_first)
{
	uint64_t begun = now_ms();
	ev_io io;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	deadline_set_since(&deadlines[0], &list, begun - 2 * LENGTH_MS);
	ev_io_init(&io, cancel_the_first, fds[0], EV_READ);
	ev_io_start(loop, &io);
	run();
	ck_assert_uint_eq(came_count, 0);
	ck_assert_int_eq(close(fds[0]), 0);
	ck_assert_int_eq(close(fds[1]), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("deadline");
	TCase *tc = tcase_create("deadline");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, they_come_once_in_order_and_not_early);
	tcase_add_test(tc, what_is_cancelled_does_not_come);
	tcase_add_test(tc, all_cancelled_is_nothing_to_wait_for);
	tcase_add_test(tc, setting_again_moves);
	tcase_add_test(tc, a_deadline_leaves_its_list_for_another);
	tcase_add_test(tc, the_length_can_change);
	tcase_add_test(tc, a_callback_may_cancel_one_that_is_due);
	tcase_add_test(tc, a_callback_may_set_it_again);
	tcase_add_test(tc, what_has_come_in_comes_first);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
