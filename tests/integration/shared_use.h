/*
 * shared_use.h - how much of a daemon's shared memory is in use, seen from
 * outside.
 */
#ifndef INTEGRATION_SHARED_USE_H
#define INTEGRATION_SHARED_USE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct shared_use {
	/* Elements that are in use, and not held in reserve. */
	unsigned clients, upstreams, streams, sessions, blocks;
	uint64_t memory; /* bytes that are backed with memory: never 0 */
};

/* Look; false where it can't be read. */
bool shared_use_look(pid_t supervisor, struct shared_use *ret);

/* Whether no element is in use. */
bool shared_use_is_none(const struct shared_use *use);

#endif
