/*
 * fault_signals.h - TABLE of the signals that a process gets for a fault of
 * its own.
 */
#ifndef COMMON_FAULT_SIGNALS_H
#define COMMON_FAULT_SIGNALS_H

#include <signal.h>

/* clang-format off */
#define FAULT_SIGNALS(X)                                                \
	X(SIGSEGV) X(SIGBUS) X(SIGABRT) X(SIGFPE) X(SIGILL) X(SIGTRAP)  \
	X(SIGSYS)
/* clang-format on */

#endif
