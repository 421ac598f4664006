/*
 * stream.h - one relayed answer: from a complete request head to the last
 * byte of the answer handed to the kernel.
 *
 * The stream's record holds what must survive this process; struct stream
 * holds what can be found again.  A stream is made by stream_new() and ends,
 * whatever the cause, in stream_finish() (its answer is sent) or
 * stream_drop() (nobody is left to send to).
 */
#ifndef WORKER_STREAM_H
#define WORKER_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/end_reasons.h"
#include "common/journal_marks.h"
#include "common/journal_wire.h"
#include "common/record.h"
#include "worker/context.h"
#include "worker/report.h"

struct stream {
	struct grave grave;
	struct worker *w;
	struct stream_record *rec;
	struct client *client;        /* NULL: it has left, or there is none */
	struct upstream *upstream;    /* NULL: none yet, or none any more */
	struct session *session;      /* NULL: it belongs to none */
	struct stream_legacy *legacy; /* NULL: it is of another era */
	struct stream *next_waiting;
	struct journal_cursor sent;  /* of the answer, to the client */
	struct journal_cursor asked; /* of the request, to the upstream */
	uint32_t new_events;         /* not counted yet: events_tell() */
	uint32_t slot;
	uint64_t answered_us; /* the answer's head came; 0: not known */
	uint8_t tries;        /* upstream addresses that failed for it */
	bool is_waiting;      /* stands in w->waiting */
	bool is_settled;      /* adopt.c has come to it */
	bool is_dead;         /* its record is freed */
	bool is_logged;       /* its end is */
};

/* What a stream of the legacy era has besides: made and freed with it. */
struct stream_legacy {
	struct stream *st; /* whose it is */
	struct legacy_record *rec;
	struct client *prober; /* waits for what this errand brings */
	struct stream *session_next, *session_prev;
	struct journal_cursor prelude_sent; /* of what goes before the answer */
	struct journal_marks *marks; /* behind st->sent; once it is long */
	struct deadline kept;        /* for a client that may return */
	struct deadline quiet;       /* the client hears nothing */
	struct deadline silent;      /* the upstream says nothing */
	ev_timer timer;              /* the next try to resume; the watchdog */
	uint64_t watch_ms;           /* how long the watchdog waits */
	uint64_t events_seen;        /* records when it was set */
	uint64_t minted_seq; /* events.c: whose id people are to be told */
	bool is_sound;       /* `answer` is our own, or verified */
	bool is_observed;    /* legacy_observe() was here */
	bool has_request;    /* rec->request is written */
	bool counted_client; /* in session->connections */
	bool counted_errand; /* in worker->errand_count */
	bool counted_flight; /* in session->in_flight */
};

/* What a request says about its stream; fixed when it is made. */
struct stream_about {
	enum stream_era era;
	enum http_method_id method;
	enum http_framing framing; /* of the request's body */
	uint8_t minor;             /* HTTP/1.x of the request */
	bool expects_continue;     /* the body waits for a 100 */
	bool primes;               /* its client understands priming events */
	enum stream_role role;
	struct session *session; /* or NULL */
	uint64_t owner_sum[2];   /* replay_owner_sum() */
	uint32_t request;        /* number of the request on its connection */
	uint64_t wire;           /* bytes sent to the client before it */
};

/*
 * Make the stream of a client's request and commit its record; it counts
 * only once the client's committed state names it.  NULL where no record is
 * free or memory is short.
 */
struct stream *stream_new(struct client *c, const struct stream_about *about);

/*
 * This process's share in a stream whose record was another's, with `c` as
 * its client (or NULL: none).  NULL: no memory.
 */
struct stream *stream_revive(struct worker *w, uint32_t slot, struct client *c);

/*
 * A stream for a request of our own in this session.  Its first state is open
 * (RECORD_NEXT): the caller puts what it asks into `ask`, commits that, and
 * starts the stream; or drops it.  NULL: no room.
 */
struct stream *stream_new_errand(struct session *s);

/* It is a request of our own: count it, and give it so much time. */
void stream_note_errand(struct stream *st);

/*
 * Begin a change of the stream's record that may take memory, and commit it.
 * In between nobody makes room by ending this stream; changes of others may
 * lie inside.
 */
struct stream_change {
	struct stream *st;
	struct stream *outer;
	struct stream_state *next;
};
struct stream_change stream_begin(struct stream *st);
void stream_commit(const struct stream_change *change);
/* Forget the change: the committed state stays. */
void stream_cancel(const struct stream_change *change);

/* The committed state. */
static inline const struct stream_state *
stream_state(const struct stream *st)
{
	return RECORD_STATE(st->rec);
}

/*
 * What goes with a state of a legacy stream, the committed one or that which
 * is open: to be changed only where `ss` may be.
 */
static inline struct legacy_state *
stream_legacy(const struct stream *st, const struct stream_state *ss)
{
	return &st->legacy->rec->state[ss == &st->rec->state[1]];
}

/*
 * RECORD_BEGIN() for a stream: with a legacy one's other state, which
 * RECORD_COMMIT(st->rec) commits, too.
 */
static inline struct stream_state *
stream_next(const struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	struct stream_state *next = RECORD_BEGIN(st->rec);

	if (st->legacy != NULL)
		*stream_legacy(st, next) = *stream_legacy(st, ss);
	return next;
}

/* The message of its request, as far as it is known. */
struct jsonrpc stream_message(const struct stream *st);

/* The request is in the client's journal (or is coming in): send it on. */
void stream_start(struct stream *st);

/*
 * Upstream addresses were looked up: go on with the streams that waited;
 * `why` is NULL, or what went wrong.
 */
void stream_resolved(struct worker *w, const char *why);

/*
 * Bytes of the answer were sent or added: drop what is sent, finish the
 * stream when all of it is, let the upstream go on.
 */
void stream_progress(struct stream *st);

/*
 * The answer can't go on.  Where it has not begun, the client is answered
 * with `fault`; else it is ended with an error event, or broken off.
 */
void stream_fail(struct stream *st, enum http_fault fault, enum end_reason why);

/*
 * The answer ends now, whatever it was about to do: with `fault` where it has
 * not begun, else with an error event, or broken off.
 */
void stream_cut(struct stream *st, enum http_fault fault, enum end_reason why);

/*
 * The same as stream_fail() where bytes of the upstream are to blame: it
 * becomes part of the change that takes these bytes, for they will not come
 * again.  Call stream_fail() after the commit.
 */
void stream_note_failure(struct stream *st, struct stream_state *next,
    enum http_fault fault, enum end_reason why);

/*
 * Nobody is left to send to: let the upstream go and free the record.  The
 * client's record must not name it any more, or be about to be cleared.
 */
void stream_drop(struct stream *st, enum end_reason why);

/* The process ends: free the memory and end nothing.  NULL is allowed. */
void stream_discard(struct stream *st);

/*
 * End an answer that can't be completed, in a state that is not committed:
 * with an error event for the request that waits, or by breaking off.
 */
void stream_write_end(
    struct stream *st, struct stream_state *next, enum end_reason why);

/* Send what there is, if there is a client. */
void stream_flush(struct stream *st);

/* How the records look to the client that the stream has now. */
struct journal_wire stream_wire(const struct stream *st);

/* Set the cursors to where the state says that the client's bytes begin. */
void stream_rewind(struct stream *st);

/*
 * Set the cursors to where byte `sent` of the client's connection is: what a
 * successor knows.  What comes from there on is verified.  False where the
 * count does not fit, or a record is damaged.
 */
SC_MUST_CHECK bool stream_go_on_at(struct stream *st, uint64_t sent);

/* Record `seq` of the answer begins at byte `wire` of the connection. */
void stream_set_start(const struct stream *st, struct stream_state *next,
    uint64_t wire, uint64_t seq);

/*
 * Note in a state that is about to be committed how far a kept stream is
 * sent, so that a successor need not look at all that is kept.
 */
void stream_mark_sent(const struct stream *st, struct stream_state *next);

/*
 * What is to be sent next: the journal, its cursor, and how it looks.  A
 * prelude that is wholly sent is dropped on the way.
 */
void stream_outgoing(struct stream *st, const struct journal **ret_journal,
    struct journal_cursor **ret_cursor, struct journal_wire *ret_form);

/*
 * Bytes of the answer were sent.  Where it is kept: note the way, once that
 * is so long that it will be trimmed; often, for only what lies between two
 * notes can go.
 */
void stream_note_way(struct stream *st);

/* Where it is not kept: drop them, if they are all, or many. */
void stream_drop_sent(struct stream *st);

/* What was sent is counted otherwise from here on. */
void stream_forget_marks(struct stream *st);

/* The byte of the client's connection that is sent next. */
uint64_t stream_place(const struct stream *st);

bool stream_prelude_is_sent(const struct stream *st);
bool stream_is_all_sent(const struct stream *st);

/* Nobody waits for its answer, and nobody will come back for it. */
bool stream_is_abandoned(const struct stream *st);

/* A request that waits for its answer. */
bool stream_is_in_flight(const struct stream *st);

/* The first record that no client's TCP has confirmed. */
uint64_t stream_first_unacked(struct stream *st);

/* Its client, or what it waits for, has changed: tell the session. */
void stream_recount(struct stream *st);

/* The journal of the request, its framing, and the bytes it has dropped. */
const struct journal *stream_request(const struct stream *st,
    struct journal_wire *ret_form, uint64_t *ret_dropped);

/* Whether more of the answer may be read from the upstream now. */
bool stream_has_room(const struct stream *st);

#endif
