/*
 * supervisor_rig.h - the whole supervisor, in a process of its own, with
 * workers of our own (echo_worker.c), seen from outside.
 */
#ifndef TESTS_UNIT_SUPERVISOR_RIG_H
#define TESTS_UNIT_SUPERVISOR_RIG_H

#include <check.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/clock.h"

struct supervisor_rig {
	pid_t pid; /* 0: none */
	char dir[32];
	char log[64], pidfile[64], control[64];
	int alive; /* a pipe that ends with this test */
	unsigned port;
};

extern struct supervisor_rig rig;

/* Checked fixtures: a directory, and nobody in it; and the end of it all. */
void rig_setup(void);
void rig_teardown(void);

#define DEADLINE_MS 30000u
#define POLL_MS 2

/* Wait until the condition holds; past the deadline, show the log. */
#define wait_for(cond)                                                         \
	do {                                                                   \
		uint64_t end_ = clock_ms() + DEADLINE_MS;                      \
		while (!(cond)) {                                              \
			ck_assert_msg(clock_ms() < end_, "deadline: %s\n%s",   \
			    #cond, log_text());                                \
			(void)poll(NULL, 0, POLL_MS);                          \
		}                                                              \
	} while (0)

/*
 * Start it, with two workers and any port; more arguments, ended by NULL,
 * follow.  Wait until it serves, which tells rig.port; wait for its end, which
 * gives the exit status.
 */
void start_supervisor(const char *first, ...);
void expect_serving(void);
int end_status(void);

/* What it has logged; and how often this stands there. */
const char *log_text(void);
unsigned log_count(const char *text);

/* Open descriptors; not a zombie; up to `cap` workers, and how many. */
int fd_count(pid_t pid);
bool is_running(pid_t pid);
int workers_of(pid_t pid, pid_t *ret, int cap);

/*
 * A client: connect, to a certain worker or any; send an order; or ask, for a
 * line that tells what the worker sees.  It is checked for descriptors that
 * are too many and for the owner of the record.
 */
int dial(void);
int dial_worker(unsigned worker);
void tell(int fd, const char *text);
const char *ask(int fd, const char *text);

/* Of such a line: the worker's slot, its generation, upstreams inherited. */
unsigned worker_in(const char *line);
unsigned generation_in(const char *line);
unsigned upstreams_in(const char *line);

#endif
