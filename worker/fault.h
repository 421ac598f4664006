/*
 * fault.h - the last words of a worker that a fault signal kills: where it
 * was, for `shadowcatctl crashes`.
 */
#ifndef WORKER_FAULT_H
#define WORKER_FAULT_H

#include "common/shm_layout.h"

/*
 * From now on a fault signal (fault_signals.h) writes a back-trace into
 * *trace, which is in shared memory, and then kills as it would have.  Once a
 * process.  Clears *trace, and writes the binary's build id.  In builds with
 * sanitizers, which report faults themselves, that is all.
 */
void fault_catch(struct shm_trace *trace);

#endif
