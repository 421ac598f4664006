/*
 * answer.h - bytes from the upstream become records in the stream's journal.
 *
 * Changes a stream's state that is not committed, and does nothing else: no
 * socket, no watcher.  Given the same committed state and the same bytes it
 * always does the same; that is what adoption rests on.
 */
#ifndef WORKER_ANSWER_H
#define WORKER_ANSWER_H

#include "worker/stream.h"

enum answer_verdict {
	ANSWER_MORE,         /* read on */
	ANSWER_COMPLETE,     /* the answer is whole: phase ENDING */
	ANSWER_PAUSE,        /* cut short, and may be resumed */
	ANSWER_SESSION_GONE, /* the upstream knows the session no more */
	ANSWER_GARBLED,      /* not HTTP, or its framing is broken */
	ANSWER_TOO_LONG,     /* an event beyond stream.max_event */
	ANSWER_NO_MEMORY,
};

/* Take `len` bytes that came from the upstream. */
enum answer_verdict answer_take(
    struct stream *st, struct stream_state *next, const char *buf, size_t len);

/*
 * The upstream has ended its side.  ANSWER_COMPLETE where the answer's
 * framing lets it end so; ANSWER_MORE where it was cut short.
 */
enum answer_verdict answer_eof(struct stream *st, struct stream_state *next);

/* Put the last record and go to ENDING: 0 or -ENOMEM. */
SC_MUST_CHECK int answer_end(
    struct stream *st, struct stream_state *next, enum end_reason why);

#endif
