/*
 * placement.c - which worker a new connection goes to.
 */
#include "config.h"

#include "supervisor/placement.h"

uint32_t
placement_choose(const struct placement *workers, size_t count)
{
	uint32_t best = PLACEMENT_NONE;

	for (uint32_t i = 0; i < count; i++) {
		if (workers[i].state != WORKER_READY)
			continue;
		if (best == PLACEMENT_NONE ||
		    workers[i].connections < workers[best].connections)
			best = i;
	}
	return best;
}
