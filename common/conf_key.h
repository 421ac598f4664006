/*
 * conf_key.h - the rows of conf_keys.h as data: what each key is called, what
 * it takes, and when a change of it takes effect.
 */
#ifndef COMMON_CONF_KEY_H
#define COMMON_CONF_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf_check.h"

enum conf_type {
	CONF_TYPE_DURATION,
	CONF_TYPE_SIZE,
	CONF_TYPE_COUNT,
	CONF_TYPE_REAL,
	CONF_TYPE_BOOL,
	CONF_TYPE_STRING,
	CONF_TYPE_LIST,
};

/* When a change takes effect, and whether 0 stands outside the bounds. */
enum conf_change {
	CONF_CHANGE_RELOAD,
	CONF_CHANGE_RELOAD_OR_0,
	CONF_CHANGE_RESTART,
	CONF_CHANGE_RESTART_OR_0,
};

/* A row of the table. */
struct conf_key {
	const char *member;
	const char *name;
	const char *default_text;
	const char *help;
	uint64_t min;
	uint64_t max;
	size_t offset; /* of the member in struct conf */
	enum conf_type type;
	enum conf_change change;
	enum conf_check check;
};

/* The row at index, in the table's order; NULL from the end on. */
const struct conf_key *conf_key_at(size_t index);

/* The row of that name, or NULL. */
const struct conf_key *conf_key_find(const char *name);

/* The name that is most like `name`, or NULL where none is like it. */
const char *conf_key_suggest(const char *name);

/* Whether a change of the key needs a restart. */
bool conf_key_needs_restart(const struct conf_key *key);

#endif
