/*
 * fd.h - descriptors: closing, options, what a child keeps.  What is
 * Linux-only about descriptors stays here.
 */
#ifndef COMMON_FD_H
#define COMMON_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sc.h"

/* Close *fd unless it is -1, and make it -1.  errno is kept. */
void fd_close(int *fd);

/* O_NONBLOCK and FD_CLOEXEC: 0 or -errno. */
SC_MUST_CHECK int fd_set_nonblock(int fd);
SC_MUST_CHECK int fd_set_cloexec(int fd, int on);

/* A peer whose TCP confirms or takes nothing for so long is dead. */
#define FD_USER_TIMEOUT_MS 120000

/*
 * Options of every stream socket: TCP_NODELAY, SO_OOBINLINE (urgent data
 * would skew the counts), and SO_KEEPALIVE and TCP_USER_TIMEOUT, by which a
 * dead peer is found within two minutes.  Set on a listener they are
 * inherited by what it accepts.  0 or -errno.
 */
SC_MUST_CHECK int fd_set_stream_options(int fd);

/*
 * Close every descriptor from 3 up that is not in `keep` (count entries,
 * any order, -1 allowed; the array is sorted in place).
 */
void fd_close_all_but(int *keep, size_t count);

/* Whether the address that a socket has can be reached from here alone. */
bool fd_is_on_loopback(int fd);

/* Whether fd is an epoll set (false for -1). */
bool fd_is_epoll(int fd);

/*
 * Raise RLIMIT_NOFILE's soft limit to the hard one, and that to `wanted`
 * where it is lower and we may; returns the limit now in force.
 */
uint64_t fd_raise_limit(uint64_t wanted);

#endif
