/*
 * leaving.h - workers of an image before this one, which had another memory:
 * children of this process that finish what they have, and go.
 *
 * Nothing is said to them, and nothing of theirs is adopted.
 */
#ifndef SUPERVISOR_LEAVING_H
#define SUPERVISOR_LEAVING_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/pack.h"

/* More are reaped when they end, and that is all. */
#define LEAVING_MAX 256u

struct supervisor;

/* All zero: none. */
struct leaving {
	pid_t pids[LEAVING_MAX];
	uint32_t count;
	uint64_t until_ms; /* clock_ms(): who is left then is killed */
	ev_timer timer;
};

/* One more, who has `limit_ms` from now on to finish. */
void leaving_add(struct leaving *l, pid_t pid, uint64_t limit_ms);

/* Kill them when their time is up.  The loop of `sv` runs from now on. */
void leaving_watch(struct supervisor *sv);

/* A child was reaped that is no worker of ours: whether it was one of them. */
bool leaving_note_exit(struct supervisor *sv, pid_t pid, int wait_status);

/* Kill them all. */
void leaving_kill(struct leaving *l);

/* From one image to the next. */
void leaving_write(const struct leaving *l, struct pack *p);
void leaving_read(struct unpack *u, struct leaving *l);

#endif
