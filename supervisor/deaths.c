/*
 * deaths.c - the newest deaths of workers.
 */
#include "config.h"

#include <sys/wait.h>

#include "common/clock.h"
#include "common/sc.h"
#include "supervisor/deaths.h"

static const char *const kind_words[] = {
#define X(name, word) [DEATH_##name] = word,
	DEATH_KINDS(X)
#undef X
};

const char *
deaths_kind_word(enum death_kind kind)
{
	return kind_words[kind];
}

enum death_kind
deaths_kind(int wait_status, enum worker_kill kill)
{
	switch (kill) {
	case WORKER_KILL_HANG:
		return DEATH_HANG;
	case WORKER_KILL_PROTOCOL:
		return DEATH_PROTOCOL;
	case WORKER_KILL_STOP:
		return DEATH_STOP;
	case WORKER_KILL_RECYCLE:
		return DEATH_RECYCLE;
	case WORKER_KILL_NONE:
		break;
	}
	if (poison_is_fault(wait_status, false))
		return DEATH_FAULT;
	if (WIFSIGNALED(wait_status))
		return DEATH_KILLED;
	return WEXITSTATUS(wait_status) == 0 ? DEATH_LEFT : DEATH_FAILED;
}

void
deaths_note(struct deaths *d, const struct worker_slot *w, pid_t pid,
    int wait_status, const struct blame *blame)
{
	d->by_kind[deaths_kind(wait_status, w->kill)]++;
	d->ring[d->count++ % DEATHS_KEPT] = (struct death){
		.wall_ms = clock_wall_ms(),
		.lived_ms = clock_ms() - w->started_ms,
		.slot = w->index,
		.generation = w->generation,
		.pid = pid,
		.wait_status = wait_status,
		.kill = w->kill,
		.blame = *blame,
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
