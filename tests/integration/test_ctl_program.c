/*
 * test_ctl_program.c - shadowcatctl as a program: its command line and exit
 * codes, watching; who may talk at the control socket, and who talks badly.
 */
#include "config.h"

#include <grp.h>
#include <jansson.h>
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

#include "tests/integration/ctl_run.h"

/* --- the command line --------------------------------------------------- */

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
	/* It may have been asked and not answered. */
	ck_assert(file_has(p.err, "there is no such socket") ||
		  file_has(p.err, "it hung up without an answer"));
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

/* --- peers that misbehave ----------------------------------------------- */

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
	ctl_session_open(&c, "abcdefgh-1");
	ctl_says("status", 0, "running");
	before = proc_count_fds(rig.proxy.pid);
	for (int i = 0; i < MISFITS; i++)
		misbehave(&fds[i], (enum misfit)_i);
	ctl_says("status", 0, "running");
	ck_assert_uint_eq(ctl_count_rows("streams"), 1);
	ctl_session_finish(&c);
	for (int i = 0; i < MISFITS; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
	}
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
	TCase *tc = harness_case(suite, "line");
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
	return harness_main("ctl_program", add_cases);
}
