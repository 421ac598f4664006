/*
 * respawn.h - whether and when a worker that died gets a successor.  Pure.
 */
#ifndef SUPERVISOR_RESPAWN_H
#define SUPERVISOR_RESPAWN_H

#include <stdbool.h>
#include <stdint.h>

/* A worker that served for so long starts with a clean slate. */
#define RESPAWN_SERVED_MS (60u * 1000u)

/* The exit code of a worker whose successor would fail as well. */
#define RESPAWN_EXIT_HOPELESS 2

/* What the decision depends on. */
struct respawn_case {
	int wait_status;
	bool was_ready;      /* it had said READY */
	bool killed_by_us;   /* for hanging, or breaking the protocol */
	bool recycled;       /* killed by us to be replaced */
	bool stopping;       /* the daemon is to end */
	bool leaves_sockets; /* connections of it are in the vault */
	bool any_was_ready;  /* some worker has said READY since the start */
	uint64_t served_ms;  /* since it said READY */
	unsigned fails;      /* deaths in a row before this one */
};

enum respawn_verdict {
	RESPAWN_AFTER,   /* start a successor after delay_ms */
	RESPAWN_NEVER,   /* the slot stays empty */
	RESPAWN_GIVE_UP, /* no worker can ever start: the daemon fails */
};

struct respawn_decision {
	enum respawn_verdict verdict;
	unsigned delay_ms;
	unsigned fails; /* deaths in a row, this one counted if it counts */
};

/*
 * Decide.  A successor is needed for the connections that were left, so
 * there is one however often workers die, but later and later
 * (backoff.h's respawn_delay_ms()).  A SIGKILL from outside is not a worker's
 * fault: it delays nothing where the worker served, and else never more than
 * a second death does.  Nor does being recycled.
 */
struct respawn_decision respawn_decide(const struct respawn_case *c);

#endif
