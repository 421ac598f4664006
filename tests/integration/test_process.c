/*
 * test_process.c - the daemon as processes: births, deaths, signals, and who
 * holds which descriptor.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/ask.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define STREAM "head 200 text/event-stream chunked; "
#define WORKERS_MAX 64

/* --- births and deaths --------------------------------------------------- */

static const char *const worker_counts[] = { "1", "2", "5" };

static void
wait_for_workers(unsigned count)
{
	pid_t workers[WORKERS_MAX];

	wait_for(rig_workers(workers, WORKERS_MAX) == count);
}

static void
expect_service(void)
{
	struct client c;

	ask(&c, "POST", "echo", "", CALL, 200);
	assert_body(&c, CALL);
	client_close(&c);
}

START_TEST(there_are_as_many_workers_as_asked_for)
{
	rig_start("--workers", worker_counts[_i], NULL);
	wait_for_workers((unsigned)atoi(worker_counts[_i]));
	expect_service();
}
END_TEST

/* The one worker, which must not be `before`; waits for it to be born. */
static pid_t
only_worker(pid_t before)
{
	pid_t workers[WORKERS_MAX] = { 0 };

	wait_for(
	    rig_workers(workers, WORKERS_MAX) == 1 && workers[0] != before);
	return workers[0];
}

static const int deadly_signals[] = {
	SIGKILL, SIGABRT,
#ifndef SC_SANITIZED
	SIGSEGV, /* the sanitizer would take it for a fault of ours */
#endif
};

START_TEST(dead_worker_gets_a_successor)
{
	pid_t first;

	rig_start(NULL);
	expect_service();
	first = only_worker(0);
	ck_assert_int_eq(kill(first, deadly_signals[_i]), 0);
	(void)only_worker(first);
	expect_service();
	rig_assert_requests(2);
}
END_TEST

/* A client that asks while there is no worker is served by the next one. */
START_TEST(no_request_is_refused_at_a_death)
{
	pid_t worker = 0;

	rig_start(NULL);
	for (unsigned n = 1; n <= 10; n++) {
		worker = only_worker(worker);
		ck_assert_int_eq(kill(worker, SIGKILL), 0);
		expect_service();
		rig_assert_requests(n);
	}
}
END_TEST

#define DEATHS 50

START_TEST(deaths_leak_no_descriptor)
{
	pid_t worker = 0;
	int before = 0;

	rig_start(NULL);
	for (int n = 0; n <= DEATHS; n++) {
		worker = only_worker(worker);
		expect_service();
		if (n == 2)
			before = proc_count_fds(rig.proxy.pid);
		if (n < DEATHS)
			ck_assert_int_eq(kill(worker, SIGKILL), 0);
	}
	ck_assert_int_gt(before, 0);
	wait_for(proc_count_fds(rig.proxy.pid) <= before);
}
END_TEST

START_TEST(connections_leak_no_descriptor)
{
	pid_t worker;
	int supervisor, own;

	rig_start("--set", "upstream.max_idle=0", NULL);
	expect_service();
	worker = only_worker(0);
	wait_for(origin_log_count(rig.log, "closed", NULL) == 1);
	supervisor = proc_count_fds(rig.proxy.pid);
	own = proc_count_fds(worker);
	for (int i = 0; i < 200; i++)
		expect_service();
	wait_for(proc_count_fds(rig.proxy.pid) <= supervisor);
	wait_for(proc_count_fds(worker) <= own);
}
END_TEST

START_TEST(kept_connection_outlives_its_worker)
{
	struct client c;
	pid_t worker;

	rig_start(NULL);
	ask(&c, "POST", "echo", "", CALL, 200);
	worker = only_worker(0);
	ck_assert_int_eq(kill(worker, SIGKILL), 0);
	ask_send(&c, "POST", "echo", "", CALL);
	ask_answer(&c, 200);
	assert_body(&c, CALL);
	rig_assert_requests(2);
	client_close(&c);
}
END_TEST

START_TEST(stream_outlives_its_worker)
{
	struct client_event event;
	struct client c;
	pid_t worker;

	rig_start(NULL);
	ask_stream(&c, "POST",
	    STREAM "event id=1 data=first; await go; event id=2 data=second",
	    _i == 0 ? "" : MODERN, 200);
	ask_event(&c, &event);
	event_fini(&event);
	worker = only_worker(0);
	ck_assert_int_eq(kill(worker, SIGKILL), 0);
	(void)only_worker(worker);
	rig_open_gate("go");
	ask_event(&c, &event);
	ck_assert_str_eq(event.data.data, "second");
	event_fini(&event);
	(void)client_read_rest(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	rig_assert_requests(1);
	client_close(&c);
}
END_TEST

/*
 * The end came before the reset, so all is there (a server that forgets what
 * it has closed answers a late confirmation so).
 */
START_TEST(end_before_a_reset_is_an_end)
{
	struct client_event event;
	struct client c;
	pid_t worker;

	rig_start(NULL);
	ask_stream(&c, "POST",
	    "head 200 text/event-stream close; event data=first; await go; "
	    "event data=second; finish; mark finished; reset",
	    MODERN, 200);
	ask_event(&c, &event);
	event_fini(&event);
	worker = only_worker(0);
	ck_assert_int_eq(kill(worker, SIGSTOP), 0);
	rig_open_gate("go");
	wait_for(origin_log_count(rig.log, "mark", "finished") == 1);
	ck_assert_int_eq(kill(worker, SIGKILL), 0);
	ask_event(&c, &event);
	ck_assert_str_eq(event.data.data, "second");
	event_fini(&event);
	(void)client_read_rest(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	client_close(&c);
}
END_TEST

static void
stop_supervisor(void)
{
	int status;

	process_signal(&rig.proxy, SIGSTOP);
	ck_assert_int_eq(
	    waitpid(rig.proxy.pid, &status, WUNTRACED), rig.proxy.pid);
	ck_assert(WIFSTOPPED(status));
}

/*
 * A worker dies, and the supervisor has not yet read what it said last.  It
 * may learn of the one or of the other first: hence some tries.
 */
START_TEST(what_was_parked_last_is_adopted)
{
	struct client c;
	pid_t worker;

	rig_start("--set", "upstream.max_idle=0", NULL);
	ask(&c, "POST", "echo", "", CALL, 200);
	worker = only_worker(0);
	stop_supervisor();
	ask_send(&c, "POST", "body; await go; echo", "", CALL);
	wait_for(origin_log_count(rig.log, "request", NULL) == 2);
	ck_assert_int_eq(kill(worker, SIGKILL), 0);
	wait_for(!proc_runs(worker));
	process_signal(&rig.proxy, SIGCONT);
	(void)only_worker(worker);
	rig_open_gate("go");
	ask_answer(&c, 200);
	assert_body(&c, CALL);
	rig_assert_requests(2);
	client_close(&c);
}
END_TEST

#if defined(SC_DEVELOPER) && !defined(SC_SANITIZED)
/* Bytes that kill each worker that reads them end their stream, not the rest.
 */
START_TEST(poison_ends_its_stream_alone)
{
	struct client_event event;
	struct client c, other;

	ck_assert_int_eq(setenv("SHADOWCAT_POISON", "arsenic", 1), 0);
	rig_start(NULL);
	ask_stream(&other, "POST",
	    STREAM "event id=1 data=first; await go; event id=2 data=second",
	    "", 200);
	ask_event(&other, &event);
	event_fini(&event);
	ask_stream(&c, "POST",
	    STREAM
	    "event id=1 data=good; await it; event id=2 data=\"ars\\x65nic\"; "
	    "never",
	    "", 200);
	ask_event(&c, &event);
	ck_assert_str_eq(event.data.data, "good");
	event_fini(&event);
	rig_open_gate("it");
	ask_event(&c, &event);
	assert_rpc_error_event(&event, "1");
	event_fini(&event);
	(void)client_read_rest(&c, SOON);
	client_close(&c);
	ck_assert_uint_eq(file_count(rig.proxy.err, "killed by SIGSEGV"), 2);
	rig_open_gate("go");
	ask_event(&other, &event);
	ck_assert_str_eq(event.data.data, "second");
	event_fini(&event);
	(void)client_read_rest(&other, SOON);
	assert_end(&other, CLIENT_COMPLETE);
	client_close(&other);
}
END_TEST
#endif

/* --- the end ------------------------------------------------------------- */

/* Stopped as told: exit code 0, and nothing is left behind. */
static void
expect_gone(const pid_t *workers, unsigned count)
{
	ck_assert_int_eq(process_wait(&rig.proxy, SOON), 0);
	ck_assert_int_eq(access(rig.pidfile, F_OK), -1);
	ck_assert_int_eq(access(rig.control, F_OK), -1);
	for (unsigned i = 0; i < count; i++)
		ck_assert(!proc_runs(workers[i]));
	rig_forget_proxy();
}

static const int stop_signals[] = { SIGTERM, SIGINT, SIGQUIT };

START_TEST(stop_signal_ends_the_daemon)
{
	pid_t workers[WORKERS_MAX];
	struct bytes pid;
	char wanted[16];

	rig_start("--workers", "2", NULL);
	wait_for(rig_workers(workers, WORKERS_MAX) == 2);
	file_read(rig.pidfile, &pid);
	snprintf(wanted, sizeof(wanted), "%d\n", rig.proxy.pid);
	ck_assert_str_eq(pid.data, wanted);
	bytes_fini(&pid);
	ck_assert_int_eq(access(rig.control, F_OK), 0);
	process_signal(&rig.proxy, stop_signals[_i]);
	expect_gone(workers, 2);
}
END_TEST

START_TEST(idle_connection_delays_no_stop)
{
	struct client c, silent;
	pid_t workers[WORKERS_MAX];

	rig_start("--set", "drain.timeout=1h", NULL);
	ask(&c, "POST", "echo", "", CALL, 200);
	ask_open(&silent);
	ck_assert_uint_eq(rig_workers(workers, WORKERS_MAX), 1);
	process_signal(&rig.proxy, SIGTERM);
	ck_assert_int_ne(client_wait_closed(&c, SOON), -ETIMEDOUT);
	expect_gone(workers, 1);
	client_close(&c);
	client_close(&silent);
}
END_TEST

START_TEST(draining_waits_for_requests)
{
	struct client c;
	pid_t workers[WORKERS_MAX];

	rig_start("--set", "drain.timeout=1h", NULL);
	ask_open(&c);
	ask_send(
	    &c, "POST", "body; await go; answer 200 text/plain done", "", CALL);
	wait_for(origin_log_requests(rig.log) == 1);
	ck_assert_uint_eq(rig_workers(workers, WORKERS_MAX), 1);
	process_signal(&rig.proxy, SIGTERM);
	ck_assert_int_eq(
	    process_wait(&rig.proxy, rig_ms(300)), PROCESS_STILL_RUNNING);
	rig_open_gate("go");
	ask_answer(&c, 200);
	assert_body(&c, "done");
	expect_gone(workers, 1);
	client_close(&c);
}
END_TEST

/* 0: TERM twice, 1: QUIT. */
START_TEST(stop_at_once_waits_for_nothing)
{
	struct client c;
	pid_t workers[WORKERS_MAX];

	rig_start("--set", "drain.timeout=1h", NULL);
	ask_open(&c);
	ask_send(&c, "POST", "body; never", "", CALL);
	wait_for(origin_log_requests(rig.log) == 1);
	ck_assert_uint_eq(rig_workers(workers, WORKERS_MAX), 1);
	process_signal(&rig.proxy, _i == 0 ? SIGTERM : SIGQUIT);
	if (_i == 0) {
		ck_assert_int_eq(process_wait(&rig.proxy, rig_ms(300)),
		    PROCESS_STILL_RUNNING);
		process_signal(&rig.proxy, SIGTERM);
	}
	expect_gone(workers, 1);
	client_close(&c);
}
END_TEST

START_TEST(workers_leave_when_the_supervisor_is_gone)
{
	pid_t workers[WORKERS_MAX];

	rig_start("--workers", "2", NULL);
	wait_for(rig_workers(workers, WORKERS_MAX) == 2);
	expect_service();
	process_signal(&rig.proxy, SIGKILL);
	ck_assert_int_eq(process_wait(&rig.proxy, SOON), 128 + SIGKILL);
	wait_for(!proc_runs(workers[0]) && !proc_runs(workers[1]));
	rig_forget_proxy();
}
END_TEST

/* The dead supervisor's leftovers are in nobody's way. */
START_TEST(new_supervisor_takes_the_place_of_a_dead_one)
{
	snprintf(rig.bind, sizeof(rig.bind), "127.0.0.1:%u", rig_closed_port());
	rig_start(NULL);
	expect_service();
	process_signal(&rig.proxy, SIGKILL);
	ck_assert_int_eq(process_wait(&rig.proxy, SOON), 128 + SIGKILL);
	ck_assert_int_eq(unlink(rig.proxy.err), 0);
	rig_start_proxy(NULL);
	expect_service();
}
END_TEST

START_TEST(second_daemon_on_the_same_place_is_refused)
{
	struct process second;
	char address[32], url[64], other[320];
	const char *bind = address, *control = other, *pidfile = other;

	rig_start(NULL);
	snprintf(address, sizeof(address), "127.0.0.1:%u", rig.proxy_port);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", rig.origin_port);
	snprintf(other, sizeof(other), "%s/other", rig.dir);
	if (_i > 0)
		bind = "127.0.0.1:0";
	if (_i == 1)
		control = rig.control;
	if (_i == 2)
		pidfile = rig.pidfile;
	rig_run(&second, "second", "reverse", "--bind", bind, "--upstream", url,
	    "--control", control, "--set", "workers=1",
	    _i == 2 ? "--pidfile" : NULL, pidfile, NULL);
	ck_assert_int_eq(process_wait(&second, SOON), 1);
	ck_assert_uint_eq(file_count(second.err, "\n"), 1);
	expect_service();
	ck_assert_int_eq(access(rig.control, F_OK), 0);
	ck_assert_int_eq(access(rig.pidfile, F_OK), 0);
}
END_TEST

/* --- who holds what ------------------------------------------------------ */

#define FDS_MAX 256

/* The socket inodes a process holds ("socket:[N]"), as text. */
static unsigned
sockets_of(pid_t pid, char targets[][64])
{
	unsigned count = 0;

	for (int fd = 0; fd < FDS_MAX; fd++)
		if (proc_fd_target(pid, fd, targets[count], 64) &&
		    strncmp(targets[count], "socket:", 7) == 0)
			count++;
	return count;
}

static bool
share_a_socket(pid_t one, pid_t two)
{
	static char of_one[FDS_MAX][64], of_two[FDS_MAX][64];
	unsigned n = sockets_of(one, of_one), m = sockets_of(two, of_two);

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < m; j++)
			if (strcmp(of_one[i], of_two[j]) == 0)
				return true;
	return false;
}

/*
 * After their birth workers share no socket with each other (their channels
 * would never end) nor with the supervisor (they would listen on, and hold
 * the control socket): the two ends of a channel are two sockets.
 */
START_TEST(idle_workers_hold_no_socket_of_others)
{
	pid_t workers[WORKERS_MAX] = { 0 };

	rig_start("--workers", "3", NULL);
	for (int round = 0; round < 2; round++) {
		wait_for(rig_workers(workers, WORKERS_MAX) == 3);
		for (int i = 0; i < 3; i++) {
			wait_for(!share_a_socket(rig.proxy.pid, workers[i]));
			wait_for(
			    !share_a_socket(workers[i], workers[(i + 1) % 3]));
		}
		ck_assert_int_eq(kill(workers[0], SIGKILL), 0);
		wait_for(!proc_runs(workers[0]));
	}
}
END_TEST

/* A worker opens no file: its descriptors are of a few kinds only. */
START_TEST(worker_holds_known_kinds_of_descriptors)
{
	static const char *const kinds[] = {
		"socket:", "anon_inode:", "/memfd:", "pipe:"
	};
	char target[512];
	pid_t worker;

	rig_start(NULL);
	expect_service();
	worker = only_worker(0);
	for (int fd = 3; fd < FDS_MAX; fd++) {
		bool known = false;

		if (!proc_fd_target(worker, fd, target, sizeof(target)))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
			known |=
			    strncmp(target, kinds[i], strlen(kinds[i])) == 0;
		ck_assert_msg(known, "descriptor %d is %s", fd, target);
	}
}
END_TEST

/* The end of a connection reaches the client though the vault has it, too. */
START_TEST(closed_connections_leave_the_vault)
{
	struct client c;
	int before;

	rig_start(NULL);
	expect_service();
	wait_for((before = proc_count_fds(rig.proxy.pid)) > 0);
	for (int i = 0; i < 20; i++) {
		ask(&c, "POST", "echo", "Connection: close\r\n", CALL, 200);
		ck_assert_int_eq(client_wait_closed(&c, SOON), 0);
		client_close(&c);
	}
	wait_for(proc_count_fds(rig.proxy.pid) <= before);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "deaths");

	tcase_add_loop_test(tc, there_are_as_many_workers_as_asked_for, 0,
	    ARRAY_LEN(worker_counts));
	tcase_add_loop_test(
	    tc, dead_worker_gets_a_successor, 0, ARRAY_LEN(deadly_signals));
	tcase_add_test(tc, no_request_is_refused_at_a_death);
	tcase_add_test(tc, deaths_leak_no_descriptor);
	tcase_add_test(tc, connections_leak_no_descriptor);
	tcase_add_test(tc, kept_connection_outlives_its_worker);
	tcase_add_loop_test(tc, stream_outlives_its_worker, 0, 2);
	tcase_add_test(tc, end_before_a_reset_is_an_end);
	tcase_add_loop_test(tc, what_was_parked_last_is_adopted, 0, 5);
#if defined(SC_DEVELOPER) && !defined(SC_SANITIZED)
	tcase_add_test(tc, poison_ends_its_stream_alone);
#endif
	tc = harness_case(suite, "end");
	tcase_add_loop_test(
	    tc, stop_signal_ends_the_daemon, 0, ARRAY_LEN(stop_signals));
	tcase_add_test(tc, idle_connection_delays_no_stop);
	tcase_add_test(tc, draining_waits_for_requests);
	tcase_add_loop_test(tc, stop_at_once_waits_for_nothing, 0, 2);
	tcase_add_test(tc, workers_leave_when_the_supervisor_is_gone);
	tcase_add_test(tc, new_supervisor_takes_the_place_of_a_dead_one);
	tcase_add_loop_test(
	    tc, second_daemon_on_the_same_place_is_refused, 0, 3);
	tc = harness_case(suite, "descriptors");
	tcase_add_test(tc, idle_workers_hold_no_socket_of_others);
	tcase_add_test(tc, worker_holds_known_kinds_of_descriptors);
	tcase_add_test(tc, closed_connections_leave_the_vault);
}

int
main(void)
{
	return harness_main("process", add_cases);
}
