/*
 * test_ctl.c - shadowcatctl and the control socket, from outside.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <limits.h>
#include <pty.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/ask.h"
#include "tests/integration/ctl_run.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}"
#define STREAM "head 200 text/event-stream chunked; "

static size_t
count_rows(const char *words)
{
	json_t *rows = ctl_json(words);
	size_t n = json_array_size(rows);

	ck_assert(json_is_array(rows));
	json_decref(rows);
	return n;
}

static void
assert_members(const json_t *row, const char *names)
{
	char copy[256], *rest = copy, *name;

	(void)snprintf(copy, sizeof(copy), "%s", names);
	while ((name = strsep(&rest, " ")) != NULL)
		ck_assert_msg(
		    json_object_get(row, name) != NULL, "there is no %s", name);
}

/* Open a session whose stream has had one event and waits for a gate. */
static void
open_session(struct client *c, const char *id, const char *gate)
{
	struct client_event event;
	char script[256];

	(void)snprintf(script, sizeof(script),
	    "body; field \"Mcp-Session-Id: %s\"; " STREAM
	    "event id=%s-1 data=one; await %s; event id=%s-2 data=two",
	    id, id, gate, id);
	ask_open(c);
	ask_send(c, "POST", script, "", CALL);
	(void)client_read_head(c, false, SOON);
	ck_assert_int_eq(c->status, 200);
	ask_event(c, &event);
	event_fini(&event);
}

static void
expect_event(struct client *c, const char *data)
{
	struct client_event event;

	ask_event(c, &event);
	ck_assert_str_eq(event.data.data, data);
	event_fini(&event);
}

/* --- what is there
 * --------------------------------------------------------------- */

START_TEST(status_tells_how_much_there_is)
{
	struct client c;
	json_t *row;

	rig_start(NULL);
	open_session(&c, "abcdefgh-1", "go");
	row = ctl_json("status");
	assert_members(row, "version pid state started uptime workers listen "
			    "upstream sessions streams connections");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(row, "pid")), rig.proxy.pid);
	ck_assert_str_eq(
	    json_string_value(json_object_get(row, "state")), "running");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(row, "sessions")), 1);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(row, "streams")), 1);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(row, "connections")), 1);
	json_decref(row);
	ctl_says("status", 0, "running");
	rig_open_gate("go");
	expect_event(&c, "two");
	client_close(&c);
}
END_TEST

START_TEST(workers_are_the_children)
{
	pid_t workers[8];
	json_t *rows, *row;
	size_t i;

	rig_start("--workers", "3", NULL);
	wait_for(rig_workers(workers, 8) == 3);
	rows = ctl_json("workers");
	ck_assert_uint_eq(json_array_size(rows), 3);
	json_array_foreach(rows, i, row)
	{
		pid_t pid =
		    (pid_t)json_integer_value(json_object_get(row, "pid"));

		assert_members(
		    row, "slot pid generation started streams restarts state");
		ck_assert(json_is_number(json_object_get(row, "started")));
		ck_assert_int_eq(
		    json_integer_value(json_object_get(row, "slot")), i);
		ck_assert(pid == workers[0] || pid == workers[1] ||
			  pid == workers[2]);
	}
	json_decref(rows);
	ctl_says("workers", 0, "SLOT");
}
END_TEST

START_TEST(sessions_are_shown)
{
	struct client a, b;
	json_t *rows, *row;

	rig_start(NULL);
	ck_assert_uint_eq(count_rows("sessions"), 0);
	open_session(&a, "abcdefgh-1", "go");
	open_session(&b, "abcdefgh-2", "go");
	rows = ctl_json("sessions");
	ck_assert_uint_eq(json_array_size(rows), 2);
	json_decref(rows);
	row = ctl_json("session show abcdefgh-2");
	assert_members(row, "id age idle connections streams");
	ck_assert_str_eq(
	    json_string_value(json_object_get(row, "id")), "abcdefgh-2");
	ck_assert_str_eq(
	    json_string_value(json_object_get(row, "last_event_id")),
	    "abcdefgh-2-1");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(row, "connections")), 1);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(row, "streams")), 1);
	json_decref(row);
	ctl_says("session show abc", 1, "more than one session begins with");
	ctl_says("session show abcdefgh-3", 1, "there is no session");
	ctl_says("session show abcdefgh-1x", 1, "there is no session");
	/* In a table an id is as long as needed. */
	ctl_says("sessions", 0, "abcdefgh-1 ");
	client_close(&a);
	client_close(&b);
}
END_TEST

START_TEST(session_is_ended)
{
	struct origin_request request;
	struct client_event event;
	struct client c, d;

	rig_start(NULL);
	open_session(&c, "abcdefgh-1", "never");
	ctl_says("session end abc", 0, "abcdefgh-1 has ended");
	ck_assert_uint_eq(count_rows("sessions"), 0);
	ctl_says("session end abc", 1, "there is no session");
	/* The upstream is told; the stream ends; the id is gone. */
	rig_request(2, &request);
	ck_assert_str_eq(request.method.data, "DELETE");
	origin_request_fini(&request);
	while (client_read_event(&c, &event, SOON))
		event_fini(&event);
	assert_end(&c, CLIENT_COMPLETE);
	ask(&d, "POST", "echo", "Mcp-Session-Id: abcdefgh-1\r\n", CALL, 404);
	client_close(&c);
	client_close(&d);
	ck_assert(file_has(rig.proxy.err, "control: session end"));
	ck_assert(file_has(rig.proxy.err, "reason=SESSION_ENDED"));
}
END_TEST

START_TEST(streams_and_upstreams_are_shown)
{
	json_t *rows, *row;
	struct client c;

	rig_start(NULL);
	open_session(&c, "abcdefgh-1", "go");
	rows = ctl_json("streams");
	ck_assert_uint_eq(json_array_size(rows), 1);
	row = json_array_get(rows, 0);
	assert_members(
	    row, "id worker session state era role method status age");
	ck_assert_str_eq(
	    json_string_value(json_object_get(row, "state")), "relaying");
	ck_assert_str_eq(
	    json_string_value(json_object_get(row, "era")), "legacy");
	ck_assert_str_eq(
	    json_string_value(json_object_get(row, "session")), "abcdefgh-1");
	json_decref(rows);
	rows = ctl_json("upstreams");
	ck_assert_uint_eq(json_array_size(rows), 1);
	row = json_array_get(rows, 0);
	ck_assert_str_eq(
	    json_string_value(json_object_get(row, "state")), "busy");
	ck_assert(json_is_string(json_object_get(row, "stream")));
	json_decref(rows);
	ctl_says("streams", 0, "relaying");
	ctl_says("upstreams", 0, "127.0.0.1:");
	client_close(&c);
}
END_TEST

/* More rows than one piece holds, each once. */
#define MANY 700

START_TEST(many_sessions_are_all_shown)
{
	json_t *rows, *row, *seen = json_object();
	char script[400];
	struct client c;
	size_t i;

	rig_start(NULL);
	for (int n = 0; n < MANY; n++) {
		(void)snprintf(script, sizeof(script),
		    "body; field \"Mcp-Session-Id: %0200d\"; "
		    "answer 200 application/json {}",
		    n);
		ask(&c, "POST", script, "", CALL, 200);
		client_close(&c);
	}
	rows = ctl_json("sessions");
	ck_assert_uint_eq(json_array_size(rows), MANY);
	json_array_foreach(rows, i, row)
	{
		(void)json_object_set(
		    seen, json_string_value(json_object_get(row, "id")), row);
	}
	ck_assert_uint_eq(json_object_size(seen), MANY);
	json_decref(seen);
	json_decref(rows);
}
END_TEST

/* --- tap
 * -------------------------------------------------------------------------- */

static const char *const tapped[] = { "session", "stream" };

START_TEST(tap_shows_events_as_they_come)
{
	const char *id = _i == 0 ? "abcdefgh" : "1";
	struct process p;
	struct client c;
	char words[64];

	rig_start(NULL);
	open_session(&c, "abcdefgh-1", "go");
	(void)snprintf(words, sizeof(words), "--json tap --bodies %s", id);
	ctl_start(&p, tapped[_i], words);
	wait_for(file_has(p.out, "\"kind\": \"begin\""));
	rig_open_gate("go");
	wait_for(file_has(p.out, "\"id\": \"abcdefgh-1-2\""));
	ck_assert(file_has(p.out, "\"data\": \"two\""));
	ck_assert(!file_has(p.out, "abcdefgh-1-1"));
	expect_event(&c, "two");
	process_signal(&p, SIGKILL);
	client_close(&c);
}
END_TEST

START_TEST(tap_goes_on_after_an_upgrade)
{
	struct process p;
	struct client c;

	rig_start(NULL);
	open_session(&c, "abcdefgh-1", "go");
	ctl_start(&p, "tapped", "--json tap --bodies abcdefgh");
	wait_for(file_count(p.out, "\"kind\": \"begin\"") == 1);
	ctl_says("upgrade", 0, "");
	wait_for(file_count(p.out, "\"kind\": \"begin\"") == 2);
	ck_assert(file_has(p.err, "as in an upgrade; asked again"));
	rig_open_gate("go");
	wait_for(file_has(p.out, "\"data\": \"two\""));
	client_close(&c);
	/* Nobody is there any more: it ends. */
	rig_stop_proxy();
	ck_assert_int_eq(process_wait(&p, SOON), 3);
}
END_TEST

START_TEST(tap_of_nothing_is_refused)
{
	rig_start(NULL);
	ctl_says("tap abc", 1, "there is no session or stream abc");
}
END_TEST

/* --- what changes something
 * -------------------------------------------------------- */

START_TEST(recycled_workers_keep_their_streams)
{
	pid_t before[1], after[1];
	json_t *rows, *row;
	struct client c;

	rig_start(NULL);
	open_session(&c, "abcdefgh-1", "go");
	wait_for(rig_workers(before, 1) == 1);
	ctl_says(_i == 0 ? "recycle" : "recycle 0", 0, "1 worker replaced");
	ck_assert_uint_eq(rig_workers(after, 1), 1);
	ck_assert_int_ne(before[0], after[0]);
	rows = ctl_json("crashes");
	ck_assert_uint_eq(json_array_size(rows), 1);
	row = json_array_get(rows, 0);
	assert_members(row, "time slot generation pid death signal lived");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(row, "pid")), before[0]);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(row, "signal")), SIGKILL);
	ck_assert_str_eq(
	    json_string_value(json_object_get(row, "killed_for")), "recycle");
	json_decref(rows);
	rig_open_gate("go");
	expect_event(&c, "two");
	client_close(&c);
	ctl_says("recycle 7", 1, "7 is no slot of a worker: there are 0 to 0");
	ctl_says("recycle 64", 1, "64 is no slot of a worker");
	ctl_says("recycle 99999999999999999999", 1, "is no slot of a worker");
	ctl_says("recycle x", 2, "x is no number of a slot");
}
END_TEST

START_TEST(crash_is_listed)
{
	pid_t worker[1];
	json_t *rows;

	rig_start(NULL);
	wait_for(rig_workers(worker, 1) == 1);
	ck_assert_int_eq(kill(worker[0], SIGABRT), 0);
	wait_for(count_rows("crashes") == 1);
	rows = ctl_json("crashes");
	ck_assert_int_eq(json_integer_value(json_object_get(
			     json_array_get(rows, 0), "signal")),
	    SIGABRT);
	ck_assert(json_is_null(
	    json_object_get(json_array_get(rows, 0), "killed_for")));
	json_decref(rows);
	ctl_says("crashes", 0, "killed by SIGABRT");
}
END_TEST

START_TEST(reload_tells_how_it_went)
{
	char path[300];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/conf", rig.dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs("log { level = \"info\" }\n", f);
	(void)fclose(f);
	rig_start("--config", path, NULL);
	ctl_says("reload", 0, "in force");
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs("log { level = \"loud\" }\n", f);
	(void)fclose(f);
	ctl_says("reload", 1, "loud");
	ctl_says("status", 0, "running");
}
END_TEST

START_TEST(log_level_reaches_the_workers)
{
	struct client c;

	rig_start(NULL);
	ctl_says("log loud", 2, "known are: error warning notice");
	ctl_says("log error", 0, "logging error");
	ask(&c, "POST", "echo", "", CALL, 200);
	client_close(&c);
	ctl_says("status", 0, "error");
	ctl_says("log debug", 0, "logging debug");
	ctl_says("status", 0, "debug");
	ask(&c, "POST", "echo", "", CALL, 200);
	client_close(&c);
	wait_for(file_count(rig.proxy.err, "reason=ANSWERED") == 1);
}
END_TEST

START_TEST(upgrade_is_answered_by_the_next_image)
{
	struct process p;
	struct client c;

	rig_start(NULL);
	open_session(&c, "abcdefgh-1", "go");
	ctl(&p, "upgrade", 0);
	ck_assert(proc_runs(rig.proxy.pid));
	ctl_says("status", 0, "running");
	rig_open_gate("go");
	expect_event(&c, "two");
	client_close(&c);
}
END_TEST

START_TEST(drain_lets_finish)
{
	struct client c;

	rig_start(NULL);
	open_session(&c, "abcdefgh-1", "go");
	ctl_says("drain", 0, "draining 1 connections");
	ctl_says("status", 0, "draining");
	ctl_says("drain", 1, "stopping already");
	ctl_says("reload", 1, "stopping");
	rig_open_gate("go");
	expect_event(&c, "two");
	client_close(&c);
	ck_assert_int_eq(process_wait(&rig.proxy, SOON), 0);
	ck_assert_int_ne(access(rig.control, F_OK), 0);
	ctl_says("status", 3, "there is no such socket");
	rig_forget_proxy();
}
END_TEST

START_TEST(stop_waits_for_nothing)
{
	struct client c;

	rig_start(NULL);
	open_session(&c, "abcdefgh-1", "never");
	ctl_says("stop", 0, "stopping");
	ck_assert_int_eq(process_wait(&rig.proxy, SOON), 0);
	ck_assert_int_ne(access(rig.control, F_OK), 0);
	ck_assert_int_ne(access(rig.pidfile, F_OK), 0);
	client_close(&c);
	rig_forget_proxy();
}
END_TEST

/* --- metrics
 * ------------------------------------------------------------------------ */

static double
metric(const char *name)
{
	json_t *all = ctl_json("metrics");
	const json_t *value = json_object_get(all, name);
	double number;

	ck_assert_msg(json_is_number(value), "there is no %s", name);
	number = json_number_value(value);
	json_decref(all);
	return number;
}

START_TEST(metrics_outlive_workers)
{
	pid_t worker[1], next[1];
	struct client c;

	rig_start(NULL);
	open_session(&c, "abcdefgh-1", "go");
	ck_assert_double_eq(metric("shadowcat_requests_begun_total"), 1);
	ck_assert_double_eq(metric("shadowcat_workers"), 1);
	ck_assert_double_eq(metric("shadowcat_sessions"), 1);
	ck_assert_double_eq(
	    metric("shadowcat_streams{state=\"relaying\",era=\"legacy\"}"), 1);
	ck_assert_double_gt(metric("shadowcat_memory_used_bytes"), 0);
	wait_for(rig_workers(worker, 1) == 1);
	ck_assert_int_eq(kill(worker[0], SIGKILL), 0);
	wait_for(rig_workers(next, 1) == 1 && next[0] != worker[0]);
	ck_assert_double_eq(metric("shadowcat_requests_begun_total"), 1);
	ck_assert_double_eq(
	    metric("shadowcat_worker_deaths_total{kind=\"killed\"}"), 1);
	ctl_says("metrics", 0, "# TYPE shadowcat_requests_begun_total counter");
	ctl_says("metrics", 0, "\nshadowcat_requests_begun_total 1\n");
	rig_open_gate("go");
	expect_event(&c, "two");
	client_close(&c);
}
END_TEST

/* --- the command line
 * ----------------------------------------------------------------- */

static const struct {
	const char *words;
	int code;
	const char *says;
} lines[] = {
	{ "", 2, "a command is missing" },
	{ "nonsense", 2, "known are: status workers sessions" },
	{ "session kill x", 2, "known are: show end" },
	{ "--nonsense", 2, "no such option" },
	{ "log", 2, "usage: shadowcatctl log LEVEL" },
	{ "--help", 0, "usage: shadowcatctl" },
	{ "--version", 0, "shadowcatctl " PACKAGE_VERSION },
	{ "status", 3, "there is no such socket" },
};

START_TEST(codes_tell_what_went_wrong)
{
	/* No daemon runs. */
	(void)snprintf(rig.control, sizeof(rig.control), "%s/none", rig.dir);
	ctl_says(lines[_i].words, lines[_i].code, lines[_i].says);
}
END_TEST

START_TEST(leftover_socket_is_told)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(rig.control, sizeof(rig.control), "%s/left", rig.dir);
	ck_assert_uint_lt(strlen(rig.control), sizeof(address.sun_path));
	strcpy(address.sun_path, rig.control);
	ck_assert_int_eq(
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	(void)close(fd);
	ctl_says("status", 3, "nobody answers");
}
END_TEST

/* What can be watched, and what stands in each answer. */
static const struct {
	const char *words, *text;
} watched[] = {
	{ "status", "version" },
	{ "workers", "PID" },
	{ "sessions", "SESSION" },
	{ "streams", "STREAM" },
	{ "upstreams", "SLOT" },
};

START_TEST(watching_asks_again)
{
	char words[64];
	struct process p;
	struct bytes out;

	rig_start(NULL);
	snprintf(words, sizeof(words), "%s --watch 0.1", watched[_i].words);
	ctl_start(&p, "watch", words);
	wait_for(file_count(p.out, watched[_i].text) >= 3);
	/* Who has seen enough has not failed. */
	process_signal(&p, SIGINT);
	ctl_await(&p, words, 0);
	file_read(p.out, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "\n\n"));
	ck_assert_ptr_null(strchr(out.data, '\033'));
	bytes_fini(&out);
}
END_TEST

START_TEST(watching_for_scripts_is_a_document_a_line)
{
	struct process p;
	struct bytes out;
	char *rest, *line;
	json_t *json;

	rig_start(NULL);
	ctl_start(&p, "watch", "--watch 0.1 --json workers");
	wait_for(file_count(p.out, "\"generation\"") >= 3);
	process_signal(&p, SIGTERM);
	ctl_await(&p, "--watch", 0);
	file_read(p.out, &out);
	rest = out.data;
	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		json = json_loads(line, 0, NULL);
		ck_assert_msg(json_is_array(json), "%s", line);
		json_decref(json);
	}
	bytes_fini(&out);
}
END_TEST

START_TEST(watching_ends_with_the_daemon)
{
	struct process p;

	rig_start(NULL);
	ctl_start(&p, "watch", "--watch=0.1 status");
	wait_for(file_count(p.out, "version") >= 2);
	rig_stop_proxy();
	ctl_await(&p, "--watch", 3);
	ck_assert(file_has(p.err, "there is no such socket"));
}
END_TEST

/* Some bare systems have no pseudo-terminals. */
static bool
has_terminals(void)
{
	int fds[2];

	if (openpty(&fds[0], &fds[1], NULL, NULL, NULL) != 0)
		return false;
	(void)close(fds[0]);
	(void)close(fds[1]);
	return true;
}

/* Run it on a terminal; what it printed, of the first screen at least. */
static void
run_on_terminal(const char *words, struct bytes *ret)
{
	struct arguments a = { 0 };
	struct winsize size = { .ws_row = 24, .ws_col = 60 };
	char buf[4096];
	ssize_t n;
	int fd;
	pid_t pid;

	ctl_arguments(&a, words);
	pid = forkpty(&fd, NULL, NULL, &size);
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)execv(a.list[0], a.list);
		_exit(127);
	}
	arguments_fini(&a);
	memset(ret, 0, sizeof(*ret));
	while (ret->len < 400 && (n = read(fd, buf, sizeof(buf))) > 0)
		bytes_add(ret, buf, (size_t)n);
	bytes_add(ret, "", 1);
	(void)kill(pid, SIGINT);
	/* It may end before the signal comes, and be stuck in writing. */
	(void)close(fd);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(a_terminal_is_cleared_and_has_colours)
{
	struct bytes out;

	if (!has_terminals())
		return;
	rig_start(NULL);
	ck_assert_int_eq(setenv("TERM", "xterm", 1), 0);
	ck_assert_int_eq(unsetenv("COLUMNS"), 0);
	if (_i == 0)
		ck_assert_int_eq(unsetenv("NO_COLOR"), 0);
	else
		ck_assert_int_eq(setenv("NO_COLOR", "1", 1), 0);
	run_on_terminal("--watch 0.1 workers", &out);
	ck_assert_ptr_nonnull(strstr(out.data, "\033[2J"));
	/* Bold type, say, but the clearing itself is no colour. */
	ck_assert((strstr(out.data, "\033[1m") != NULL) == (_i == 0));
	bytes_fini(&out);
}
END_TEST

/* Both programs run as root: the file can be given away. */
START_TEST(the_socket_is_given_to_a_user_and_a_group)
{
	struct stat st;

	if (geteuid() != 0)
		return;
	rig_start("--set", "control.owner=nobody", "--set",
	    "control.group=daemon", NULL);
	ck_assert_int_eq(stat(rig.control, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	ck_assert_uint_eq(st.st_uid, getpwnam("nobody")->pw_uid);
	ck_assert_uint_eq(st.st_gid, getgrnam("daemon")->gr_gid);
	ctl_says("status", 0, "running");
	/* Who did what stands in the log. */
	ctl_says("log info", 0, "logging");
	wait_for(file_has(rig.proxy.err, "control: log info by uid 0, gid 0"));
}
END_TEST

/* Run `status` as another user: its exit code. */
static int
status_as(const char *user, const char *group)
{
	struct arguments a = { 0 };
	struct process p;
	char words[100];

	snprintf(words, sizeof(words),
	    "setpriv --reuid=%s --regid=%s --clear-groups", user, group);
	arguments_add_words(&a, words);
	ctl_arguments(&a, "status");
	process_start(&p, rig.dir, "as-another", &a);
	arguments_fini(&a);
	ck_assert_int_ne(process_wait(&p, SOON), PROCESS_STILL_RUNNING);
	return p.code;
}

/* Everybody may come as far as the socket; its file says who may ask. */
START_TEST(owner_and_group_may_ask_and_nobody_else)
{
	char above[320];
	int code;

	if (geteuid() != 0 || access("/usr/bin/setpriv", X_OK) != 0)
		return;
	snprintf(above, sizeof(above), "%s/..", rig.dir);
	ck_assert_int_eq(chmod(rig.dir, 0755), 0);
	ck_assert_int_eq(chmod(above, 0755), 0);
	rig_start("--set", "control.owner=nobody", "--set",
	    "control.group=daemon", NULL);
	code = status_as("nobody", "nogroup");
	if (code == 126 || code == 127)
		return; /* the program is where others may not go */
	ck_assert_int_eq(code, 0);
	ck_assert_int_eq(status_as("bin", "daemon"), 0);
	ck_assert_int_eq(status_as("bin", "bin"), 3);
}
END_TEST

static const char *const strangers[] = { "control.owner=no-such-user",
	"control.group=no-such-group" };

START_TEST(a_stranger_gets_no_socket)
{
	struct process p;

	rig_run(&p, "refused", "reverse", "--bind", "127.0.0.1:0", "--upstream",
	    "http://127.0.0.1:1/mcp", "--control", rig.control, "--set",
	    strangers[_i], NULL);
	ck_assert_int_ne(process_wait(&p, SOON), PROCESS_STILL_RUNNING);
	ck_assert_int_eq(p.code, 2);
	ck_assert(file_has(p.err, "there is no such user or group"));
}
END_TEST

/* --- peers that misbehave
 * -------------------------------------------------------------- */

static int
connect_raw(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_uint_lt(strlen(rig.control), sizeof(address.sun_path));
	strcpy(address.sun_path, rig.control);
	ck_assert_int_eq(
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

#define MISFITS 100

enum misfit { SILENT, GARBAGE, HALF, CLAIMS_MUCH, NEVER_READS, VANISHES };

static void
misbehave(int *fd, enum misfit how)
{
	static const char sessions[] = "\0\0\0\x1a\x82\xa7version\x01\xa7"
				       "command\xa7streams";
	static const char much[] = "\xff\xff\xff\xff";

	*fd = connect_raw();
	switch (how) {
	case SILENT:
		break;
	case GARBAGE:
		(void)!send(*fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
		break;
	case HALF:
		(void)!send(*fd, sessions, 9, MSG_NOSIGNAL);
		break;
	case CLAIMS_MUCH:
		(void)!send(*fd, much, 4, MSG_NOSIGNAL);
		break;
	case NEVER_READS:
		(void)!send(*fd, sessions, sizeof(sessions) - 1, MSG_NOSIGNAL);
		break;
	case VANISHES:
		(void)!send(*fd, sessions, sizeof(sessions) - 1, MSG_NOSIGNAL);
		(void)close(*fd);
		*fd = -1;
		break;
	}
}

/*
 * A hundred peers of each kind: the proxy serves, the operator is answered,
 * and when they are gone nothing is left of them.
 */
START_TEST(misfits_harm_nobody)
{
	int fds[MISFITS], before;
	struct client c;

	rig_start(NULL);
	open_session(&c, "abcdefgh-1", "go");
	ctl_says("status", 0, "running");
	before = proc_count_fds(rig.proxy.pid);
	for (int i = 0; i < MISFITS; i++)
		misbehave(&fds[i], (enum misfit)_i);
	ctl_says("status", 0, "running");
	ck_assert_uint_eq(count_rows("streams"), 1);
	rig_open_gate("go");
	expect_event(&c, "two");
	for (int i = 0; i < MISFITS; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
	}
	client_close(&c);
	wait_for(proc_count_fds(rig.proxy.pid) <= before);
}
END_TEST

/* One that says nothing is hung up on, without a push. */
START_TEST(silent_one_is_hung_up_on)
{
	char byte;
	int fd;

	rig_start(NULL);
	fd = connect_raw();
	ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
	(void)close(fd);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "show");

	tcase_add_test(tc, status_tells_how_much_there_is);
	tcase_add_test(tc, workers_are_the_children);
	tcase_add_test(tc, sessions_are_shown);
	tcase_add_test(tc, session_is_ended);
	tcase_add_test(tc, streams_and_upstreams_are_shown);
	tcase_add_test(tc, many_sessions_are_all_shown);
	tcase_add_test(tc, metrics_outlive_workers);
	tc = harness_case(suite, "tap");
	tcase_add_loop_test(tc, tap_shows_events_as_they_come, 0, 2);
	tcase_add_test(tc, tap_goes_on_after_an_upgrade);
	tcase_add_test(tc, tap_of_nothing_is_refused);
	tc = harness_case(suite, "change");
	tcase_add_loop_test(tc, recycled_workers_keep_their_streams, 0, 2);
	tcase_add_test(tc, crash_is_listed);
	tcase_add_test(tc, reload_tells_how_it_went);
	tcase_add_test(tc, log_level_reaches_the_workers);
	tcase_add_test(tc, upgrade_is_answered_by_the_next_image);
	tcase_add_test(tc, drain_lets_finish);
	tcase_add_test(tc, stop_waits_for_nothing);
	tc = harness_case(suite, "line");
	tcase_add_loop_test(
	    tc, codes_tell_what_went_wrong, 0, ARRAY_LEN(lines));
	tcase_add_test(tc, leftover_socket_is_told);
	tcase_add_loop_test(
	    tc, watching_asks_again, 0, (int)ARRAY_LEN(watched));
	tcase_add_test(tc, watching_for_scripts_is_a_document_a_line);
	tcase_add_test(tc, watching_ends_with_the_daemon);
	tcase_add_loop_test(tc, a_terminal_is_cleared_and_has_colours, 0, 2);
	tcase_add_test(tc, the_socket_is_given_to_a_user_and_a_group);
	tcase_add_test(tc, owner_and_group_may_ask_and_nobody_else);
	tcase_add_loop_test(tc, a_stranger_gets_no_socket, 0, 2);
	tc = harness_case(suite, "misfits");
	tcase_add_loop_test(tc, misfits_harm_nobody, SILENT, VANISHES + 1);
	tcase_add_test(tc, silent_one_is_hung_up_on);
}

int
main(void)
{
	return harness_main("ctl", add_cases);
}
