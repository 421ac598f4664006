/*
 * session.h - the sessions that are at home in this worker.
 *
 * A session lives where its first request was; requests that come in
 * elsewhere are handed there.  So all streams of a session are this
 * worker's, and lists and counts are private, derived from the streams'
 * records at adoption.  What must survive stands in the shared record.
 */
#ifndef WORKER_SESSION_H
#define WORKER_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/end_reasons.h"
#include "common/http_head.h"
#include "common/http_write.h"
#include "common/record.h"
#include "common/sessions.h"
#include "worker/context.h"
#include "worker/seen.h"

/* Take-overs of the standalone stream that are too many, and in how long. */
#define STEALS_MAX 3
#define STEALS_MS 10000

struct session {
	struct grave grave;
	struct worker *w;
	struct session_record *rec;
	uint32_t slot;
	uint32_t connections;      /* streams that have a client */
	uint32_t in_flight;        /* requests that wait for their answer */
	uint32_t count;            /* streams */
	uint32_t pins;             /* who holds it while others are changed */
	struct stream *streams;    /* by stream->legacy->session_next */
	struct stream *standalone; /* what the server says by itself */
	struct seen *seen;         /* once a stream was resumed */
	struct deadline idle;
	struct deadline age;
	bool is_unsettled;           /* adopted, and its streams are not yet */
	uint64_t steals[STEALS_MAX]; /* when the newest ones were */
};

enum session_verdict {
	SESSION_IS_HERE,
	SESSION_IS_ELSEWHERE,
	SESSION_IS_ENDED,
	SESSION_IS_UNKNOWN,
};

/*
 * Who has the session of this id: *ret is it, or *ret_home the worker slot
 * that has it.  A table that can't be read counts as UNKNOWN.
 */
enum session_verdict session_find(struct worker *w, struct http_slice id,
    struct session **ret, uint32_t *ret_home);

/*
 * A session of this id, at home here; ASKED until the upstream has confirmed
 * it.  NULL where the table is full of sessions in use, or the id is too
 * long: the request is then relayed without a session.
 */
struct session *session_new(
    struct worker *w, struct http_slice id, enum session_phase phase);

/* This process's share in a record that was another's. */
struct session *session_revive(struct worker *w, uint32_t slot);

/*
 * Its streams are all adopted: do what a dead worker may have left undone
 * between a stream's commit and what it means for the session.
 */
void session_settle(struct session *s);

/*
 * Part of the time of these adopted sessions has passed: their limits run on
 * where they were.  Sorts the array.
 */
void session_go_on(struct worker *w, struct session **sessions, size_t count);

/* The upstream knows it. */
void session_confirm(struct session *s);

/* A request or an event: it is not idle. */
void session_touch(struct session *s);

/* Write the fields of a request that any request of its client carries. */
void session_write_fields(struct http_out *out, const struct http_head *head);

/*
 * Keep the fields of this request that every request of the session carries
 * (Authorization and all), for requests of our own.
 */
void session_save_fields(struct session *s, const struct http_head *head);

/* A stream belongs to the session from now on; and no more. */
void session_join(struct session *s, struct stream *st);
void session_leave(struct session *s, struct stream *st);

/*
 * The stream that had an event with an id of this hash lately, or NULL.  The
 * first call derives the window from the streams' journals.
 */
struct stream *session_find_seen(struct session *s, uint32_t id_sum);

/* Note that the stream has an event with an id of this hash. */
void session_note_seen(
    struct session *s, const struct stream *st, uint32_t id_sum);

/* Whether another stream may take over the standalone one now. */
bool session_may_steal(struct session *s);

/*
 * End the session: its streams end, its requests are answered with 404 from
 * now on.  With `tell` the upstream is told with DELETE.
 */
void session_end(struct session *s, enum end_reason why, bool tell);

/* The process ends: free the memory and end nothing.  NULL is allowed. */
void session_discard(struct session *s);

/* The operator ends the session in a slot, if it is still that one. */
void session_end_told(struct worker *w, uint32_t slot, uint32_t generation);

/* An event with this id went to the session's client: for people. */
void session_note_event_id(struct session *s, const char *id, uint32_t len);

/* One that no stream belongs to, and that nobody confirmed, goes. */
void session_forget_if_unused(struct session *s);

/* The one that was not used longest goes: false where each is in use. */
bool session_evict(struct worker *w);

void session_on_idle_due(struct deadline *d);
void session_on_age_due(struct deadline *d);

#endif
