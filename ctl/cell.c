/*
 * cell.c - one value as text for people.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/log_escape.h"
#include "common/sc.h"
#include "ctl/cell.h"

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"

/* TABLE of the words that have a colour. */
static const struct {
	const char *word, *colour;
} colours[] = {
	{ "running", GREEN },
	{ "ready", GREEN },
	{ "live", GREEN },
	{ "relaying", GREEN },
	{ "starting", YELLOW },
	{ "leaving", YELLOW },
	{ "draining", YELLOW },
	{ "paused", YELLOW },
	{ "resuming", YELLOW },
	{ "stopping", RED },
	{ "dead", RED },
};

const char *
cell_colour(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(colours); i++) {
		if (strcmp(colours[i].word, word) == 0)
			return colours[i].colour;
	}
	return "";
}

bool
cell_is_right(enum column_form form)
{
	return form == COLUMN_NUMBER || form == COLUMN_DURATION ||
	       form == COLUMN_BYTES;
}

/* The two greatest units: 3d4h, 5m12s, 1.5s. */
static void
format_duration(double seconds, char *buf)
{
	uint64_t s;

	if (!(seconds >= 0) || seconds > 1e15)
		seconds = 0;
	s = (uint64_t)seconds;
	if (s < 10)
		(void)snprintf(buf, CELL_CAP, "%.1fs", seconds);
	else if (s < 60)
		(void)snprintf(buf, CELL_CAP, "%us", (unsigned)s);
	else if (s < 3600)
		(void)snprintf(buf, CELL_CAP, "%um%02us", (unsigned)(s / 60),
		    (unsigned)(s % 60));
	else if (s < 86400)
		(void)snprintf(buf, CELL_CAP, "%uh%02um", (unsigned)(s / 3600),
		    (unsigned)(s / 60 % 60));
	else
		(void)snprintf(buf, CELL_CAP, "%llud%02uh",
		    (unsigned long long)(s / 86400), (unsigned)(s / 3600 % 24));
}

static void
format_time(double seconds, char *buf)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(buf, CELL_CAP, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		strcpy(buf, "?");
}

static void
format_bytes(double bytes, char *buf)
{
	static const char units[] = "BKMGTP";
	size_t unit = 0;

	while (bytes >= 1024 && unit + 2 < sizeof(units)) {
		bytes /= 1024;
		unit++;
	}
	if (unit == 0)
		(void)snprintf(buf, CELL_CAP, "%.0f", bytes);
	else
		(void)snprintf(buf, CELL_CAP, "%.1f%c", bytes, units[unit]);
}

static void
format_plain(const json_t *value, char *buf)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		(void)log_escape(json_string_value(value),
		    json_string_length(value), buf, CELL_CAP);
		break;
	case JSON_INTEGER:
		(void)snprintf(buf, CELL_CAP, "%lld",
		    (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		(void)snprintf(buf, CELL_CAP, "%.3f", json_real_value(value));
		break;
	case JSON_TRUE:
		strcpy(buf, "yes");
		break;
	default:
		strcpy(buf, "-");
		break;
	}
	if (buf[0] == '\0')
		strcpy(buf, "-");
}

void
cell_format(const json_t *value, enum column_form form, char *buf)
{
	if (!json_is_number(value)) {
		if (value == NULL)
			strcpy(buf, "-");
		else
			format_plain(value, buf);
		return;
	}
	switch (form) {
	case COLUMN_DURATION:
		format_duration(json_number_value(value), buf);
		break;
	case COLUMN_TIME:
		format_time(json_number_value(value), buf);
		break;
	case COLUMN_BYTES:
		format_bytes(json_number_value(value), buf);
		break;
	case COLUMN_TEXT:
	case COLUMN_NUMBER:
	case COLUMN_ID:
	case COLUMN_FLAG:
	case COLUMN_STATE:
		format_plain(value, buf);
		break;
	}
}
