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
#include "worker/adopt.h"
#include "worker/client.h"
#include "worker/legacy.h"
#include "worker/poisoned.h"
#include "worker/session.h"
#include "worker/settle.h"
#include "worker/stream.h"
#include "worker/upstream.h"
#include "worker/work.h"

/* --- 1. take over ------------------------------------------------------- */

/*
 * Whether the word says that a dead one uses the element.  Of our own slot
 * all others are dead, and they may be many: each that died in adoption.
 */
static bool
is_of_the_dead(const struct adoption *a, uint32_t word)
{
	uint32_t i;

	if (claim_is_of_own_slot(word, a->w->self))
		return true;
	for (i = 0; i < a->start->dead_count; i++) {
		if (a->start->dead[i] == word)
			return true;
	}
	return false;
}

static void
inherit(struct adoption *a, struct claim *c, uint32_t index)
{
	uint32_t word = claim_owner(c, index);

	if (is_of_the_dead(a, word))
		(void)claim_inherit(c, index, word);
	/* Blocks that were on their way to another worker, or from one. */
	else if (c == &a->w->arena.claim)
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

/* A damaged journal is not sent on: its bytes are nobody's. */
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

/* What only legacy streams have; false: damaged. */
static bool
take_over_legacy(struct adoption *a, struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	const struct legacy_state *ls;

	if (st->legacy == NULL)
		return !ss->rooted && !ss->resumable && !ss->asks;
	ls = stream_legacy(st, ss);
	return inherit_journal(a, &ls->prelude) && inherit_journal(a, &ls->ask);
}

/* A stream's record, blocks, connection and session; false: damaged. */
static bool
take_over_parts(struct adoption *a, struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	struct worker *w = a->w;

	work_on_stream(st, WORK_ADOPT);
	inherit(a, &w->streams, st->slot);
	/* It may be long: what of it is sent again is verified then. */
	if (!inherit_chain(a, &ss->answer.chain) || !take_over_legacy(a, st))
		return false;
	find_upstream(a, st);
	if (st->legacy != NULL && ss->session_ref != 0 &&
	    ss->session_ref <= w->shm->sizes.sessions &&
	    w->session_of[ss->session_ref - 1] != NULL)
		session_join(w->session_of[ss->session_ref - 1], st);
	return true;
}

/* Whether what the client asks is what the stream asks in its place. */
static bool
is_request_taken(const struct shm *shm, const struct client_state *cs)
{
	uint32_t slot = cs->stream_ref - 1;
	const struct stream_record *rec = &shm->streams[slot];
	const struct journal *ask;

	if (slot >= shm->sizes.streams || rec->era != ERA_LEGACY)
		return false;
	ask = &shm->legacies[slot].state[RECORD_INDEX(rec)].ask;
	return RECORD_STATE(rec)->asks &&
	       ask->chain.first_ref == cs->out.chain.first_ref;
}

/*
 * The client was about to leave its stream, or to be robbed of it, when its
 * worker died: what it shares with the stream is the stream's.
 */
static void
let_leave(struct client *c, const struct client_state *cs)
{
	c->request_taken = is_request_taken(c->w->shm, cs);
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

/* A session that can't even be read is forgotten; its streams end. */
static void
forget_session(struct adoption *a, uint32_t slot)
{
	poisoned_log_end(WORK_ON_SESSION, slot);
	settle_note_poisoned(a);
	(void)!sessions_unlink(a->w->shm, a->w->self, slot);
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
		if (poisoned_session(a->start, w->shm, slot) ==
		    POISONED_FINALLY) {
			forget_session(a, slot);
			continue;
		}
		work_note(w, WORK_ADOPT, WORK_ON_SESSION, slot,
		    w->shm->sessions[slot].generation);
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
		if (poisoned_stream(a->start, w->shm, slot) ==
		    POISONED_FINALLY) {
			/* Nothing reaches it: it is swept.  Its client, if it
			   has one, was told of. */
			if (ss->client_ref == 0) {
				poisoned_log_end(WORK_ON_STREAM, slot);
				settle_note_poisoned(a);
			}
			continue;
		}
		work_note(w, WORK_ADOPT, WORK_ON_STREAM, slot,
		    w->shm->streams[slot].generation);
		st = stream_revive(w, slot, NULL);
		if (st != NULL && take_over_parts(a, st))
			continue;
		a->broken++;
		if (st != NULL)
			stream_drop(st, END_RECORD_BROKEN);
	}
}

/* Whether it, or the answer that it waits for, must not be touched. */
static bool
is_beyond_help(const struct adoption *a, uint32_t slot)
{
	const struct shm *shm = a->w->shm;
	uint32_t stream_ref = RECORD_STATE(&shm->clients[slot])->stream_ref;

	if (poisoned_client(a->start, shm, slot) == POISONED_FINALLY)
		return true;
	return stream_ref != 0 && stream_ref <= shm->sizes.streams &&
	       poisoned_stream(a->start, shm, stream_ref - 1) ==
		   POISONED_FINALLY;
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
	if (is_beyond_help(a, in->slot)) {
		settle_note_poisoned(a);
		poisoned_discard(w, in);
		return;
	}
	work_note(w, WORK_ADOPT, WORK_ON_CLIENT, in->slot, in->generation);
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
		settle_give_up(a, c);
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

/* What a worker of another slot had, whose heir we are. */
static void
sweep_foreign(struct claim *c, uint32_t dead)
{
	if (!claim_is_of_own_slot(dead, c->self))
		(void)claim_sweep(c, dead);
}

static void
sweep(struct adoption *a)
{
	struct claim *const tables[] = { &a->w->upstreams, &a->w->streams,
		&a->w->sessions, &a->w->arena.claim };
	uint32_t i, k;

	close_unnamed(a);
	for (i = 0; i < ARRAY_LEN(tables); i++) {
		(void)claim_sweep_own_slot(tables[i]);
		KILL_POINT();
		for (k = 0; k < a->start->dead_count; k++)
			sweep_foreign(tables[i], a->start->dead[k]);
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

/*
 * No successor lives to adopt any of it: let it all go.  What the dead had
 * claimed in shared memory waits for the next adoption's sweep.
 */
static void
give_up_all(struct adoption *a)
{
	uint32_t i;

	log_error("workers died of adopting, again and again: %" PRIu32
		  " connections are given up",
	    a->start->inherited_count);
	for (i = 0; i < a->start->inherited_count; i++)
		poisoned_discard(a->w, &a->start->inherited[i]);
}

static void
adopt(struct adoption *a)
{
	KILL_POINT();
	take_over(a);
	KILL_POINT();
	work_on_nothing(a->w, WORK_ADOPT);
	sweep(a);
	KILL_POINT();
	settle_all(a);
	KILL_POINT();
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
	work_on_nothing(w, WORK_ADOPT);
	a.upstream_fd = calloc(w->shm->sizes.upstreams, sizeof(int));
	if (a.upstream_fd == NULL) {
		log_error("adopt: no memory");
		exit(1);
	}
	if (poisoned_adoption(start))
		give_up_all(&a);
	else
		adopt(&a);
	free(a.upstream_fd);
	note_adoption(&a);
	for (i = 0; i < start->dead_count; i++)
		say_adopted(w, start->dead[i]);
	log_notice("adopted %" PRIu32 " connections in %" PRIu64 " ms; %" PRIu32
		   " unused upstream connections closed, "
		   "%" PRIu32 " records damaged",
	    a.adopted, clock_ms() - begun, a.closed, a.broken);
}
