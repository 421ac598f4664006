/*
 * work.h - TABLES of what a worker may be doing, and with what kind of record.
 *
 * A worker notes it in its slot of the shared memory (struct shm_work) when it
 * begins with something, by a few plain stores.  So a death tells what it was
 * doing, for `shadowcatctl crashes`, and which record it may have died of:
 * poison.h.  To add a row: here, at the end, and the note where it happens
 * (worker/work.h).
 */
#ifndef COMMON_WORK_H
#define COMMON_WORK_H

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define WORK_TASKS(X)                                                   \
	/* word              what people read */                        \
	X(IDLE,             "idle")                                     \
	X(START,            "starting")                                 \
	X(ADOPT,            "adopting")                                 \
	X(RECEIVE_CLIENT,   "receiving from the client")                \
	X(RECEIVE_UPSTREAM, "receiving from the upstream")              \
	X(SEND_CLIENT,      "sending to the client")                    \
	X(SEND_UPSTREAM,    "sending to the upstream")                  \
	X(CONNECT,          "connecting to the upstream")               \
	X(RESOLVE,          "looking up the upstream")                  \
	X(TIMER,            "a timer")                                  \
	X(MESSAGE,          "a message of the supervisor")              \
	X(MAKE_ROOM,        "making room")

#define WORK_KINDS(X)                                                   \
	X(NOTHING, "")                                                  \
	X(CLIENT,  "client")                                            \
	X(STREAM,  "stream")                                            \
	X(SESSION, "session")
/* clang-format on */

enum work_task {
#define X(name, text) WORK_##name,
	WORK_TASKS(X)
#undef X
	    WORK_TASK_COUNT
};

enum work_kind {
#define X(name, text) WORK_ON_##name,
	WORK_KINDS(X)
#undef X
	    WORK_KIND_COUNT
};

/* A record, and how far what is committed of it had got. */
struct work_place {
	uint32_t kind; /* enum work_kind */
	uint32_t slot;
	uint32_t generation;
	/* Bytes taken from the peer; of a session, when it was used last. */
	uint64_t position;
};

/* A place that workers died at, again and again: what is there must end. */
struct work_verdict {
	struct work_place place;
	bool is_final; /* by force: nothing of it may be touched any more */
};

/* What people read; "?" for what is none. */
const char *work_task_text(uint32_t task);
const char *work_kind_text(uint32_t kind);

#endif
