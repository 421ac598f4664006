/*
 * kill_point.c - places between two stores where a test lets a worker die.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/kill_point.h"

#ifdef SC_DEVELOPER

/* The plan, or NULL where there is none. */
static struct kill_plan *
map_plan(void)
{
	const char *path = getenv(KILL_PLAN_VARIABLE);
	void *map;
	int fd;

	if (path == NULL)
		return NULL;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	map = mmap(NULL, sizeof(struct kill_plan), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	fd_close(&fd);
	return map == MAP_FAILED ? NULL : map;
}

static void
die(struct kill_plan *plan, unsigned death, const char *file, int line)
{
	(void)snprintf(plan->where[death], sizeof(plan->where[death]), "%s:%d",
	    file, line);
	atomic_store(&plan->left[death], 0);
	(void)kill(getpid(), SIGKILL);
}

/* Mapped at the first call; NULL where there is none. */
static struct kill_plan *
the_plan(void)
{
	static struct kill_plan *plan;
	static bool is_mapped;

	if (!is_mapped) {
		int kept = errno; /* may stand right behind a system call */

		plan = map_plan();
		errno = kept;
		is_mapped = true;
	}
	return plan;
}

void
kill_point(const char *file, int line)
{
	struct kill_plan *plan = the_plan();
	uint64_t left;

	if (plan == NULL)
		return;
	atomic_fetch_add(&plan->passed, 1);
	for (unsigned i = 0; i < KILL_DEATHS; i++) {
		left = atomic_load(&plan->left[i]);
		if (left == 0)
			continue;
		if (left == 1)
			die(plan, i, file, line);
		else
			atomic_store(&plan->left[i], left - 1);
		return;
	}
}

void
kill_point_work(
    uint32_t task, uint32_t kind, uint32_t slot, uint32_t generation)
{
	struct kill_plan *plan = the_plan();
	uint64_t none = 0, chosen = (uint64_t)generation << 32 | (slot + 1);
	uint32_t number;

	if (plan == NULL)
		return;
	number = atomic_load(&plan->fault_signal);
	if (number == 0 || atomic_load(&plan->fault_task) != task ||
	    atomic_load(&plan->fault_kind) != kind)
		return;
	if (!atomic_compare_exchange_strong(
		&plan->fault_record, &none, chosen) &&
	    none != chosen)
		return;
	atomic_fetch_add(&plan->faults, 1);
	while (number == KILL_PLAN_HANG)
		(void)pause();
	(void)raise((int)number);
}

void
kill_point_poison(const char *buf, size_t len)
{
	const char *text = getenv(POISON_VARIABLE);

	if (text != NULL && memmem(buf, len, text, strlen(text)) != NULL)
		(void)raise(SIGSEGV);
}

#endif
