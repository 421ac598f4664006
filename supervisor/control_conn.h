/*
 * control_conn.h - one connection of the control socket: a request comes in,
 * its answer goes out, both in bounded pieces, and then it is closed.
 *
 * Nothing a peer does or leaves undone costs others more than one slot for
 * a few seconds: the number of connections, what is buffered, the time to
 * send a request and the time in which no byte is taken are limited.  When
 * all slots are taken the oldest goes that has not asked yet, or that does not
 * take its answer; where all are busy, the next one waits.  Answers
 * are made a slice at a time, one for each turn of the loop.
 */
#ifndef SUPERVISOR_CONTROL_CONN_H
#define SUPERVISOR_CONTROL_CONN_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "common/ctl_proto.h"
#include "supervisor/control.h"

/* Connections at a time. */
#define CONTROL_CONNECTIONS_MAX 32u
/* To send the request; and without a byte of the answer taken. */
#define CONTROL_REQUEST_S 5.
#define CONTROL_STALL_S 30.
/* Until a job that has to wait is asked again. */
#define CONTROL_AGAIN_S 0.02

/* What a job says after a slice of work. */
enum control_step {
	CONTROL_STEP_MORE,  /* ask again as soon as the peer takes bytes */
	CONTROL_STEP_LATER, /* ask again in a moment */
	CONTROL_STEP_DONE,  /* the last frame is written */
};

/*
 * TABLE of the states of a connection: X(state, may be followed by).
 */
#define CONTROL_STATES(X)                                                      \
	X(READING, CONTROL_TO(WORKING) | CONTROL_TO(FLUSHING))                 \
	X(WORKING, CONTROL_TO(WAITING) | CONTROL_TO(FLUSHING))                 \
	X(WAITING, CONTROL_TO(WORKING) | CONTROL_TO(FLUSHING))                 \
	X(FLUSHING, 0) /* the last frame waits to be sent */

enum control_state {
#define X(state, next) CONTROL_##state,
	CONTROL_STATES(X)
#undef X
};

struct control_conn {
	struct control *control;
	struct control_conn *next, *prev;
	enum control_state state;
	struct ucred peer;
	ev_io io; /* io.fd is the socket */
	ev_timer limit;
	ev_timer again;
	char in[CTL_REQUEST_CAP];
	size_t in_len;
	char *buf; /* CTL_OUT_CAP bytes, once there is an answer */
	struct ctl_out out;
	size_t sent; /* bytes of it */

	/* The job: makes the answer. */
	enum control_step (*step)(struct control_conn *conn);
	void *job; /* the step's own, from the heap, freed at the end */
	void (*job_fini)(void *job); /* what is in it; may be NULL */
};

/*
 * See that there is a slot for one more; false where all are busy, and
 * control_room_made() will be called.
 */
bool control_conn_make_room(struct control *control);

/*
 * A connection was accepted; takes fd.  Refused with an error where the peer
 * may not ask.
 */
void control_conn_new(struct control *control, int fd);

/* Close and free it, wherever it stands. */
void control_conn_close(struct control_conn *conn);

/*
 * Answer by calling step(conn), which writes frames to conn->out, until it
 * is done.  Takes `job` (heap, or NULL).
 */
void control_conn_work(struct control_conn *conn,
    enum control_step (*step)(struct control_conn *conn), void *job,
    void (*job_fini)(void *job));

/* Answer with the last frame alone; sent at once as far as possible. */
void control_conn_done(struct control_conn *conn, const char *fmt, ...)
    SC_PRINTF(2, 3);
void control_conn_refuse(struct control_conn *conn, const char *fmt, ...)
    SC_PRINTF(2, 3);

/*
 * The same out of a step: write the last frame.  It fits if nothing else
 * waits, which is so whenever a step is called.
 */
enum control_step control_step_done(
    struct control_conn *conn, const char *fmt, ...) SC_PRINTF(2, 3);
enum control_step control_step_refuse(
    struct control_conn *conn, const char *fmt, ...) SC_PRINTF(2, 3);

#endif
