/*
 * clock.h - what time it is: a clock for intervals, and one for logs.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Room for "2026-11-20T09:48:00.123Z" and its NUL. */
#define CLOCK_ISO8601_CAP 25

/*
 * Milliseconds of a clock that never jumps and is the same in all
 * processes of this machine (CLOCK_MONOTONIC); its zero means nothing.
 */
uint64_t clock_ms(void);

/* The same clock in microseconds. */
uint64_t clock_us(void);

/* Milliseconds since the Epoch, as the administrator has set the clock. */
uint64_t clock_wall_ms(void);

/*
 * Write wall_ms as ISO 8601 in UTC, with milliseconds, to buf.
 * Returns the length written: CLOCK_ISO8601_CAP - 1 for years 0 to 9999,
 * and 0 (an empty string) where the time can't be written so, or cap is
 * smaller than CLOCK_ISO8601_CAP.
 */
size_t clock_format_iso8601(uint64_t wall_ms, char *buf, size_t cap);

#endif
