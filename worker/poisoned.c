/*
 * poisoned.c - ending what workers died of.
 */
#include "config.h"

#include <inttypes.h>
#include <sys/socket.h>

#include "common/fd.h"
#include "common/log.h"
#include "worker/client.h"
#include "worker/poisoned.h"
#include "worker/report.h"
#include "worker/request.h"
#include "worker/session.h"
#include "worker/stream.h"

/* --- the verdicts ------------------------------------------------------- */

static enum poisoned
find(const struct worker_start *start, const struct work_place *place)
{
	const struct work_verdict *v = start->verdicts;

	for (; v < start->verdicts + start->verdict_count; v++) {
		if (v->place.kind == place->kind &&
		    v->place.slot == place->slot &&
		    v->place.generation == place->generation &&
		    v->place.position == place->position)
			return v->is_final ? POISONED_FINALLY : POISONED_GENTLY;
	}
	return POISONED_NOT;
}

enum poisoned
poisoned_client(
    const struct worker_start *start, const struct shm *shm, uint32_t slot)
{
	const struct client_record *rec = &shm->clients[slot];
	struct work_place place = { WORK_ON_CLIENT, slot, rec->generation,
		RECORD_STATE(rec)->taken };

	return find(start, &place);
}

enum poisoned
poisoned_stream(
    const struct worker_start *start, const struct shm *shm, uint32_t slot)
{
	const struct stream_record *rec = &shm->streams[slot];
	struct work_place place = { WORK_ON_STREAM, slot, rec->generation,
		RECORD_STATE(rec)->up_taken };

	return find(start, &place);
}

enum poisoned
poisoned_session(
    const struct worker_start *start, const struct shm *shm, uint32_t slot)
{
	const struct session_record *rec = &shm->sessions[slot];
	struct work_place place = { WORK_ON_SESSION, slot, rec->generation,
		atomic_load(&rec->used_ms) };

	return find(start, &place);
}

bool
poisoned_adoption(const struct worker_start *start)
{
	struct work_place place = { .kind = WORK_ON_NOTHING };

	return find(start, &place) != POISONED_NOT;
}

/* --- by force ----------------------------------------------------------- */

void
poisoned_log_end(enum work_kind kind, uint32_t slot)
{
	log_error("end reason=%s %s slot=%" PRIu32
		  ": workers died of it, again and again",
	    end_reason_word(END_POISON), work_kind_text(kind), slot);
}

/* At once: who knows how long this worker lives. */
static void
tell_of_discarded(struct worker *w, const struct worker_inheritance *in)
{
	struct msg m;

	if (in->kind == SOCKET_CLIENT) {
		farewell_say(&w->farewell, in->slot, in->generation);
		farewell_flush(&w->farewell);
		return;
	}
	msg_init(&m, MSG_UNPARK);
	m.body.UNPARK.slot = in->slot;
	m.body.UNPARK.generation = in->generation;
	(void)channel_send(&w->channel, &m, -1);
}

void
poisoned_discard(struct worker *w, const struct worker_inheritance *in)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	int fd = in->fd;

	if (in->kind == SOCKET_CLIENT)
		poisoned_log_end(WORK_ON_CLIENT, in->slot);
	/* It goes with the last descriptor, which is the supervisor's. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	tell_of_discarded(w, in);
	fd_close(&fd);
}

/* --- in good order ------------------------------------------------------ */

/* Whether the client is still asking, so that it can be answered. */
static bool
can_be_answered(const struct client *c)
{
	uint8_t phase = client_state(c)->phase;

	return phase == CLIENT_HEAD || phase == CLIENT_BODY;
}

void
poisoned_end_client(struct client *c, uint64_t taken)
{
	struct client_state *next;
	struct stream *st = c->stream;

	client_log(c, LOG_LEVEL_ERROR,
	    "end reason=%s: workers died of it, again and again",
	    end_reason_word(END_POISON));
	if (!can_be_answered(c)) {
		client_close(c, END_POISON, true);
		return;
	}
	next = RECORD_BEGIN(c->rec);
	next->taken = taken;
	if (next->phase == CLIENT_HEAD)
		request_refuse_head(c, next, HTTP_FAULT_POISON);
	else
		request_refuse(c, next, HTTP_FAULT_POISON);
	RECORD_COMMIT(c->rec);
	arena_settle(&c->w->arena);
	c->stream = NULL;
	if (st != NULL)
		stream_drop(st, END_POISON);
}

void
poisoned_end_stream(struct stream *st)
{
	stream_log(st, LOG_LEVEL_ERROR, "workers died of it, again and again");
	/* What it was to tell is not told, but the session ends all the same.
	 */
	if (stream_state(st)->role == ROLE_ERRAND && st->session != NULL)
		session_end(st->session, END_POISON, false);
	stream_cut(st, HTTP_FAULT_POISON, END_POISON);
}

void
poisoned_end_session(struct session *s)
{
	session_end(s, END_POISON, false);
}
