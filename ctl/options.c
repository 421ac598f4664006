/*
 * options.c - the command line of shadowcatctl.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "ctl/options.h"

#define WATCH_DEFAULT_S 2.
#define WATCH_MIN_S 0.1
#define WATCH_MAX_S 86400.
/* The most words that name a command. */
#define WORDS_MAX 2u
#define WORD_CAP 32

enum option_id {
#define X(name, long_name, letter, argument, help) OPTION_##name = (letter),
	CTL_OPTIONS(X)
#undef X
};

/* "[SECONDS]" need not be there, "PATH" must. */
#define ARGUMENT_OF(text)                                                      \
	((text)[0] == '\0'     ? no_argument                                   \
	    : (text)[0] == '[' ? optional_argument                             \
			       : required_argument)

/* --- words ------------------------------------------------------------------
 */

/* The n-th word of a command, copied to buf; false where it has no more. */
static bool
word_of(enum ctl_command command, unsigned n, char buf[WORD_CAP])
{
	const char *p = ctl_command_row(command)->words, *end;
	size_t len;

	for (; n > 0; n--) {
		p = strchr(p, ' ');
		if (p == NULL)
			return false;
		p++;
	}
	end = strchrnul(p, ' ');
	len = (size_t)(end - p);
	sc_assert(len < WORD_CAP);
	memcpy(buf, p, len);
	buf[len] = '\0';
	return true;
}

static void
append(char *error, const char *text)
{
	size_t used = strlen(error);

	(void)snprintf(error + used, CTL_ERROR_CAP - used, "%s", text);
}

/* List the words that could stand in place n, each once. */
static void
append_words(char *error, uint64_t candidates, unsigned n)
{
	char word[WORD_CAP], last[WORD_CAP] = "";

	for (unsigned i = 0; i < CTL_COMMAND_COUNT; i++) {
		if ((candidates & (uint64_t)1 << i) == 0 ||
		    !word_of((enum ctl_command)i, n, word) ||
		    strcmp(word, last) == 0)
			continue;
		append(error, " ");
		append(error, word);
		strcpy(last, word);
	}
}

/* Those of the candidates whose n-th word is this one, or begins so. */
static uint64_t
filter(uint64_t candidates, unsigned n, const char *text, bool is_whole)
{
	uint64_t found = 0;
	char word[WORD_CAP];

	for (unsigned i = 0; i < CTL_COMMAND_COUNT; i++) {
		if ((candidates & (uint64_t)1 << i) == 0 ||
		    !word_of((enum ctl_command)i, n, word))
			continue;
		if (is_whole ? strcmp(word, text) == 0
			     : strncmp(word, text, strlen(text)) == 0)
			found |= (uint64_t)1 << i;
	}
	return found;
}

/* Whether all of them have the same n-th word. */
static bool
agree(uint64_t candidates, unsigned n)
{
	char word[WORD_CAP], first[WORD_CAP] = "";

	for (unsigned i = 0; i < CTL_COMMAND_COUNT; i++) {
		if ((candidates & (uint64_t)1 << i) == 0 ||
		    !word_of((enum ctl_command)i, n, word))
			continue;
		if (first[0] == '\0')
			strcpy(first, word);
		if (strcmp(word, first) != 0)
			return false;
	}
	return true;
}

static uint64_t
narrow(uint64_t candidates, unsigned n, const char *text)
{
	uint64_t found = filter(candidates, n, text, true);

	return found != 0 ? found : filter(candidates, n, text, false);
}

/*
 * Which command the words name, and how many words they are: 0, or -EINVAL
 * with the words that are valid where it goes wrong.
 */
static int
find_command(char **words, unsigned count, enum ctl_command *ret,
    unsigned *ret_used, char *error)
{
	uint64_t candidates = ((uint64_t)1 << CTL_COMMAND_COUNT) - 1, found;
	char next[WORD_CAP];
	unsigned n;

	for (n = 0;; n++) {
		if (n == count) {
			append(error, count == 0 ? "a command is missing:"
						 : "a word is missing:");
			break;
		}
		found = narrow(candidates, n, words[n]);
		if (found == 0 || !agree(found, n)) {
			(void)snprintf(error, CTL_ERROR_CAP, "%.64s: %s",
			    words[n],
			    found == 0 ? "not known; known are:"
				       : "may be each of:");
			candidates = found == 0 ? candidates : found;
			break;
		}
		candidates = found;
		*ret = (enum ctl_command)__builtin_ctzll(candidates);
		if (!word_of(*ret, n + 1, next)) {
			*ret_used = n + 1;
			return 0;
		}
	}
	append_words(error, candidates, n);
	return -EINVAL;
}

/* As far as it can be known without asking: 0 or -EINVAL. */
static int
check_argument(const struct ctl_request *request, char *error)
{
	const char *text = request->arguments[0];
	enum log_level level;

	if (request->command == CTL_LOG && log_level_parse(text, &level) != 0) {
		(void)snprintf(error, CTL_ERROR_CAP,
		    "%.64s: not known; known are:"
#define X(name, word, priority) " " word
		    LOG_LEVELS(X)
#undef X
			,
		    text);
		return -EINVAL;
	}
	if (request->command == CTL_RECYCLE &&
	    text[strspn(text, "0123456789")] != '\0') {
		(void)snprintf(error, CTL_ERROR_CAP,
		    "%.64s is no number of a slot: `shadowcatctl workers` "
		    "shows them",
		    text);
		return -EINVAL;
	}
	return 0;
}

static int
take_arguments(
    struct ctl_request *request, char **words, unsigned count, char *error)
{
	const struct ctl_command_row *row = ctl_command_row(request->command);

	if (count < row->least || count > row->most) {
		(void)snprintf(error, CTL_ERROR_CAP,
		    "usage: shadowcatctl %s%s%s", row->words,
		    row->arguments[0] != '\0' ? " " : "", row->arguments);
		return -EINVAL;
	}
	for (unsigned i = 0; i < count; i++) {
		if (words[i][0] == '\0' ||
		    strlen(words[i]) >= CTL_ARGUMENT_CAP) {
			append(error, "an argument is empty, or too long");
			return -EINVAL;
		}
		strcpy(request->arguments[i], words[i]);
	}
	request->argument_count = count;
	return check_argument(request, error);
}

static int
take_words(struct ctl_options *o, char **words, unsigned count, char *error)
{
	enum ctl_form form;
	unsigned used;

	if (find_command(words, count, &o->request.command, &used, error) !=
		0 ||
	    take_arguments(&o->request, words + used, count - used, error) != 0)
		return -EINVAL;
	form = ctl_command_row(o->request.command)->form;
	if (o->watch && (form == CTL_FORM_WORD || form == CTL_FORM_LIVE)) {
		append(error, "--watch is for commands that show something "
			      "and end");
		return -EINVAL;
	}
	return 0;
}

/* --- options
 * ------------------------------------------------------------------ */

static bool
parse_seconds(const char *text, double *ret)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= WATCH_MIN_S) ||
	    value > WATCH_MAX_S)
		return false;
	*ret = value;
	return true;
}

static int
take_watch(struct ctl_options *o, const char *argument, char *error)
{
	o->watch = true;
	o->watch_s = WATCH_DEFAULT_S;
	if (argument != NULL && !parse_seconds(argument, &o->watch_s)) {
		(void)snprintf(error, CTL_ERROR_CAP,
		    "--watch: %.64s is no time: %g to %g seconds", argument,
		    WATCH_MIN_S, WATCH_MAX_S);
		return -EINVAL;
	}
	return 0;
}

static int
take_path(struct ctl_options *o, const char *path, char *error)
{
	o->is_default_path = false;
	if (path[0] == '\0' || strlen(path) >= sizeof(o->path)) {
		append(error, "--socket: the path is empty, or too long");
		return -EINVAL;
	}
	strcpy(o->path, path);
	return 0;
}

static int
take_option(struct ctl_options *o, int id, const char *argument, char *error)
{
	switch ((enum option_id)id) {
	case OPTION_SOCKET:
		return take_path(o, argument, error);
	case OPTION_JSON:
		o->json = true;
		return 0;
	case OPTION_WATCH:
		return take_watch(o, argument, error);
	case OPTION_BODIES:
		o->request.bodies = true;
		return 0;
	case OPTION_FORCE:
		o->request.force = true;
		return 0;
	case OPTION_HELP:
		o->action = CTL_ACTION_HELP;
		return 0;
	case OPTION_VERSION:
		o->action = CTL_ACTION_VERSION;
		return 0;
	}
	append(error, "no such option, or its argument is missing");
	return -EINVAL;
}

static const struct option long_options[] = {
#define X(name, long_name, letter, argument, help)                             \
	{ long_name, ARGUMENT_OF(argument), NULL, letter },
	CTL_OPTIONS(X)
#undef X
	    { NULL, 0, NULL, 0 },
};

/* The letters as getopt(3) wants them. */
static void
make_letters(char buf[4 * ARRAY_LEN(long_options)])
{
	for (size_t i = 0; long_options[i].name != NULL; i++) {
		*buf++ = (char)long_options[i].val;
		if (long_options[i].has_arg != no_argument)
			*buf++ = ':';
		if (long_options[i].has_arg == optional_argument)
			*buf++ = ':';
	}
	*buf = '\0';
}

static int
take_options(struct ctl_options *o, int argc, char **argv, char *error)
{
	char letters[4 * ARRAY_LEN(long_options)];
	const char *argument;
	double seconds;
	int id;

	make_letters(letters);
	opterr = 0;
	optind = 0;
	while (
	    (id = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		argument = optarg;
		if (id == '?') {
			(void)snprintf(error, CTL_ERROR_CAP,
			    "%.64s: no such option, or its argument is missing",
			    argv[optind - 1]);
			return -EINVAL;
		}
		/* "--watch 5": no command looks like a number. */
		if (id == OPTION_WATCH && argument == NULL && optind < argc &&
		    parse_seconds(argv[optind], &seconds))
			argument = argv[optind++];
		if (take_option(o, id, argument, error) != 0)
			return -EINVAL;
	}
	return 0;
}

int
ctl_options_parse(int argc, char **argv, struct ctl_options *ret, char *error)
{
	error[0] = '\0';
	memset(ret, 0, sizeof(*ret));
	ret->is_default_path = true;
	if (control_path_default(geteuid(), getenv("XDG_RUNTIME_DIR"),
		ret->path, sizeof(ret->path)) != 0)
		ret->path[0] = '\0';
	if (take_options(ret, argc, argv, error) != 0)
		return -EINVAL;
	if (ret->action != CTL_ACTION_ASK)
		return 0;
	if (ret->path[0] == '\0') {
		append(
		    error, "XDG_RUNTIME_DIR is too long: --socket is needed");
		return -EINVAL;
	}
	return take_words(ret, argv + optind, (unsigned)(argc - optind), error);
}

/* --- help
 * --------------------------------------------------------------------- */

void
ctl_options_write_help(FILE *out)
{
	char left[64];

	(void)fputs("usage: shadowcatctl [-s PATH] [--json] [--watch [SECONDS]]"
		    " COMMAND ...\n\nCommands:\n",
	    out);
	for (unsigned i = 0; i < CTL_COMMAND_COUNT; i++) {
		const struct ctl_command_row *row =
		    ctl_command_row((enum ctl_command)i);

		(void)snprintf(
		    left, sizeof(left), "%s %s", row->words, row->arguments);
		(void)fprintf(out, "  %-18s %s\n", left, row->help);
	}
	(void)fputs("\nOptions:\n", out);
#define X(name, long_name, letter, argument, help)                             \
	(void)snprintf(                                                        \
	    left, sizeof(left), "-%c, --%s %s", letter, long_name, argument);  \
	(void)fprintf(out, "  %-24s %s\n", left, help);
	CTL_OPTIONS(X)
#undef X
	(void)fputs("\nSee shadowcatctl(8).\n", out);
}
