/*
 * conf_value.c - values as people write them.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/conf_value.h"
#include "common/sc.h"

struct unit {
	const char *word;
	uint64_t factor;
};

/* Smallest first. */
static const struct unit duration_units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
};
static const struct unit size_units[] = {
	{ "", 1 },
	{ "KiB", 1024 },
	{ "MiB", 1024 * 1024 },
	{ "GiB", 1024 * 1024 * 1024 },
};

/* A decimal number; returns what follows it, or NULL: no number, too big. */
static const char *
take_number(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(
			value, (uint64_t)(*at - '0'), &value))
			return NULL;
	}
	if (at == text)
		return NULL;
	*ret = value;
	return at;
}

/* A number and one of the units. */
static bool
parse_with_unit(
    const char *text, const struct unit *units, size_t count, uint64_t *ret)
{
	uint64_t number, value;
	const char *word = take_number(text, &number);

	for (size_t i = 0; word != NULL && i < count; i++) {
		if (strcmp(word, units[i].word) != 0)
			continue;
		if (__builtin_mul_overflow(number, units[i].factor, &value))
			return false;
		*ret = value;
		return true;
	}
	return false;
}

bool
conf_parse_duration(const char *text, uint64_t *ret_ms, const char **ret_why)
{
	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return true;
	}
	*ret_why = "use a number with ms, s, m or h";
	return parse_with_unit(
	    text, duration_units, ARRAY_LEN(duration_units), ret_ms);
}

bool
conf_parse_size(const char *text, uint64_t *ret_bytes, const char **ret_why)
{
	*ret_why = "use a number of bytes, or one with KiB, MiB or GiB";
	return parse_with_unit(
	    text, size_units, ARRAY_LEN(size_units), ret_bytes);
}

bool
conf_parse_count(const char *text, uint64_t *ret, const char **ret_why)
{
	uint64_t value;
	const char *rest = take_number(text, &value);

	*ret_why = "use a whole number";
	if (rest == NULL || *rest != '\0')
		return false;
	*ret = value;
	return true;
}

/* By hand, for strtod(3) minds the locale and knows "inf" and "0x1p3". */
bool
conf_parse_real(const char *text, double *ret, const char **ret_why)
{
	uint64_t whole, part;
	const char *at = take_number(text, &whole);
	double value, scale = 1;

	*ret_why = "use a number such as 0.25";
	if (at == NULL)
		return false;
	value = (double)whole;
	if (*at == '.') {
		const char *end = take_number(at + 1, &part);

		if (end == NULL)
			return false;
		while (++at < end)
			scale *= 10;
		value += (double)part / scale;
	}
	if (*at != '\0')
		return false;
	*ret = value;
	return true;
}

bool
conf_parse_bool(const char *text, bool *ret, const char **ret_why)
{
	static const char *const words[][2] = {
		{ "false", "true" },
		{ "no", "yes" },
		{ "off", "on" },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		for (size_t value = 0; value < 2; value++) {
			if (strcmp(text, words[i][value]) == 0) {
				*ret = value == 1;
				return true;
			}
		}
	}
	*ret_why = "use true or false";
	return false;
}

static void
format_with_unit(uint64_t value, const struct unit *units, size_t count,
    char *buf, size_t cap)
{
	const struct unit *unit = units;

	for (size_t i = 1; i < count; i++) {
		if (value % units[i].factor == 0)
			unit = &units[i];
	}
	if (value == 0)
		(void)snprintf(buf, cap, "0");
	else
		(void)snprintf(buf, cap, "%" PRIu64 "%s", value / unit->factor,
		    unit->word);
}

void
conf_format_duration(uint64_t ms, char *buf, size_t cap)
{
	format_with_unit(
	    ms, duration_units, ARRAY_LEN(duration_units), buf, cap);
}

void
conf_format_size(uint64_t bytes, char *buf, size_t cap)
{
	format_with_unit(bytes, size_units, ARRAY_LEN(size_units), buf, cap);
}
