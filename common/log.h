/*
 * log.h - one line per event, to stderr, a file or syslog.
 *
 * A line says who speaks and what happened:
 *
 *	shadowcat[4711] worker 2: connect 127.0.0.1:9000: Connection refused
 *
 * with the time in front where no syslog daemon adds its own; log_line.h has
 * its two forms.  Only whole lines are written at a time, so the processes
 * may share a file.  Nothing here blocks: a line that can't be written is
 * counted, and the count is logged later.
 *
 * Errors, warnings and information that come again and again from one place
 * are written a few times, then counted (log_repeat.h); notices, which say
 * what the daemon or its operator does, and debug lines are not.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include "common/log_line.h"
#include "common/sc.h"

/*
 * The levels, from the gravest; `log.level` names the last one written.
 * To add one: a row here, and its word in shadowcat.conf(5).
 */
/* clang-format off */
#define LOG_LEVELS(X)                                                   \
	/* level     word       syslog's priority */                    \
	X(ERROR,     "error",   3)                                      \
	X(WARNING,   "warning", 4)                                      \
	X(NOTICE,    "notice",  5)                                      \
	X(INFO,      "info",    6)                                      \
	X(DEBUG,     "debug",   7)
/* clang-format on */

enum log_level {
#define X(level, word, priority) LOG_LEVEL_##level,
	LOG_LEVELS(X)
#undef X
};

/*
 * Begin logging as `program` (borrowed for ever: a string constant), to
 * stderr, at level info, without a prefix.  Without this call lines go
 * there too, as "shadowcat".
 */
void log_init(const char *program);

/* Close the target; lines go to stderr from now on. */
void log_fini(void);

/* Write lines of this level and graver ones. */
void log_set_level(enum log_level level);

/* The level in force. */
enum log_level log_get_level(void);

/*
 * The level that a word of `log.level` names.
 * Returns 0, or -EINVAL for any other word.
 */
SC_MUST_CHECK int log_level_parse(const char *word, enum log_level *ret_level);

/* The word for a level; a string constant. */
const char *log_level_name(enum log_level level);

/* Write lines in this form. */
void log_set_format(enum log_format format);

/*
 * Send lines elsewhere from now on.  target is "stderr", "syslog" (the
 * socket /dev/log), "syslog:PATH" (another socket of a syslog daemon), or
 * the path of a file that is appended to, and made with mode 0640.
 * Returns 0, or -errno, and then the old target stays: -EINVAL for a path
 * that is not absolute, -ENAMETOOLONG, or what open(2) or connect(2) said.
 * Where no daemon listens at /dev/log, lines are lost until one does.
 */
SC_MUST_CHECK int log_set_target(const char *target);

/*
 * The same, with a descriptor (taken on success) of that target that is open
 * already: it is not opened again.
 */
SC_MUST_CHECK int log_set_target_fd(const char *target, int fd);

/*
 * Open the target again, after a log file was renamed.
 * Returns 0, or -errno, and then the old descriptor stays in use.
 */
SC_MUST_CHECK int log_reopen(void);

/* Another file is stderr now: let go of what was made of the old one. */
void log_stderr_changed(void);

/*
 * The descriptor that lines are written to: what a child has to keep open.
 * Where the target is stderr, that is 2, or a way of our own to the same.
 */
int log_fd(void);

/* Whether lines go to stderr, whatever descriptor that takes. */
bool log_is_on_stderr(void);

/*
 * Take fd as the descriptor of the present target: for a worker that may
 * not open the file itself, and is sent the descriptor.  Closes the old
 * one.  Where the target is stderr, fd is closed and nothing changes.
 */
void log_replace_fd(int fd);

/*
 * Put text, such as "worker 2", between the process id and the message of
 * every line.  Copied, and cut at 63 characters; NULL or "" for none.
 */
void log_set_prefix(const char *prefix);

/* Whether a line of this level would be written. */
bool log_enabled(enum log_level level);

/*
 * Write one line.  The format has no line feed at its end and no final
 * stop.  Control characters and bytes that are not UTF-8 come out as \xNN,
 * so that text from a peer can't forge a line; what doesn't fit is cut and
 * ends in "...".  Leaves errno alone; %m may be used.
 */
void log_write(enum log_level level, const char *fmt, ...) SC_PRINTF(2, 3);

/*
 * A line with named values, for the log function of an object: begin it,
 * add values (log_line.h), end it.  The subject ("stream 83f1", or NULL)
 * follows the prefix.  False where it is not to be written: then that is all.
 */
bool log_vbegin(struct log_line *line, enum log_level level,
    const char *subject, const char *fmt, va_list ap) SC_PRINTF(4, 0);

/* The same for what is never a repetition: its message is a constant. */
bool log_begin(struct log_line *line, enum log_level level, const char *subject,
    const char *message);

/*
 * The same for what may come again and again: what has the same site, a
 * string constant, is counted together.
 */
bool log_begin_repeated(struct log_line *line, enum log_level level,
    const char *subject, const char *site, const char *message);

void log_end(struct log_line *line);

/*
 * Whether lines of level info may wait for log_flush(), to be written
 * together.  What is graver, and debug lines, take them along at once.
 */
void log_gather(bool gather);
void log_flush(void);

/* Sum up what was hidden; to be called now and then. */
void log_tick(void);

/* Short forms, which evaluate their arguments only if the line is written. */
#define log_at(level, ...)                                                     \
	do {                                                                   \
		if (log_enabled(level))                                        \
			log_write((level), __VA_ARGS__);                       \
	} while (0)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
