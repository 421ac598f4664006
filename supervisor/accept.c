/*
 * accept.c - takes connections from the listening sockets.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/claim.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "supervisor/accept.h"
#include "supervisor/placement.h"

/* Connections taken in one turn of the loop, so that none starves the rest. */
#define BATCH 32
/*
 * To be woken for each connection costs more than to take it.  So where so
 * many waited at once, the loop sleeps before it looks again, and goes on like
 * that while so many come meanwhile.  A few clients that connect again and
 * again never make a crowd, and are taken at once.
 */
#define CROWD 8u
#define CROWD_STILL 4u
#define REST_S .0002

#define PAUSE_S 1.0

/* A table that is full now and then is told of once in a while. */
#define TELL_AGAIN_MS (60u * 1000u)

/* --- watchers ---------------------------------------------------------- */

/* Derive the watchers from the state; the only function that does. */
static void
acceptor_rewatch(struct acceptor *a)
{
	bool on = a->state == ACCEPT_ON &&
		  worker_table_in_state(a->workers, WORKER_READY) > 0;

	for (size_t i = 0; i < a->watcher_count; i++) {
		if (on)
			ev_io_start(a->loop, &a->watchers[i]);
		else
			ev_io_stop(a->loop, &a->watchers[i]);
	}
	if (a->state != ACCEPT_PAUSED) {
		ev_timer_stop(a->loop, &a->pause);
	} else if (!ev_is_active(&a->pause)) {
		ev_timer_set(&a->pause, PAUSE_S, 0);
		ev_timer_start(a->loop, &a->pause);
	}
}

static void
acceptor_set_state(struct acceptor *a, enum accept_state state)
{
	a->state = state;
	acceptor_rewatch(a);
}

static void
tell_of_pause(struct acceptor *a, const char *why)
{
	uint64_t now = clock_ms();

	if (a->told_ms != 0 && now - a->told_ms < TELL_AGAIN_MS)
		return;
	a->told_ms = now;
	log_warning("accept: %s; new connections wait", why);
}

/* --- one connection ---------------------------------------------------- */

/* The peer's address in 16 bytes, IPv4 mapped into IPv6. */
static void
note_peer(struct client_record *record, const struct sockaddr_storage *peer)
{
	memset(record->address, 0, sizeof(record->address));
	record->port = addr_port((const struct sockaddr *)peer);
	if (peer->ss_family == AF_INET) {
		const struct sockaddr_in *four = (const void *)peer;

		record->address[10] = 0xff;
		record->address[11] = 0xff;
		memcpy(&record->address[12], &four->sin_addr, 4);
	} else if (peer->ss_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const void *)peer;

		memcpy(record->address, &six->sin6_addr, 16);
	}
}

static uint32_t
choose_worker(const struct acceptor *a)
{
	struct placement placements[SHM_WORKERS_MAX];

	for (uint32_t i = 0; i < a->workers->count; i++) {
		placements[i].state = a->workers->rows[i].state;
		placements[i].connections =
		    vault_count(a->vault, SOCKET_CLIENT, i);
	}
	return placement_choose(placements, a->workers->count);
}

/* Keep a connection and give it to a worker; there is room, and a worker. */
static void
place_connection(struct acceptor *a, int fd, const struct listener *listener,
    const struct sockaddr_storage *peer)
{
	uint32_t worker = choose_worker(a);
	struct client_record *record;
	uint32_t slot, generation;

	if (worker == PLACEMENT_NONE ||
	    vault_add_client(a->vault, fd, worker, &slot, &generation) < 0) {
		fd_close(&fd); /* can't be: both were looked at before */
		return;
	}
	a->came++;
	record = &a->shm->clients[slot];
	record->generation = generation;
	record->on_loopback = listener_on_loopback(listener, fd);
	note_peer(record, peer);
	atomic_store_explicit(&a->shm->client_owners[slot],
	    worker_slot_owner_id(&a->workers->rows[worker]),
	    memory_order_release);
	a->deliver(a->context, worker, slot, generation);
}

/* --- turns of the loop ------------------------------------------------- */

static void
acceptor_rest(struct acceptor *a, bool rest)
{
	a->is_resting = rest;
	ev_set_io_collect_interval(a->loop, rest ? REST_S : 0.);
}

/* Before the loop sleeps. */
static void
on_turn(struct ev_loop *loop, ev_prepare *turn, int revents)
{
	struct acceptor *a = turn->data;

	(void)loop;
	(void)revents;
	acceptor_rest(a, a->came >= (a->is_resting ? CROWD_STILL : CROWD));
	a->came = 0;
}

/* --- accepting --------------------------------------------------------- */

/* Whether accept4() may be called again at once; else the state is changed. */
static bool
handle_error(struct acceptor *a, int error)
{
	switch (error) {
	case EAGAIN:
		return false;
	/* Of the connection, not of the listener (accept(2)). */
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return true;
	default:
		tell_of_pause(a, strerror(error));
		acceptor_set_state(a, ACCEPT_PAUSED);
		return false;
	}
}

/* Whether the next connection could be placed. */
static bool
has_room(struct acceptor *a)
{
	if (a->state != ACCEPT_ON ||
	    worker_table_in_state(a->workers, WORKER_READY) == 0)
		return false;
	if (vault_room(a->vault, SOCKET_CLIENT) > 0)
		return true;
	tell_of_pause(a, "every client slot is taken");
	acceptor_set_state(a, ACCEPT_FULL);
	return false;
}

static void
on_connection(struct ev_loop *loop, ev_io *io, int revents)
{
	struct acceptor *a = io->data;
	const struct listener *listener =
	    &a->listeners->items[io - a->watchers];
	struct sockaddr_storage peer;
	socklen_t len;
	int fd;

	(void)loop;
	(void)revents;
	for (unsigned i = 0; i < BATCH && has_room(a); i++) {
		len = sizeof(peer);
		fd = accept4(io->fd, (struct sockaddr *)&peer, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			place_connection(a, fd, listener, &peer);
		else if (!handle_error(a, errno))
			break;
	}
	/* A worker may have been lost on the way. */
	acceptor_rewatch(a);
}

static void
on_pause_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	acceptor_set_state(timer->data, ACCEPT_ON);
}

/* --- life -------------------------------------------------------------- */

int
acceptor_start(struct acceptor *a, const struct listeners *listeners)
{
	a->watchers = calloc(listeners->count, sizeof(*a->watchers));
	if (a->watchers == NULL)
		return -ENOMEM;
	a->listeners = listeners;
	a->watcher_count = listeners->count;
	for (size_t i = 0; i < listeners->count; i++) {
		ev_io_init(&a->watchers[i], on_connection,
		    listeners->items[i].fd, EV_READ);
		a->watchers[i].data = a;
	}
	ev_timer_init(&a->pause, on_pause_over, PAUSE_S, 0);
	a->pause.data = a;
	ev_prepare_init(&a->turn, on_turn);
	a->turn.data = a;
	ev_prepare_start(a->loop, &a->turn);
	acceptor_set_state(a, ACCEPT_ON);
	return 0;
}

void
acceptor_stop(struct acceptor *a)
{
	if (a->state == ACCEPT_OFF)
		return;
	acceptor_set_state(a, ACCEPT_OFF);
	ev_prepare_stop(a->loop, &a->turn);
	acceptor_rest(a, false);
	free(a->watchers);
	a->watchers = NULL;
	a->watcher_count = 0;
}

void
acceptor_workers_changed(struct acceptor *a)
{
	if (a->state != ACCEPT_OFF)
		acceptor_rewatch(a);
}

void
acceptor_room_made(struct acceptor *a)
{
	if (a->state == ACCEPT_PAUSED || a->state == ACCEPT_FULL)
		acceptor_set_state(a, ACCEPT_ON);
}
