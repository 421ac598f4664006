/*
 * test_poison.c - records that workers die of.
 */
#include "config.h"

#include <check.h>
#include <signal.h>

#include "common/sc.h"
#include "supervisor/poison.h"
#include "tests/unit/unit.h"

static const struct {
	int wait_status;
	bool hung, want;
} faults[] = {
	{ SIGSEGV, false, true },
	{ SIGABRT | 0x80, false, true }, /* core dumped */
	{ SIGBUS, false, true },
	{ SIGKILL, false, false },
	{ SIGKILL, true, true },
	{ SIGTERM, false, false },
	{ 1 << 8, false, false },
	{ 0, false, false },
};

START_TEST(fault_is_told_from_violence)
{
	ck_assert_int_eq(
	    poison_is_fault(faults[_i].wait_status, faults[_i].hung),
	    faults[_i].want);
}
END_TEST

static const struct work_place here = { WORK_ON_STREAM, 3, 7, 100 };
static const struct work_place nowhere = { WORK_ON_NOTHING, 0, 0, 0 };

START_TEST(second_death_at_one_place_is_enough)
{
	struct work_verdict verdicts[POISON_SUSPECTS];
	struct poison p = { .next = 0 };

	ck_assert_uint_eq(poison_verdicts(&p, verdicts), 0);
	ck_assert_uint_eq(poison_note(&p, WORK_TIMER, &here), 1);
	ck_assert_uint_eq(poison_verdicts(&p, verdicts), 0);
	ck_assert_uint_eq(poison_note(&p, WORK_RECEIVE_UPSTREAM, &here), 2);
	ck_assert_uint_eq(poison_verdicts(&p, verdicts), 1);
	ck_assert_uint_eq(verdicts[0].place.slot, 3);
	ck_assert_uint_eq(verdicts[0].place.position, 100);
	ck_assert(!verdicts[0].is_final);
	/* It was not ended: then by force. */
	ck_assert_uint_eq(poison_note(&p, WORK_RECEIVE_UPSTREAM, &here), 3);
	ck_assert_uint_eq(poison_verdicts(&p, verdicts), 1);
	ck_assert(verdicts[0].is_final);
	poison_settled(&p);
	ck_assert_uint_eq(poison_verdicts(&p, verdicts), 0);
	ck_assert_uint_eq(poison_note(&p, WORK_TIMER, &here), 1);
}
END_TEST

static const struct {
	uint32_t first, second;
	bool is_final;
} tasks[] = {
	{ WORK_SEND_CLIENT, WORK_SEND_CLIENT, true },
	{ WORK_SEND_CLIENT, WORK_ADOPT, true },
	{ WORK_ADOPT, WORK_ADOPT, true },
	{ WORK_CONNECT, WORK_CONNECT, false },
	{ WORK_SEND_UPSTREAM, WORK_RECEIVE_UPSTREAM, false },
};

START_TEST(what_can_not_be_told_is_ended_by_force)
{
	struct work_verdict verdicts[POISON_SUSPECTS];
	struct poison p = { .next = 0 };

	poison_note(&p, tasks[_i].first, &here);
	poison_note(&p, tasks[_i].second, &here);
	ck_assert_uint_eq(poison_verdicts(&p, verdicts), 1);
	ck_assert_int_eq(verdicts[0].is_final, tasks[_i].is_final);
}
END_TEST

static const struct work_place elsewhere[] = {
	{ WORK_ON_CLIENT, 3, 7, 100 },
	{ WORK_ON_STREAM, 4, 7, 100 },
	{ WORK_ON_STREAM, 3, 8, 100 },
	{ WORK_ON_STREAM, 3, 7, 101 },
	{ WORK_ON_SESSION, 3, 7, 100 },
};

START_TEST(deaths_at_other_places_are_told_apart)
{
	struct work_verdict verdicts[POISON_SUSPECTS];
	struct poison p = { .next = 0 };

	poison_note(&p, WORK_TIMER, &here);
	poison_note(&p, WORK_TIMER, &elsewhere[_i]);
	ck_assert_uint_eq(poison_verdicts(&p, verdicts), 0);
	/* Two that take turns are both found. */
	poison_note(&p, WORK_TIMER, &here);
	ck_assert_uint_eq(poison_verdicts(&p, verdicts), 1);
	poison_note(&p, WORK_TIMER, &elsewhere[_i]);
	ck_assert_uint_eq(poison_verdicts(&p, verdicts), 2);
}
END_TEST

START_TEST(many_places_push_out_the_oldest)
{
	struct work_verdict verdicts[POISON_SUSPECTS];
	struct work_place place = here;
	struct poison p = { .next = 0 };

	for (uint32_t i = 0; i <= POISON_SUSPECTS; i++) {
		place.slot = i;
		ck_assert_uint_eq(poison_note(&p, WORK_TIMER, &place), 1);
	}
	place.slot = 0;
	ck_assert_uint_eq(poison_note(&p, WORK_TIMER, &place), 1);
	place.slot = POISON_SUSPECTS;
	ck_assert_uint_eq(poison_note(&p, WORK_TIMER, &place), 2);
	ck_assert_uint_eq(poison_verdicts(&p, verdicts), 1);
}
END_TEST

START_TEST(only_adoption_is_blamed_without_a_record)
{
	struct work_verdict verdicts[POISON_SUSPECTS];
	struct poison p = { .next = 0 };

	for (uint32_t task = 0; task < WORK_TASK_COUNT; task++) {
		if (task != WORK_ADOPT)
			ck_assert_uint_eq(poison_note(&p, task, &nowhere), 0);
	}
	ck_assert_uint_eq(poison_note(&p, WORK_ADOPT, &nowhere), 1);
	ck_assert_uint_eq(poison_note(&p, WORK_ADOPT, &nowhere), 2);
	ck_assert_uint_eq(poison_verdicts(&p, verdicts), 1);
	ck_assert(verdicts[0].is_final);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("poison");
	TCase *tc = tcase_create("poison");

	tcase_add_loop_test(
	    tc, fault_is_told_from_violence, 0, ARRAY_LEN(faults));
	tcase_add_test(tc, second_death_at_one_place_is_enough);
	tcase_add_loop_test(
	    tc, what_can_not_be_told_is_ended_by_force, 0, ARRAY_LEN(tasks));
	tcase_add_loop_test(
	    tc, deaths_at_other_places_are_told_apart, 0, ARRAY_LEN(elsewhere));
	tcase_add_test(tc, many_places_push_out_the_oldest);
	tcase_add_test(tc, only_adoption_is_blamed_without_a_record);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
