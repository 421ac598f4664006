/*
 * events.h - the events of a legacy stream become journal records, one each:
 * with ids of ours where the upstream gives none, without those that were
 * received before or belong to another stream (DESIGN, 6).
 *
 * Called by answer.c on a state that is not committed.  Decides by that state,
 * the journal and the session's other streams alone, so that a successor that
 * is fed the same bytes decides the same.
 */
#ifndef WORKER_EVENTS_H
#define WORKER_EVENTS_H

#include "common/http_head.h"
#include "worker/answer.h"
#include "worker/stream.h"

/*
 * Whether the body behind this head is an event stream that can be read: one
 * that is compressed, although we asked for none such (Accept-Encoding:
 * identity), is a body like any other.
 */
bool events_announced(const struct http_head *head);

/*
 * The answer's head is in the journal: make the stream's token, and prime the
 * client (MCP 2025-11-25) unless the upstream is known to do so.
 */
enum answer_verdict events_begin(struct stream *st, struct stream_state *next);

/* Bytes of the event stream, cut anywhere. */
enum answer_verdict events_take(
    struct stream *st, struct stream_state *next, const char *p, size_t len);

/*
 * All bytes of one recv() are taken: ANSWER_MORE, or ANSWER_COMPLETE where
 * the response has come and the upstream would not end the stream by itself.
 */
enum answer_verdict events_settle(struct stream *st, struct stream_state *next);

/*
 * The bytes are committed: count their events, and tell the session, and the
 * people who look at it.
 */
void events_tell(struct stream *st);

/* Keep no more than journal.stream_limit of what is sent, or unwanted. */
void events_trim(struct stream *st, struct stream_state *next);

#endif
