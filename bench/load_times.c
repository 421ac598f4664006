/*
 * load_times.c - a histogram of times, and processor time of processes.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load_net.h"
#include "bench/load_times.h"

void
load_times_clear(struct load_times *t)
{
	memset(t, 0, sizeof(*t));
}

void
load_times_add(struct load_times *t, uint64_t ns)
{
	int shift =
	    ns < LOAD_TIMES_PARTS ? 0 : 63 - __builtin_clzll(ns | 1) - 6;

	t->count++;
	if (ns > t->most)
		t->most = ns;
	t->bins[(unsigned)shift * LOAD_TIMES_PARTS + (ns >> shift)]++;
}

double
load_times_at(const struct load_times *t, double share)
{
	uint64_t seen = 0, sought = (uint64_t)((double)t->count * share);
	unsigned i, shift;

	if (t->count == 0)
		return 0;
	for (i = 0; i < sizeof(t->bins) / sizeof(t->bins[0]); i++) {
		seen += t->bins[i];
		if (seen > sought)
			break;
	}
	if (i < 2 * LOAD_TIMES_PARTS)
		return i;
	shift = i / LOAD_TIMES_PARTS - 1;
	return (double)((uint64_t)(i - shift * LOAD_TIMES_PARTS) << shift);
}

/* The kernel's own account in ns: utime + stime are this one, in ticks. */
static uint64_t
cpu_of(long pid)
{
	unsigned long long ns;
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%ld/schedstat", pid);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%llu", &ns) != 1)
		load_die(path);
	fclose(f);
	return ns;
}

uint64_t
load_cpu_ns(const char *pids)
{
	uint64_t sum = 0;
	char *end;
	long pid;

	while (pids != NULL && *pids != '\0') {
		pid = strtol(pids, &end, 10);
		if (end == pids)
			load_die("pid");
		sum += cpu_of(pid);
		pids = *end == ',' ? end + 1 : end;
	}
	return sum;
}
