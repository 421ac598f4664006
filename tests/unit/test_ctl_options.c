/*
 * test_ctl_options.c - the command line of shadowcatctl.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "ctl/options.h"
#include "tests/unit/unit.h"

#define WORDS_MAX 12

static char error[CTL_ERROR_CAP];
static struct ctl_options options;

/* Parse a line of words with blanks between. */
static int
parse(const char *line)
{
	char copy[512], *rest = copy, *argv[WORDS_MAX] = { NULL };
	int argc = 0;

	(void)snprintf(copy, sizeof(copy), "shadowcatctl %s", line);
	while (rest != NULL && argc < WORDS_MAX - 1) {
		argv[argc] = strsep(&rest, " ");
		if (argv[argc][0] != '\0')
			argc++;
	}
	argv[argc] = NULL;
	return ctl_options_parse(argc, argv, &options, error);
}

static const struct {
	const char *line;
	enum ctl_command command;
	const char *argument;
} good[] = {
	{ "status", CTL_STATUS, "" },
	{ "stat", CTL_STATUS, "" },
	{ "session", CTL_COMMAND_COUNT, "" },
	{ "sessions", CTL_SESSIONS, "" },
	{ "session show x", CTL_SESSION_SHOW, "x" },
	{ "session s x", CTL_SESSION_SHOW, "x" },
	{ "session e x", CTL_SESSION_END, "x" },
	{ "session end show", CTL_SESSION_END, "show" },
	{ "w", CTL_WORKERS, "" },
	{ "recycle", CTL_RECYCLE, "" },
	{ "recycle 3", CTL_RECYCLE, "3" },
	{ "log debug", CTL_LOG, "debug" },
	{ "--json tap ID", CTL_TAP, "ID" },
	{ "tap ID --json", CTL_TAP, "ID" },
	{ "tap -- --json", CTL_TAP, "--json" },
};

START_TEST(words_name_a_command)
{
	int wanted = good[_i].command == CTL_COMMAND_COUNT ? -EINVAL : 0;

	ck_assert_int_eq(parse(good[_i].line), wanted);
	if (wanted != 0)
		return;
	ck_assert_int_eq(options.request.command, good[_i].command);
	ck_assert_uint_eq(
	    options.request.argument_count, good[_i].argument[0] != '\0');
	ck_assert_str_eq(options.request.arguments[0], good[_i].argument);
}
END_TEST

static const struct {
	const char *line, *says;
} bad[] = {
	{ "", "a command is missing: status workers sessions session " },
	{ "foo", "foo: not known; known are: status workers " },
	{ "sess", "sess: may be each of: sessions session" },
	{ "s", "s: may be each of: status sessions session streams stop" },
	{ "session", "a word is missing: show end" },
	{ "session kill x", "kill: not known; known are: show end" },
	{ "session show", "usage: shadowcatctl session show ID" },
	{ "session show a b", "usage: shadowcatctl session show ID" },
	{ "status x", "usage: shadowcatctl status" },
	{ "log", "usage: shadowcatctl log LEVEL" },
	{ "log loud",
	    "loud: not known; known are: error warning notice info debug" },
	{ "recycle x", "x is no number of a slot" },
	{ "recycle 1x", "1x is no number of a slot" },
	{ "recycle -1", "-1: no such option" },
	{ "recycle -- -1", "-1 is no number of a slot" },
	{ "recycle 1 2", "usage: shadowcatctl recycle [SLOT]" },
	{ "--nonsense status", "--nonsense: no such option" },
	{ "-x status", "-x: no such option" },
	{ "status -s", "-s: no such option, or its argument is missing" },
	{ "--json=1 status", "--json=1: no such option" },
	{ "--watch=0 status", "--watch: 0 is no time" },
	{ "--watch=x status", "--watch: x is no time" },
	{ "--watch=nan status", "--watch: nan is no time" },
	{ "--watch stop", "--watch is for" },
	{ "--watch tap x", "--watch is for" },
};

START_TEST(wrong_lines_are_told_what_is_right)
{
	ck_assert_int_eq(parse(bad[_i].line), -EINVAL);
	ck_assert_msg(strncmp(error, bad[_i].says, strlen(bad[_i].says)) == 0,
	    "%s: %s", bad[_i].line, error);
}
END_TEST

START_TEST(options_are_taken)
{
	ck_assert_int_eq(parse("-s /a/b -j status"), 0);
	ck_assert_str_eq(options.path, "/a/b");
	ck_assert(!options.is_default_path);
	ck_assert(options.json && !options.watch);
	ck_assert_int_eq(parse("--socket=/c status"), 0);
	ck_assert_str_eq(options.path, "/c");
	ck_assert_int_eq(parse("status"), 0);
	ck_assert(options.is_default_path);
	ck_assert_int_eq(parse("tap x --bodies"), 0);
	ck_assert(options.request.bodies);
	ck_assert(!options.request.force);
	ck_assert_int_eq(parse("upgrade --force"), 0);
	ck_assert(options.request.force);
	ck_assert_int_eq(parse("--help"), 0);
	ck_assert_int_eq(options.action, CTL_ACTION_HELP);
	ck_assert_int_eq(parse("-V nonsense"), 0);
	ck_assert_int_eq(options.action, CTL_ACTION_VERSION);
}
END_TEST

static const struct {
	const char *line;
	double seconds;
} watches[] = {
	{ "--watch status", 2 },
	{ "status --watch", 2 },
	{ "--watch 5 status", 5 },
	{ "--watch=0.5 status", 0.5 },
	{ "-w status", 2 },
	{ "-w3 status", 3 },
	{ "-w 3 status", 3 },
};

START_TEST(watching_may_have_a_time)
{
	ck_assert_int_eq(parse(watches[_i].line), 0);
	ck_assert(options.watch);
	ck_assert_double_eq(options.watch_s, watches[_i].seconds);
	ck_assert_int_eq(options.request.command, CTL_STATUS);
}
END_TEST

START_TEST(long_arguments_are_refused)
{
	char line[450] = "session show ";

	memset(line + 13, 'x', CTL_ARGUMENT_CAP);
	ck_assert_int_eq(parse(line), -EINVAL);
	line[13 + CTL_ARGUMENT_CAP - 1] = '\0';
	ck_assert_int_eq(parse(line), 0);
	memset(line, 'x', sizeof(line) - 1);
	memcpy(line, "status -s ", 10);
	ck_assert_int_eq(parse(line), -EINVAL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ctl_options");
	TCase *tc = tcase_create("ctl_options");

	tcase_add_loop_test(tc, words_name_a_command, 0, ARRAY_LEN(good));
	tcase_add_loop_test(
	    tc, wrong_lines_are_told_what_is_right, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, options_are_taken);
	tcase_add_loop_test(
	    tc, watching_may_have_a_time, 0, ARRAY_LEN(watches));
	tcase_add_test(tc, long_arguments_are_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
