/*
 * exposition.h - metrics, read as strictly as the most strict of those who
 * scrape them: Prometheus' text format, version 0.0.4.
 */
#ifndef UNIT_EXPOSITION_H
#define UNIT_EXPOSITION_H

#include <stdbool.h>

/*
 * NULL if text is what it should be; else what is wrong, in static memory.
 * Beyond the format: HELP and TYPE come first and once, all samples of a
 * metric behind them and at least one; counters are whole, end in _total,
 * and nothing else does; a histogram's buckets grow, and the last one has all.
 */
const char *exposition_check(const char *text);

/*
 * The value of a sample, "name" or "name{label=\"value\"}"; -1 where there is
 * none.
 */
double exposition_value(const char *text, const char *sample);

#endif
