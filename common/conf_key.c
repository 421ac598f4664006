/*
 * conf_key.c - the rows of conf_keys.h as data.
 */
#include "config.h"

#include <string.h>

#include "common/conf.h"
#include "common/conf_key.h"
#include "common/sc.h"

static const struct conf_key conf_keys[] = {
#define X(member, name, type, default_text, min, max, change, check, help)     \
	{ #member, name, default_text, help, min, max,                         \
		offsetof(struct conf, member), CONF_TYPE_##type,               \
		CONF_CHANGE_##change, CONF_CHECK_##check },
	CONF_KEYS(X)
#undef X
};

const struct conf_key *
conf_key_at(size_t index)
{
	return index < ARRAY_LEN(conf_keys) ? &conf_keys[index] : NULL;
}

const struct conf_key *
conf_key_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(conf_keys); i++) {
		if (strcmp(name, conf_keys[i].name) == 0)
			return &conf_keys[i];
	}
	return NULL;
}

bool
conf_key_needs_restart(const struct conf_key *key)
{
	return key->change == CONF_CHANGE_RESTART ||
	       key->change == CONF_CHANGE_RESTART_OR_0;
}

/* Longest name that is compared. */
#define NAME_CAP 64

/* Changes of a character that make one word of the other (Levenshtein). */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t row[NAME_CAP + 1], b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t same = a[i - 1] == b[j - 1] ? 0 : 1;
			size_t best = MIN(row[j], row[j - 1]) + 1;

			best = MIN(best, diagonal + same);
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[b_len];
}

/* A name without its section: "url" of "upstream.url". */
static const char *
last_part(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL ? dot + 1 : name;
}

const char *
conf_key_suggest(const char *name)
{
	const char *nearest = NULL;
	size_t best = strlen(name) / 3 + 1; /* farther is not alike */

	if (strlen(name) >= NAME_CAP)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(conf_keys); i++) {
		const char *key = conf_keys[i].name;
		size_t distance = edit_distance(name, key);

		/* The section forgotten, or a wrong one. */
		if (strcmp(last_part(name), last_part(key)) == 0)
			distance = MIN(distance, 1);
		if (distance < best || (distance == best && !nearest)) {
			best = distance;
			nearest = key;
		}
	}
	return nearest;
}
