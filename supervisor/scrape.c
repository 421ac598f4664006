/*
 * scrape.c - metrics and health over HTTP: its addresses, who connects.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "supervisor/scrape.h"
#include "supervisor/scrape_conn.h"
#include "supervisor/state.h"

#define BATCH 16
/* Out of descriptors, or full: until the next look. */
#define PAUSE_S .1

/* --- addresses ----------------------------------------------------------- */

/* A port without a host is for this machine alone. */
static char *
complete(const char *address)
{
	const char *port = address + (address[0] == ':');
	size_t cap = strlen(port) + sizeof("127.0.0.1:");
	char *text;

	if (strspn(port, "0123456789") != strlen(port))
		return strdup(address);
	text = malloc(cap);
	if (text != NULL)
		(void)snprintf(text, cap, "127.0.0.1:%s", port);
	return text;
}

int
scrape_prepare(
    const struct scrape *s, const struct conf *conf, struct listeners *ret)
{
	const struct conf_list *wanted = &conf->metrics_address;
	struct conf_list list = { calloc(wanted->count + 1, sizeof(char *)),
		0 };
	int r = list.items != NULL ? 0 : -ENOMEM;

	for (; r == 0 && list.count < wanted->count; list.count++) {
		list.items[list.count] = complete(wanted->items[list.count]);
		if (list.items[list.count] == NULL)
			r = -ENOMEM;
	}
	if (r == 0)
		r = listeners_change(&s->listeners, &list, ret);
	conf_list_fini(&list);
	return r;
}

/* --- accepting ----------------------------------------------------------- */

static void
resume(struct scrape *s)
{
	s->is_paused = false;
	for (size_t i = 0; i < s->listeners.count; i++)
		ev_io_start(s->sv->loop, &s->watchers[i]);
}

static void
pause_accepting(struct scrape *s)
{
	s->is_paused = true;
	for (size_t i = 0; i < s->listeners.count; i++)
		ev_io_stop(s->sv->loop, &s->watchers[i]);
	ev_timer_stop(s->sv->loop, &s->pause);
	ev_timer_set(&s->pause, PAUSE_S, 0.);
	ev_timer_start(s->sv->loop, &s->pause);
}

static void
on_pause_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	resume(timer->data);
}

void
scrape_room_made(struct scrape *s)
{
	if (s->is_paused)
		resume(s);
}

/* See that there is room for one more: who is silent for too long goes. */
static bool
make_room(struct scrape *s)
{
	struct scrape_conn *conn;

	if (s->count < SCRAPE_CONNECTIONS_MAX)
		return true;
	for (conn = s->last; conn != NULL; conn = conn->prev) {
		if (scrape_conn_has_had_its_time(conn)) {
			scrape_conn_close(conn);
			return true;
		}
	}
	return false;
}

static void
on_connection(struct ev_loop *loop, ev_io *io, int revents)
{
	struct scrape *s = io->data;
	int fd;

	(void)loop;
	(void)revents;
	for (int i = 0; i < BATCH; i++) {
		if (!make_room(s)) {
			pause_accepting(s);
			return;
		}
		fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			scrape_conn_new(s, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			log_warning("metrics.address: accept: %m");
			pause_accepting(s);
			return;
		}
	}
}

/* --- life ---------------------------------------------------------------- */

int
scrape_start(struct scrape *s, struct supervisor *sv)
{
	s->sv = sv;
	ev_timer_init(&s->pause, on_pause_over, PAUSE_S, 0.);
	s->pause.data = s;
	s->watchers = calloc(s->listeners.count + 1, sizeof(*s->watchers));
	if (s->watchers == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->listeners.count; i++) {
		ev_io_init(&s->watchers[i], on_connection,
		    s->listeners.items[i].fd, EV_READ);
		s->watchers[i].data = s;
	}
	resume(s);
	return 0;
}

/* Accept no more; connections go on. */
static void
stop_accepting(struct scrape *s)
{
	for (size_t i = 0; s->watchers != NULL && i < s->listeners.count; i++)
		ev_io_stop(s->sv->loop, &s->watchers[i]);
	ev_timer_stop(s->sv->loop, &s->pause);
	free(s->watchers);
	s->watchers = NULL;
}

int
scrape_restart(struct scrape *s, struct listeners *fresh)
{
	stop_accepting(s);
	listeners_replace(&s->listeners, fresh, LISTENERS_METRICS);
	return scrape_start(s, s->sv);
}

void
scrape_announce(const struct scrape *s)
{
	listeners_announce(&s->listeners, LISTENERS_METRICS);
}

void
scrape_close(struct scrape *s)
{
	if (s->sv != NULL) {
		stop_accepting(s);
		s->is_paused = false;
		while (s->first != NULL)
			scrape_conn_close(s->first);
	}
	listeners_close(&s->listeners);
	s->sv = NULL;
}
