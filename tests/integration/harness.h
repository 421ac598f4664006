/*
 * harness.h - a daemon, an origin behind it and a directory for one test.
 *
 * Each test runs in a process of its own (Check forks) and has one rig.  A
 * test that succeeds stops it with rig_stop(), which also judges how the
 * daemon ended; one that fails leaves its directory, whose logs are shown at
 * the end, and its processes to Check, which kills the group.
 *
 * Environment: SHADOWCAT and ORIGIN (paths of the programs); WRAP, a command
 * before shadowcat that keeps its process id, such as valgrind or strace -D
 * (deadlines are then ten times as long); TMPDIR; KEEP=1 to keep the
 * directories.
 */
#ifndef INTEGRATION_HARNESS_H
#define INTEGRATION_HARNESS_H

#include <check.h>

#include "tests/integration/origin_log.h"
#include "tests/integration/process.h"
#include "tests/peers/client.h"

struct rig {
	char dir[256];
	char gates[300];
	char log[300]; /* the origin's */
	char control[300];
	char pidfile[300];
	char bind[32]; /* where the proxy is to listen */
	struct process origin;
	struct process proxy;
	uint16_t origin_port;
	uint16_t proxy_port;
	unsigned origin_starts;
};

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The rig of this test. */
extern struct rig rig;

/* --- starting and stopping ----------------------------------------------- */

/* Checked fixtures: make the directory; stop what runs, judge and remove. */
void rig_setup(void);
void rig_stop(void);

/* Start the origin with these arguments (NULL at the end). */
void rig_start_origin(const char *argument, ...);

/* Stop the origin and wait; a new one takes the same port. */
void rig_stop_origin(void);

/*
 * Start shadowcat in front of the origin, with one worker, a control socket
 * and a pid file, and these further arguments (NULL at the end); returns
 * when it listens.
 */
void rig_start_proxy(const char *argument, ...);

/* The same in front of another port. */
void rig_start_proxy_to(uint16_t port, const char *argument, ...);

/* An origin without arguments and a proxy with these (NULL at the end). */
void rig_start(const char *argument, ...);

/* Run shadowcat with nothing but these arguments (NULL at the end). */
void rig_run(struct process *p, const char *name, const char *argument, ...);

/* The same with the words of text as arguments. */
void rig_run_words(struct process *p, const char *name, const char *text);

/* Where the daemon listens, as its log in this file says; 0: not yet. */
uint16_t rig_port_in(const char *log);

/* TERM, and wait for the exit code 0. */
void rig_stop_proxy(void);

/* The test has let the proxy end in its own way: rig_stop() says nothing. */
void rig_forget_proxy(void);

/* Let scripts pass `await name`. */
void rig_open_gate(const char *name);

/*
 * What the origin does at a request that the proxy makes by itself: name is
 * "resume-N", "resume" or "delete" (origin.c).
 */
void rig_prepare(const char *name, const char *script);

/* A port where connections are never accepted: SYNs go unanswered. */
uint16_t rig_deaf_port(void);

/*
 * A port where nothing listens, and that nobody else is given while the test
 * runs; who asks for it by its number may listen there.
 */
uint16_t rig_closed_port(void);

/* --- time ---------------------------------------------------------------- */

/* A time for this machine: longer under $WRAP. */
int rig_ms(int ms);

/* The deadline of everything that should happen soon. */
#define SOON rig_ms(30000)

/* Wait until condition holds, or fail the test. */
#define wait_for(condition)                                                    \
	do {                                                                   \
		int64_t wait_until = wire_now_ms() + SOON;                     \
		while (!(condition)) {                                         \
			ck_assert_msg(wire_now_ms() < wait_until,              \
			    "never came true: %s", #condition);                \
			rig_pause();                                           \
		}                                                              \
	} while (0)

/* A moment between two looks at a condition. */
void rig_pause(void);

/* --- what the origin and the daemon did --------------------------------- */

/* The n-th request that the origin executed; waits for it and its body. */
void rig_request(unsigned n, struct origin_request *ret);

/* That the origin executed exactly so many requests. */
void rig_assert_requests(unsigned count);

/* The pids of the workers; how many there are. */
unsigned rig_workers(pid_t *ret, unsigned max);

/* --- the program --------------------------------------------------------- */

typedef void harness_cases(Suite *suite);

/* Make a case with the rig's fixtures and add it to the suite. */
TCase *harness_case(Suite *suite, const char *name);

/* Run the suite, show the logs of what failed; main()'s return value. */
int harness_main(const char *name, harness_cases *add_cases);

#endif
