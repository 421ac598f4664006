/*
 * conf.h - the configuration: one member for each row of conf_keys.h.
 *
 * A struct conf is a value: initialised with the defaults, changed key by
 * key, then only read.  Where the help of a key says that 0 means "no
 * limit", the member is 0 and its reader has to treat it so.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf_keys.h"
#include "common/sc.h"

/* Room that an error text of conf_set() always fits in. */
#define CONF_ERROR_CAP 512

/* Strings in the order given. */
struct conf_list {
	char **items;
	size_t count;
};

/* The C type behind each type of a row. */
#define CONF_C_DURATION uint64_t /* milliseconds */
#define CONF_C_SIZE uint64_t     /* bytes */
#define CONF_C_COUNT uint64_t
#define CONF_C_REAL double
#define CONF_C_BOOL bool
#define CONF_C_STRING char * /* never NULL; "" where not set */
#define CONF_C_LIST struct conf_list

struct conf {
#define X(member, name, type, ...) CONF_C_##type member;
	CONF_KEYS(X)
#undef X
};

/*
 * Fill conf with the defaults.  Returns 0, or -ENOMEM with nothing to free.
 * conf is freed with conf_fini().
 */
SC_MUST_CHECK int conf_init(struct conf *conf);

/* Free what conf owns, and leave it zeroed; a zeroed conf is allowed. */
void conf_fini(struct conf *conf);

/*
 * Make *ret, which holds nothing yet, a copy of conf that shares nothing
 * with it.  Returns 0, or -ENOMEM with nothing to free.
 */
SC_MUST_CHECK int conf_copy(const struct conf *conf, struct conf *ret);

/*
 * Set a key from text, as --set does.  A LIST is separated by commas, with
 * blanks about them allowed, and replaces the list; "" empties it, and
 * un-sets a STRING.
 * Returns 0; -EINVAL with one line in error (cut at cap; CONF_ERROR_CAP is
 * always enough) that begins with the key, and conf untouched; or -ENOMEM,
 * with a line too.
 */
SC_MUST_CHECK int conf_set(struct conf *conf, const char *key,
    const char *value, char *error, size_t cap);

/*
 * Set a LIST from count items, which may hold commas; or any other key,
 * where count must be 1.  Returns as conf_set() does.
 */
SC_MUST_CHECK int conf_set_items(struct conf *conf, const char *key,
    const char *const *items, size_t count, char *error, size_t cap);

/*
 * The keys whose values differ and whose change needs a restart: their
 * number is returned, and their names, separated by ", ", are written to
 * names (cut at cap).
 */
size_t conf_changed_needing_restart(const struct conf *old_conf,
    const struct conf *new_conf, char *names, size_t cap);

/*
 * Let each key whose change needs a restart keep its value: the two exchange
 * theirs, so that what is borrowed from `old_conf` stays where it is, in
 * `new_conf`.
 */
void conf_keep_until_restart(struct conf *old_conf, struct conf *new_conf);

/*
 * The value of a key as texts that conf_set_items() takes: one, or those of a
 * LIST.  0 and *ret, to be freed with conf_list_fini(); -EINVAL for an
 * unknown key; or -ENOMEM.
 */
SC_MUST_CHECK int conf_get_items(
    const struct conf *conf, const char *key, struct conf_list *ret);
void conf_list_fini(struct conf_list *list);

/* Whether two configurations agree in every key. */
bool conf_equal(const struct conf *a, const struct conf *b);

#endif
