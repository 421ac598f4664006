/*
 * obituary.c - what a wait status says, in words.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "common/sc.h"
#include "supervisor/obituary.h"

/* TABLE of the signals that end a process; to add one: a row here. */
/* clang-format off */
#define SIGNALS(X)                                                      \
	X(SIGABRT) X(SIGALRM) X(SIGBUS)  X(SIGFPE)  X(SIGHUP)           \
	X(SIGILL)  X(SIGINT)  X(SIGIO)   X(SIGKILL) X(SIGPIPE)          \
	X(SIGPROF) X(SIGPWR)  X(SIGQUIT) X(SIGSEGV) X(SIGSTKFLT)        \
	X(SIGSYS)  X(SIGTERM) X(SIGTRAP) X(SIGUSR1) X(SIGUSR2)          \
	X(SIGVTALRM) X(SIGXCPU) X(SIGXFSZ)
/* clang-format on */

static const struct {
	int number;
	const char *name;
} signals[] = {
#define X(signal) { signal, #signal },
	SIGNALS(X)
#undef X
};

static const char *
signal_name(int number)
{
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if (signals[i].number == number)
			return signals[i].name;
	}
	return NULL;
}

void
obituary_format(int wait_status, char *buf, size_t cap)
{
	const char *core, *name;

	if (WIFEXITED(wait_status)) {
		(void)snprintf(
		    buf, cap, "exited with code %d", WEXITSTATUS(wait_status));
		return;
	}
	if (!WIFSIGNALED(wait_status)) {
		(void)snprintf(
		    buf, cap, "ended with wait status %#x", wait_status);
		return;
	}
	core = WCOREDUMP(wait_status) ? ", core dumped" : "";
	name = signal_name(WTERMSIG(wait_status));
	if (name != NULL)
		(void)snprintf(buf, cap, "killed by %s%s", name, core);
	else
		(void)snprintf(buf, cap, "killed by signal %d%s",
		    WTERMSIG(wait_status), core);
}
