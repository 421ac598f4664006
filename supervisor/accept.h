/*
 * accept.h - takes connections from the listening sockets.
 *
 * The original goes into the vault before anybody hears of it; then a worker
 * is told.  While no worker is ready, or there is no room, connections wait
 * in the backlog: nothing is refused and nothing spins.  Where many wait there
 * at once, some more are let gather before they are taken.
 */
#ifndef SUPERVISOR_ACCEPT_H
#define SUPERVISOR_ACCEPT_H

#include <ev.h>
#include <stdint.h>

#include "common/sc.h"
#include "common/shm.h"
#include "supervisor/listen.h"
#include "supervisor/vault.h"
#include "supervisor/worker_table.h"

enum accept_state {
	ACCEPT_OFF,    /* not begun, or ended */
	ACCEPT_ON,     /* as long as a worker is ready */
	ACCEPT_PAUSED, /* out of descriptors or memory: until a timer ends */
	ACCEPT_FULL,   /* every client slot is taken: until one is freed */
};

struct acceptor {
	enum accept_state state;
	struct ev_loop *loop;
	const struct listeners *listeners;
	ev_io *watchers; /* one a listener, in their order */
	size_t watcher_count;
	ev_timer pause;
	ev_prepare turn;
	uint32_t came;    /* connections, in this turn of the loop */
	bool is_resting;  /* the loop sleeps before it looks again */
	uint64_t told_ms; /* when a pause was logged last, 0: never */
	struct vault *vault;
	struct shm *shm;
	const struct worker_table *workers;
	/* Tell a worker that the record `slot` of clients is its own. */
	void (*deliver)(
	    void *context, uint32_t worker, uint32_t slot, uint32_t generation);
	void *context;
};

/*
 * Begin to accept on these listeners, which are borrowed until
 * acceptor_stop().  The members from `vault` on, and `loop`, are set by the
 * caller before.  0 or -ENOMEM.
 */
SC_MUST_CHECK int acceptor_start(
    struct acceptor *a, const struct listeners *listeners);

/* Accept no more.  A stopped acceptor is allowed. */
void acceptor_stop(struct acceptor *a);

/* A worker has become ready, or is not any more. */
void acceptor_workers_changed(struct acceptor *a);

/* A descriptor was closed in the vault: there may be room again. */
void acceptor_room_made(struct acceptor *a);

#endif
