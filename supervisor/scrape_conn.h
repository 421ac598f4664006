/*
 * scrape_conn.h - one connection of a scraper: a request, its answer, the end.
 */
#ifndef SUPERVISOR_SCRAPE_CONN_H
#define SUPERVISOR_SCRAPE_CONN_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "supervisor/scrape.h"
#include "supervisor/scrape_request.h"
#include "supervisor/tally.h"

/* From the first moment to the last byte of the answer. */
#define SCRAPE_LIMIT_S 10.
/* Who has said nothing whole for so long goes when others wait. */
#define SCRAPE_PATIENCE_S .1
/* So long, what still comes in is thrown away. */
#define SCRAPE_LINGER_S 1.

/* TABLE of the states of a connection: X(state, may be followed by). */
#define SCRAPE_STATES(X)                                                       \
	X(READING, SCRAPE_TO(COUNTING) | SCRAPE_TO(SENDING))                   \
	X(COUNTING, SCRAPE_TO(SENDING)) /* a slice each turn of the loop */    \
	X(SENDING, SCRAPE_TO(LINGERING))                                       \
	X(LINGERING, 0) /* the answer is out, and so is our FIN */

enum scrape_state {
#define X(state, next) SCRAPE_##state,
	SCRAPE_STATES(X)
#undef X
};

struct scrape_conn {
	struct scrape *scrape;
	struct scrape_conn *next, *prev; /* older, newer */
	enum scrape_state state;
	bool is_on_loopback; /* the address that it came to is */
	ev_io io;            /* io.fd is the socket */
	ev_timer limit;
	double since; /* ev_now() when it was accepted */
	char in[SCRAPE_REQUEST_MAX];
	size_t in_len;
	struct scrape_request request;
	struct tally tally;
	char *out; /* the whole answer; heap */
	size_t out_len;
	size_t sent;
};

/* A connection was accepted; takes fd, and closes it without memory. */
void scrape_conn_new(struct scrape *s, int fd);

/*
 * Whether it may go when others wait: it has said nothing whole for so long,
 * or has had its answer.  What it has said and nobody has read yet is not held
 * against it: then it was us who were late.
 */
bool scrape_conn_has_had_its_time(const struct scrape_conn *conn);

/* Close and free it, wherever it stands. */
void scrape_conn_close(struct scrape_conn *conn);

#endif
