/*
 * recycle.h - replacing workers that are in good health, one after the
 * other: for a new configuration, a new binary, or because somebody asks.
 *
 * A worker is killed, and its successor adopts what it had, as after any
 * death; the next one follows when that successor is ready.
 */
#ifndef SUPERVISOR_RECYCLE_H
#define SUPERVISOR_RECYCLE_H

#include <stdint.h>

#include "common/sc.h"

struct supervisor;
struct worker_slot;

/* Slots are bits; this is all that have a worker. */
#define RECYCLE_ALL UINT64_MAX

/*
 * It is over.  error is 0; -ECHILD where a successor does not start, so that
 * the others were left alone; -ECANCELED where the daemon stops.  text is one
 * line for people, borrowed.
 */
typedef void recycle_done(void *context, int error, const char *text);

struct recycle_request {
	struct recycle_request *next;
	uint64_t todo; /* slots whose process is older than the request */
	uint64_t born; /* of these, those with a successor that starts */
	unsigned count;
	uint64_t begun_ms;
	recycle_done *done;
	void *context;
};

struct recycle {
	struct recycle_request *requests;
};

/*
 * Replace the workers in these slots.  done (or NULL) is called once, later
 * or before this returns.  0; -ENOENT where there is no such worker;
 * -ESHUTDOWN where the daemon stops; -ENOMEM; done is not called then.
 */
SC_MUST_CHECK int recycle_begin(
    struct supervisor *sv, uint64_t slots, recycle_done *done, void *context);

/* For nursery.c: a process was born, is ready, is dead and buried. */
void recycle_note_birth(struct supervisor *sv, const struct worker_slot *w);
void recycle_note_ready(struct supervisor *sv, const struct worker_slot *w);
void recycle_note_death(struct supervisor *sv, const struct worker_slot *w);

/* The daemon stops. */
void recycle_cancel(struct supervisor *sv);

#endif
