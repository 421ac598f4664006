/*
 * log_line.h - one log line, put together piece by piece: a head, a message,
 * then named values.
 *
 * Two forms, which say the same:
 *
 *	2026-11-20T09:48:00.123Z shadowcat[4711] worker 2 stream 83f1: end
 *	    reason=ANSWERED bytes=412
 *	{"time":"2026-11-20T09:48:00.123Z","level":"info","program":
 *	    "shadowcat","pid":4711,"worker":"2","stream":"83f1",
 *	    "message":"end","reason":"ANSWERED","bytes":412}
 *
 * each on one line.  Whatever the bytes of a value are, the line is valid
 * UTF-8 and, in the second form, valid JSON (RFC 8259): control characters
 * and what is not UTF-8 come out as \xNN.  Pure: writes nowhere.
 */
#ifndef COMMON_LOG_LINE_H
#define COMMON_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sc.h"

/* Length of the longest line, with its line feed (PIPE_BUF on Linux). */
#define LOG_LINE_CAP 4096

/*
 * The forms of a line, as `log.format` names them.  To add one: a row here,
 * its word in shadowcat.conf(5), and a case in log_line.c.
 */
/* clang-format off */
#define LOG_FORMATS(X)                                                  \
	X(TEXT, "text")                                                 \
	X(JSON, "json")
/* clang-format on */

enum log_format {
#define X(name, word) LOG_FORMAT_##name,
	LOG_FORMATS(X)
#undef X
};

/* What every line begins with; all of it borrowed for the call. */
struct log_head {
	const char *syslog;  /* what a syslog daemon wants in front, or "" */
	const char *when;    /* ISO 8601 */
	const char *level;   /* its word */
	const char *program; /* and its process id */
	int pid;
	const char *prefix;  /* who speaks: "worker 2", or "" */
	const char *subject; /* of what: "stream 83f1", or "" */
};

/* A line on its way.  The members are for log_line.c and log.c alone. */
struct log_line {
	enum log_format format;
	bool is_urgent; /* not to be gathered with others */
	size_t len;
	char buf[LOG_LINE_CAP];
};

/* Begin the line.  "worker 2" becomes the member worker in JSON. */
void log_line_begin(
    struct log_line *line, enum log_format format, const struct log_head *head);

/* What happened; once, before the values.  What doesn't fit ends in "...". */
void log_line_message(struct log_line *line, const char *text, size_t len);

/*
 * A named value; `name` consists of lower-case letters and '_'.  A text that
 * doesn't fit is cut and ends in "..."; what doesn't fit at all is left away.
 */
void log_line_text(
    struct log_line *line, const char *name, const char *value, size_t len);
void log_line_word(struct log_line *line, const char *name, const char *value);
void log_line_number(struct log_line *line, const char *name, uint64_t value);

/* End it, with a line feed.  Returns its length, at most LOG_LINE_CAP. */
size_t log_line_end(struct log_line *line);

/* Bytes of a session's id that are shown at most, and the NUL. */
#define LOG_ID_CAP 9

/*
 * How much of an id of `len` bytes may be shown: LOG_ID_CAP - 1 bytes, and
 * never more than half, for who knows all of it may use the session.
 */
size_t log_id_len(size_t len);

/* The form that a word of `log.format` names: 0, or -EINVAL. */
SC_MUST_CHECK int log_format_parse(
    const char *word, enum log_format *ret_format);

#endif
