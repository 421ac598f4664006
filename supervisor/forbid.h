/*
 * forbid.h - system calls that a worker has no use for, and that somebody who
 * took it over would want: other programs, other processes, mounts, modules,
 * keys, and sockets other than TCP, UDP and local ones.
 */
#ifndef SUPERVISOR_FORBID_H
#define SUPERVISOR_FORBID_H

#include "common/sc.h"

/*
 * Let them fail with EPERM (a family of sockets: EAFNOSUPPORT) for the rest
 * of this process's life.  It must not be able to gain privileges any more
 * (priv_drop()).  0; -ENOTSUP where this kernel, this machine or a build with
 * sanitizers can't do it; or -errno.
 */
SC_MUST_CHECK int forbid_system_calls(void);

#endif
