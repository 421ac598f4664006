/*
 * upstream.h - connections to the upstream: connect, park, send the request,
 * receive the answer, keep for the next one.
 *
 * A connection is made by upstream_ask() and ends in upstream_close();
 * nothing else closes its socket.
 */
#ifndef WORKER_UPSTREAM_H
#define WORKER_UPSTREAM_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "worker/context.h"
#include "worker/stream.h"

#define UPSTREAM_STATES(X)                                                     \
	X(CONNECTING) /* the kernel connects */                                \
	X(PARKING)    /* connected; its PARK message waits in the channel */   \
	X(BUSY)       /* carries a stream's request and answer */              \
	X(IDLE)       /* in the pool */                                        \
	X(CLOSING)    /* shut down; waits for the supervisor's CLOSED */

enum upstream_state {
#define X(name) UPSTREAM_##name,
	UPSTREAM_STATES(X)
#undef X
};

struct upstream {
	struct grave grave;
	struct worker *w;
	struct upstream_record *rec;
	struct stream *stream; /* CONNECTING, PARKING, BUSY */
	ev_io io;              /* io.fd is the socket */
	struct deadline deadline;
	uint32_t slot;
	uint8_t state;     /* enum upstream_state */
	bool is_blocked;   /* the socket took less than there was to send */
	bool is_reused;    /* came out of the pool for this stream */
	bool is_deaf;      /* it takes no more bytes; an answer may wait */
	bool is_reset;     /* what comes behind its last byte is no end */
	uint32_t address;  /* which of the resolver's it connects to */
	uint64_t begun_us; /* worker_now_us() when it began to connect */
	uint64_t park_seq;
	uint64_t sent;                /* bytes sent on it in all */
	uint64_t taken;               /* bytes processed from it in all */
	struct upstream *next, *prev; /* in w->idle or w->parking */
};

/*
 * Get a connection for the stream and send its request: out of the pool
 * unless `fresh`, or a new one.  Failures end in stream_fail().  An upstream
 * address must be known (resolver_ready()).
 */
void upstream_ask(struct stream *st, bool fresh);

/*
 * This process's share in a connection that was another's: BUSY with `st`;
 * or, with NULL, only good to be closed.  Takes `fd`.  NULL: no memory.
 */
struct upstream *upstream_revive(
    struct worker *w, uint32_t slot, int fd, struct stream *st);

/*
 * Process bytes that were received into a window (the end of the connection
 * where len is 0), commit, and do what they mean.  The stream may be gone
 * afterwards, the connection closed or in the pool.
 */
void upstream_feed(struct upstream *u, const char *buf, size_t len);

/* The connection failed with this errno before the answer was whole. */
void upstream_lost(struct upstream *u, int error);

/* Send what the request's journal has. */
void upstream_flush(struct upstream *u);

/* Start and stop watching, by state and by the room in the journals. */
void upstream_rewatch(struct upstream *u);

/*
 * The stream needs it no more.  With `keep` it goes to the pool (the answer
 * ended cleanly and it may be used again), else it is closed.
 */
void upstream_release(struct upstream *u, bool keep);

void upstream_close(struct upstream *u);

/* The supervisor's copy is closed: close ours and free the slot. */
void upstream_closed(struct worker *w, uint32_t slot);

/* PARK messages that waited have left. */
void upstream_parked(struct worker *w);

void upstream_on_connect_due(struct deadline *d);
void upstream_on_response_due(struct deadline *d);
void upstream_on_idle_due(struct deadline *d);

/* --- for the files of the upstream alone --------------------------------- */

/* Leave a state: the lists that stand for it are corrected here alone. */
void upstream_set_state(struct upstream *u, enum upstream_state to);

/* The kernel has connected, or failed to. */
void upstream_connected(struct upstream *u);

/* The watcher of every upstream socket. */
void upstream_on_event(struct ev_loop *loop, ev_io *io, int revents);

#endif
