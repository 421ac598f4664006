/*
 * daemon.h - going to the background, which is done when we serve, and not
 * before: whoever typed the command learns whether it worked.
 */
#ifndef SUPERVISOR_DAEMON_H
#define SUPERVISOR_DAEMON_H

#include <stdbool.h>

#include "common/sc.h"

struct daemon {
	int report; /* a pipe to the process that waits; -1: none does */
	int null;   /* /dev/null, as long as somebody waits */
};

/*
 * Fork.  Returns 0 in the child, which goes on, in a session of its own,
 * with / as its directory and stderr as it was.  In the parent, which must
 * end then, returns 1 with *ret_status its exit status, after the child has
 * begun to serve or ended.  -errno, with one line logged, if it can't be
 * done.
 */
SC_MUST_CHECK int daemon_begin(struct daemon *d, int *ret_status);

/* We serve: let go of the terminal, and let the parent end. */
void daemon_serving(struct daemon *d);

/*
 * Point stdin, stdout and stderr to /dev/null; in a child that may see other
 * files already.
 */
void daemon_detach(const struct daemon *d);

#endif
