/*
 * legacy.h - what keeps a legacy stream (MCP up to 2025-11-25) alive: its
 * upstream is resumed with Last-Event-ID, its client may leave and return,
 * silence is filled with comments (DESIGN, 5 and 6).
 */
#ifndef WORKER_LEGACY_H
#define WORKER_LEGACY_H

#include <stdbool.h>

#include "worker/answer.h"
#include "worker/session.h"
#include "worker/stream.h"

/* --- answers (called by answer.c, on a state that is not committed) ----- */

/*
 * The head of an answer: is it a stream that is kept and resumed, and has a
 * session begun with it?
 */
void legacy_note_head(
    struct stream *st, struct stream_state *next, const struct http_head *head);

/* After a commit: what the answer's status means for the session. */
void legacy_observe(struct stream *st);

/*
 * Whether the stream has said all that it has to say, so that the end of its
 * upstream connection is its end.
 */
bool legacy_is_complete(const struct stream *st, const struct stream_state *ss);

/* Whether the upstream could be asked to go on. */
bool legacy_can_resume(const struct stream *st, const struct stream_state *ss);

/*
 * The head of the answer to a request to go on, and as much of its body as
 * came along with it.
 */
enum answer_verdict legacy_resumed(struct stream *st, struct stream_state *next,
    const struct http_head *head, struct http_slice body);

/* --- the upstream is gone ----------------------------------------------- */

/* Why the stream has to be resumed, which decides how soon. */
enum legacy_pause {
	PAUSE_LOST,   /* cut, closed, refused, an error: back-off */
	PAUSE_SILENT, /* the watchdog's doing: at once */
};

/*
 * Put the state into PAUSED (or end it with an error, where it can't be
 * resumed, or too many attempts were in vain).
 */
void legacy_pause_state(
    struct stream *st, struct stream_state *next, enum legacy_pause why);

/*
 * The upstream connection of a resumable stream is lost or of no use:
 * pause, commit, let it go.
 */
void legacy_pause(struct stream *st, enum legacy_pause why);

/* After that commit, with the connection let go: what else it means. */
void legacy_paused(struct stream *st);

/* The newest event with an id of the upstream: false where there is none. */
struct event;
bool legacy_last_id(struct stream *st, struct event *ret);

/* After a commit: let the timers run that the state asks for. */
void legacy_retime(struct stream *st);

/* The session has ended: end this stream as that asks for. */
void legacy_session_ended(struct stream *st, enum end_reason why);

/* Tell the upstream with a DELETE that the session is over. */
void legacy_tell_end(struct session *s);

/* --- the client --------------------------------------------------------- */

/*
 * The client is gone: keep the stream for its return, or for the sake of
 * the request that runs.  False where it is not to be kept.
 */
bool legacy_detach(struct stream *st);

/* It has no client from now on, and lives without one. */
void legacy_let_client_go(struct stream *st, struct stream_state *next);

/*
 * The stream is to lose its client: what of the request is not sent yet goes
 * along with the stream.
 */
void legacy_take_request_along(struct stream *st, struct stream_state *next);

/* The answer is wholly sent: keep it for a while. */
bool legacy_keep_finished(struct stream *st);

/* The record was another worker's: what is private is derived from it. */
void legacy_adopted(struct stream *st);

/* A request is in, whole: note what it asks for, and what it cancels. */
void legacy_note_request(struct stream *st);

void legacy_on_detach_due(struct deadline *d);
void legacy_on_errand_due(struct deadline *d);
void legacy_on_quiet_due(struct deadline *d);
void legacy_on_silent_due(struct deadline *d);

#endif
