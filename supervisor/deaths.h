/*
 * deaths.h - the newest deaths of workers, for `shadowcatctl crashes`.
 */
#ifndef SUPERVISOR_DEATHS_H
#define SUPERVISOR_DEATHS_H

#include <stdint.h>
#include <sys/types.h>

#include "supervisor/worker_table.h"

#define DEATHS_KEPT 64u

struct death {
	uint64_t wall_ms; /* when it was reaped, since the Epoch */
	uint64_t lived_ms;
	uint32_t slot;
	uint32_t generation;
	pid_t pid;
	int wait_status;
	enum worker_kill kill; /* why we killed it ourselves */
};

/* A ring; all zero: none yet. */
struct deaths {
	struct death ring[DEATHS_KEPT];
	uint64_t count; /* in all */
};

/*
 * Note the death of a row's process, `pid`, which was reaped with this
 * status.  The row still holds what it was.
 */
void deaths_note(
    struct deaths *d, const struct worker_slot *w, pid_t pid, int wait_status);

/* The n-th newest (0: the newest), or NULL where there is none, or no more. */
const struct death *deaths_newest(const struct deaths *d, uint64_t n);

/* Why we killed it: a word, "" where we did not. */
const char *deaths_kill_name(enum worker_kill kill);

#endif
