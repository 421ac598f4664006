/*
 * control_conn.c - one connection of the control socket.
 *
 * Callbacks may close the connection that they run for, so each of them ends
 * with the one call that may.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "supervisor/control_conn.h"

#define MESSAGE_CAP 512
#define GROUPS_MAX 256

#define CONTROL_TO(s) (1u << CONTROL_##s)
static const unsigned next_states[] = {
#define X(state, next) [CONTROL_##state] = (next),
	CONTROL_STATES(X)
#undef X
};

/* --- who asks ------------------------------------------------------------- */

/* Whether the peer is in the group, by its own or one of its further ones. */
static bool
peer_in_group(int fd, const struct ucred *peer, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (peer->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

/*
 * Whether the peer may ask: root, our own user, and user and group that the
 * socket's file belongs to while its mode lets them in.  connect(2) has looked
 * at the file already; this is for those who got around it.
 */
static bool
peer_may_ask(const struct control_conn *conn)
{
	struct stat st;

	if (conn->peer.uid == 0 || conn->peer.uid == geteuid())
		return true;
	if (lstat(conn->control->path, &st) < 0)
		return false;
	if (conn->peer.uid == st.st_uid && (st.st_mode & S_IWUSR) != 0)
		return true;
	return (st.st_mode & S_IWGRP) != 0 &&
	       peer_in_group(conn->io.fd, &conn->peer, st.st_gid);
}

/* --- states ----------------------------------------------------------------
 */

static void
set_state(struct control_conn *conn, enum control_state to)
{
	if (conn->state == to)
		return;
	sc_assert(next_states[conn->state] & (1u << to));
	conn->state = to;
}

static void
set_limit(struct control_conn *conn, double seconds)
{
	ev_timer_stop(conn->control->loop, &conn->limit);
	ev_timer_set(&conn->limit, seconds, 0.);
	ev_timer_start(conn->control->loop, &conn->limit);
}

/* Whether bytes of the answer wait to be sent. */
static bool
has_unsent(const struct control_conn *conn)
{
	return conn->sent < conn->out.len;
}

/*
 * Derive the watchers from the state; the only function that starts and
 * stops them, but for the limit.
 */
static void
rewatch(struct control_conn *conn)
{
	struct ev_loop *loop = conn->control->loop;
	int events = EV_READ; /* to notice a hang-up */

	if (conn->state == CONTROL_WORKING || has_unsent(conn))
		events |= EV_WRITE;
	if (conn->io.events != events) {
		ev_io_stop(loop, &conn->io);
		ev_io_set(&conn->io, conn->io.fd, events);
	}
	ev_io_start(loop, &conn->io);
	if (conn->state == CONTROL_WAITING && !ev_is_active(&conn->again)) {
		ev_timer_set(&conn->again, CONTROL_AGAIN_S, 0.);
		ev_timer_start(loop, &conn->again);
	}
	/* Nobody is waited for: a job may take its time. */
	if (conn->state == CONTROL_WAITING && !has_unsent(conn))
		ev_timer_stop(loop, &conn->limit);
	else if (!ev_is_active(&conn->limit))
		set_limit(conn, CONTROL_STALL_S);
}

void
control_conn_close(struct control_conn *conn)
{
	struct control *c = conn->control;

	ev_io_stop(c->loop, &conn->io);
	ev_timer_stop(c->loop, &conn->limit);
	ev_timer_stop(c->loop, &conn->again);
	if (conn->prev != NULL)
		conn->prev->next = conn->next;
	else
		c->first = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	c->count--;
	if (conn->job_fini != NULL)
		conn->job_fini(conn->job);
	free(conn->job);
	fd_close(&conn->io.fd);
	free(conn->buf);
	free(conn);
	control_room_made(c);
}

/* --- the answer -------------------------------------------------------------
 */

/* Send what the peer takes; false if it is gone. */
static bool
flush(struct control_conn *conn)
{
	ssize_t n;

	while (has_unsent(conn)) {
		n = send(conn->io.fd, conn->out.buf + conn->sent,
		    conn->out.len - conn->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		conn->sent += (size_t)n;
		set_limit(conn, CONTROL_STALL_S);
	}
	conn->sent = conn->out.len = 0;
	return true;
}

/* One slice of the job, if the peer has taken what was there before. */
static void
work(struct control_conn *conn)
{
	if (conn->state != CONTROL_WORKING || has_unsent(conn))
		return;
	switch (conn->step(conn)) {
	case CONTROL_STEP_MORE:
		break;
	case CONTROL_STEP_LATER:
		set_state(conn, CONTROL_WAITING);
		break;
	case CONTROL_STEP_DONE:
		set_state(conn, CONTROL_FLUSHING);
		break;
	}
}

/* Go on as far as it goes; may close the connection. */
static void
go_on(struct control_conn *conn)
{
	bool alive = flush(conn);

	if (alive) {
		work(conn);
		alive = flush(conn);
	}
	if (!alive || (conn->state == CONTROL_FLUSHING && !has_unsent(conn)))
		control_conn_close(conn);
	else
		rewatch(conn);
}

static enum control_step
step_last(struct control_conn *conn, bool is_error, const char *fmt, va_list ap)
{
	char text[MESSAGE_CAP];
	bool fits;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	fits = is_error ? ctl_put_error(&conn->out, text)
			: ctl_put_done(&conn->out, text);
	return fits ? CONTROL_STEP_DONE : CONTROL_STEP_MORE;
}

enum control_step
control_step_done(struct control_conn *conn, const char *fmt, ...)
{
	enum control_step step;
	va_list ap;

	va_start(ap, fmt);
	step = step_last(conn, false, fmt, ap);
	va_end(ap);
	return step;
}

enum control_step
control_step_refuse(struct control_conn *conn, const char *fmt, ...)
{
	enum control_step step;
	va_list ap;

	va_start(ap, fmt);
	step = step_last(conn, true, fmt, ap);
	va_end(ap);
	return step;
}

/* Memory for the answer; false where there is none: nothing can be said. */
static bool
make_room(struct control_conn *conn)
{
	if (conn->buf == NULL) {
		conn->buf = malloc(CTL_OUT_CAP);
		if (conn->buf == NULL)
			return false;
		ctl_out_init(&conn->out, conn->buf, CTL_OUT_CAP);
	}
	return true;
}

static void
finish(struct control_conn *conn, bool is_error, const char *fmt, va_list ap)
{
	if (make_room(conn))
		(void)step_last(conn, is_error, fmt, ap);
	set_state(conn, CONTROL_FLUSHING);
	(void)flush(conn); /* what is left goes with the next turn */
}

void
control_conn_done(struct control_conn *conn, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	finish(conn, false, fmt, ap);
	va_end(ap);
}

void
control_conn_refuse(struct control_conn *conn, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	finish(conn, true, fmt, ap);
	va_end(ap);
}

void
control_conn_work(struct control_conn *conn,
    enum control_step (*step)(struct control_conn *conn), void *job,
    void (*job_fini)(void *job))
{
	conn->step = step;
	conn->job = job;
	conn->job_fini = job_fini;
	if (make_room(conn))
		set_state(conn, CONTROL_WORKING);
	else
		set_state(conn, CONTROL_FLUSHING);
}

/* --- the request ------------------------------------------------------------
 */

/* A whole request is there: answer, or say what is wrong with it. */
static void
take_request(struct control_conn *conn, uint32_t len)
{
	struct ctl_request request;
	const char *why;
	int r =
	    ctl_request_decode(conn->in + CTL_HEAD_LEN, len, &request, &why);

	if (r != 0)
		control_conn_refuse(conn, "%s", why);
	else
		conn->control->on_request(
		    conn->control->context, conn, &request);
	go_on(conn);
}

/* Look at what has come; may close the connection. */
static void
take_bytes(struct control_conn *conn)
{
	uint32_t len;

	if (conn->in_len < CTL_HEAD_LEN)
		return;
	len = ctl_frame_len(conn->in);
	if (len > CTL_REQUEST_MAX || conn->in_len > CTL_HEAD_LEN + len) {
		control_conn_refuse(conn, "not one request");
		go_on(conn);
	} else if (conn->in_len == CTL_HEAD_LEN + len) {
		take_request(conn, len);
	}
}

/* Who has asked has nothing more to say: its end, or too much. */
static void
watch_for_end(struct control_conn *conn)
{
	char byte;
	ssize_t n = recv(conn->io.fd, &byte, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	control_conn_close(conn);
}

static void
on_readable(struct control_conn *conn)
{
	ssize_t n;

	if (conn->state != CONTROL_READING) {
		watch_for_end(conn);
		return;
	}
	n = recv(conn->io.fd, conn->in + conn->in_len,
	    sizeof(conn->in) - conn->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		control_conn_close(conn);
		return;
	}
	conn->in_len += (size_t)n;
	take_bytes(conn);
}

/* --- callbacks --------------------------------------------------------------
 */

static void
on_io(struct ev_loop *loop, ev_io *io, int revents)
{
	struct control_conn *conn = io->data;

	(void)loop;
	/* One or the other: reading may end the connection. */
	if ((revents & EV_WRITE) != 0 && (revents & EV_READ) == 0)
		go_on(conn);
	else
		on_readable(conn);
}

static void
on_limit(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	control_conn_close(timer->data);
}

static void
on_again(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct control_conn *conn = timer->data;

	(void)loop;
	(void)revents;
	if (conn->state != CONTROL_WAITING)
		return;
	set_state(conn, CONTROL_WORKING);
	go_on(conn);
}

/* --- coming -----------------------------------------------------------------
 */

bool
control_conn_make_room(struct control *control)
{
	struct control_conn *conn, *silent = NULL, *deaf = NULL;

	if (control->count < CONTROL_CONNECTIONS_MAX)
		return true;
	for (conn = control->first; conn != NULL; conn = conn->next) {
		if (conn->state == CONTROL_READING)
			silent = conn;
		else if (has_unsent(conn))
			deaf = conn;
	}
	conn = silent != NULL ? silent : deaf;
	if (conn == NULL)
		return false;
	control_conn_close(conn);
	return true;
}

static void
link_conn(struct control *c, struct control_conn *conn)
{
	conn->control = c;
	conn->next = c->first;
	if (c->first != NULL)
		c->first->prev = conn;
	c->first = conn;
	c->count++;
}

void
control_conn_new(struct control *control, int fd)
{
	struct control_conn *conn = calloc(1, sizeof(*conn));
	socklen_t len = sizeof(conn->peer);

	if (conn == NULL) {
		fd_close(&fd);
		return;
	}
	link_conn(control, conn);
	conn->state = CONTROL_READING;
	ev_io_init(&conn->io, on_io, fd, EV_READ);
	ev_timer_init(&conn->limit, on_limit, 0., 0.);
	ev_timer_init(&conn->again, on_again, 0., 0.);
	conn->io.data = conn->limit.data = conn->again.data = conn;
	set_limit(conn, CONTROL_REQUEST_S);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &conn->peer, &len) < 0 ||
	    !peer_may_ask(conn)) {
		log_warning("control socket: uid %d, pid %d may not ask",
		    (int)conn->peer.uid, (int)conn->peer.pid);
		control_conn_refuse(conn, "permission denied");
		go_on(conn);
		return;
	}
	rewatch(conn);
}
