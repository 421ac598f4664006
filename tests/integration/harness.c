/*
 * harness.c - a daemon, an origin behind it and a directory for one test.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"

#define SHOWN_MAX 8000 /* bytes of each log */

struct rig rig;
static char base_dir[128]; /* of all tests of this program */

/* --- time ---------------------------------------------------------------- */

int
rig_ms(int ms)
{
	return getenv("WRAP") != NULL ? ms * 10 : ms;
}

void
rig_pause(void)
{
	usleep(3000);
}

/* --- programs ------------------------------------------------------------ */

/* The path of a program: from the environment, or beside this one. */
static void
program_path(char path[PATH_MAX], const char *variable, const char *beside)
{
	const char *given = getenv(variable);
	ssize_t n;
	char *slash;

	if (given != NULL) {
		snprintf(path, PATH_MAX, "%s", given);
		return;
	}
	n = readlink("/proc/self/exe", path, PATH_MAX - 64);
	ck_assert_int_gt(n, 0);
	path[n] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash + 1, beside);
}

static void
add_list(struct arguments *a, const char *argument, va_list list)
{
	for (; argument != NULL; argument = va_arg(list, const char *))
		arguments_add(a, argument);
}

static void
add_shadowcat(struct arguments *a)
{
	char path[PATH_MAX];

	if (getenv("WRAP") != NULL)
		arguments_add_words(a, getenv("WRAP"));
	program_path(path, "SHADOWCAT", "../../shadowcat");
	arguments_add(a, path);
}

static void
add_option(struct arguments *a, const char *option, const char *value)
{
	arguments_add(a, option);
	arguments_add(a, value);
}

/* The port behind text in a file, 0 if it isn't there (yet). */
static uint16_t
find_port(const char *path, const char *text)
{
	struct bytes all;
	const char *at;
	unsigned port = 0;

	file_read(path, &all);
	at = strstr(all.data, text);
	if (at != NULL && strchr(at, '\n') != NULL)
		(void)sscanf(at + strlen(text), "%u", &port);
	bytes_fini(&all);
	return (uint16_t)port;
}

uint16_t
rig_port_in(const char *log)
{
	return find_port(log, "listening on 127.0.0.1:");
}

static uint16_t
wait_for_port(struct process *p, const char *path, const char *text)
{
	uint16_t port = 0;

	wait_for((port = find_port(path, text)) != 0 ||
		 process_wait(p, 0) != PROCESS_STILL_RUNNING);
	ck_assert_msg(
	    port != 0, "it ended with code %d before it listened", p->code);
	return port;
}

static void
start_origin(const char *argument, va_list list)
{
	struct arguments a = { 0 };
	char path[PATH_MAX], name[32], port[16];

	program_path(path, "ORIGIN", "../peers/origin");
	arguments_add(&a, path);
	/* Its own for as long as the test runs, however often it starts. */
	if (rig.origin_port == 0)
		rig.origin_port = rig_closed_port();
	snprintf(port, sizeof(port), "%u", rig.origin_port);
	add_option(&a, "--port", port);
	add_option(&a, "--log", rig.log);
	add_option(&a, "--gates", rig.gates);
	add_list(&a, argument, list);
	snprintf(name, sizeof(name), "origin%u", ++rig.origin_starts);
	process_start(&rig.origin, rig.dir, name, &a);
	arguments_fini(&a);
	(void)wait_for_port(&rig.origin, rig.origin.out, "127.0.0.1:");
}

void
rig_start_origin(const char *argument, ...)
{
	va_list list;

	va_start(list, argument);
	start_origin(argument, list);
	va_end(list);
}

void
rig_stop_origin(void)
{
	process_signal(&rig.origin, SIGKILL);
	ck_assert_int_ne(
	    process_wait(&rig.origin, SOON), PROCESS_STILL_RUNNING);
}

static void
start_proxy(uint16_t upstream, const char *argument, va_list list)
{
	struct arguments a = { 0 };
	char url[64];

	add_shadowcat(&a);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/mcp", upstream);
	arguments_add(&a, "reverse");
	add_option(&a, "--bind", rig.bind);
	add_option(&a, "--upstream", url);
	add_option(&a, "--control", rig.control);
	add_option(&a, "--pidfile", rig.pidfile);
	add_option(&a, "--set", "workers=1");
	add_list(&a, argument, list);
	process_start(&rig.proxy, rig.dir, "shadowcat", &a);
	arguments_fini(&a);
	rig.proxy_port =
	    wait_for_port(&rig.proxy, rig.proxy.err, "listening on 127.0.0.1:");
}

void
rig_start_proxy(const char *argument, ...)
{
	va_list list;

	va_start(list, argument);
	start_proxy(rig.origin_port, argument, list);
	va_end(list);
}

void
rig_start_proxy_to(uint16_t port, const char *argument, ...)
{
	va_list list;

	va_start(list, argument);
	start_proxy(port, argument, list);
	va_end(list);
}

void
rig_start(const char *argument, ...)
{
	va_list list;

	rig_start_origin(NULL);
	va_start(list, argument);
	start_proxy(rig.origin_port, argument, list);
	va_end(list);
}

void
rig_run(struct process *p, const char *name, const char *argument, ...)
{
	struct arguments a = { 0 };
	va_list list;

	add_shadowcat(&a);
	va_start(list, argument);
	add_list(&a, argument, list);
	va_end(list);
	process_start(p, rig.dir, name, &a);
	arguments_fini(&a);
}

void
rig_run_words(struct process *p, const char *name, const char *text)
{
	struct arguments a = { 0 };

	add_shadowcat(&a);
	arguments_add_words(&a, text);
	process_start(p, rig.dir, name, &a);
	arguments_fini(&a);
}

/* What a sanitizer, valgrind or an assertion writes. */
static void
check_reports(const char *path)
{
	static const char *const reports[] = { "AddressSanitizer",
		"LeakSanitizer", "runtime error:", "definitely lost",
		"Invalid read", "Invalid write", "uninitialised",
		"assertion failed" };

	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
		ck_assert_msg(!file_has(path, reports[i]),
		    "the daemon's log says: %s", reports[i]);
}

void
rig_stop_proxy(void)
{
	process_signal(&rig.proxy, SIGTERM);
	ck_assert_int_eq(process_wait(&rig.proxy, SOON), 0);
	check_reports(rig.proxy.err);
	rig.proxy.pid = 0;
}

void
rig_forget_proxy(void)
{
	check_reports(rig.proxy.err);
	rig.proxy.pid = 0;
}

void
rig_open_gate(const char *name)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", rig.gates, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
}

void
rig_prepare(const char *name, const char *script)
{
	char path[600], temporary[600];
	FILE *f;

	/* It is there as a whole or not at all. */
	snprintf(path, sizeof(path), "%s/%s", rig.gates, name);
	snprintf(temporary, sizeof(temporary), "%s/.%s", rig.gates, name);
	f = fopen(temporary, "w");
	ck_assert_ptr_nonnull(f);
	fputs(script, f);
	fclose(f);
	ck_assert_int_eq(rename(temporary, path), 0);
}

uint16_t
rig_closed_port(void)
{
	uint16_t port;

	/* The test's end closes it. */
	ck_assert_int_ge(wire_reserve(&port), 0);
	return port;
}

uint16_t
rig_deaf_port(void)
{
	struct wire filler;
	uint16_t port;

	/* A full backlog that nobody empties; the test's end closes it. */
	ck_assert_int_ge(wire_listen("127.0.0.1", 0, 0, &port), 0);
	while (wire_connect(&filler, port, 0, wire_now_ms() + 200) == 0)
		;
	return port;
}

/* --- directories --------------------------------------------------------- */

void
rig_setup(void)
{
	memset(&rig, 0, sizeof(rig));
	snprintf(rig.dir, sizeof(rig.dir), "%s/XXXXXX", base_dir);
	ck_assert_ptr_nonnull(mkdtemp(rig.dir));
	snprintf(rig.bind, sizeof(rig.bind), "127.0.0.1:0");
	snprintf(rig.gates, sizeof(rig.gates), "%s/gates", rig.dir);
	snprintf(rig.log, sizeof(rig.log), "%s/origin.log", rig.dir);
	snprintf(rig.control, sizeof(rig.control), "%s/control", rig.dir);
	snprintf(rig.pidfile, sizeof(rig.pidfile), "%s/pid", rig.dir);
	ck_assert_int_eq(mkdir(rig.gates, 0700), 0);
	signal(SIGPIPE, SIG_IGN);
}

typedef void entry_function(const char *path);

/* Call f for each entry of a directory. */
static void
each_entry(const char *dir_path, entry_function *f)
{
	DIR *dir = opendir(dir_path);
	struct dirent *entry;
	char path[PATH_MAX];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir_path, entry->d_name);
		f(path);
	}
	if (dir != NULL)
		closedir(dir);
}

static void
remove_entry(const char *path)
{
	if (unlink(path) < 0) {
		each_entry(path, remove_entry);
		(void)rmdir(path);
	}
}

static void
show_file(const char *path)
{
	struct bytes all;
	size_t skip;
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return;
	file_read(path, &all);
	skip = all.len > SHOWN_MAX ? all.len - SHOWN_MAX : 0;
	printf("--- %s%s\n%s\n", path, skip > 0 ? " (its end)" : "",
	    all.data + skip);
	bytes_fini(&all);
}

static void
show_test(const char *path)
{
	each_entry(path, show_file);
}

void
rig_stop(void)
{
	if (rig.proxy.pid > 0)
		rig_stop_proxy();
	ck_assert_uint_eq(origin_log_count(rig.log, "bad", NULL), 0);
	rig_stop_origin();
	if (getenv("KEEP") == NULL)
		remove_entry(rig.dir);
}

/* --- what the origin and the daemon did --------------------------------- */

void
rig_request(unsigned n, struct origin_request *ret)
{
	int64_t deadline = wire_now_ms() + SOON;

	while (!origin_log_request(rig.log, n, ret) || !ret->has_body) {
		origin_request_fini(ret);
		ck_assert_msg(wire_now_ms() < deadline,
		    "the origin never had request %u whole", n);
		rig_pause();
	}
}

void
rig_assert_requests(unsigned count)
{
	ck_assert_uint_eq(origin_log_requests(rig.log), count);
}

unsigned
rig_workers(pid_t *ret, unsigned max)
{
	return proc_children(rig.proxy.pid, ret, max);
}

/* --- the program --------------------------------------------------------- */

TCase *
harness_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, rig_setup, rig_stop);
	suite_add_tcase(suite, tc);
	return tc;
}

static void
make_base_dir(const char *name)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(base_dir, sizeof(base_dir), "%s/shadowcat-%s-XXXXXX",
	    tmp != NULL ? tmp : "/tmp", name);
	if (mkdtemp(base_dir) == NULL) {
		perror(base_dir);
		exit(1);
	}
}

int
harness_main(const char *name, harness_cases *add_cases)
{
	Suite *suite;
	SRunner *runner;
	int failed;

	make_base_dir(name);
	if (getenv("WRAP") != NULL)
		setenv("CK_DEFAULT_TIMEOUT", "1200", 1);
	else
		setenv("CK_DEFAULT_TIMEOUT", "120", 0);
	suite = suite_create(name);
	add_cases(suite);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (failed > 0)
		each_entry(base_dir, show_test);
	if (rmdir(base_dir) < 0)
		printf("%s: kept\n", base_dir);
	return failed == 0 ? 0 : 1;
}
