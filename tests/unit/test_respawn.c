/*
 * test_respawn.c - whether and when a worker that died gets a successor.
 */
#include "config.h"

#include <check.h>
#include <signal.h>

#include "common/sc.h"
#include "supervisor/respawn.h"
#include "tests/unit/unit.h"

/* wait(2)'s encoding on Linux. */
#define EXITED(code) ((code) << 8)

/* A worker that has served long enough, or not. */
#define LONG RESPAWN_SERVED_MS
#define SHORT (RESPAWN_SERVED_MS - 1)

/* clang-format off */
static const struct {
	const char *name;
	struct respawn_case c;
	struct respawn_decision want;
} rows[] = {
	{ "first death",
	    { .wait_status = SIGSEGV, .was_ready = true, .any_was_ready = true,
	      .served_ms = SHORT },
	    { RESPAWN_AFTER, 0, 1 } },
	{ "second in a row",
	    { .wait_status = SIGSEGV, .was_ready = true, .any_was_ready = true,
	      .served_ms = SHORT, .fails = 1 },
	    { RESPAWN_AFTER, 100, 2 } },
	{ "many in a row",
	    { .wait_status = SIGSEGV, .any_was_ready = true, .fails = 99 },
	    { RESPAWN_AFTER, 30000, 100 } },
	{ "a minute's service is a clean slate",
	    { .wait_status = SIGSEGV, .was_ready = true, .any_was_ready = true,
	      .served_ms = LONG, .fails = 99 },
	    { RESPAWN_AFTER, 0, 1 } },
	{ "shot from outside: nobody's fault",
	    { .wait_status = SIGKILL, .was_ready = true, .any_was_ready = true,
	      .served_ms = 1, .fails = 5 },
	    { RESPAWN_AFTER, 0, 0 } },
	{ "shot by us: its fault",
	    { .wait_status = SIGKILL, .was_ready = true, .any_was_ready = true,
	      .killed_by_us = true, .served_ms = 1, .fails = 5 },
	    { RESPAWN_AFTER, 1600, 6 } },
	{ "recycled: nobody's fault, and no merit either",
	    { .wait_status = SIGKILL, .was_ready = true, .any_was_ready = true,
	      .killed_by_us = true, .recycled = true, .served_ms = 1,
	      .fails = 5 },
	    { RESPAWN_AFTER, 0, 5 } },
	{ "recycled before it served",
	    { .wait_status = SIGKILL, .any_was_ready = true,
	      .killed_by_us = true, .recycled = true, .fails = 2 },
	    { RESPAWN_AFTER, 0, 2 } },
	{ "shot before it served",
	    { .wait_status = SIGKILL, .any_was_ready = true },
	    { RESPAWN_AFTER, 0, 1 } },
	{ "shot before it served, again: don't spin",
	    { .wait_status = SIGKILL, .any_was_ready = true, .fails = 1 },
	    { RESPAWN_AFTER, 100, 1 } },
	{ "shot before it served, after other deaths",
	    { .wait_status = SIGKILL, .any_was_ready = true, .fails = 5 },
	    { RESPAWN_AFTER, 100, 5 } },
	{ "the count does not overflow",
	    { .wait_status = SIGSEGV, .any_was_ready = true,
	      .fails = 4294967295u },
	    { RESPAWN_AFTER, 30000, 4294967295u } },
	{ "hopeless, and none ever served",
	    { .wait_status = EXITED(2) },
	    { RESPAWN_GIVE_UP, 0, 0 } },
	{ "hopeless, but others served",
	    { .wait_status = EXITED(2), .any_was_ready = true },
	    { RESPAWN_AFTER, 30000, 1 } },
	{ "code 2 of one that served",
	    { .wait_status = EXITED(2), .was_ready = true,
	      .any_was_ready = true },
	    { RESPAWN_AFTER, 0, 1 } },
	{ "code 1, and none ever served",
	    { .wait_status = EXITED(1) },
	    { RESPAWN_AFTER, 0, 1 } },
	{ "left by itself, not asked to",
	    { .wait_status = EXITED(0), .was_ready = true,
	      .any_was_ready = true },
	    { RESPAWN_AFTER, 0, 1 } },
	{ "left as it was told",
	    { .wait_status = EXITED(0), .was_ready = true,
	      .any_was_ready = true, .stopping = true,
	      .leaves_sockets = true },
	    { RESPAWN_NEVER, 0, 0 } },
	{ "died while we stop, with nothing left",
	    { .wait_status = SIGSEGV, .was_ready = true,
	      .any_was_ready = true, .stopping = true },
	    { RESPAWN_NEVER, 0, 0 } },
	{ "died while we stop, with connections left",
	    { .wait_status = SIGSEGV, .was_ready = true,
	      .any_was_ready = true, .stopping = true,
	      .leaves_sockets = true },
	    { RESPAWN_AFTER, 0, 1 } },
};
/* clang-format on */

START_TEST(decision_is_right)
{
	struct respawn_decision d = respawn_decide(&rows[_i].c);

	ck_assert_msg(d.verdict == rows[_i].want.verdict &&
			  d.delay_ms == rows[_i].want.delay_ms &&
			  d.fails == rows[_i].want.fails,
	    "%s: verdict %d, delay %u, fails %u", rows[_i].name, (int)d.verdict,
	    d.delay_ms, d.fails);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("respawn");
	TCase *tc = tcase_create("respawn");

	tcase_add_loop_test(tc, decision_is_right, 0, ARRAY_LEN(rows));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
