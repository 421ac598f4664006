/*
 * test_conf_local.c - what a configuration names and this machine must have.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/conf_local.h"
#include "tests/unit/unit.h"

static char dir[32], error[CONF_ERROR_CAP];
static struct conf conf;

static void
setup(void)
{
	strcpy(dir, "/tmp/sc-conf-local-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(conf_init(&conf), 0);
	error[0] = '\0';
}

static void
teardown(void)
{
	conf_fini(&conf);
	(void)rmdir(dir);
}

static void
set(const char *key, const char *value)
{
	int r = conf_set(&conf, key, value, error, sizeof(error));

	ck_assert_msg(r == 0, "%s", error);
}

static int
check(void)
{
	return conf_local_check(&conf, error, sizeof(error));
}

START_TEST(defaults_need_nothing)
{
	ck_assert_msg(check() == 0, "%s", error);
}
END_TEST

static const char *const targets[] = { "stderr", "syslog", "syslog:/no/such",
	"/dev/null", "/no-such-file" };

/* A socket may come later; a file in a directory that is there is made. */
START_TEST(targets_that_can_be_had_pass)
{
	set("log.target", targets[_i]);
	ck_assert_msg(check() == 0, "%s", error);
}
END_TEST

/* rmdir(2) fails where the directory is not empty. */
START_TEST(nothing_is_made)
{
	char target[64];

	(void)snprintf(target, sizeof(target), "%s/log", dir);
	set("log.target", target);
	ck_assert_int_eq(check(), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(check(), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "No such file or directory"));
}
END_TEST

START_TEST(what_is_there_passes)
{
	set("control.owner", "root");
	set("control.group", "root");
	set("worker.user", "nobody");
	set("worker.chroot", dir);
	ck_assert_msg(check() == 0, "%s", error);
}
END_TEST

START_TEST(each_fault_has_a_line)
{
	set("control.group", "no-such-group");
	set("log.target", dir);
	ck_assert_int_eq(check(), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error,
	    "control.owner \"\", control.group \"no-such-group\": there is no "
	    "such user or group\nlog.target: "));
	ck_assert_ptr_nonnull(strstr(error, "Is a directory"));
}
END_TEST

/* Others than root run workers as themselves: start and check agree. */
START_TEST(what_only_root_uses_is_looked_for_by_root)
{
	int wanted = geteuid() == 0 ? -EINVAL : 0;

	set("worker.user", "no-such-user");
	ck_assert_int_eq(check(), wanted);
	set("worker.user", "nobody");
	set("worker.chroot", "/no/such/directory");
	ck_assert_int_eq(check(), wanted);
	if (wanted != 0)
		ck_assert_str_eq(error,
		    "worker.chroot: /no/such/directory: No such file or "
		    "directory");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conf_local");
	TCase *tc = tcase_create("conf_local");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, defaults_need_nothing);
	tcase_add_loop_test(tc, targets_that_can_be_had_pass, 0,
	    sizeof(targets) / sizeof(targets[0]));
	tcase_add_test(tc, nothing_is_made);
	tcase_add_test(tc, what_is_there_passes);
	tcase_add_test(tc, each_fault_has_a_line);
	tcase_add_test(tc, what_only_root_uses_is_looked_for_by_root);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
