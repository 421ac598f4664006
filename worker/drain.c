/*
 * drain.c - event streams when the worker has to go for good.
 *
 * A client that understands it (MCP 2025-11-25) gets an event with the id to
 * resume from and the time to wait, and then the end.  Any other that could
 * resume is cut off, which makes it do so; the rest get an error.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "worker/client.h"
#include "worker/drain.h"
#include "worker/event.h"
#include "worker/legacy.h"
#include "worker/resume.h"
#include "worker/stream.h"
#include "worker/upstream.h"
#include "worker/work.h"

/* It governs all streams of a client, so no wish of ours goes beyond. */
#define RETRY_MIN_MS 500u
#define RETRY_MAX_MS 5000u

/*
 * id: X, retry: N, empty data (DESIGN, 10): the upstream's newest id, or one
 * of ours where it gives none.  0 or -ENOMEM.
 */
static int
write_farewell(struct stream *st, struct stream_state *next)
{
	uint64_t retry = st->w->conf->reconnect_initial_delay;
	struct arena *a = &st->w->arena;
	unsigned flags = JOURNAL_MINT | JOURNAL_ONCE;
	char text[EVENT_ID_MAX + 64];
	struct event last;
	int len = 0;

	retry = MIN(MAX(retry, RETRY_MIN_MS), RETRY_MAX_MS);
	if (resume_last_id(st, &last) && last.id_len > 0) {
		flags = JOURNAL_ONCE;
		len = snprintf(text, sizeof(text), "id: %.*s\n",
		    (int)last.id_len, last.id);
	}
	len += snprintf(text + len, sizeof(text) - (size_t)len,
	    "retry: %llu\ndata: \n\n", (unsigned long long)retry);
	if (journal_open(a, &next->answer) != 0 ||
	    journal_add(a, &next->answer, text, (size_t)len) != 0)
		return -1;
	journal_finish(a, &next->answer, JOURNAL_BODY, flags, 0);
	return 0;
}

/* The end of a stream whose client may come back for the rest. */
static void
write_end(struct stream *st, struct stream_state *next)
{
	struct arena *a = &st->w->arena;

	if (!next->resumable ||
	    (!st->rec->primes && stream_legacy(st, next)->last_id_ref == 0)) {
		stream_write_end(st, next, END_STOPPED);
		return;
	}
	journal_abandon(a, &next->answer);
	next->phase = STREAM_ENDING;
	next->reason = END_STOPPED;
	next->upstream_ref = 0;
	next->break_off =
	    !st->rec->primes || write_farewell(st, next) != 0 ||
	    journal_put(a, &next->answer, JOURNAL_END, "", 0) != 0;
}

static void
drain_stream(struct stream *st)
{
	struct stream_change change;

	if (stream_state(st)->phase == STREAM_WAITING) {
		stream_fail(st, HTTP_FAULT_STOPPING, END_STOPPED);
		return;
	}
	if (!stream_state(st)->events ||
	    stream_state(st)->phase == STREAM_ENDING)
		return;
	change = stream_begin(st);
	write_end(st, change.next);
	stream_commit(&change);
	if (st->upstream != NULL)
		upstream_release(st->upstream, false);
	resume_retime(st);
	stream_flush(st);
}

/* Streams may end on the way, and their slots with them. */
static void
drain_those(struct worker *w, bool standalone_only)
{
	struct stream *st;
	uint32_t slot;

	for (slot = 0; slot < w->shm->sizes.streams; slot++) {
		st = w->stream_of[slot];
		if (st == NULL || st->client == NULL ||
		    st->rec->era != ERA_LEGACY)
			continue;
		work_on_stream(st, WORK_MESSAGE);
		if (standalone_only ? stream_state(st)->role == ROLE_STANDALONE
				    : stream_state(st)->phase != STREAM_WAITING)
			drain_stream(st);
	}
}

void
drain_standalone(struct worker *w)
{
	drain_those(w, true);
}

void
drain_all(struct worker *w)
{
	drain_those(w, false);
}
