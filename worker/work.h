/*
 * work.h - noting what this worker begins to do, and for which record.
 *
 * Whoever is called by the event loop or takes up another record notes it
 * first; what is called on the way may note more exactly.  So a death is
 * blamed on the right record (supervisor/poison.h).
 */
#ifndef WORKER_WORK_H
#define WORKER_WORK_H

#include <stdatomic.h>

#include "common/kill_point.h"
#include "common/work.h"
#include "worker/client.h"
#include "worker/context.h"
#include "worker/session.h"
#include "worker/stream.h"

static inline void
work_note(struct worker *w, enum work_task task, enum work_kind kind,
    uint32_t slot, uint32_t generation)
{
	struct shm_work *work = &w->slot->work;

	work->task = task;
	work->kind = kind;
	work->slot = slot;
	work->generation = generation;
	/* A fault that comes next must find it in memory. */
	atomic_signal_fence(memory_order_seq_cst);
	WORK_POINT(task, kind, slot, generation);
}

/* For no record, or for no single one. */
static inline void
work_on_nothing(struct worker *w, enum work_task task)
{
	work_note(w, task, WORK_ON_NOTHING, 0, 0);
}

static inline void
work_on_client(const struct client *c, enum work_task task)
{
	work_note(c->w, task, WORK_ON_CLIENT, c->slot, c->rec->generation);
}

static inline void
work_on_stream(const struct stream *st, enum work_task task)
{
	work_note(st->w, task, WORK_ON_STREAM, st->slot, st->rec->generation);
}

static inline void
work_on_session(const struct session *s, enum work_task task)
{
	work_note(s->w, task, WORK_ON_SESSION, s->slot, s->rec->generation);
}

#endif
