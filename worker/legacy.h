/*
 * legacy.h - what a legacy stream (MCP up to 2025-11-25) is to its client and
 * its session: the client may leave and return, silence is filled with
 * comments, requests and answers say what becomes of the session (DESIGN, 5
 * to 7).
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

/* --- sessions ------------------------------------------------------------ */

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

#endif
