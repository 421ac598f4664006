/*
 * scrape_conn.c - one connection of a scraper.
 *
 * Callbacks may close the connection that they run for, so each of them ends
 * with the one call that may.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/fd.h"
#include "common/http_names.h"
#include "common/http_origin.h"
#include "supervisor/metrics.h"
#include "supervisor/scrape_conn.h"
#include "supervisor/state.h"

/* Room for the head of an answer. */
#define HEAD_CAP 512u

#define SCRAPE_TO(s) (1u << SCRAPE_##s)
static const unsigned next_states[] = {
#define X(state, next) [SCRAPE_##state] = (next),
	SCRAPE_STATES(X)
#undef X
};

/* --- states --------------------------------------------------------------- */

static void
set_state(struct scrape_conn *conn, enum scrape_state to)
{
	sc_assert(next_states[conn->state] & (1u << to));
	conn->state = to;
}

static struct ev_loop *
loop_of(const struct scrape_conn *conn)
{
	return conn->scrape->sv->loop;
}

/* Derive the watcher from the state; the only function that starts it. */
static void
rewatch(struct scrape_conn *conn)
{
	bool writes =
	    conn->state == SCRAPE_COUNTING || conn->state == SCRAPE_SENDING;
	int events = writes ? EV_WRITE : EV_READ;

	if (conn->io.events != events) {
		ev_io_stop(loop_of(conn), &conn->io);
		ev_io_set(&conn->io, conn->io.fd, events);
	}
	ev_io_start(loop_of(conn), &conn->io);
}

static void
set_limit(struct scrape_conn *conn, double seconds)
{
	ev_timer_stop(loop_of(conn), &conn->limit);
	ev_timer_set(&conn->limit, seconds, 0.);
	ev_timer_start(loop_of(conn), &conn->limit);
}

void
scrape_conn_close(struct scrape_conn *conn)
{
	struct scrape *s = conn->scrape;

	ev_io_stop(loop_of(conn), &conn->io);
	ev_timer_stop(loop_of(conn), &conn->limit);
	*(conn->prev != NULL ? &conn->prev->next : &s->first) = conn->next;
	*(conn->next != NULL ? &conn->next->prev : &s->last) = conn->prev;
	s->count--;
	fd_close(&conn->io.fd);
	free(conn->out);
	free(conn);
	scrape_room_made(s);
}

/* --- the answer ------------------------------------------------------------
 */

/* Make the answer of a head and this body, which stands at out + HEAD_CAP. */
static void
finish_answer(struct scrape_conn *conn, unsigned status, size_t body_len)
{
	char head[HEAD_CAP];
	int len;

	len = snprintf(head, sizeof(head),
	    "HTTP/1.1 %u %s\r\n"
	    "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
	    "Content-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n"
	    "%s"
	    "Connection: close\r\n\r\n",
	    status, http_status_reason(status), body_len,
	    status == 405 ? "Allow: GET, HEAD\r\n" : "");
	conn->sent = HEAD_CAP - (size_t)len;
	memcpy(conn->out + conn->sent, head, (size_t)len);
	conn->out_len = HEAD_CAP + (conn->request.head_only ? 0 : body_len);
	set_state(conn, SCRAPE_SENDING);
}

/* Room for a body of so many bytes; false: no memory. */
static bool
make_room(struct scrape_conn *conn, size_t body_cap)
{
	conn->out = malloc(HEAD_CAP + body_cap);
	return conn->out != NULL;
}

/* Answer with a line; false: no memory. */
static bool
answer(struct scrape_conn *conn, unsigned status, const char *text)
{
	size_t len = strlen(text);

	if (!make_room(conn, len + 1))
		return false;
	memcpy(conn->out + HEAD_CAP, text, len);
	conn->out[HEAD_CAP + len] = '\n';
	finish_answer(conn, status, len + 1);
	return true;
}

/* Count on; when all is counted, answer with it.  False: no memory. */
static bool
count(struct scrape_conn *conn)
{
	const struct supervisor *sv = conn->scrape->sv;

	if (!tally_step(&conn->tally, &sv->shm))
		return true;
	if (!make_room(conn, METRICS_CAP))
		return false;
	finish_answer(conn, 200,
	    metrics_write(sv, &conn->tally, conn->out + HEAD_CAP, METRICS_CAP));
	return true;
}

/*
 * Why it should get no traffic; NULL: it should.  A worker that has died once
 * in the last minute counts as one that is there: it is being replaced, and
 * its clients wait for milliseconds.  The upstream's health is not asked: who
 * is in front of us can do nothing about it, and streams go on when it is back.
 */
static const char *
why_not_ready(const struct supervisor *sv)
{
	if (sv->state == SUPERVISOR_STARTING)
		return "starting";
	if (sv->state != SUPERVISOR_RUNNING)
		return "stopping";
	for (uint32_t i = 0; i < sv->workers.wanted; i++) {
		const struct worker_slot *w = &sv->workers.rows[i];

		if (w->state == WORKER_READY || w->fails <= 1)
			return NULL;
	}
	return "no worker is ready";
}

static bool
answer_ready(struct scrape_conn *conn)
{
	const char *why = why_not_ready(conn->scrape->sv);

	return answer(conn, why == NULL ? 200 : 503, why == NULL ? "ok" : why);
}

/*
 * Web pages may make a browser ask here under a name of their own (DNS
 * rebinding).  On other addresses than loopback anybody may ask, and probes
 * know no names.
 */
static bool
host_is_allowed(const struct scrape_conn *conn)
{
	const struct conf_list *hosts =
	    &conn->scrape->sv->conf->security_allowed_hosts;
	struct http_access access = {
		.loopback = true,
		.hosts = (const char *const *)hosts->items,
		.host_count = hosts->count,
	};

	return !conn->is_on_loopback ||
	       http_host_allowed(&access, conn->request.host);
}

/* A request is there, or what should have been one: false: no memory. */
static bool
take_request(struct scrape_conn *conn, unsigned status)
{
	if (status != 200)
		return answer(conn, status, http_status_reason(status));
	if (!host_is_allowed(conn))
		return answer(conn, 403,
		    "the Host is not allowed here (security.allowed_hosts)");
	switch (conn->request.target) {
	case SCRAPE_METRICS:
		set_state(conn, SCRAPE_COUNTING);
		return count(conn);
	case SCRAPE_HEALTH:
		/* That this line is reached is what was asked. */
		return answer(conn, 200, "ok");
	case SCRAPE_READY:
		return answer_ready(conn);
	case SCRAPE_TARGET_COUNT:
		break;
	}
	return false;
}

/* --- callbacks --------------------------------------------------------------
 */

/* What came; false where the connection is of no more use. */
static bool
read_some(struct scrape_conn *conn)
{
	ssize_t n = recv(conn->io.fd, conn->in + conn->in_len,
	    sizeof(conn->in) - conn->in_len, MSG_DONTWAIT);
	unsigned status;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	conn->in_len += (size_t)n;
	status = scrape_request_read(conn->in, conn->in_len, &conn->request);
	return status == 0 || take_request(conn, status);
}

/* Unread bytes would make close() a reset, which destroys the answer. */
static bool
drop_some(struct scrape_conn *conn)
{
	ssize_t n = recv(conn->io.fd, conn->in, sizeof(conn->in), MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool
send_some(struct scrape_conn *conn)
{
	ssize_t n;

	n = send(conn->io.fd, conn->out + conn->sent,
	    conn->out_len - conn->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	conn->sent += (size_t)n;
	if (conn->sent < conn->out_len)
		return true;
	(void)shutdown(conn->io.fd, SHUT_WR);
	set_state(conn, SCRAPE_LINGERING);
	set_limit(conn, SCRAPE_LINGER_S);
	return true;
}

static void
on_io(struct ev_loop *loop, ev_io *io, int revents)
{
	static bool (*const steps[])(struct scrape_conn *) = {
		[SCRAPE_READING] = read_some,
		[SCRAPE_COUNTING] = count,
		[SCRAPE_SENDING] = send_some,
		[SCRAPE_LINGERING] = drop_some,
	};
	struct scrape_conn *conn = io->data;

	(void)loop;
	(void)revents;
	if (steps[conn->state](conn))
		rewatch(conn);
	else
		scrape_conn_close(conn);
}

static void
on_limit(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	scrape_conn_close(timer->data);
}

/* Whether bytes wait to be read. */
static bool
has_unread(const struct scrape_conn *conn)
{
	char byte;

	return recv(conn->io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool
scrape_conn_has_had_its_time(const struct scrape_conn *conn)
{
	if (conn->since >= ev_now(loop_of(conn)) - SCRAPE_PATIENCE_S)
		return false;
	return conn->state == SCRAPE_LINGERING ||
	       (conn->state == SCRAPE_READING && !has_unread(conn));
}

/* --- coming -----------------------------------------------------------------
 */

static void
link_conn(struct scrape *s, struct scrape_conn *conn)
{
	conn->scrape = s;
	conn->next = s->first;
	*(s->first != NULL ? &s->first->prev : &s->last) = conn;
	s->first = conn;
	s->count++;
}

void
scrape_conn_new(struct scrape *s, int fd)
{
	struct scrape_conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL) {
		fd_close(&fd);
		return;
	}
	link_conn(s, conn);
	conn->is_on_loopback = fd_is_on_loopback(fd);
	conn->since = ev_now(s->sv->loop);
	ev_io_init(&conn->io, on_io, fd, EV_READ);
	ev_timer_init(&conn->limit, on_limit, 0., 0.);
	conn->io.data = conn->limit.data = conn;
	set_limit(conn, SCRAPE_LIMIT_S);
	rewatch(conn);
}
