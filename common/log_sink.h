/*
 * log_sink.h - where log lines go: stderr, a file, or a syslog daemon.
 *
 * Nothing here blocks, but for a disk that does: what can't be written at
 * once is lost, and the caller is told.
 */
#ifndef COMMON_LOG_SINK_H
#define COMMON_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/sc.h"

enum log_sink_kind {
	LOG_SINK_STDERR,
	LOG_SINK_FILE,
	LOG_SINK_SYSLOG,
};

struct log_sink {
	enum log_sink_kind kind;
	int fd;
	bool is_socket;
	bool may_block; /* is to be asked before each write */
	bool is_torn;   /* half a line was written */
	char path[256]; /* of the file or the socket */
};

/* The sink before anything else was said: stderr as it is. */
#define LOG_SINK_INIT                                                          \
	{                                                                      \
		.kind = LOG_SINK_STDERR, .fd = 2, .may_block = true            \
	}

/*
 * Read the text of `log.target` (log_set_target()); nothing is opened.
 * 0, -EINVAL or -ENAMETOOLONG.
 */
SC_MUST_CHECK int log_sink_parse(const char *target, struct log_sink *ret);

/* A new descriptor for what the sink describes, or -errno. */
SC_MUST_CHECK int log_sink_open(const struct log_sink *sink);

/* Use this descriptor (taken) from now on; the old one is closed. */
void log_sink_use(struct log_sink *sink, int fd);

/* Close it; stderr is left open. */
void log_sink_close(struct log_sink *sink);

/*
 * Write whole lines, LOG_LINE_CAP bytes at most: to syslog one, without its
 * line feed.  False where they are lost, all or in part.
 */
bool log_sink_write(struct log_sink *sink, const char *lines, size_t len);

#endif
