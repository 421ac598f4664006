/*
 * unit.h - how main() of a unit test ends, and what it runs under.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * Run the suite, which is taken, as CK_VERBOSITY wants it.  Returns what the
 * program exits with.
 */
static inline int
unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * Whether RLIMIT_NOFILE is heeded for what comes over a socket: valgrind keeps
 * a limit of its own, of which the kernel knows nothing.
 */
static inline bool
unit_limit_is_the_kernels(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload == NULL || strstr(preload, "vgpreload") == NULL;
}

#endif
