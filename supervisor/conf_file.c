/*
 * conf_file.c - the configuration file.
 *
 * libconfuse splits the text into sections, keys and strings; what the
 * strings mean is conf_set()'s business, so that the file and --set agree.
 * The file is read into memory first: libconfuse ends the process where it
 * can't read, and a reload may not do that.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <confuse.h>

#include "common/conf_key.h"
#include "common/text.h"
#include "supervisor/conf_file.h"
#include "supervisor/conf_text.h"

#define FILE_CAP (1024 * 1024)

/* --- reading ----------------------------------------------------------- */

/* Read fd to its end: a string to be freed, or NULL with errno set. */
static char *
read_all(int fd)
{
	char *text = malloc(FILE_CAP + 1);
	size_t used = 0;
	ssize_t n = 1;

	while (text != NULL && n > 0 && used < FILE_CAP) {
		n = read(fd, text + used, FILE_CAP - used);
		if (n > 0)
			used += (size_t)n;
	}
	if (text == NULL || (n == 0 && memchr(text, 0, used) == NULL)) {
		if (text != NULL)
			text[used] = '\0';
		return text;
	}
	if (n >= 0)
		errno = n > 0 ? EFBIG : EILSEQ;
	free(text);
	return NULL;
}

/* The file's text, to be freed; or NULL, with errno set. */
static char *
read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int saved_errno;
	char *text;

	if (fd < 0)
		return NULL;
	text = read_all(fd);
	saved_errno = errno;
	close(fd);
	errno = saved_errno;
	return text;
}

/* --- the table as libconfuse wants it ---------------------------------- */

#define KEY_COUNT_MAX 128
#define SECTION_COUNT_MAX 32
#define SECTION_NAME_CAP 32

/* A section: its name, and an option for each of its keys. */
struct section {
	char name[SECTION_NAME_CAP];
	cfg_opt_t options[KEY_COUNT_MAX + 1];
	size_t count;
};

/* Section 0 is the top of the file. */
struct schema {
	struct section sections[SECTION_COUNT_MAX];
	size_t count;
};

/* The key's name behind its section's. */
static const char *
name_in_section(const struct conf_key *key)
{
	const char *dot = strchr(key->name, '.');

	return dot != NULL ? dot + 1 : key->name;
}

static struct section *
schema_section(struct schema *schema, const struct conf_key *key)
{
	const char *inner = name_in_section(key);
	size_t len = (size_t)(inner - key->name);
	struct section *section;

	if (len == 0)
		return &schema->sections[0];
	len--; /* the dot */
	for (size_t i = 1; i < schema->count; i++) {
		section = &schema->sections[i];
		if (strlen(section->name) == len &&
		    strncmp(section->name, key->name, len) == 0)
			return section;
	}
	sc_assert(schema->count < SECTION_COUNT_MAX);
	sc_assert(len < SECTION_NAME_CAP);
	section = &schema->sections[schema->count++];
	memcpy(section->name, key->name, len);
	return section;
}

static void
section_add(struct section *section, cfg_opt_t option)
{
	sc_assert(section->count < KEY_COUNT_MAX);
	section->options[section->count++] = option;
}

/* Every key is a string to libconfuse, or a list of strings. */
static cfg_opt_t
key_option(const struct conf_key *key)
{
	const char *name = name_in_section(key);

	if (key->type == CONF_TYPE_LIST)
		return (cfg_opt_t)CFG_STR_LIST(name, NULL, CFGF_NODEFAULT);
	return (cfg_opt_t)CFG_STR(name, NULL, CFGF_NODEFAULT);
}

/* Sections last: their options have to be complete. */
static void
schema_fill(struct schema *schema)
{
	const struct conf_key *key;

	schema->count = 1;
	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++)
		section_add(schema_section(schema, key), key_option(key));
	for (size_t i = 0; i < schema->count; i++) {
		struct section *section = &schema->sections[i];

		section->options[section->count] = (cfg_opt_t)CFG_END();
		if (i > 0)
			section_add(&schema->sections[0],
			    (cfg_opt_t)CFG_SEC(
				section->name, section->options, CFGF_NONE));
	}
	schema->sections[0].options[schema->sections[0].count] =
	    (cfg_opt_t)CFG_END();
}

/* --- parsing ----------------------------------------------------------- */

/*
 * The load that is under way.  libconfuse's callbacks are given no pointer
 * of ours.
 */
static struct load {
	const char *path;
	struct text_lines errors;
	unsigned lines[KEY_COUNT_MAX]; /* of each key's value, 0: none */
} * load;

/* "session|idle_timeout", as libconfuse calls session.idle_timeout. */
static void
option_path(const struct conf_key *key, char *buf, size_t cap)
{
	char *dot;

	(void)snprintf(buf, cap, "%s", key->name);
	dot = strchr(buf, '.');
	if (dot != NULL)
		*dot = '|';
}

/* The name in our spelling; cfg is the section that it stands in. */
static void
key_name(cfg_t *cfg, const char *name, char *buf, size_t cap)
{
	if (strcmp(cfg_name(cfg), "root") == 0)
		(void)snprintf(buf, cap, "%s", name);
	else
		(void)snprintf(buf, cap, "%s.%s", cfg_name(cfg), name);
}

/* Note where a value stands; it is looked at when all are known. */
static int
on_value(cfg_t *cfg, cfg_opt_t *option)
{
	char name[128];
	const struct conf_key *key;

	key_name(cfg, cfg_opt_name(option), name, sizeof(name));
	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++) {
		if (strcmp(key->name, name) == 0)
			load->lines[i] = (unsigned)cfg->line;
	}
	return 0;
}

static void
add_unknown(int line, const char *name)
{
	const char *nearest = conf_key_suggest(name);
	const char *dot;

	if (nearest == NULL) {
		text_lines_add(&load->errors,
		    "%s:%d: %.80s: there is no such key or section: see "
		    "shadowcat.conf(5)",
		    load->path, line, name);
		return;
	}
	dot = strchr(nearest, '.');
	if (dot != NULL && strcmp(nearest, name) == 0)
		text_lines_add(&load->errors,
		    "%s:%d: %s: in a file, write %.*s { %s = ... }", load->path,
		    line, name, (int)(dot - nearest), nearest, dot + 1);
	else
		text_lines_add(&load->errors,
		    "%s:%d: %.80s: there is no such key: did you mean %s?",
		    load->path, line, name, nearest);
}

/* What libconfuse finds wrong. */
static void on_error(cfg_t *cfg, const char *fmt, va_list ap) SC_PRINTF(2, 0);

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	static const char unknown[] = "no such option '%s'";
	char name[128], what[256];

	if (strcmp(fmt, unknown) == 0) {
		key_name(cfg, va_arg(ap, const char *), name, sizeof(name));
		add_unknown(cfg->line, name);
		return;
	}
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	text_lines_add(&load->errors, "%s:%d: %s", load->path, cfg->line, what);
}

/* A parser that knows every key; NULL without memory. */
static cfg_t *
parser_new(void)
{
	struct schema *schema = calloc(1, sizeof(*schema));
	const struct conf_key *key;
	cfg_t *cfg;

	if (schema == NULL)
		return NULL;
	schema_fill(schema);
	cfg = cfg_init(schema->sections[0].options, CFGF_NONE);
	free(schema); /* libconfuse has made a copy */
	if (cfg == NULL)
		return NULL;
	(void)cfg_set_error_function(cfg, on_error);
	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++) {
		char path[128];

		option_path(key, path, sizeof(path));
		(void)cfg_set_validate_func(cfg, path, on_value);
	}
	return cfg;
}

/* Hand one key's value, if the file has one, to the configuration. */
static int
apply(cfg_t *cfg, const struct conf_key *key, unsigned line, struct conf *conf)
{
	char path[128], error[CONF_ERROR_CAP];
	const char **items;
	cfg_opt_t *option;
	size_t count;
	int r;

	option_path(key, path, sizeof(path));
	option = cfg_getopt(cfg, path);
	sc_assert(option != NULL);
	count = cfg_opt_size(option);
	items = calloc(count + 1, sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		items[i] = cfg_opt_getnstr(option, (unsigned)i);
	r = conf_set_items(conf, key->name, items, count, error, sizeof(error));
	if (r < 0)
		text_lines_add(
		    &load->errors, "%s:%u: %s", load->path, line, error);
	free(items);
	return r;
}

/* Parse the text, and set what it says: 0, -EINVAL or -ENOMEM. */
static int
parse(char *text, struct conf *conf)
{
	struct conf_text_fault fault;
	const struct conf_key *key;
	int r = 0, parsed;
	cfg_t *cfg;

	if (conf_text_clean(text, &fault) < 0) {
		text_lines_add(&load->errors, "%s:%u: %s", load->path,
		    fault.line, fault.what);
		return -EINVAL;
	}
	cfg = parser_new();
	if (cfg == NULL)
		return -ENOMEM;
	parsed = cfg_parse_buf(cfg, text);
	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++) {
		if (load->lines[i] > 0 && r != -ENOMEM)
			r = apply(cfg, key, load->lines[i], conf);
	}
	cfg_free(cfg);
	if (r == -ENOMEM)
		return r;
	return parsed != CFG_SUCCESS || load->errors.count > 0 ? -EINVAL : 0;
}

int
conf_file_load(const char *path, struct conf *conf, char *error, size_t cap)
{
	struct load this_load = { .path = path };
	char *text;
	int r;

	text_lines_init(&this_load.errors, error, cap);
	text = read_file(path);
	if (text == NULL) {
		r = -errno;
		text_lines_add(&this_load.errors, "%s: %s", path,
		    r == -EILSEQ ? "it is not a text" : strerror(-r));
		return r;
	}
	load = &this_load;
	r = parse(text, conf);
	load = NULL;
	free(text);
	if (r == -ENOMEM)
		text_lines_add(
		    &this_load.errors, "%s: %s", path, strerror(ENOMEM));
	return r;
}
