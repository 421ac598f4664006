/*
 * confine.h - a supervisor that runs as root keeps what it needs of that, and
 * no more.
 */
#ifndef SUPERVISOR_CONFINE_H
#define SUPERVISOR_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/sc.h"

/*
 * Keep the capabilities of confine_kept() and let go all others, for this
 * process and whatever it executes; workers lose the rest with their user.
 * With `chroots` they are to get another root.  Nothing happens where we are
 * not root.  0 or -errno.
 */
SC_MUST_CHECK int confine_root(bool chroots);

/* The capabilities that are kept, as bits. */
uint64_t confine_kept(bool chroots);

#endif
