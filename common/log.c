/*
 * log.c - one line of text per event, to stderr, a file or syslog.
 *
 * Owns the descriptor of the target.  syslog(3) is not used: it hides its
 * descriptor, so that a child which closes what it doesn't know would later
 * log into whatever has taken the number; and it blocks.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/log_escape.h"

#define SYSLOG_PATH "/dev/log"
#define SYSLOG_FACILITY_DAEMON (3 << 3)

enum log_target {
	LOG_TARGET_STDERR,
	LOG_TARGET_FILE,
	LOG_TARGET_SYSLOG,
};

struct log_sink {
	enum log_target kind;
	int fd;
	char path[256]; /* of the file or the socket */
};

static struct {
	const char *program;
	enum log_level level;
	char prefix[64];
	struct log_sink sink;
	uint64_t lost; /* lines that could not be written */
} log_state = {
	.program = "shadowcat",
	.level = LOG_LEVEL_INFO,
	.sink = { .kind = LOG_TARGET_STDERR, .fd = STDERR_FILENO },
};

static const struct {
	const char *word;
	int priority;
} log_levels[] = {
#define X(level, word, priority) { word, priority },
	LOG_LEVELS(X)
#undef X
};

/* --- levels ------------------------------------------------------------ */

void
log_set_level(enum log_level level)
{
	log_state.level = level;
}

enum log_level
log_get_level(void)
{
	return log_state.level;
}

bool
log_enabled(enum log_level level)
{
	return level <= log_state.level;
}

int
log_level_parse(const char *word, enum log_level *ret_level)
{
	for (size_t i = 0; i < ARRAY_LEN(log_levels); i++) {
		if (strcmp(word, log_levels[i].word) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *
log_level_name(enum log_level level)
{
	sc_assert(level < ARRAY_LEN(log_levels));
	return log_levels[level].word;
}

/* --- target ------------------------------------------------------------ */

/* Split the text of `log.target` into kind and path; fd stays untouched. */
static int
sink_parse(const char *target, struct log_sink *ret)
{
	static const char syslog_path[] = "syslog:";
	const char *path = target;

	ret->kind = LOG_TARGET_FILE;
	if (strcmp(target, "stderr") == 0) {
		ret->kind = LOG_TARGET_STDERR;
		path = "/";
	} else if (strcmp(target, "syslog") == 0) {
		ret->kind = LOG_TARGET_SYSLOG;
		path = SYSLOG_PATH;
	} else if (strncmp(target, syslog_path, strlen(syslog_path)) == 0) {
		ret->kind = LOG_TARGET_SYSLOG;
		path = target + strlen(syslog_path);
	}
	if (path[0] != '/')
		return -EINVAL;
	if (strlen(path) >= sizeof(ret->path))
		return -ENAMETOOLONG;
	strcpy(ret->path, path);
	return 0;
}

/* Connect to a syslog daemon's socket: a descriptor, or -errno. */
static int
syslog_connect(const char *path)
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

/* A new descriptor for what the sink describes, or -errno. */
static int
sink_open(const struct log_sink *sink)
{
	int fd;

	switch (sink->kind) {
	case LOG_TARGET_STDERR:
		return STDERR_FILENO;
	case LOG_TARGET_SYSLOG:
		return syslog_connect(sink->path);
	case LOG_TARGET_FILE:
		break;
	}
	fd = open(sink->path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	    0640);
	return fd < 0 ? -errno : fd;
}

static void
sink_close(struct log_sink *sink)
{
	if (sink->fd != STDERR_FILENO)
		close(sink->fd);
	sink->fd = STDERR_FILENO;
	sink->kind = LOG_TARGET_STDERR;
}

int
log_set_target(const char *target)
{
	struct log_sink sink;
	int r;

	r = sink_parse(target, &sink);
	if (r < 0)
		return r;
	sink.fd = sink_open(&sink);
	if (sink.fd < 0)
		return sink.fd;
	sink_close(&log_state.sink);
	log_state.sink = sink;
	return 0;
}

int
log_set_target_fd(const char *target, int fd)
{
	struct log_sink sink;
	int r;

	r = sink_parse(target, &sink);
	if (r < 0)
		return r;
	sink.fd = fd;
	sink_close(&log_state.sink);
	log_state.sink = sink;
	return 0;
}

void
log_replace_fd(int fd)
{
	if (log_state.sink.kind == LOG_TARGET_STDERR) {
		close(fd);
		return;
	}
	close(log_state.sink.fd);
	log_state.sink.fd = fd;
}

int
log_reopen(void)
{
	int fd;

	if (log_state.sink.kind == LOG_TARGET_STDERR)
		return 0;
	fd = sink_open(&log_state.sink);
	if (fd < 0)
		return fd;
	log_replace_fd(fd);
	return 0;
}

int
log_fd(void)
{
	return log_state.sink.fd;
}

void
log_init(const char *program)
{
	log_fini();
	log_state.program = program;
	log_state.level = LOG_LEVEL_INFO;
	log_state.prefix[0] = '\0';
}

void
log_fini(void)
{
	sink_close(&log_state.sink);
}

void
log_set_prefix(const char *prefix)
{
	(void)snprintf(log_state.prefix, sizeof(log_state.prefix), "%s",
	    prefix != NULL ? prefix : "");
}

/* --- lines ------------------------------------------------------------- */

/*
 * "2026-11-20T09:48:00.123Z shadowcat[4711] worker 2: ", or for a syslog
 * daemon "<30>Nov 20 09:48:00 shadowcat[4711]: worker 2: " (RFC 3164 4.1).
 * Returns its length, less than cap.
 */
static size_t
format_head(enum log_level level, const char *subject, char *buf, size_t cap)
{
	const char *prefix = log_state.prefix;
	bool to_syslog = log_state.sink.kind == LOG_TARGET_SYSLOG;
	const char *between = *prefix != '\0' && *subject != '\0' ? " " : "";
	bool named = *prefix != '\0' || *subject != '\0';
	char when[40] = "";
	int n;

	if (to_syslog) {
		time_t now = (time_t)(clock_wall_ms() / 1000);
		struct tm tm;

		if (localtime_r(&now, &tm) != NULL)
			(void)strftime(when, sizeof(when), "%b %e %T", &tm);
		n = snprintf(buf, cap, "<%d>%s %s[%d]:%s%s%s%s%s ",
		    SYSLOG_FACILITY_DAEMON | log_levels[level].priority, when,
		    log_state.program, (int)getpid(), named ? " " : "", prefix,
		    between, subject, named ? ":" : "");
	} else {
		(void)clock_format_iso8601(clock_wall_ms(), when, sizeof(when));
		n = snprintf(buf, cap, "%s %s[%d]%s%s%s%s: ", when,
		    log_state.program, (int)getpid(), named ? " " : "", prefix,
		    between, subject);
	}
	return n < 0 ? 0 : MIN((size_t)n, cap - 1);
}

/* A stderr that nobody reads must not stop the process: look first. */
static bool
would_block(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

	return poll(&poll_fd, 1, 0) == 0;
}

/* The daemon was restarted: connect again, and keep the old fd if not. */
static bool
syslog_lost_and_found(int error)
{
	if (error != ECONNREFUSED && error != ENOTCONN && error != ECONNRESET)
		return false;
	return log_reopen() == 0;
}

/* Write one finished line; false if it is lost. */
static bool
emit(const char *line, size_t len)
{
	ssize_t n;

	if (log_state.sink.kind == LOG_TARGET_SYSLOG) {
		len--; /* a datagram needs no line feed */
		n = send(log_state.sink.fd, line, len, MSG_NOSIGNAL);
		if (n < 0 && syslog_lost_and_found(errno))
			n = send(log_state.sink.fd, line, len, MSG_NOSIGNAL);
		return n >= 0;
	}
	if (log_state.sink.kind == LOG_TARGET_STDERR &&
	    would_block(log_state.sink.fd))
		return false;
	do
		n = write(log_state.sink.fd, line, len);
	while (n < 0 && errno == EINTR);
	return n >= 0;
}

/* Format and write one line; false if it is lost. */
static bool
write_line(
    enum log_level level, const char *subject, const char *text, size_t len)
{
	char line[LOG_LINE_CAP];
	size_t used;

	used = format_head(level, subject, line, 512);
	used += log_escape(text, len, line + used, sizeof(line) - used - 1);
	line[used++] = '\n';
	return emit(line, used);
}

static void
report_lost(void)
{
	char text[64];
	int n;

	n = snprintf(text, sizeof(text), "%llu log lines were lost",
	    (unsigned long long)log_state.lost);
	if (write_line(LOG_LEVEL_WARNING, "", text, (size_t)n))
		log_state.lost = 0;
}

void
log_vwrite(
    enum log_level level, const char *subject, const char *fmt, va_list ap)
{
	int saved_errno = errno;
	char text[LOG_LINE_CAP];
	int n;

	if (!log_enabled(level))
		return;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		n = snprintf(text, sizeof(text), "unprintable: %s", fmt);
	if (log_state.lost > 0)
		report_lost();
	if (!write_line(level, subject != NULL ? subject : "", text,
		MIN((size_t)n, sizeof(text) - 1)))
		log_state.lost++;
	errno = saved_errno;
}

void
log_write(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(level, NULL, fmt, ap);
	va_end(ap);
}
