/*
 * dispatch.h - what workers say, and what is said to them.
 *
 * A worker that breaks the protocol is killed, and nothing else happens: its
 * connections are in the vault.
 */
#ifndef SUPERVISOR_DISPATCH_H
#define SUPERVISOR_DISPATCH_H

#include "common/sc.h"
#include "common/log.h"
#include "supervisor/state.h"

/* Begin to listen to a worker: `fd` (taken) is our end of its channel. */
void dispatch_open(struct supervisor *sv, struct worker_slot *w, int fd);

/*
 * Give a worker the client in a slot of the vault, which is its own.  Where
 * it can't be reached, its successor inherits the client.
 */
void dispatch_client(struct supervisor *sv, struct worker_slot *w,
    uint32_t slot, uint32_t generation);

/* Send a worker the descriptor of the log, which was opened again. */
void dispatch_log(struct supervisor *sv, struct worker_slot *w);

/* Let a worker log lines of this level and graver ones. */
void dispatch_log_level(
    struct supervisor *sv, struct worker_slot *w, enum log_level level);

/* Tell a worker to end the session in a slot of its table. */
void dispatch_end_session(struct supervisor *sv, struct worker_slot *w,
    uint32_t slot, uint32_t generation);

/* Tell a worker to finish within limit_ms and leave. */
void dispatch_drain(
    struct supervisor *sv, struct worker_slot *w, uint32_t limit_ms);

#endif
