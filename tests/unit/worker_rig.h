/*
 * worker_rig.h - a worker without processes around it: shared memory, a
 * loop that is not run, one client on a socket pair, and the supervisor's
 * end of the channel.  No upstream is ever connected to: its name is still
 * being looked up, so streams wait.
 */
#ifndef TESTS_UNIT_WORKER_RIG_H
#define TESTS_UNIT_WORKER_RIG_H

#include <stddef.h>

#include "worker/client.h"
#include "worker/stream.h"

struct worker_rig {
	struct shm shm;
	struct conf conf;
	struct worker w;
	struct client *c;
	int peer;            /* the client's end of its connection */
	int supervisor;      /* the supervisor's end of the channel */
	uint32_t generation; /* of the worker's process */
};

extern struct worker_rig rig;

/*
 * Checked fixtures: a worker with RIG_BLOCKS blocks and a client that came
 * in on a loopback address; and the end of it all.
 */
#define RIG_BLOCKS 600u
void rig_setup(void);
void rig_teardown(void);

/* The same with another number of blocks, for tests of short memory. */
void rig_setup_with(uint32_t blocks);

/*
 * The same with a TCP connection, which the kernel counts; and a death: the
 * worker is forgotten, and its successor adopts what it has committed.
 * rig.c is NULL where that had to end.
 */
void rig_setup_tcp(void);
void rig_die(void);

/* Set a key of the configuration. */
void rig_set(const char *key, const char *value);

/* The client has sent these bytes: process and commit, in pieces of `step`. */
void rig_feed(const char *bytes, size_t len, size_t step);
void rig_ask(const char *request);

/* What the client has been sent so far; the length is returned. */
size_t rig_receive(char *buf, size_t cap);

/*
 * All that finished records put on the wire, from the journal's first kept
 * one; the length is returned.  The journal must be sound.
 */
size_t rig_wire(
    const struct journal *j, enum http_framing framing, char *buf, size_t cap);

/*
 * Read a message off the wire: its head, and its body without the framing
 * into buf.  `ret_whole` tells whether the framing says that it is complete
 * (never where it ends with the connection).  Returns the body's length.
 */
size_t rig_decode(enum http_side side, const char *wire, size_t len,
    struct http_head *ret_head, char *buf, bool *ret_whole);

#endif
