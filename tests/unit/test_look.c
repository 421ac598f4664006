/*
 * test_look.c - what the supervisor shows of the workers' records: what they
 * wrote, and with garbage in the memory nothing worse than garbage.
 */
#include "config.h"

#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "common/claim.h"
#include "common/record.h"
#include "supervisor/control_find.h"
#include "supervisor/deaths.h"
#include "supervisor/look.h"
#include "supervisor/tally.h"
#include "tests/unit/arena_rig.h"
#include "tests/unit/unit.h"

#define COUNT 40

static struct shm shm;
static struct look_session session;
static struct look_stream stream;

static void
setup(void)
{
	struct shm_sizes sizes = { COUNT, COUNT, COUNT, COUNT, 4096 };

	ck_assert_int_eq(shm_create(&sizes, &shm), 0);
}

static void
teardown(void)
{
	shm_fini(&shm);
}

static void
make_session(uint32_t index, const char *id, enum session_phase phase)
{
	struct session_record *rec = &shm.sessions[index];

	atomic_store(&shm.session_owners[index], owner_id(2, 1));
	rec->id_len = (uint16_t)strlen(id);
	memcpy(rec->id, id, rec->id_len);
	strcpy(rec->last_event_id, "e1");
	atomic_store(&rec->home, 2);
	atomic_store(&rec->streams, 3);
	atomic_store(&rec->phase, phase);
}

static void
make_stream(uint32_t index, uint64_t id, enum stream_phase phase)
{
	struct stream_record *rec = &shm.streams[index];
	struct stream_state *next;

	atomic_store(&shm.stream_owners[index], owner_id(1, 7));
	rec->id = id;
	next = RECORD_BEGIN(rec);
	next->phase = phase;
	RECORD_COMMIT(rec);
	/* What is not committed is not shown. */
	RECORD_NEXT(rec)->phase = STREAM_PAUSED;
}

static void
tally_all(struct tally *t)
{
	memset(t, 0, sizeof(*t));
	for (int i = 0; !tally_step(t, &shm); i++)
		ck_assert_int_lt(i, 1000);
}

START_TEST(records_are_copied)
{
	make_session(3, "abc", SESSION_LIVE);
	make_stream(5, 77, STREAM_RELAYING);
	ck_assert(look_session(&shm, 3, &session));
	ck_assert_str_eq(session.id, "abc");
	ck_assert_str_eq(session.last_event_id, "e1");
	ck_assert_uint_eq(session.home, 2);
	ck_assert_uint_eq(session.streams, 3);
	ck_assert(look_stream(&shm, 5, &stream));
	ck_assert_uint_eq(stream.id, 77);
	ck_assert_uint_eq(stream.worker, 1);
	ck_assert_uint_eq(stream.state.phase, STREAM_RELAYING);
	ck_assert(!look_session(&shm, 4, &session));
	ck_assert(!look_stream(&shm, 4, &stream));
}
END_TEST

START_TEST(reserves_are_not_shown)
{
	make_stream(5, 77, STREAM_RELAYING);
	atomic_store(&shm.stream_owners[5], owner_id(1, 7) | CLAIM_IDLE);
	ck_assert(!look_stream(&shm, 5, &stream));
}
END_TEST

START_TEST(everything_is_counted)
{
	struct tally t;

	make_session(0, "a", SESSION_LIVE);
	make_session(1, "b", SESSION_ASKED);
	make_session(2, "c", SESSION_ENDED);
	make_stream(0, 1, STREAM_RELAYING);
	make_stream(COUNT - 1, 2, STREAM_WAITING);
	atomic_store(&shm.extents[1], EXTENT_BACKED);
	atomic_store(&shm.extents[3], EXTENT_BARE);
	atomic_store(&shm.block_owners[CLAIM_EXTENT], owner_id(0, 1));
	atomic_store(
	    &shm.block_owners[CLAIM_EXTENT + 1], owner_of_travelling(3));
	atomic_store(
	    &shm.block_owners[CLAIM_EXTENT + 2], owner_id(0, 1) | CLAIM_IDLE);
	tally_all(&t);
	ck_assert_uint_eq(t.session_count, 2);
	ck_assert_uint_eq(t.sessions[2], 2);
	ck_assert_uint_eq(t.stream_count, 2);
	ck_assert_uint_eq(t.streams[1], 2);
	ck_assert_uint_eq(t.streams_in[ERA_PLAIN][STREAM_WAITING], 1);
	ck_assert_uint_eq(t.streams_detached, 2);
	ck_assert_uint_eq(t.blocks_used, 2);
	ck_assert_uint_eq(t.extents_backed, 1);
	ck_assert_uint_eq(t.extents_touched, 2);
}
END_TEST

START_TEST(counters_of_all_slots_are_summed)
{
	struct look_histogram h;

	atomic_store(&shm.workers[0].counters[COUNTER_EVENTS], 3);
	atomic_store(
	    &shm.workers[SHM_WORKERS_MAX - 1].counters[COUNTER_EVENTS], 4);
	ck_assert_uint_eq(look_counter(&shm, COUNTER_EVENTS), 7);
	histogram_observe(&shm.workers[0].histograms[HISTOGRAM_CONNECT], 90);
	histogram_observe(
	    &shm.workers[SHM_WORKERS_MAX - 1].histograms[HISTOGRAM_CONNECT],
	    100);
	look_histogram(&shm, HISTOGRAM_CONNECT, &h);
	ck_assert_uint_eq(h.bucket[0], 2);
	ck_assert_uint_eq(h.sum_us, 190);
}
END_TEST

/* --- finding ----------------------------------------------------------------
 */

static struct control_find find;

static enum control_found
find_it(const char *text, bool streams_too)
{
	enum control_found found;

	control_find_init(&find, text, streams_too);
	do
		found = control_find_step(&find, &shm);
	while (found == CONTROL_FOUND_NOT_YET);
	return found;
}

START_TEST(beginnings_name_sessions)
{
	make_session(1, "abc", SESSION_LIVE);
	make_session(2, "abcd", SESSION_LIVE);
	make_session(3, "abx", SESSION_ENDED);
	make_stream(4, 0xabc, STREAM_RELAYING);
	ck_assert_int_eq(find_it("abcd", false), CONTROL_FOUND_SESSION);
	ck_assert_uint_eq(find.session.index, 2);
	/* A whole id, though it is the beginning of another. */
	ck_assert_int_eq(find_it("abc", false), CONTROL_FOUND_SESSION);
	ck_assert_uint_eq(find.session.index, 1);
	ck_assert_int_eq(find_it("ab", false), CONTROL_FOUND_MANY);
	ck_assert_int_eq(find_it("abx", false), CONTROL_FOUND_NONE);
	ck_assert_int_eq(find_it("abcde", false), CONTROL_FOUND_NONE);
	ck_assert_int_eq(find_it("", false), CONTROL_FOUND_NONE);
	ck_assert_int_eq(find_it("abc", true), CONTROL_FOUND_STREAM);
	ck_assert_uint_eq(find.stream.index, 4);
	ck_assert_int_eq(find_it("abcd", true), CONTROL_FOUND_SESSION);
}
END_TEST

/* --- garbage
 * ------------------------------------------------------------------ */

static void
fill(struct dice *dice, void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((unsigned char *)p)[i] = (unsigned char)dice_next(dice);
}

START_TEST(garbage_is_bounded)
{
	struct dice dice;
	struct tally t;

	dice_init(&dice, (unsigned)_i);
	fill(&dice, shm.sessions, COUNT * sizeof(*shm.sessions));
	fill(&dice, shm.streams, COUNT * sizeof(*shm.streams));
	for (uint32_t i = 0; i < COUNT; i++) {
		atomic_store(&shm.session_owners[i],
		    (uint32_t)dice_next(&dice) & ~CLAIM_IDLE);
		atomic_store(&shm.stream_owners[i],
		    (uint32_t)dice_next(&dice) & ~CLAIM_IDLE);
		shm.sessions[i].id_len %= 2 * SESSION_ID_MAX;
		atomic_store(&shm.sessions[i].phase, SESSION_LIVE);
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		if (look_session(&shm, i, &session)) {
			ck_assert_uint_le(session.id_len, SESSION_ID_MAX);
			ck_assert_int_eq(session.id[SESSION_ID_MAX], 0);
			ck_assert_uint_lt(strlen(session.last_event_id),
			    sizeof(session.last_event_id));
		}
		if (look_stream(&shm, i, &stream)) {
			ck_assert_uint_le(
			    strlen(stream.token), STREAM_TOKEN_LEN);
			ck_assert_ptr_nonnull(
			    look_stream_phase(stream.state.phase));
			ck_assert_ptr_nonnull(look_stream_era(stream.era));
			ck_assert_ptr_nonnull(
			    look_stream_role(stream.state.role));
			ck_assert_ptr_nonnull(look_method(stream.method));
		}
	}
	tally_all(&t);
	ck_assert_uint_le(t.stream_count, COUNT);
	(void)find_it("a", true);
}
END_TEST

/* --- deaths
 * ------------------------------------------------------------------- */

START_TEST(newest_deaths_are_kept)
{
	static struct deaths deaths;
	struct worker_slot w = { .index = 3, .generation = 9 };
	struct blame blame = { .task = WORK_TIMER };

	ck_assert_ptr_null(deaths_newest(&deaths, 0));
	for (int n = 1; n <= (int)DEATHS_KEPT + 5; n++)
		deaths_note(&deaths, &w, n, 9, &blame);
	ck_assert_uint_eq(deaths.count, DEATHS_KEPT + 5);
	ck_assert_int_eq(deaths_newest(&deaths, 0)->pid, DEATHS_KEPT + 5);
	ck_assert_uint_eq(deaths_newest(&deaths, 0)->slot, 3);
	ck_assert_uint_eq(deaths_newest(&deaths, 0)->blame.task, WORK_TIMER);
	ck_assert_int_eq(deaths_newest(&deaths, DEATHS_KEPT - 1)->pid, 6);
	ck_assert_ptr_null(deaths_newest(&deaths, DEATHS_KEPT));
}
END_TEST

static const struct {
	int status;
	enum worker_kill kill;
	enum death_kind want;
} ends[] = {
	{ W_EXITCODE(0, 0), WORKER_KILL_NONE, DEATH_LEFT },
	{ W_EXITCODE(1, 0), WORKER_KILL_NONE, DEATH_FAILED },
	{ W_EXITCODE(0, SIGSEGV), WORKER_KILL_NONE, DEATH_FAULT },
	{ W_EXITCODE(0, SIGABRT), WORKER_KILL_NONE, DEATH_FAULT },
	{ W_EXITCODE(0, SIGKILL), WORKER_KILL_NONE, DEATH_KILLED },
	{ W_EXITCODE(0, SIGKILL), WORKER_KILL_HANG, DEATH_HANG },
	{ W_EXITCODE(0, SIGKILL), WORKER_KILL_PROTOCOL, DEATH_PROTOCOL },
	{ W_EXITCODE(0, SIGKILL), WORKER_KILL_STOP, DEATH_STOP },
	{ W_EXITCODE(0, SIGKILL), WORKER_KILL_RECYCLE, DEATH_RECYCLE },
};

START_TEST(deaths_are_counted_by_kind)
{
	struct deaths deaths = { .count = 0 };
	struct worker_slot w = { .kill = ends[_i].kill };
	struct blame blame = { .task = WORK_IDLE };

	deaths_note(&deaths, &w, 7, ends[_i].status, &blame);
	for (unsigned i = 0; i < DEATH_KIND_COUNT; i++)
		ck_assert_uint_eq(deaths.by_kind[i], i == ends[_i].want);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("look");
	TCase *tc = tcase_create("look");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, records_are_copied);
	tcase_add_test(tc, reserves_are_not_shown);
	tcase_add_test(tc, everything_is_counted);
	tcase_add_test(tc, counters_of_all_slots_are_summed);
	tcase_add_test(tc, beginnings_name_sessions);
	tcase_add_loop_test(tc, garbage_is_bounded, 0, 50);
	tcase_add_test(tc, newest_deaths_are_kept);
	tcase_add_loop_test(
	    tc, deaths_are_counted_by_kind, 0, (int)ARRAY_LEN(ends));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
