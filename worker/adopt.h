/*
 * adopt.h - going on with what a dead worker left: from its records and
 * sockets to running streams.
 */
#ifndef WORKER_ADOPT_H
#define WORKER_ADOPT_H

#include "worker/context.h"
#include "worker/worker.h"

/*
 * Adopt every record of start->dead with the sockets of start->inherited,
 * free what nothing reaches, and say ADOPTED for each of the dead.
 */
void adopt_all(struct worker *w, const struct worker_start *start);

#endif
