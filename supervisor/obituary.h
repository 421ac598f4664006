/*
 * obituary.h - what a wait status says, in words.  Pure.
 */
#ifndef SUPERVISOR_OBITUARY_H
#define SUPERVISOR_OBITUARY_H

#include <stddef.h>

/* Room for the longest obituary. */
#define OBITUARY_CAP 64

/*
 * Write what became of a process, by the status that waitpid(2) gave, to
 * buf (cap at least OBITUARY_CAP): "exited with code 1", "killed by
 * SIGSEGV", "killed by SIGSEGV, core dumped", "killed by signal 40".
 */
void obituary_format(int wait_status, char *buf, size_t cap);

#endif
