/*
 * test_sessions.c - the table of sessions: ids are found, known once, and
 * given back; and one that dies with a lock in its hand blocks nobody.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/claim.h"
#include "common/sessions.h"
#include "tests/unit/unit.h"

/* So many that no shard is without one. */
#define SESSIONS 2000u
#define SELF owner_id(3, 1)

static struct shm shm;

static void
setup(void)
{
	const struct shm_sizes sizes = { 1, 1, 1, SESSIONS, 4 };

	ck_assert_int_eq(shm_create(&sizes, &shm), 0);
	ck_assert_int_eq(sessions_create(&shm), 0);
}

static void
teardown(void)
{
	shm_fini(&shm);
}

static int
link_id(uint32_t index, const char *id)
{
	return sessions_link(
	    &shm, SELF, index, http_slice_of(id), SESSION_ASKED, 1234);
}

static int
find_id(const char *id, struct session_found *ret)
{
	return sessions_find(&shm, SELF, http_slice_of(id), ret);
}

/* --- one process -------------------------------------------------------- */

START_TEST(a_session_is_found_by_its_id)
{
	struct session_found found;

	ck_assert_int_eq(find_id("one", &found), -ENOENT);
	ck_assert_int_eq(link_id(7, "one"), 0);
	ck_assert_int_eq(find_id("one", &found), 0);
	ck_assert_uint_eq(found.index, 7);
	ck_assert_uint_eq(found.phase, SESSION_ASKED);
	ck_assert_uint_eq(found.home, 3);
	ck_assert_uint_eq(shm.sessions[7].begun_ms, 1234);
	ck_assert_uint_eq(shm.sessions[7].used_ms, 1234);
	ck_assert(
	    http_slice_equals(sessions_id(&shm, 7), http_slice_of("one")));
	ck_assert_int_eq(find_id("on", &found), -ENOENT);
	ck_assert_int_eq(find_id("ones", &found), -ENOENT);
	ck_assert_int_eq(find_id("One", &found), -ENOENT);
	ck_assert_int_eq(find_id("", &found), -ENOENT);
	ck_assert_int_eq(sessions_unlink(&shm, SELF, 7), 0);
	ck_assert_int_eq(find_id("one", &found), -ENOENT);
	ck_assert_uint_eq(shm.sessions[7].phase, SESSION_FREE);
	ck_assert_int_eq(sessions_unlink(&shm, SELF, 7), 0);
}
END_TEST

START_TEST(an_id_is_known_once)
{
	struct session_found found;

	ck_assert_int_eq(link_id(7, "one"), 0);
	ck_assert_int_eq(link_id(8, "one"), -EEXIST);
	ck_assert_int_eq(find_id("one", &found), 0);
	ck_assert_uint_eq(found.index, 7);
	/* The one that was not linked takes nobody else out. */
	ck_assert_int_eq(sessions_unlink(&shm, SELF, 8), 0);
	ck_assert_int_eq(find_id("one", &found), 0);
	ck_assert_uint_eq(found.index, 7);
	ck_assert_int_eq(sessions_unlink(&shm, SELF, 7), 0);
	ck_assert_int_eq(link_id(8, "one"), 0);
	ck_assert_int_eq(find_id("one", &found), 0);
	ck_assert_uint_eq(found.index, 8);
}
END_TEST

START_TEST(ids_have_a_length)
{
	char id[SESSION_ID_MAX + 2];
	struct session_found found;

	memset(id, 'i', sizeof(id));
	id[SESSION_ID_MAX + 1] = '\0';
	ck_assert_int_eq(link_id(0, id), -EMSGSIZE);
	ck_assert_int_eq(link_id(0, ""), -EMSGSIZE);
	ck_assert_uint_eq(shm.sessions[0].phase, SESSION_FREE);
	ck_assert_int_eq(find_id(id, &found), -ENOENT);
	id[SESSION_ID_MAX] = '\0';
	ck_assert_int_eq(link_id(0, id), 0);
	ck_assert_int_eq(find_id(id, &found), 0);
	ck_assert(http_slice_equals(sessions_id(&shm, 0), http_slice_of(id)));
	/* Whatever stands in a record, no more than its bytes are read. */
	shm.sessions[0].id_len = UINT16_MAX;
	ck_assert_uint_eq(sessions_id(&shm, 0).len, SESSION_ID_MAX);
}
END_TEST

static const char *
id_of(uint32_t n)
{
	static char id[40];

	(void)snprintf(id, sizeof(id), "session-%u", n);
	return id;
}

static void
check_table(const bool linked[SESSIONS])
{
	struct session_found found;
	int error;

	for (uint32_t i = 0; i < SESSIONS; i++) {
		error = find_id(id_of(i), &found);
		ck_assert_int_eq(error, linked[i] ? 0 : -ENOENT);
		ck_assert(error != 0 || found.index == i);
	}
}

/* A full table, emptied in another order, filled again. */
START_TEST(many_sessions_share_the_table)
{
	static bool linked[SESSIONS];
	uint32_t i, k;

	for (i = 0; i < SESSIONS; i++) {
		ck_assert_int_eq(link_id(i, id_of(i)), 0);
		linked[i] = true;
	}
	check_table(linked);
	for (i = 0; i < SESSIONS; i++) {
		k = i * 7 % SESSIONS;
		ck_assert_int_eq(sessions_unlink(&shm, SELF, k), 0);
		linked[k] = false;
		if (i % 50 == 0)
			check_table(linked);
	}
	for (i = 0; i < SESSIONS; i++)
		ck_assert_uint_eq(shm.session_buckets[i], 0);
	ck_assert_int_eq(link_id(5, id_of(5)), 0);
	linked[5] = true;
	check_table(linked);
}
END_TEST

/* Chains that lead into themselves or nowhere have an end even so. */
START_TEST(broken_links_have_an_end)
{
	struct session_found found;
	uint32_t i;

	for (i = 0; i < SESSIONS; i++)
		ck_assert_int_eq(link_id(i, id_of(i)), 0);
	for (i = 0; i < SESSIONS; i++)
		shm.sessions[i].next_ref = i + 1;
	ck_assert_int_eq(find_id("unknown", &found), -ENOENT);
	for (i = 0; i < SESSIONS; i++)
		shm.session_buckets[i] = i % 2 == 0 ? SESSIONS + 1 : UINT32_MAX;
	ck_assert_int_eq(find_id(id_of(1), &found), -ENOENT);
	ck_assert_int_eq(link_id(1, id_of(1)), 0);
	ck_assert_int_eq(find_id(id_of(1), &found), 0);
}
END_TEST

/* --- processes that die ------------------------------------------------- */

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A process that holds every lock, and says so with its last one. */
static pid_t
hold_all_locks(void)
{
	int ends[2];
	pid_t pid;
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (uint32_t i = 0; i < SESSION_SHARDS; i++) {
			if (pthread_mutex_lock(&shm.session_shards[i].lock))
				_exit(1);
		}
		(void)!write(ends[1], "x", 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_gt(pid, 0);
	(void)close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	(void)close(ends[0]);
	return pid;
}

static void
kill_one(pid_t pid)
{
	int status;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

START_TEST(a_holder_that_lives_is_not_waited_for_long)
{
	struct session_found found;
	pid_t pid;
	uint64_t begun;

	ck_assert_int_eq(link_id(1, "one"), 0);
	pid = hold_all_locks();
	begun = now_ms();
	ck_assert_int_eq(find_id("one", &found), -EBUSY);
	ck_assert_int_eq(link_id(2, "two"), -EBUSY);
	ck_assert_int_eq(sessions_unlink(&shm, SELF, 1), -EBUSY);
	ck_assert_uint_lt(now_ms() - begun, 10000);
	kill_one(pid);
	ck_assert_int_eq(find_id("one", &found), 0);
	ck_assert_int_eq(find_id("two", &found), -ENOENT);
}
END_TEST

START_TEST(a_dead_holder_blocks_nobody)
{
	struct session_found found;

	for (uint32_t i = 0; i < SESSIONS; i++)
		ck_assert_int_eq(link_id(i, id_of(i)), 0);
	kill_one(hold_all_locks());
	for (uint32_t i = 0; i < SESSIONS; i++) {
		ck_assert_int_eq(find_id(id_of(i), &found), 0);
		ck_assert_int_eq(sessions_unlink(&shm, SELF, i), 0);
	}
	/* The locks are whole again: taken and given as ever. */
	for (uint32_t i = 0; i < SESSION_SHARDS; i++) {
		pthread_mutex_t *lock = &shm.session_shards[i].lock;

		ck_assert_uint_eq(shm.session_shards[i].holder, 0);
		ck_assert_int_eq(pthread_mutex_trylock(lock), 0);
		ck_assert_int_eq(pthread_mutex_unlock(lock), 0);
	}
}
END_TEST

/* Another holder may have been kept from running for a while. */
#define unless_busy(call)                                                      \
	do {                                                                   \
		int result;                                                    \
		while ((result = (call)) == -EBUSY)                            \
			continue;                                              \
		if (result != 0)                                               \
			_exit(1);                                              \
	} while (0)

/* Link and unlink over and over, each process its own part of the ids. */
static void
churn(uint32_t part)
{
	uint32_t self = owner_id(part, 1), round, i;
	struct session_found found;
	struct http_slice id;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (round = 0;; round++) {
		i = part * 100 + round % 100;
		id = http_slice_of(id_of(i));
		unless_busy(sessions_unlink(&shm, self, i));
		unless_busy(
		    sessions_link(&shm, self, i, id, SESSION_LIVE, round));
		unless_busy(sessions_find(&shm, self, id, &found));
		if (found.index != i)
			_exit(1);
	}
}

/* Wait until this record has been linked again a few times. */
static void
await_turns(uint32_t index)
{
	volatile uint32_t *turns = &shm.sessions[index].generation;
	uint32_t begun = *turns;
	uint64_t deadline = now_ms() + 30000;

	while (*turns - begun < 3 && now_ms() < deadline)
		(void)sched_yield();
	ck_assert_uint_ge(*turns - begun, 3);
}

START_TEST(the_table_is_whole_whenever_one_dies)
{
	static bool linked[SESSIONS];
	pid_t pids[4];
	uint32_t i, kills;

	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			churn(i);
		ck_assert_int_gt(pids[i], 0);
	}
	for (kills = 0; kills < 60; kills++) {
		i = kills % 4;
		await_turns(i * 100 + kills % 100);
		kill_one(pids[i]);
		pids[i] = fork();
		if (pids[i] == 0)
			churn(i);
		ck_assert_int_gt(pids[i], 0);
	}
	for (i = 0; i < 4; i++) {
		await_turns(i * 100);
		kill_one(pids[i]);
	}
	for (i = 0; i < 400; i++) {
		ck_assert_int_eq(sessions_unlink(&shm, SELF, i), 0);
		ck_assert_int_eq(link_id(i, id_of(i)), 0);
		linked[i] = true;
	}
	check_table(linked);
	for (i = 0; i < 400; i++)
		ck_assert_int_eq(sessions_unlink(&shm, SELF, i), 0);
	for (i = 0; i < SESSIONS; i++)
		ck_assert_uint_eq(shm.session_buckets[i], 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sessions");
	TCase *tc = tcase_create("sessions");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_session_is_found_by_its_id);
	tcase_add_test(tc, an_id_is_known_once);
	tcase_add_test(tc, ids_have_a_length);
	tcase_add_test(tc, many_sessions_share_the_table);
	tcase_add_test(tc, broken_links_have_an_end);
	tcase_add_test(tc, a_holder_that_lives_is_not_waited_for_long);
	tcase_add_test(tc, a_dead_holder_blocks_nobody);
	tcase_add_test(tc, the_table_is_whole_whenever_one_dies);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
