/*
 * limits.h - how much of everything there is room for, settled at the start
 * so that the supervisor can't run out of descriptors.  Pure.
 */
#ifndef SUPERVISOR_LIMITS_H
#define SUPERVISOR_LIMITS_H

#include <stdint.h>

#include "common/conf.h"
#include "common/sc.h"
#include "common/shm.h"

/* With room for fewer connections than this we don't start. */
#define LIMITS_SLOTS_MIN 16u

/* Room for fewer clients than this deserves a warning. */
#define LIMITS_CLIENTS_SMALL 1024u

/*
 * How many workers: the configured number, or one for each of `cores`, and
 * at most SHM_WORKERS_MAX.
 */
uint32_t limits_workers(const struct conf *conf, long cores);

/*
 * How many descriptors client.max_connections asks for; 0 if it leaves that
 * to the limit.
 */
uint64_t limits_files(const struct conf *conf, uint32_t workers);

/*
 * The sizes of the shared memory's tables, and of the vault, for a process
 * that may have `files` descriptors open.  0; or -EMFILE where that is not
 * enough to begin with.
 */
SC_MUST_CHECK int limits_sizes(const struct conf *conf, uint64_t files,
    uint32_t workers, struct shm_sizes *ret);

#endif
