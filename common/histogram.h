/*
 * histogram.h - TABLE of the histograms that each worker keeps in the shared
 * memory: how long things take.
 *
 * All of them count microseconds in the same buckets, from 0.1 ms to 5
 * minutes, so that they can be laid over each other; to observe is to add to
 * two numbers.  How many observations there were is the sum of the buckets:
 * nothing that could be told apart by a death.
 */
#ifndef COMMON_HISTOGRAM_H
#define COMMON_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * To add one: a row, a bump of SHM_LAYOUT_VERSION, worker_observe() where it
 * happens, and a line in shadowcatctl(8), METRICS.
 */
/* clang-format off */
#define HISTOGRAMS(X)                                                        \
	/* name            metric                         help            */ \
	X(FIRST_BYTE,      "request_first_byte_seconds",                     \
	    "from a request's head to the head of the upstream's answer")    \
	X(REQUEST,         "request_seconds",                                \
	    "from a request's head to the last byte of its answer; without " \
	    "event streams that were asked for by GET")                      \
	X(CONNECT,         "upstream_connect_seconds",                       \
	    "until a connection to the upstream stood")                      \
	X(ADOPTION,        "adoption_pause_seconds",                         \
	    "from the end of a worker to that of the adoption of what it had")\
	X(LOOP_LAG,        "loop_lag_seconds",                               \
	    "how late a worker's timer was, asked each second")

/* The buckets' upper bounds: microseconds, and as they are shown. */
#define HISTOGRAM_BOUNDS(X)                                                  \
	X(100, "0.0001") X(250, "0.00025") X(500, "0.0005")                  \
	X(1000, "0.001") X(2500, "0.0025") X(5000, "0.005")                  \
	X(10000, "0.01") X(25000, "0.025") X(50000, "0.05")                  \
	X(100000, "0.1") X(250000, "0.25") X(500000, "0.5")                  \
	X(1000000, "1")  X(2500000, "2.5") X(5000000, "5")                   \
	X(10000000, "10") X(30000000, "30") X(60000000, "60")                \
	X(300000000, "300") X(UINT64_MAX, "+Inf")
/* clang-format on */

enum histogram_name {
#define X(name, metric, help) HISTOGRAM_##name,
	HISTOGRAMS(X)
#undef X
	    HISTOGRAM_COUNT
};

#define HISTOGRAM_BUCKETS 20u

struct histogram {
	_Atomic uint64_t bucket[HISTOGRAM_BUCKETS]; /* not cumulative */
	_Atomic uint64_t sum_us;
};

/* Note that something took so long; one writer only. */
void histogram_observe(struct histogram *h, uint64_t us);

/* The upper bound of a bucket in seconds, as text: "0.005", "+Inf". */
const char *histogram_bound(unsigned bucket);

#endif
