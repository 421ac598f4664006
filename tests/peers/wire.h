/*
 * wire.h - sockets of the test peers: every operation has a deadline.
 *
 * A deadline is a time of wire_now_ms(); WIRE_NEVER waits without end.
 * A wire is used by one thread.
 */
#ifndef PEERS_WIRE_H
#define PEERS_WIRE_H

#include <stdint.h>

#include "tests/peers/bytes.h"

#define WIRE_NEVER INT64_MAX

/* One connected socket and what was received but not yet looked at. */
struct wire {
	int fd; /* -1: closed */
	struct bytes in;
	uint64_t sent; /* bytes given to the kernel in all */
};

/* Milliseconds of the monotonic clock. */
int64_t wire_now_ms(void);

/*
 * Listen on a numeric IPv4 address; port 0 picks one.  Returns the
 * descriptor and sets *ret_port, or -errno.
 */
int wire_listen(
    const char *address, uint16_t port, int backlog, uint16_t *ret_port);

/*
 * Bind to a port of 127.0.0.1 that is free, and do not listen: connections to
 * it are refused, and the kernel gives it to nobody; wire_listen() may still
 * be told to listen there.  Returns the descriptor and sets *ret_port, or
 * -errno.
 */
int wire_reserve(uint16_t *ret_port);

/* Take over a connected descriptor. */
void wire_init(struct wire *w, int fd);

/*
 * Connect to 127.0.0.1:port.  receive_buffer, if not 0, is the size of
 * SO_RCVBUF: small ones make back-pressure show early.  0 or -errno
 * (-ETIMEDOUT at the deadline).
 */
int wire_connect(
    struct wire *w, uint16_t port, int receive_buffer, int64_t deadline);

/*
 * Receive more into w->in.  1: something came, 0: the peer's FIN,
 * -ETIMEDOUT, -ECONNRESET or another -errno.
 */
int wire_fill(struct wire *w, int64_t deadline);

/*
 * Send all bytes.  0, -ETIMEDOUT when the peer takes no more (w->sent tells
 * how much it took), -EPIPE, -ECONNRESET or another -errno.
 */
int wire_write(struct wire *w, const void *data, size_t len, int64_t deadline);

/*
 * Wait until the deadline passes (0) or the peer leaves (-EPIPE after its
 * FIN, -ECONNRESET after a reset), whichever comes first.  What it sends
 * meanwhile stays in the socket.
 */
int wire_watch(struct wire *w, int64_t deadline);

/* Send a FIN and go on receiving. */
void wire_finish(struct wire *w);

/* Close (a FIN, or a reset if unread bytes are left), keep nothing. */
void wire_close(struct wire *w);

/* Close with a reset. */
void wire_reset(struct wire *w);

#endif
