/*
 * send.c - pieces of journals go to a socket.
 */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/kill_point.h"
#include "worker/send.h"

#define FLAGS (MSG_NOSIGNAL | MSG_DONTWAIT)

/* Nearly always there is one piece, and a list of it costs 5 % more. */
static ssize_t
send_list(int fd, const struct iovec *iov, int count)
{
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = (size_t)count };

	return count == 1 ? send(fd, iov->iov_base, iov->iov_len, FLAGS)
			  : sendmsg(fd, &m, FLAGS);
}

ssize_t
send_pieces(int fd, const struct iovec *iov, int count, bool *ret_blocked)
{
	size_t all = 0;
	ssize_t n;

	for (int i = 0; i < count; i++)
		all += iov[i].iov_len;
	n = send_list(fd, iov, count);
	KILL_POINT();
	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
		return -errno;
	*ret_blocked = n < (ssize_t)all;
	return n < 0 ? 0 : n;
}
