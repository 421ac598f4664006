/*
 * pidfile.c - the file with the supervisor's process id.
 *
 * The lock is fcntl(2)'s: it belongs to the process, so workers that outlive
 * the supervisor don't hold it, and F_GETLK names the holder.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "supervisor/complain.h"
#include "supervisor/pidfile.h"

/* Somebody may remove the file between open and lock: begin again. */
#define TRIES 10

/* Whether the path still names the file that is open. */
static bool
is_same_file(const struct pidfile *p)
{
	struct stat open_file, named_file;

	return fstat(p->fd, &open_file) == 0 &&
	       lstat(p->path, &named_file) == 0 &&
	       open_file.st_dev == named_file.st_dev &&
	       open_file.st_ino == named_file.st_ino;
}

static void
complain_locked(const struct pidfile *p)
{
	struct flock holder = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(p->fd, F_GETLK, &holder) == 0 && holder.l_type != F_UNLCK)
		complain("pid file %s: locked by process %d, which is running",
		    p->path, (int)holder.l_pid);
	else
		complain("pid file %s: locked by another process", p->path);
}

/* Open and lock once: 0 or -errno, with a line logged. */
static int
open_and_lock(struct pidfile *p)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int r;

	p->fd = open(p->path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
	    0644);
	if (p->fd < 0) {
		r = -errno;
		complain("pid file %s: %s", p->path, strerror(-r));
		return r;
	}
	if (fcntl(p->fd, F_SETLK, &lock) == 0)
		return 0;
	r = -errno;
	if (r == -EACCES || r == -EAGAIN) {
		complain_locked(p);
		r = -EAGAIN;
	} else {
		complain("lock pid file %s: %s", p->path, strerror(-r));
	}
	fd_close(&p->fd);
	return r;
}

int
pidfile_open(struct pidfile *p, const char *path)
{
	int r;

	*p = (struct pidfile){ .fd = -1, .path = path };
	if (path[0] == '\0')
		return 0;
	for (int i = 0; i < TRIES; i++) {
		r = open_and_lock(p);
		if (r < 0)
			return r;
		if (is_same_file(p))
			return 0;
		fd_close(&p->fd);
	}
	complain("pid file %s: it is removed again and again", path);
	return -EAGAIN;
}

int
pidfile_write(struct pidfile *p)
{
	char text[16];
	int len, r = 0;

	if (p->fd < 0)
		return 0;
	len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(p->fd, 0) < 0)
		r = -errno;
	else if (pwrite(p->fd, text, (size_t)len, 0) != len)
		r = errno != 0 ? -errno : -EIO;
	if (r < 0)
		complain("write pid file %s: %s", p->path, strerror(-r));
	return r;
}

void
pidfile_remove(struct pidfile *p)
{
	if (p->fd < 0)
		return;
	/* Before the lock goes: another one's file must not be removed. */
	if (is_same_file(p))
		(void)unlink(p->path);
	fd_close(&p->fd);
}
