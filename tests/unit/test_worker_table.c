/*
 * test_worker_table.c - what the supervisor knows of its workers.
 */
#include "config.h"

#include <check.h>
#include <signal.h>
#include <stdatomic.h>

#include "common/claim.h"
#include "supervisor/worker_table.h"
#include "tests/unit/unit.h"

#define WORKERS 3

static struct worker_table table;
static struct shm_worker mirror[WORKERS];

static void
setup(void)
{
	ck_assert_int_eq(worker_table_init(&table, WORKERS, mirror), 0);
}

static void
teardown(void)
{
	worker_table_fini(&table);
}

/* A process is born into a row. */
static struct worker_slot *
give_birth(uint32_t index, pid_t pid)
{
	struct worker_slot *w = &table.rows[index];

	w->generation++;
	worker_slot_born(&table, w, pid, 1000);
	return w;
}

START_TEST(life_is_mirrored)
{
	struct worker_slot *w = give_birth(1, 4711);

	ck_assert_uint_eq(atomic_load(&mirror[1].state), WORKER_STARTING);
	ck_assert_uint_eq(atomic_load(&mirror[1].pid), 4711);
	ck_assert_uint_eq(atomic_load(&mirror[1].generation), 1);
	ck_assert_uint_eq(atomic_load(&mirror[1].started_ms), 1000);
	worker_slot_set_state(&table, w, WORKER_READY);
	ck_assert_uint_eq(atomic_load(&mirror[1].state), WORKER_READY);
	worker_slot_died(&table, w);
	ck_assert_uint_eq(atomic_load(&mirror[1].state), WORKER_DEAD);
	ck_assert_uint_eq(atomic_load(&mirror[1].pid), 0);
	ck_assert_uint_eq(atomic_load(&mirror[0].state), WORKER_EMPTY);
}
END_TEST

START_TEST(processes_are_found_and_counted)
{
	struct worker_slot *w = give_birth(2, 4711);

	(void)give_birth(0, 4712);
	ck_assert_ptr_eq(worker_table_by_pid(&table, 4711), w);
	ck_assert_ptr_null(worker_table_by_pid(&table, 4713));
	ck_assert_uint_eq(worker_table_living(&table), 2);
	worker_slot_set_state(&table, w, WORKER_READY);
	ck_assert_uint_eq(worker_table_in_state(&table, WORKER_READY), 1);
	worker_slot_died(&table, w);
	ck_assert_uint_eq(worker_table_living(&table), 1);
	ck_assert_uint_eq(worker_table_in_state(&table, WORKER_READY), 0);
	ck_assert_ptr_null(worker_table_by_pid(&table, 4711));
}
END_TEST

START_TEST(owner_ids_tell_rows_and_generations_apart)
{
	struct worker_slot *w = give_birth(0, 1);
	uint32_t first = worker_slot_owner_id(w);

	worker_slot_died(&table, w);
	(void)give_birth(0, 2);
	ck_assert_uint_ne(worker_slot_owner_id(w), first);
	ck_assert_uint_eq(owner_worker(worker_slot_owner_id(w)), 0);
	ck_assert_uint_ne(worker_slot_owner_id(give_birth(1, 3)), first);
}
END_TEST

/* Whoever dies before it has adopted leaves its own dead behind, too. */
START_TEST(dead_are_remembered_until_they_are_adopted)
{
	struct worker_slot *w = &table.rows[0];
	uint32_t ids[20];

	for (int i = 0; i < 20; i++) {
		(void)give_birth(0, 100 + i);
		ids[i] = worker_slot_owner_id(w);
		worker_slot_died(&table, w);
	}
	ck_assert_uint_eq(w->dead_count, 20);
	ck_assert(worker_slot_adopted(w, ids[3]));
	ck_assert(!worker_slot_adopted(w, ids[3]));
	ck_assert(!worker_slot_adopted(w, 0));
	ck_assert_uint_eq(w->dead_count, 19);
	for (int i = 0; i < 20; i++)
		ck_assert(worker_slot_adopted(w, ids[i]) == (i != 3));
	ck_assert_uint_eq(w->dead_count, 0);
}
END_TEST

/* The pause of those who wait began with the first death. */
START_TEST(the_oldest_end_that_is_not_adopted_counts)
{
	struct worker_slot *w = give_birth(1, 1);
	uint32_t first = worker_slot_owner_id(w);

	worker_slot_ended(&table, w, 100);
	worker_slot_died(&table, w);
	(void)give_birth(1, 2);
	worker_slot_ended(&table, w, 200);
	worker_slot_died(&table, w);
	ck_assert_uint_eq(atomic_load(&mirror[1].ended_us), 100);
	(void)give_birth(1, 3);
	ck_assert(worker_slot_adopted(w, first));
	ck_assert(worker_slot_adopted(w, w->dead[0]));
	worker_slot_ended(&table, w, 300);
	ck_assert_uint_eq(atomic_load(&mirror[1].ended_us), 300);
}
END_TEST

START_TEST(restarts_are_counted)
{
	struct worker_slot *w = give_birth(0, 1);

	ck_assert_uint_eq(w->restarts, 0);
	for (int i = 1; i <= 3; i++) {
		worker_slot_died(&table, w);
		(void)give_birth(0, 1 + i);
		ck_assert_uint_eq(w->restarts, i);
	}
}
END_TEST

START_TEST(process_without_channel_is_not_reachable)
{
	ck_assert(!worker_slot_reachable(give_birth(0, 1)));
}
END_TEST

START_TEST(states_have_words)
{
	ck_assert_str_eq(worker_slot_state_name(WORKER_EMPTY), "empty");
	ck_assert_str_eq(worker_slot_state_name(WORKER_DEAD), "dead");
}
END_TEST

START_TEST(the_dead_do_not_get_ready)
{
	struct worker_slot *w = give_birth(0, 1);

	worker_slot_died(&table, w);
	worker_slot_set_state(&table, w, WORKER_READY);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("worker_table");
	TCase *tc = tcase_create("worker_table");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, life_is_mirrored);
	tcase_add_test(tc, processes_are_found_and_counted);
	tcase_add_test(tc, owner_ids_tell_rows_and_generations_apart);
	tcase_add_test(tc, dead_are_remembered_until_they_are_adopted);
	tcase_add_test(tc, the_oldest_end_that_is_not_adopted_counts);
	tcase_add_test(tc, restarts_are_counted);
	tcase_add_test(tc, process_without_channel_is_not_reachable);
	tcase_add_test(tc, states_have_words);
	tcase_add_test_raise_signal(tc, the_dead_do_not_get_ready, SIGABRT);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
