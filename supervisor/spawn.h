/*
 * spawn.h - the birth of a worker.
 */
#ifndef SUPERVISOR_SPAWN_H
#define SUPERVISOR_SPAWN_H

#include <sys/types.h>

#include "common/conf.h"
#include "common/sc.h"
#include "common/shm.h"
#include "supervisor/priv.h"
#include "supervisor/vault.h"
#include "supervisor/worker_table.h"

/* What every birth needs. */
struct spawn_plan {
	const struct vault *vault;
	struct shm *shm;
	const struct conf *conf;
	const struct priv_user *user;
	/*
	 * Called first in the child: stop the supervisor's watchers there,
	 * signals above all, and destroy its loop.
	 */
	void (*leave)(void *context);
	void *context;
};

/*
 * Fork a worker for a slot, whose generation is the new process's already.
 * Its vault entries are what the new one inherits, and their owner words
 * are made its own before the fork.
 *
 * In the child, nothing is open but the standard three, its channel, the
 * shared memory, the log, and what it inherits; signals are as at the start
 * of a process, except that SIGPIPE and those that a terminal or an operator
 * sends to a whole group (HUP, INT, USR1, USR2) are ignored until it asks
 * for them; privileges are dropped.  It exits with code 2 if they can't be.
 *
 * 0 with the process id and our end of the channel (the caller's), or
 * -errno.
 */
SC_MUST_CHECK int spawn_worker(const struct spawn_plan *plan,
    const struct worker_slot *slot, pid_t *ret_pid, int *ret_channel);

#endif
