/*
 * resolve.c - the upstream's addresses, by c-ares on libev.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/resolve.h"

static void
rearm(struct resolver *r)
{
	struct timeval tv, *next = ares_timeout(r->ares, NULL, &tv);

	ev_timer_stop(r->loop, &r->timeout);
	if (next == NULL)
		return;
	ev_timer_set(&r->timeout,
	    (double)next->tv_sec + (double)next->tv_usec / 1e6, 0.);
	ev_timer_start(r->loop, &r->timeout);
}

static void
on_timeout(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct resolver *r = timer->data;

	(void)loop;
	(void)revents;
	ares_process_fd(r->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	rearm(r);
}

static void
on_socket(struct ev_loop *loop, ev_io *io, int revents)
{
	struct resolver *r = io->data;

	(void)loop;
	ares_process_fd(r->ares, revents & EV_READ ? io->fd : ARES_SOCKET_BAD,
	    revents & EV_WRITE ? io->fd : ARES_SOCKET_BAD);
	rearm(r);
}

/* c-ares tells which of its sockets it waits for. */
static void
on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = data;
	ev_io *io, *free_io = NULL;
	int events = (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0);

	for (io = r->io; io < r->io + RESOLVE_SOCKETS_MAX; io++) {
		if (ev_is_active(io) && io->fd == fd)
			break;
		if (!ev_is_active(io) && free_io == NULL)
			free_io = io;
	}
	if (io == r->io + RESOLVE_SOCKETS_MAX)
		io = free_io;
	if (io == NULL)
		return; /* its time-out will end the query */
	ev_io_stop(r->loop, io);
	if (events == 0)
		return;
	ev_io_set(io, fd, events);
	ev_io_start(r->loop, io);
}

static void
keep_addresses(struct resolver *r, const struct ares_addrinfo *found)
{
	const struct ares_addrinfo_node *node;

	r->count = 0;
	r->first = 0;
	for (node = found->nodes;
	     node != NULL && r->count < RESOLVE_ADDRESSES_MAX;
	     node = node->ai_next) {
		if (node->ai_addrlen > sizeof(r->address[0]))
			continue;
		memcpy(&r->address[r->count], node->ai_addr, node->ai_addrlen);
		r->address_len[r->count] = node->ai_addrlen;
		r->count++;
	}
}

static void
on_answer(void *data, int status, int timeouts, struct ares_addrinfo *found)
{
	struct resolver *r = data;
	const char *why = NULL;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION)
		return;
	r->asking = false;
	r->asked_ms = clock_ms();
	if (status == ARES_SUCCESS && found != NULL && found->nodes != NULL)
		keep_addresses(r, found);
	else
		why = status == ARES_SUCCESS ? "the name has no address"
					     : ares_strerror(status);
	ares_freeaddrinfo(found);
	if (why != NULL && r->count > 0) {
		log_warning("resolve %s: %s; the old addresses stay in use",
		    r->url.host, why);
		why = NULL;
	}
	r->on_done(r->context, why);
}

static void
ask(struct resolver *r)
{
	struct ares_addrinfo_hints hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = ARES_AI_NUMERICSERV,
	};
	char port[8];

	if (r->asking)
		return;
	r->asking = true;
	(void)snprintf(port, sizeof(port), "%u", (unsigned)r->url.port);
	ares_getaddrinfo(r->ares, r->url.host, port, &hints, on_answer, r);
	rearm(r);
}

/* Asked from a callback of its own, so that answers never come too early. */
static void
on_ask(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct resolver *r = timer->data;

	(void)loop;
	(void)revents;
	timer->cb = on_timeout;
	ask(r);
}

int
resolver_init(struct resolver *r, struct ev_loop *loop,
    const struct addr_url *url, uint64_t interval_ms,
    void (*on_done)(void *context, const char *why), void *context)
{
	struct ares_options options = {
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = r,
	};
	uint32_t i;
	int status;

	memset(r, 0, sizeof(*r));
	r->loop = loop;
	r->url = *url;
	r->interval_ms = interval_ms;
	r->on_done = on_done;
	r->context = context;
	ev_timer_init(&r->timeout, on_timeout, 0., 0.);
	r->timeout.data = r;
	for (i = 0; i < RESOLVE_SOCKETS_MAX; i++) {
		ev_io_init(&r->io[i], on_socket, -1, EV_READ);
		r->io[i].data = r;
	}
	if (addr_from_literal(url->host, url->port, &r->address[0],
		&r->address_len[0]) == 0) {
		r->count = 1;
		return 0;
	}
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS)
		status = ares_init_options(
		    &r->ares, &options, ARES_OPT_SOCK_STATE_CB);
	if (status == ARES_ENOMEM)
		return -ENOMEM;
	return status == ARES_SUCCESS ? 0 : -EIO;
}

void
resolver_fini(struct resolver *r)
{
	uint32_t i;

	if (r->ares == NULL)
		return;
	ares_destroy(r->ares);
	ares_library_cleanup();
	r->ares = NULL;
	ev_timer_stop(r->loop, &r->timeout);
	for (i = 0; i < RESOLVE_SOCKETS_MAX; i++)
		ev_io_stop(r->loop, &r->io[i]);
}

bool
resolver_ready(struct resolver *r)
{
	bool old;

	if (r->ares == NULL)
		return true;
	old = r->count == 0 || clock_ms() - r->asked_ms >= r->interval_ms;
	if (old && !r->asking && !ev_is_active(&r->timeout)) {
		r->timeout.cb = on_ask;
		ev_timer_set(&r->timeout, 0., 0.);
		ev_timer_start(r->loop, &r->timeout);
	}
	return r->count > 0;
}

void
resolver_doubt(struct resolver *r)
{
	r->asked_ms = 0;
}
