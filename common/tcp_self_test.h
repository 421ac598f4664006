/*
 * tcp_self_test.h - is tcp_count() to be trusted on this kernel?
 */
#ifndef COMMON_TCP_SELF_TEST_H
#define COMMON_TCP_SELF_TEST_H

#include "common/sc.h"

/*
 * Check on a loopback connection of our own that the counters say the truth
 * on this kernel.  Takes about 0.1 ms.  0 if so; -ENOTSUP if not; -errno if
 * the test itself could not be made.
 */
SC_MUST_CHECK int tcp_count_self_test(void);

#endif
