/*
 * sc.c - what happens when an assertion fails.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/sc.h"

void
sc_assert_failed(const char *cond, const char *file, int line,
    const char *func)
{
	char buf[512];
	int n;

	n = snprintf(buf, sizeof(buf), "shadowcat[%d] bug: %s:%d: %s: %s\n",
	    (int)getpid(), file, line, func, cond);
	if (n > 0)
		(void)!write(STDERR_FILENO, buf,
		    MIN((size_t)n, sizeof(buf) - 1));
	abort();
}
