/*
 * serve.h - the accept loop of the test servers: one thread a connection.
 *
 * A thread a connection lets a script be a straight line of blocking steps,
 * and a peer that is stuck on purpose holds up nobody else.
 */
#ifndef PEERS_SERVE_H
#define PEERS_SERVE_H

/*
 * Serve one connection.  Takes fd.  Connections are numbered from 1 in the
 * order in which they were accepted.
 */
typedef void serve_connection(void *context, int fd, unsigned number);

/* Accept and serve until the process ends; returns only -errno. */
int serve_run(int listener, serve_connection *serve, void *context);

#endif
