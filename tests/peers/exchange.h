/*
 * exchange.h - one request at the origin, and the script that answers it.
 */
#ifndef PEERS_EXCHANGE_H
#define PEERS_EXCHANGE_H

#include "tests/peers/diary.h"
#include "tests/peers/script.h"

/* How an exchange, or a connection, stands. */
enum exchange_state {
	EXCHANGE_READING, /* the request's body has not been asked for */
	EXCHANGE_ANSWERING,
	EXCHANGE_DONE,   /* the connection may serve another request */
	EXCHANGE_CLOSED, /* the wire is closed */
};

struct exchange {
	struct wire *wire;       /* borrowed */
	struct message *request; /* borrowed; NULL for a script on connect */
	const char *gate_dir;    /* borrowed; NULL: await waits for ever */
	struct diary_place place;
	enum exchange_state state;
	struct bytes body;            /* the request's */
	struct bytes fields;          /* for the next head */
	enum message_framing framing; /* of the answer */
	size_t drip_piece;            /* 0: send all at once */
	int64_t drip_ms;
};

/*
 * Run the script to its end, or to the end of the connection.  Afterwards
 * state is EXCHANGE_DONE or EXCHANGE_CLOSED.
 */
void exchange_run(struct exchange *x, const struct script *script);

/* Give back what the exchange owns; the wire and the request stay. */
void exchange_fini(struct exchange *x);

#endif
