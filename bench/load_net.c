/*
 * load_net.c - what the programs of bench/ share.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "bench/load_net.h"

_Noreturn void
load_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

uint64_t
load_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct sockaddr_in
loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int
load_listen(uint16_t port)
{
	struct sockaddr_in sin = loopback(port);
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    listen(fd, 4096) != 0)
		load_die("listen");
	return fd;
}

uint16_t
load_port_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	if (getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		load_die("getsockname");
	return ntohs(sin.sin_port);
}

int
load_connect(uint16_t port)
{
	struct sockaddr_in sin = loopback(port);
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		load_die("socket");
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 &&
	    errno != EINPROGRESS)
		load_die("connect");
	return fd;
}

int
load_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED &&
	    errno != EINTR)
		load_die("accept");
	return fd;
}

int
load_epoll(int member)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 ||
	    (member >= 0 && epoll_ctl(fd, EPOLL_CTL_ADD, member, &ev) != 0))
		load_die("epoll");
	return fd;
}

_Noreturn void
load_usage(const char *text, bool is_asked)
{
	fputs(text, is_asked ? stdout : stderr);
	exit(is_asked ? 0 : 2);
}

char **
load_arguments(int argc, char **argv, int count, const char *usage)
{
	static const struct option known[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int o = getopt_long(argc, argv, "", known, NULL);

	if (o != -1 || argc - optind != count)
		load_usage(usage, o == 'h');
	return argv + optind;
}

uint64_t
load_number(const char *text, uint64_t most)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (*text != '\0' && *end == '\0' && n <= most)
		return n;
	fprintf(stderr, "%s: not a number up to %llu\n", text,
	    (unsigned long long)most);
	exit(2);
}
