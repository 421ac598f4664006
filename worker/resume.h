/*
 * resume.h - a kept stream (MCP up to 2025-11-25) whose upstream connection is
 * lost, or silent: it is paused for a while, then the upstream is asked to go
 * on where the newest event ended, with Last-Event-ID (DESIGN, 5).
 *
 * The states are PAUSED and RESUMING (common/shm_layout.h).
 */
#ifndef WORKER_RESUME_H
#define WORKER_RESUME_H

#include <stdbool.h>

#include "worker/answer.h"
#include "worker/stream.h"

/* Whether the upstream could be asked to go on. */
bool resume_is_possible(const struct stream *st, const struct stream_state *ss);

/* Why the stream has to be resumed, which decides how soon. */
enum resume_pause_why {
	PAUSE_LOST,   /* cut, closed, refused, an error: back-off */
	PAUSE_SILENT, /* the watchdog's doing: at once */
};

/*
 * Put the state into PAUSED (or end it with an error, where it can't be
 * resumed, or too many attempts were in vain).
 */
void resume_pause_state(
    struct stream *st, struct stream_state *next, enum resume_pause_why why);

/*
 * The upstream connection of a resumable stream is lost or of no use:
 * pause, commit, let it go.
 */
void resume_pause(struct stream *st, enum resume_pause_why why);

/* After that commit, with the connection let go: what else it means. */
void resume_paused(struct stream *st);

/*
 * The head of the answer to a request to go on, and as much of its body as
 * came along with it; called on a state that is not committed.
 */
enum answer_verdict resume_answered(struct stream *st,
    struct stream_state *next, const struct http_head *head,
    struct http_slice body);

/* The newest event with an id of the upstream: false where there is none. */
struct event;
bool resume_last_id(struct stream *st, struct event *ret);

/*
 * After a commit: let the timer run that the state asks for, for the next try
 * or for the watchdog of a stream that was resumed.
 */
void resume_retime(struct stream *st);

/* The upstream hears or says nothing: is it still there? */
void resume_on_silent_due(struct deadline *d);

#endif
