/*
 * load_times.h - a histogram of times, and processor time of processes.
 */
#ifndef BENCH_LOAD_TIMES_H
#define BENCH_LOAD_TIMES_H

#include <stdint.h>

/* Each power of two in 64 parts: exact to 1.6 %. */
#define LOAD_TIMES_PARTS 64
struct load_times {
	uint64_t count;
	uint64_t most; /* the longest, exact */
	uint64_t bins[64 * LOAD_TIMES_PARTS];
};

void load_times_clear(struct load_times *t);
void load_times_add(struct load_times *t, uint64_t ns);

/* The time in ns that `share` (0 to 1) of all don't exceed; 0 for none. */
double load_times_at(const struct load_times *t, double share);

/*
 * Processor time, in ns, that processes have used; pids with commas between
 * them, or NULL.  Exits where one is not there.
 */
uint64_t load_cpu_ns(const char *pids);

#endif
