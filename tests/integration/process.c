/*
 * process.c - the programs that a test starts, and what /proc says of them.
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/process.h"
#include "tests/peers/wire.h"

#define POLL_US 2000

void
arguments_add(struct arguments *a, const char *text)
{
	if (a->count + 1 >= sizeof(a->list) / sizeof(a->list[0]))
		abort();
	a->list[a->count] = strdup(text);
	if (a->list[a->count++] == NULL)
		abort();
}

void
arguments_add_words(struct arguments *a, const char *text)
{
	char *copy = strdup(text), *rest, *word;

	for (word = strtok_r(copy, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest))
		arguments_add(a, word);
	free(copy);
}

void
arguments_fini(struct arguments *a)
{
	for (unsigned i = 0; i < a->count; i++)
		free(a->list[i]);
	memset(a, 0, sizeof(*a));
}

static void
redirect(const char *path, int to)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (fd < 0 || dup2(fd, to) < 0)
		_exit(127);
	close(fd);
}

static void
become(const struct process *p, const struct arguments *a, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	redirect("/dev/null", STDIN_FILENO);
	redirect(p->out, STDOUT_FILENO);
	redirect(p->err, STDERR_FILENO);
	closefrom(3);
	execvp(a->list[0], a->list);
	dprintf(STDERR_FILENO, "%s: %s\n", a->list[0], strerror(errno));
	_exit(127);
}

void
process_start(struct process *p, const char *dir, const char *name,
    const struct arguments *a)
{
	pid_t parent = getpid();

	memset(p, 0, sizeof(*p));
	p->code = PROCESS_STILL_RUNNING;
	snprintf(p->out, sizeof(p->out), "%s/%s.out", dir, name);
	snprintf(p->err, sizeof(p->err), "%s/%s.err", dir, name);
	p->pid = fork();
	if (p->pid < 0)
		abort();
	if (p->pid == 0)
		become(p, a, parent);
}

int
process_wait(struct process *p, int timeout_ms)
{
	int64_t deadline = wire_now_ms() + timeout_ms;
	int status;

	while (p->code == PROCESS_STILL_RUNNING) {
		if (waitpid(p->pid, &status, WNOHANG) == p->pid)
			p->code = WIFEXITED(status) ? WEXITSTATUS(status)
						    : 128 + WTERMSIG(status);
		else if (wire_now_ms() >= deadline)
			break;
		else
			usleep(POLL_US);
	}
	return p->code;
}

void
process_signal(struct process *p, int signal)
{
	if (p->pid > 0 && p->code == PROCESS_STILL_RUNNING)
		(void)kill(p->pid, signal);
}

void
file_read(const char *path, struct bytes *ret)
{
	char buf[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	memset(ret, 0, sizeof(*ret));
	bytes_add(ret, "", 0);
	if (fd < 0)
		return;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		bytes_add(ret, buf, (size_t)n);
	close(fd);
}

unsigned
file_count(const char *path, const char *needle)
{
	struct bytes all;
	unsigned count = 0;

	file_read(path, &all);
	for (const char *at = all.data; (at = strstr(at, needle)) != NULL; at++)
		count++;
	bytes_fini(&all);
	return count;
}

bool
file_has(const char *path, const char *needle)
{
	return file_count(path, needle) > 0;
}

/* --- /proc --------------------------------------------------------------- */

/* State and parent out of /proc/PID/stat; false if there is none such. */
static bool
read_stat(pid_t pid, char *ret_state, pid_t *ret_parent)
{
	struct bytes stat;
	char path[64], *at;
	bool ok;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file_read(path, &stat);
	at = strrchr(stat.data, ')');
	ok = at != NULL && sscanf(at, ") %c %d", ret_state, ret_parent) == 2;
	bytes_fini(&stat);
	return ok;
}

unsigned
proc_children(pid_t parent, pid_t *ret, unsigned max)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	unsigned count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		pid_t its_parent, pid = (pid_t)atoi(entry->d_name);
		char state;

		if (isdigit((unsigned char)entry->d_name[0]) && count < max &&
		    read_stat(pid, &state, &its_parent) && state != 'Z' &&
		    its_parent == parent)
			ret[count++] = pid;
	}
	if (dir != NULL)
		closedir(dir);
	return count;
}

bool
proc_runs(pid_t pid)
{
	pid_t parent;
	char state;

	return read_stat(pid, &state, &parent) && state != 'Z' && state != 'X';
}

bool
proc_sleeps(pid_t pid)
{
	pid_t parent;
	char state;

	return read_stat(pid, &state, &parent) && state == 'S';
}

int
proc_count_fds(pid_t pid)
{
	char path[64];
	DIR *dir;
	int count = -2; /* . and .. */

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

bool
proc_fd_target(pid_t pid, int fd, char *ret, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	n = readlink(path, ret, size - 1);
	if (n < 0)
		return false;
	ret[n] = '\0';
	return true;
}

long
proc_status_number(pid_t pid, const char *name)
{
	struct bytes status;
	char path[64], *at;
	long number = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file_read(path, &status);
	at = strstr(status.data, name);
	if (at != NULL)
		number = strtol(at + strlen(name) + 1, NULL, 10);
	bytes_fini(&status);
	return number;
}

long
proc_anonymous_kib(pid_t pid)
{
	return proc_status_number(pid, "RssAnon");
}
