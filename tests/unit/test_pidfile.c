/*
 * test_pidfile.c - the file with the supervisor's process id.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "supervisor/pidfile.h"
#include "tests/unit/unit.h"

static char dir[] = "/tmp/sc-pidfile-XXXXXX";
static char path[64], errors[64];

static void
setup(void)
{
	strcpy(dir, "/tmp/sc-pidfile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/pid", dir);
	(void)snprintf(errors, sizeof(errors), "%s/errors", dir);
	ck_assert_ptr_nonnull(freopen(errors, "w", stderr));
}

static void
teardown(void)
{
	(void)unlink(path);
	(void)unlink(errors);
	(void)rmdir(dir);
}

/* What a file holds, "" if there is none. */
static const char *
content(const char *name)
{
	static char buf[512];
	FILE *f = fopen(name, "r");
	size_t n = 0;

	if (f != NULL) {
		n = fread(buf, 1, sizeof(buf) - 1, f);
		(void)fclose(f);
	}
	buf[n] = '\0';
	return buf;
}

/* What another process gets that opens it: 0 or the error, negative. */
static int
open_in_child(void)
{
	struct pidfile p;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(-pidfile_open(&p, path));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

START_TEST(file_holds_the_process_id_and_goes)
{
	struct pidfile p;
	char want[16];

	(void)snprintf(want, sizeof(want), "%d\n", (int)getpid());
	ck_assert_int_eq(pidfile_open(&p, path), 0);
	ck_assert_str_eq(content(path), "");
	ck_assert_int_eq(pidfile_write(&p), 0);
	ck_assert_str_eq(content(path), want);
	pidfile_remove(&p);
	ck_assert_int_ne(access(path, F_OK), 0);
	pidfile_remove(&p);
}
END_TEST

START_TEST(locked_file_is_refused_with_the_holder)
{
	struct pidfile p;
	char want[128];

	ck_assert_int_eq(pidfile_open(&p, path), 0);
	ck_assert_int_eq(pidfile_write(&p), 0);
	ck_assert_int_eq(open_in_child(), -EAGAIN);
	(void)snprintf(want, sizeof(want),
	    "pid file %s: locked by process %d, which is running\n", path,
	    (int)getpid());
	ck_assert_ptr_nonnull(strstr(content(errors), want));
	ck_assert_int_eq(access(path, F_OK), 0);
	pidfile_remove(&p);
	ck_assert_int_eq(open_in_child(), 0);
}
END_TEST

START_TEST(stale_file_is_taken_over)
{
	struct pidfile p;
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "a number with many digits: 1234567890\n");
	(void)fclose(f);
	ck_assert_int_eq(pidfile_open(&p, path), 0);
	ck_assert_int_eq(pidfile_write(&p), 0);
	ck_assert_int_eq(atoi(content(path)), getpid());
	ck_assert_uint_lt(strlen(content(path)), 12);
	pidfile_remove(&p);
}
END_TEST

START_TEST(file_of_another_is_not_removed)
{
	struct pidfile p;
	FILE *f;

	ck_assert_int_eq(pidfile_open(&p, path), 0);
	ck_assert_int_eq(unlink(path), 0);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fclose(f);
	pidfile_remove(&p);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(no_path_no_file)
{
	struct pidfile p;

	ck_assert_int_eq(pidfile_open(&p, ""), 0);
	ck_assert_int_eq(pidfile_write(&p), 0);
	pidfile_remove(&p);
}
END_TEST

START_TEST(missing_directory_is_told)
{
	struct pidfile p;

	ck_assert_int_eq(pidfile_open(&p, "/nowhere/at/all"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(content(errors),
	    "pid file /nowhere/at/all: No such file or directory\n"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pidfile");
	TCase *tc = tcase_create("pidfile");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, file_holds_the_process_id_and_goes);
	tcase_add_test(tc, locked_file_is_refused_with_the_holder);
	tcase_add_test(tc, stale_file_is_taken_over);
	tcase_add_test(tc, file_of_another_is_not_removed);
	tcase_add_test(tc, no_path_no_file);
	tcase_add_test(tc, missing_directory_is_told);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
