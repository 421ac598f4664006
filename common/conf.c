/*
 * conf.c - the life of a struct conf: defaults, setting, copying, comparing.
 *
 * The only file that reaches members through their offsets.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/conf_key.h"
#include "common/conf_value.h"

/* --- members ----------------------------------------------------------- */

/* A value of any type, before it becomes a member or when it leaves it. */
union value {
	uint64_t number;
	double real;
	bool truth;
	char *string;
	struct conf_list list;
};

void
conf_list_fini(struct conf_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct conf_list){ .items = NULL };
}

static int
list_init(struct conf_list *ret, const char *const *items, size_t count)
{
	struct conf_list list = { .items = NULL };

	if (count > 0)
		list.items = calloc(count, sizeof(*list.items));
	if (count > 0 && list.items == NULL)
		return -ENOMEM;
	for (; list.count < count; list.count++) {
		list.items[list.count] = strdup(items[list.count]);
		if (list.items[list.count] == NULL) {
			conf_list_fini(&list);
			return -ENOMEM;
		}
	}
	*ret = list;
	return 0;
}

/* Bytes of the member. */
static size_t
member_size(const struct conf_key *key)
{
	switch (key->type) {
	case CONF_TYPE_DURATION:
	case CONF_TYPE_SIZE:
	case CONF_TYPE_COUNT:
		return sizeof(uint64_t);
	case CONF_TYPE_REAL:
		return sizeof(double);
	case CONF_TYPE_BOOL:
		return sizeof(bool);
	case CONF_TYPE_STRING:
		return sizeof(char *);
	case CONF_TYPE_LIST:
		return sizeof(struct conf_list);
	}
	return 0;
}

static union value
member_load(const struct conf *conf, const struct conf_key *key)
{
	union value value = { .list = { .items = NULL } };

	memcpy(&value, (const char *)conf + key->offset, member_size(key));
	return value;
}

/* Put the value in place of the old one, which is freed; takes it. */
static void
member_store(struct conf *conf, const struct conf_key *key, union value *value)
{
	union value old = member_load(conf, key);

	if (key->type == CONF_TYPE_STRING)
		free(old.string);
	else if (key->type == CONF_TYPE_LIST)
		conf_list_fini(&old.list);
	memcpy((char *)conf + key->offset, value, member_size(key));
}

static bool
list_equal(const struct conf_list *a, const struct conf_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	}
	return true;
}

static bool
member_equal(const struct conf *conf_a, const struct conf *conf_b,
    const struct conf_key *key)
{
	union value a = member_load(conf_a, key);
	union value b = member_load(conf_b, key);

	if (key->type == CONF_TYPE_STRING)
		return strcmp(a.string, b.string) == 0;
	if (key->type == CONF_TYPE_LIST)
		return list_equal(&a.list, &b.list);
	return memcmp(&a, &b, member_size(key)) == 0;
}

/* --- values ------------------------------------------------------------ */

/* Where the text of an error goes. */
struct complaint {
	const struct conf_key *key;
	char *text;
	size_t cap;
};

/* `KEY: "VALUE" ...`; a long value is cut so that the rest can be read. */
static int complain(const struct complaint *to, const char *value,
    const char *fmt, ...) SC_PRINTF(3, 4);

static int
complain(const struct complaint *to, const char *value, const char *fmt, ...)
{
	char tail[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(tail, sizeof(tail), fmt, ap);
	va_end(ap);
	(void)snprintf(to->text, to->cap, "%s: \"%.*s%s\" %s", to->key->name,
	    80, value, strlen(value) > 80 ? "..." : "", tail);
	return -EINVAL;
}

static int
complain_memory(const struct complaint *to)
{
	(void)snprintf(
	    to->text, to->cap, "%s: %s", to->key->name, strerror(ENOMEM));
	return -ENOMEM;
}

/* A number as the key's type writes it. */
static void
format_number(enum conf_type type, uint64_t number, char *buf, size_t cap)
{
	if (type == CONF_TYPE_DURATION)
		conf_format_duration(number, buf, cap);
	else if (type == CONF_TYPE_SIZE)
		conf_format_size(number, buf, cap);
	else
		(void)snprintf(buf, cap, "%" PRIu64, number);
}

static int
complain_bounds(const struct complaint *to, const char *text, bool or_0)
{
	const struct conf_key *key = to->key;
	char min[CONF_VALUE_CAP], max[CONF_VALUE_CAP];

	format_number(key->type, key->min, min, sizeof(min));
	format_number(key->type, key->max, max, sizeof(max));
	return complain(to, text, "is out of bounds: use %s%s to %s",
	    or_0 ? "0, or " : "", min, max);
}

static bool
may_be_0(const struct conf_key *key)
{
	return key->change == CONF_CHANGE_RELOAD_OR_0 ||
	       key->change == CONF_CHANGE_RESTART_OR_0;
}

typedef bool number_parser(const char *, uint64_t *, const char **);

static int
parse_number(const struct complaint *to, const char *text,
    number_parser *parser, const char *noun, uint64_t *ret)
{
	const struct conf_key *key = to->key;
	bool or_0 = may_be_0(key);
	uint64_t number;
	const char *why;

	if (!parser(text, &number, &why))
		return complain(to, text, "is not a %s: %s", noun, why);
	if ((number < key->min || number > key->max) && !(number == 0 && or_0))
		return complain_bounds(to, text, or_0);
	*ret = number;
	return 0;
}

static int
parse_real(const struct complaint *to, const char *text, double *ret)
{
	const char *why;
	double real;

	if (!conf_parse_real(text, &real, &why))
		return complain(to, text, "is not a number: %s", why);
	if (real < (double)to->key->min || real > (double)to->key->max)
		return complain_bounds(to, text, false);
	*ret = real;
	return 0;
}

/* A STRING, or an item of a LIST: 0 or -EINVAL. */
static int
check_string(const struct complaint *to, const char *text)
{
	enum conf_check check = to->key->check;
	const char *why = conf_check_text(check, text);

	if (why == NULL)
		return 0;
	return complain(to, text, "is not %s: %s", conf_check_noun(check), why);
}

static int
parse_string(const struct complaint *to, const char *text, char **ret)
{
	if (text[0] == '\0' && to->key->default_text[0] != '\0')
		return complain(to, text, "is empty: the default is %s",
		    to->key->default_text);
	if (text[0] != '\0' && check_string(to, text) < 0)
		return -EINVAL;
	*ret = strdup(text);
	return *ret != NULL ? 0 : complain_memory(to);
}

static int
parse_items(const struct complaint *to, const char *const *items, size_t count,
    struct conf_list *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (items[i][0] == '\0')
			return complain(
			    to, items[i], "is an empty item in a list");
		if (check_string(to, items[i]) < 0)
			return -EINVAL;
	}
	return list_init(ret, items, count) < 0 ? complain_memory(to) : 0;
}

/* Cut blanks off both ends, in place. */
static char *
trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	for (len = strlen(text); len > 0; len--) {
		if (!isspace((unsigned char)text[len - 1]))
			break;
	}
	text[len] = '\0';
	return text;
}

static int
parse_list(const struct complaint *to, const char *text, struct conf_list *ret)
{
	size_t count = 0, cap = 1;
	char *copy, *rest, *item;
	const char **items;
	int r;

	for (const char *at = text; *at != '\0'; at++)
		cap += *at == ',';
	items = calloc(cap, sizeof(*items));
	rest = copy = strdup(text);
	if (items == NULL || copy == NULL) {
		r = complain_memory(to);
	} else {
		while ((item = strsep(&rest, ",")) != NULL)
			items[count++] = trim(item);
		if (count == 1 && items[0][0] == '\0')
			count = 0;
		r = parse_items(to, items, count, ret);
	}
	free(copy);
	free(items);
	return r;
}

/* The value of a text; to be freed by whoever stores it. */
static int
parse_value(const struct complaint *to, const char *text, union value *ret)
{
	const char *why;

	switch (to->key->type) {
	case CONF_TYPE_DURATION:
		return parse_number(
		    to, text, conf_parse_duration, "duration", &ret->number);
	case CONF_TYPE_SIZE:
		return parse_number(
		    to, text, conf_parse_size, "size", &ret->number);
	case CONF_TYPE_COUNT:
		return parse_number(
		    to, text, conf_parse_count, "number", &ret->number);
	case CONF_TYPE_REAL:
		return parse_real(to, text, &ret->real);
	case CONF_TYPE_BOOL:
		if (conf_parse_bool(text, &ret->truth, &why))
			return 0;
		return complain(to, text, "is not a truth value: %s", why);
	case CONF_TYPE_STRING:
		return parse_string(to, text, &ret->string);
	case CONF_TYPE_LIST:
		return parse_list(to, text, &ret->list);
	}
	return -EINVAL;
}

static int
complain_unknown(const char *name, char *error, size_t cap)
{
	const char *nearest = conf_key_suggest(name);

	if (nearest != NULL)
		(void)snprintf(error, cap,
		    "%.80s: there is no such key: did you mean %s?", name,
		    nearest);
	else
		(void)snprintf(error, cap,
		    "%.80s: there is no such key: see shadowcat.conf(5)", name);
	return -EINVAL;
}

int
conf_set(struct conf *conf, const char *key, const char *value, char *error,
    size_t cap)
{
	struct complaint to = { conf_key_find(key), error, cap };
	union value parsed = { .list = { .items = NULL } };
	int r;

	if (to.key == NULL)
		return complain_unknown(key, error, cap);
	r = parse_value(&to, value, &parsed);
	if (r == 0)
		member_store(conf, to.key, &parsed);
	return r;
}

int
conf_set_items(struct conf *conf, const char *key, const char *const *items,
    size_t count, char *error, size_t cap)
{
	struct complaint to = { conf_key_find(key), error, cap };
	union value parsed = { .list = { .items = NULL } };
	int r;

	if (to.key == NULL || to.key->type != CONF_TYPE_LIST) {
		sc_assert(count == 1);
		return conf_set(conf, key, items[0], error, cap);
	}
	r = parse_items(&to, items, count, &parsed.list);
	if (r == 0)
		member_store(conf, to.key, &parsed);
	return r;
}

/* The text of a value that is no LIST. */
static const char *
format_value(
    enum conf_type type, const union value *value, char *buf, size_t cap)
{
	switch (type) {
	case CONF_TYPE_REAL:
		(void)snprintf(buf, cap, "%.15f", value->real);
		return buf;
	case CONF_TYPE_BOOL:
		return value->truth ? "true" : "false";
	case CONF_TYPE_STRING:
		return value->string;
	case CONF_TYPE_DURATION:
	case CONF_TYPE_SIZE:
	case CONF_TYPE_COUNT:
	case CONF_TYPE_LIST:
		break;
	}
	format_number(type, value->number, buf, cap);
	return buf;
}

int
conf_get_items(const struct conf *conf, const char *key, struct conf_list *ret)
{
	const struct conf_key *row = conf_key_find(key);
	char buf[CONF_VALUE_CAP];
	const char *text;
	union value value;

	if (row == NULL)
		return -EINVAL;
	value = member_load(conf, row);
	if (row->type == CONF_TYPE_LIST)
		return list_init(ret, (const char *const *)value.list.items,
		    value.list.count);
	text = format_value(row->type, &value, buf, sizeof(buf));
	return list_init(ret, &text, 1);
}

/* --- the whole --------------------------------------------------------- */

int
conf_init(struct conf *conf)
{
	const struct conf_key *key;
	char error[CONF_ERROR_CAP];

	memset(conf, 0, sizeof(*conf));
	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++) {
		int r = conf_set(
		    conf, key->name, key->default_text, error, sizeof(error));

		sc_assert(r != -EINVAL); /* a default is valid */
		if (r < 0) {
			conf_fini(conf);
			return r;
		}
	}
	return 0;
}

void
conf_fini(struct conf *conf)
{
	const struct conf_key *key;

	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++) {
		union value none = { .list = { .items = NULL } };

		member_store(conf, key, &none);
	}
	memset(conf, 0, sizeof(*conf));
}

/* A value of the type that shares nothing with the given one. */
static int
value_copy(enum conf_type type, union value *value)
{
	const struct conf_list list = value->list;

	if (type == CONF_TYPE_STRING) {
		value->string = strdup(value->string);
		return value->string != NULL ? 0 : -ENOMEM;
	}
	if (type == CONF_TYPE_LIST)
		return list_init(
		    &value->list, (const char *const *)list.items, list.count);
	return 0;
}

int
conf_copy(const struct conf *conf, struct conf *ret)
{
	const struct conf_key *key;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++) {
		union value value = member_load(conf, key);

		if (value_copy(key->type, &value) < 0) {
			conf_fini(ret);
			return -ENOMEM;
		}
		member_store(ret, key, &value);
	}
	return 0;
}

bool
conf_equal(const struct conf *a, const struct conf *b)
{
	const struct conf_key *key;

	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++) {
		if (!member_equal(a, b, key))
			return false;
	}
	return true;
}

void
conf_keep_until_restart(struct conf *old_conf, struct conf *new_conf)
{
	const struct conf_key *key;
	union value a, b;

	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++) {
		if (!conf_key_needs_restart(key))
			continue;
		a = member_load(old_conf, key);
		b = member_load(new_conf, key);
		memcpy((char *)old_conf + key->offset, &b, member_size(key));
		memcpy((char *)new_conf + key->offset, &a, member_size(key));
	}
}

size_t
conf_changed_needing_restart(const struct conf *old_conf,
    const struct conf *new_conf, char *names, size_t cap)
{
	const struct conf_key *key;
	size_t count = 0, used = 0;

	if (cap > 0)
		names[0] = '\0';
	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++) {
		if (!conf_key_needs_restart(key) ||
		    member_equal(old_conf, new_conf, key))
			continue;
		if (used < cap)
			used += (size_t)snprintf(names + used, cap - used,
			    "%s%s", count > 0 ? ", " : "", key->name);
		count++;
	}
	return count;
}
