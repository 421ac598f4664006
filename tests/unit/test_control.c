/*
 * test_control.c - the control socket.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
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
#include "supervisor/control_conn.h"
#include "tests/unit/unit.h"

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

/* --- requests ------------------------------------------------------------ */

#define PIECES 40

static struct ctl_request asked;
static unsigned asked_count;
static unsigned pieces_made;

/* A long answer: each piece is a row with much text. */
static enum control_step
make_piece(struct control_conn *conn)
{
	static char text[60000];

	if (pieces_made == PIECES)
		return control_step_done(conn, "all");
	memset(text, 'x', sizeof(text) - 1);
	ctl_rows_begin(&conn->out);
	ctl_row_begin(&conn->out);
	ctl_put_text(&conn->out, "text", text);
	ck_assert(ctl_row_end(&conn->out));
	ctl_rows_end(&conn->out);
	pieces_made++;
	return CONTROL_STEP_MORE;
}

static enum control_step
never(struct control_conn *conn)
{
	(void)conn;
	return CONTROL_STEP_LATER;
}

static void
on_request(
    void *context, struct control_conn *conn, const struct ctl_request *request)
{
	ck_assert_ptr_eq(context, &asked);
	asked = *request;
	asked_count++;
	if (request->command == CTL_STREAMS)
		control_conn_work(conn, make_piece, NULL, NULL);
	else if (request->command == CTL_RELOAD)
		control_conn_work(conn, never, malloc(10), NULL);
	else
		control_conn_refuse(conn, "%s: no", request->arguments[0]);
}

static void
open_control(void)
{
	control.on_request = on_request;
	control.context = &asked;
	ck_assert_int_eq(control_open(&control, loop, path), 0);
}

static void
send_request(int fd, enum ctl_command command, const char *argument)
{
	struct ctl_request request = { .command = command };
	char buf[CTL_REQUEST_CAP];
	size_t len;

	if (argument != NULL) {
		request.argument_count = 1;
		(void)snprintf(request.arguments[0],
		    sizeof(request.arguments[0]), "%s", argument);
	}
	len = ctl_request_encode(&request, buf);
	ck_assert_uint_gt(len, 0);
	ck_assert_int_eq(send(fd, buf, len, 0), (ssize_t)len);
}

/* Let the loop turn until `count` connections are left. */
static void
turn_until(unsigned count)
{
	for (int i = 0; i < 100000 && control.count != count; i++)
		ev_run(loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(control.count, count);
}

/* Take what has come, and the end if there is one: its length. */
static size_t
take(int fd, char *buf, size_t cap)
{
	size_t used = 0;
	ssize_t n;

	while ((n = recv(fd, buf + used, cap - used, MSG_DONTWAIT)) > 0)
		used += (size_t)n;
	return used;
}

static void
assert_error(int fd, const char *text)
{
	static char buf[CTL_OUT_CAP];
	size_t len = take(fd, buf, sizeof(buf));
	struct ctl_answer answer;
	msgpack_unpacked memory;

	ck_assert_uint_gt(len, CTL_HEAD_LEN);
	ck_assert_uint_eq(ctl_frame_len(buf), len - CTL_HEAD_LEN);
	msgpack_unpacked_init(&memory);
	ck_assert_int_eq(ctl_answer_decode(buf + CTL_HEAD_LEN,
			     len - CTL_HEAD_LEN, &memory, &answer),
	    0);
	ck_assert_int_eq(answer.kind, CTL_ANSWER_ERROR);
	ck_assert_uint_eq(answer.body.via.str.size, strlen(text));
	ck_assert_mem_eq(answer.body.via.str.ptr, text, strlen(text));
	msgpack_unpacked_destroy(&memory);
	ck_assert_int_eq(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), 0);
}

START_TEST(request_is_answered_and_that_is_it)
{
	int fd;

	open_control();
	fd = connect_to(path);
	send_request(fd, CTL_LOG, "loud");
	turn_until(1);
	turn_until(0);
	ck_assert_uint_eq(asked_count, 1);
	ck_assert_int_eq(asked.command, CTL_LOG);
	assert_error(fd, "loud: no");
	fd_close(&fd);
}
END_TEST

START_TEST(request_may_come_byte_by_byte)
{
	struct ctl_request request = { .command = CTL_STATUS };
	char buf[CTL_REQUEST_CAP];
	size_t len = ctl_request_encode(&request, buf);
	int fd;

	open_control();
	fd = connect_to(path);
	for (size_t i = 0; i < len; i++) {
		ck_assert_uint_eq(asked_count, 0);
		ck_assert_int_eq(send(fd, buf + i, 1, 0), 1);
		ev_run(loop, EVRUN_NOWAIT);
		ev_run(loop, EVRUN_NOWAIT);
	}
	turn_until(0);
	ck_assert_uint_eq(asked_count, 1);
	assert_error(fd, ": no");
	fd_close(&fd);
}
END_TEST

/* clang-format off */
static const struct {
	const char *bytes;
	size_t len;
	const char *error;
} garbage[] = {
	{ "GET / HTTP/1.1\r\n\r\n", 18, "not one request" },
	{ "\xff\xff\xff\xff", 4, "not one request" },
	{ "\0\0\0\0", 4, "not a request in msgpack" },
	{ "\0\0\0\1\xc1", 5, "not a request in msgpack" },
	{ "\0\0\0\1\x80", 5, "version or command is missing" },
	{ "\0\0\0\1\x90", 5, "not a map" },
	{ "\0\0\0\5\xdd\xff\xff\xff\xff", 9, "not a request in msgpack" },
	{ "\0\0\0\1\x80\x80", 6, "not one request" },
};
/* clang-format on */

START_TEST(garbage_is_told_so)
{
	int fd;

	open_control();
	fd = connect_to(path);
	ck_assert_int_eq(send(fd, garbage[_i].bytes, garbage[_i].len, 0),
	    (ssize_t)garbage[_i].len);
	turn_until(1);
	turn_until(0);
	assert_error(fd, garbage[_i].error);
	ck_assert_uint_eq(asked_count, 0);
	fd_close(&fd);
}
END_TEST

/* One who reads slowly gets all of it, and it is made no faster than that. */
START_TEST(long_answers_are_made_as_they_are_taken)
{
	static char buf[CTL_OUT_CAP];
	size_t total = 0;
	int fd;

	open_control();
	fd = connect_to(path);
	send_request(fd, CTL_STREAMS, NULL);
	for (int i = 0; i < 200; i++)
		ev_run(loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(control.count, 1);
	ck_assert_uint_lt(pieces_made, PIECES);
	while (control.count > 0) {
		total += take(fd, buf, sizeof(buf));
		ev_run(loop, EVRUN_NOWAIT);
	}
	total += take(fd, buf, sizeof(buf));
	ck_assert_uint_gt(total, PIECES * 59999u);
	fd_close(&fd);
}
END_TEST

START_TEST(who_vanishes_is_forgotten)
{
	static const enum ctl_command commands[] = { CTL_STREAMS, CTL_RELOAD };
	int fd;

	open_control();
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		fd = connect_to(path);
		send_request(fd, commands[i], NULL);
		turn_until(1);
		ev_run(loop, EVRUN_NOWAIT);
		ev_run(loop, EVRUN_NOWAIT);
		ck_assert_uint_eq(asked_count, i + 1);
		ck_assert_uint_eq(control.count, 1);
		fd_close(&fd);
		turn_until(0);
	}
}
END_TEST

/* All slots are taken by silent ones: the oldest of them goes. */
START_TEST(silent_ones_make_room)
{
	int fds[CONTROL_CONNECTIONS_MAX + 1], fd;
	char byte;

	open_control();
	for (unsigned i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
		fds[i] = connect_to(path);
		ck_assert_int_ge(fds[i], 0);
		turn_until(i + 1);
	}
	fd = connect_to(path);
	send_request(fd, CTL_STATUS, NULL);
	turn_until(CONTROL_CONNECTIONS_MAX - 1);
	assert_error(fd, ": no");
	ck_assert_int_eq(recv(fds[0], &byte, 1, MSG_DONTWAIT), 0);
	ck_assert_int_eq(recv(fds[1], &byte, 1, MSG_DONTWAIT), -1);
	fd_close(&fd);
	for (unsigned i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
		fd_close(&fds[i]);
	turn_until(0);
}
END_TEST

START_TEST(silence_has_a_limit)
{
	int fd;

	open_control();
	fd = connect_to(path);
	turn_until(1);
	ck_assert(ev_is_active(&control.first->limit));
	ck_assert(ev_timer_remaining(loop, &control.first->limit) <=
		  CONTROL_REQUEST_S);
	ev_feed_event(loop, &control.first->limit, EV_TIMER);
	turn_until(0);
	fd_close(&fd);
}
END_TEST

START_TEST(open_connections_go_with_the_socket)
{
	char byte;
	int fd;

	open_control();
	fd = connect_to(path);
	turn_until(1);
	control_close(&control);
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
	fd_close(&fd);
}
END_TEST

/* --- the file ------------------------------------------------------------ */

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

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, socket_is_private_and_goes);
	tcase_add_test(tc, request_is_answered_and_that_is_it);
	tcase_add_test(tc, request_may_come_byte_by_byte);
	tcase_add_loop_test(tc, garbage_is_told_so, 0, ARRAY_LEN(garbage));
	tcase_add_test(tc, long_answers_are_made_as_they_are_taken);
	tcase_add_test(tc, who_vanishes_is_forgotten);
	tcase_add_test(tc, silent_ones_make_room);
	tcase_add_test(tc, silence_has_a_limit);
	tcase_add_test(tc, open_connections_go_with_the_socket);
	tcase_add_test(tc, one_that_answers_is_left_alone);
	tcase_add_test(tc, leftover_is_replaced);
	tcase_add_test(tc, file_is_not_replaced);
	tcase_add_test(tc, default_directory_is_made);
	tcase_add_test(tc, other_directories_are_not_made);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
