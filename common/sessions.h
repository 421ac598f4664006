/*
 * sessions.h - the table of sessions that all workers share: which ids are
 * known, and which worker is at home for each.  The only code that touches
 * buckets, links and locks.
 *
 * Every section under a lock is short and makes no system call but the
 * lock's own.  Links change by single stores, so a chain is whole at any
 * moment; a lock whose holder died is simply taken over.
 */
#ifndef COMMON_SESSIONS_H
#define COMMON_SESSIONS_H

#include <stdint.h>

#include "common/http_slice.h"
#include "common/sc.h"
#include "common/shm.h"

/* Set up locks and secrets in fresh memory: 0 or -errno. */
SC_MUST_CHECK int sessions_create(struct shm *shm);

struct session_found {
	uint32_t index;
	uint32_t phase; /* enum session_phase */
	uint32_t home;  /* worker slot */
};

/*
 * Find a session by the id of its Mcp-Session-Id field.  `self` is the owner
 * id of the caller.  0; -ENOENT; -EBUSY where the lock can't be had in time.
 */
SC_MUST_CHECK int sessions_find(struct shm *shm, uint32_t self,
    struct http_slice id, struct session_found *ret);

/*
 * Write id, home, phase and times into the record `index` (claimed by the
 * caller), and link it.  0; -EEXIST where that id is known; -EBUSY;
 * -EMSGSIZE for an id longer than SESSION_ID_MAX.
 */
SC_MUST_CHECK int sessions_link(struct shm *shm, uint32_t self, uint32_t index,
    struct http_slice id, enum session_phase phase, uint64_t now_ms);

/*
 * Take the record out of its bucket; SESSION_FREE afterwards.  0, also where
 * it was not linked; -EBUSY.
 */
SC_MUST_CHECK int sessions_unlink(
    struct shm *shm, uint32_t self, uint32_t index);

/* The id of a record, bounds checked. */
struct http_slice sessions_id(const struct shm *shm, uint32_t index);

#endif
