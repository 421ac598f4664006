/*
 * clock.c - what time it is.
 */
#include "config.h"

#include <stdio.h>
#include <time.h>

#include "common/clock.h"
#include "common/sc.h"

static struct timespec
read_clock(clockid_t id)
{
	struct timespec now;

	/* Fails only for a clock that doesn't exist. */
	sc_assert(clock_gettime(id, &now) == 0);
	return now;
}

static uint64_t
in_ms(struct timespec t)
{
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t
clock_ms(void)
{
	return in_ms(read_clock(CLOCK_MONOTONIC));
}

uint64_t
clock_us(void)
{
	struct timespec now = read_clock(CLOCK_MONOTONIC);

	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
clock_wall_ms(void)
{
	return in_ms(read_clock(CLOCK_REALTIME));
}

size_t
clock_format_iso8601(uint64_t wall_ms, char *buf, size_t cap)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char day[sizeof("2026-11-20T09:48:00")];
	struct tm tm;

	if (cap > 0)
		buf[0] = '\0';
	if (cap < CLOCK_ISO8601_CAP || gmtime_r(&seconds, &tm) == NULL)
		return 0;
	if (strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return 0;
	return (size_t)snprintf(
	    buf, cap, "%s.%03uZ", day, (unsigned)(wall_ms % 1000));
}
