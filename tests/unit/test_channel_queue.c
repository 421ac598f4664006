/*
 * test_channel_queue.c - messages that wait until a channel has room.
 */
#include "config.h"

#include <check.h>
#include <errno.h>

#include "supervisor/channel_queue.h"
#include "tests/unit/unit.h"

#define LIMIT 1000

static struct channel_queue queue;

static void
setup(void)
{
	channel_queue_init(&queue, LIMIT);
}

static void
teardown(void)
{
	channel_queue_fini(&queue);
}

static int
push(uint32_t slot)
{
	struct msg m;

	msg_init(&m, MSG_END_SESSION);
	m.body.END_SESSION.slot = slot;
	return channel_queue_push(&queue, &m);
}

/* Remove the first message: its slot. */
static uint32_t
pop(void)
{
	const struct msg *m = channel_queue_peek(&queue);
	uint32_t slot;

	ck_assert_ptr_nonnull(m);
	slot = m->body.END_SESSION.slot;
	channel_queue_pop(&queue);
	return slot;
}

START_TEST(first_in_first_out_however_it_grows)
{
	uint32_t in = 0, out = 0;

	ck_assert(channel_queue_is_empty(&queue));
	ck_assert_ptr_null(channel_queue_peek(&queue));
	/* Grows while it is wrapped around. */
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 7; i++)
			ck_assert_int_eq(push(in++), 0);
		for (int i = 0; i < 3; i++)
			ck_assert_uint_eq(pop(), out++);
	}
	while (!channel_queue_is_empty(&queue))
		ck_assert_uint_eq(pop(), out++);
	ck_assert_uint_eq(in, out);
	ck_assert_int_eq(push(1), 0);
	ck_assert_uint_eq(pop(), 1);
}
END_TEST

START_TEST(limit_holds)
{
	for (uint32_t i = 0; i < LIMIT; i++)
		ck_assert_int_eq(push(i), 0);
	ck_assert_int_eq(push(LIMIT), -ENOBUFS);
	ck_assert_uint_eq(pop(), 0);
	ck_assert_int_eq(push(LIMIT), 0);
	for (uint32_t i = 1; i <= LIMIT; i++)
		ck_assert_uint_eq(pop(), i);
	ck_assert(channel_queue_is_empty(&queue));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("channel_queue");
	TCase *tc = tcase_create("channel_queue");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, first_in_first_out_however_it_grows);
	tcase_add_test(tc, limit_holds);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
