/*
 * signals.h - the signals that the supervisor obeys, as watchers of its
 * loop.  Nothing is done in a signal handler.
 */
#ifndef SUPERVISOR_SIGNALS_H
#define SUPERVISOR_SIGNALS_H

#include <ev.h>
#include <signal.h>

/* TABLE: every signal that is watched; supervisor.c says what each does. */
/* clang-format off */
#define SIGNALS_WATCHED(X)                                              \
	X(SIGCHLD) X(SIGHUP) X(SIGINT) X(SIGQUIT) X(SIGTERM)            \
	X(SIGUSR1) X(SIGUSR2)
/* clang-format on */

enum {
#define X(signal) SIGNALS_INDEX_##signal,
	SIGNALS_WATCHED(X)
#undef X
	    SIGNALS_COUNT
};

struct signals {
	struct ev_loop *loop; /* NULL: not started */
	void (*on_signal)(void *context, int number);
	void *context;
	ev_signal watchers[SIGNALS_COUNT];
};

/*
 * Watch them, and ignore SIGPIPE.  on_signal and context are set by the
 * caller before.
 */
void signals_start(struct signals *s, struct ev_loop *loop);

/*
 * Stop watching: they have their default effect again.  To be called in a
 * forked child too, before it makes a loop of its own, for one signal can
 * be watched in one loop only.
 */
void signals_stop(struct signals *s);

#endif
