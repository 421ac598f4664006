/*
 * refuse.h - the answers that the proxy makes itself.
 *
 * A refusal is a code in the client's committed state, not bytes in a
 * journal: its bytes follow from that state alone, so they need no memory,
 * and a successor that finds half of them sent makes the same ones again.
 */
#ifndef WORKER_REFUSE_H
#define WORKER_REFUSE_H

#include <stddef.h>

#include "common/sc.h"
#include "common/shm_layout.h"

/* Room that any refusal fits in. */
#define REFUSAL_MAX 2048

/*
 * Write the answer that cs->refusal stands for: status, JSON-RPC error with
 * the request's id where it is known (null where not).  Pure.  Returns its
 * length, at most REFUSAL_MAX.
 */
size_t refusal_write(const struct client_state *cs, char buf[REFUSAL_MAX]);

/*
 * Write the error event that ends an event stream whose request can't be
 * answered any more (JSON-RPC error with the request's id).  Returns its
 * length; 0 where the request has no id, so nobody waits for an answer.
 */
size_t refusal_event_write(
    const struct jsonrpc *request, const char *text, char buf[REFUSAL_MAX]);

#endif
