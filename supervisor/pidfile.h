/*
 * pidfile.h - the file with the supervisor's process id, whose lock says
 * that it runs.
 */
#ifndef SUPERVISOR_PIDFILE_H
#define SUPERVISOR_PIDFILE_H

#include "common/sc.h"

struct pidfile {
	int fd; /* -1: there is none */
	const char *path;
};

/*
 * Make and lock the file, in the process whose id it shall hold (a child
 * does not inherit the lock).  path is borrowed; "" for no file.  0; or
 * -errno with one line logged: -EAGAIN where another process holds it.
 */
SC_MUST_CHECK int pidfile_open(struct pidfile *p, const char *path);

/* Write the process id into it.  0; or -errno with one line logged. */
SC_MUST_CHECK int pidfile_write(struct pidfile *p);

/* Remove the file, if it is still ours, and give the lock back. */
void pidfile_remove(struct pidfile *p);

#endif
