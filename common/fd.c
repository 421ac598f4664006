/*
 * fd.c - descriptors: closing, options, what a child keeps.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/fd.h"

/* A peer that is silent for so long is asked whether it lives, and how often.
 */
#define KEEPALIVE_IDLE_S 30
#define KEEPALIVE_INTERVAL_S 10

/* The first descriptor that is not one of the standard three. */
#define FIRST_OWN_FD 3

void
fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

int
fd_set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int
fd_set_cloexec(int fd, int on)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0)
		return -errno;
	flags = on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC;
	return fcntl(fd, F_SETFD, flags) < 0 ? -errno : 0;
}

int
fd_set_stream_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_OOBINLINE, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, FD_USER_TIMEOUT_MS },
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (setsockopt(fd, options[i].level, options[i].name,
			&options[i].value, sizeof(options[i].value)) < 0)
			return -errno;
	}
	return 0;
}

/* --- what a child keeps -------------------------------------------------- */

static int
compare_fds(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The highest descriptor that is open. */
static int
highest_fd(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	struct rlimit limit;
	int highest = 0;

	if (dir == NULL) {
		if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
		    limit.rlim_cur > INT_MAX)
			return INT_MAX;
		return (int)limit.rlim_cur - 1;
	}
	while ((entry = readdir(dir)) != NULL)
		highest = MAX(highest, atoi(entry->d_name));
	(void)closedir(dir);
	return highest;
}

/* What close_range(2) does, for kernels before 5.9. */
static void
close_one_by_one(int first, int last)
{
	last = MIN(last, highest_fd());
	for (int fd = first; fd <= last; fd++)
		(void)close(fd);
}

/* Close first .. last, none of which need be open. */
static void
close_range_of_fds(int first, int last)
{
	if (first > last)
		return;
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0u) == 0)
		return;
#endif
	close_one_by_one(first, last);
}

void
fd_close_all_but(int *keep, size_t count)
{
	int next = FIRST_OWN_FD;

	if (count > 0)
		qsort(keep, count, sizeof(*keep), compare_fds);
	for (size_t i = 0; i < count; i++) {
		if (keep[i] < next)
			continue;
		close_range_of_fds(next, keep[i] - 1);
		next = keep[i] + 1;
	}
	close_range_of_fds(next, INT_MAX);
}

uint64_t
fd_raise_limit(uint64_t wanted)
{
	struct rlimit limit, more = { wanted, wanted };
	rlim_t before;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (wanted > limit.rlim_max && setrlimit(RLIMIT_NOFILE, &more) == 0)
		return wanted;
	before = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return before;
	return limit.rlim_cur;
}

bool
fd_is_on_loopback(int fd)
{
	struct sockaddr_storage local;
	socklen_t len = sizeof(local);

	return getsockname(fd, (struct sockaddr *)&local, &len) == 0 &&
	       addr_is_loopback((const struct sockaddr *)&local);
}

bool
fd_is_epoll(int fd)
{
	char path[32], target[64];
	ssize_t n;

	if (fd < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	return strstr(target, "eventpoll") != NULL;
}
