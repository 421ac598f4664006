/*
 * notify.c - tells the service manager how we are.
 */
#include "config.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "supervisor/notify.h"

/* What a stop takes beyond the time that it gives to others. */
#define STOPPING_SLACK_MS 5000u

/*
 * The address that NOTIFY_SOCKET means: a path, or with an at sign a name
 * that is in no file system.  Its length, or 0 if it is neither.
 */
static socklen_t
parse_address(const char *name, struct sockaddr_un *ret)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 ||
	    len >= sizeof(ret->sun_path))
		return 0;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, name, len);
	if (name[0] == '@')
		ret->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

void
notify_send(const char *lines)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t len;
	int fd;

	if (name == NULL)
		return;
	len = parse_address(name, &address);
	if (len == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (sendto(fd, lines, strlen(lines), MSG_NOSIGNAL,
		(const struct sockaddr *)&address, len) < 0)
		log_debug("notify %s: %m", name);
	fd_close(&fd);
}

void
notify_ready(const char *status)
{
	char lines[128];

	(void)snprintf(lines, sizeof(lines), "READY=1\nMAINPID=%d\nSTATUS=%s",
	    (int)getpid(), status);
	notify_send(lines);
}

void
notify_reloading(void)
{
	struct timespec now;
	char lines[96];

	/* The manager compares this with when it asked, to the microsecond. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(lines, sizeof(lines),
	    "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reloading",
	    (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	notify_send(lines);
}

void
notify_stopping(uint64_t limit_ms)
{
	char lines[96];

	(void)snprintf(lines, sizeof(lines),
	    "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=%" PRIu64,
	    (limit_ms + STOPPING_SLACK_MS) * 1000);
	notify_send(lines);
}

/* Whether the manager would miss us. */
static bool
is_watched(void)
{
	const char *watched = getenv("WATCHDOG_PID");

	if (getenv("WATCHDOG_USEC") == NULL)
		return false;
	return watched == NULL || strtol(watched, NULL, 10) == getpid();
}

void
notify_alive(void)
{
	if (is_watched())
		notify_send("WATCHDOG=1");
}
