/*
 * stage.c - a daemon with an origin behind it.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/stage.h"
#include "tests/peers/wire.h"

#define SOON_MS 20000
#define POLL_US 2000

void
stage_die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(99);
}

/* --- starting ------------------------------------------------------------ */

/* The path of a program: from the environment, or beside this one. */
static void
find_program(char path[PATH_MAX], const char *variable, const char *beside)
{
	const char *given = getenv(variable);
	ssize_t n;

	if (given != NULL) {
		snprintf(path, PATH_MAX, "%s", given);
		return;
	}
	n = readlink("/proc/self/exe", path, PATH_MAX - 64);
	if (n <= 0)
		stage_die("/proc/self/exe can't be read");
	path[n] = '\0';
	strcpy(strrchr(path, '/') + 1, beside);
}

/* The port behind text in a file of a program that has just been started. */
static uint16_t
wait_for_port(struct process *p, const char *path, const char *text)
{
	int64_t deadline = wire_now_ms() + SOON_MS;
	unsigned port = 0;
	struct bytes all;
	const char *at;

	while (port == 0) {
		if (wire_now_ms() > deadline ||
		    process_wait(p, 0) != PROCESS_STILL_RUNNING)
			stage_die("no port in %s", path);
		file_read(path, &all);
		at = strstr(all.data, text);
		if (at != NULL && strchr(at, '\n') != NULL)
			(void)sscanf(at + strlen(text), "%u", &port);
		bytes_fini(&all);
		usleep(POLL_US);
	}
	return (uint16_t)port;
}

static void add_option(struct arguments *a, const char *option, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

static void
add_option(struct arguments *a, const char *option, const char *fmt, ...)
{
	char value[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	arguments_add(a, option);
	arguments_add(a, value);
}

static void
start_origin(struct stage *s)
{
	struct arguments a = { 0 };
	char path[PATH_MAX];

	find_program(path, "ORIGIN", "../peers/origin");
	arguments_add(&a, path);
	add_option(&a, "--log", "%s", s->log);
	process_start(&s->origin, s->dir, "origin", &a);
	arguments_fini(&a);
	s->origin_port = wait_for_port(&s->origin, s->origin.out, "127.0.0.1:");
}

static void
start_proxy(struct stage *s)
{
	struct arguments a = { 0 };
	char path[PATH_MAX];

	find_program(path, "SHADOWCAT", "../../shadowcat");
	arguments_add(&a, path);
	arguments_add(&a, "reverse");
	add_option(&a, "--bind", "127.0.0.1:0");
	add_option(&a, "--upstream", "http://127.0.0.1:%u/mcp", s->origin_port);
	add_option(&a, "--control", "%s/control.sock", s->dir);
	add_option(&a, "--workers", "%u", s->workers);
	add_option(&a, "--set", "stream.detach_timeout=%us", s->keep_s);
	add_option(&a, "--set", "session.idle_timeout=%us", s->keep_s);
	add_option(&a, "--set", "reconnect.initial_delay=10ms");
	if (s->setting != NULL)
		add_option(&a, "--set", "%s", s->setting);
	process_start(&s->proxy, s->dir, "shadowcat", &a);
	arguments_fini(&a);
	s->proxy_port =
	    wait_for_port(&s->proxy, s->proxy.err, "listening on 127.0.0.1:");
}

/* The file through which the workers are told where to die. */
static void
make_plan(struct stage *s)
{
	int fd;

	snprintf(s->plan_path, sizeof(s->plan_path), "%s/plan", s->dir);
	fd = open(s->plan_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	/* Workers run as another user, whatever our umask. */
	if (fd < 0 || fchmod(fd, 0666) < 0 ||
	    ftruncate(fd, sizeof(*s->plan)) < 0)
		stage_die("%s can't be made", s->plan_path);
	s->plan = mmap(
	    NULL, sizeof(*s->plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s->plan == MAP_FAILED)
		stage_die("%s can't be mapped", s->plan_path);
	close(fd);
	setenv(KILL_PLAN_VARIABLE, s->plan_path, 1);
}

void
stage_start(
    struct stage *s, unsigned workers, unsigned keep_s, const char *setting)
{
	const char *base = getenv("TMPDIR");
	struct stage_rest rest;

	memset(s, 0, sizeof(*s));
	s->workers = workers;
	s->keep_s = keep_s;
	s->setting = setting;
	snprintf(s->dir, sizeof(s->dir), "%s/crash-XXXXXX",
	    base != NULL ? base : "/tmp");
	if (mkdtemp(s->dir) == NULL || chmod(s->dir, 0755) < 0)
		stage_die("no directory %s", s->dir);
	snprintf(s->log, sizeof(s->log), "%s/origin.log", s->dir);
	make_plan(s);
	start_origin(s);
	start_proxy(s);
	stage_look(s, &rest);
	s->fds_at_start = rest.fds;
}

/* --- stopping ------------------------------------------------------------ */

/* What only a fault of the daemon's own writes. */
static bool
log_is_innocent(const struct stage *s)
{
	static const char *const faults[] = { "AddressSanitizer",
		"runtime error:", "assertion", "is damaged",
		"broke the protocol", "SIGSEGV", "SIGABRT", "SIGBUS",
		"hangs:" };
	bool ok = true;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		unsigned count = file_count(s->proxy.err, faults[i]);

		if (count == 0)
			continue;
		printf(
		    "the daemon's log says %u times: %s\n", count, faults[i]);
		ok = false;
	}
	return ok;
}

static void
clear_up(struct stage *s)
{
	char command[400];

	munmap(s->plan, sizeof(*s->plan));
	if (getenv("KEEP") != NULL)
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", s->dir);
	if (system(command) != 0)
		printf("%s stays\n", s->dir);
}

bool
stage_stop(struct stage *s)
{
	bool ok = log_is_innocent(s);
	int code;

	process_signal(&s->proxy, SIGTERM);
	code = process_wait(&s->proxy, SOON_MS);
	if (code != 0) {
		printf("the daemon ended with code %d\n", code);
		ok = false;
	}
	if (!ok) {
		stage_abandon(s);
		return false;
	}
	process_signal(&s->origin, SIGKILL);
	(void)process_wait(&s->origin, SOON_MS);
	clear_up(s);
	return true;
}

void
stage_abandon(struct stage *s)
{
	process_signal(&s->proxy, SIGQUIT);
	if (process_wait(&s->proxy, SOON_MS) == PROCESS_STILL_RUNNING)
		process_signal(&s->proxy, SIGKILL);
	process_signal(&s->origin, SIGKILL);
	(void)process_wait(&s->proxy, SOON_MS);
	(void)process_wait(&s->origin, SOON_MS);
	munmap(s->plan, sizeof(*s->plan));
	printf("logs are kept in %s\n", s->dir);
}

/* --- workers ------------------------------------------------------------- */

unsigned
stage_workers(const struct stage *s, pid_t ret[STAGE_WORKERS_MAX])
{
	char path[64];
	unsigned count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)s->proxy.pid, (int)s->proxy.pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (
	    count < STAGE_WORKERS_MAX && fscanf(file, "%d", &ret[count]) == 1) {
		if (proc_runs(ret[count]))
			count++;
	}
	fclose(file);
	return count;
}

void
stage_await_workers(const struct stage *s, pid_t ret[STAGE_WORKERS_MAX])
{
	int64_t deadline = wire_now_ms() + SOON_MS;

	while (stage_workers(s, ret) < s->workers) {
		if (wire_now_ms() > deadline)
			stage_die("there are not %u workers", s->workers);
		usleep(POLL_US);
	}
}

void
stage_renew_workers(const struct stage *s)
{
	pid_t old[STAGE_WORKERS_MAX], now[STAGE_WORKERS_MAX];
	unsigned count = stage_workers(s, old), i;

	for (i = 0; i < count; i++)
		(void)kill(old[i], SIGKILL);
	for (i = 0; i < count; i++) {
		while (proc_runs(old[i]))
			usleep(POLL_US);
	}
	stage_await_workers(s, now);
	for (i = 0; i < s->workers; i++) {
		while (proc_runs(now[i]) && !proc_sleeps(now[i]))
			usleep(POLL_US);
	}
}

/* --- what is left -------------------------------------------------------- */

static void
look_once(const struct stage *s, struct stage_rest *ret)
{
	if (!shared_use_look(s->proxy.pid, &ret->use))
		stage_die("the shared memory can't be read");
	ret->fds = proc_count_fds(s->proxy.pid) - s->fds_at_start;
}

static bool
is_clean(const struct stage_rest *r)
{
	return r->fds == 0 && shared_use_is_none(&r->use);
}

void
stage_look(const struct stage *s, struct stage_rest *ret)
{
	int64_t deadline = wire_now_ms() + SOON_MS + s->keep_s * 2000;
	struct stage_rest before;

	stage_renew_workers(s);
	look_once(s, ret);
	do {
		before = *ret;
		usleep(50 * POLL_US);
		look_once(s, ret);
		/* At the start there is nothing to compare with. */
		if (s->fds_at_start == 0 && before.fds == ret->fds)
			return;
	} while (!is_clean(ret) && wire_now_ms() < deadline);
}

bool
stage_is_clean(const struct stage_rest *r)
{
	if (!is_clean(r))
		printf("left behind: %d descriptors, %u clients, %u upstreams, "
		       "%u streams, %u sessions, %u blocks\n",
		    r->fds, r->use.clients, r->use.upstreams, r->use.streams,
		    r->use.sessions, r->use.blocks);
	return is_clean(r);
}
