/*
 * start.h - the steps of a start, for supervisor.c and takeover.c: 0, or
 * -errno with the reason logged.
 */
#ifndef SUPERVISOR_START_H
#define SUPERVISOR_START_H

#include <stdint.h>

#include "common/conf.h"
#include "common/sc.h"
#include "supervisor/options.h"

struct supervisor;

/* Nothing is there; conf is borrowed. */
void start_init(
    struct supervisor *sv, const struct options *options, struct conf *conf);

/* The event loop and its timers. */
SC_MUST_CHECK int start_loop(struct supervisor *sv);

/* Give up what root does not need. */
SC_MUST_CHECK int start_confined(const struct conf *conf);

/* Whom the workers run as, and whether their root can be had. */
SC_MUST_CHECK int start_find_user(struct supervisor *sv);
SC_MUST_CHECK int start_check_chroot(const struct supervisor *sv);

/*
 * Settle how many there can be of everything, where `files` may be open, and
 * make the shared memory and the tables.
 */
SC_MUST_CHECK int start_tables(struct supervisor *sv, uint64_t files);

/* Accept on the listening sockets that are there. */
SC_MUST_CHECK int start_accepting(struct supervisor *sv);

/* Log how many connections there can be. */
void start_describe(const struct supervisor *sv);

/* Run until it is told to stop, and undo everything: the exit status. */
int start_serving(struct supervisor *sv);

#endif
