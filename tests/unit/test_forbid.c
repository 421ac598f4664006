/*
 * test_forbid.c - which system calls fail in a worker, and which do not.
 *
 * Each is tried in a process of its own (Check forks), for there is no way
 * back.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "common/sc.h"
#include "supervisor/forbid.h"

/* False where this build or kernel can't. */
static bool
begin(void)
{
	int r;

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	r = forbid_system_calls();
	ck_assert(r == 0 || r == -ENOTSUP);
	return r == 0;
}

START_TEST(no_program_is_started)
{
	char *const words[] = { (char[]){ "true" }, NULL };

	if (!begin())
		return;
	ck_assert_int_eq(execv("/bin/true", words), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

static const long calls[] = { SYS_ptrace, SYS_mount, SYS_unshare, SYS_setns,
	SYS_bpf, SYS_keyctl, SYS_io_uring_setup, SYS_init_module,
	SYS_process_vm_readv, SYS_pidfd_getfd, SYS_chroot, SYS_fspick };

START_TEST(what_reaches_elsewhere_fails)
{
	if (!begin())
		return;
	/* Of such arguments the kernel would say something else. */
	ck_assert_int_eq(syscall(calls[_i], -1L, -1L, -1L, -1L, -1L), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(sockets_are_of_known_families)
{
	static const int allowed[] = { AF_INET, AF_INET6, AF_UNIX };

	if (!begin())
		return;
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		int fd = socket(allowed[i], SOCK_DGRAM, 0);

		/* There may be machines without IPv6. */
		ck_assert(fd >= 0 || errno == EAFNOSUPPORT);
		ck_assert(fd >= 0 || allowed[i] == AF_INET6);
		if (fd >= 0)
			ck_assert_int_eq(close(fd), 0);
	}
	ck_assert_int_eq(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), -1);
	ck_assert_int_eq(errno, EAFNOSUPPORT);
	ck_assert_int_eq(socket(AF_PACKET, SOCK_RAW, 0), -1);
	ck_assert_int_eq(errno, EAFNOSUPPORT);
}
END_TEST

START_TEST(all_else_goes_on)
{
	int ends[2], fd;
	char byte;

	if (!begin())
		return;
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("forbid");
	TCase *tc = tcase_create("forbid");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, no_program_is_started);
	tcase_add_loop_test(
	    tc, what_reaches_elsewhere_fails, 0, (int)ARRAY_LEN(calls));
	tcase_add_test(tc, sockets_are_of_known_families);
	tcase_add_test(tc, all_else_goes_on);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	/* There is no way back in one process. */
	srunner_set_fork_status(runner, CK_FORK);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
