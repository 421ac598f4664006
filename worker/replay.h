/*
 * replay.h - where a legacy request belongs: to a session here or in another
 * worker; and a client that comes back gets what it missed of its stream.
 */
#ifndef WORKER_REPLAY_H
#define WORKER_REPLAY_H

#include "common/http_head.h"
#include "worker/client.h"
#include "worker/session.h"

enum route_kind {
	ROUTE_RELAY,     /* to the upstream; `session` may be NULL */
	ROUTE_REFUSE,    /* with `fault` */
	ROUTE_ELSEWHERE, /* to worker `home` */
	ROUTE_ATTACH,    /* to `stream`, from record `seq` on */
	ROUTE_PROBE,     /* first the upstream is asked who this is */
};

struct route {
	enum route_kind kind;
	int fault;
	uint32_t home;
	struct session *session;
	struct stream *stream;
	uint64_t seq;
	bool is_gap; /* what comes before the end of the stream is lost */
};

/*
 * Decide where the request with this head goes.  Makes a session for an id
 * that nobody knows (it is confirmed by the upstream's answer); changes
 * nothing else.
 */
void replay_route(
    struct client *c, const struct http_head *head, struct route *ret);

/*
 * Give the stream to this client, whose state `next` is open: its record is
 * committed here, the client's by the caller.  A client that had it before
 * is closed.  0, or -ENOMEM with nothing changed.
 */
SC_MUST_CHECK int replay_attach(struct client *c, struct client_state *next,
    const struct http_head *head, const struct route *route);

/*
 * The client names a stream that began with another Authorization: ask the
 * upstream whether it accepts this one, with a ping (tokens are rotated, so
 * their being equal would be too strict).  Makes c->probe, which client_act()
 * starts; the request waits in the client's `in` and is routed again when
 * c->probe_verdict is there.  -ENOMEM: no room.
 */
SC_MUST_CHECK int replay_probe(
    struct client *c, const struct http_head *head, struct session *s);

/* Whether an event id has the form of ours: such are never sent upstream. */
bool replay_is_minted(struct http_slice id);

/* The digest by which the owner of a stream is known again. */
void replay_owner_sum(
    const struct worker *w, const struct http_head *head, uint64_t ret[2]);

/* Whether the client that sent this understands priming events. */
bool replay_client_primes(const struct http_head *head);

/* Make the token of a stream's ids: random, and it names the slot. */
void replay_make_token(
    const struct worker *w, uint32_t slot, char ret[STREAM_TOKEN_LEN + 1]);

#endif
