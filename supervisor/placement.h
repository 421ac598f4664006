/*
 * placement.h - which worker a new connection goes to.  Pure.
 */
#ifndef SUPERVISOR_PLACEMENT_H
#define SUPERVISOR_PLACEMENT_H

#include <stddef.h>
#include <stdint.h>

#include "common/shm_layout.h"

#define PLACEMENT_NONE UINT32_MAX

/* What the choice depends on, for one worker. */
struct placement {
	enum worker_state state;
	uint32_t connections; /* of clients */
};

/*
 * The index of the ready worker with the fewest connections, the first of
 * them where several have as few; PLACEMENT_NONE where none is ready.
 */
uint32_t placement_choose(const struct placement *workers, size_t count);

#endif
