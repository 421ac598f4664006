/*
 * scrape.h - metrics and health over HTTP, at `metrics.address`.
 *
 * Served by the supervisor itself: it has the numbers, and answers also where
 * no worker can.  A connection carries one short request, of which next to
 * nothing is looked at (scrape_request.h), and its answer; both have little
 * time, and there are few connections at a time.
 */
#ifndef SUPERVISOR_SCRAPE_H
#define SUPERVISOR_SCRAPE_H

#include <ev.h>
#include <stdbool.h>

#include "common/conf.h"
#include "common/sc.h"
#include "supervisor/listen.h"

/* Connections at a time; more wait for theirs to be accepted. */
#define SCRAPE_CONNECTIONS_MAX 12u

struct scrape_conn;
struct supervisor;

struct scrape {
	struct supervisor *sv; /* whose numbers are shown; NULL: closed */
	struct listeners listeners;
	ev_io *watchers; /* one a listener; heap */
	bool is_paused;  /* who connects waits */
	ev_timer pause;
	struct scrape_conn *first; /* the newest */
	struct scrape_conn *last;
	unsigned count;
};

/*
 * The sockets for the addresses of `conf`, as listeners_change(): those of
 * `s` that are among them go on.  ":PORT" and "PORT" are on 127.0.0.1.
 */
SC_MUST_CHECK int scrape_prepare(
    const struct scrape *s, const struct conf *conf, struct listeners *ret);

/*
 * Serve on the listeners that s->listeners has, or on `fresh` (taken) instead
 * of these.  0; or -ENOMEM: nothing is served.
 */
SC_MUST_CHECK int scrape_start(struct scrape *s, struct supervisor *sv);
SC_MUST_CHECK int scrape_restart(struct scrape *s, struct listeners *fresh);

/* Log where it is served. */
void scrape_announce(const struct scrape *s);

/* Close every connection and listener.  A closed one is allowed. */
void scrape_close(struct scrape *s);

/* --- for scrape_conn.c --------------------------------------------------- */

/* A connection has gone, and is linked no more. */
void scrape_room_made(struct scrape *s);

#endif
