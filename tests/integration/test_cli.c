/*
 * test_cli.c - the command line: what it says, and its exit codes.
 */
#include "config.h"

#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/ask.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define GOOD "reverse --bind 127.0.0.1:0 --upstream http://127.0.0.1:9/mcp "

/* Run shadowcat with the words of text; its exit code. */
static int
run(struct process *p, const char *text)
{
	int code;

	rig_run_words(p, "run", text);
	code = process_wait(p, SOON);
	if (code == PROCESS_STILL_RUNNING)
		process_signal(p, SIGKILL);
	return code;
}

static const struct {
	const char *arguments;
	const char *says;
} answer_rows[] = {
	{ "--help", "usage: shadowcat reverse --bind HOST:PORT" },
	{ "--help", "session.idle_timeout" },
	{ "--version", PACKAGE_VERSION },
};

START_TEST(questions_are_answered_on_stdout)
{
	struct process p;

	ck_assert_int_eq(run(&p, answer_rows[_i].arguments), 0);
	ck_assert(file_has(p.out, answer_rows[_i].says));
	ck_assert_uint_eq(file_count(p.err, "\n"), 0);
}
END_TEST

static const struct {
	const char *arguments;
	const char *says; /* what the line on stderr names */
} bad_rows[] = {
	{ "", "shadowcat" },
	{ "sideways", "sideways" },
	{ "reverse --sideways", "sideways" },
	{ "reverse --bind", "bind" },
	{ "reverse --bind 127.0.0.1:0", "upstream" },
	{ "reverse --upstream http://127.0.0.1:9/", "listen" },
	{ "reverse --bind 127.0.0.1:99999 --upstream http://127.0.0.1:9/",
	    "99999" },
	{ "reverse --bind 127.0.0.1:0 --upstream gopher://127.0.0.1/",
	    "gopher" },
	{ GOOD "--set nonsense=1", "nonsense" },
	{ GOOD "--set session.idle_timeout=soon", "session.idle_timeout" },
	{ GOOD "--set session.idle_timeout", "session.idle_timeout" },
	{ GOOD "--set client.max_header=1KB", "client.max_header" },
	{ GOOD "--workers many", "many" },
	{ GOOD "--workers 100000", "100000" },
	{ "-c /nonexistent/shadowcat.conf", "/nonexistent/shadowcat.conf" },
};

START_TEST(bad_usage_is_one_line_and_code_2)
{
	struct process p;

	ck_assert_int_eq(run(&p, bad_rows[_i].arguments), 2);
	ck_assert_msg(file_has(p.err, bad_rows[_i].says), "nothing about %s",
	    bad_rows[_i].says);
	ck_assert_uint_eq(file_count(p.err, "\n"), 1);
	ck_assert_uint_eq(file_count(p.out, "\n"), 0);
}
END_TEST

/* What this machine does not have; some of it only root would use. */
static const struct {
	const char *set;
	bool for_root;
	const char *says;
} strange_rows[] = {
	{ "control.group=no-such-group", false,
	    "control.group \"no-such-group\": there is no such user or group" },
	{ "control.owner=no-such-user", false,
	    "control.owner \"no-such-user\", control.group \"\": there is no "
	    "such user or group" },
	{ "worker.user=no-such-user", true,
	    "worker.user: there is no user no-such-user" },
	{ "worker.chroot=/nonexistent", true,
	    "worker.chroot: /nonexistent: No such file or directory" },
	{ "worker.chroot=/dev/null", true,
	    "worker.chroot: /dev/null: Not a directory" },
	{ "log.target=/nonexistent/log", false,
	    "log.target: /nonexistent/log: No such file or directory" },
	{ "log.target=/dev/null/log", false,
	    "log.target: /dev/null/log: Not a directory" },
	{ "log.target=/tmp", false, "log.target: /tmp: Is a directory" },
};

/* The check says the same as the start, with the same code. */
START_TEST(what_is_not_there_is_found_by_the_check)
{
	const char *check = _i % 2 == 0 ? "" : "-t";
	char arguments[600];
	struct process p;
	int row = _i / 2;

	if (strange_rows[row].for_root && geteuid() != 0)
		return;
	snprintf(arguments, sizeof(arguments), GOOD "--control %s --set %s %s",
	    rig.control, strange_rows[row].set, check);
	ck_assert_int_eq(run(&p, arguments), 2);
	ck_assert(file_has(p.err, strange_rows[row].says));
	ck_assert_uint_eq(file_count(p.err, "\n"), 1);
	ck_assert_uint_eq(file_count(p.out, "\n"), 0);
}
END_TEST

static const char *const hopeless[] = {
	GOOD "--pidfile /nonexistent/pid",
	GOOD "--control /nonexistent/control.sock",
	"reverse --bind 192.0.2.1:1 --upstream http://127.0.0.1:9/",
};

START_TEST(what_can_not_be_had_is_one_line_and_code_1)
{
	struct process p;
	char arguments[600];

	if (strstr(hopeless[_i], "--control") != NULL)
		snprintf(arguments, sizeof(arguments), "%s", hopeless[_i]);
	else
		snprintf(arguments, sizeof(arguments), "%s --control %s",
		    hopeless[_i], rig.control);
	ck_assert_int_eq(run(&p, arguments), 1);
	ck_assert_uint_eq(file_count(p.err, "\n"), 1);
}
END_TEST

/* --- the file ------------------------------------------------------------ */

static void
write_file(char path[320], const char *text)
{
	FILE *f;

	snprintf(path, 320, "%s/shadowcat.conf", rig.dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

/* The log has a descriptor of its own then, to the same pipe. */
START_TEST(failure_is_one_line_through_a_pipe_too)
{
	char path[320], wrap[340];
	struct process p;

	write_file(path, "\"$@\" 2>&1 | cat >&2\n");
	snprintf(wrap, sizeof(wrap), "sh %s", path);
	ck_assert_int_eq(setenv("WRAP", wrap, 1), 0);
	ck_assert_int_eq(run(&p, GOOD "--control /nonexistent/sock"), 0);
	ck_assert_uint_eq(file_count(p.err, "\n"), 1);
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *says;
} file_rows[] = {
	{ "listen { address = \"127.0.0.1:0\" }\n"
	  "upstream { url = \"http://127.0.0.1:9/mcp\" }\n"
	  "session { idle_timeout = \"1m\" }\n",
	    0, NULL },
	{ "listen { address = {\"127.0.0.1:0\", \"127.0.0.2:0\"} }\n"
	  "upstream { url = \"http://127.0.0.1:9/mcp\" }\n",
	    0, NULL },
	{ "listen { address = \"127.0.0.1:0\" }\n", 2, "upstream" },
	{ "listen { adress = \"127.0.0.1:0\" }\n", 2, "adress" },
	{ "listen {\n", 2, "shadowcat.conf" },
	{ "upstream { url = \"http://127.0.0.1:9/mcp\" }\n"
	  "listen { address = \"127.0.0.1:0\" }\n"
	  "worker { hang_timeout = \"-3s\" }\n",
	    2, "hang_timeout" },
};

START_TEST(file_can_be_checked)
{
	struct process p;
	char path[320];

	write_file(path, file_rows[_i].text);
	rig_run(&p, "check", "-c", path, "-t", NULL);
	ck_assert_int_eq(process_wait(&p, SOON), file_rows[_i].code);
	if (file_rows[_i].says != NULL)
		ck_assert(file_has(p.err, file_rows[_i].says));
}
END_TEST

/* Flags win over --set, which wins over the file. */
START_TEST(nearest_setting_wins)
{
	pid_t workers[8];
	char path[320];

	write_file(path, "workers = 4\nclient { idle_timeout = \"100ms\" }\n");
	rig_start(
	    "--config", path, "--set", "workers=3", "--workers", "2", NULL);
	wait_for(rig_workers(workers, 8) == 2);
	rig_stop_proxy();
	ck_assert_int_eq(unlink(rig.proxy.err), 0);
	rig_start_proxy("--config", path, "--set", "workers=3", NULL);
	wait_for(rig_workers(workers, 8) == 3);
}
END_TEST

START_TEST(file_alone_is_enough)
{
	struct process p;
	struct client c;
	struct bytes text = { 0 };
	char path[320];
	unsigned port = 0;

	rig_start_origin(NULL);
	bytes_addf(&text,
	    "listen { address = \"127.0.0.1:0\" }\n"
	    "upstream { url = \"http://127.0.0.1:%u/mcp\" }\n"
	    "control { path = \"%s\" }\n",
	    rig.origin_port, rig.control);
	write_file(path, text.data);
	bytes_fini(&text);
	rig_run(&p, "file", "-c", path, NULL);
	wait_for(file_has(p.err, "listening on 127.0.0.1:"));
	file_read(p.err, &text);
	sscanf(strstr(text.data, "listening on 127.0.0.1:") + 23, "%u", &port);
	bytes_fini(&text);
	rig.proxy_port = (uint16_t)port;
	ask(&c, "POST", "echo", "", CALL, 200);
	client_close(&c);
	process_signal(&p, SIGTERM);
	ck_assert_int_eq(process_wait(&p, SOON), 0);
}
END_TEST

/* --- daemon and log ------------------------------------------------------ */

static pid_t
read_pid(void)
{
	struct bytes text;
	pid_t pid;

	file_read(rig.pidfile, &text);
	pid = (pid_t)atoi(text.data);
	bytes_fini(&text);
	return pid;
}

START_TEST(daemon_runs_in_the_background)
{
	struct process p;
	char url[64], log[320];
	pid_t pid = 0;

	rig_start_origin(NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/mcp", rig.origin_port);
	snprintf(log, sizeof(log), "log.target=%s/log", rig.dir);
	rig_run(&p, "daemon", "reverse", "--bind", "127.0.0.1:0", "--upstream",
	    url, "--control", rig.control, "--pidfile", rig.pidfile, "--daemon",
	    "--set", log, NULL);
	/* it returns when it serves */
	ck_assert_int_eq(process_wait(&p, SOON), 0);
	pid = read_pid();
	ck_assert_int_gt(pid, 1);
	ck_assert(proc_runs(pid));
	ck_assert(file_has(log + strlen("log.target="), "listening on"));
	ck_assert_int_eq(access(rig.control, F_OK), 0);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	wait_for(!proc_runs(pid));
	ck_assert_int_eq(access(rig.pidfile, F_OK), -1);
	ck_assert_int_eq(access(rig.control, F_OK), -1);
}
END_TEST

START_TEST(daemon_that_can_not_start_says_so)
{
	struct process p;
	char address[32], control[320];

	rig_start(NULL);
	snprintf(control, sizeof(control), "%s/other", rig.dir);
	snprintf(address, sizeof(address), "127.0.0.1:%u", rig.proxy_port);
	rig_run(&p, "daemon", "reverse", "--bind", address, "--upstream",
	    "http://127.0.0.1:9/", "--control", control, "--daemon", NULL);
	ck_assert_int_eq(process_wait(&p, SOON), 1);
	ck_assert_uint_eq(file_count(p.err, "\n"), 1);
	ck_assert(file_has(p.err, "in use"));
}
END_TEST

START_TEST(daemon_whose_workers_can_not_start_says_why)
{
	struct process p;
	char log[320];

	if (geteuid() != 0 || prctl(PR_CAPBSET_DROP, CAP_SETUID) < 0 ||
	    prctl(PR_CAPBSET_DROP, CAP_SETGID) < 0)
		return; /* workers drop nothing, or may drop all */
	snprintf(log, sizeof(log), "log.target=%s/log", rig.dir);
	rig_run(&p, "daemon", "reverse", "--bind", "127.0.0.1:0", "--upstream",
	    "http://127.0.0.1:9/", "--control", rig.control, "--pidfile",
	    rig.pidfile, "--daemon", "--set", log, NULL);
	ck_assert_int_eq(process_wait(&p, SOON), 1);
	ck_assert(file_has(p.err, "become user"));
	ck_assert(file_has(p.err, "giving up"));
	ck_assert_int_eq(access(rig.pidfile, F_OK), -1);
}
END_TEST

START_TEST(log_is_opened_anew)
{
	char target[320], moved[320];
	const char *path = target + strlen("log.target=");

	rig_start_origin(NULL);
	snprintf(target, sizeof(target), "log.target=%s/log", rig.dir);
	snprintf(moved, sizeof(moved), "%s/log.1", rig.dir);
	rig_run(&rig.proxy, "logged", "reverse", "--bind", "127.0.0.1:0",
	    "--upstream", "http://127.0.0.1:9/", "--control", rig.control,
	    "--set", target, NULL);
	wait_for(file_has(path, "listening on"));
	ck_assert_int_eq(rename(path, moved), 0);
	process_signal(&rig.proxy, SIGUSR1);
	wait_for(access(path, F_OK) == 0);
}
END_TEST

START_TEST(control_socket_is_for_its_owner)
{
	struct stat st;

	rig_start(NULL);
	ck_assert_int_eq(stat(rig.control, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 007, 0);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "usage");

	tcase_add_loop_test(
	    tc, questions_are_answered_on_stdout, 0, ARRAY_LEN(answer_rows));
	tcase_add_loop_test(
	    tc, bad_usage_is_one_line_and_code_2, 0, ARRAY_LEN(bad_rows));
	tcase_add_loop_test(tc, what_is_not_there_is_found_by_the_check, 0,
	    2 * ARRAY_LEN(strange_rows));
	tcase_add_loop_test(tc, what_can_not_be_had_is_one_line_and_code_1, 0,
	    ARRAY_LEN(hopeless));
	tcase_add_test(tc, failure_is_one_line_through_a_pipe_too);
	tc = harness_case(suite, "file");
	tcase_add_loop_test(tc, file_can_be_checked, 0, ARRAY_LEN(file_rows));
	tcase_add_test(tc, nearest_setting_wins);
	tcase_add_test(tc, file_alone_is_enough);
	tc = harness_case(suite, "daemon");
	tcase_add_test(tc, daemon_runs_in_the_background);
	tcase_add_test(tc, daemon_that_can_not_start_says_so);
	tcase_add_test(tc, daemon_whose_workers_can_not_start_says_why);
	tcase_add_test(tc, log_is_opened_anew);
	tcase_add_test(tc, control_socket_is_for_its_owner);
}

int
main(void)
{
	return harness_main("cli", add_cases);
}
