/*
 * test_options.c - the command line: what it takes, how it is told wrong,
 * and what wins over what.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "common/conf.h"
#include "common/conf_key.h"
#include "supervisor/options.h"
#include "supervisor/options_help.h"
#include "tests/unit/unit.h"

#define WORDS_MAX 32

static struct options options;
static struct conf conf;
static char error[OPTIONS_ERROR_CAP];

static void
set_up(void)
{
	memset(&options, 0, sizeof(options));
	memset(&conf, 0, sizeof(conf));
	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", "/run/user/7", 1), 0);
}

static void
tear_down(void)
{
	options_fini(&options);
	conf_fini(&conf);
}

/* Parse "shadowcat" and the words of line, split at blanks. */
static int
parse(const char *line)
{
	char copy[512], *rest = copy, *word;
	char *argv[WORDS_MAX + 2] = { strdup("shadowcat") };
	int argc = 1, r;

	options_fini(&options);
	(void)snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")) != NULL) {
		ck_assert_int_lt(argc, WORDS_MAX);
		if (*word != '\0')
			argv[argc++] = strdup(word);
	}
	r = options_parse(argc, argv, &options, error, sizeof(error));
	while (argc > 0)
		free(argv[--argc]);
	return r;
}

static int
load(const char *line)
{
	int r = parse(line);

	ck_assert_msg(r == 0, "%s", error);
	conf_fini(&conf);
	return options_load(&options, &conf, error, sizeof(error));
}

#define REVERSE "reverse --bind 127.0.0.1:8080 --upstream http://a:1/mcp "

START_TEST(the_shortest_line_works)
{
	ck_assert_msg(load(REVERSE) == 0, "%s", error);
	ck_assert_int_eq(options.action, OPTIONS_RUN);
	ck_assert_uint_eq(conf.listen_address.count, 1);
	ck_assert_str_eq(conf.listen_address.items[0], "127.0.0.1:8080");
	ck_assert_str_eq(conf.upstream_url, "http://a:1/mcp");
	ck_assert_str_eq(conf.log_target, "stderr");
	ck_assert_str_eq(conf.control_path,
	    geteuid() == 0 ? "/run/shadowcat/control.sock"
			   : "/run/user/7/shadowcat/control.sock");
}
END_TEST

START_TEST(both_forms_of_an_option_work)
{
	ck_assert_msg(
	    load("--bind=:1 --bind :2 --upstream=http://a reverse "
		 "--workers=3 --control=/c --pidfile /p "
		 "--set session.max_age=1h --set=log.level=debug") == 0,
	    "%s", error);
	ck_assert_uint_eq(conf.listen_address.count, 2);
	ck_assert_str_eq(conf.listen_address.items[0], ":1");
	ck_assert_str_eq(conf.listen_address.items[1], ":2");
	ck_assert_uint_eq(conf.workers, 3);
	ck_assert_str_eq(conf.control_path, "/c");
	ck_assert_str_eq(conf.pidfile, "/p");
	ck_assert_uint_eq(conf.session_max_age, 60 * CONF_MINUTE);
	ck_assert_str_eq(conf.log_level, "debug");
}
END_TEST

static const struct {
	const char *line;
	enum options_action action;
} action_rows[] = {
	{ "--help", OPTIONS_HELP },
	{ "-h", OPTIONS_HELP },
	{ "reverse --help --version", OPTIONS_HELP },
	{ "--version", OPTIONS_VERSION },
	{ "-V -t", OPTIONS_VERSION },
	{ "-c /f -t", OPTIONS_TEST },
	{ "-tc/f", OPTIONS_TEST },
	{ "reverse --test", OPTIONS_TEST },
	{ "-c /f", OPTIONS_RUN },
	{ "--config=/f --daemon", OPTIONS_RUN },
};

START_TEST(the_action_is_found)
{
	ck_assert_msg(parse(action_rows[_i].line) == 0, "%s", error);
	ck_assert_int_eq(options.action, action_rows[_i].action);
}
END_TEST

static const struct {
	const char *line, *error;
} usage_rows[] = {
	{ "", "give a mode (reverse) or a configuration (-c FILE)" },
	{ "-t", "give a mode (reverse) or a configuration (-c FILE)" },
	{ "forward", "unknown mode \"forward\": use reverse" },
	{ "reverse x", "unexpected argument \"x\"" },
	{ "reverse reverse", "unexpected argument \"reverse\"" },
	{ "reverse --bnid :1", "unknown option --bnid" },
	{ "reverse -x", "unknown option -x" },
	{ "reverse -tx", "unknown option -x" },
	{ "reverse --bind", "--bind needs an argument: HOST:PORT" },
	{ "-c", "--config needs an argument: FILE" },
	{ "reverse --daemon=yes", "--daemon takes no argument" },
	{ "reverse --help=x", "--help takes no argument" },
	{ "reverse --set workers", "--set: \"workers\" is not KEY=VALUE" },
	{ "reverse --set =3", "--set: \"=3\" is not KEY=VALUE" },
	{ "reverse --pidfile=", "--pidfile: the PATH is empty" },
	{ "reverse --upstream http://a --upstream http://b",
	    "--upstream is given twice" },
	{ "-c /a --config /b", "--config is given twice" },
};

START_TEST(usage_errors_are_told)
{
	ck_assert_int_eq(parse(usage_rows[_i].line), -EINVAL);
	ck_assert_str_eq(error, usage_rows[_i].error);
}
END_TEST

static const struct {
	const char *line, *error;
} value_rows[] = {
	{ "reverse",
	    "listen.address: not set: give --bind HOST:PORT, or the key in "
	    "the configuration file\n"
	    "upstream.url: not set: give --upstream URL, or the key in the "
	    "configuration file" },
	{ REVERSE "--workers many",
	    "--workers: \"many\" is not a number: use a whole number" },
	{ REVERSE "--set session.idle_timeout=5parsecs --set workres=3",
	    "--set session.idle_timeout: \"5parsecs\" is not a duration: use "
	    "a number with ms, s, m or h\n"
	    "--set workres: there is no such key: did you mean workers?" },
	{ "reverse --upstream http://a --bind :1 --bind 8080",
	    "--bind: \"8080\" is not an address to listen on: the port is "
	    "missing: use HOST:PORT, [IPV6]:PORT or :PORT" },
	{ "reverse --upstream a --bind :1",
	    "--upstream: \"a\" is not the URL of an upstream: use "
	    "http://HOST:PORT/PATH" },
	{ REVERSE "-c /nonexistent",
	    "/nonexistent: No such file or directory" },
};

START_TEST(bad_values_are_told)
{
	ck_assert_int_eq(load(value_rows[_i].line), -EINVAL);
	ck_assert_str_eq(error, value_rows[_i].error);
}
END_TEST

/* A configuration file for one test; the name is in a static buffer. */
static const char *
write_file(const char *text)
{
	static char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "test-options-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

START_TEST(flags_win_over_set_and_set_over_the_file)
{
	const char *path = write_file("workers = 1\n"
				      "listen { address = { :1, :2 } }\n"
				      "upstream { url = http://file/ }\n"
				      "session { max_age = 1m\n"
				      "          idle_timeout = 1m }\n");
	char line[256];

	(void)snprintf(line, sizeof(line), "-c %s", path);
	ck_assert_msg(load(line) == 0, "%s", error);
	ck_assert_uint_eq(conf.workers, 1);
	ck_assert_uint_eq(conf.listen_address.count, 2);
	(void)snprintf(line, sizeof(line),
	    "reverse --bind :9 --workers 3 -c %s --set workers=2 "
	    "--set session.max_age=2m --set session.max_age=3m",
	    path);
	ck_assert_msg(load(line) == 0, "%s", error);
	ck_assert_uint_eq(conf.workers, 3);
	ck_assert_uint_eq(conf.listen_address.count, 1);
	ck_assert_str_eq(conf.listen_address.items[0], ":9");
	ck_assert_str_eq(conf.upstream_url, "http://file/");
	ck_assert_uint_eq(conf.session_max_age, 3 * CONF_MINUTE);
	ck_assert_uint_eq(conf.session_idle_timeout, CONF_MINUTE);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(a_reload_reads_the_file_anew_from_anywhere)
{
	const char *path = write_file("workers = 1\nlisten { address = :1 }\n"
				      "upstream { url = http://file/ }\n");
	char line[256], here[256];
	int fd;

	(void)snprintf(
	    line, sizeof(line), "-c %s --set session.max_age=2m", path);
	ck_assert_msg(load(line) == 0, "%s", error);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "workers = 5\n", 12), 12);
	close(fd);
	ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
	ck_assert_int_eq(chdir("/"), 0);
	conf_fini(&conf);
	ck_assert_int_eq(
	    options_load(&options, &conf, error, sizeof(error)), 0);
	ck_assert_uint_eq(conf.workers, 5);
	ck_assert_uint_eq(conf.session_max_age, 2 * CONF_MINUTE);
	ck_assert_int_eq(chdir(here), 0);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(a_daemon_logs_to_syslog_unless_told)
{
	const char *path;
	char line[256];

	ck_assert_msg(load(REVERSE "--daemon") == 0, "%s", error);
	ck_assert(options_has(&options, OPTIONS_FLAG_DAEMON));
	ck_assert_str_eq(conf.log_target, "syslog");
	ck_assert_msg(
	    load(REVERSE "--daemon --set log.target=stderr") == 0, "%s", error);
	ck_assert_str_eq(conf.log_target, "stderr");
	path = write_file("log { target = /var/log/x }");
	(void)snprintf(line, sizeof(line), REVERSE "--daemon -c %s", path);
	ck_assert_msg(load(line) == 0, "%s", error);
	ck_assert_str_eq(conf.log_target, "/var/log/x");
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(the_line_is_kept_with_absolute_paths)
{
	static const char *const want[] = { "shadowcat", "reverse", "--bind=:1",
		"--config=/etc/f", "--pidfile=/etc/p",
		"--set=log.target=/etc/l", "--set=log.target=stderr",
		"--set=control.path=/etc/c", "--set=upstream.url=x", "--daemon",
		NULL };
	char here[256];
	size_t i;

	ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
	ck_assert_int_eq(chdir("/etc"), 0);
	ck_assert_int_eq(parse("--bind :1 -c f --pidfile p reverse "
			       "--set log.target=l --set log.target=stderr "
			       "--set control.path=c --set upstream.url=x "
			       "--daemon"),
	    0);
	ck_assert_int_eq(chdir(here), 0);
	for (i = 0; want[i] != NULL; i++)
		ck_assert_str_eq(options.argv[i], want[i]);
	ck_assert_ptr_null(options.argv[i]);
	ck_assert_str_eq(options_text(&options, OPTIONS_FLAG_CONFIG), "/etc/f");
	ck_assert_ptr_null(options_text(&options, OPTIONS_FLAG_WORKERS));
}
END_TEST

START_TEST(the_kept_line_means_the_same)
{
	char *argv[WORDS_MAX];
	struct options again;
	int argc = 0;

	ck_assert_int_eq(parse(REVERSE "--daemon -t"), 0);
	while (options.argv[argc] != NULL) {
		argv[argc] = options.argv[argc];
		argc++;
	}
	argv[argc] = NULL;
	ck_assert_int_eq(
	    options_parse(argc, argv, &again, error, sizeof(error)), 0);
	ck_assert_int_eq(again.action, OPTIONS_TEST);
	for (int i = 0; i <= argc; i++)
		ck_assert_pstr_eq(again.argv[i], options.argv[i]);
	options_fini(&again);
}
END_TEST

START_TEST(help_names_every_option_and_key)
{
	const struct conf_key *key;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	options_write_help(out);
	ck_assert_int_eq(fclose(out), 0);
#define X(name, long_name, ...)                                                \
	ck_assert_ptr_nonnull(strstr(text, "--" long_name));
	OPTIONS(X)
#undef X
	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++) {
		ck_assert_ptr_nonnull(strstr(text, key->name));
		ck_assert_ptr_nonnull(strstr(text, key->help));
	}
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("options");
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, the_shortest_line_works);
	tcase_add_test(tc, both_forms_of_an_option_work);
	tcase_add_loop_test(
	    tc, the_action_is_found, 0, (int)ARRAY_LEN(action_rows));
	tcase_add_loop_test(
	    tc, usage_errors_are_told, 0, (int)ARRAY_LEN(usage_rows));
	tcase_add_loop_test(
	    tc, bad_values_are_told, 0, (int)ARRAY_LEN(value_rows));
	tcase_add_test(tc, flags_win_over_set_and_set_over_the_file);
	tcase_add_test(tc, a_reload_reads_the_file_anew_from_anywhere);
	tcase_add_test(tc, a_daemon_logs_to_syslog_unless_told);
	tcase_add_test(tc, the_line_is_kept_with_absolute_paths);
	tcase_add_test(tc, the_kept_line_means_the_same);
	tcase_add_test(tc, help_names_every_option_and_key);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
