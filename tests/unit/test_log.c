/*
 * test_log.c - log lines: their form, their targets, and what a peer can't
 * do to them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/log_escape.h"
#include "common/log_repeat.h"
#include "tests/unit/unit.h"

static char directory[64];

/* A directory of its own for each test. */
static void
set_up(void)
{
	(void)snprintf(directory, sizeof(directory), "test-log-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	log_init("shadowcat");
}

static void
tear_down(void)
{
	char command[128];

	log_fini();
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	ck_assert_int_eq(system(command), 0);
}

/* The absolute path of a file in that directory; a static buffer each. */
static const char *
path_of(const char *name)
{
	static char path[2][512];
	static unsigned turn;
	char here[256];

	ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
	turn = (turn + 1) % 2;
	(void)snprintf(
	    path[turn], sizeof(path[turn]), "%s/%s/%s", here, directory, name);
	return path[turn];
}

/* What the file holds; a static buffer. */
static const char *
content_of(const char *path)
{
	static char text[3 * LOG_LINE_CAP];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	n = read(fd, text, sizeof(text) - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static void
assert_match(const char *text, const char *pattern)
{
	regex_t regex;

	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(regexec(&regex, text, 0, NULL, 0) == 0,
	    "\"%s\" does not match %s", text, pattern);
	regfree(&regex);
}

#define WHEN "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{3}Z "

START_TEST(a_line_has_time_program_prefix_and_message)
{
	const char *path = path_of("log");

	ck_assert_int_eq(log_set_target(path), 0);
	log_error("connect %s: %s", "127.0.0.1:9000", "refused");
	assert_match(content_of(path),
	    WHEN "shadowcat\\[[0-9]+\\]: connect 127.0.0.1:9000: refused\n$");
	ck_assert_int_eq(truncate(path, 0), 0);
	log_set_prefix("worker 2");
	log_info("ready");
	assert_match(
	    content_of(path), WHEN "shadowcat\\[[0-9]+\\] worker 2: ready\n$");
	log_set_prefix(NULL);
	ck_assert_int_eq(truncate(path, 0), 0);
	errno = ENOENT;
	log_info("%m");
	ck_assert_int_eq(errno, ENOENT);
	assert_match(content_of(path), ": No such file or directory\n$");
}
END_TEST

static void subject_log(const char *subject, const char *fmt, ...)
    SC_PRINTF(2, 3);

static void
subject_log(const char *subject, const char *fmt, ...)
{
	struct log_line line;
	va_list ap;

	va_start(ap, fmt);
	ck_assert(log_vbegin(&line, LOG_LEVEL_INFO, subject, fmt, ap));
	va_end(ap);
	log_end(&line);
}

START_TEST(a_subject_follows_the_prefix)
{
	const char *path = path_of("log");

	ck_assert_int_eq(log_set_target(path), 0);
	subject_log("stream 83f1", "end");
	assert_match(
	    content_of(path), "shadowcat\\[[0-9]+\\] stream 83f1: end");
	ck_assert_int_eq(truncate(path, 0), 0);
	log_set_prefix("worker 2");
	subject_log("stream 83f1", "end");
	assert_match(content_of(path), "\\] worker 2 stream 83f1: end\n$");
}
END_TEST

static int evaluated;

static int
evaluate(void)
{
	return ++evaluated;
}

START_TEST(a_level_that_is_off_costs_nothing)
{
	const char *path = path_of("log");

	ck_assert_int_eq(log_set_target(path), 0);
	log_debug("%d", evaluate());
	ck_assert_int_eq(evaluated, 0);
	ck_assert_str_eq(content_of(path), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("%d", evaluate());
	ck_assert_int_eq(evaluated, 1);
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("%d", evaluate());
	ck_assert_int_eq(evaluated, 1);
	log_error("%d", evaluate());
	assert_match(content_of(path), ": 1\n.*: 2\n$");
}
END_TEST

START_TEST(levels_have_words)
{
	enum log_level level = LOG_LEVEL_DEBUG;

	ck_assert_int_eq(log_level_parse("warning", &level), 0);
	ck_assert_int_eq(level, LOG_LEVEL_WARNING);
	ck_assert_int_eq(log_level_parse("Warning", &level), -EINVAL);
	ck_assert_int_eq(log_level_parse("", &level), -EINVAL);
	ck_assert_int_eq(level, LOG_LEVEL_WARNING);
	ck_assert_str_eq(log_level_name(LOG_LEVEL_NOTICE), "notice");
}
END_TEST

START_TEST(a_peer_cannot_forge_a_line)
{
	const char *path = path_of("log");
	const char *text;

	ck_assert_int_eq(log_set_target(path), 0);
	log_info("Host: %s", "a\n2026-01-01T00:00:00.000Z shadowcat[1]: all "
			     "is well\r\x1b[2J");
	text = content_of(path);
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	ck_assert_ptr_nonnull(strstr(text, "a\\x0a2026"));
	ck_assert_ptr_nonnull(strstr(text, "well\\x0d\\x1b[2J\n"));
}
END_TEST

static const struct {
	const char *text, *want;
} escape_rows[] = {
	{ "", "" },
	{ "plain ~ text", "plain ~ text" },
	{ "\t\x7f", "\\x09\\x7f" },
	{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\xba", "caf\xc3\xa9 "
						       "\xe2\x82\xac "
						       "\xf0\x9f\x98\xba" },
	{ "\xc2\x9b"
	  "2J",
	    "\\xc2\\x9b2J" }, /* C1 control */
	{ "\x9b"
	  "2J",
	    "\\x9b2J" },
	{ "\xc0\xaf", "\\xc0\\xaf" },                   /* overlong */
	{ "\xe0\x80\x8a", "\\xe0\\x80\\x8a" },          /* overlong line feed */
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* surrogate */
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* too large */
	{ "\xe2\x82", "\\xe2\\x82" },                   /* cut off */
	{ "\xe2(\xa1", "\\xe2(\\xa1" },
};

START_TEST(text_is_escaped)
{
	char buf[64];
	size_t n = log_escape(escape_rows[_i].text,
	    strlen(escape_rows[_i].text), buf, sizeof(buf));

	ck_assert_str_eq(buf, escape_rows[_i].want);
	ck_assert_uint_eq(n, strlen(buf));
}
END_TEST

START_TEST(text_that_is_too_long_is_cut_between_characters)
{
	char buf[8];

	ck_assert_uint_eq(log_escape("1234567", 7, buf, sizeof(buf)), 7);
	ck_assert_str_eq(buf, "1234567");
	ck_assert_uint_eq(log_escape("12345678", 8, buf, sizeof(buf)), 7);
	ck_assert_str_eq(buf, "1234...");
	(void)log_escape("12\n\n", 4, buf, sizeof(buf));
	ck_assert_str_eq(buf, "12...");
	(void)log_escape("123\xc3\xa9"
			 "5678",
	    9, buf, sizeof(buf));
	ck_assert_str_eq(buf, "123...");
}
END_TEST

START_TEST(a_long_line_ends_in_dots_and_is_one_line)
{
	const char *path = path_of("log");
	char text[2 * LOG_LINE_CAP];
	const char *line;

	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(log_set_target(path), 0);
	log_info("%s", text);
	line = content_of(path);
	ck_assert_uint_le(strlen(line), LOG_LINE_CAP);
	ck_assert_uint_ge(strlen(line), LOG_LINE_CAP - 8);
	assert_match(line, "^[^\n]*[.]{3}\n$");
}
END_TEST

START_TEST(a_file_is_appended_to_and_reopened)
{
	const char *path = path_of("log"), *old = path_of("log.1");
	struct stat st;

	ck_assert_int_eq(log_set_target(path), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07, 0);
	ck_assert_int_eq(fcntl(log_fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	log_info("one");
	ck_assert_int_eq(log_set_target(path), 0);
	log_info("two");
	ck_assert_int_eq(rename(path, old), 0);
	log_info("three");
	ck_assert_int_eq(log_reopen(), 0);
	log_info("four");
	assert_match(content_of(old), ": one\n.*: two\n.*: three\n$");
	assert_match(content_of(path), "^[^\n]*: four\n$");
}
END_TEST

START_TEST(a_bad_target_leaves_the_old_one)
{
	const char *path = path_of("log");
	char long_path[1024];
	int fd;

	memset(long_path, '/', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	ck_assert_int_eq(log_set_target(path), 0);
	fd = log_fd();
	ck_assert_int_eq(log_set_target(path_of("none/log")), -ENOENT);
	ck_assert_int_eq(log_set_target("relative"), -EINVAL);
	ck_assert_int_eq(log_set_target(""), -EINVAL);
	ck_assert_int_eq(log_set_target("syslog:relative"), -EINVAL);
	ck_assert_int_eq(log_set_target(long_path), -ENAMETOOLONG);
	ck_assert_int_lt(log_set_target("syslog:/nonexistent/socket"), 0);
	ck_assert_int_eq(log_fd(), fd);
	log_info("still here");
	assert_match(content_of(path), ": still here\n$");
}
END_TEST

/* Whether the machine that tests has a syslog daemon or not. */
START_TEST(the_syslog_of_the_machine_need_not_run)
{
	ck_assert_int_eq(log_set_target("syslog"), 0);
	log_info("test_log: nothing is wrong");
	log_info("test_log: nothing is wrong here, either");
	ck_assert_int_eq(log_reopen(), 0);
}
END_TEST

/* Also where the descriptor is another one, as for a pipe. */
START_TEST(stderr_is_known_as_such)
{
	int ends[2], old = dup(STDERR_FILENO);
	bool is_on_stderr;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	ck_assert_int_eq(log_set_target("stderr"), 0);
	is_on_stderr = log_is_on_stderr();
	ck_assert_int_ge(dup2(old, STDERR_FILENO), 0);
	ck_assert(is_on_stderr);
	ck_assert_int_eq(log_set_target(path_of("log")), 0);
	ck_assert(!log_is_on_stderr());
	close(ends[0]);
	close(ends[1]);
	close(old);
}
END_TEST

START_TEST(a_sent_descriptor_takes_the_place_of_the_old_one)
{
	const char *path = path_of("log"), *other = path_of("other");
	int fd;

	ck_assert_int_eq(log_set_target(path), 0);
	fd = open(other, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	log_replace_fd(fd);
	ck_assert_int_eq(log_fd(), fd);
	log_info("there");
	ck_assert_str_eq(content_of(path), "");
	assert_match(content_of(other), ": there\n$");
}
END_TEST

/* A socket such as a syslog daemon's. */
static int
listen_syslog(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_lt(strlen(path), sizeof(sun.sun_path));
	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void
assert_datagram(int fd, const char *pattern)
{
	char text[LOG_LINE_CAP];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	assert_match(text, pattern);
}

START_TEST(syslog_gets_its_own_form_and_may_restart)
{
	char path[64], target[80];
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/test-log-%d", (int)getpid());
	(void)snprintf(target, sizeof(target), "syslog:%s", path);
	(void)unlink(path);
	fd = listen_syslog(path);
	ck_assert_int_eq(log_set_target(target), 0);
	log_set_prefix("worker 2");
	log_warning("one");
	assert_datagram(fd, "^<28>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} "
			    "shadowcat\\[[0-9]+\\]: worker 2: one$");
	log_set_prefix("");
	close(fd);
	log_info("lost: nobody listens");
	ck_assert_int_eq(unlink(path), 0);
	fd = listen_syslog(path);
	log_info("two");
	assert_datagram(fd, "^<28>.*\\]: 1 log lines were lost$");
	assert_datagram(fd, "^<30>.*\\]: two$");
	close(fd);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(stderr_that_nobody_reads_does_not_block)
{
	int ends[2], saved = dup(STDERR_FILENO);
	char filler[4096];

	memset(filler, 'x', sizeof(filler));
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	while (write(ends[1], filler, sizeof(filler)) > 0)
		continue;
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	alarm(60); /* ends the test if the next line hangs */
	log_info("nobody reads this");
	alarm(0);
	ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(log_fd(), STDERR_FILENO);
	close(ends[0]);
	close(ends[1]);
	close(saved);
}
END_TEST

/* A stopped reader, and each line until the pipe is full and beyond. */
START_TEST(a_pipe_of_stderr_never_blocks)
{
	int ends[2], saved = dup(STDERR_FILENO);
	char text[1000];
	ssize_t n;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(log_set_target("stderr"), 0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	alarm(60); /* ends the test if a line hangs */
	for (unsigned i = 0; i < 1000; i++)
		log_notice("%s", text);
	alarm(0);
	/* The flag is not set for others who share it. */
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	while (read(ends[0], text, sizeof(text)) > 0)
		continue;
	log_notice("there is room again");
	n = read(ends[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	assert_match(text, "[0-9]+ log lines were lost\n.*room again\n$");
	close(ends[0]);
	close(ends[1]);
	close(saved);
}
END_TEST

START_TEST(repeated_lines_are_summed_up)
{
	const char *path = path_of("log");
	unsigned i, lines = 0;
	const char *p;

	ck_assert_int_eq(log_set_target(path), 0);
	for (i = 0; i < 100; i++)
		log_warning("connect %u: refused", i);
	for (p = content_of(path); (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	ck_assert_uint_eq(lines, LOG_REPEAT_MAX);
	/* Another place is another matter; and what is done is all told. */
	ck_assert_int_eq(truncate(path, 0), 0);
	log_warning("another");
	assert_match(content_of(path), ": another\n$");
	ck_assert_int_eq(truncate(path, 0), 0);
	for (i = 0; i <= LOG_REPEAT_MAX; i++)
		log_notice("done %u", i);
	ck_assert_ptr_nonnull(strstr(content_of(path), "done 20"));
}
END_TEST

/* Lines that may wait, and one that may not. */
START_TEST(gathered_lines_stay_in_order)
{
	const char *path = path_of("log");
	struct log_line line;

	ck_assert_int_eq(log_set_target(path), 0);
	log_gather(true);
	ck_assert(log_begin(&line, LOG_LEVEL_INFO, "stream 1", "end"));
	log_line_number(&line, "bytes", 1);
	log_end(&line);
	log_info("two");
	ck_assert_str_eq(content_of(path), "");
	log_notice("three");
	assert_match(
	    content_of(path), "stream 1: end bytes=1\n.*: two\n.*: three\n$");
	log_info("four");
	log_flush();
	assert_match(content_of(path), ": three\n.*: four\n$");
	log_info("five");
	ck_assert_int_eq(log_reopen(), 0);
	assert_match(content_of(path), ": four\n.*: five\n$");
}
END_TEST

START_TEST(a_lot_is_gathered_and_nothing_is_lost)
{
	const char *path = path_of("log");
	unsigned lines = 0;
	char text[100];
	struct log_line line;
	FILE *file;
	int c;

	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(log_set_target(path), 0);
	log_gather(true);
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert(log_begin(&line, LOG_LEVEL_INFO, NULL, "request"));
		log_line_text(&line, "path", text, i % sizeof(text));
		log_end(&line);
	}
	log_gather(false);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	(void)fclose(file);
	ck_assert_uint_eq(lines, 1000);
}
END_TEST

static void
say_again(void)
{
	log_info("by both");
}

/* The parent's lines are the parent's; a child has its own id. */
START_TEST(a_child_begins_anew)
{
	const char *path = path_of("log");
	char pattern[128];
	pid_t child;
	int status;

	ck_assert_int_eq(log_set_target(path), 0);
	log_gather(true);
	log_info("by the parent");
	for (unsigned i = 0; i <= LOG_REPEAT_MAX; i++)
		say_again();
	child = fork();
	if (child == 0) {
		log_gather(false);
		say_again();
		log_info("by the child");
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	(void)snprintf(pattern, sizeof(pattern),
	    WHEN "shadowcat\\[%d\\]: by both\n[^\n]*: by the child\n$",
	    (int)child);
	assert_match(content_of(path), pattern);
}
END_TEST

START_TEST(time_is_written_in_utc)
{
	char text[CLOCK_ISO8601_CAP];

	ck_assert_uint_eq(
	    clock_format_iso8601(1000000000123, text, sizeof(text)),
	    sizeof(text) - 1);
	ck_assert_str_eq(text, "2001-09-09T01:46:40.123Z");
	ck_assert_uint_eq(clock_format_iso8601(0, text, sizeof(text) - 1), 0);
	ck_assert_uint_eq(
	    clock_format_iso8601(UINT64_MAX, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(clocks_run)
{
	uint64_t before = clock_ms();

	ck_assert_uint_ge(clock_ms(), before);
	ck_assert_uint_gt(clock_wall_ms(), UINT64_C(1577836800000)); /* 2020 */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_line_has_time_program_prefix_and_message);
	tcase_add_test(tc, a_subject_follows_the_prefix);
	tcase_add_test(tc, a_level_that_is_off_costs_nothing);
	tcase_add_test(tc, levels_have_words);
	tcase_add_test(tc, a_peer_cannot_forge_a_line);
	tcase_add_loop_test(
	    tc, text_is_escaped, 0, (int)ARRAY_LEN(escape_rows));
	tcase_add_test(tc, text_that_is_too_long_is_cut_between_characters);
	tcase_add_test(tc, a_long_line_ends_in_dots_and_is_one_line);
	tcase_add_test(tc, a_file_is_appended_to_and_reopened);
	tcase_add_test(tc, a_bad_target_leaves_the_old_one);
	tcase_add_test(tc, the_syslog_of_the_machine_need_not_run);
	tcase_add_test(tc, stderr_is_known_as_such);
	tcase_add_test(tc, a_sent_descriptor_takes_the_place_of_the_old_one);
	tcase_add_test(tc, syslog_gets_its_own_form_and_may_restart);
	tcase_add_test(tc, stderr_that_nobody_reads_does_not_block);
	tcase_add_test(tc, a_pipe_of_stderr_never_blocks);
	tcase_add_test(tc, repeated_lines_are_summed_up);
	tcase_add_test(tc, gathered_lines_stay_in_order);
	tcase_add_test(tc, a_lot_is_gathered_and_nothing_is_lost);
	tcase_add_test(tc, a_child_begins_anew);
	tcase_add_test(tc, time_is_written_in_utc);
	tcase_add_test(tc, clocks_run);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
