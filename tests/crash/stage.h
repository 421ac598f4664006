/*
 * stage.h - a daemon with an origin behind it, for the programs that kill
 * its workers.
 *
 * Environment: SHADOWCAT and ORIGIN (paths of the programs), TMPDIR, KEEP=1
 * to keep the directory.  Everything here ends the program with a message
 * where a thing can't be had at all; what the daemon does wrong is returned.
 */
#ifndef CRASH_STAGE_H
#define CRASH_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/kill_point.h"
#include "tests/integration/process.h"
#include "tests/integration/shared_use.h"

struct stage {
	char dir[256];
	char log[300];       /* the origin's */
	char plan_path[300]; /* of the kill points */
	struct process origin;
	struct process proxy;
	uint16_t origin_port;
	uint16_t proxy_port;
	unsigned workers;
	unsigned keep_s;
	const char *setting;
	struct kill_plan *plan;
	int fds_at_start; /* of the supervisor, with nothing under way */
};

/* What the daemon keeps; all 0 when no client is connected. */
struct stage_rest {
	int fds; /* descriptors beyond those at the start */
	struct shared_use use;
};

/*
 * Make the directory, start origin and daemon (with --set setting, unless
 * that is NULL), wait until all serves.  For keep_s seconds streams wait for
 * their clients and sessions for requests: longer than anything takes on a
 * machine that has other work to do.
 */
void stage_start(
    struct stage *s, unsigned workers, unsigned keep_s, const char *setting);

/*
 * TERM, and wait for the exit code 0.  False, with a message, where the
 * daemon ended otherwise or has logged a fault of its own.
 */
bool stage_stop(struct stage *s);

/* Kill both and keep the directory. */
void stage_abandon(struct stage *s);

/* More workers than any stage has. */
#define STAGE_WORKERS_MAX 64

/* The pids of the workers; how many there are. */
unsigned stage_workers(const struct stage *s, pid_t ret[STAGE_WORKERS_MAX]);

/* Wait until all of them are there, and return their pids. */
void stage_await_workers(const struct stage *s, pid_t ret[STAGE_WORKERS_MAX]);

/* Kill every worker, and wait until its successor waits for work. */
void stage_renew_workers(const struct stage *s);

/*
 * With no client connected: kill every worker once, so that no connection to
 * the origin is kept, wait until all is let go (streams for their clients'
 * return and sessions stay for a while), and say what is not.
 */
void stage_look(const struct stage *s, struct stage_rest *ret);

/* Whether nothing is left; else says what. */
bool stage_is_clean(const struct stage_rest *rest);

/* End the program. */
void stage_die(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

#endif
