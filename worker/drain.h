/*
 * drain.h - event streams when the worker has to go for good: their clients
 * are told to come back, instead of being cut off.
 */
#ifndef WORKER_DRAIN_H
#define WORKER_DRAIN_H

#include "worker/context.h"

/*
 * The daemon stops: end the streams that no request waits for, for they
 * would never end by themselves.
 */
void drain_standalone(struct worker *w);

/* Time is up: end all legacy event streams. */
void drain_all(struct worker *w);

#endif
