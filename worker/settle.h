/*
 * settle.h - the third pass of adoption: what was taken over goes on.
 */
#ifndef WORKER_SETTLE_H
#define WORKER_SETTLE_H

#include "worker/context.h"
#include "worker/worker.h"

/* One adoption, while it lasts. */
struct adoption {
	struct worker *w;
	const struct worker_start *start;
	uint32_t client;  /* the slot whose blocks are being inherited */
	int *upstream_fd; /* by slot, + 1; 0: none was inherited */
	uint32_t adopted, closed, broken;
};

struct client;

/*
 * All records of the dead are taken over, and the rest is swept: settle
 * sessions, streams and clients, and let them act.
 */
void settle_all(struct adoption *a);

/* Close a connection whose record can't be trusted, and only that. */
void settle_give_up(struct adoption *a, struct client *c);

/* Workers died of a record, which is ended. */
void settle_note_poisoned(struct adoption *a);

#endif
