/*
 * options.c - the command line of shadowcat(8).
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf_key.h"
#include "common/conf_validate.h"
#include "common/control_path.h"
#include "common/text.h"
#include "supervisor/conf_file.h"
#include "supervisor/options.h"

static const struct {
	const char *long_name;
	int short_name; /* 0: none */
	const char *argument;
	const char *key;
	const char *help;
} table[] = {
#define X(name, long_name, short_name, argument, key, help)                    \
	{ long_name, short_name, argument, key, help },
	OPTIONS(X)
#undef X
};

/* getopt_long(3) returns this for the first option that has no letter. */
#define LONG_ONLY 256

/* The word that says what the command line runs. */
static const char mode_reverse[] = "reverse";

/* --- paths ------------------------------------------------------------- */

/* Whether a key's value, if it is no word of its own, is a path. */
static bool
is_relative_path(const struct conf_key *key, const char *value)
{
	if (key == NULL || value[0] == '\0' || value[0] == '/')
		return false;
	if (key->check == CONF_CHECK_TARGET)
		return strcmp(value, "stderr") != 0 &&
		       strncmp(value, "syslog", strlen("syslog")) != 0;
	return key->check == CONF_CHECK_PATH || key->check == CONF_CHECK_SOCKET;
}

/* "head" + the working directory + "/" + path, to be freed; or NULL. */
static char *
absolute_path(const char *head, size_t head_len, const char *path)
{
	char *directory = getcwd(NULL, 0), *text = NULL;

	if (directory != NULL && asprintf(&text, "%.*s%s/%s", (int)head_len,
				     head, directory, path) < 0)
		text = NULL;
	free(directory);
	return text;
}

/* The text of an option, with a path in it made absolute; to be freed. */
static char *
keep_text(enum options_flag flag, const char *text)
{
	const char *equals = strchr(text, '=');
	char name[64] = "";

	if (flag == OPTIONS_FLAG_CONFIG && text[0] != '/' && text[0] != '\0')
		return absolute_path("", 0, text);
	if (table[flag].key != NULL &&
	    is_relative_path(conf_key_find(table[flag].key), text))
		return absolute_path("", 0, text);
	if (flag == OPTIONS_FLAG_SET && equals != NULL) {
		size_t len = (size_t)(equals - text);

		(void)snprintf(name, sizeof(name), "%.*s", (int)len, text);
		if (is_relative_path(conf_key_find(name), equals + 1))
			return absolute_path(text, len + 1, equals + 1);
	}
	return strdup(text);
}

/* --- parsing ----------------------------------------------------------- */

/* A parse under way. */
struct parse {
	struct options options;
	char *error;
	size_t cap;
};

static int complain(struct parse *parse, int error, const char *fmt, ...)
    SC_PRINTF(3, 4);

static int
complain(struct parse *parse, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(parse->error, parse->cap, fmt, ap);
	va_end(ap);
	return error;
}

/* Options of which a second one would silently undo the first. */
static bool
is_single(enum options_flag flag)
{
	return flag == OPTIONS_FLAG_UPSTREAM || flag == OPTIONS_FLAG_CONFIG;
}

static int
check_given(struct parse *parse, enum options_flag flag, const char *text)
{
	const char *name = table[flag].long_name;

	if (is_single(flag) && options_has(&parse->options, flag))
		return complain(parse, -EINVAL, "--%s is given twice", name);
	if (text != NULL && text[0] == '\0')
		return complain(parse, -EINVAL, "--%s: the %s is empty", name,
		    table[flag].argument);
	if (flag == OPTIONS_FLAG_SET &&
	    (strchr(text, '=') == NULL || text[0] == '='))
		return complain(
		    parse, -EINVAL, "--set: \"%s\" is not KEY=VALUE", text);
	return 0;
}

static int
add_given(struct parse *parse, enum options_flag flag, const char *text)
{
	struct options *options = &parse->options;
	struct options_given *more;
	int r = check_given(parse, flag, text);

	if (r < 0)
		return r;
	more = reallocarray(
	    options->given, options->given_count + 1, sizeof(*more));
	if (more == NULL)
		return complain(parse, -ENOMEM, "%s", strerror(ENOMEM));
	options->given = more;
	more += options->given_count;
	more->flag = flag;
	more->text = NULL;
	if (text != NULL) {
		more->text = keep_text(flag, text);
		if (more->text == NULL)
			return complain(parse, -errno, "--%s %s: %s",
			    table[flag].long_name, text, strerror(errno));
	}
	options->given_count++;
	return 0;
}

/* The option behind what getopt_long(3) returned. */
static enum options_flag
flag_of(int code)
{
	for (int i = 0; i < OPTIONS_FLAG_COUNT; i++) {
		if (code != 0 &&
		    (table[i].short_name == code || code == LONG_ONLY + i))
			return (enum options_flag)i;
	}
	return OPTIONS_FLAG_COUNT;
}

/* ':' and '?' of getopt_long(3); word is the argument it looked at. */
static int
complain_getopt(struct parse *parse, int code, const char *word)
{
	enum options_flag flag = flag_of(optopt);

	if (code == ':')
		return complain(parse, -EINVAL, "--%s needs an argument: %s",
		    table[flag].long_name, table[flag].argument);
	if (flag != OPTIONS_FLAG_COUNT && word[0] == '-' && word[1] == '-')
		return complain(parse, -EINVAL, "--%s takes no argument",
		    table[flag].long_name);
	if (optopt != 0)
		return complain(parse, -EINVAL, "unknown option -%c", optopt);
	return complain(parse, -EINVAL, "unknown option %s", word);
}

/* Room for a letter and a colon for each, and for "-:" and a NUL. */
#define SHORTS_CAP (2 * OPTIONS_FLAG_COUNT + 3)

/* The tables that getopt_long(3) wants. */
static void
fill_getopt(struct option *longs, char *shorts)
{
	*shorts++ = ':'; /* tell a missing argument from an unknown option */
	for (int i = 0; i < OPTIONS_FLAG_COUNT; i++) {
		bool argument = table[i].argument != NULL;
		int code = table[i].short_name;

		longs[i] = (struct option){ .name = table[i].long_name,
			.has_arg = argument ? required_argument : no_argument,
			.val = code != 0 ? code : LONG_ONLY + i };
		if (code == 0)
			continue;
		*shorts++ = (char)code;
		if (argument)
			*shorts++ = ':';
	}
	longs[OPTIONS_FLAG_COUNT] = (struct option){ .name = NULL };
	*shorts = '\0';
}

/* Take the options out of argv, whose order changes; optind is behind. */
static int
parse_flags(struct parse *parse, int argc, char **argv)
{
	struct option longs[OPTIONS_FLAG_COUNT + 1];
	char shorts[SHORTS_CAP];
	int code, r = 0;

	fill_getopt(longs, shorts);
	opterr = 0;
	optind = 0; /* begin anew, also in its hidden state (getopt(3)) */
	while (r == 0) {
		code = getopt_long(argc, argv, shorts, longs, NULL);
		if (code == -1)
			break;
		if (code == ':' || code == '?')
			r = complain_getopt(parse, code, argv[optind - 1]);
		else
			r = add_given(parse, flag_of(code), optarg);
	}
	return r;
}

/* What stands beside the options: nothing, or the mode. */
static int
parse_mode(struct parse *parse, int argc, char **argv)
{
	bool reverse = optind < argc && strcmp(argv[optind], mode_reverse) == 0;

	if (optind < argc && !reverse)
		return complain(parse, -EINVAL,
		    "unknown mode \"%s\": use reverse", argv[optind]);
	if (argc - optind > 1)
		return complain(parse, -EINVAL, "unexpected argument \"%s\"",
		    argv[optind + 1]);
	if (!reverse && parse->options.action != OPTIONS_HELP &&
	    parse->options.action != OPTIONS_VERSION &&
	    !options_has(&parse->options, OPTIONS_FLAG_CONFIG))
		return complain(parse, -EINVAL,
		    "give a mode (reverse) or a configuration (-c FILE)");
	return 0;
}

static enum options_action
action_of(const struct options *options)
{
	if (options_has(options, OPTIONS_FLAG_HELP))
		return OPTIONS_HELP;
	if (options_has(options, OPTIONS_FLAG_VERSION))
		return OPTIONS_VERSION;
	if (options_has(options, OPTIONS_FLAG_TEST))
		return OPTIONS_TEST;
	return OPTIONS_RUN;
}

/* --bind=ADDRESS, or --daemon; to be freed, or NULL. */
static char *
format_given(const struct options_given *given)
{
	const char *name = table[given->flag].long_name;
	char *word;
	int n;

	if (given->text != NULL)
		n = asprintf(&word, "--%s=%s", name, given->text);
	else
		n = asprintf(&word, "--%s", name);
	return n < 0 ? NULL : word;
}

/* Write the command line down once more: 0 or -ENOMEM. */
static int
fill_argv(struct options *options, const char *program, bool reverse)
{
	char **word = calloc(options->given_count + 3, sizeof(*word));

	options->argv = word;
	if (word == NULL || (*word++ = strdup(program)) == NULL)
		return -ENOMEM;
	if (reverse && (*word++ = strdup(mode_reverse)) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < options->given_count; i++) {
		*word = format_given(&options->given[i]);
		if (*word++ == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* The same with an argv that may be put into another order. */
static int
parse_all(struct parse *parse, int argc, char **argv)
{
	int r = parse_flags(parse, argc, argv);

	if (r < 0)
		return r;
	parse->options.action = action_of(&parse->options);
	r = parse_mode(parse, argc, argv);
	if (r < 0)
		return r;
	if (fill_argv(&parse->options, argv[0], optind < argc) < 0)
		return complain(parse, -ENOMEM, "%s", strerror(ENOMEM));
	return 0;
}

int
options_parse(
    int argc, char *const *argv, struct options *ret, char *error, size_t cap)
{
	struct parse parse = { .error = error, .cap = cap };
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));
	int r;

	if (argc < 1 || copy == NULL) {
		free(copy);
		return complain(&parse, -ENOMEM, "%s", strerror(ENOMEM));
	}
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	r = parse_all(&parse, argc, copy);
	free(copy);
	if (r < 0)
		options_fini(&parse.options);
	else
		*ret = parse.options;
	return r;
}

void
options_fini(struct options *options)
{
	for (size_t i = 0; i < options->given_count; i++)
		free(options->given[i].text);
	free(options->given);
	for (char **word = options->argv; word != NULL && *word != NULL; word++)
		free(*word);
	free(options->argv);
	*options = (struct options){ .given = NULL };
}

const char *
options_text(const struct options *options, enum options_flag flag)
{
	const char *text = NULL;

	for (size_t i = 0; i < options->given_count; i++) {
		if (options->given[i].flag == flag)
			text = options->given[i].text;
	}
	return text;
}

bool
options_has(const struct options *options, enum options_flag flag)
{
	for (size_t i = 0; i < options->given_count; i++) {
		if (options->given[i].flag == flag)
			return true;
	}
	return false;
}

/* --- loading ----------------------------------------------------------- */

/* A configuration that is being put together, and what is wrong with it. */
struct build {
	const struct options *options;
	struct conf conf;
	struct text_lines errors;
};

static void
set_default(struct build *build, const char *key, const char *value)
{
	char error[CONF_ERROR_CAP];

	if (conf_set(&build->conf, key, value, error, sizeof(error)) < 0)
		text_lines_add(&build->errors, "%s", error);
}

static void
apply_file(struct build *build)
{
	const char *path = options_text(build->options, OPTIONS_FLAG_CONFIG);
	char error[OPTIONS_ERROR_CAP / 2];

	if (path != NULL &&
	    conf_file_load(path, &build->conf, error, sizeof(error)) < 0)
		text_lines_add(&build->errors, "%s", error);
}

static void
apply_set(struct build *build, const char *text)
{
	const char *equals = strchr(text, '=');
	char name[128], error[CONF_ERROR_CAP];

	(void)snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
	if (conf_set(&build->conf, name, equals + 1, error, sizeof(error)) < 0)
		text_lines_add(&build->errors, "--set %s", error);
}

/* An option that sets a key: errors name the option, not the key. */
static void
apply_flag(struct build *build, enum options_flag flag,
    const char *const *items, size_t count)
{
	const char *key = table[flag].key;
	char error[CONF_ERROR_CAP];

	if (conf_set_items(
		&build->conf, key, items, count, error, sizeof(error)) < 0)
		text_lines_add(&build->errors, "--%s%s", table[flag].long_name,
		    error + strlen(key));
}

/* All addresses of --bind together, for they replace those of the file. */
static int
apply_bind(struct build *build)
{
	const struct options *options = build->options;
	const char **items = calloc(options->given_count + 1, sizeof(*items));
	size_t count = 0;

	if (items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < options->given_count; i++) {
		if (options->given[i].flag == OPTIONS_FLAG_BIND)
			items[count++] = options->given[i].text;
	}
	if (count > 0)
		apply_flag(build, OPTIONS_FLAG_BIND, items, count);
	free(items);
	return 0;
}

static void
apply_flags(struct build *build)
{
	const struct options *options = build->options;

	for (int i = 0; i < OPTIONS_FLAG_COUNT; i++) {
		enum options_flag flag = (enum options_flag)i;
		const char *text = options_text(options, flag);

		if (flag != OPTIONS_FLAG_BIND && table[i].key != NULL &&
		    text != NULL)
			apply_flag(build, flag, &text, 1);
	}
}

static void
apply_control_path(struct build *build)
{
	char path[CONTROL_PATH_CAP];

	if (build->conf.control_path[0] != '\0')
		return;
	if (control_path_default(
		geteuid(), getenv("XDG_RUNTIME_DIR"), path, sizeof(path)) < 0)
		text_lines_add(&build->errors,
		    "control.path: the path in XDG_RUNTIME_DIR is too long: "
		    "give --control PATH");
	else
		set_default(build, "control.path", path);
}

/* From the weakest to the strongest; what is wrong goes to errors. */
static int
apply_all(struct build *build)
{
	const struct options *options = build->options;
	char error[OPTIONS_ERROR_CAP / 2];

	if (options_has(options, OPTIONS_FLAG_DAEMON))
		set_default(build, "log.target", "syslog");
	apply_file(build);
	for (size_t i = 0; i < options->given_count; i++) {
		if (options->given[i].flag == OPTIONS_FLAG_SET)
			apply_set(build, options->given[i].text);
	}
	if (apply_bind(build) < 0)
		return -ENOMEM;
	apply_flags(build);
	apply_control_path(build);
	/* What is missing may only be missing because of an error above. */
	if (build->errors.count == 0 &&
	    conf_validate(&build->conf, error, sizeof(error)) < 0)
		text_lines_add(&build->errors, "%s", error);
	return build->errors.count > 0 ? -EINVAL : 0;
}

int
options_load(
    const struct options *options, struct conf *ret, char *error, size_t cap)
{
	struct build build = { .options = options };
	int r = conf_init(&build.conf);

	text_lines_init(&build.errors, error, cap);
	if (r == 0)
		r = apply_all(&build);
	if (r == -ENOMEM)
		text_lines_add(&build.errors, "%s", strerror(ENOMEM));
	if (r < 0)
		conf_fini(&build.conf);
	else
		*ret = build.conf;
	return r;
}
