/*
 * supervisor_rig.c - a supervisor in a process of its own, seen from outside.
 */
#include "config.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "supervisor/options.h"
#include "supervisor/supervisor.h"
#include "tests/unit/supervisor_rig.h"

struct supervisor_rig rig;

/* Kill the daemon that holds the lock of the pid file, if there is one. */
static void
kill_holder(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(rig.pidfile, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 &&
	    lock.l_type != F_UNLCK && lock.l_pid > 1)
		(void)kill(lock.l_pid, SIGKILL);
	fd_close(&fd);
}

/*
 * A process that cleans up when this test has ended, however it ended; a
 * daemon leaves the process group that Check would kill.
 */
static void
start_janitor(void)
{
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	if (fork() != 0) {
		fd_close(&ends[0]);
		rig.alive = ends[1];
		return;
	}
	(void)setsid();
	(void)signal(SIGTERM, SIG_DFL);
	fd_close(&ends[1]);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
		continue;
	kill_holder();
	(void)unlink(rig.log);
	(void)unlink(rig.pidfile);
	(void)unlink(rig.control);
	(void)rmdir(rig.dir);
	_exit(0);
}

void
rig_setup(void)
{
	strcpy(rig.dir, "/tmp/sc-super-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig.dir));
	(void)snprintf(rig.log, sizeof(rig.log), "%s/log", rig.dir);
	(void)snprintf(rig.pidfile, sizeof(rig.pidfile), "%s/pid", rig.dir);
	(void)snprintf(rig.control, sizeof(rig.control), "%s/control", rig.dir);
	rig.pid = 0;
	start_janitor();
}

void
rig_teardown(void)
{
	if (rig.pid != 0) {
		(void)kill(rig.pid, SIGKILL);
		(void)waitpid(rig.pid, NULL, 0);
	}
	fd_close(&rig.alive);
}

const char *
log_text(void)
{
	static char buf[256 * 1024];
	int fd = open(rig.log, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);

	fd_close(&fd);
	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

unsigned
log_count(const char *text)
{
	unsigned count = 0;
	const char *at = log_text();

	while ((at = strstr(at, text)) != NULL) {
		at += strlen(text);
		count++;
	}
	return count;
}

SC_NORETURN static void
run_supervisor(char *const *argv, int argc)
{
	char error[OPTIONS_ERROR_CAP];
	struct options options;
	struct conf conf;
	enum log_level level;
	int fd = open(rig.log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	(void)dup2(fd, STDERR_FILENO);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGTERM, SIG_DFL); /* Check has one of its own */
	(void)signal(SIGINT, SIG_DFL);
	log_init("shadowcat");
	if (options_parse(argc, argv, &options, error, sizeof(error)) < 0 ||
	    options_load(&options, &conf, error, sizeof(error)) < 0) {
		(void)dprintf(STDERR_FILENO, "%s\n", error);
		_exit(2);
	}
	(void)!log_set_target(conf.log_target);
	if (log_level_parse(conf.log_level, &level) == 0)
		log_set_level(level);
	_exit(supervisor_run(&options, &conf));
}

void
start_supervisor(const char *first, ...)
{
	char *argv[32];
	int argc = 0;
	va_list ap;
	char words[][64] = { "shadowcat", "reverse", "--bind", "127.0.0.1:0",
		"--upstream", "http://127.0.0.1:9/", "--workers", "2",
		"--control", "", "--pidfile", "" };

	strcpy(words[9], rig.control);
	strcpy(words[11], rig.pidfile);
	for (; argc < (int)ARRAY_LEN(words); argc++)
		argv[argc] = words[argc];
	va_start(ap, first);
	for (const char *word = first; word != NULL;
	     word = va_arg(ap, const char *))
		argv[argc++] = strdup(word);
	va_end(ap);
	argv[argc] = NULL;
	rig.pid = fork();
	if (rig.pid == 0)
		run_supervisor(argv, argc);
	for (int i = (int)ARRAY_LEN(words); i < argc; i++)
		free(argv[i]);
}

void
expect_serving(void)
{
	const char *at;

	wait_for(log_count("listening on ") > 0);
	at = strstr(log_text(), "listening on 127.0.0.1:");
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(sscanf(at, "listening on 127.0.0.1:%u", &rig.port), 1);
}

int
end_status(void)
{
	int status = -1;
	pid_t pid = 0;

	wait_for((pid = waitpid(rig.pid, &status, WNOHANG)) != 0);
	ck_assert_int_eq(pid, rig.pid);
	rig.pid = 0;
	ck_assert_msg(WIFEXITED(status), "%s", log_text());
	return WEXITSTATUS(status);
}

int
fd_count(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	int count = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(d);
	return count;
}

bool
is_running(pid_t pid)
{
	char path[64], buf[256], *state;
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	fd_close(&fd);
	buf[n < 0 ? 0 : n] = '\0';
	state = strrchr(buf, ')');
	return state != NULL && state[2] != 'Z' && state[2] != 'X';
}

int
workers_of(pid_t pid, pid_t *ret, int cap)
{
	char path[64], buf[256], *at = buf, *end;
	ssize_t n;
	int fd, count = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)pid, (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	n = read(fd, buf, sizeof(buf) - 1);
	fd_close(&fd);
	buf[n < 0 ? 0 : n] = '\0';
	for (;;) {
		long worker = strtol(at, &end, 10);

		if (end == at || count == cap)
			return count;
		ret[count++] = (pid_t)worker;
		at = end;
	}
}

/* --- clients ----------------------------------------------------------- */

int
dial(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)rig.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { .tv_sec = DEADLINE_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(
	    connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	return fd;
}

void
tell(int fd, const char *text)
{
	ck_assert_int_eq(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

const char *
ask(int fd, const char *text)
{
	static char buf[1024];
	ssize_t n;

	tell(fd, text);
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	ck_assert_msg(n > 0, "no answer to %s\n%s", text, log_text());
	buf[n] = '\0';
	ck_assert_msg(
	    strstr(buf, "fdsok") != NULL && strstr(buf, "owner1") != NULL, "%s",
	    buf);
	return buf;
}

unsigned
worker_in(const char *line)
{
	return (unsigned)atoi(line + 1);
}

unsigned
generation_in(const char *line)
{
	return (unsigned)atoi(strchr(line, 'g') + 1);
}

unsigned
upstreams_in(const char *line)
{
	return (unsigned)atoi(strchr(line, 'u') + 1);
}

int
dial_worker(unsigned worker)
{
	int fd = -1;

	wait_for(worker_in(ask(fd = dial(), "x")) == worker);
	return fd;
}
