/*
 * test_placement.c - which worker a new connection goes to.
 */
#include "config.h"

#include <check.h>

#include "common/sc.h"
#include "supervisor/placement.h"
#include "tests/unit/unit.h"

#define WORKERS 3

/* clang-format off */
static const struct {
	struct placement workers[WORKERS];
	uint32_t want;
} rows[] = {
	/* the fewest */
	{ { { WORKER_READY, 5 }, { WORKER_READY, 3 }, { WORKER_READY, 4 } },
	    1 },
	/* the first of equals */
	{ { { WORKER_READY, 0 }, { WORKER_READY, 0 }, { WORKER_READY, 0 } },
	    0 },
	{ { { WORKER_READY, 2 }, { WORKER_READY, 1 }, { WORKER_READY, 1 } },
	    1 },
	/* none that is not ready, however idle */
	{ { { WORKER_STARTING, 0 }, { WORKER_READY, 9 }, { WORKER_DEAD, 0 } },
	    1 },
	{ { { WORKER_LEAVING, 0 }, { WORKER_EMPTY, 0 },
	      { WORKER_READY, UINT32_MAX } }, 2 },
	/* nobody */
	{ { { WORKER_DEAD, 0 }, { WORKER_STARTING, 0 },
	      { WORKER_LEAVING, 0 } }, PLACEMENT_NONE },
};
/* clang-format on */

START_TEST(ready_worker_with_fewest_is_chosen)
{
	ck_assert_uint_eq(
	    placement_choose(rows[_i].workers, WORKERS), rows[_i].want);
}
END_TEST

START_TEST(no_workers_no_choice)
{
	ck_assert_uint_eq(placement_choose(rows[0].workers, 0), PLACEMENT_NONE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("placement");
	TCase *tc = tcase_create("placement");

	tcase_add_loop_test(
	    tc, ready_worker_with_fewest_is_chosen, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, no_workers_no_choice);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
