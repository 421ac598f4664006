/*
 * control.c - the control socket: its directory, its file, who connects.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/control_path.h"
#include "common/fd.h"
#include "common/log.h"
#include "supervisor/complain.h"
#include "supervisor/control.h"
#include "supervisor/control_conn.h"
#include "supervisor/priv.h"

#define BACKLOG 16
#define BATCH 16
#define PAUSE_S 1.0

/* --- the directory ----------------------------------------------------- */

/* The part of path before the last slash; false where there is none. */
static bool
directory_of(const char *path, char *buf, size_t cap)
{
	const char *slash = strrchr(path, '/');
	size_t len;

	if (slash == NULL || slash == path)
		return false;
	len = (size_t)(slash - path);
	if (len >= cap)
		return false;
	memcpy(buf, path, len);
	buf[len] = '\0';
	return true;
}

static bool
is_default_path(const char *path)
{
	char def[CONTROL_PATH_CAP];

	return control_path_default(geteuid(), getenv("XDG_RUNTIME_DIR"), def,
		   sizeof(def)) == 0 &&
	       strcmp(path, def) == 0;
}

/* Nobody else may put a socket of his own there. */
static int
check_directory(const char *directory)
{
	struct stat st;

	if (lstat(directory, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return -EPERM;
	return 0;
}

/* See that the default directory is there, and is ours. */
static int
make_directory(const char *path)
{
	mode_t mode = geteuid() == 0 ? 0755 : 0700;
	char directory[CONTROL_PATH_CAP];
	int r;

	if (!is_default_path(path) ||
	    !directory_of(path, directory, sizeof(directory)))
		return 0;
	if (mkdir(directory, mode) < 0 && errno != EEXIST)
		r = -errno;
	else
		r = check_directory(directory);
	if (r == -EPERM)
		complain("control socket: directory %s: others may write to "
			 "it, or own it",
		    directory);
	else if (r < 0)
		complain("control socket: directory %s: %s", directory,
		    strerror(-r));
	return r;
}

/* --- the socket -------------------------------------------------------- */

/* Whether somebody answers there: 0 if nobody does, -EADDRINUSE or -errno. */
static int
find_leftover(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, r;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	r = r == 0 ? 0 : -errno;
	fd_close(&fd);
	if (r == 0 || r == -EAGAIN) /* a full backlog is alive, too */
		return -EADDRINUSE;
	if (r != -ECONNREFUSED)
		return r;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int
bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0117); /* 0660 from the first moment on */
	int r;

	r = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	r = r < 0 ? -errno : 0;
	(void)umask(before);
	return r;
}

/* A listening socket, or -errno. */
static int
open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	r = find_leftover(&address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = bind_private(fd, &address);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r < 0) {
		fd_close(&fd);
		return r;
	}
	return fd;
}

/* --- serving ----------------------------------------------------------- */

void
control_room_made(struct control *c)
{
	if (!c->is_full)
		return;
	c->is_full = false;
	ev_io_start(c->loop, &c->watcher);
}

/* Out of descriptors, or the like: don't spin. */
static void
pause_accepting(struct control *c)
{
	log_warning("control socket: accept: %m");
	ev_io_stop(c->loop, &c->watcher);
	ev_timer_set(&c->pause, PAUSE_S, 0);
	ev_timer_start(c->loop, &c->pause);
}

static void
on_pause_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct control *c = timer->data;

	(void)revents;
	ev_io_start(loop, &c->watcher);
}

static void
on_connection(struct ev_loop *loop, ev_io *io, int revents)
{
	struct control *c = io->data;
	int fd;

	(void)revents;
	for (int i = 0; i < BATCH; i++) {
		/* Nobody goes unless somebody is there: we were told so. */
		if (i > 0 && c->count >= CONTROL_CONNECTIONS_MAX)
			break;
		c->is_full = !control_conn_make_room(c);
		if (c->is_full) {
			ev_io_stop(loop, io);
			break;
		}
		fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			control_conn_new(c, fd);
			continue;
		}
		if (errno == EAGAIN)
			break;
		if (errno != EINTR && errno != ECONNABORTED) {
			pause_accepting(c);
			break;
		}
	}
}

/* --- life -------------------------------------------------------------- */

void
control_resume(struct control *c, struct ev_loop *loop, const char *path)
{
	c->loop = loop;
	c->path = path;
	c->first = NULL;
	c->count = 0;
	c->is_full = false;
	ev_io_init(&c->watcher, on_connection, c->fd, EV_READ);
	ev_timer_init(&c->pause, on_pause_over, PAUSE_S, 0);
	c->watcher.data = c;
	c->pause.data = c;
	ev_io_start(loop, &c->watcher);
}

int
control_open(struct control *c, struct ev_loop *loop, const char *path)
{
	int r;

	c->fd = -1;
	r = make_directory(path);
	if (r < 0)
		return r;
	r = open_socket(path);
	if (r == -EADDRINUSE)
		complain(
		    "control socket %s: another shadowcat answers there", path);
	else if (r < 0)
		complain("control socket %s: %s", path, strerror(-r));
	if (r < 0)
		return r;
	c->fd = r;
	control_resume(c, loop, path);
	return 0;
}

int
control_set_owner(const struct control *c, const char *user, const char *group)
{
	uid_t uid;
	gid_t gid;
	int r = priv_find_owner(user, group, &uid, &gid);

	if (r == 0 && lchown(c->path, uid, gid) < 0)
		r = -errno;
	if (r == -ENOENT)
		complain("control.owner \"%s\", control.group \"%s\": there is "
			 "no such user or group",
		    user, group);
	else if (r < 0)
		complain("control socket: give it to user \"%s\", group "
			 "\"%s\": %s",
		    user, group, strerror(-r));
	return r;
}

void
control_close(struct control *c)
{
	if (c->fd < 0)
		return;
	while (c->first != NULL)
		control_conn_close(c->first);
	ev_io_stop(c->loop, &c->watcher);
	ev_timer_stop(c->loop, &c->pause);
	(void)unlink(c->path);
	fd_close(&c->fd);
}
