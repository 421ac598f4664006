/*
 * wire.c - sockets of the test peers: every operation has a deadline.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/peers/wire.h"

int64_t
wire_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
left_ms(int64_t deadline)
{
	int64_t left;

	if (deadline == WIRE_NEVER)
		return -1;
	left = deadline - wire_now_ms();
	if (left < 0)
		return 0;
	return left > 1000000 ? 1000000 : (int)left;
}

/* Wait for events; 1 when one is there, 0 at the deadline. */
static int
wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, left_ms(deadline));
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static struct sockaddr_in
loopback(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sin;
}

/* A socket that is bound; *sin says where.  -errno. */
static int
bind_to(struct sockaddr_in *sin)
{
	socklen_t len = sizeof(*sin);
	int one = 1, fd, err;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)sin, sizeof(*sin)) < 0 ||
	    getsockname(fd, (struct sockaddr *)sin, &len) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int
wire_listen(const char *address, uint16_t port, int backlog, uint16_t *ret_port)
{
	struct sockaddr_in sin = loopback(port);
	int fd, err;

	if (inet_pton(AF_INET, address, &sin.sin_addr) != 1)
		return -EINVAL;
	fd = bind_to(&sin);
	if (fd < 0)
		return fd;
	if (listen(fd, backlog) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*ret_port = ntohs(sin.sin_port);
	return fd;
}

int
wire_reserve(uint16_t *ret_port)
{
	struct sockaddr_in sin = loopback(0);
	int fd = bind_to(&sin);

	if (fd >= 0)
		*ret_port = ntohs(sin.sin_port);
	return fd;
}

void
wire_init(struct wire *w, int fd)
{
	int one = 1;

	memset(w, 0, sizeof(*w));
	w->fd = fd;
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static int
connect_result(int fd, int64_t deadline)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (!wait_for(fd, POLLOUT, deadline))
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	return -err;
}

int
wire_connect(
    struct wire *w, uint16_t port, int receive_buffer, int64_t deadline)
{
	struct sockaddr_in sin = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	wire_init(w, fd);
	if (receive_buffer > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
		    sizeof(receive_buffer));
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0)
		err = errno == EINPROGRESS ? connect_result(fd, deadline)
					   : -errno;
	if (err < 0)
		wire_close(w);
	return err;
}

int
wire_fill(struct wire *w, int64_t deadline)
{
	char buf[65536];
	ssize_t n;

	for (;;) {
		n = recv(w->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n >= 0)
			break;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		if (!wait_for(w->fd, POLLIN, deadline))
			return -ETIMEDOUT;
	}
	bytes_add(&w->in, buf, (size_t)n);
	return n > 0;
}

int
wire_write(struct wire *w, const void *data, size_t len, int64_t deadline)
{
	const char *at = data;
	ssize_t n;

	while (len > 0) {
		n = send(w->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			at += n;
			len -= (size_t)n;
			w->sent += (uint64_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		if (!wait_for(w->fd, POLLOUT, deadline))
			return -ETIMEDOUT;
	}
	return 0;
}

int
wire_watch(struct wire *w, int64_t deadline)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (!wait_for(w->fd, POLLRDHUP, deadline))
		return 0;
	(void)getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err != 0 ? -err : -EPIPE;
}

void
wire_finish(struct wire *w)
{
	(void)shutdown(w->fd, SHUT_WR);
}

void
wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	bytes_fini(&w->in);
}

void
wire_reset(struct wire *w)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (w->fd >= 0)
		(void)setsockopt(
		    w->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	wire_close(w);
}
