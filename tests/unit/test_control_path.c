/*
 * test_control_path.c - where the control socket is by default.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <check.h>

#include "common/control_path.h"
#include "tests/unit/unit.h"

static const struct {
	uid_t uid;
	const char *runtime_dir, *want;
} rows[] = {
	{ 0, NULL, "/run/shadowcat/control.sock" },
	{ 0, "/run/user/0", "/run/shadowcat/control.sock" },
	{ 1000, "/run/user/1000", "/run/user/1000/shadowcat/control.sock" },
	{ 1000, NULL, "/tmp/shadowcat-1000/control.sock" },
	{ 1000, "", "/tmp/shadowcat-1000/control.sock" },
	{ 1000, "relative", "/tmp/shadowcat-1000/control.sock" },
};

START_TEST(each_user_has_a_path)
{
	char path[CONTROL_PATH_CAP];

	ck_assert_int_eq(control_path_default(rows[_i].uid,
			     rows[_i].runtime_dir, path, sizeof(path)),
	    0);
	ck_assert_str_eq(path, rows[_i].want);
}
END_TEST

START_TEST(a_path_too_long_for_a_socket_is_refused)
{
	char directory[CONTROL_PATH_CAP], path[CONTROL_PATH_CAP] = "kept";

	memset(directory, '/', sizeof(directory) - 1);
	directory[sizeof(directory) - 1] = '\0';
	ck_assert_int_eq(control_path_default(1, directory, path, sizeof(path)),
	    -ENAMETOOLONG);
	ck_assert_int_eq(control_path_default(0, NULL, path, 5), -ENAMETOOLONG);
	ck_assert_str_eq(path, "kept");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control_path");
	TCase *tc = tcase_create("control_path");

	tcase_add_loop_test(tc, each_user_has_a_path, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, a_path_too_long_for_a_socket_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
