/*
 * test_upgrade.c - another binary for a daemon at work: nobody notices.
 *
 * The daemon runs from a copy of the binary in the test's directory, which is
 * replaced as a package manager would: by a rename.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/ask.h"
#include "tests/integration/ctl_run.h"
#include "tests/integration/load.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define WORKERS_MAX 64
#define DONE "upgrade: done"
#define GOES_ON "this binary goes on"

static char installed[400]; /* where the daemon's binary is */
static char built[4096];    /* where it was copied from */

/* --- installing ------------------------------------------------------------
 */

static void
write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

/* Put a file with these bytes in the binary's place. */
static void
install_bytes(const void *bytes, size_t len)
{
	char fresh[420];

	snprintf(fresh, sizeof(fresh), "%s.new", installed);
	write_file(fresh, bytes, len);
	ck_assert_int_eq(rename(fresh, installed), 0);
}

static void
install_good(void)
{
	struct bytes all;

	file_read(built, &all);
	ck_assert_uint_gt(all.len, 1000);
	install_bytes(all.data, all.len);
	bytes_fini(&all);
}

/* A shell script, in which BUILT stands for the good binary. */
static void
install_script(const char *text)
{
	struct bytes script = { 0 };

	bytes_addf(&script, "#!/bin/sh\nBUILT='%s'\n%s\n", built, text);
	install_bytes(script.data, script.len);
	bytes_fini(&script);
}

static void
find_built(void)
{
	const char *given = getenv("SHADOWCAT");
	char *slash;
	ssize_t n;

	if (given != NULL) {
		snprintf(built, sizeof(built), "%s", given);
		return;
	}
	n = readlink("/proc/self/exe", built, sizeof(built) - 40);
	ck_assert_int_gt(n, 0);
	built[n] = '\0';
	for (int up = 0; up < 3; up++) {
		slash = strrchr(built, '/');
		ck_assert_ptr_nonnull(slash);
		*slash = '\0';
	}
	strcat(built, "/shadowcat");
}

static void
install(void)
{
	find_built();
	snprintf(installed, sizeof(installed), "%s/shadowcat", rig.dir);
	install_good();
}

static void
start(const char *set)
{
	install();
	ck_assert_int_eq(setenv("SHADOWCAT", installed, 1), 0);
	rig_start("--set", set, NULL);
}

/* --- upgrading -------------------------------------------------------------
 */

static bool
are_all_new(const pid_t *before, unsigned count)
{
	pid_t now[WORKERS_MAX];
	unsigned n = rig_workers(now, WORKERS_MAX);

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < count; k++) {
			if (now[i] == before[k])
				return false;
		}
	}
	return n == count;
}

/* USR2, and wait until every worker has followed. */
static void
upgrade(void)
{
	unsigned times = file_count(rig.proxy.err, DONE);
	pid_t before[WORKERS_MAX];
	unsigned count = rig_workers(before, WORKERS_MAX);

	process_signal(&rig.proxy, SIGUSR2);
	wait_for(file_count(rig.proxy.err, DONE) == times + 1);
	wait_for(are_all_new(before, count));
	ck_assert(proc_runs(rig.proxy.pid));
}

/* USR2, and wait until it is refused for this reason. */
static void
expect_refusal(const char *why)
{
	unsigned times = file_count(rig.proxy.err, GOES_ON);

	process_signal(&rig.proxy, SIGUSR2);
	wait_for(file_count(rig.proxy.err, GOES_ON) == times + 1);
	ck_assert_msg(file_has(rig.proxy.err, why), "no \"%s\"", why);
	ck_assert(!file_has(rig.proxy.err, DONE));
}

static void
expect_service(void)
{
	struct client c;

	ask(&c, "POST", "echo", "", CALL, 200);
	assert_body(&c, CALL);
	client_close(&c);
}

/* --- under load --------------------------------------------------------------
 */

static const char *const worker_counts[] = { "workers=1", "workers=3" };

START_TEST(nobody_notices_an_upgrade)
{
	start(worker_counts[_i]);
	load_start(12, 4);
	for (int i = 0; i < 8; i++) {
		install_good();
		upgrade();
		load_wait(3);
	}
	load_stop();
	expect_service();
}
END_TEST

/* A worker dies about the moment of the upgrade: its end may go unheard. */
START_TEST(worker_may_die_meanwhile)
{
	pid_t workers[WORKERS_MAX];

	start("workers=2");
	load_start(12, 4);
	for (int i = 0; i < 20; i++) {
		unsigned times = file_count(rig.proxy.err, DONE);

		wait_for(rig_workers(workers, WORKERS_MAX) >= 1);
		process_signal(&rig.proxy, SIGUSR2);
		usleep((useconds_t)(i * 300));
		(void)kill(workers[0], SIGKILL);
		wait_for(file_count(rig.proxy.err, DONE) == times + 1);
		load_wait(1);
	}
	load_stop();
}
END_TEST

START_TEST(any_signals_at_any_time)
{
	static const int signals[] = { SIGUSR2, SIGHUP, SIGUSR2, SIGUSR1,
		SIGUSR2, SIGCHLD };

	start("workers=2");
	load_start(8, 4);
	for (unsigned i = 0; i < 200; i++) {
		process_signal(&rig.proxy, signals[i % ARRAY_LEN(signals)]);
		usleep(i * 137 % 5000);
	}
	load_wait(3);
	load_stop();
	expect_service();
}
END_TEST

START_TEST(upgrades_leak_nothing)
{
	int before;

	start("workers=2");
	expect_service();
	upgrade();
	before = proc_count_fds(rig.proxy.pid);
	for (int i = 0; i < 10; i++)
		upgrade();
	wait_for(proc_count_fds(rig.proxy.pid) <= before);
	expect_service();
}
END_TEST

/* The listening sockets, the pid file, the control socket: all as before. */
START_TEST(daemon_is_the_same_afterwards)
{
	struct bytes pid;
	char want[20];

	start("workers=1");
	upgrade();
	upgrade();
	expect_service();
	file_read(rig.pidfile, &pid);
	snprintf(want, sizeof(want), "%d\n", rig.proxy.pid);
	ck_assert_str_eq(pid.data, want);
	bytes_fini(&pid);
	ck_assert_int_eq(access(rig.control, F_OK), 0);
	rig_stop_proxy();
	ck_assert_int_ne(access(rig.pidfile, F_OK), 0);
	ck_assert_int_ne(access(rig.control, F_OK), 0);
}
END_TEST

/* --- what is refused
 * ---------------------------------------------------------- */

static const struct {
	const char *script; /* NULL: no program at all */
	const char *why;
} bad_binaries[] = {
	{ NULL, "Exec format error" },
	{ "exit 3", "exited with code 3" },
	/* Another program, which is content with everything. */
	{ "exit 0", "not a shadowcat" },
	{ "echo hello", "not a shadowcat" },
	{ "kill -SEGV $$", "killed by SIGSEGV" },
	{ "echo 'libmissing.so: cannot open' >&2; exit 127",
	    "libmissing.so: cannot open" },
	{ "shift 2; exec \"$BUILT\" upgrade-check 0.0.0 \"$@\"",
	    "another layout version (" },
	/* One that does not know what it is asked. */
	{ "shift; exec \"$BUILT\" no-such-mode", "unknown mode" },
};

/* In the background / is its directory, and not the one it was started in. */
START_TEST(daemon_remembers_where_it_was_started)
{
	char url[64], log[320], pid_text[16];
	struct bytes text;
	struct process p;
	pid_t pid;

	install();
	ck_assert_int_eq(chdir(rig.dir), 0);
	ck_assert_int_eq(setenv("SHADOWCAT", "./shadowcat", 1), 0);
	rig_start_origin(NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/mcp", rig.origin_port);
	snprintf(log, sizeof(log), "log.target=%s/log", rig.dir);
	rig_run(&p, "daemon", "reverse", "--bind", "127.0.0.1:0", "--upstream",
	    url, "--control", rig.control, "--pidfile", rig.pidfile, "--daemon",
	    "--set", log, NULL);
	ck_assert_int_eq(process_wait(&p, SOON), 0);
	file_read(rig.pidfile, &text);
	pid = (pid_t)atoi(text.data);
	bytes_fini(&text);
	install_good();
	ck_assert_int_eq(kill(pid, SIGUSR2), 0);
	wait_for(file_has(log + strlen("log.target="), DONE));
	file_read(rig.pidfile, &text);
	snprintf(pid_text, sizeof(pid_text), "%d\n", (int)pid);
	ck_assert_str_eq(text.data, pid_text);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	wait_for(!proc_runs(pid));
	bytes_fini(&text);
}
END_TEST

START_TEST(bad_binary_changes_nothing)
{
	pid_t before[WORKERS_MAX], after[WORKERS_MAX];

	start("workers=2");
	load_start(6, 2);
	wait_for(rig_workers(before, WORKERS_MAX) == 2);
	if (bad_binaries[_i].script == NULL)
		install_bytes("\0\0\0\0", 4);
	else
		install_script(bad_binaries[_i].script);
	expect_refusal(bad_binaries[_i].why);
	wait_for(rig_workers(after, WORKERS_MAX) == 2);
	ck_assert_mem_eq(before, after, 2 * sizeof(before[0]));
	load_wait(3);
	install_good();
	upgrade();
	load_wait(3);
	load_stop();
}
END_TEST

START_TEST(binary_that_is_gone_changes_nothing)
{
	start("workers=1");
	ck_assert_int_eq(unlink(installed), 0);
	expect_refusal("No such file or directory");
	expect_service();
	install_good();
	upgrade();
	expect_service();
}
END_TEST

#ifdef SC_DEVELOPER
/* It passes the trial, and fails when it is too late: the old one is back. */
START_TEST(failed_take_over_is_undone)
{
	pid_t before[WORKERS_MAX], after[WORKERS_MAX];

	ck_assert_int_eq(setenv("SHADOWCAT_FAIL_TAKE_OVER", "1", 1), 0);
	start("workers=2");
	load_start(8, 4);
	wait_for(rig_workers(before, WORKERS_MAX) == 2);
	install_good();
	for (unsigned i = 1; i <= 5; i++) {
		process_signal(&rig.proxy, SIGUSR2);
		wait_for(
		    file_count(rig.proxy.err, "the old binary is back") == i);
		load_wait(3);
	}
	wait_for(rig_workers(after, WORKERS_MAX) == 2);
	ck_assert_mem_eq(before, after, 2 * sizeof(before[0]));
	load_stop();
	expect_service();
}
END_TEST
#endif

/* --- another layout ----------------------------------------------------------
 */

#ifdef SC_DEVELOPER
#define OTHER_LAYOUT "SHADOWCAT_LAYOUT_VERSION=99 exec \"$BUILT\" \"$@\""
#define STREAM "head 200 text/event-stream chunked; "

/* A stream of a daemon whose binary has been replaced by one of another layout.
 */
static void
start_with_stream(struct client *c, const char *set)
{
	struct client_event event;

	start(set);
	ask_stream(c, "POST",
	    STREAM "event id=1 data=first; await go; event id=2 data=second",
	    "", 200);
	ask_event(c, &event);
	event_fini(&event);
	install_script(OTHER_LAYOUT);
}

static void
expect_rest(struct client *c)
{
	struct client_event event;

	rig_open_gate("go");
	ask_event(c, &event);
	ck_assert_str_eq(event.data.data, "second");
	event_fini(&event);
	(void)client_read_rest(c, SOON);
	assert_end(c, CLIENT_COMPLETE);
	client_close(c);
}

static json_int_t
leaving(void)
{
	json_t *status = ctl_json("status");
	json_int_t n = json_integer_value(json_object_get(status, "leaving"));

	json_decref(status);
	return n;
}

START_TEST(other_layout_needs_force)
{
	pid_t before, after;
	struct client c;

	start_with_stream(&c, "workers=1");
	ck_assert_uint_eq(rig_workers(&before, 1), 1);
	ctl_says("upgrade", 1, "shadowcatctl upgrade --force");
	expect_refusal("another layout version (");
	ck_assert_uint_eq(rig_workers(&after, 1), 1);
	ck_assert_int_eq(before, after);
	expect_rest(&c);
}
END_TEST

START_TEST(forced_upgrade_leaves_streams_to_old_workers)
{
	pid_t before, now[WORKERS_MAX];
	struct client c;

	start_with_stream(&c, "workers=1");
	ck_assert_uint_eq(rig_workers(&before, 1), 1);
	ctl_says(
	    "upgrade --force", 0, "old workers that finish what they have: 1");
	ck_assert(proc_runs(rig.proxy.pid));
	ck_assert_uint_eq(rig_workers(now, WORKERS_MAX), 2);
	ck_assert_int_eq(leaving(), 1);
	wait_for(
	    file_has(rig.proxy.err, "another image serves now: finishing"));
	/* Which is where the new request goes: the old one takes none. */
	expect_service();
	expect_rest(&c);
	wait_for(!proc_runs(before));
	wait_for(leaving() == 0);
	expect_service();
	rig_assert_requests(3);
	/* And back again. */
	install_good();
	ctl_says("upgrade --force", 0, "now shadowcat");
	expect_service();
	/* An upgrade that needs no force does without. */
	ctl_says("upgrade --force", 0, "the new configuration is in force");
}
END_TEST

/* Each request that comes meanwhile is answered. */
START_TEST(forced_upgrade_refuses_nobody)
{
	struct process p;
	struct client c;
	unsigned n = 0;

	start_with_stream(&c, "workers=2");
	for (int i = 0; i < 5; i++) {
		install_script(
		    i % 2 == 0 ? OTHER_LAYOUT : "exec \"$BUILT\" \"$@\"");
		ctl_start(&p, i % 2 == 0 ? "there" : "back", "upgrade --force");
		do {
			expect_service();
			n++;
		} while (process_wait(&p, 0) == PROCESS_STILL_RUNNING);
		ctl_await(&p, "upgrade --force", 0);
	}
	expect_rest(&c);
	rig_assert_requests(1 + n);
	wait_for(leaving() == 0);
}
END_TEST

/* It passes the trial, and fails when it is too late: the old one is back. */
START_TEST(failed_force_is_undone)
{
	pid_t before, after;
	struct client c;

	ck_assert_int_eq(setenv("SHADOWCAT_FAIL_TAKE_OVER", "1", 1), 0);
	start_with_stream(&c, "workers=1");
	ck_assert_uint_eq(rig_workers(&before, 1), 1);
	ctl_says("upgrade --force", 1, "can't take over by force");
	ck_assert(file_has(rig.proxy.err, "the old binary is back"));
	/* It was told to be alone: another has taken its place. */
	wait_for(rig_workers(&after, 1) == 1 && after != before);
	expect_service();
	expect_rest(&c);
	ck_assert_int_eq(leaving(), 0);
}
END_TEST

START_TEST(forced_upgrades_leak_nothing)
{
	int before;

	start("workers=1");
	install_script(OTHER_LAYOUT);
	ctl_says("upgrade --force", 0, "now shadowcat");
	expect_service();
	wait_for(leaving() == 0);
	before = proc_count_fds(rig.proxy.pid);
	for (int i = 0; i < 4; i++) {
		install_script(
		    i % 2 == 0 ? "exec \"$BUILT\" \"$@\"" : OTHER_LAYOUT);
		ctl_says("upgrade --force", 0, "now shadowcat");
		expect_service();
	}
	wait_for(leaving() == 0);
	wait_for(proc_count_fds(rig.proxy.pid) <= before);
}
END_TEST

START_TEST(old_workers_leave_when_their_time_is_up)
{
	pid_t before;
	struct client c;

	start_with_stream(&c, "worker.orphan_timeout=1s");
	ck_assert_uint_eq(rig_workers(&before, 1), 1);
	ctl_says("upgrade --force", 0, "now shadowcat");
	wait_for(!proc_runs(before));
	(void)client_read_rest(&c, SOON);
	client_close(&c);
	expect_service();
}
END_TEST

/* 0: in peace, which waits for them; 1: at once. */
START_TEST(stop_waits_for_old_workers)
{
	pid_t before;
	struct client c;

	start_with_stream(&c, "workers=1");
	ck_assert_uint_eq(rig_workers(&before, 1), 1);
	ctl_says("upgrade --force", 0, "now shadowcat");
	process_signal(&rig.proxy, _i == 0 ? SIGTERM : SIGQUIT);
	if (_i == 0) {
		ck_assert_int_eq(process_wait(&rig.proxy, rig_ms(300)),
		    PROCESS_STILL_RUNNING);
		expect_rest(&c);
	}
	ck_assert_int_eq(process_wait(&rig.proxy, SOON), 0);
	ck_assert(!proc_runs(before));
	if (_i == 1)
		client_close(&c);
	rig_forget_proxy();
}
END_TEST
#endif

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "load");

	tcase_add_loop_test(
	    tc, nobody_notices_an_upgrade, 0, ARRAY_LEN(worker_counts));
	tcase_add_test(tc, worker_may_die_meanwhile);
	tcase_add_test(tc, any_signals_at_any_time);
	tc = harness_case(suite, "same");
	tcase_add_test(tc, upgrades_leak_nothing);
	tcase_add_test(tc, daemon_is_the_same_afterwards);
	tcase_add_test(tc, daemon_remembers_where_it_was_started);
	tc = harness_case(suite, "refused");
	tcase_add_loop_test(
	    tc, bad_binary_changes_nothing, 0, ARRAY_LEN(bad_binaries));
	tcase_add_test(tc, binary_that_is_gone_changes_nothing);
#ifdef SC_DEVELOPER
	tcase_add_test(tc, failed_take_over_is_undone);
	tc = harness_case(suite, "forced");
	tcase_add_test(tc, other_layout_needs_force);
	tcase_add_test(tc, forced_upgrade_leaves_streams_to_old_workers);
	tcase_add_test(tc, forced_upgrade_refuses_nobody);
	tcase_add_test(tc, failed_force_is_undone);
	tcase_add_test(tc, forced_upgrades_leak_nothing);
	tcase_add_test(tc, old_workers_leave_when_their_time_is_up);
	tcase_add_loop_test(tc, stop_waits_for_old_workers, 0, 2);
#endif
}

int
main(void)
{
	return harness_main("upgrade", add_cases);
}
