/*
 * test_claim_kill.c - several processes take and give as fast as they can
 * and are killed at any instant; their successors sweep while the others go
 * on.  No element may have two owners, none may be lost, and none may be
 * handed out without memory under it.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/claim.h"
#include "common/shm.h"
#include "tests/unit/unit.h"

#define WORKERS 4u
#define EXTENTS 5u
#define BLOCKS ((EXTENTS - 1) * CLAIM_EXTENT + 300)
#define KILLS_MAX 2000u
#define KILLS_MIN 10
#define SECONDS 1
#define PATIENCE 30

#define HOLD_MAX 1400u

/*
 * How much a worker holds at most: together more than there is, so that "all
 * taken" is met; and next to nothing, so that memory comes and goes all the
 * time (with few workers, for one that waits for a processor holds memory).
 */
static const struct {
	uint32_t workers, hold;
} rows[] = { { WORKERS, HOLD_MAX }, { 2, 2 } };

/* What all processes of this test see. */
struct arena {
	uint32_t workers, hold; /* out of rows */
	_Atomic uint32_t stop;
	_Atomic uint64_t steps;
	/* Is there memory?  Set after it was backed, cleared before. */
	_Atomic uint32_t has_memory[EXTENTS];
	_Atomic uint32_t swept[WORKERS]; /* generations before this one */
	_Atomic uint32_t full;           /* times that nothing was free */
	_Atomic uint32_t given;          /* times that memory was given back */
};

static struct arena *arena;
static struct shm shm;

/* --- a worker ------------------------------------------------------------ */

static int
back(void *context, uint32_t first, uint32_t n)
{
	int error = shm_blocks_back(context, first, n);

	if (error == 0)
		arena->has_memory[first / CLAIM_EXTENT] = 1;
	return error;
}

static void
give_back(void *context, uint32_t first, uint32_t n)
{
	arena->has_memory[first / CLAIM_EXTENT] = 0;
	shm_blocks_give_back(context, first, n);
	arena->given++;
}

static void
init_claim(struct claim *c, uint32_t self)
{
	claim_init(c, shm.block_owners, BLOCKS, self);
	claim_set_backing(c, shm.extents, back, give_back, &shm);
}

/* xorshift; each process has its own. */
static uint32_t
next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* The word at the start of a block, where its owner leaves its mark. */
static _Atomic uint32_t *
mark(uint32_t index)
{
	return (_Atomic uint32_t *)(void *)(shm.blocks +
					    (size_t)index * SHM_BLOCK_SIZE);
}

/* Exit codes of a worker that saw something impossible. */
enum { NO_MEMORY = 10, NOT_MINE, CANT_TAKE, CANT_GIVE };

struct hand {
	struct claim claim;
	uint32_t held[HOLD_MAX];
	uint32_t count;
};

static void
take_one(struct hand *h)
{
	uint32_t index;
	int error = claim_take(&h->claim, &index);

	if (error == -ENOSPC) {
		arena->full++;
		return;
	}
	if (error != 0)
		_exit(CANT_TAKE);
	if (arena->has_memory[index / CLAIM_EXTENT] == 0)
		_exit(NO_MEMORY);
	atomic_store(mark(index), h->claim.self);
	h->held[h->count++] = index;
}

static void
give_one(struct hand *h, uint32_t which)
{
	uint32_t index = h->held[which];

	if (atomic_load(mark(index)) != h->claim.self)
		_exit(NOT_MINE);
	atomic_store(mark(index), 0);
	if (!claim_give(&h->claim, index))
		_exit(CANT_GIVE);
	h->held[which] = h->held[--h->count];
}

/* Grow to some size, shrink to another, sometimes let go of everything. */
static void
work(struct hand *h, uint32_t *seed)
{
	uint32_t goal = next_random(seed) % arena->hold;

	if (next_random(seed) % 4 == 0)
		goal = 0;
	for (uint32_t i = 0; i < arena->hold && h->count < goal; i++)
		take_one(h);
	while (h->count > goal)
		give_one(h, next_random(seed) % h->count);
	if (goal < 3 || next_random(seed) % 4 == 0)
		claim_flush(&h->claim);
	arena->steps++;
}

static void
worker(uint32_t slot, uint32_t generation, uint32_t seed)
{
	static struct hand h;

	init_claim(&h.claim, owner_id(slot, generation));
	while (arena->swept[slot] < generation) {
		(void)claim_sweep(&h.claim, owner_id(slot, arena->swept[slot]));
		arena->swept[slot]++;
	}
	while (arena->stop == 0)
		work(&h, &seed);
	while (h.count > 0)
		give_one(&h, 0);
	claim_flush(&h.claim);
	_exit(0);
}

/* --- the one who kills --------------------------------------------------- */

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static pid_t
start(uint32_t slot, uint32_t generation, uint32_t *seed)
{
	pid_t pid = fork();

	if (pid == 0)
		worker(slot, generation, *seed + generation * WORKERS + slot);
	ck_assert_int_gt(pid, 0);
	return pid;
}

/* Let the others run, for a time that is not in step with theirs. */
static void
let_run(uint32_t *seed)
{
	double until = now() + 1e-6 * (next_random(seed) % 1000);

	while (now() < until)
		(void)sched_yield();
}

static void
reap(pid_t pid, bool killed)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (killed && WIFSIGNALED(status))
		ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	else
		ck_assert_int_eq(status, 0);
}

static void
kill_at_random(pid_t *pids, uint32_t *generations, uint32_t *seed)
{
	double deadline = now() + SECONDS;
	unsigned kills = 0;

	/* Time that others took is none. */
	while (kills <= KILLS_MIN || (kills < KILLS_MAX && now() < deadline)) {
		uint32_t slot = next_random(seed) % arena->workers;

		let_run(seed);
		(void)kill(pids[slot], SIGKILL);
		reap(pids[slot], true);
		pids[slot] = start(slot, ++generations[slot], seed);
		kills++;
	}
}

/* Whether all has happened that this is about. */
static bool
has_seen_all(void)
{
	return (arena->hold < HOLD_MAX || arena->full > 0) &&
	       arena->given > 10 && arena->steps > 100;
}

/* On a busy machine those who die young come to nothing. */
static void
leave_alone(void)
{
	double deadline = now() + PATIENCE;

	while (!has_seen_all() && now() < deadline)
		(void)sched_yield();
}

/* Everything is free, can be taken once, and its memory can be had back. */
static void
check_nothing_is_lost(void)
{
	struct claim c;
	struct stat before, after;
	uint32_t index;

	for (uint32_t i = 0; i < BLOCKS; i++)
		ck_assert_uint_eq(shm.block_owners[i], 0);
	init_claim(&c, owner_id(0, 0xfffff));
	for (uint32_t i = 0; i < BLOCKS; i++) {
		ck_assert_int_eq(claim_take(&c, &index), 0);
		ck_assert_uint_eq(shm.block_owners[index], c.self);
	}
	ck_assert_int_eq(claim_take(&c, &index), -ENOSPC);
	ck_assert_int_eq(fstat(shm.fd, &before), 0);
	for (uint32_t i = 0; i < BLOCKS; i++)
		ck_assert(claim_give(&c, i));
	claim_flush(&c);
	for (uint32_t i = 0; i < EXTENTS; i++)
		ck_assert_uint_eq(shm.extents[i], EXTENT_BARE);
	ck_assert_int_eq(fstat(shm.fd, &after), 0);
	ck_assert_int_ge((before.st_blocks - after.st_blocks) * 512,
	    (int)(BLOCKS * SHM_BLOCK_SIZE));
}

START_TEST(no_element_is_lost_or_owned_twice)
{
	const struct shm_sizes sizes = { 1, 1, 1, 1, BLOCKS };
	uint32_t generations[WORKERS], seed = 20240607;
	pid_t pids[WORKERS];

	arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(arena, MAP_FAILED);
	ck_assert_int_eq(shm_create(&sizes, &shm), 0);
	arena->workers = rows[_i].workers;
	arena->hold = rows[_i].hold;
	for (uint32_t i = 0; i < arena->workers; i++) {
		generations[i] = arena->swept[i] = 1;
		pids[i] = start(i, 1, &seed);
	}
	kill_at_random(pids, generations, &seed);
	leave_alone();
	arena->stop = 1;
	for (uint32_t i = 0; i < arena->workers; i++)
		reap(pids[i], false);
	check_nothing_is_lost();
	ck_assert(has_seen_all());
	shm_fini(&shm);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("claim_kill");
	TCase *tc = tcase_create("claim_kill");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(
	    tc, no_element_is_lost_or_owned_twice, 0, ARRAY_LEN(rows));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
