/*
 * tally.h - how much of everything there is: a count over the tables of the
 * shared memory that never takes long, because it is done in slices.
 */
#ifndef SUPERVISOR_TALLY_H
#define SUPERVISOR_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/shm.h"

#define TALLY_ERAS (ERA_MODERN + 1)

struct tally {
	uint32_t streams[SHM_WORKERS_MAX];
	uint32_t sessions[SHM_WORKERS_MAX];
	uint32_t streams_in[TALLY_ERAS][STREAM_PHASE_COUNT];
	uint32_t streams_detached; /* no client has them at the moment */
	uint32_t stream_count;
	uint32_t session_count; /* without those that have ended */
	uint64_t blocks_used;
	uint64_t extents_backed;  /* have memory */
	uint64_t extents_touched; /* have had some, at some time */
	/* How far the count is. */
	enum { TALLY_STREAMS, TALLY_SESSIONS, TALLY_BLOCKS, TALLY_DONE } stage;
	uint32_t position;
};

/*
 * Count on, for one slice; begin with zeroes.  True when everything is
 * counted.
 */
bool tally_step(struct tally *t, const struct shm *shm);

#endif
