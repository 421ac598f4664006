/*
 * tcp_count.h - what the kernel knows of a socket whose worker died: how
 * many bytes were sent and taken, exactly (DESIGN, 4; ADOPTION, 1-6).
 * Linux only.
 */
#ifndef COMMON_TCP_COUNT_H
#define COMMON_TCP_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/sc.h"

enum tcp_side { TCP_ACCEPTED, TCP_CONNECTED };

struct tcp_count {
	uint64_t sent;  /* bytes that were handed to the kernel */
	uint64_t acked; /* of these, acknowledged by the peer's kernel */
	uint64_t taken; /* bytes that were received by this host's processes */
	uint64_t waiting; /* bytes in the receive queue */
	uint8_t state;    /* TCP_ESTABLISHED and so on */
	bool peer_closed; /* the peer's FIN is in the queue or was taken */
	bool reset;       /* TCP_CLOSE: a reset or a failed connect */
	bool connecting;  /* SYN_SENT: nothing sent, nothing taken */
};

/*
 * Count.  Reads TCP_INFO, SIOCOUTQ, SIOCINQ, TCP_INFO until both readings
 * agree.  0; -EAGAIN where they don't agree after many tries; -ERANGE where
 * the kernel gives impossible values or the socket is in another state than
 * a connection has; -ENOTSUP where it does not count; -errno.  *ret is
 * untouched then.  No one else may read or write the socket meanwhile.
 *
 * After a reset `sent` is still right, and the `waiting` bytes can still be
 * received; but `taken` is one too many where the peer's FIN had come before
 * the reset, which only those can tell who know what they took.  Of no use
 * after an own close or shutdown(SHUT_WR), when the end of both looks like a
 * reset: commit "closing" before, and don't count afterwards.
 */
SC_MUST_CHECK int tcp_count(int fd, enum tcp_side side, struct tcp_count *ret);

/*
 * How many bytes that were handed to the kernel the peer's has not confirmed:
 * for who knows what it has sent.  One system call.  0, -ERANGE, or -errno.
 */
SC_MUST_CHECK int tcp_count_queued(int fd, uint64_t *ret);

#endif
