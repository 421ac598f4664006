/*
 * test_confine.c - what a worker may not do, as the kernel tells it: another
 * user, no privileges, another root, forbidden system calls; and that all goes
 * on so through deaths, reloads and upgrades.
 */
#include "config.h"

#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/ask.h"
#include "tests/integration/ctl_run.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define OK "answer 200 application/json \"{}\""

static bool
is_root(void)
{
	return geteuid() == 0;
}

/* A line of /proc/PID/status as hexadecimal bits. */
static unsigned long long
status_bits(pid_t pid, const char *name)
{
	char path[64];
	struct bytes all;
	unsigned long long bits = ULLONG_MAX;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file_read(path, &all);
	at = strstr(all.data, name);
	if (at != NULL)
		bits = strtoull(at + strlen(name), NULL, 16);
	bytes_fini(&all);
	return bits;
}

static pid_t
only_worker(void)
{
	pid_t pid;

	wait_for(rig_workers(&pid, 1) == 1);
	return pid;
}

static void
expect_service(void)
{
	struct client c;

	ask(&c, "POST", OK, "", CALL, 200);
	client_close(&c);
}

START_TEST(a_worker_has_no_privileges)
{
	pid_t pid;

	rig_start(NULL);
	expect_service();
	pid = only_worker();
	ck_assert_int_eq(proc_status_number(pid, "NoNewPrivs"), 1);
	if (!is_root())
		return;
	ck_assert_uint_eq(status_bits(pid, "CapEff:"), 0);
	ck_assert_uint_eq(status_bits(pid, "CapPrm:"), 0);
	ck_assert_uint_eq(status_bits(pid, "CapInh:"), 0);
	ck_assert_uint_eq(status_bits(pid, "CapAmb:"), 0);
	ck_assert_int_ne(proc_status_number(pid, "Uid"), 0);
	ck_assert_int_ne(proc_status_number(pid, "Gid"), 0);
	/* One group: its own. */
	ck_assert_int_eq(
	    proc_status_number(pid, "Groups"), proc_status_number(pid, "Gid"));
}
END_TEST

#ifdef SC_SANITIZED
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

#if defined(SC_SANITIZED) || !(defined(__x86_64__) || defined(__aarch64__))
#define SECCOMP_MODE 0
#else
#define SECCOMP_MODE 2
#endif

START_TEST(system_calls_are_forbidden_unless_told_otherwise)
{
	static const char *const told[] = { "worker.seccomp=true",
		"worker.seccomp=false" };

	rig_start("--set", told[_i], NULL);
	expect_service();
	if (getenv("WRAP") == NULL)
		ck_assert_int_eq(proc_status_number(only_worker(), "Seccomp"),
		    _i == 0 ? SECCOMP_MODE : 0);
}
END_TEST

/* A name instead of an address: what c-ares does is allowed. */
START_TEST(names_are_resolved_in_confinement)
{
	char url[64];
	struct process *p = &rig.proxy;

	rig_start_origin(NULL);
	snprintf(url, sizeof(url), "http://localhost:%u/mcp", rig.origin_port);
	rig_run(p, "shadowcat", "reverse", "--bind", "127.0.0.1:0",
	    "--upstream", url, "--control", rig.control, "--pidfile",
	    rig.pidfile, NULL);
	wait_for((rig.proxy_port = rig_port_in(p->err)) != 0);
	expect_service();
}
END_TEST

static bool
has_root(pid_t pid, const char *wanted)
{
	char path[64], root[PATH_MAX], real[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	n = readlink(path, root, sizeof(root) - 1);
	if (n < 0 || realpath(wanted, real) == NULL)
		return false;
	root[n] = '\0';
	return strcmp(root, real) == 0;
}

/* A directory with nothing in it; a stream through all that can happen. */
START_TEST(workers_live_in_an_empty_directory)
{
	char root[300], set[320];
	struct client c;
	pid_t before;

	/* A sanitizer looks for leaks by way of /proc. */
	if (!is_root() || IS_SANITIZED)
		return;
	snprintf(root, sizeof(root), "%s/empty", rig.dir);
	ck_assert_int_eq(mkdir(root, 0755), 0);
	snprintf(set, sizeof(set), "worker.chroot=%s", root);
	rig_start("--set", set, NULL);
	ask_stream(&c, "POST",
	    "body; head 200 text/event-stream chunked; event data=one; "
	    "await more; event data=two; end",
	    MODERN, 200);
	before = only_worker();
	wait_for(has_root(before, root));
	/* A death, a reload, an upgrade; and a log that is opened again. */
	ck_assert_int_eq(kill(before, SIGKILL), 0);
	wait_for(only_worker() != before);
	ctl_says("reload", 0, "");
	ctl_says("upgrade", 0, "");
	process_signal(&rig.proxy, SIGUSR1);
	wait_for(has_root(only_worker(), root));
	rig_open_gate("more");
	ck_assert_int_eq(client_read_rest(&c, SOON), CLIENT_COMPLETE);
	ck_assert_ptr_nonnull(strstr(c.body.data, "data: two"));
	client_close(&c);
	expect_service();
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_refused)
{
	struct process p;

	if (!is_root())
		return;
	rig_run(&p, "refused", "reverse", "--bind", "127.0.0.1:0", "--upstream",
	    "http://127.0.0.1:1/mcp", "--control", rig.control, "--set",
	    "worker.chroot=/no/such/directory", NULL);
	ck_assert_int_ne(process_wait(&p, SOON), PROCESS_STILL_RUNNING);
	ck_assert_int_eq(p.code, 2);
	ck_assert(file_has(p.err,
	    "worker.chroot: /no/such/directory: No such file or directory"));
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "confine");

	tcase_add_test(tc, a_worker_has_no_privileges);
	tcase_add_loop_test(
	    tc, system_calls_are_forbidden_unless_told_otherwise, 0, 2);
	tcase_add_test(tc, names_are_resolved_in_confinement);
	tcase_add_test(tc, workers_live_in_an_empty_directory);
	tcase_add_test(tc, a_directory_that_is_not_there_is_refused);
}

int
main(void)
{
	return harness_main("confine", add_cases);
}
