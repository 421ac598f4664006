/*
 * signals.c - the signals that the supervisor obeys.
 */
#include "config.h"

#include "common/sc.h"
#include "supervisor/signals.h"

static const int watched[] = {
#define X(signal) signal,
	SIGNALS_WATCHED(X)
#undef X
};

static void
on_signal(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct signals *s = watcher->data;

	(void)loop;
	(void)revents;
	s->on_signal(s->context, watcher->signum);
}

void
signals_start(struct signals *s, struct ev_loop *loop)
{
	sigset_t none;

	s->loop = loop;
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(watched); i++) {
		ev_signal_init(&s->watchers[i], on_signal, watched[i]);
		s->watchers[i].data = s;
		ev_signal_start(loop, &s->watchers[i]);
	}
	/* Whoever started us may have left some blocked. */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void
signals_stop(struct signals *s)
{
	if (s->loop == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(watched); i++)
		ev_signal_stop(s->loop, &s->watchers[i]);
	s->loop = NULL;
}
