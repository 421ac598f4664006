/*
 * tcp_self_test.c - does this kernel count as tcp_count() believes?
 *
 * On a loopback connection of our own: bytes read and unread, a send queue
 * that is full, and the peer's FIN; at each step the counts are compared
 * with what was done.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/tcp_count.h"
#include "common/tcp_self_test.h"

/* Loopback delivers at once; this is for a machine that is very busy. */
#define PATIENCE_MS 5000

/* Bytes that make the sender's queue and the receiver's window full. */
#define QUEUE_BYTES 4096

/* Bytes sent by the side that connected, and how many of them are read. */
#define SENT_BYTES 1000
#define READ_BYTES 300

/* A connection with both ends here. */
struct pair {
	int listener;
	int connected;
	int accepted;
};

static void
pair_close(struct pair *p)
{
	fd_close(&p->connected);
	fd_close(&p->accepted);
	fd_close(&p->listener);
}

/* 0 as soon as one of `events` is there, or -ETIMEDOUT. */
static int
wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, PATIENCE_MS) == 1 ? 0 : -ETIMEDOUT;
}

static int
pair_open(struct pair *p)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	const int small = QUEUE_BYTES;

	p->listener = socket(AF_INET, type, 0);
	p->connected = socket(AF_INET, type, 0);
	if (p->listener < 0 || p->connected < 0 ||
	    setsockopt(p->listener, SOL_SOCKET, SO_SNDBUF, &small,
		sizeof(small)) < 0 ||
	    bind(p->listener, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(p->listener, 1) < 0 ||
	    getsockname(p->listener, (struct sockaddr *)&a, &len) < 0)
		return -errno;
	if (connect(p->connected, (struct sockaddr *)&a, len) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	if (wait_for(p->listener, POLLIN) != 0 ||
	    wait_for(p->connected, POLLOUT) != 0)
		return -ETIMEDOUT;
	p->accepted =
	    accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	return p->accepted < 0 ? -errno : 0;
}

/* Does the kernel say that so much was sent and taken? */
static int
expect(int fd, enum tcp_side side, uint64_t sent, uint64_t taken)
{
	struct tcp_count c;

	if (tcp_count(fd, side, &c) != 0)
		return -ENOTSUP;
	return c.sent == sent && c.taken == taken ? 0 : -ENOTSUP;
}

/* Write until the socket takes no more; the bytes written, or -errno. */
static ssize_t
fill(int fd)
{
	static const char bytes[QUEUE_BYTES];
	ssize_t total = 0;

	for (;;) {
		ssize_t n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN ? total : -errno;
		total += n;
	}
}

/* Send bytes one way, fill the queue the other way. */
static int
pair_load(const struct pair *p, uint64_t *ret_filled)
{
	char bytes[SENT_BYTES] = { 0 };
	ssize_t filled;

	if (send(p->connected, bytes, SENT_BYTES, MSG_NOSIGNAL) != SENT_BYTES)
		return -EIO;
	if (wait_for(p->accepted, POLLIN) != 0)
		return -ETIMEDOUT;
	if (recv(p->accepted, bytes, READ_BYTES, 0) != READ_BYTES)
		return -EIO;
	filled = fill(p->accepted);
	if (filled < 0)
		return (int)filled;
	*ret_filled = (uint64_t)filled;
	return 0;
}

/* The peer's FIN must be seen, and not be counted. */
static int
check_fin(const struct pair *p, uint64_t filled)
{
	if (shutdown(p->connected, SHUT_WR) < 0)
		return -errno;
	if (wait_for(p->accepted, POLLRDHUP) != 0)
		return -ETIMEDOUT;
	return expect(p->accepted, TCP_ACCEPTED, filled, READ_BYTES);
}

static int
check_pair(const struct pair *p)
{
	uint64_t filled = 0;
	int error = expect(p->connected, TCP_CONNECTED, 0, 0);

	if (error == 0)
		error = pair_load(p, &filled);
	if (error == 0)
		error = expect(p->accepted, TCP_ACCEPTED, filled, READ_BYTES);
	if (error == 0)
		error = expect(p->connected, TCP_CONNECTED, SENT_BYTES, 0);
	return error != 0 ? error : check_fin(p, filled);
}

int
tcp_count_self_test(void)
{
	struct pair p = { .listener = -1, .connected = -1, .accepted = -1 };
	int error = pair_open(&p);

	if (error == 0)
		error = check_pair(&p);
	pair_close(&p);
	return error;
}
