/*
 * floor.c - the least that a proxy can cost: one thread, one epoll set, and
 * each byte that comes in on one side goes out on the other.  It looks at
 * nothing, so one upstream connection belongs to each client's.
 *
 *	bench-floor PORT-OF-UPSTREAM
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load_net.h"

#define COPY_MAX 65536
#define EVENTS_MAX 256

struct pair;

/* One socket of a pair, and what its peer has not taken yet. */
struct end {
	struct pair *pair;
	struct end *peer;
	int fd;
	uint32_t events; /* in the epoll set */
	char *kept;      /* read here, to be written to the peer */
	size_t off, len;
};

struct pair {
	struct end end[2];
	struct pair *next_dead;
	bool is_dead;
};

static int epoll_fd;
static uint16_t upstream_port;
static struct pair *dead;
static char copy[COPY_MAX];

static void
watch(struct end *e, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = e };

	if (e->events == events)
		return;
	e->events = events;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, e->fd, &ev) != 0)
		load_die("epoll_ctl");
}

static void
enter(struct pair *p, int i, int fd)
{
	struct end *e = &p->end[i];
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = e };

	e->pair = p;
	e->peer = &p->end[!i];
	e->fd = fd;
	e->events = EPOLLIN;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
		load_die("epoll_ctl");
}

static void
take_connection(int listener)
{
	struct pair *p;
	int fd = load_accept(listener);

	if (fd < 0)
		return;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		load_die("calloc");
	enter(p, 0, fd);
	enter(p, 1, load_connect(upstream_port));
}

static void
end_pair(struct pair *p)
{
	if (p->is_dead)
		return;
	p->is_dead = true;
	close(p->end[0].fd);
	close(p->end[1].fd);
	p->next_dead = dead;
	dead = p;
}

/* Write to the peer of e: how much went, or -1 where the pair is over. */
static ssize_t
pass(struct end *e, const char *p, size_t len)
{
	ssize_t n = send(e->peer->fd, p, len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != ENOTCONN) {
		end_pair(e->pair);
		return -1;
	}
	return n < 0 ? 0 : n;
}

/* The peer was full: keep the rest, and read no more until it is gone. */
static void
keep(struct end *e, const char *p, size_t len)
{
	if (e->kept == NULL && (e->kept = malloc(COPY_MAX)) == NULL)
		load_die("malloc");
	memcpy(e->kept, p, len);
	e->off = 0;
	e->len = len;
	watch(e, e->events & ~(uint32_t)EPOLLIN);
	watch(e->peer, e->peer->events | EPOLLOUT);
}

static void
flush(struct end *e)
{
	ssize_t n = pass(e, e->kept + e->off, e->len);

	if (n < 0)
		return;
	e->off += (size_t)n;
	e->len -= (size_t)n;
	if (e->len > 0)
		return;
	free(e->kept);
	e->kept = NULL;
	watch(e, e->events | EPOLLIN);
	watch(e->peer, e->peer->events & ~(uint32_t)EPOLLOUT);
}

static void
forward(struct end *e)
{
	ssize_t n = recv(e->fd, copy, sizeof(copy), 0), sent;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end_pair(e->pair);
		return;
	}
	sent = pass(e, copy, (size_t)n);
	if (sent >= 0 && sent < n)
		keep(e, copy + sent, (size_t)(n - sent));
}

static void
on_event(struct end *e, uint32_t events)
{
	if (!e->pair->is_dead && events & EPOLLOUT && e->peer->len > 0)
		flush(e->peer);
	if (!e->pair->is_dead && events & (EPOLLIN | EPOLLHUP | EPOLLERR) &&
	    e->len == 0)
		forward(e);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS_MAX];
	struct pair *p;
	int listener, i, n;

	argv = load_arguments(
	    argc, argv, 1, "usage: bench-floor PORT-OF-UPSTREAM\n");
	upstream_port = (uint16_t)load_number(argv[0], UINT16_MAX);
	listener = load_listen(0);
	epoll_fd = load_epoll(listener);
	printf("listening on 127.0.0.1:%u\n", load_port_of(listener));
	fflush(stdout);
	for (;;) {
		n = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				take_connection(listener);
			else
				on_event(events[i].data.ptr, events[i].events);
		}
		while ((p = dead) != NULL) {
			dead = p->next_dead;
			free(p->end[0].kept);
			free(p->end[1].kept);
			free(p);
		}
	}
}
