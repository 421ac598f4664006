/*
 * worker.h - the one thing that the supervisor knows of a worker: how it
 * starts.  The only header of this directory that other directories use.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdint.h>

#include "common/conf.h"
#include "common/sc.h"
#include "common/shm.h"

/* A socket that a successor inherits from the vault. */
struct worker_inheritance {
	uint32_t kind; /* enum socket_kind */
	uint32_t slot;
	uint32_t generation;
	int fd;
};

/* All that a worker gets from the supervisor; borrowed for its life. */
struct worker_start {
	uint32_t index;      /* its slot in shm->workers */
	uint32_t generation; /* of this process in that slot */
	int channel;         /* its end of the SEQPACKET pair, taken */
	struct shm *shm;
	const struct conf *conf;
	/* Owner ids of the dead whose records this worker adopts. */
	const uint32_t *dead;
	uint32_t dead_count;
	/* Their sockets, as the vault had them at the fork. */
	const struct worker_inheritance *inherited;
	uint32_t inherited_count;
	/* What the dead died of, which must end: see supervisor/poison.h. */
	const struct work_verdict *verdicts;
	uint32_t verdict_count;
};

/*
 * Run a worker in this (freshly forked) process until it is told to stop or
 * its supervisor is gone.  The caller has closed what is not the worker's
 * business, has dropped privileges, and has reset signal handlers and mask.
 * Never returns; exits 0 when it stopped as told, 1 to be replaced, 2 where
 * a replacement would fail as well.
 */
SC_NORETURN void worker_main(const struct worker_start *start);

#endif
