/*
 * test_ctl.c - the commands of shadowcatctl, from outside: what they show, and
 * what they do.
 */
#include "config.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/ask.h"
#include "tests/integration/ctl_run.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}"

static void
assert_members(const json_t *row, const char *names)
{
	char copy[256], *rest = copy, *name;

	(void)snprintf(copy, sizeof(copy), "%s", names);
	while ((name = strsep(&rest, " ")) != NULL)
		ck_assert_msg(
		    json_object_get(row, name) != NULL, "there is no %s", name);
}

/* --- what is there ------------------------------------------------------ */

START_TEST(status_tells_how_much_there_is)
{
	struct client c;
	json_t *row;

	rig_start(NULL);
	ctl_session_open(&c, "abcdefgh-1");
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
	ctl_session_finish(&c);
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
	ck_assert_uint_eq(ctl_count_rows("sessions"), 0);
	ctl_session_open(&a, "abcdefgh-1");
	ctl_session_open(&b, "abcdefgh-2");
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
	ctl_session_open(&c, "abcdefgh-1");
	ctl_says("session end abc", 0, "abcdefgh-1 has ended");
	ck_assert_uint_eq(ctl_count_rows("sessions"), 0);
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
	ctl_session_open(&c, "abcdefgh-1");
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

/* --- tap ---------------------------------------------------------------- */

static const char *const tapped[] = { "session", "stream" };

START_TEST(tap_shows_events_as_they_come)
{
	const char *id = _i == 0 ? "abcdefgh" : "1";
	struct process p;
	struct client c;
	char words[64];

	rig_start(NULL);
	ctl_session_open(&c, "abcdefgh-1");
	(void)snprintf(words, sizeof(words), "--json tap --bodies %s", id);
	ctl_start(&p, tapped[_i], words);
	wait_for(file_has(p.out, "\"kind\": \"begin\""));
	ctl_session_finish(&c);
	wait_for(file_has(p.out, "\"id\": \"abcdefgh-1-2\""));
	ck_assert(file_has(p.out, "\"data\": \"two\""));
	ck_assert(!file_has(p.out, "abcdefgh-1-1"));
	process_signal(&p, SIGKILL);
}
END_TEST

START_TEST(tap_goes_on_after_an_upgrade)
{
	struct process p;
	struct client c;

	rig_start(NULL);
	ctl_session_open(&c, "abcdefgh-1");
	ctl_start(&p, "tapped", "--json tap --bodies abcdefgh");
	wait_for(file_count(p.out, "\"kind\": \"begin\"") == 1);
	ctl_says("upgrade", 0, "");
	wait_for(file_count(p.out, "\"kind\": \"begin\"") == 2);
	ck_assert(file_has(p.err, "as in an upgrade; asked again"));
	ctl_session_finish(&c);
	wait_for(file_has(p.out, "\"data\": \"two\""));
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

/* --- what changes something --------------------------------------------- */

START_TEST(recycled_workers_keep_their_streams)
{
	pid_t before[1], after[1];
	json_t *rows, *row;
	struct client c;

	rig_start(NULL);
	ctl_session_open(&c, "abcdefgh-1");
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
	ctl_session_finish(&c);
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
	wait_for(ctl_count_rows("crashes") == 1);
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
	ctl_session_open(&c, "abcdefgh-1");
	ctl(&p, "upgrade", 0);
	ck_assert(proc_runs(rig.proxy.pid));
	ctl_says("status", 0, "running");
	ctl_session_finish(&c);
}
END_TEST

START_TEST(drain_lets_finish)
{
	struct client c;

	rig_start(NULL);
	ctl_session_open(&c, "abcdefgh-1");
	ctl_says("drain", 0, "draining 1 connections");
	ctl_says("status", 0, "draining");
	ctl_says("drain", 1, "stopping already");
	ctl_says("reload", 1, "stopping");
	ctl_session_finish(&c);
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
	ctl_session_open(&c, "abcdefgh-1");
	ctl_says("stop", 0, "stopping");
	ck_assert_int_eq(process_wait(&rig.proxy, SOON), 0);
	ck_assert_int_ne(access(rig.control, F_OK), 0);
	ck_assert_int_ne(access(rig.pidfile, F_OK), 0);
	client_close(&c);
	rig_forget_proxy();
}
END_TEST

/* --- metrics ------------------------------------------------------------ */

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
	ctl_session_open(&c, "abcdefgh-1");
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
	ctl_session_finish(&c);
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
}

int
main(void)
{
	return harness_main("ctl", add_cases);
}
