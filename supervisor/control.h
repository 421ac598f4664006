/*
 * control.h - the control socket.
 */
#ifndef SUPERVISOR_CONTROL_H
#define SUPERVISOR_CONTROL_H

#include <ev.h>
#include <stdbool.h>

#include "common/sc.h"

struct control_conn;
struct ctl_request;

struct control {
	struct ev_loop *loop;
	int fd; /* -1: closed */
	const char *path;
	ev_io watcher;
	ev_timer pause;
	struct control_conn *first; /* the newest */
	unsigned count;
	bool is_full; /* who connects waits until one goes */
	/*
	 * A whole request came from a peer who may ask: give the connection
	 * a job (control_conn.h).  Set by the owner before control_open().
	 */
	void (*on_request)(void *context, struct control_conn *conn,
	    const struct ctl_request *request);
	void *context;
};

/*
 * Bind the socket at path (borrowed), with mode 0660, and serve it.  The
 * directory is made where it is the default one.  A leftover is replaced;
 * one that answers means that another daemon runs: -EADDRINUSE.  0; or
 * -errno with one line logged.
 */
SC_MUST_CHECK int control_open(
    struct control *c, struct ev_loop *loop, const char *path);

/*
 * Let the socket's file belong to this user and this group; "" leaves them as
 * they are.  The mode lets both in, and nobody else.  0; or -errno with one
 * line logged.
 */
SC_MUST_CHECK int control_set_owner(
    const struct control *c, const char *user, const char *group);

/*
 * Go on with a socket that is bound already, c->fd, which an earlier image of
 * the daemon served at this path (borrowed).
 */
void control_resume(struct control *c, struct ev_loop *loop, const char *path);

/* For control_conn.c: a connection has gone. */
void control_room_made(struct control *c);

/*
 * Remove the socket, close it and every connection.  A closed one is
 * allowed.
 */
void control_close(struct control *c);

#endif
