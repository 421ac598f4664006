/*
 * shared_use.h - a daemon's shared memory from outside: how much of it is in
 * use, and damage to it.
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

/* Change a byte wherever this text stands; returns in how many places. */
unsigned shared_use_damage(pid_t supervisor, const char *text);

#endif
