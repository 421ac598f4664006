/*
 * send.h - pieces of journals go to a socket.
 */
#ifndef WORKER_SEND_H
#define WORKER_SEND_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "common/sc.h"

/*
 * Send pieces (count > 0), as much of them as the socket takes without
 * waiting.  Returns how many bytes went, *ret_blocked saying whether that was
 * less than all; or -errno where the connection failed, which raises no
 * signal.
 */
SC_MUST_CHECK ssize_t send_pieces(
    int fd, const struct iovec *iov, int count, bool *ret_blocked);

#endif
