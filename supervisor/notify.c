/*
 * notify.c - tells the service manager how we are.
 */
#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "supervisor/notify.h"

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
notify_ready(void)
{
	char lines[48];

	(void)snprintf(
	    lines, sizeof(lines), "READY=1\nMAINPID=%d", (int)getpid());
	notify_send(lines);
}
