/*
 * test_conf_file.c - the configuration file: what it may say, and how wrong
 * ones are told, with their lines.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "common/conf.h"
#include "supervisor/conf_file.h"
#include "supervisor/conf_text.h"
#include "tests/unit/unit.h"

static struct conf conf;
static char error[2048];
static char path[64];

static void
set_up(void)
{
	int fd;

	(void)snprintf(path, sizeof(path), "test-conf-file-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(conf_init(&conf), 0);
}

static void
tear_down(void)
{
	conf_fini(&conf);
	ck_assert_int_eq(unlink(path), 0);
}

static int
load_bytes(const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	return conf_file_load(path, &conf, error, sizeof(error));
}

static int
load(const char *text)
{
	return load_bytes(text, strlen(text));
}

START_TEST(sections_and_keys_are_read)
{
	int r = load("# a comment; with a \"quote\n"
		     "workers = 4\n"
		     "session {\n"
		     "\tidle_timeout = \"10m\" // another\n"
		     "\tmax_age = 0\n"
		     "}\n"
		     "/* {{{ \" */\n"
		     "listen { address = \"127.0.0.1:8080\" }\n"
		     "upstream { url = http://localhost:3000/mcp }\n"
		     "log { access = yes target = '/var/log/#1' }\n"
		     "reconnect { jitter = 0.5 }\n"
		     "journal { memory = 64MiB }\n");

	ck_assert_msg(r == 0, "%s", error);
	ck_assert_str_eq(error, "");
	ck_assert_uint_eq(conf.workers, 4);
	ck_assert_uint_eq(conf.session_idle_timeout, 10 * CONF_MINUTE);
	ck_assert_uint_eq(conf.session_max_age, 0);
	ck_assert_uint_eq(conf.listen_address.count, 1);
	ck_assert_str_eq(conf.listen_address.items[0], "127.0.0.1:8080");
	ck_assert_str_eq(conf.upstream_url, "http://localhost:3000/mcp");
	ck_assert(conf.log_access);
	ck_assert_str_eq(conf.log_target, "/var/log/#1");
	ck_assert_double_eq(conf.reconnect_jitter, 0.5);
	ck_assert_uint_eq(conf.journal_memory, 64 * CONF_MIB);
	ck_assert_uint_eq(conf.session_max_connections, 10);
}
END_TEST

START_TEST(lists_may_have_comments_and_replace)
{
	int r = load("security { allowed_hosts = a }\n"
		     "listen { address = {\n"
		     "\t\"127.0.0.1:1\", # one\n"
		     "\t\"[::1]:2\" // two\n"
		     "} }\n"
		     "security { allowed_hosts = { b, c } }\n"
		     "security { allowed_hosts += { d } }\n");

	ck_assert_msg(r == 0, "%s", error);
	ck_assert_uint_eq(conf.listen_address.count, 2);
	ck_assert_str_eq(conf.listen_address.items[1], "[::1]:2");
	ck_assert_uint_eq(conf.security_allowed_hosts.count, 3);
	ck_assert_str_eq(conf.security_allowed_hosts.items[0], "b");
	ck_assert_str_eq(conf.security_allowed_hosts.items[2], "d");
}
END_TEST

START_TEST(the_last_value_counts)
{
	ck_assert_int_eq(load("workers = 1\nworkers = 2\n"), 0);
	ck_assert_uint_eq(conf.workers, 2);
	ck_assert_int_eq(load("security { allowed_hosts = a\n"
			      "allowed_hosts = {} }\n"),
	    0);
	ck_assert_uint_eq(conf.security_allowed_hosts.count, 0);
}
END_TEST

START_TEST(variables_are_expanded)
{
	ck_assert_int_eq(setenv("TEST_PORT", "3000", 1), 0);
	ck_assert_int_eq(
	    load("upstream { url = \"http://a:${TEST_PORT}/\" }"), 0);
	ck_assert_str_eq(conf.upstream_url, "http://a:3000/");
}
END_TEST

START_TEST(an_empty_file_changes_nothing)
{
	struct conf before;

	ck_assert_int_eq(conf_copy(&conf, &before), 0);
	ck_assert_int_eq(load(""), 0);
	ck_assert_int_eq(load("\n# nothing\n\n"), 0);
	ck_assert_int_eq(load("session { }\n"), 0);
	ck_assert(conf_equal(&before, &conf));
	conf_fini(&before);
}
END_TEST

/* The error without "FILE:". */
static const struct {
	const char *text, *error;
} bad_rows[] = {
	{ "workers = 4\n\nsession {\n  idle_timeout = \"5 parsecs\"\n}\n",
	    "4: session.idle_timeout: \"5 parsecs\" is not a duration: use a "
	    "number with ms, s, m or h" },
	{ "# one\n# two\n// three\n/* four\n   five */\nworkers = x\n",
	    "6: workers: \"x\" is not a number: use a whole number" },
	{ "workers = 3;\n",
	    "1: workers: \"3;\" is not a number: use a whole number" },
	{ "\nsession { idle_timout = 5m }\n",
	    "2: session.idle_timout: there is no such key: did you mean "
	    "session.idle_timeout?" },
	{ "workres = 4\n",
	    "1: workres: there is no such key: did you mean workers?" },
	{ "\n\nxyzzy { a = b }\n",
	    "3: xyzzy: there is no such key or section: see "
	    "shadowcat.conf(5)" },
	{ "session.idle_timeout = 5m\n",
	    "1: session.idle_timeout: in a file, write session { "
	    "idle_timeout = ... }" },
	{ "session { idle_timeout = 5m }\n}\n", "2: unexpected closing brace" },
	{ "workers 4\n", "1: missing equal sign after option 'workers'" },
	{ "workers =\n", "2: premature end of file" },
	{ "session = 4\n", "1: missing opening brace for section 'session'" },
	{ "\nsession {\nidle_timeout = 5m\n",
	    "2: a section or list that begins here has no closing brace" },
	{ "\n\nlog { target = \"/a\nb }\n", "3: a string has no end" },
	{ "log { target = '/a\\' }\n", "1: a string has no end" },
	{ "workers = 4\n/* for ever\n", "2: a comment has no end" },
	{ "listen { address = {\n\"127.0.0.1:1\",\n\"8080\" } }\n",
	    "3: listen.address: \"8080\" is not an address to listen on: the "
	    "port is missing: use HOST:PORT, [IPV6]:PORT or :PORT" },
};

START_TEST(bad_files_are_told_with_their_line)
{
	char want[512];

	ck_assert_int_eq(load(bad_rows[_i].text), -EINVAL);
	(void)snprintf(want, sizeof(want), "%s:%s", path, bad_rows[_i].error);
	ck_assert_str_eq(error, want);
	/* The parser is as good as new for the next file. */
	ck_assert_int_eq(load("workers = 7\n"), 0);
	ck_assert_uint_eq(conf.workers, 7);
}
END_TEST

START_TEST(every_wrong_value_gets_a_line)
{
	const char *second;

	ck_assert_int_eq(load("workers = x\n"
			      "log { level = loud }\n"
			      "what = 3\n"
			      "pidfile = y\n"),
	    -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, ":1: workers: \"x\""));
	second = strstr(error, ":2: log.level: \"loud\"");
	ck_assert_ptr_nonnull(second);
	ck_assert_ptr_nonnull(strstr(error, ":3: what: there is no such"));
}
END_TEST

START_TEST(files_that_cannot_be_read_are_told)
{
	static const char nul[] = "workers = 4\n\0workers = 5\n";
	char *big;
	char want[128];

	ck_assert_int_eq(
	    conf_file_load("/nonexistent/file", &conf, error, sizeof(error)),
	    -ENOENT);
	ck_assert_str_eq(error, "/nonexistent/file: No such file or directory");
	ck_assert_int_eq(
	    conf_file_load("/", &conf, error, sizeof(error)), -EISDIR);
	ck_assert_str_eq(error, "/: Is a directory");
	ck_assert_int_eq(load_bytes(nul, sizeof(nul) - 1), -EILSEQ);
	(void)snprintf(want, sizeof(want), "%s: it is not a text", path);
	ck_assert_str_eq(error, want);
	big = malloc(2 * 1024 * 1024);
	ck_assert_ptr_nonnull(big);
	memset(big, '\n', 2 * 1024 * 1024);
	ck_assert_int_eq(load_bytes(big, 2 * 1024 * 1024), -EFBIG);
	free(big);
}
END_TEST

/* --- comments ---------------------------------------------------------- */

static const struct {
	const char *text, *want;
} clean_rows[] = {
	{ "", "" },
	{ "a=b#c\nd", "a=b  \nd" },
	{ "a=http://b//c d", "a=http://b//c d" },
	{ "a=//b\nc", "a=   \nc" },
	{ "a=\"#//\" 'x#' #", "a=\"#//\" 'x#'  " },
	{ "a=\"\\\"#\"#x", "a=\"\\\"#\"  " },
	{ "/*\n*/a/b", "  \n  a/b" },
	{ "{{}}}{}", "{{}}}{}" },
	{ "/", "/" },
	{ "a,/*b*/c", "a,     c" },
};

START_TEST(comments_are_blanked)
{
	struct conf_text_fault fault;
	char text[64];

	(void)snprintf(text, sizeof(text), "%s", clean_rows[_i].text);
	ck_assert_int_eq(conf_text_clean(text, &fault), 0);
	ck_assert_str_eq(text, clean_rows[_i].want);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conf_file");
	TCase *tc = tcase_create("conf_file");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, sections_and_keys_are_read);
	tcase_add_test(tc, lists_may_have_comments_and_replace);
	tcase_add_test(tc, the_last_value_counts);
	tcase_add_test(tc, variables_are_expanded);
	tcase_add_test(tc, an_empty_file_changes_nothing);
	tcase_add_loop_test(tc, bad_files_are_told_with_their_line, 0,
	    (int)ARRAY_LEN(bad_rows));
	tcase_add_test(tc, every_wrong_value_gets_a_line);
	tcase_add_test(tc, files_that_cannot_be_read_are_told);
	tcase_add_loop_test(
	    tc, comments_are_blanked, 0, (int)ARRAY_LEN(clean_rows));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
