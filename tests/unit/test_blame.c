/*
 * test_blame.c - what a dead worker was doing: what it noted, and with garbage
 * in its slot nothing worse than garbage.
 */
#include "config.h"

#include <check.h>
#include <string.h>

#include "common/record.h"
#include "supervisor/blame.h"
#include "tests/unit/unit.h"

#define COUNT 20
#define SLOT 5
#define GENERATION 9
#define WORKER 2

static struct shm shm;
static struct shm_worker *worker;
static struct blame blame;

static void
setup(void)
{
	struct shm_sizes sizes = { COUNT, COUNT, COUNT, COUNT, 4096 };

	ck_assert_int_eq(shm_create(&sizes, &shm), 0);
	worker = &shm.workers[WORKER];
}

static void
teardown(void)
{
	shm_fini(&shm);
}

static void
note(uint32_t task, uint32_t kind, uint32_t slot, uint32_t generation)
{
	worker->work = (struct shm_work){ task, kind, slot, generation };
	blame_read(&shm, WORKER, &blame);
}

START_TEST(idle_worker_was_at_nothing)
{
	blame_read(&shm, WORKER, &blame);
	ck_assert_uint_eq(blame.task, WORK_IDLE);
	ck_assert_uint_eq(blame.place.kind, WORK_ON_NOTHING);
	ck_assert_str_eq(blame.about, "");
	ck_assert_str_eq(blame.trace, "");
	ck_assert_str_eq(blame.build_id, "");
}
END_TEST

START_TEST(client_is_found_with_its_position)
{
	struct client_state *next;

	shm.clients[SLOT].generation = GENERATION;
	next = RECORD_BEGIN(&shm.clients[SLOT]);
	next->taken = 77;
	RECORD_COMMIT(&shm.clients[SLOT]);
	RECORD_NEXT(&shm.clients[SLOT])->taken = 99;
	note(WORK_TIMER, WORK_ON_CLIENT, SLOT, GENERATION);
	ck_assert_uint_eq(blame.task, WORK_TIMER);
	ck_assert_uint_eq(blame.place.kind, WORK_ON_CLIENT);
	ck_assert_uint_eq(blame.place.slot, SLOT);
	ck_assert_uint_eq(blame.place.generation, GENERATION);
	ck_assert_uint_eq(blame.place.position, 77);
	ck_assert_str_eq(blame.about, "client 5");
}
END_TEST

START_TEST(stream_is_found_with_its_position)
{
	struct stream_state *next;

	shm.streams[SLOT].generation = GENERATION;
	shm.streams[SLOT].id = 0x1f;
	next = RECORD_BEGIN(&shm.streams[SLOT]);
	next->up_taken = 4321;
	RECORD_COMMIT(&shm.streams[SLOT]);
	note(WORK_SEND_CLIENT, WORK_ON_STREAM, SLOT, GENERATION);
	ck_assert_uint_eq(blame.place.kind, WORK_ON_STREAM);
	ck_assert_uint_eq(blame.place.position, 4321);
	ck_assert_str_eq(blame.about, "stream 1f");
}
END_TEST

START_TEST(session_is_found_and_shown_in_print)
{
	shm.sessions[SLOT].generation = GENERATION;
	atomic_store(&shm.sessions[SLOT].used_ms, 12);
	shm.sessions[SLOT].id_len = 12;
	memcpy(shm.sessions[SLOT].id, "ab\033cd efghij", 12);
	note(WORK_ADOPT, WORK_ON_SESSION, SLOT, GENERATION);
	ck_assert_uint_eq(blame.place.kind, WORK_ON_SESSION);
	ck_assert_uint_eq(blame.place.position, 12);
	ck_assert_str_eq(blame.about, "session ab?cd?");
	shm.sessions[SLOT].id_len = UINT16_MAX;
	note(WORK_ADOPT, WORK_ON_SESSION, SLOT, GENERATION);
	ck_assert_str_eq(blame.about, "session ab?cd?ef");
}
END_TEST

static const struct shm_work garbage[] = {
	{ WORK_TIMER, WORK_ON_CLIENT, COUNT, 0 },
	{ WORK_TIMER, WORK_ON_STREAM, COUNT, 0 },
	{ WORK_TIMER, WORK_ON_SESSION, UINT32_MAX, 0 },
	{ WORK_TIMER, WORK_ON_STREAM, SLOT, GENERATION + 1 },
	{ WORK_TIMER, WORK_KIND_COUNT, 0, 0 },
	{ WORK_TIMER, UINT32_MAX, UINT32_MAX, UINT32_MAX },
};

START_TEST(what_is_no_record_is_not_blamed)
{
	shm.streams[SLOT].generation = GENERATION;
	note(garbage[_i].task, garbage[_i].kind, garbage[_i].slot,
	    garbage[_i].generation);
	ck_assert_uint_eq(blame.place.kind, WORK_ON_NOTHING);
	ck_assert_uint_eq(blame.place.slot, 0);
	ck_assert_str_eq(blame.about, "");
}
END_TEST

START_TEST(what_is_no_task_is_idle)
{
	note(WORK_TASK_COUNT, WORK_ON_NOTHING, 0, 0);
	ck_assert_uint_eq(blame.task, WORK_IDLE);
	note(UINT32_MAX, WORK_ON_NOTHING, 0, 0);
	ck_assert_uint_eq(blame.task, WORK_IDLE);
}
END_TEST

START_TEST(trace_is_written_out)
{
	struct shm_trace *t = &worker->trace;

	t->signal = 11;
	t->count = 2;
	strcpy(t->frames[0].module, "shadowcat");
	t->frames[0].offset = 0x1234;
	strcpy(t->frames[1].module, "libc.so.6");
	t->frames[1].offset = 0xabc;
	t->build_id_len = 2;
	t->build_id[0] = 0x0f;
	t->build_id[1] = 0xa0;
	blame_read(&shm, WORKER, &blame);
	ck_assert_str_eq(blame.trace, "shadowcat+0x1234 libc.so.6+0xabc");
	ck_assert_str_eq(blame.build_id, "0fa0");
	/* One that no signal has come to has a build id alone. */
	t->signal = 0;
	blame_read(&shm, WORKER, &blame);
	ck_assert_str_eq(blame.trace, "");
	ck_assert_str_eq(blame.build_id, "0fa0");
}
END_TEST

START_TEST(wild_trace_is_bounded)
{
	memset(&worker->trace, 0xff, sizeof(worker->trace));
	blame_read(&shm, WORKER, &blame);
	ck_assert_uint_lt(strlen(blame.trace), sizeof(blame.trace));
	ck_assert_ptr_nonnull(strstr(blame.trace, "???+0xffffffffffffffff "));
	ck_assert_uint_eq(strlen(blame.build_id), sizeof(blame.build_id) - 1);
	for (const char *p = blame.trace; *p != '\0'; p++)
		ck_assert(*p >= ' ' && *p <= '~');
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("blame");
	TCase *tc = tcase_create("blame");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, idle_worker_was_at_nothing);
	tcase_add_test(tc, client_is_found_with_its_position);
	tcase_add_test(tc, stream_is_found_with_its_position);
	tcase_add_test(tc, session_is_found_and_shown_in_print);
	tcase_add_loop_test(tc, what_is_no_record_is_not_blamed, 0,
	    sizeof(garbage) / sizeof(garbage[0]));
	tcase_add_test(tc, what_is_no_task_is_idle);
	tcase_add_test(tc, trace_is_written_out);
	tcase_add_test(tc, wild_trace_is_bounded);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
