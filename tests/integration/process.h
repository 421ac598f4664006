/*
 * process.h - the programs that a test starts, and what /proc says of them.
 *
 * Output goes to files in the test's directory, NAME.out and NAME.err.
 * Everything is in the process group of the test, which Check kills when the
 * test has ended, however it ended.
 */
#ifndef INTEGRATION_PROCESS_H
#define INTEGRATION_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/peers/bytes.h"

#define PROCESS_STILL_RUNNING (-1)

struct process {
	pid_t pid; /* 0: never started */
	int code;  /* exit code, 128 + signal, or PROCESS_STILL_RUNNING */
	char out[512];
	char err[512];
};

/* The arguments of a program, built up piece by piece; NULL at the end. */
struct arguments {
	char *list[64];
	unsigned count;
};

/* Append a copy of text. */
void arguments_add(struct arguments *a, const char *text);

/* Append the words of text, which are separated by blanks. */
void arguments_add_words(struct arguments *a, const char *text);

void arguments_fini(struct arguments *a);

/* Start a program; its output files are dir/name.out and .err. */
void process_start(struct process *p, const char *dir, const char *name,
    const struct arguments *a);

/* Exit code as in struct process; PROCESS_STILL_RUNNING at the deadline. */
int process_wait(struct process *p, int timeout_ms);

/* Send a signal, if the process still runs. */
void process_signal(struct process *p, int signal);

/* Everything in a file; an absent one is empty. */
void file_read(const char *path, struct bytes *ret);

/* Whether needle stands in the file. */
bool file_has(const char *path, const char *needle);

/* How often needle stands in the file. */
unsigned file_count(const char *path, const char *needle);

/* --- /proc --------------------------------------------------------------- */

/* The living children of a process (zombies left out); how many there are. */
unsigned proc_children(pid_t parent, pid_t *ret, unsigned max);

/* Whether it runs (zombies do not). */
bool proc_runs(pid_t pid);

/* Whether it runs and waits for something to happen. */
bool proc_sleeps(pid_t pid);

/* Open descriptors, -1 if that can't be told. */
int proc_count_fds(pid_t pid);

/* What descriptor fd is ("socket:[1]", a path); false if it isn't open. */
bool proc_fd_target(pid_t pid, int fd, char *ret, size_t size);

/* Resident anonymous memory in KiB: what the process took for itself. */
long proc_anonymous_kib(pid_t pid);

/* A line of /proc/PID/status as a number, -1 without it. */
long proc_status_number(pid_t pid, const char *name);

#endif
