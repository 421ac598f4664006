/*
 * deaths.h - the newest deaths of workers, for `shadowcatctl crashes`.
 */
#ifndef SUPERVISOR_DEATHS_H
#define SUPERVISOR_DEATHS_H

#include <stdint.h>
#include <sys/types.h>

#include "supervisor/blame.h"
#include "supervisor/worker_table.h"

#define DEATHS_KEPT 64u

/*
 * TABLE of what ends workers, for metrics.  To add one: a row here, a case in
 * deaths_kind(), and HANDOVER_VERSION.
 */
/* clang-format off */
#define DEATH_KINDS(X)                                                       \
	X(LEFT,     "left")     /* it exited with 0, having been told to */  \
	X(FAILED,   "failed")   /* it exited with another code */            \
	X(FAULT,    "fault")    /* SIGSEGV, SIGABRT and the like */          \
	X(KILLED,   "killed")   /* by a signal from outside */               \
	X(HANG,     "hang")     /* by us: worker.hang_timeout */             \
	X(PROTOCOL, "protocol") /* by us: it sent nonsense */                \
	X(STOP,     "stop")     /* by us: the daemon stops */                \
	X(RECYCLE,  "recycle")  /* by us: reload, upgrade, recycle */
/* clang-format on */

enum death_kind {
#define X(name, word) DEATH_##name,
	DEATH_KINDS(X)
#undef X
	    DEATH_KIND_COUNT
};

struct death {
	uint64_t wall_ms; /* when it was reaped, since the Epoch */
	uint64_t lived_ms;
	uint32_t slot;
	uint32_t generation;
	pid_t pid;
	int wait_status;
	enum worker_kill kill; /* why we killed it ourselves */
	struct blame blame;
};

/* A ring; all zero: none yet. */
struct deaths {
	struct death ring[DEATHS_KEPT];
	uint64_t count; /* in all */
	uint64_t by_kind[DEATH_KIND_COUNT];
};

/*
 * Note the death of a row's process, `pid`, which was reaped with this
 * status, and what it was doing.  The row still holds what it was.
 */
void deaths_note(struct deaths *d, const struct worker_slot *w, pid_t pid,
    int wait_status, const struct blame *blame);

/* The n-th newest (0: the newest), or NULL where there is none, or no more. */
const struct death *deaths_newest(const struct deaths *d, uint64_t n);

/* What ended a process: its wait status, and why we killed it. */
enum death_kind deaths_kind(int wait_status, enum worker_kill kill);

/* The table's word for a kind. */
const char *deaths_kind_word(enum death_kind kind);

/* Why we killed it: a word, "" where we did not. */
const char *deaths_kill_name(enum worker_kill kill);

#endif
