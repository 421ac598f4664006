/*
 * test_reload.c - a new configuration for a daemon at work: nobody notices.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/ask.h"
#include "tests/integration/load.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define WORKERS_MAX 64
#define IN_FORCE "the new configuration is in force"
#define REFUSED "the old configuration stays in force"

static char conf_path[400];
static char listen_text[200];

/* --- the file and the daemon --------------------------------------------- */

static void
write_conf(const char *fmt, ...)
{
	FILE *f = fopen(conf_path, "w");
	va_list ap;

	ck_assert_ptr_nonnull(f);
	va_start(ap, fmt);
	ck_assert_int_ge(vfprintf(f, fmt, ap), 0);
	va_end(ap);
	ck_assert_int_eq(fclose(f), 0);
}

/* The port of the n-th line that says where the daemon listens. */
static uint16_t
announced_port(unsigned n)
{
	static const char words[] = "listening on 127.0.0.1:";
	struct bytes all;
	const char *at;
	uint16_t port = 0;

	file_read(rig.proxy.err, &all);
	for (at = all.data; at != NULL && (at = strstr(at, words)) != NULL;) {
		at += strlen(words);
		if (n-- == 0) {
			port = (uint16_t)atoi(at);
			break;
		}
	}
	bytes_fini(&all);
	return port;
}

/*
 * Start with a file of listen.address, upstream.url and this.  The rig's own
 * start can't be used: its flags would win over the file.
 */
static void
start(const char *more)
{
	snprintf(conf_path, sizeof(conf_path), "%s/conf", rig.dir);
	rig_start_origin(NULL);
	snprintf(listen_text, sizeof(listen_text),
	    "listen { address = \"127.0.0.1:0\" }\n"
	    "upstream { url = \"http://127.0.0.1:%u/mcp\" }\n",
	    rig.origin_port);
	write_conf("%s%s", listen_text, more);
	rig_run(&rig.proxy, "shadowcat", "-c", conf_path, "--control",
	    rig.control, "--pidfile", rig.pidfile, NULL);
	wait_for(announced_port(0) != 0);
	rig.proxy_port = announced_port(0);
}

/* Whether none of the workers before is left, and there are `count`. */
static bool
are_all_new(const pid_t *before, unsigned old, unsigned count)
{
	pid_t now[WORKERS_MAX];
	unsigned n = rig_workers(now, WORKERS_MAX);

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < old; k++) {
			if (now[i] == before[k])
				return false;
		}
	}
	return n == count;
}

/* HUP, and wait until it is over: there are `count` workers, all new. */
static void
reload(unsigned count)
{
	unsigned times = file_count(rig.proxy.err, IN_FORCE);
	pid_t before[WORKERS_MAX];
	unsigned old = rig_workers(before, WORKERS_MAX);

	process_signal(&rig.proxy, SIGHUP);
	wait_for(file_count(rig.proxy.err, IN_FORCE) == times + 1);
	wait_for(are_all_new(before, old, count));
}

static void
expect_service_at(uint16_t port)
{
	uint16_t before = rig.proxy_port;
	struct client c;

	rig.proxy_port = port;
	ask(&c, "POST", "echo", "", CALL, 200);
	client_close(&c);
	rig.proxy_port = before;
}

/* --- under load ------------------------------------------------------------
 */

static const unsigned worker_counts[] = { 1, 3 };

START_TEST(nobody_notices_a_reload)
{
	char workers[20];

	snprintf(workers, sizeof(workers), "workers = %u\n", worker_counts[_i]);
	start(workers);
	load_start(12, 4);
	for (int i = 0; i < 10; i++) {
		reload(worker_counts[_i]);
		load_wait(3);
	}
	load_stop();
}
END_TEST

START_TEST(nobody_notices_that_workers_come_and_go)
{
	static const unsigned counts[] = { 4, 1, 3, 2, 5, 1, 4 };

	start("workers = 2\n");
	load_start(12, 4);
	for (unsigned i = 0; i < ARRAY_LEN(counts); i++) {
		write_conf("%sworkers = %u\n", listen_text, counts[i]);
		reload(counts[i]);
		load_wait(3);
	}
	load_stop();
}
END_TEST

/* Another count with each signal, and no waiting for the one before. */
START_TEST(reloads_may_overlap)
{
	start("workers = 2\n");
	load_start(12, 4);
	for (unsigned i = 0; i < 20; i++) {
		write_conf("%sworkers = %u\n", listen_text, 1 + i * 7 % 5);
		process_signal(&rig.proxy, SIGHUP);
		load_wait(1);
	}
	write_conf("%sworkers = 2\n", listen_text);
	process_signal(&rig.proxy, SIGHUP);
	{
		pid_t pids[WORKERS_MAX];

		wait_for(rig_workers(pids, WORKERS_MAX) == 2);
	}
	load_wait(3);
	load_stop();
}
END_TEST

/* --- what changes -----------------------------------------------------------
 */

START_TEST(limits_change)
{
	struct client c;

	start("workers = 1\n");
	ask(&c, "POST", "echo", "", CALL, 200);
	write_conf("%sworkers = 1\nclient { max_body = 10 }\n", listen_text);
	reload(1);
	/* On the connection that was there before. */
	ask_send(&c, "POST", "echo", "", CALL);
	ask_answer(&c, 413);
	client_close(&c);
}
END_TEST

START_TEST(upstream_changes_and_streams_stay)
{
	struct client_event event;
	struct client c;
	uint16_t closed;

	start("workers = 1\n");
	ask_stream(&c, "POST",
	    "head 200 text/event-stream chunked; event id=1 data=first; "
	    "await go; event id=2 data=second",
	    "", 200);
	ask_event(&c, &event);
	event_fini(&event);
	closed = rig_closed_port();
	write_conf("listen { address = \"127.0.0.1:0\" }\n"
		   "upstream { url = \"http://127.0.0.1:%u/mcp\" }\n"
		   "workers = 1\n",
	    closed);
	reload(1);
	rig_open_gate("go");
	ask_event(&c, &event);
	ck_assert_str_eq(event.data.data, "second");
	event_fini(&event);
	(void)client_read_rest(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	ask_send(&c, "POST", "echo", "", CALL);
	ask_answer(&c, 502);
	client_close(&c);
}
END_TEST

START_TEST(addresses_come_and_go)
{
	uint16_t fresh = rig_closed_port(), first;

	start("workers = 1\n");
	first = rig.proxy_port;
	write_conf(
	    "listen { address = { \"127.0.0.1:0\", \"127.0.0.1:%u\" } }\n"
	    "upstream { url = \"http://127.0.0.1:%u/mcp\" }\n"
	    "workers = 1\n",
	    fresh, rig.origin_port);
	reload(1);
	expect_service_at(first);
	expect_service_at(fresh);
	write_conf("listen { address = \"127.0.0.1:%u\" }\n"
		   "upstream { url = \"http://127.0.0.1:%u/mcp\" }\n"
		   "workers = 1\n",
	    fresh, rig.origin_port);
	reload(1);
	expect_service_at(fresh);
	{
		struct client c;

		ck_assert_int_eq(
		    client_open(&c, first, rig_ms(2000)), -ECONNREFUSED);
	}
	/* And for the connection that the rig's end wants. */
	rig.proxy_port = fresh;
}
END_TEST

START_TEST(log_target_changes)
{
	char path[400];

	start("workers = 1\n");
	snprintf(path, sizeof(path), "%s/log", rig.dir);
	write_conf("%sworkers = 1\nlog { target = \"%s\" level = \"debug\" }\n",
	    listen_text, path);
	process_signal(&rig.proxy, SIGHUP);
	wait_for(file_has(path, IN_FORCE));
	wait_for(file_has(path, "worker 0: adopted"));
}
END_TEST

/* --- what is refused --------------------------------------------------------
 */

static const char *const bad_files[] = {
	"workers = many\n",
	"no { such = \"section\" }\n",
	"log { target = \"/no/such/directory/log\" }\n",
	"listen { address = \"192.0.2.1:1\" }\n",
};

START_TEST(bad_file_changes_nothing)
{
	pid_t before[WORKERS_MAX], after[WORKERS_MAX];

	start("workers = 2\n");
	wait_for(rig_workers(before, WORKERS_MAX) == 2);
	expect_service_at(rig.proxy_port);
	write_conf("%s%s", listen_text, bad_files[_i]);
	process_signal(&rig.proxy, SIGHUP);
	wait_for(file_count(rig.proxy.err, REFUSED) == 1);
	ck_assert_uint_eq(rig_workers(after, WORKERS_MAX), 2);
	ck_assert_mem_eq(before, after, 2 * sizeof(before[0]));
	expect_service_at(rig.proxy_port);
	/* The file is mended: so is the reload. */
	write_conf("%sworkers = 1\n", listen_text);
	reload(1);
	expect_service_at(rig.proxy_port);
}
END_TEST

START_TEST(key_that_needs_a_restart_is_named)
{
	start("workers = 1\n");
	write_conf("%sworkers = 1\njournal { memory = \"99MiB\" }\n"
		   "session { max_sessions = 7 }\n",
	    listen_text);
	reload(1);
	wait_for(file_has(rig.proxy.err,
	    "a restart is needed for session.max_sessions, journal.memory"));
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "load");

	tcase_add_loop_test(
	    tc, nobody_notices_a_reload, 0, ARRAY_LEN(worker_counts));
	tcase_add_test(tc, nobody_notices_that_workers_come_and_go);
	tcase_add_test(tc, reloads_may_overlap);
	tc = harness_case(suite, "changes");
	tcase_add_test(tc, limits_change);
	tcase_add_test(tc, upstream_changes_and_streams_stay);
	tcase_add_test(tc, addresses_come_and_go);
	tcase_add_test(tc, log_target_changes);
	tc = harness_case(suite, "refused");
	tcase_add_loop_test(
	    tc, bad_file_changes_nothing, 0, ARRAY_LEN(bad_files));
	tcase_add_test(tc, key_that_needs_a_restart_is_named);
}

int
main(void)
{
	return harness_main("reload", add_cases);
}
