/*
 * supervisor.h - the process that must not crash.
 *
 * It holds the listening sockets, the shared memory and an original of
 * every connection, accepts, and sees to it that workers live.  It parses
 * nothing that a peer sent, blocks on nothing, and trusts no worker.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include "common/conf.h"
#include "supervisor/options.h"

struct supervisor;

/*
 * Run the daemon until it is told to stop.  The log is set up; conf is the
 * configuration that `options` gave, changed by a reload, and freed by the
 * caller.  Returns the exit status: 0 stopped as told, 1 failed (with the
 * reason logged).
 */
int supervisor_run(const struct options *options, struct conf *conf);

/* For dispatch.c, nursery.c and control_commands.c. */

/* The first worker is ready. */
void supervisor_serving(struct supervisor *sv);

/* A slot of the vault is to be freed: close the original. */
void supervisor_drop(struct supervisor *sv, uint32_t kind, uint32_t slot);

/* Stop when what runs is finished, or drain.timeout is over.  And at once. */
void supervisor_drain(struct supervisor *sv);
void supervisor_stop(struct supervisor *sv);

/* Give up: kill the workers and end with status 1. */
void supervisor_fail(struct supervisor *sv);

/* A worker has gone: end if we are stopping and it was the last. */
void supervisor_check_end(struct supervisor *sv);

#endif
