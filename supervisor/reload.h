/*
 * reload.h - a new configuration for a running daemon.
 *
 * All of it is read and tried before any of it is in force: what is wrong
 * leaves everything as it was.  Then workers are recycled, so that each gets
 * the new configuration with its birth; no connection is closed.
 */
#ifndef SUPERVISOR_RELOAD_H
#define SUPERVISOR_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/sc.h"
#include "supervisor/options.h"

struct supervisor;

/* How the reloads so far went. */
struct reload_history {
	uint64_t done;
	uint64_t refused; /* or not in force in every worker */
	bool last_failed;
	uint64_t success_wall_ms; /* when what is in force was read */
};

/* Room for the lines that tell how a reload went. */
#define RELOAD_TEXT_CAP (OPTIONS_ERROR_CAP + 256)

/*
 * It is over.  error is 0: every worker runs with the new configuration, and
 * text may name the keys that wait for a restart; -EINVAL or another -errno:
 * refused, nothing has changed, text has a line for each error; or what
 * recycle_done says: it is in force, but not in every worker.  text is
 * borrowed.
 */
typedef void reload_done(void *context, int error, const char *text);

/*
 * Read the configuration again and put it into force.  done (or NULL) is
 * called once, later or before this returns.
 */
void reload_begin(struct supervisor *sv, reload_done *done, void *context);

#endif
