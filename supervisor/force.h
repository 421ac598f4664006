/*
 * force.h - letting the workers go, for an image that can't have them.
 *
 * Its memory has another layout, so nobody can adopt what they have: they
 * finish it by themselves, as they do when the supervisor dies.  But other
 * than then, nothing must be lost on the way between them and us.  So they
 * are told first, and agree; all that they said before is heard, and what it
 * leads to is said to them.  Meanwhile nothing is accepted: who connects
 * waits for the next image.
 */
#ifndef SUPERVISOR_FORCE_H
#define SUPERVISOR_FORCE_H

#include <stdbool.h>

struct supervisor;

/* Accept nothing more, and tell the workers. */
void force_begin(struct supervisor *sv);

/*
 * Whether each worker has agreed, and everything is said.  Tells those that
 * were born meanwhile.
 */
bool force_is_ready(struct supervisor *sv);

/* It is not to be: accept again, and replace the workers that were told. */
void force_take_back(struct supervisor *sv);

#endif
