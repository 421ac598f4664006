/*
 * test_growth.c - nothing grows over many deaths: descriptors, memory, shared
 * memory and the elements of it that are in use.
 *
 * Environment: GROWTH_DEATHS, how many (150).
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/integration/ask.h"
#include "tests/integration/load.h"
#include "tests/integration/shared_use.h"

#define WORKERS 2
#define STREAMS 8
#define ASKERS 4
/* What comes once is there after so many; the list of deaths is full. */
#define FIRST_DEATHS 70
/*
 * What an allocator may keep in pieces, and pages of records that were never
 * touched before; less than a KiB a death.
 */
#define SLACK_KIB 64

/* Sanitizers keep for a while what is freed. */
#ifdef SC_SANITIZED
#define IS_MEASURABLE false
#else
#define IS_MEASURABLE true
#endif

/* All that could grow. */
struct size {
	int supervisor_fds, worker_fds;
	long supervisor_kib;
	struct shared_use use;
};

static void
await_workers(pid_t workers[WORKERS])
{
	wait_for(rig_workers(workers, WORKERS) == WORKERS);
}

/* Kill one worker after the other; each time everything has to go on. */
static void
let_die(unsigned deaths)
{
	pid_t workers[WORKERS];

	for (unsigned i = 0; i < deaths; i++) {
		await_workers(workers);
		ck_assert_int_eq(kill(workers[i % WORKERS], SIGKILL), 0);
		load_wait(1);
	}
}

/* Nobody is there any more, and what was kept for them is gone. */
static bool
is_at_rest(void)
{
	struct shared_use use;

	return shared_use_look(rig.proxy.pid, &use) && shared_use_is_none(&use);
}

static void
measure(struct size *ret)
{
	pid_t workers[WORKERS];

	await_workers(workers);
	ret->supervisor_fds = proc_count_fds(rig.proxy.pid);
	ret->worker_fds = 0;
	for (unsigned i = 0; i < WORKERS; i++)
		ret->worker_fds += proc_count_fds(workers[i]);
	ret->supervisor_kib = proc_anonymous_kib(rig.proxy.pid);
	ck_assert(shared_use_look(rig.proxy.pid, &ret->use));
}

static void
tell(unsigned deaths, const struct size *s)
{
	printf("%u deaths: %d descriptors of the supervisor, %d of the "
	       "workers, supervisor %ld KiB, shared memory %llu KiB\n",
	    deaths, s->supervisor_fds, s->worker_fds, s->supervisor_kib,
	    (unsigned long long)(s->use.memory >> 10));
}

/* Deaths under load, and what is there when all is quiet again. */
static void
live_through(unsigned deaths, struct size *ret)
{
	load_start(STREAMS, ASKERS);
	let_die(deaths);
	load_stop();
	wait_for(is_at_rest());
	measure(ret);
}

static bool
has_grown(const struct size *from, const struct size *to)
{
	return to->supervisor_fds > from->supervisor_fds ||
	       to->worker_fds > from->worker_fds ||
	       (IS_MEASURABLE &&
		   to->supervisor_kib > from->supervisor_kib + SLACK_KIB) ||
	       to->use.memory > from->use.memory + SLACK_KIB * 1024;
}

START_TEST(nothing_grows)
{
	const char *asked_for = getenv("GROWTH_DEATHS");
	unsigned deaths = asked_for != NULL ? (unsigned)atoi(asked_for) : 150;
	struct size first, last;
	int64_t until;

	rig_start("--workers", "2", "--set", "stream.detach_timeout=1s",
	    "--set", "upstream.idle_timeout=1s", NULL);
	live_through(FIRST_DEATHS, &first);
	tell(FIRST_DEATHS, &first);
	live_through(deaths, &last);
	/* What was used last is given back a moment later. */
	until = wire_now_ms() + SOON;
	while (has_grown(&first, &last) && wire_now_ms() < until) {
		rig_pause();
		measure(&last);
	}
	tell(FIRST_DEATHS + deaths, &last);
	ck_assert(!has_grown(&first, &last));
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "growth");

	tcase_set_timeout(tc, 3600);
	tcase_add_test(tc, nothing_grows);
}

int
main(void)
{
	return harness_main("growth", add_cases);
}
