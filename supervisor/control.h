/*
 * control.h - the control socket.
 */
#ifndef SUPERVISOR_CONTROL_H
#define SUPERVISOR_CONTROL_H

#include <ev.h>

#include "common/sc.h"

struct control {
	struct ev_loop *loop;
	int fd; /* -1: closed */
	const char *path;
	ev_io watcher;
	ev_timer pause;
};

/*
 * Bind the socket at path (borrowed), with mode 0660, and serve it.  The
 * directory is made where it is the default one.  A leftover is replaced;
 * one that answers means that another daemon runs: -EADDRINUSE.  0; or
 * -errno with one line logged.
 */
SC_MUST_CHECK int control_open(
    struct control *c, struct ev_loop *loop, const char *path);

/* Remove the socket and close it.  A closed one is allowed. */
void control_close(struct control *c);

#endif
