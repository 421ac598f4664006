/*
 * adopt.c - going on with what a dead worker left.
 *
 * Everything is reached from the clients' committed states, from streams that
 * live without one (rooted), and from sessions.
 *
 * Three passes, each of which may be cut short by a death and begun again by
 * the next successor:
 *
 *  1. take over: every record and block that a client's committed state
 *     reaches becomes ours, and gets this process's share of it;
 *  2. sweep: what the dead owned and nothing reaches is free;
 *  3. settle: ask the kernel what was sent and taken, feed the bytes that
 *     were received but not committed, and go on.
 *
 * Nothing is received before the third pass is over, so the windows of the
 * dead, one of which is our own, still hold what was in hand.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/tcp_count.h"
#include "worker/adopt.h"
#include "worker/client.h"
#include "worker/legacy.h"
#include "worker/refuse.h"
#include "worker/session.h"
#include "worker/stream.h"
#include "worker/upstream.h"

struct adoption {
	struct worker *w;
	const struct worker_start *start;
	uint32_t client;  /* the slot whose blocks are being inherited */
	int *upstream_fd; /* by slot, + 1; 0: none was inherited */
	uint32_t adopted, closed, broken;
};

/* --- 1. take over ------------------------------------------------------- */

static void
inherit(struct adoption *a, struct claim *c, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < a->start->dead_count; i++) {
		if (claim_inherit(c, index, a->start->dead[i]))
			return;
	}
	/* Blocks that were on their way to another worker, or from one. */
	if (c == &a->w->arena.claim)
		(void)claim_inherit(c, index, owner_of_travelling(a->client));
}

static void
inherit_block(void *context, uint32_t index)
{
	struct adoption *a = context;

	inherit(a, &a->w->arena.claim, index);
}

static bool
inherit_chain(struct adoption *a, const struct chain *chain)
{
	return chain_visit(&a->w->arena, chain, inherit_block, a) == 0;
}

/* A damaged journal is not sent on: its bytes are somebody else's. */
static bool
inherit_journal(struct adoption *a, const struct journal *j)
{
	return inherit_chain(a, &j->chain) &&
	       journal_verify(&a->w->arena, j) == 0;
}

/* The stream that the client's state names: NULL where it is another's. */
static struct stream *
find_stream(struct client *c, const struct client_state *cs)
{
	const struct shm *shm = c->w->shm;
	const struct stream_state *ss;

	if (cs->stream_ref > shm->sizes.streams)
		return NULL;
	ss = RECORD_STATE(&shm->streams[cs->stream_ref - 1]);
	if (ss->client_ref != c->slot + 1 ||
	    ss->client_generation != c->rec->generation ||
	    ss->request != cs->requests || ss->phase == STREAM_FREE)
		return NULL;
	return stream_revive(c->w, cs->stream_ref - 1, c);
}

/* The connection that the stream names, if its socket was inherited. */
static void
find_upstream(struct adoption *a, struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	struct worker *w = a->w;
	uint32_t slot = ss->upstream_ref - 1;

	if (ss->upstream_ref == 0 || slot >= w->shm->sizes.upstreams ||
	    a->upstream_fd[slot] == 0 ||
	    w->shm->upstreams[slot].generation != ss->upstream_generation)
		return;
	inherit(a, &w->upstreams, slot);
	if (upstream_revive(w, slot, a->upstream_fd[slot] - 1, st) != NULL)
		a->upstream_fd[slot] = 0;
}

/* A stream's record, blocks, connection and session; false: damaged. */
static bool
take_over_parts(struct adoption *a, struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	struct worker *w = a->w;

	inherit(a, &w->streams, st->slot);
	if (!inherit_journal(a, &ss->answer) ||
	    !inherit_journal(a, &ss->prelude) || !inherit_journal(a, &ss->ask))
		return false;
	find_upstream(a, st);
	if (ss->session_ref != 0 && ss->session_ref <= w->shm->sizes.sessions &&
	    w->session_of[ss->session_ref - 1] != NULL)
		session_join(w->session_of[ss->session_ref - 1], st);
	return true;
}

/*
 * The client was about to leave its stream, or to be robbed of it, when its
 * worker died: what it shares with the stream is the stream's.
 */
static void
let_leave(struct client *c, const struct client_state *cs)
{
	const struct stream_state *ss;

	if (cs->stream_ref <= c->w->shm->sizes.streams) {
		ss = RECORD_STATE(&c->w->shm->streams[cs->stream_ref - 1]);
		c->request_taken = ss->asks && ss->ask.chain.first_ref ==
						   cs->out.chain.first_ref;
	}
	client_close(c, END_CLIENT_LEFT, false);
}

static bool
take_over_stream(
    struct adoption *a, struct client *c, const struct client_state *cs)
{
	if (cs->stream_ref == 0)
		return true;
	c->stream = find_stream(c, cs);
	if (c->stream != NULL)
		return take_over_parts(a, c->stream);
	let_leave(c, cs);
	return true;
}

static bool
is_of_the_dead(const struct adoption *a, uint32_t owner)
{
	uint32_t i;

	for (i = 0; i < a->start->dead_count; i++) {
		if (a->start->dead[i] == owner)
			return true;
	}
	return false;
}

/* Sessions come first, for streams belong to them. */
static void
take_over_sessions(struct adoption *a)
{
	struct worker *w = a->w;
	struct session_found found;
	uint32_t slot;
	int error;

	for (slot = 0; slot < w->shm->sizes.sessions; slot++) {
		if (!is_of_the_dead(
			a, atomic_load(&w->shm->session_owners[slot])))
			continue;
		/* Only what can be found by its id was begun for good. */
		error = sessions_find(
		    w->shm, w->self, sessions_id(w->shm, slot), &found);
		if (error == -ENOENT || (error == 0 && found.index != slot))
			continue;
		inherit(a, &w->sessions, slot);
		atomic_store(&w->shm->sessions[slot].home, w->index);
		if (!inherit_chain(
			a, &RECORD_STATE(&w->shm->sessions[slot])->saved) ||
		    session_revive(w, slot) == NULL)
			a->broken++;
	}
}

/* Their limits count from when they began, not from now. */
static void
let_sessions_go_on(struct worker *w)
{
	struct session **all = calloc(w->shm->sizes.sessions, sizeof(*all));
	size_t count = 0;
	uint32_t slot;

	if (all == NULL)
		return; /* they have the whole of their time again */
	for (slot = 0; slot < w->shm->sizes.sessions; slot++) {
		if (w->session_of[slot] != NULL)
			all[count++] = w->session_of[slot];
	}
	session_go_on(w, all, count);
	free(all);
}

/* Streams whose client has left, or that are errands of our own. */
static void
take_over_rooted(struct adoption *a)
{
	struct worker *w = a->w;
	const struct stream_state *ss;
	struct stream *st;
	uint32_t slot;

	for (slot = 0; slot < w->shm->sizes.streams; slot++) {
		if (!is_of_the_dead(
			a, atomic_load(&w->shm->stream_owners[slot])))
			continue;
		ss = RECORD_STATE(&w->shm->streams[slot]);
		if (!ss->rooted || ss->phase == STREAM_FREE)
			continue;
		st = stream_revive(w, slot, NULL);
		if (st != NULL && take_over_parts(a, st))
			continue;
		a->broken++;
		if (st != NULL)
			stream_drop(st, END_RECORD_BROKEN);
	}
}

/* A connection whose record can't be trusted is closed, and only that. */
static void
give_up(struct adoption *a, struct client *c)
{
	a->broken++;
	client_log(c, LOG_LEVEL_ERROR,
	    "its record is damaged: the connection is closed");
	client_close(c, END_RECORD_BROKEN, true);
}

static void
take_over_client(struct adoption *a, const struct worker_inheritance *in)
{
	struct worker *w = a->w;
	const struct client_state *cs;
	struct client *c;
	int fd = in->fd;

	if (in->slot >= w->shm->sizes.clients ||
	    w->client_of[in->slot] != NULL) {
		fd_close(&fd);
		return;
	}
	a->client = in->slot;
	cs = RECORD_STATE(&w->shm->clients[in->slot]);
	if (cs->generation != in->generation) {
		/* Accepted, and its worker died before it began. */
		client_new(w, in->slot, in->generation, in->fd);
		return;
	}
	c = client_revive(w, in->slot, in->fd);
	if (c == NULL) {
		fd_close(&fd);
		return;
	}
	if (cs->phase >= CLIENT_PHASE_COUNT || !inherit_chain(a, &cs->in) ||
	    !inherit_journal(a, &cs->out) || !take_over_stream(a, c, cs))
		give_up(a, c);
}

static void
take_over(struct adoption *a)
{
	const struct worker_start *start = a->start;
	uint32_t i;

	for (i = 0; i < start->inherited_count; i++) {
		if (start->inherited[i].kind == SOCKET_UPSTREAM &&
		    start->inherited[i].slot < a->w->shm->sizes.upstreams)
			a->upstream_fd[start->inherited[i].slot] =
			    start->inherited[i].fd + 1;
	}
	take_over_sessions(a);
	let_sessions_go_on(a->w);
	for (i = 0; i < start->inherited_count; i++) {
		if (start->inherited[i].kind == SOCKET_CLIENT)
			take_over_client(a, &start->inherited[i]);
	}
	take_over_rooted(a);
}

/* --- 2. sweep ----------------------------------------------------------- */

/* Close the connections that no stream names: unused ones, mostly. */
static void
close_unnamed(struct adoption *a)
{
	struct worker *w = a->w;
	struct upstream *u;
	uint32_t slot;

	for (slot = 0; slot < w->shm->sizes.upstreams; slot++) {
		if (a->upstream_fd[slot] == 0)
			continue;
		inherit(a, &w->upstreams, slot);
		u = upstream_revive(w, slot, a->upstream_fd[slot] - 1, NULL);
		if (u == NULL)
			continue;
		upstream_close(u);
		a->closed++;
	}
}

static void
sweep(struct adoption *a)
{
	uint32_t i;

	close_unnamed(a);
	for (i = 0; i < a->start->dead_count; i++) {
		(void)claim_sweep(&a->w->upstreams, a->start->dead[i]);
		(void)claim_sweep(&a->w->streams, a->start->dead[i]);
		(void)claim_sweep(&a->w->sessions, a->start->dead[i]);
		(void)claim_sweep(&a->w->arena.claim, a->start->dead[i]);
		KILL_POINT();
	}
}

/* --- 3. settle ---------------------------------------------------------- */

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

/* Whether workers died of the bytes that come next from there. */
static bool
is_poison(const struct adoption *a, enum hand_kind kind, uint32_t slot,
    uint32_t generation, uint64_t taken)
{
	const struct shm_hand *poison = a->start->poison;

	if (poison == NULL || poison->kind != kind || poison->slot != slot ||
	    poison->generation != generation || poison->taken != taken)
		return false;
	return true;
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
	if (fresh > 0 && window == NULL) {
		/* A reset connection counts the peer's FIN as a byte. */
		if (!count.reset) {
			a->broken++;
			stream_fail(
			    st, HTTP_FAULT_UPSTREAM_LOST, END_RECORD_BROKEN);
			return;
		}
		fresh = 0;
	}
	if (count.reset && got >= 0)
		fresh = MIN(fresh, (uint64_t)got);
	/* Its error may have been taken by the dead; what waits is still there.
	 */
	u->is_reset = count.reset;
	if (fresh > 0 && is_poison(a, HAND_UPSTREAM, u->slot,
			     u->rec->generation, ss->up_taken)) {
		a->broken++;
		stream_log(st, LOG_LEVEL_ERROR,
		    "two workers died of the same bytes of its answer: it "
		    "ends");
		stream_fail(st, HTTP_FAULT_UPSTREAM_GARBLED, END_POISON);
		return;
	}
	if (fresh > 0)
		upstream_feed(u, window, (size_t)fresh);
	if (count.reset && count.waiting == 0 && u->stream != NULL &&
	    u->state == UPSTREAM_BUSY)
		upstream_lost(u, ECONNRESET);
}

/* The same for a stream's journals, the prelude first. */
static bool
settle_stream_sent(struct stream *st, uint64_t sent)
{
	const struct stream_state *ss = stream_state(st);
	struct arena *a = &st->w->arena;
	struct journal_wire form = { .framing = ss->framing };
	uint64_t len;

	stream_rewind(st);
	if (sent < ss->wire)
		return false;
	len = journal_wire_len(a, &ss->prelude, &form);
	if (journal_advance(a, &ss->prelude, &form, &st->prelude,
		MIN(sent - ss->wire, len)) != 0)
		return false;
	st->sent.wire = ss->wire + len;
	if (sent - ss->wire < len)
		return true;
	form = stream_wire(st);
	return journal_advance(
		   a, &ss->answer, &form, &st->sent, sent - st->sent.wire) == 0;
}

/* Where the sending of the answer goes on: false where counts don't fit. */
static bool
settle_sent(struct client *c, uint64_t sent)
{
	const struct client_state *cs = client_state(c);

	if (c->stream != NULL)
		return settle_stream_sent(c->stream, sent);
	if (sent < cs->wire || sent - cs->wire > REFUSAL_MAX)
		return false;
	c->refusal_sent = (size_t)(sent - cs->wire);
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
	if (is_poison(a, HAND_CLIENT, c->slot, c->rec->generation, cs->taken)) {
		a->broken++;
		client_log(c, LOG_LEVEL_ERROR,
		    "two workers died of the same bytes of this client: its "
		    "connection is closed");
		client_close(c, END_POISON, true);
		return true;
	}
	client_feed(c, window, (size_t)fresh);
	return true;
}

static void
settle_stream(struct adoption *a, struct stream *st)
{
	const struct stream_state *ss = stream_state(st);

	if (st->is_settled)
		return; /* a client that returned meanwhile has it now */
	st->is_settled = true;
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
		next = RECORD_BEGIN(st->rec);
		next->client_ref = 0;
		next->answer.notes = 0;
		journal_clear(&a->w->arena, &next->prelude);
		RECORD_COMMIT(st->rec);
		arena_settle(&a->w->arena);
	}
	if (stream_state(st)->role == ROLE_ERRAND)
		stream_note_errand(st);
	else
		deadline_set(&st->kept, &a->w->stream_detach);
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
		give_up(a, c);
		return;
	}
	if (count.reset) {
		client_close(c, END_CLIENT_LEFT, false);
		return;
	}
	if (!settle_sent(c, count.sent) || !settle_taken(a, c, count.taken)) {
		give_up(a, c);
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
		if (c != NULL)
			client_act(c);
	}
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
settle(struct adoption *a)
{
	struct worker *w = a->w;
	uint32_t i;

	/* Clients may come back to these at once. */
	settle_all_rooted(a);
	settle_clients(a);
	/* And these have lost theirs meanwhile: it was found reset. */
	settle_all_rooted(a);
	let_clients_act(a);
	for (i = 0; i < w->shm->sizes.sessions; i++) {
		if (w->session_of[i] != NULL && w->session_of[i]->is_unsettled)
			session_settle(w->session_of[i]);
	}
}

/* --- all of it ---------------------------------------------------------- */

/* For how long nobody has served what is adopted now: the oldest dead's. */
static void
observe_pause(struct worker *w, const struct worker_start *start)
{
	uint64_t ended, oldest = UINT64_MAX;
	uint32_t i, index;

	for (i = 0; i < start->dead_count; i++) {
		index = owner_worker(start->dead[i]);
		if (index >= SHM_WORKERS_MAX)
			continue;
		ended = atomic_load(&w->shm->workers[index].ended_us);
		if (ended != 0)
			oldest = MIN(oldest, ended);
	}
	if (oldest == UINT64_MAX)
		return;
	w->now_us = 0; /* all of this was one turn of the loop */
	worker_observe_since(w, HISTOGRAM_ADOPTION, oldest);
}

static void
note_adoption(const struct adoption *a)
{
	struct worker *w = a->w;

	worker_count(w, COUNTER_ADOPTIONS, 1);
	worker_count(w, COUNTER_ADOPTED, a->adopted);
	worker_count(w, COUNTER_ADOPTED_BROKEN, a->broken);
	observe_pause(w, a->start);
}

static void
say_adopted(struct worker *w, uint32_t dead)
{
	struct msg m;

	msg_init(&m, MSG_ADOPTED);
	m.body.ADOPTED.owner = dead;
	(void)channel_send(&w->channel, &m, -1);
}

void
adopt_all(struct worker *w, const struct worker_start *start)
{
	struct adoption a = { .w = w, .start = start };
	uint64_t begun = clock_ms();
	uint32_t i;

	if (start->dead_count == 0 && start->inherited_count == 0)
		return;
	a.upstream_fd = calloc(w->shm->sizes.upstreams, sizeof(int));
	if (a.upstream_fd == NULL) {
		log_error("adopt: no memory");
		exit(1);
	}
	KILL_POINT();
	take_over(&a);
	KILL_POINT();
	sweep(&a);
	KILL_POINT();
	settle(&a);
	KILL_POINT();
	free(a.upstream_fd);
	note_adoption(&a);
	for (i = 0; i < start->dead_count; i++)
		say_adopted(w, start->dead[i]);
	log_notice("adopted %" PRIu32 " connections in %" PRIu64 " ms; %" PRIu32
		   " unused upstream connections closed, "
		   "%" PRIu32 " records damaged",
	    a.adopted, clock_ms() - begun, a.closed, a.broken);
}
