/*
 * echo_worker.c - a worker_main() that echoes what clients send, and does on
 * demand what workers should not do.  It stands in for libworker.a in the
 * tests of the supervisor; what a client may say is in obey(), what it is
 * answered in answer().
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/claim.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/msg.h"
#include "worker/worker.h"

#define HELD_MAX 512

struct held {
	int fd;
	uint32_t kind;
	uint32_t slot;
	uint32_t generation;
};

static struct {
	const struct worker_start *start;
	struct held held[HELD_MAX];
	int count;
	int upstreams; /* inherited */
} self;

static void
hold(int fd, uint32_t kind, uint32_t slot, uint32_t generation)
{
	if (self.count < HELD_MAX)
		self.held[self.count++] =
		    (struct held){ fd, kind, slot, generation };
}

static void
say(const struct msg *m, int fd)
{
	struct pollfd p = { .fd = self.start->channel, .events = POLLOUT };

	while (msg_send(self.start->channel, m, fd) == -EAGAIN)
		(void)poll(&p, 1, 1);
}

static void
say_gone(const struct held *h)
{
	const struct msg_slot slot = { h->slot, h->generation };
	struct msg m;

	if (h->kind == SOCKET_CLIENT) {
		msg_init(&m, MSG_LEFT);
		m.body.LEFT.count = 1;
		m.body.LEFT.item[0] = slot;
	} else {
		msg_init(&m, MSG_UNPARK);
		m.body.UNPARK = slot;
	}
	say(&m, -1);
}

static void
say_release(const struct held *h, uint32_t target)
{
	struct msg m;

	msg_init(&m, MSG_RELEASE);
	m.body.RELEASE.slot = h->slot;
	m.body.RELEASE.generation = h->generation;
	m.body.RELEASE.target = target;
	say(&m, -1);
}

static void
say_park(uint32_t slot)
{
	struct msg m;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	msg_init(&m, MSG_PARK);
	m.body.PARK.slot = slot;
	m.body.PARK.generation = 1;
	say(&m, fd);
	hold(fd, SOCKET_UPSTREAM, slot, 1);
}

/*
 * The descriptors that are open here, but for the one that lists them and
 * those above the limit, which are a debugger's.
 */
static int
list_fds(char *buf, size_t cap)
{
	DIR *d = opendir("/proc/self/fd");
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };
	struct dirent *entry;
	int count = 0, fd;
	size_t len = 0;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	buf[0] = '\0';
	while (d != NULL && (entry = readdir(d)) != NULL) {
		fd = atoi(entry->d_name);
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    fd == dirfd(d) || (rlim_t)fd >= limit.rlim_cur)
			continue;
		len += (size_t)snprintf(buf + len, cap - len, " %d", fd);
		count++;
	}
	if (d != NULL)
		(void)closedir(d);
	return count;
}

/* How many of these must be open: 0 to 2, ours, and what we hold. */
static int
expected_fds(void)
{
	int log = log_fd() > STDERR_FILENO;

	return 3 + 2 + log + self.count;
}

static void
answer(const struct held *h, const char *text)
{
	char buf[1024], fds[512];
	int open_count = list_fds(fds, sizeof(fds));
	int len =
	    snprintf(buf, sizeof(buf), "w%u g%u u%d fds%s uid%d owner%d %s\n",
		self.start->index, self.start->generation, self.upstreams,
		open_count == expected_fds() ? "ok" : fds, (int)getuid(),
		atomic_load(&self.start->shm->client_owners[h->slot]) ==
		    owner_id(self.start->index, self.start->generation),
		text);

	(void)send(h->fd, buf, (size_t)len, MSG_NOSIGNAL);
}

static void
forget(int i)
{
	fd_close(&self.held[i].fd);
	self.held[i] = self.held[--self.count];
}

/* Do what a client says; i is where its connection is held. */
static void
obey(int i, const char *text)
{
	struct held *h = &self.held[i];

	if (strcmp(text, "abort") == 0)
		abort();
	if (strcmp(text, "stop") == 0)
		(void)raise(SIGSTOP);
	if (strcmp(text, "nonsense") == 0)
		(void)send(self.start->channel, "xx", 2, MSG_NOSIGNAL);
	if (strcmp(text, "deaf") == 0)
		(void)shutdown(self.start->channel, SHUT_WR);
	if (strcmp(text, "park") == 0)
		say_park(5);
	if (strcmp(text, "park far") == 0)
		say_park(UINT32_MAX);
	if (strcmp(text, "park and die") == 0) {
		say_park(6);
		say_park(7);
		(void)raise(SIGKILL);
	}
	if (strcmp(text, "flood") == 0) {
		/* Unread answers, until the supervisor has enough. */
		struct held far = { -1, SOCKET_UPSTREAM, 9, 1 };

		for (;;)
			say_gone(&far);
	}
	if (strncmp(text, "release ", 8) == 0) {
		struct held copy = *h;

		answer(h, text);
		forget(i);
		say_release(&copy, (uint32_t)atoi(text + 8));
		return;
	}
	answer(h, text);
}

static void
serve(int i)
{
	char buf[256];
	ssize_t n = recv(self.held[i].fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		(void)shutdown(self.held[i].fd, SHUT_RDWR);
		say_gone(&self.held[i]);
		forget(i);
		return;
	}
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	obey(i, buf);
}

/* The first of a slot does not heed a drain of 77 s. */
static bool
is_stubborn(const struct msg *m)
{
	return m->body.DRAIN.limit_ms == 77000 && self.start->generation == 1;
}

static void
listen_to_supervisor(void)
{
	struct msg_fds fds;
	struct msg m;
	int r;

	while ((r = msg_receive_with(
		    self.start->channel, FROM_SUPERVISOR, &m, &fds)) == 1) {
		for (uint32_t i = 0;
		     m.head.type == MSG_CLIENTS && i < fds.count; i++)
			hold(fds.fd[i], SOCKET_CLIENT,
			    m.body.CLIENTS.item[i].slot,
			    m.body.CLIENTS.item[i].generation);
		if (m.head.type == MSG_DRAIN && !is_stubborn(&m))
			_exit(0);
	}
	if (r == 0)
		_exit(0); /* the supervisor is gone */
}

static void
turn(void)
{
	struct pollfd p[HELD_MAX + 1] = { { .fd = self.start->channel,
	    .events = POLLIN } };
	int count = self.count;

	for (int i = 0; i < count; i++)
		p[i + 1] = (struct pollfd){
			.fd = self.held[i].kind == SOCKET_CLIENT
				  ? self.held[i].fd
				  : -1,
			.events = POLLIN,
		};
	(void)poll(p, (nfds_t)count + 1, 200);
	atomic_fetch_add(&self.start->shm->workers[self.start->index].beat, 1);
	for (int i = count - 1; i >= 0; i--) {
		if (p[i + 1].revents != 0)
			serve(i);
	}
	if (p[0].revents != 0)
		listen_to_supervisor();
}

void
worker_main(const struct worker_start *start)
{
	struct msg m;

	if (getenv("WORKER_EXITS") != NULL)
		_exit(atoi(getenv("WORKER_EXITS")));
	self.start = start;
	for (uint32_t i = 0; i < start->inherited_count; i++) {
		const struct worker_inheritance *in = &start->inherited[i];

		self.upstreams += in->kind == SOCKET_UPSTREAM;
		hold(in->fd, in->kind, in->slot, in->generation);
	}
	for (uint32_t i = 0; i < start->dead_count; i++) {
		msg_init(&m, MSG_ADOPTED);
		m.body.ADOPTED.owner = start->dead[i];
		say(&m, -1);
	}
	msg_init(&m, MSG_READY);
	say(&m, -1);
	for (;;)
		turn();
}
