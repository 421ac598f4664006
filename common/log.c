/*
 * log.c - one line per event: who speaks, which level, what was said before.
 *
 * Owns what a process logs with.  How a line looks is log_line.c's business,
 * where it goes log_sink.c's, and which repetitions are hidden
 * log_repeat.c's.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/log_escape.h"
#include "common/log_repeat.h"
#include "common/log_sink.h"

#define SYSLOG_FACILITY_DAEMON (3 << 3)

static struct {
	const char *program;
	enum log_level level;
	enum log_format format;
	char prefix[64];
	int pid; /* 0: not known */
	struct log_sink sink;
	uint64_t lost; /* lines that could not be written */
	bool gathers;
	size_t gathered; /* bytes in `batch` */
	uint32_t lines;  /* in `batch` */
	uint64_t day_s;  /* the second that `when` was made for */
	char when[CLOCK_ISO8601_CAP];
	struct log_repeats repeats;
	char batch[LOG_LINE_CAP];
} log_state = {
	.program = "shadowcat",
	.level = LOG_LEVEL_INFO,
	.sink = LOG_SINK_INIT,
};

static const struct {
	const char *word;
	int priority;
} log_levels[] = {
#define X(level, word, priority) { word, priority },
	LOG_LEVELS(X)
#undef X
};

/* --- what is written --------------------------------------------------- */

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

void
log_set_format(enum log_format format)
{
	log_state.format = format;
}

/* --- where to ---------------------------------------------------------- */

int
log_set_target(const char *target)
{
	struct log_sink sink;
	int fd, r;

	r = log_sink_parse(target, &sink);
	if (r < 0)
		return r;
	fd = log_sink_open(&sink);
	return fd < 0 ? fd : log_set_target_fd(target, fd);
}

int
log_set_target_fd(const char *target, int fd)
{
	struct log_sink sink;
	int r;

	r = log_sink_parse(target, &sink);
	if (r < 0)
		return r;
	log_flush();
	log_sink_use(&sink, fd);
	if (log_state.sink.fd != fd)
		log_sink_close(&log_state.sink);
	log_state.sink = sink;
	return 0;
}

void
log_replace_fd(int fd)
{
	if (log_state.sink.kind == LOG_SINK_STDERR) {
		close(fd);
		return;
	}
	log_flush();
	log_sink_use(&log_state.sink, fd);
}

int
log_reopen(void)
{
	int fd = log_sink_open(&log_state.sink);

	if (fd < 0)
		return fd;
	log_flush();
	log_sink_use(&log_state.sink, fd);
	return 0;
}

void
log_stderr_changed(void)
{
	if (log_state.sink.kind == LOG_SINK_STDERR)
		(void)!log_reopen(); /* at worst it is stderr itself */
}

int
log_fd(void)
{
	return log_state.sink.fd;
}

bool
log_is_on_stderr(void)
{
	return log_state.sink.kind == LOG_SINK_STDERR;
}

/* What the parent has gathered, lost or hidden is the parent's to tell. */
static void
on_fork(void)
{
	log_state.pid = 0;
	log_state.gathered = log_state.lines = 0;
	log_state.lost = 0;
	memset(&log_state.repeats, 0, sizeof(log_state.repeats));
}

void
log_init(const char *program)
{
	static bool is_registered;

	/* Without it a child may tell things of its parent: no harm. */
	if (!is_registered)
		is_registered = pthread_atfork(NULL, NULL, on_fork) == 0;
	log_fini();
	log_state.program = program;
	log_state.level = LOG_LEVEL_INFO;
	log_state.format = LOG_FORMAT_TEXT;
	log_state.prefix[0] = '\0';
	memset(&log_state.repeats, 0, sizeof(log_state.repeats));
}

void
log_fini(void)
{
	log_gather(false);
	log_sink_close(&log_state.sink);
}

void
log_set_prefix(const char *prefix)
{
	(void)snprintf(log_state.prefix, sizeof(log_state.prefix), "%s",
	    prefix != NULL ? prefix : "");
}

/* --- the head of a line ------------------------------------------------ */

static int
own_pid(void)
{
	if (log_state.pid == 0)
		log_state.pid = (int)getpid();
	return log_state.pid;
}

/* Now, as ISO 8601: only the milliseconds are new in each line. */
static const char *
iso_now(void)
{
	uint64_t now = clock_wall_ms();
	char *ms = log_state.when + CLOCK_ISO8601_CAP - 5;

	if (log_state.when[0] == '\0' || now / 1000 != log_state.day_s) {
		log_state.day_s = now / 1000;
		(void)clock_format_iso8601(
		    now, log_state.when, sizeof(log_state.when));
		return log_state.when;
	}
	ms[0] = (char)('0' + now / 100 % 10);
	ms[1] = (char)('0' + now / 10 % 10);
	ms[2] = (char)('0' + now % 10);
	return log_state.when;
}

/* "<30>Nov 20 09:48:00 shadowcat[4711]:" (RFC 3164, 4.1), or "". */
static const char *
syslog_head(enum log_level level, char *buf, size_t cap)
{
	time_t now = time(NULL);
	char when[40] = "";
	struct tm tm;

	if (log_state.sink.kind != LOG_SINK_SYSLOG)
		return "";
	if (localtime_r(&now, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%b %e %T", &tm);
	(void)snprintf(buf, cap, "<%d>%s %s[%d]:",
	    SYSLOG_FACILITY_DAEMON | log_levels[level].priority, when,
	    log_state.program, own_pid());
	return buf;
}

static void
begin(struct log_line *line, enum log_level level, const char *subject)
{
	char syslog[128];
	struct log_head head = {
		.syslog = syslog_head(level, syslog, sizeof(syslog)),
		.when = iso_now(),
		.level = log_levels[level].word,
		.program = log_state.program,
		.pid = own_pid(),
		.prefix = log_state.prefix,
		.subject = subject != NULL ? subject : "",
	};

	log_line_begin(line, log_state.format, &head);
	line->is_urgent = level != LOG_LEVEL_INFO;
}

/* --- writing ------------------------------------------------------------ */

static void
report_lost(void)
{
	struct log_line line;
	char text[64];
	size_t len;
	int n;

	if (log_state.lost == 0)
		return;
	n = snprintf(text, sizeof(text), "%llu log lines were lost",
	    (unsigned long long)log_state.lost);
	begin(&line, LOG_LEVEL_WARNING, NULL);
	log_line_message(&line, text, (size_t)n);
	len = log_line_end(&line);
	if (log_sink_write(&log_state.sink, line.buf, len))
		log_state.lost = 0;
}

static void
emit(const char *lines, size_t len, uint32_t count)
{
	report_lost();
	if (!log_sink_write(&log_state.sink, lines, len))
		log_state.lost += count;
}

void
log_flush(void)
{
	if (log_state.gathered == 0)
		return;
	emit(log_state.batch, log_state.gathered, log_state.lines);
	log_state.gathered = log_state.lines = 0;
}

void
log_gather(bool gather)
{
	log_flush();
	log_state.gathers = gather;
}

void
log_end(struct log_line *line)
{
	size_t len = log_line_end(line);

	if (len > sizeof(log_state.batch) - log_state.gathered ||
	    line->is_urgent)
		log_flush();
	if (line->is_urgent || !log_state.gathers ||
	    log_state.sink.kind == LOG_SINK_SYSLOG) {
		emit(line->buf, len, 1);
		return;
	}
	memcpy(log_state.batch + log_state.gathered, line->buf, len);
	log_state.gathered += len;
	log_state.lines++;
}

/* --- repetitions ---------------------------------------------------------- */

/* "connect ...: 132 more like this in 10 s" */
static void
write_sum(const struct log_repeat *r, uint32_t hidden)
{
	char text[LOG_REPEAT_SAMPLE_CAP + 64];
	struct log_line line;
	int n;

	n = snprintf(text, sizeof(text), "%s: %u more like this in %u s",
	    r->sample, hidden, LOG_REPEAT_WINDOW_MS / 1000);
	begin(&line, (enum log_level)r->level, NULL);
	log_line_message(&line, text, (size_t)n);
	log_end(&line);
}

/* Whether a line of this site may be written; if so, what it says is kept. */
static bool
may_say(enum log_level level, const char *site, const char *text)
{
	uint64_t now = clock_ms();
	struct log_repeat *r;
	uint32_t hidden;

	if (level == LOG_LEVEL_NOTICE || level == LOG_LEVEL_DEBUG)
		return true;
	r = log_repeat_find(&log_state.repeats, site);
	hidden = log_repeat_sum(r, site, now);
	if (hidden > 0)
		write_sum(r, hidden);
	if (!log_repeat_admit(r, site, now))
		return false;
	r->level = (int)level;
	(void)log_escape(text, strlen(text), r->sample, sizeof(r->sample));
	return true;
}

void
log_tick(void)
{
	uint64_t now = clock_ms();

	for (size_t i = 0; i < LOG_REPEAT_SITES; i++) {
		struct log_repeat *r = &log_state.repeats.row[i];
		uint32_t hidden = log_repeat_sum(r, r->site, now);

		if (hidden == 0)
			continue;
		write_sum(r, hidden);
		log_repeat_begin(r, r->site, now);
	}
}

/* --- for the others ------------------------------------------------------- */

bool
log_begin(struct log_line *line, enum log_level level, const char *subject,
    const char *message)
{
	if (!log_enabled(level))
		return false;
	begin(line, level, subject);
	log_line_message(line, message, strlen(message));
	return true;
}

bool
log_begin_repeated(struct log_line *line, enum log_level level,
    const char *subject, const char *site, const char *message)
{
	return log_enabled(level) && may_say(level, site, site) &&
	       log_begin(line, level, subject, message);
}

bool
log_vbegin(struct log_line *line, enum log_level level, const char *subject,
    const char *fmt, va_list ap)
{
	char text[LOG_LINE_CAP];
	int n;

	if (!log_enabled(level))
		return false;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		n = snprintf(text, sizeof(text), "unprintable: %s", fmt);
	if (!may_say(level, fmt, text))
		return false;
	begin(line, level, subject);
	log_line_message(line, text, MIN((size_t)n, sizeof(text) - 1));
	return true;
}

void
log_write(enum log_level level, const char *fmt, ...)
{
	int saved_errno = errno;
	struct log_line line;
	va_list ap;

	va_start(ap, fmt);
	if (log_vbegin(&line, level, NULL, fmt, ap))
		log_end(&line);
	va_end(ap);
	errno = saved_errno;
}
