/*
 * settle.c - the third pass of adoption: ask the kernel what was sent and
 * taken, feed the bytes that were received but not committed, and go on.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/tcp_count.h"
#include "worker/client.h"
#include "worker/legacy.h"
#include "worker/poisoned.h"
#include "worker/refuse.h"
#include "worker/session.h"
#include "worker/settle.h"
#include "worker/stream.h"
#include "worker/upstream.h"
#include "worker/work.h"

void
settle_note_poisoned(struct adoption *a)
{
	a->broken++;
	worker_count(a->w, COUNTER_POISONED, 1);
}

void
settle_give_up(struct adoption *a, struct client *c)
{
	a->broken++;
	client_log(c, LOG_LEVEL_ERROR,
	    "its record is damaged: the connection is closed");
	client_close(c, END_RECORD_BROKEN, true);
}

/*
 * The bytes that a dead worker had received and not committed: `len` of them
 * from the socket of this record, of which `taken` were committed.  NULL
 * where no window holds them.  *ret_got is what recv() returned, -1 where
 * the worker died before it could be noted.
 */
static const char *
in_hand(const struct adoption *a, enum hand_kind kind, uint32_t slot,
    uint32_t generation, uint64_t taken, uint64_t len, int32_t *ret_got)
{
	const struct shm *shm = a->w->shm;
	const struct shm_hand *hand;
	uint32_t i, index;

	for (i = 0; i < a->start->dead_count; i++) {
		index = owner_worker(a->start->dead[i]);
		if (index >= SHM_WORKERS_MAX)
			continue;
		hand = &shm->workers[index].hand;
		if (hand->kind == kind && hand->slot == slot &&
		    hand->generation == generation && hand->taken == taken &&
		    len <= SHM_WINDOW_SIZE) {
			*ret_got = hand->got;
			return shm_window(shm, index);
		}
	}
	return NULL;
}

/* Where the sending of the request goes on: 0 or -EBADMSG. */
static int
settle_asked(struct upstream *u, const struct tcp_count *count)
{
	struct stream *st = u->stream;
	const struct stream_state *ss = stream_state(st);
	struct journal_wire form;
	uint64_t dropped, sent = count->sent - ss->up_base;
	const struct journal *request = stream_request(st, &form, &dropped);

	if (request == NULL)
		return 0;
	journal_cursor_init(&st->asked, &u->w->arena, request, dropped);
	if (count->sent < ss->up_base || sent < dropped)
		return -EBADMSG;
	return journal_advance(
	    &u->w->arena, request, &form, &st->asked, sent - dropped);
}

/*
 * A connection that was reset counts the peer's FIN as a byte, if that came
 * first: then nothing is missing, and the reset means nothing.  *fresh
 * becomes the bytes that there are.
 */
static bool
ended_before_reset(const char *window, int32_t got, uint64_t *fresh)
{
	uint64_t bytes = *fresh;
	bool ended;

	if (window == NULL)
		bytes = 0;
	else if (got >= 0)
		bytes = MIN(bytes, (uint64_t)got);
	ended = *fresh == bytes + 1;
	*fresh = bytes;
	return ended;
}

static void
settle_upstream(struct adoption *a, struct upstream *u)
{
	struct stream *st = u->stream;
	const struct stream_state *ss = stream_state(st);
	struct tcp_count count;
	const char *window;
	int32_t got = -1;
	uint64_t fresh;

	u->taken = ss->up_taken;
	if (tcp_count(u->io.fd, TCP_CONNECTED, &count) != 0 ||
	    count.taken < ss->up_taken || settle_asked(u, &count) != 0) {
		a->broken++;
		stream_fail(st, HTTP_FAULT_UPSTREAM_LOST, END_RECORD_BROKEN);
		return;
	}
	u->sent = count.sent;
	fresh = count.taken - ss->up_taken;
	window = in_hand(a, HAND_UPSTREAM, u->slot, u->rec->generation,
	    ss->up_taken, fresh, &got);
	if (count.reset) {
		count.reset = !ended_before_reset(window, got, &fresh);
	} else if (fresh > 0 && window == NULL) {
		a->broken++;
		stream_fail(st, HTTP_FAULT_UPSTREAM_LOST, END_RECORD_BROKEN);
		return;
	}
	/* Its error may have been taken by the dead; what waits is still there.
	 */
	u->is_reset = count.reset;
	work_on_stream(st, WORK_RECEIVE_UPSTREAM);
	if (fresh > 0)
		upstream_feed(u, window, (size_t)fresh);
	if (count.reset && count.waiting == 0 && u->stream != NULL &&
	    u->state == UPSTREAM_BUSY)
		upstream_lost(u, ECONNRESET);
}

/* Where the sending of the answer goes on: false where counts don't fit. */
static bool
settle_sent(struct client *c, uint64_t sent)
{
	const struct client_state *cs = client_state(c);

	if (c->stream != NULL)
		return stream_go_on_at(c->stream, sent);
	if (sent < cs->wire || sent - cs->wire > REFUSAL_MAX)
		return false;
	c->refusal_sent = (uint16_t)(sent - cs->wire);
	return cs->refusal != 0 || c->refusal_sent == 0;
}

/* Bytes that were received from the client and not committed. */
static bool
settle_taken(struct adoption *a, struct client *c, uint64_t taken)
{
	const struct client_state *cs = client_state(c);
	const char *window;
	int32_t got;
	uint64_t fresh;

	if (taken < cs->taken)
		return false;
	fresh = taken - cs->taken;
	if (fresh == 0)
		return true;
	window = in_hand(a, HAND_CLIENT, c->slot, c->rec->generation, cs->taken,
	    fresh, &got);
	if (window == NULL)
		return false;
	work_on_client(c, WORK_RECEIVE_CLIENT);
	client_feed(c, window, (size_t)fresh);
	return true;
}

/* Whether workers died of it, or of the session that it belongs to. */
static bool
is_poisoned(const struct adoption *a, const struct stream *st)
{
	const struct shm *shm = a->w->shm;
	uint32_t session_ref = stream_state(st)->session_ref;

	if (poisoned_stream(a->start, shm, st->slot) != POISONED_NOT)
		return true;
	return session_ref != 0 && session_ref <= shm->sizes.sessions &&
	       poisoned_session(a->start, shm, session_ref - 1) ==
		   POISONED_FINALLY;
}

static void
settle_stream(struct adoption *a, struct stream *st)
{
	const struct stream_state *ss = stream_state(st);

	if (st->is_settled)
		return; /* a client that returned meanwhile has it now */
	work_on_stream(st, WORK_ADOPT);
	st->is_settled = true;
	if (is_poisoned(a, st)) {
		settle_note_poisoned(a);
		poisoned_end_stream(st);
		return;
	}
	if (ss->fault != 0)
		return; /* what the upstream does matters no more */
	legacy_adopted(st);
	if (st->upstream != NULL)
		settle_upstream(a, st->upstream);
	else if (ss->upstream_ref != 0)
		/* It carried bytes, and its socket is lost: never again. */
		stream_fail(st, HTTP_FAULT_UPSTREAM_LOST, END_UPSTREAM_LOST);
	else if (ss->phase == STREAM_RESUMING)
		stream_start(st);
	/* What its status means may not have been seen to. */
	if (!st->is_dead)
		legacy_observe(st);
}

/* A stream without a client: what was under way when it lost it goes on. */
static void
settle_rooted(struct adoption *a, struct stream *st)
{
	struct stream_state *next;

	if (stream_state(st)->client_ref != 0) {
		next = stream_next(st);
		legacy_let_client_go(st, next);
		RECORD_COMMIT(st->rec);
		arena_settle(&a->w->arena);
	}
	if (stream_state(st)->role == ROLE_ERRAND)
		stream_note_errand(st);
	else if (st->legacy->kept.next == NULL)
		deadline_set(&st->legacy->kept, &a->w->stream_detach);
	settle_stream(a, st);
	if (!st->is_dead && st->upstream == NULL &&
	    stream_state(st)->phase == STREAM_WAITING)
		stream_start(st);
	if (!st->is_dead && stream_is_abandoned(st))
		stream_drop(st, END_CLIENT_LEFT);
	if (!st->is_dead && st->upstream != NULL)
		upstream_flush(st->upstream);
}

static void
settle_client(struct adoption *a, struct client *c)
{
	const struct client_state *cs = client_state(c);
	struct tcp_count count;

	work_on_client(c, WORK_ADOPT);
	if (cs->phase == CLIENT_CLOSING || cs->phase == CLIENT_FREE) {
		client_close(c, END_CLIENT_LEFT, false);
		return;
	}
	if (cs->phase == CLIENT_LINGER && c->stream == NULL &&
	    cs->refusal == 0) {
		/* Our FIN may be out, so nothing can be counted: not needed. */
		return;
	}
	if (tcp_count(c->io.fd, TCP_ACCEPTED, &count) != 0) {
		settle_give_up(a, c);
		return;
	}
	if (count.reset) {
		client_close(c, END_CLIENT_LEFT, false);
		return;
	}
	if (!settle_sent(c, count.sent)) {
		settle_give_up(a, c);
		return;
	}
	if (poisoned_client(a->start, c->w->shm, c->slot) != POISONED_NOT) {
		settle_note_poisoned(a);
		poisoned_end_client(c, count.taken);
		return;
	}
	if (!settle_taken(a, c, count.taken)) {
		settle_give_up(a, c);
		return;
	}
	a->adopted++;
	/* What was in hand may have ended it: client_act() drops it then. */
	if (c->stream != NULL && client_state(c)->stream_ref != 0)
		settle_stream(a, c->stream);
}

/* Whether a dead worker was about to receive from this client. */
static bool
is_in_hand(const struct adoption *a, const struct client *c)
{
	const struct shm_hand *hand;
	uint32_t i, index;

	for (i = 0; i < a->start->dead_count; i++) {
		index = owner_worker(a->start->dead[i]);
		if (index >= SHM_WORKERS_MAX)
			continue;
		hand = &a->w->shm->workers[index].hand;
		if (hand->kind == HAND_CLIENT && hand->slot == c->slot &&
		    hand->generation == c->rec->generation)
			return true;
	}
	return false;
}

/* The inherited client, unless it is gone, or new and at work already. */
static struct client *
inherited_client(const struct adoption *a, uint32_t i)
{
	const struct worker_inheritance *in = &a->start->inherited[i];
	struct client *c;

	if (in->kind != SOCKET_CLIENT || in->slot >= a->w->shm->sizes.clients)
		return NULL;
	c = a->w->client_of[in->slot];
	return c != NULL && !c->is_closing ? c : NULL;
}

/*
 * Bytes in hand may ask for any stream, so they come when all others are
 * settled; requests that wait in `in` come later still.
 */
static void
settle_clients(struct adoption *a)
{
	uint32_t i, pass, count = a->start->inherited_count;
	struct client *c;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < count; i++) {
			c = inherited_client(a, i);
			if (c != NULL && !c->is_settled &&
			    is_in_hand(a, c) == (pass == 1)) {
				c->is_settled = true;
				settle_client(a, c);
			}
		}
	}
}

static void
let_clients_act(struct adoption *a)
{
	struct client *c;
	uint32_t i;

	for (i = 0; i < a->start->inherited_count; i++) {
		c = inherited_client(a, i);
		if (c == NULL)
			continue;
		work_on_client(c, WORK_ADOPT);
		client_act(c);
	}
}

static int
by_leaving(const void *a, const void *b)
{
	const struct stream *one = *(struct stream *const *)a;
	const struct stream *two = *(struct stream *const *)b;
	uint64_t mine = stream_legacy(one, stream_state(one))->left_ms;
	uint64_t its = stream_legacy(two, stream_state(two))->left_ms;

	return (mine > its) - (mine < its);
}

/*
 * How long streams wait for their clients counts from when these left.  In
 * that order, for each is put behind those that are due before it.
 */
static void
let_streams_wait_on(struct worker *w)
{
	struct stream **all = calloc(w->shm->sizes.streams, sizeof(*all));
	uint32_t i, count = 0;

	if (all == NULL)
		return; /* they have the whole of their time again */
	for (i = 0; i < w->shm->sizes.streams; i++) {
		struct stream *st = w->stream_of[i];

		if (st != NULL && !st->is_settled && st->client == NULL &&
		    stream_state(st)->client_ref == 0 &&
		    stream_state(st)->role != ROLE_ERRAND)
			all[count++] = st;
	}
	qsort(all, count, sizeof(*all), by_leaving);
	for (i = 0; i < count; i++)
		deadline_set_since(&all[i]->legacy->kept, &w->stream_detach,
		    stream_legacy(all[i], stream_state(all[i]))->left_ms);
	free(all);
}

static void
settle_all_rooted(struct adoption *a)
{
	struct worker *w = a->w;
	struct stream *st;
	uint32_t i;

	for (i = 0; i < w->shm->sizes.streams; i++) {
		st = w->stream_of[i];
		if (st != NULL && st->client == NULL && !st->is_settled)
			settle_rooted(a, st);
	}
}

static void
settle_adopted_session(struct adoption *a, struct session *s)
{
	work_on_session(s, WORK_ADOPT);
	if (poisoned_session(a->start, a->w->shm, s->slot) != POISONED_NOT) {
		settle_note_poisoned(a);
		s->is_unsettled = false;
		poisoned_end_session(s);
	}
	session_settle(s);
}

void
settle_all(struct adoption *a)
{
	struct worker *w = a->w;
	uint32_t i;

	let_streams_wait_on(w);
	/* Clients may come back to these at once. */
	settle_all_rooted(a);
	settle_clients(a);
	/* And these have lost theirs meanwhile: it was found reset. */
	settle_all_rooted(a);
	let_clients_act(a);
	for (i = 0; i < w->shm->sizes.sessions; i++) {
		if (w->session_of[i] != NULL && w->session_of[i]->is_unsettled)
			settle_adopted_session(a, w->session_of[i]);
	}
}
