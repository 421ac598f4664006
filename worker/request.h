/*
 * request.h - what a complete request head leads to: a stream and a head for
 * the upstream, or a refusal.
 */
#ifndef WORKER_REQUEST_H
#define WORKER_REQUEST_H

#include "common/http_head.h"
#include "worker/client.h"

/*
 * Take the head (in memory that stays until this returns) of the next request
 * of `c`; its state is `next`.  False where the request belongs to another
 * worker (c->is_leaving, c->target) and nothing else has changed.  Afterwards
 * next->phase is CLIENT_BODY, CLIENT_WAIT, or CLIENT_LINGER where the request
 * was refused and the connection can't be used again.  c->stream is the new
 * stream; NULL where not even that could be had, and a constant answer goes
 * out.
 */
bool request_begin(
    struct client *c, struct client_state *next, const struct http_head *head);

/*
 * Take bytes of the request's body; returns how many.  Refuses what is
 * malformed or too long.
 */
size_t request_body(
    struct client *c, struct client_state *next, const char *buf, size_t len);

/*
 * Refuse what can't be read further: the answer goes out at once, and the
 * connection is not used again.  `fault` is an enum http_fault.
 */
void request_refuse(struct client *c, struct client_state *next, int fault);

/* The same for what has no head that can be read. */
void request_refuse_head(
    struct client *c, struct client_state *next, int fault);

/*
 * Refuse what can be read to its end: the answer goes out when the request
 * is in, with its id, and the connection goes on.
 */
void request_refuse_later(
    struct client *c, struct client_state *next, int fault);

#endif
