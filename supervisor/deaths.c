/*
 * deaths.c - the newest deaths of workers.
 */
#include "config.h"

#include "common/clock.h"
#include "common/sc.h"
#include "supervisor/deaths.h"

void
deaths_note(
    struct deaths *d, const struct worker_slot *w, pid_t pid, int wait_status)
{
	d->ring[d->count++ % DEATHS_KEPT] = (struct death){
		.wall_ms = clock_wall_ms(),
		.lived_ms = clock_ms() - w->started_ms,
		.slot = w->index,
		.generation = w->generation,
		.pid = pid,
		.wait_status = wait_status,
		.kill = w->kill,
	};
}

const struct death *
deaths_newest(const struct deaths *d, uint64_t n)
{
	if (n >= d->count || n >= DEATHS_KEPT)
		return NULL;
	return &d->ring[(d->count - 1 - n) % DEATHS_KEPT];
}

const char *
deaths_kill_name(enum worker_kill kill)
{
	switch (kill) {
	case WORKER_KILL_NONE:
		return "";
	case WORKER_KILL_HANG:
		return "hang";
	case WORKER_KILL_PROTOCOL:
		return "protocol";
	case WORKER_KILL_STOP:
		return "stop";
	case WORKER_KILL_RECYCLE:
		return "recycle";
	}
	return "";
}
