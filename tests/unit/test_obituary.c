/*
 * test_obituary.c - what a wait status says, in words.
 */
#include "config.h"

#include <check.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sc.h"
#include "supervisor/obituary.h"
#include "tests/unit/unit.h"

/* wait(2)'s encoding on Linux, and what it means. */
#define EXITED(code) ((code) << 8)
#define CORE 0x80

static const struct {
	int status;
	const char *want;
} rows[] = {
	{ EXITED(0), "exited with code 0" },
	{ EXITED(2), "exited with code 2" },
	{ EXITED(255), "exited with code 255" },
	{ SIGKILL, "killed by SIGKILL" },
	{ SIGSEGV | CORE, "killed by SIGSEGV, core dumped" },
	{ SIGABRT, "killed by SIGABRT" },
	{ 45, "killed by signal 45" },
	{ 45 | CORE, "killed by signal 45, core dumped" },
	{ 0x7f, "ended with wait status 0x7f" },
};

START_TEST(status_is_put_into_words)
{
	char buf[OBITUARY_CAP];

	obituary_format(rows[_i].status, buf, sizeof(buf));
	ck_assert_str_eq(buf, rows[_i].want);
}
END_TEST

START_TEST(real_death_is_put_into_words)
{
	char buf[OBITUARY_CAP];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)raise(SIGKILL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	obituary_format(status, buf, sizeof(buf));
	ck_assert_str_eq(buf, "killed by SIGKILL");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("obituary");
	TCase *tc = tcase_create("obituary");

	tcase_add_loop_test(tc, status_is_put_into_words, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, real_death_is_put_into_words);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
