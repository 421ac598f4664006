/*
 * log_sink.c - where log lines go.
 *
 * syslog(3) is not used: it hides its descriptor, so that a child which
 * closes what it doesn't know would later log into whatever has taken the
 * number; and it blocks.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log_sink.h"

#define SYSLOG_PATH "/dev/log"

/* --- opening ----------------------------------------------------------- */

int
log_sink_parse(const char *target, struct log_sink *ret)
{
	static const char syslog_path[] = "syslog:";
	struct log_sink sink = { .kind = LOG_SINK_FILE, .fd = -1 };
	const char *path = target;

	if (strcmp(target, "stderr") == 0) {
		sink.kind = LOG_SINK_STDERR;
		path = "/";
	} else if (strcmp(target, "syslog") == 0) {
		sink.kind = LOG_SINK_SYSLOG;
		path = SYSLOG_PATH;
	} else if (strncmp(target, syslog_path, strlen(syslog_path)) == 0) {
		sink.kind = LOG_SINK_SYSLOG;
		path = target + strlen(syslog_path);
	}
	if (path[0] != '/')
		return -EINVAL;
	if (strlen(path) >= sizeof(sink.path))
		return -ENAMETOOLONG;
	strcpy(sink.path, path);
	*ret = sink;
	return 0;
}

/* Connect to a syslog daemon's socket: a descriptor, or -errno. */
static int
connect_syslog(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

/*
 * The machine's syslog daemon need not run, or not yet, for us to: like
 * syslog(3), and unlike a path that somebody has named.  Then the descriptor
 * is connected by a later line (find_syslog_again()).
 */
static int
open_syslog(const char *path)
{
	int fd = connect_syslog(path);

	if ((fd != -ENOENT && fd != -ECONNREFUSED) ||
	    strcmp(path, SYSLOG_PATH) != 0)
		return fd;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : fd;
}

/*
 * A pipe or terminal gets a description of our own, for O_NONBLOCK holds for
 * everybody who shares one.  Where it may not be opened, stderr itself is
 * used, and asked before each write whether it would block.
 */
static int
open_stderr(void)
{
	struct stat st;
	int fd;

	if (fstat(STDERR_FILENO, &st) < 0 ||
	    !(S_ISFIFO(st.st_mode) || isatty(STDERR_FILENO)))
		return STDERR_FILENO;
	fd = open("/proc/self/fd/2",
	    O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd >= 0 ? fd : STDERR_FILENO;
}

int
log_sink_open(const struct log_sink *sink)
{
	int fd;

	switch (sink->kind) {
	case LOG_SINK_STDERR:
		return open_stderr();
	case LOG_SINK_SYSLOG:
		return open_syslog(sink->path);
	case LOG_SINK_FILE:
		break;
	}
	fd = open(sink->path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	    0640);
	return fd < 0 ? -errno : fd;
}

void
log_sink_use(struct log_sink *sink, int fd)
{
	struct stat st = { .st_mode = 0 };
	int flags = fcntl(fd, F_GETFL);

	(void)fstat(fd, &st);
	if (sink->fd != STDERR_FILENO && sink->fd >= 0 && sink->fd != fd)
		close(sink->fd);
	sink->fd = fd;
	sink->is_torn = false;
	sink->is_socket = S_ISSOCK(st.st_mode);
	sink->may_block = !S_ISSOCK(st.st_mode) && !S_ISREG(st.st_mode) &&
			  (flags < 0 || (flags & O_NONBLOCK) == 0);
}

void
log_sink_close(struct log_sink *sink)
{
	if (sink->fd != STDERR_FILENO && sink->fd >= 0)
		close(sink->fd);
	*sink = (struct log_sink)LOG_SINK_INIT;
}

/* --- writing ----------------------------------------------------------- */

static bool
would_block(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

	return poll(&poll_fd, 1, 0) == 0;
}

static ssize_t
write_some(const struct log_sink *sink, const char *p, size_t len)
{
	ssize_t n;

	do
		n = sink->is_socket
			? send(sink->fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT)
			: write(sink->fd, p, len);
	while (n < 0 && errno == EINTR);
	return n;
}

/* The daemon was restarted: connect again, and keep the old fd if not. */
static bool
find_syslog_again(struct log_sink *sink, int error)
{
	int fd;

	if (error != ECONNREFUSED && error != ENOTCONN && error != ECONNRESET)
		return false;
	fd = connect_syslog(sink->path);
	if (fd >= 0)
		log_sink_use(sink, fd);
	return fd >= 0;
}

static bool
write_datagram(struct log_sink *sink, const char *line, size_t len)
{
	if (write_some(sink, line, len) >= 0)
		return true;
	return find_syslog_again(sink, errno) &&
	       write_some(sink, line, len) >= 0;
}

bool
log_sink_write(struct log_sink *sink, const char *lines, size_t len)
{
	ssize_t n;

	if (sink->kind == LOG_SINK_SYSLOG)
		return write_datagram(sink, lines, len - 1);
	if (sink->may_block && would_block(sink->fd))
		return false;
	/* What was cut off shall not run into the next line. */
	if (sink->is_torn && write_some(sink, "\n", 1) != 1)
		return false;
	n = write_some(sink, lines, len);
	sink->is_torn = n > 0 && (size_t)n < len;
	return n == (ssize_t)len;
}
