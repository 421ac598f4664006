/*
 * teller.h - an MCP server inside a test: it tells stories that both sides
 * know beforehand, and breaks off in every way.
 *
 * A story is a stream of numbered events; event k of the story NAME is a pure
 * function, so the server can go on anywhere without having kept anything,
 * and whoever listens knows what has to come.  Speaks MCP up to 2025-11-25:
 * initialize (JSON, with a new session), tools/call with the arguments
 * {"length":N} (a story of N events, the last one is the response, its name is
 * the request's id), GET (the session's own endless story) and DELETE.
 *
 * Sessions are named "with-N" or "none-N": with event ids, or without.  A
 * story without ids is only broken off by teller_restart().
 */
#ifndef INTEGRATION_TELLER_H
#define INTEGRATION_TELLER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/peers/bytes.h"

#define TELLER_SESSIONS_MAX 65536

struct teller {
	/* Set before teller_start(). */
	uint64_t seed;
	bool with_ids;       /* of the sessions that begin from now on */
	unsigned cut_one_in; /* of so many events; 0: nothing goes wrong */
	unsigned pause_ms;   /* between events, at most */
	uint16_t port;       /* set by teller_start() */
	/* What it did. */
	atomic_uint sessions;
	atomic_uint calls;
	atomic_uint cuts;
	atomic_uint resumes;
	atomic_uint relayed;  /* resumes that were a client's own request */
	atomic_uint refusals; /* of resumes, on purpose */
	atomic_uint repeats;  /* events sent although they had been */
	atomic_uint deletes;
	atomic_uint unknown; /* requests of sessions that have ended */
	atomic_uint restarts;
	atomic_uint faults; /* requests that make no sense */
	atomic_bool down;   /* the network is: connections are reset */
	atomic_uchar ended[TELLER_SESSIONS_MAX];
	/* Of the sessions' own stories: told, and known to have arrived. */
	atomic_uint told[TELLER_SESSIONS_MAX];
	atomic_uint had[TELLER_SESSIONS_MAX];
	atomic_uint own_streams[TELLER_SESSIONS_MAX];
};

/* Serve in threads until the process ends; fails the test if it can't. */
void teller_start(struct teller *t);

/* Reset every connection, and each new one until teller_is_back(). */
void teller_restart(struct teller *t);
void teller_is_back(struct teller *t);

/*
 * Append the data of event k (from 1) of a story; length 0: it has no end.
 */
void story_data(
    struct bytes *out, const char *name, unsigned k, unsigned length);

/* --- chance, the same for the same seed ---------------------------------- */

struct chance {
	uint64_t state;
};

/* For what `name` and `number` stand for. */
struct chance chance_of(uint64_t seed, const char *name, uint64_t number);

/* From 0 to n - 1. */
unsigned chance_below(struct chance *c, unsigned n);

#endif
