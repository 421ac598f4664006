/*
 * test_msg.c - every message over a real socket pair; and what a peer that
 * breaks the rules can do.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/msg.h"
#include "tests/unit/unit.h"

/* How many descriptors go with a message, and the slots that it is made of. */
#define SLOTS 3
enum { NONE = 0, ONE = 1, EACH = SLOTS };

/* clang-format off */
static const struct {
	enum msg_type type;
	enum msg_sender sender;
	uint32_t fds;
	const char *name;
} rows[] = {
#define X(name, sender, body, fds) { MSG_##name, sender, fds, #name },
	MSG_TYPES(X)
#undef X
};
/* clang-format on */

static enum msg_sender
other(enum msg_sender sender)
{
	return sender == FROM_WORKER ? FROM_SUPERVISOR : FROM_WORKER;
}

static int ends[2];
static int null_fd;

static void
setup(void)
{
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(null_fd, 0);
}

static void
teardown(void)
{
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	fd_close(&null_fd);
}

/* A message of this type, each byte of its body told from the others. */
static void
make(struct msg *m, enum msg_type type)
{
	unsigned char *bytes = (unsigned char *)&m->body;

	msg_init(m, type);
	for (uint32_t i = 0; i < m->head.body_len; i++)
		bytes[i] = (unsigned char)(i + 1);
	if (type == MSG_CLIENTS)
		m->body.CLIENTS.count = SLOTS;
}

/* The same descriptor so many times. */
static struct msg_fds
sample_fds(uint32_t count)
{
	struct msg_fds fds = { .count = count };

	for (uint32_t i = 0; i < count; i++)
		fds.fd[i] = null_fd;
	return fds;
}

static void
close_all(struct msg_fds *fds)
{
	for (uint32_t i = 0; i < fds->count; i++)
		fd_close(&fds->fd[i]);
}

static bool
same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static unsigned
open_fds(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

START_TEST(each_message_arrives_as_sent)
{
	const struct msg_fds fds = sample_fds(rows[_i].fds);
	struct msg_fds came;
	struct msg sent, got;

	make(&sent, rows[_i].type);
	ck_assert_str_eq(msg_type_name(sent.head.type), rows[_i].name);
	ck_assert_int_eq(msg_send_with(ends[0], &sent, &fds), 0);
	ck_assert_int_eq(
	    msg_receive_with(ends[1], rows[_i].sender, &got, &came), 1);
	ck_assert_mem_eq(&got, &sent, msg_size(&sent));
	ck_assert_uint_eq(came.count, rows[_i].fds);
	for (uint32_t i = 0; i < came.count; i++) {
		ck_assert(same_file(came.fd[i], null_fd));
		ck_assert_int_eq(fcntl(came.fd[i], F_GETFD), FD_CLOEXEC);
	}
	close_all(&came);
	ck_assert_int_eq(
	    msg_receive_with(ends[1], rows[_i].sender, &got, &came), -EAGAIN);
}
END_TEST

START_TEST(one_descriptor_or_none_is_taken_singly)
{
	const struct msg_fds fds = sample_fds(rows[_i].fds);
	unsigned before = open_fds();
	struct msg sent, got;
	int fd = -2;

	make(&sent, rows[_i].type);
	ck_assert_int_eq(msg_send_with(ends[0], &sent, &fds), 0);
	ck_assert_int_eq(msg_receive(ends[1], rows[_i].sender, &got, &fd),
	    rows[_i].fds == EACH ? -EPROTO : 1);
	if (rows[_i].fds == ONE)
		ck_assert(same_file(fd, null_fd));
	else
		ck_assert_int_eq(fd, rows[_i].fds == NONE ? -1 : -2);
	fd_close(&fd);
	ck_assert_uint_eq(open_fds(), before);
}
END_TEST

/* As many as there may be; each descriptor is another one. */
START_TEST(descriptors_keep_their_order)
{
	struct msg_fds fds = { .count = MSG_FDS_MAX }, came;
	struct stat was, is;
	struct msg m, got;

	make(&m, MSG_CLIENTS);
	m.body.CLIENTS.count = MSG_SLOTS_MAX;
	for (uint32_t i = 0; i < MSG_FDS_MAX; i++) {
		fds.fd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_ge(fds.fd[i], 0);
	}
	ck_assert_int_eq(msg_send_with(ends[0], &m, &fds), 0);
	ck_assert_int_eq(
	    msg_receive_with(ends[1], FROM_SUPERVISOR, &got, &came), 1);
	ck_assert_uint_eq(came.count, MSG_FDS_MAX);
	for (uint32_t i = 0; i < MSG_FDS_MAX; i++) {
		ck_assert_int_eq(fstat(fds.fd[i], &was), 0);
		ck_assert_int_eq(fstat(came.fd[i], &is), 0);
		ck_assert_uint_eq(is.st_ino, was.st_ino);
	}
	close_all(&fds);
	close_all(&came);
}
END_TEST

START_TEST(each_message_is_checked)
{
	struct msg m;
	enum msg_sender sender = rows[_i].sender;
	uint32_t fds = rows[_i].fds;
	size_t len;

	make(&m, rows[_i].type);
	len = msg_size(&m);
	ck_assert_int_eq(msg_check(&m, len, sender, fds), 0);
	ck_assert_int_eq(msg_check(&m, len, other(sender), fds), -EPROTO);
	for (uint32_t wrong = 0; wrong <= MSG_FDS_MAX + 1; wrong++)
		if (wrong != fds)
			ck_assert_int_eq(
			    msg_check(&m, len, sender, wrong), -EPROTO);
	for (size_t wrong = 0; wrong <= sizeof(m); wrong++)
		if (wrong != len)
			ck_assert_int_eq(
			    msg_check(&m, wrong, sender, fds), -EPROTO);
	m.head.version++;
	ck_assert_int_eq(msg_check(&m, len, sender, fds), -EPROTO);
	m.head.version--;
	m.head.type = MSG_TYPE_COUNT;
	ck_assert_int_eq(msg_check(&m, len, sender, fds), -EPROTO);
	m.head.type = (uint16_t)rows[_i].type;
	m.head.body_len++;
	ck_assert_int_eq(msg_check(&m, len, sender, fds), -EPROTO);
	ck_assert_int_eq(msg_check(&m, len + 1, sender, fds), -EPROTO);
	m.head.body_len = UINT32_MAX;
	ck_assert_int_eq(msg_check(&m, len, sender, fds), -EPROTO);
}
END_TEST

START_TEST(number_of_slots_is_checked)
{
	struct msg m;
	size_t len;

	make(&m, MSG_CLIENTS);
	len = msg_size(&m);
	m.body.CLIENTS.count = 0;
	ck_assert_int_eq(msg_check(&m, len, FROM_SUPERVISOR, 0), -EPROTO);
	m.body.CLIENTS.count = MSG_SLOTS_MAX;
	ck_assert_int_eq(msg_check(&m, len, FROM_SUPERVISOR, MSG_SLOTS_MAX), 0);
	m.body.CLIENTS.count++;
	ck_assert_int_eq(
	    msg_check(&m, len, FROM_SUPERVISOR, MSG_SLOTS_MAX + 1), -EPROTO);
}
END_TEST

START_TEST(an_unknown_type_has_no_name)
{
	ck_assert_str_eq(msg_type_name(MSG_TYPE_COUNT), "?");
	ck_assert_str_eq(msg_type_name(UINT16_MAX), "?");
}
END_TEST

/* Send any bytes with any number of descriptors. */
static void
send_raw(const void *bytes, size_t len, unsigned fd_count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = { 0 };
	union {
		const void *in;
		void *out;
	} base = { .in = bytes };
	struct iovec iov = { base.out, len };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg = &control.align;

	if (fd_count > 0) {
		hdr.msg_control = control.bytes;
		hdr.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		for (unsigned i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &null_fd,
			    sizeof(int));
	}
	ck_assert_int_eq(sendmsg(ends[0], &hdr, 0), (ssize_t)len);
}

/* clang-format off */
static const struct {
	enum msg_type type;
	size_t cut, add; /* bytes that the datagram lacks, or has too many */
	unsigned fd_count;
	int want;
} raw_rows[] = {
	{ MSG_PARK, 0, 0, 1, 1 },
	{ MSG_PARK, 0, 0, 0, -EPROTO },
	{ MSG_PARK, 0, 0, 2, -EPROTO },
	{ MSG_PARK, 0, 0, 4, -EPROTO },
	{ MSG_PARK, 1, 0, 1, -EPROTO },
	{ MSG_PARK, sizeof(struct msg_slot), 0, 1, -EPROTO },
	{ MSG_PARK, 0, 1, 1, -EPROTO },
	{ MSG_PARK, 0, 4096, 1, -EPROTO },
	{ MSG_READY, 0, 0, 0, 1 },
	{ MSG_READY, 0, 0, 1, -EPROTO },
	{ MSG_CLIENTS, 0, 0, SLOTS, -EPROTO }, /* a worker may not */
};
/* clang-format on */

START_TEST(a_peer_that_breaks_the_rules_leaves_nothing_behind)
{
	char bytes[sizeof(struct msg) + 4096] = { 0 };
	struct msg m, got = { 0 };
	unsigned before = open_fds();
	int fd = -1, n;

	make(&m, raw_rows[_i].type);
	memcpy(bytes, &m, sizeof(m));
	send_raw(bytes, msg_size(&m) - raw_rows[_i].cut + raw_rows[_i].add,
	    raw_rows[_i].fd_count);
	n = msg_receive(ends[1], FROM_WORKER, &got, &fd);
	ck_assert_int_eq(n, raw_rows[_i].want);
	if (n == 1)
		fd_close(&fd);
	else
		ck_assert_uint_eq(got.head.body_len, 0);
	ck_assert_uint_eq(open_fds(), before);
}
END_TEST

START_TEST(a_descriptor_cut_off_is_told)
{
	struct rlimit limit;
	struct msg m, got;
	int fd = -1, top = dup(null_fd);

	make(&m, MSG_PARK);
	ck_assert_int_eq(msg_send(ends[0], &m, null_fd), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)top + 1; /* all below are taken */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(msg_receive(ends[1], FROM_WORKER, &got, &fd), -EMFILE);
	ck_assert_int_eq(fd, -1);
	fd_close(&top);
	ck_assert_int_eq(msg_send(ends[0], &m, null_fd), 0);
	ck_assert_int_eq(msg_receive(ends[1], FROM_WORKER, &got, &fd), 1);
	fd_close(&fd);
}
END_TEST

/* Those that have room arrive, and belong to the first slots. */
START_TEST(the_last_descriptors_may_be_cut_off)
{
	const struct msg_fds fds = sample_fds(SLOTS);
	struct msg_fds came;
	struct rlimit limit;
	struct msg m, got;
	int first = dup(null_fd), second = dup(null_fd);

	make(&m, MSG_CLIENTS);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)second + 1; /* all below are taken */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(msg_send_with(ends[0], &m, &fds), 0);
	ck_assert_int_eq(
	    msg_receive_with(ends[1], FROM_SUPERVISOR, &got, &came), 1);
	ck_assert_uint_eq(came.count, 0);
	fd_close(&first);
	fd_close(&second);
	ck_assert_int_eq(msg_send_with(ends[0], &m, &fds), 0);
	ck_assert_int_eq(
	    msg_receive_with(ends[1], FROM_SUPERVISOR, &got, &came), 1);
	ck_assert_uint_eq(got.body.CLIENTS.count, SLOTS);
	ck_assert_uint_eq(came.count, 2);
	close_all(&came);
}
END_TEST

START_TEST(a_full_socket_asks_for_patience)
{
	struct msg m, got;
	unsigned sent = 0, received = 0;
	int fd, n;

	make(&m, MSG_UNPARK);
	while ((n = msg_send(ends[0], &m, -1)) == 0)
		ck_assert_uint_lt(sent++, 1000000);
	ck_assert_int_eq(n, -EAGAIN);
	ck_assert_uint_gt(sent, 0);
	while (msg_receive(ends[1], FROM_WORKER, &got, &fd) == 1)
		received++;
	ck_assert_uint_eq(received, sent);
	ck_assert_int_eq(msg_send(ends[0], &m, -1), 0);
}
END_TEST

START_TEST(an_end_is_told_from_patience)
{
	struct msg m, got;
	int fd;

	make(&m, MSG_READY);
	ck_assert_int_eq(msg_send(ends[0], &m, -1), 0);
	fd_close(&ends[0]);
	ck_assert_int_eq(msg_receive(ends[1], FROM_WORKER, &got, &fd), 1);
	ck_assert_int_eq(msg_receive(ends[1], FROM_WORKER, &got, &fd), 0);
	make(&m, MSG_DRAIN);
	ck_assert_int_eq(msg_send(ends[1], &m, -1), -EPIPE);
}
END_TEST

/*
 * A worker that is killed with messages unread resets the channel: what it
 * had sent before must arrive all the same.
 */
START_TEST(a_reset_hides_no_message)
{
	struct msg park, drain, got;
	int fd;

	make(&park, MSG_PARK);
	make(&drain, MSG_DRAIN);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(msg_send(ends[0], &park, null_fd), 0);
	ck_assert_int_eq(msg_send(ends[1], &drain, -1), 0);
	fd_close(&ends[0]);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(
		    msg_receive(ends[1], FROM_WORKER, &got, &fd), 1);
		ck_assert(same_file(fd, null_fd));
		fd_close(&fd);
	}
	ck_assert_int_eq(msg_receive(ends[1], FROM_WORKER, &got, &fd), 0);
}
END_TEST

START_TEST(another_descriptor_is_an_error)
{
	struct msg m;
	int fd;

	make(&m, MSG_READY);
	ck_assert_int_eq(msg_send(null_fd, &m, -1), -ENOTSOCK);
	ck_assert_int_eq(msg_receive(null_fd, FROM_WORKER, &m, &fd), -ENOTSOCK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("msg");
	TCase *tc = tcase_create("msg");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, each_message_arrives_as_sent, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(
	    tc, one_descriptor_or_none_is_taken_singly, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, descriptors_keep_their_order);
	tcase_add_loop_test(tc, each_message_is_checked, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, number_of_slots_is_checked);
	tcase_add_test(tc, an_unknown_type_has_no_name);
	tcase_add_loop_test(tc,
	    a_peer_that_breaks_the_rules_leaves_nothing_behind, 0,
	    ARRAY_LEN(raw_rows));
	if (unit_limit_is_the_kernels()) {
		tcase_add_test(tc, a_descriptor_cut_off_is_told);
		tcase_add_test(tc, the_last_descriptors_may_be_cut_off);
	}
	tcase_add_test(tc, a_full_socket_asks_for_patience);
	tcase_add_test(tc, an_end_is_told_from_patience);
	tcase_add_test(tc, a_reset_hides_no_message);
	tcase_add_test(tc, another_descriptor_is_an_error);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
