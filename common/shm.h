/*
 * shm.h - the shared memory: made by the supervisor, mapped once and
 * inherited by every worker, so addresses are the same everywhere (but are
 * never stored).  This module owns the mapping and knows where each table
 * starts; what the tables mean is in shm_layout.h.
 */
#ifndef COMMON_SHM_H
#define COMMON_SHM_H

#include <stdint.h>

#include "common/sc.h"
#include "common/shm_layout.h"

/* How much of each; 0 is not allowed. */
struct shm_sizes {
	uint32_t clients;
	uint32_t upstreams;
	uint32_t streams;
	uint32_t sessions;
	uint32_t blocks;
};

/* The mapping, as this process sees it.  Every pointer is into it. */
struct shm {
	int fd; /* the memfd */
	struct shm_header *header;
	struct shm_worker *workers;
	char *windows;
	_Atomic uint32_t *client_owners;
	struct client_record *clients;
	_Atomic uint32_t *upstream_owners;
	struct upstream_record *upstreams;
	_Atomic uint32_t *stream_owners;
	struct stream_record *streams;
	struct legacy_record *legacies; /* as many */
	_Atomic uint32_t *session_owners;
	struct session_record *sessions;
	struct session_shard *session_shards;
	uint32_t *session_buckets;
	_Atomic uint32_t *block_owners;
	uint32_t *block_next;
	_Atomic uint32_t *extents;
	char *blocks;
	/* As checked at mapping; the header's may have been overwritten. */
	struct shm_sizes sizes;
	uint64_t size;          /* of the whole memory, in bytes */
	uint64_t blocks_offset; /* where `blocks` starts in the memfd */
};

/*
 * Make the memory (a memfd, sealed against resizing, left out of core
 * dumps) and map it.  Every byte is zero but the header.  Nothing is backed
 * by memory before its first use (but all tables except the blocks are where
 * the system does not overcommit).  0; -EINVAL for a size of 0 or 2^32 - 1;
 * or -errno; *ret is untouched then.
 */
SC_MUST_CHECK int shm_create(const struct shm_sizes *sizes, struct shm *ret);

/*
 * Map the memory of `fd` (taken on success), made by an earlier image of
 * this daemon.  0; -EPROTO: another magic, layout version or table sizes, or
 * a file that is not sealed; or -errno; *ret is untouched then.
 */
SC_MUST_CHECK int shm_attach(int fd, struct shm *ret);

/* Unmap and close.  What is left may be given to shm_fini() again. */
void shm_fini(struct shm *shm);

/* The window (SHM_WINDOW_SIZE bytes) of worker slot `index`. */
char *shm_window(const struct shm *shm, uint32_t index);

/*
 * Back blocks [first, first + count) with memory, so that touching them
 * can't raise SIGBUS: 0, -EINVAL for blocks that do not exist, or -ENOMEM /
 * -ENOSPC.  What they hold stays.  And give it back: they read as zero then.
 */
SC_MUST_CHECK int shm_blocks_back(
    const struct shm *shm, uint32_t first, uint32_t count);
void shm_blocks_give_back(
    const struct shm *shm, uint32_t first, uint32_t count);

#endif
