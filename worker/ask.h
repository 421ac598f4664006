/*
 * ask.h - what the proxy itself asks the upstream, in the name of a session:
 * to go on with a stream, to end the session, to say who a client is.
 */
#ifndef WORKER_ASK_H
#define WORKER_ASK_H

#include "common/http_head.h"
#include "common/sc.h"
#include "worker/stream.h"

struct event;

/*
 * Put a request without a body into the `ask` of a legacy stream of a session,
 * in a state that is not committed: with this method, and the fields that the
 * session's requests carry.  `after` is the event whose id is its
 * Last-Event-ID, or NULL.  0, or -ENOMEM.
 */
SC_MUST_CHECK int ask_write(struct stream *st, struct stream_state *next,
    const char *method, const struct event *after);

/*
 * The same for a ping with the credentials of a client's request: the upstream
 * is to say whether it knows them.
 */
SC_MUST_CHECK int ask_write_ping(struct stream *st, struct stream_state *next,
    const struct http_head *request);

#endif
