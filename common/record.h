/*
 * record.h - a record that holds its state twice (DESIGN, 4).
 *
 * `commits` counts commits; its low bit says which copy is the committed
 * one.  The owner alone may begin and commit; anyone may copy out.
 *
 *	struct client_state *next = RECORD_BEGIN(rec);
 *	... change *next ...
 *	RECORD_COMMIT(rec);
 */
#ifndef COMMON_RECORD_H
#define COMMON_RECORD_H

#include <stdatomic.h>

#include "common/kill_point.h"

/* Which copy is the committed one. */
#define RECORD_INDEX(rec)                                                      \
	(atomic_load_explicit(&(rec)->commits, memory_order_acquire) & 1)

/* The committed copy; for the owner, who alone changes it. */
#define RECORD_STATE(rec) (&(rec)->state[RECORD_INDEX(rec)])

/* Copy the committed state into the other copy, and return that one. */
#define RECORD_BEGIN(rec)                                                      \
	(*RECORD_NEXT(rec) = *RECORD_STATE(rec), RECORD_NEXT(rec))

/* The copy that is not committed. */
#define RECORD_NEXT(rec)                                                       \
	(&(rec)->state[(atomic_load_explicit(                                  \
			    &(rec)->commits, memory_order_relaxed) +           \
			   1) &                                                \
		       1])

/* Publish it: from here on it survives the process. */
#define RECORD_COMMIT(rec)                                                     \
	(KILL_POINT(),                                                         \
	    atomic_store_explicit(&(rec)->commits,                             \
		atomic_load_explicit(&(rec)->commits, memory_order_relaxed) +  \
		    1,                                                         \
		memory_order_release),                                         \
	    KILL_POINT())

#endif
