/*
 * link.c - the connection to the daemon.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"
#include "ctl/link.h"

/* For the daemon to take a request, and for each frame of an answer. */
#define LIMIT_S 10

/* Whether nobody else can have put a socket of his own there. */
static int
check_directory(const char *path)
{
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (slash == NULL || slash == path)
		return 0;
	memcpy(directory, path, (size_t)(slash - path));
	directory[slash - path] = '\0';
	if (lstat(directory, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) ||
	    (st.st_uid != geteuid() && st.st_uid != 0) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return -EPERM;
	return 0;
}

static int
set_limits(int fd, int seconds)
{
	struct timeval limit = { .tv_sec = seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) <
		0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	return 0;
}

static int
connect_to(int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) <
	       0) {
		if (errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
	}
	return 0;
}

int
link_open(struct link *ret, const char *path, bool is_default)
{
	int r = is_default ? check_directory(path) : 0;

	if (r != 0)
		return r;
	ret->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ret->fd < 0)
		return -errno;
	ret->buf = malloc(CTL_PIECE_MAX);
	msgpack_unpacked_init(&ret->memory);
	r = ret->buf == NULL ? -ENOMEM : set_limits(ret->fd, LIMIT_S);
	if (r == 0)
		r = connect_to(ret->fd, path);
	if (r != 0)
		link_close(ret);
	return r;
}

void
link_close(struct link *link)
{
	fd_close(&link->fd);
	free(link->buf);
	link->buf = NULL;
	msgpack_unpacked_destroy(&link->memory);
}

int
link_send(struct link *link, const struct ctl_request *request)
{
	const struct ctl_command_row *row = ctl_command_row(request->command);
	char buf[CTL_REQUEST_CAP];
	size_t len = ctl_request_encode(request, buf), sent = 0;
	ssize_t n;

	if (len == 0)
		return -EMSGSIZE;
	while (sent < len) {
		n = send(link->fd, buf + sent, len - sent, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		sent += n > 0 ? (size_t)n : 0;
	}
	if (row->form == CTL_FORM_WORD || row->form == CTL_FORM_LIVE)
		return set_limits(link->fd, 0);
	return 0;
}

static int
receive_all(struct link *link, char *buf, size_t len)
{
	size_t used = 0;
	ssize_t n;

	while (used < len) {
		n = recv(link->fd, buf + used, len - used, 0);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		used += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int
link_receive(struct link *link, struct ctl_answer *ret)
{
	char head[CTL_HEAD_LEN];
	uint32_t len;
	int r = receive_all(link, head, sizeof(head));

	if (r != 0)
		return r;
	len = ctl_frame_len(head);
	if (len > CTL_PIECE_MAX)
		return -EPROTO;
	r = receive_all(link, link->buf, len);
	if (r != 0)
		return r;
	return ctl_answer_decode(link->buf, len, &link->memory, ret);
}
