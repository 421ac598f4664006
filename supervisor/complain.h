/*
 * complain.h - why the daemon does not start.
 */
#ifndef SUPERVISOR_COMPLAIN_H
#define SUPERVISOR_COMPLAIN_H

#include "common/sc.h"

/*
 * Log an error, and where the log does not go to stderr, write it there
 * too, for whoever typed the command.
 */
void complain(const char *fmt, ...) SC_PRINTF(1, 2);

#endif
