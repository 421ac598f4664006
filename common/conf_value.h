/*
 * conf_value.h - values as people write them: "5m", "16MiB", "yes".
 *
 * Pure.  Each parser takes the whole text, without blanks around it, and
 * returns true with the value stored, or false with *ret untouched and
 * *ret_why telling what would be right ("use a number with ...").
 */
#ifndef COMMON_CONF_VALUE_H
#define COMMON_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any number with its unit. */
#define CONF_VALUE_CAP 32

/* "250ms", "5s", "5m", "2h", or "0": milliseconds. */
bool conf_parse_duration(
    const char *text, uint64_t *ret_ms, const char **ret_why);

/* "4096", "256KiB", "16MiB", "1GiB": bytes. */
bool conf_parse_size(
    const char *text, uint64_t *ret_bytes, const char **ret_why);

/* "10": decimal digits. */
bool conf_parse_count(const char *text, uint64_t *ret, const char **ret_why);

/* "0.25", "1": decimal digits with at most one point, no exponent. */
bool conf_parse_real(const char *text, double *ret, const char **ret_why);

/* "true", "yes", "on" and "false", "no", "off". */
bool conf_parse_bool(const char *text, bool *ret, const char **ret_why);

/*
 * Write a duration or a size in the largest unit that gives a whole number,
 * to buf (cap at least CONF_VALUE_CAP).
 */
void conf_format_duration(uint64_t ms, char *buf, size_t cap);
void conf_format_size(uint64_t bytes, char *buf, size_t cap);

#endif
