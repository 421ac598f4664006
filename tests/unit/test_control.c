/*
 * test_control.c - the control socket.
 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"
#include "supervisor/control.h"

static char dir[] = "/tmp/sc-control-XXXXXX";
static char path[64];
static struct ev_loop *loop;
static struct control control;

static void
setup(void)
{
	strcpy(dir, "/tmp/sc-control-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/c", dir);
	loop = ev_loop_new(EVFLAG_AUTO);
}

static void
teardown(void)
{
	control_close(&control);
	ev_loop_destroy(loop);
	(void)unlink(path);
	(void)rmdir(dir);
}

static int
connect_to(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		fd_close(&fd);
	return fd;
}

START_TEST(socket_is_private_and_goes)
{
	struct stat st;

	ck_assert_int_eq(control_open(&control, loop, path), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	control_close(&control);
	ck_assert_int_ne(access(path, F_OK), 0);
	control_close(&control);
}
END_TEST

START_TEST(answer_is_a_map_with_an_error)
{
	msgpack_unpacked unpacked;
	char buf[512];
	uint32_t len;
	ssize_t n;
	int fd;

	ck_assert_int_eq(control_open(&control, loop, path), 0);
	fd = connect_to(path);
	ck_assert_int_ge(fd, 0);
	ev_run(loop, EVRUN_ONCE);
	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	ck_assert_int_gt(n, 4);
	memcpy(&len, buf, 4);
	ck_assert_uint_eq(ntohl(len), (uint32_t)n - 4);
	msgpack_unpacked_init(&unpacked);
	ck_assert_int_eq(
	    msgpack_unpack_next(&unpacked, buf + 4, (size_t)n - 4, NULL),
	    MSGPACK_UNPACK_SUCCESS);
	ck_assert_int_eq(unpacked.data.type, MSGPACK_OBJECT_MAP);
	ck_assert_int_eq(
	    memcmp(unpacked.data.via.map.ptr[0].key.via.str.ptr, "error", 5),
	    0);
	msgpack_unpacked_destroy(&unpacked);
	ck_assert_int_eq(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), 0);
	fd_close(&fd);
}
END_TEST

START_TEST(one_that_answers_is_left_alone)
{
	struct control second;
	int fd;

	ck_assert_int_eq(control_open(&control, loop, path), 0);
	ck_assert_int_eq(control_open(&second, loop, path), -EADDRINUSE);
	control_close(&second);
	fd = connect_to(path);
	ck_assert_int_ge(fd, 0);
	fd_close(&fd);
}
END_TEST

START_TEST(leftover_is_replaced)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	fd_close(&fd);
	ck_assert_int_eq(control_open(&control, loop, path), 0);
	fd = connect_to(path);
	ck_assert_int_ge(fd, 0);
	fd_close(&fd);
}
END_TEST

START_TEST(file_is_not_replaced)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	(void)fclose(f);
	ck_assert_int_eq(control_open(&control, loop, path), -ENOTSOCK);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(default_directory_is_made)
{
	char runtime[64], socket_path[96];

	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	(void)snprintf(runtime, sizeof(runtime), "/tmp/sc-run-%d", getpid());
	ck_assert_int_eq(mkdir(runtime, 0700), 0);
	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", runtime, 1), 0);
	(void)snprintf(socket_path, sizeof(socket_path),
	    "%s/shadowcat/control.sock", runtime);
	ck_assert_int_eq(control_open(&control, loop, socket_path), 0);
	control_close(&control);
	*strrchr(socket_path, '/') = '\0';
	/* Not if others could put something there. */
	ck_assert_int_eq(chmod(socket_path, 0777), 0);
	strcat(socket_path, "/control.sock");
	ck_assert_int_eq(control_open(&control, loop, socket_path), -EPERM);
	*strrchr(socket_path, '/') = '\0';
	ck_assert_int_eq(rmdir(socket_path), 0);
	ck_assert_int_eq(rmdir(runtime), 0);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(other_directories_are_not_made)
{
	char below[96];

	(void)snprintf(below, sizeof(below), "%s/sub/c", dir);
	ck_assert_int_eq(control_open(&control, loop, below), -ENOENT);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control");
	TCase *tc = tcase_create("control");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, socket_is_private_and_goes);
	tcase_add_test(tc, answer_is_a_map_with_an_error);
	tcase_add_test(tc, one_that_answers_is_left_alone);
	tcase_add_test(tc, leftover_is_replaced);
	tcase_add_test(tc, file_is_not_replaced);
	tcase_add_test(tc, default_directory_is_made);
	tcase_add_test(tc, other_directories_are_not_made);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
