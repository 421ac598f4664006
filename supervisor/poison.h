/*
 * poison.h - bytes that workers die of.  Pure.
 *
 * A worker notes for whom it receives (struct shm_hand).  Two deaths by our
 * own fault with the same note, which is to say at the same place in what one
 * peer sent: the next successor ends that stream instead of taking the bytes
 * a third time.
 */
#ifndef SUPERVISOR_POISON_H
#define SUPERVISOR_POISON_H

#include <stdbool.h>

#include "common/shm_layout.h"

/* What the dead of one slot had in hand last; all zero: nothing. */
struct poison {
	struct shm_hand hand;
	unsigned deaths; /* in a row, with this in hand */
};

/*
 * Whether a death was our own fault: a fault signal, or that it hung.  A
 * SIGKILL from outside is nobody's.
 */
bool poison_is_fault(int wait_status, bool hung);

/*
 * Note a death with this in hand (read from shared memory: any bytes).  One
 * that was nobody's fault changes nothing.
 */
void poison_note(struct poison *p, const struct shm_hand *hand, bool fault);

/* What must not be taken again, or NULL. */
const struct shm_hand *poison_verdict(const struct poison *p);

#endif
