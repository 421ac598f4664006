/*
 * test_logs.c - what the log says: the cause of each trouble, who it is about,
 * and never a secret; and that a log that nobody takes holds up nobody.
 */
#include "config.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/legacy_rig.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define OK "answer 200 application/json \"{}\""
/* The session that is spoken of, and what a log may say of it. */
#define ID "5e551011-aaaa-4bbb-8ccc-dddddddddddd"
#define SHORT_ID "session=5e551011"
#define IN_SESSION SESSION(ID) OLD EVENTS

/* --- looking for lines --------------------------------------------------- */

/* Whether all the words (NULL at the end) stand in this one line. */
static bool
line_has(char *line, va_list words)
{
	const char *word;

	while ((word = va_arg(words, const char *)) != NULL) {
		if (strstr(line, word) == NULL)
			return false;
	}
	return true;
}

/* How many lines of the file have all the words. */
static unsigned
count_lines(const char *path, va_list words)
{
	struct bytes all;
	char *rest, *line;
	unsigned count = 0;
	va_list copy;

	file_read(path, &all);
	rest = all.data;
	while ((line = strsep(&rest, "\n")) != NULL) {
		va_copy(copy, words);
		count += line_has(line, copy);
		va_end(copy);
	}
	bytes_fini(&all);
	return count;
}

static unsigned
lines_with(const char *path, ...)
{
	va_list words;
	unsigned count;

	va_start(words, path);
	count = count_lines(path, words);
	va_end(words);
	return count;
}

/* Wait for a line of the daemon that has all these words. */
#define assert_line(...) wait_for(lines_with(rig.proxy.err, __VA_ARGS__, NULL))

/* --- causes -------------------------------------------------------------- */

START_TEST(a_failing_upstream_is_named)
{
	char cause[64];
	struct client c;
	uint16_t port = rig_closed_port();

	rig_start_proxy_to(port, NULL);
	ask_open(&c);
	ask_send(&c, "POST", "echo", "", CALL);
	ask_answer(&c, 502);
	snprintf(cause, sizeof(cause),
	    "connect 127.0.0.1:%u: Connection refused", port);
	assert_line(" stream 1: ", cause, "client=127.0.0.1:", "request=1");
	/* Without log.access, too. */
	assert_line(" stream 1: request ", "client=127.0.0.1:", "method=POST",
	    "rpc=tools/call", "path=/mcp", "status=502",
	    "fault=UPSTREAM_UNREACHED", "reason=UPSTREAM_UNREACHED");
	client_close(&c);
}
END_TEST

START_TEST(an_answer_that_breaks_off_is_told)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ask_send(&c, "POST", "body; text \"HTTP/1.1 200 OK\\r\\n\"; reset",
	    MODERN, CALL);
	ask_answer(&c, 502);
	assert_line("upstream connection: ", "client=127.0.0.1:", "stream 1");
	assert_line("fault=UPSTREAM_LOST", "reason=UPSTREAM_LOST");
	client_close(&c);
}
END_TEST

START_TEST(a_refused_origin_is_named)
{
	struct client c;

	rig_start(NULL);
	ask(&c, "POST", OK, "Origin: https://evil.example\r\n", CALL, 403);
	assert_line("security.allowed_origins does not allow "
		    "Origin https://evil.example",
	    "client=127.0.0.1:");
	assert_line("request ", "client=127.0.0.1:", "status=403",
	    "fault=FOREIGN_ORIGIN", "reason=REFUSED");
	client_close(&c);
}
END_TEST

START_TEST(a_crowded_session_is_named)
{
	struct client one, two;

	rig_start("--set", "session.max_connections=1", NULL);
	legacy_begin(ID, EVENTS);
	legacy_call(&one, "1", "body; " STREAM "await go", IN_SESSION);
	ask(&two, "POST", OK, IN_SESSION, CALL, 429);
	assert_line("status=429", "fault=CROWDED", SHORT_ID,
	    "session.max_connections", "client=127.0.0.1:");
	client_close(&one);
	client_close(&two);
}
END_TEST

START_TEST(an_expired_session_is_told_twice)
{
	struct client c;

	rig_start("--set", "session.idle_timeout=200ms", NULL);
	legacy_begin(ID, EVENTS);
	assert_line("session end reason=SESSION_IDLE", SHORT_ID);
	ask(&c, "POST", OK, IN_SESSION, CALL, 404);
	assert_line("request ", "status=404", "fault=SESSION_ENDED", SHORT_ID);
	client_close(&c);
}
END_TEST

START_TEST(a_resumption_that_is_given_up_says_why)
{
	struct client c;

	rig_start("--set", "reconnect.max_attempts=1", "--set",
	    "reconnect.initial_delay=10ms", NULL);
	legacy_begin(ID, EVENTS);
	rig_prepare("resume", "answer 503 text/plain no");
	legacy_call(
	    &c, "1", "body; " STREAM "event id=e1 data=one; reset", IN_SESSION);
	assert_line("upstream lost; to be resumed", SHORT_ID, "stream ");
	assert_line("answers the request to go on with status 503", SHORT_ID);
	assert_line(
	    "it can't be resumed: reconnect.max_attempts is reached", SHORT_ID);
	assert_line("end reason=UPSTREAM_LOST", SHORT_ID,
	    "client=127.0.0.1:", "method=POST", "rpc=tools/call", "era=legacy",
	    "status=200");
	client_close(&c);
}
END_TEST

START_TEST(memory_that_is_short_is_told)
{
	struct client giant, other;

	rig_start("--set", "journal.memory=4MiB", "--set",
	    "stream.max_event=4MiB", NULL);
	ask_stream(&giant, "POST",
	    "body; " STREAM "text \"data: \"; fill 3600KiB; mark in; never",
	    MODERN, 200);
	wait_for(origin_log_count(rig.log, "mark", "in") == 1);
	ask_stream(&other, "POST",
	    "body; " STREAM "text \"data: \"; fill 900KiB; never", MODERN, 200);
	assert_line("end reason=MEMORY_SHORT", "client=127.0.0.1:", "stream 1");
	client_close(&giant);
	client_close(&other);
}
END_TEST

/* --- the access log ------------------------------------------------------ */

START_TEST(each_request_has_one_line)
{
	struct client c;

	rig_start("--set", "log.access=true", NULL);
	ask_open(&c);
	for (unsigned i = 0; i < 30; i++) {
		ask_send(&c, "POST", OK, MODERN, CALL);
		ask_answer(&c, 200);
	}
	ask_send_to(&c, "GET", "/other?token=s3cr3t", OK, "", NULL);
	ask_answer(&c, 200);
	client_close(&c);
	/* More than what counts as a repetition. */
	wait_for(lines_with(rig.proxy.err, ": request ", "method=POST",
		     "rpc=tools/call", "path=/mcp", "era=modern", "status=200",
		     "bytes=", "ms=", "upstream_ms=", "reason=ANSWERED",
		     NULL) == 30);
	assert_line("request=31", "method=GET", "path=/other", "era=plain");
	ck_assert_uint_eq(lines_with(rig.proxy.err, ": request ", NULL), 31);
	ck_assert(!file_has(rig.proxy.err, "s3cr3t"));
}
END_TEST

START_TEST(without_it_only_streams_and_refusals_have_lines)
{
	struct client c;

	rig_start(NULL);
	ask(&c, "POST", OK, "", CALL, 200);
	client_close(&c);
	ask(&c, "POST", "body; " STREAM "event data=one; end", MODERN, CALL,
	    200);
	client_close(&c);
	assert_line("stream 2: end reason=ANSWERED", "era=modern", "status=200",
	    "rpc=tools/call");
	ck_assert_uint_eq(lines_with(rig.proxy.err, ": request ", NULL), 0);
	ck_assert_uint_eq(lines_with(rig.proxy.err, "stream 1", NULL), 0);
}
END_TEST

START_TEST(a_client_that_leaves_is_told)
{
	struct client c;

	rig_start("--set", "log.access=true", NULL);
	ask_stream(&c, "POST", "body; " STREAM "event data=one; await go",
	    MODERN, 200);
	assert_event(&c, NULL, "one");
	client_close(&c);
	assert_line(": request ", "status=200", "reason=CLIENT_LEFT");
}
END_TEST

/* --- secrets ------------------------------------------------------------- */

/* Each is sent, and none may be found again. */
#define SECRET_FIELDS                                                          \
	"Authorization: Bearer s3cr3t-token\r\n"                               \
	"Cookie: sid=s3cr3t-cookie\r\n"                                        \
	"X-Api-Key: s3cr3t-key\r\n"
#define SECRET_CALL(id)                                                        \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\","        \
	"\"params\":{\"password\":\"s3cr3t-body\"}}"

/* Every kind of line, at least once. */
static void
lead_a_varied_life(void)
{
	struct client c, other;

	legacy_begin(ID, SECRET_FIELDS EVENTS);
	rig_prepare(
	    "resume-1", STREAM "event id=s3cr3t-2 data=s3cr3t-two; reset");
	rig_prepare("resume", "answer 404 text/plain s3cr3t-reason");
	legacy_call(&c, "1",
	    "body; " STREAM "event id=s3cr3t-1 data=s3cr3t-one; reset",
	    SECRET_FIELDS IN_SESSION);
	wait_for(file_has(rig.proxy.err, "SESSION_LOST"));
	client_close(&c);
	ask(&c, "POST", OK, SECRET_FIELDS IN_SESSION, SECRET_CALL("2"), 404);
	client_close(&c);
	ask(&c, "POST", OK,
	    SECRET_FIELDS "Origin: http://a\x22\x5c.example\r\n",
	    SECRET_CALL("3"), 403);
	client_close(&c);
	ask_open(&c);
	ask_send_to(&c, "GET", "/a%0a\"b?access_token=s3cr3t-query", OK,
	    SECRET_FIELDS, NULL);
	ask_answer(&c, 200);
	client_close(&c);
	ask(&c, "POST", "body; text \"s3cr3t no HTTP\\r\\n\\r\\n\"; end",
	    SECRET_FIELDS MODERN, SECRET_CALL("4"), 502);
	client_close(&c);
	ask_open(&c);
	ck_assert_int_eq(client_sendf(&c, "s3cr3t nonsense\r\n\r\n"), 0);
	ask_answer(&c, 400);
	client_close(&c);
	legacy_begin("another-session-s3cr3t", SECRET_FIELDS EVENTS);
	legacy_get(&c, STREAM "event id=s3cr3t-3 data=s3cr3t; await go",
	    SECRET_FIELDS SESSION("another-session-s3cr3t") PRIMED EVENTS, 200);
	ask(&other, "DELETE", OK,
	    SECRET_FIELDS SESSION("another-session-s3cr3t"), NULL, 200);
	client_close(&other);
	client_close(&c);
}

static void
assert_each_line_is_json(void)
{
	struct bytes all;
	char *rest, *line;
	json_error_t error;
	json_t *json;

	file_read(rig.proxy.err, &all);
	rest = all.data;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (line[0] == '\0')
			continue;
		json = json_loads(line, JSON_REJECT_DUPLICATES, &error);
		ck_assert_msg(json != NULL, "%s: %s", error.text, line);
		ck_assert(json_is_string(json_object_get(json, "time")));
		ck_assert(json_is_string(json_object_get(json, "level")));
		ck_assert(json_is_string(json_object_get(json, "message")));
		ck_assert(json_is_integer(json_object_get(json, "pid")));
		json_decref(json);
	}
	bytes_fini(&all);
}

static const char *const formats[] = { "log.format=text", "log.format=json" };

START_TEST(no_secret_is_ever_logged)
{
	rig_start("--set", formats[_i], "--set", "log.level=debug", "--set",
	    "log.access=true", "--set", "reconnect.initial_delay=10ms", NULL);
	lead_a_varied_life();
	wait_for(file_has(rig.proxy.err, "SESSION_DELETED"));
	rig_stop_proxy();
	ck_assert(file_has(rig.proxy.err, "5e551011"));
	ck_assert(!file_has(rig.proxy.err, "5e551011-"));
	ck_assert(!file_has(rig.proxy.err, "s3cr3t"));
	if (_i == 1)
		assert_each_line_is_json();
}
END_TEST

/* --- where it goes ------------------------------------------------------- */

/* Start with lines that go to this path; its end is where they can be read. */
static void
start_logging_to(const char *path, const char *level)
{
	char target[400], url[64];

	rig_start_origin(NULL);
	snprintf(target, sizeof(target), "log.target=%s", path);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/mcp", rig.origin_port);
	rig_run(&rig.proxy, "shadowcat", "reverse", "--bind", rig.bind,
	    "--upstream", url, "--control", rig.control, "--pidfile",
	    rig.pidfile, "--set", "workers=2", "--set", target, "--set",
	    "log.access=true", "--set", level, NULL);
}

#define ROTATIONS 5

/* Lines of requests in the log and in those that were renamed. */
static unsigned
count_requests(const char *path)
{
	unsigned count = lines_with(path, ": request ", NULL);
	char old[320];

	for (unsigned i = 0; i < ROTATIONS; i++) {
		snprintf(old, sizeof(old), "%s.%u", path, i);
		count += lines_with(old, ": request ", NULL);
	}
	return count;
}

/* Renamed and opened again under load: each request is in one file or other. */
START_TEST(rotation_loses_no_line)
{
	char path[300], old[320];
	unsigned i, more;
	struct client c;

	snprintf(path, sizeof(path), "%s/log", rig.dir);
	start_logging_to(path, "log.level=info");
	wait_for((rig.proxy_port = rig_port_in(path)) != 0);
	for (i = 0; i < ROTATIONS; i++) {
		ask_open(&c);
		for (unsigned n = 0; n < 40; n++) {
			if (n == 20) {
				snprintf(old, sizeof(old), "%s.%u", path, i);
				ck_assert_int_eq(rename(path, old), 0);
				process_signal(&rig.proxy, SIGUSR1);
			}
			ask_send(&c, "POST", OK, MODERN, CALL);
			ask_answer(&c, 200);
		}
		client_close(&c);
		wait_for(access(path, F_OK) == 0);
	}
	/* Both workers write to the newest file before long. */
	for (more = 0; lines_with(path, " worker 0 ", NULL) == 0 ||
		       lines_with(path, " worker 1 ", NULL) == 0;
	     more++) {
		ask(&c, "POST", OK, MODERN, CALL, 200);
		client_close(&c);
	}
	wait_for(count_requests(path) >= ROTATIONS * 40 + more);
	ck_assert_uint_eq(count_requests(path), ROTATIONS * 40 + more);
}
END_TEST

#define WHERE "listening on 127.0.0.1:"

/* Read what is there; whether `text` stands in it. */
static bool
pipe_has(int fd, struct bytes *all, const char *text)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		bytes_add(all, buf, (size_t)n);
	bytes_add(all, "", 1);
	all->len--;
	return strstr(all->data, text) != NULL;
}

START_TEST(a_log_that_nobody_reads_holds_up_nobody)
{
	struct bytes all = { 0 };
	char path[300];
	struct client c;
	int fd;

	snprintf(path, sizeof(path), "%s/pipe", rig.dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	start_logging_to(path, "log.level=debug");
	wait_for(pipe_has(fd, &all, WHERE) &&
		 strchr(strstr(all.data, WHERE), '\n') != NULL);
	rig.proxy_port =
	    (uint16_t)atoi(strstr(all.data, WHERE) + strlen(WHERE));
	ask_open(&c);
	for (unsigned i = 0; i < 1000; i++) {
		ask_send(&c, "POST", OK, MODERN, CALL);
		ask_answer(&c, 200);
	}
	/* The supervisor is well, too. */
	process_signal(&rig.proxy, SIGUSR1);
	ask_send(&c, "POST", OK, MODERN, CALL);
	ask_answer(&c, 200);
	/*
	 * Somebody reads again: what was lost is told with the next line,
	 * which may be written while the pipe is being emptied.
	 */
	(void)pipe_has(fd, &all, "");
	ask_send(&c, "POST", OK, MODERN, CALL);
	ask_answer(&c, 200);
	wait_for(pipe_has(fd, &all, "log lines were lost"));
	client_close(&c);
	bytes_fini(&all);
	rig_stop_proxy();
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

/* What is repeated is written a few times, then counted. */
START_TEST(repetitions_are_summed_up)
{
	int64_t until;
	struct client c;

	rig_start_proxy_to(rig_closed_port(), NULL);
	ask_open(&c);
	for (unsigned i = 0; i < 60; i++) {
		ask_send(&c, "POST", OK, MODERN, CALL);
		ask_answer(&c, 502);
	}
	client_close(&c);
	until = wire_now_ms() + rig_ms(40000);
	while (lines_with(rig.proxy.err,
		   "connect 127.0.0.1:", "more like this in 10 s", NULL) == 0) {
		ck_assert_int_lt(wire_now_ms(), until);
		rig_pause();
	}
	ck_assert_uint_lt(
	    lines_with(rig.proxy.err, "Connection refused", NULL), 60);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *causes = harness_case(suite, "causes");
	TCase *access_log = harness_case(suite, "access");
	TCase *secrets = harness_case(suite, "secrets");
	TCase *targets = harness_case(suite, "targets");

	tcase_add_test(causes, a_failing_upstream_is_named);
	tcase_add_test(causes, an_answer_that_breaks_off_is_told);
	tcase_add_test(causes, a_refused_origin_is_named);
	tcase_add_test(causes, a_crowded_session_is_named);
	tcase_add_test(causes, an_expired_session_is_told_twice);
	tcase_add_test(causes, a_resumption_that_is_given_up_says_why);
	tcase_add_test(causes, memory_that_is_short_is_told);
	tcase_add_test(access_log, each_request_has_one_line);
	tcase_add_test(
	    access_log, without_it_only_streams_and_refusals_have_lines);
	tcase_add_test(access_log, a_client_that_leaves_is_told);
	tcase_add_loop_test(secrets, no_secret_is_ever_logged, 0, 2);
	tcase_add_test(targets, rotation_loses_no_line);
	tcase_add_test(targets, a_log_that_nobody_reads_holds_up_nobody);
	tcase_add_test(targets, repetitions_are_summed_up);
}

int
main(void)
{
	return harness_main("logs", add_cases);
}
