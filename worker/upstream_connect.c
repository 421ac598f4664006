/*
 * upstream_connect.c - a connection for a stream: out of the pool, or a new
 * one to the next of the upstream's addresses.
 *
 * The order that adoption rests on: connect, PARK in the channel, the
 * stream's commit that names the connection, the first byte.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/fd.h"
#include "common/log.h"
#include "worker/client.h"
#include "worker/upstream.h"
#include "worker/work.h"

static void upstream_connect(struct stream *st, uint32_t address);

/* Commit that the stream's bytes go over this connection from now on. */
static void
commit_binding(struct upstream *u)
{
	struct stream *st = u->stream;
	struct stream_state *next = stream_next(st);

	next->upstream_ref = u->slot + 1;
	next->upstream_generation = u->rec->generation;
	next->up_taken = u->taken;
	next->up_base = u->sent;
	next->up_answered = 0;
	RECORD_COMMIT(st->rec);
}

/* Connected and parked: send. */
static void
begin_request(struct upstream *u)
{
	struct stream *st = u->stream;
	struct journal_wire form;
	uint64_t dropped;
	const struct journal *request = stream_request(st, &form, &dropped);

	upstream_set_state(u, UPSTREAM_BUSY);
	deadline_cancel(&u->deadline);
	if (request != NULL)
		journal_cursor_init(&st->asked, &u->w->arena, request, dropped);
	commit_binding(u);
	upstream_flush(u);
}

/*
 * What upstreams say comes before what clients ask in the same turn of the
 * loop: a connection that was closed is not used for another request, and one
 * whose answer is there may be.
 */
static void
init_watcher(struct upstream *u, int fd)
{
	ev_io_init(&u->io, upstream_on_event, fd, 0);
	ev_set_priority(&u->io, 1);
	u->io.data = u;
}

static struct upstream *
upstream_alloc(struct worker *w, int *fd)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	if (claim_take(&w->upstreams, &u->slot) != 0) {
		free(u);
		return NULL;
	}
	u->w = w;
	u->rec = &w->shm->upstreams[u->slot];
	u->rec->generation++;
	KILL_POINT();
	u->state = UPSTREAM_CONNECTING;
	init_watcher(u, *fd);
	w->upstream_of[u->slot] = u;
	*fd = -1;
	return u;
}

struct upstream *
upstream_revive(struct worker *w, uint32_t slot, int fd, struct stream *st)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->w = w;
	u->slot = slot;
	u->rec = &w->shm->upstreams[slot];
	u->state = UPSTREAM_BUSY;
	u->stream = st;
	if (st != NULL) {
		st->upstream = u;
		u->is_reused = stream_state(st)->up_base > 0;
	}
	init_watcher(u, fd);
	w->upstream_of[slot] = u;
	return u;
}

/* A socket that connects to the address: descriptor or -errno. */
static int
start_connect(const struct sockaddr *address, socklen_t len)
{
	int error, fd;

	fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	error = fd_set_stream_options(fd);
	if (error == 0 && connect(fd, address, len) != 0 &&
	    errno != EINPROGRESS)
		error = -errno;
	if (error == 0)
		return fd;
	fd_close(&fd);
	return error;
}

static void
log_connect(const struct stream *st, uint32_t address, int error)
{
	char text[ADDR_TEXT_CAP];

	addr_format((const struct sockaddr *)&st->w->resolver.address[address],
	    text, sizeof(text));
	stream_log(
	    st, LOG_LEVEL_WARNING, "connect %s: %s", text, strerror(error));
}

/* This address failed: the next one, or an error for the client. */
static void
connect_failed(struct stream *st, uint32_t address, int error)
{
	struct resolver *r = &st->w->resolver;

	log_connect(st, address, error);
	if (error == EMFILE || error == ENFILE || error == ENOMEM ||
	    error == ENOBUFS || error == EADDRNOTAVAIL) {
		stream_fail(st, HTTP_FAULT_NO_ROOM, END_UPSTREAM_UNREACHED);
		return;
	}
	worker_count(st->w,
	    error == ETIMEDOUT ? COUNTER_FAILED_TIMEOUT
			       : COUNTER_FAILED_CONNECT,
	    1);
	if (++st->tries < r->count) {
		upstream_connect(st, (address + 1) % r->count);
		return;
	}
	resolver_doubt(r);
	stream_fail(st,
	    error == ETIMEDOUT ? HTTP_FAULT_UPSTREAM_CONNECT_TIMEOUT
			       : HTTP_FAULT_UPSTREAM_UNREACHED,
	    END_UPSTREAM_UNREACHED);
}

static void
send_park(struct upstream *u)
{
	struct msg m;

	msg_init(&m, MSG_PARK);
	m.body.PARK.slot = u->slot;
	m.body.PARK.generation = u->rec->generation;
	u->park_seq = channel_send(&u->w->channel, &m, u->io.fd);
}

static void
upstream_connect(struct stream *st, uint32_t address)
{
	struct worker *w = st->w;
	struct upstream *u;
	int fd;

	work_on_stream(st, WORK_CONNECT);
	fd = start_connect(
	    (const struct sockaddr *)&w->resolver.address[address],
	    w->resolver.address_len[address]);
	if (fd < 0) {
		connect_failed(st, address, -fd);
		return;
	}
	worker_count(w, COUNTER_UPSTREAM_CONNECTS, 1);
	u = upstream_alloc(w, &fd);
	if (u == NULL) {
		fd_close(&fd);
		stream_fail(st, HTTP_FAULT_NO_ROOM, END_MEMORY_SHORT);
		return;
	}
	u->address = address;
	u->begun_us = worker_now_us(w);
	u->stream = st;
	st->upstream = u;
	send_park(u);
	deadline_set(&u->deadline, &w->upstream_connect);
	upstream_rewatch(u);
}

void
upstream_ask(struct stream *st, bool fresh)
{
	struct worker *w = st->w;
	struct upstream *u = w->idle;

	if (fresh || u == NULL) {
		upstream_connect(st, w->resolver.first % w->resolver.count);
		return;
	}
	worker_count(w, COUNTER_UPSTREAM_REUSES, 1);
	u->stream = st;
	u->is_reused = true;
	st->upstream = u;
	begin_request(u);
}

void
upstream_connected(struct upstream *u)
{
	struct stream *st = u->stream;
	uint32_t address = u->address;
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(u->io.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error != 0) {
		upstream_close(u);
		connect_failed(st, address, error);
		return;
	}
	worker_observe_since(u->w, HISTOGRAM_CONNECT, u->begun_us);
	u->w->resolver.first = address;
	if (u->park_seq != 0 && !channel_sent(&u->w->channel, u->park_seq)) {
		upstream_set_state(u, UPSTREAM_PARKING);
		upstream_rewatch(u);
		return;
	}
	begin_request(u);
}

void
upstream_parked(struct worker *w)
{
	struct upstream *u, *next;

	for (u = w->parking; u != NULL; u = next) {
		next = u->next;
		if (!channel_sent(&w->channel, u->park_seq))
			continue;
		work_on_stream(u->stream, WORK_CONNECT);
		begin_request(u);
	}
}

void
upstream_on_connect_due(struct deadline *d)
{
	struct upstream *u = container_of(d, struct upstream, deadline);
	struct stream *st = u->stream;
	uint32_t address = u->address;

	work_on_stream(st, WORK_TIMER);
	upstream_close(u);
	connect_failed(st, address, ETIMEDOUT);
}
