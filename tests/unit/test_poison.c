/*
 * test_poison.c - bytes that workers die of.
 */
#include "config.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "common/sc.h"
#include "supervisor/poison.h"

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

static const struct shm_hand here = { HAND_UPSTREAM, 3, 7, -1, 100 };

START_TEST(second_death_at_one_place_is_enough)
{
	struct poison p = { .deaths = 0 };

	ck_assert_ptr_null(poison_verdict(&p));
	poison_note(&p, &here, true);
	ck_assert_ptr_null(poison_verdict(&p));
	poison_note(&p, &here, false);
	ck_assert_ptr_null(poison_verdict(&p));
	poison_note(&p, &here, true);
	ck_assert_ptr_nonnull(poison_verdict(&p));
	ck_assert_uint_eq(poison_verdict(&p)->slot, 3);
}
END_TEST

static const struct shm_hand elsewhere[] = {
	{ HAND_CLIENT, 3, 7, -1, 100 },
	{ HAND_UPSTREAM, 4, 7, -1, 100 },
	{ HAND_UPSTREAM, 3, 8, -1, 100 },
	{ HAND_UPSTREAM, 3, 7, -1, 101 },
};

START_TEST(another_place_begins_anew)
{
	struct poison p = { .deaths = 0 };

	poison_note(&p, &here, true);
	poison_note(&p, &elsewhere[_i], true);
	ck_assert_ptr_null(poison_verdict(&p));
	poison_note(&p, &here, true);
	ck_assert_ptr_null(poison_verdict(&p));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("poison");
	TCase *tc = tcase_create("poison");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(
	    tc, fault_is_told_from_violence, 0, ARRAY_LEN(faults));
	tcase_add_test(tc, second_death_at_one_place_is_enough);
	tcase_add_loop_test(
	    tc, another_place_begins_anew, 0, ARRAY_LEN(elsewhere));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
