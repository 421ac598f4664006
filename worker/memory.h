/*
 * memory.h - who gives way when the journal memory runs short (DESIGN, 3.5
 * and 4).
 *
 * The last sixteenth of the blocks is a reserve.  When one of them is taken,
 * room is made before the loop turns again, outside of every change: first
 * goes what is kept for clients that may return, the stream that was left
 * longest ago before the others; then the stream that holds most of the
 * memory in an unfinished event.  So nobody starves because of a few
 * half-received giants, and they don't block each other for ever.  Upstreams
 * are not read from meanwhile.  The other workers, too, let go what they keep,
 * within a second, until a quarter of the memory is free.
 *
 * Where all of this comes too late, what asks for memory gets none, and ends.
 */
#ifndef WORKER_MEMORY_H
#define WORKER_MEMORY_H

#include "worker/context.h"

/* Make this worker's share in the blocks. */
void memory_init(struct worker *w);

/* The loop turns: make room if the reserve was touched. */
void memory_on_turn(struct worker *w);

/* A second has passed: make room if another worker asked for it. */
void memory_on_pulse(struct worker *w);

#endif
