/*
 * worker_table.h - what the supervisor knows of its workers.
 *
 * A private table, one row a worker slot, which never moves: the rows hold
 * watchers.  The state of each row is mirrored in the shared memory for
 * whoever wants to read it; it is never read back from there.
 */
#ifndef SUPERVISOR_WORKER_TABLE_H
#define SUPERVISOR_WORKER_TABLE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/sc.h"
#include "common/shm.h"
#include "supervisor/channel.h"
#include "supervisor/poison.h"
#include "supervisor/pulse.h"

/* Why the supervisor killed a worker, for the log and the back-off. */
enum worker_kill {
	WORKER_KILL_NONE,
	WORKER_KILL_HANG,
	WORKER_KILL_PROTOCOL,
	WORKER_KILL_STOP,    /* it did not stop in time, or was not given any */
	WORKER_KILL_RECYCLE, /* nobody's fault: another is to take its place */
};

/* Whether a worker still counts on us: see force.h. */
enum worker_bond {
	BOND_FIRM,
	BOND_TOLD,  /* that it will be left alone */
	BOND_LOOSE, /* and has agreed */
};

struct supervisor;

struct worker_slot {
	struct supervisor *supervisor; /* for callbacks */
	uint32_t index;
	uint32_t generation; /* of the present or last process; 0: none yet */
	enum worker_state state;
	enum worker_kill kill;
	enum worker_bond bond;
	pid_t pid; /* 0 if there is no process */
	uint64_t started_ms;
	uint64_t ready_ms; /* 0: has not said READY */
	unsigned fails;    /* deaths in a row, see respawn.h */
	uint64_t restarts; /* processes after the first */
	struct worker_channel channel;
	struct pulse pulse;
	struct poison poison; /* of its dead */
	ev_timer respawn;
	/* Owner ids whose records wait to be adopted, oldest first. */
	uint32_t *dead;
	uint32_t dead_count;
	uint32_t dead_cap;
};

struct worker_table {
	struct worker_slot *rows;  /* SHM_WORKERS_MAX */
	uint32_t count;            /* rows that are, or were, in use */
	uint32_t wanted;           /* rows from here on are retired */
	struct shm_worker *mirror; /* borrowed: in shared memory */
};

/* `count` rows in use, all EMPTY, mirrored at `mirror`.  0 or -ENOMEM. */
SC_MUST_CHECK int worker_table_init(
    struct worker_table *t, uint32_t count, struct shm_worker *mirror);

/* Free the rows, whose channels and timers must be stopped. */
void worker_table_fini(struct worker_table *t);

/* From now on `wanted` (1 .. SHM_WORKERS_MAX) rows have workers. */
void worker_table_resize(struct worker_table *t, uint32_t wanted);

/*
 * The row that what is meant for row `index` goes to: itself, or where it is
 * retired its heir.
 */
struct worker_slot *worker_table_heir(struct worker_table *t, uint32_t index);

/*
 * Whether any row waits for the adoption of what row `index` left: its window
 * holds bytes that are needed, so no process may start there.
 */
bool worker_table_is_mourned(const struct worker_table *t, uint32_t index);

/* The row of a process, or NULL. */
struct worker_slot *worker_table_by_pid(struct worker_table *t, pid_t pid);

/* How many rows have a process. */
uint32_t worker_table_living(const struct worker_table *t);

/* How many rows are in a state. */
uint32_t worker_table_in_state(
    const struct worker_table *t, enum worker_state state);

/*
 * Note that a row's state is now `state`, which must be one that may follow
 * (see the table in worker_table.c), and mirror it.
 */
void worker_slot_set_state(
    struct worker_table *t, struct worker_slot *w, enum worker_state state);

/* Note that a process was born into a DEAD or EMPTY row: STARTING. */
void worker_slot_born(
    struct worker_table *t, struct worker_slot *w, pid_t pid, uint64_t now_ms);

/*
 * Note, for its successor, that a row's process serves no more since now_us
 * (clock_us()).  Where an earlier one of the row is not adopted yet, that
 * one's end counts.
 */
void worker_slot_ended(
    struct worker_table *t, const struct worker_slot *w, uint64_t now_us);

/* Note that a row's process was reaped: DEAD, and its id is in `dead`. */
void worker_slot_died(struct worker_table *t, struct worker_slot *w);

/*
 * Let `heir` adopt what `w`, which has no process, has left or was to adopt
 * itself: its ids go there.
 */
void worker_slot_bequeath(struct worker_slot *w, struct worker_slot *heir);

/* The owner id of the row's present or last process. */
uint32_t worker_slot_owner_id(const struct worker_slot *w);

/*
 * The id's records are adopted: forget it.  False if it was not waited for.
 */
bool worker_slot_adopted(struct worker_slot *w, uint32_t owner);

/* Whether a row has a process that messages can be sent to. */
bool worker_slot_reachable(const struct worker_slot *w);

/* The word for a state: "starting"; a string constant. */
const char *worker_slot_state_name(enum worker_state state);

#endif
