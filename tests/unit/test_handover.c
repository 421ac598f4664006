/*
 * test_handover.c - what one image of the daemon leaves to the next.
 */
#include "config.h"

#ifdef SC_SANITIZED
#include <sanitizer/lsan_interface.h>
#endif
#include <check.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/fd.h"
#include "supervisor/handover.h"
#include "supervisor/state.h"
#include "tests/unit/unit.h"

static struct conf conf, conf_read;
static struct supervisor sv, sv_read;
static struct handover about, about_read;
static struct pack written;
static struct unpack reading;

static int
any_fd(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void
set(const char *key, const char *value)
{
	char error[CONF_ERROR_CAP];

	ck_assert_int_eq(conf_set(&conf, key, value, error, sizeof(error)), 0);
}

/* A daemon with something in every part of it. */
static void
setup(void)
{
	static const struct shm_sizes sizes = { 40, 40, 40, 8, 64 };
	const struct worker_slot *w;

	ck_assert_int_eq(conf_init(&conf), 0);
	ck_assert_int_eq(conf_init(&conf_read), 0);
	set("upstream.url", "http://127.0.0.1:9/mcp");
	set("listen.address", "127.0.0.1:0, [::1]:80");
	set("reconnect.jitter", "0.125");
	set("session.idle_timeout", "90s");
	set("journal.memory", "3MiB");
	set("log.access", "true");
	sv = (struct supervisor){ .conf = &conf,
		.control = { .fd = any_fd() },
		.pidfile = { .fd = -1 } };
	sv_read = (struct supervisor){ .conf = &conf_read };
	sv.binary = strdup("/usr/sbin/shadowcat");
	ck_assert_int_eq(shm_create(&sizes, &sv.shm), 0);
	ck_assert_int_eq(vault_init(&sv.vault, 40, 40), 0);
	ck_assert_int_eq(worker_table_init(&sv.workers, 3, sv.shm.workers), 0);
	worker_table_resize(&sv.workers, 2);
	w = &sv.workers.rows[1];
	sv.workers.rows[1].generation = 7;
	worker_slot_born(&sv.workers, &sv.workers.rows[1], 4711, 1234);
	worker_slot_died(&sv.workers, &sv.workers.rows[1]);
	sv.workers.rows[1].fails = 3;
	ck_assert_uint_eq(w->dead_count, 1);
	about = (struct handover){ any_fd(), any_fd(), -1 };
	ck_assert_int_eq(
	    listeners_add(&sv.listeners, any_fd(), "127.0.0.1:0"), 0);
}

/* Slots that were used and are free again remember their generation. */
static void
fill_vault(void)
{
	uint32_t slot, generation;

	for (uint32_t i = 0; i < 5; i++)
		ck_assert_int_eq(vault_add_client(&sv.vault, any_fd(), i % 2,
				     &slot, &generation),
		    0);
	vault_drop(&sv.vault, SOCKET_CLIENT, 1);
	vault_drop(&sv.vault, SOCKET_CLIENT, 3);
	ck_assert_int_eq(
	    vault_park_upstream(&sv.vault, 12, 99, any_fd(), 1), 0);
}

static void
write_it(void)
{
	handover_write(&sv, &about, &written);
	ck_assert(!written.failed);
	reading.at = written.bytes;
	reading.left = written.len;
}

static int
read_it(void)
{
	int r = handover_read(&reading, &sv_read, &about_read);

	return r < 0 ? r : handover_read_channels(&reading, &sv_read);
}

START_TEST(everything_comes_back)
{
	const struct worker_slot *w;
	const struct vault_entry *entry;

	fill_vault();
	write_it();
	ck_assert_int_eq(read_it(), 0);
	ck_assert(conf_equal(&conf, &conf_read));
	ck_assert_str_eq(sv_read.binary, sv.binary);
	ck_assert_int_eq(about_read.log_fd, about.log_fd);
	ck_assert_int_eq(about_read.binary, about.binary);
	ck_assert_int_eq(about_read.reply, -1);
	ck_assert_int_eq(sv_read.control.fd, sv.control.fd);
	ck_assert_int_eq(sv_read.pidfile.fd, -1);
	ck_assert_uint_eq(sv_read.listeners.count, 1);
	ck_assert_int_eq(
	    sv_read.listeners.items[0].fd, sv.listeners.items[0].fd);
	ck_assert_str_eq(sv_read.listeners.items[0].origin, "127.0.0.1:0");
	ck_assert_uint_eq(sv_read.workers.count, 3);
	ck_assert_uint_eq(sv_read.workers.wanted, 2);
	w = &sv_read.workers.rows[1];
	ck_assert_uint_eq(w->generation, 7);
	ck_assert_uint_eq(w->state, WORKER_DEAD);
	ck_assert_uint_eq(w->fails, 3);
	ck_assert_uint_eq(w->started_ms, 1234);
	ck_assert_uint_eq(w->dead_count, 1);
	ck_assert_uint_eq(w->dead[0], worker_slot_owner_id(w));
	ck_assert_uint_eq(vault_count(&sv_read.vault, SOCKET_CLIENT, 0), 3);
	ck_assert_uint_eq(vault_count(&sv_read.vault, SOCKET_CLIENT, 1), 0);
	ck_assert_uint_eq(vault_room(&sv_read.vault, SOCKET_CLIENT), 37);
	entry = vault_find(&sv_read.vault, SOCKET_UPSTREAM, 12, 99);
	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_eq(entry->worker, 1);
	/* Every descriptor is in the list that closes on exec again. */
	ck_assert_uint_eq(reading.fd_count, written.fd_count);
	ck_assert_uint_eq(written.fd_count, 2 + 1 + 1 + 1 + 3 + 1);
}
END_TEST

START_TEST(slot_of_old_has_a_new_generation)
{
	uint32_t slot, generation;

	fill_vault();
	write_it();
	ck_assert_int_eq(read_it(), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(vault_add_client(&sv_read.vault, any_fd(), 0,
				     &slot, &generation),
		    0);
		ck_assert(slot == 1 || slot == 3);
		ck_assert_uint_eq(generation, 2);
	}
	ck_assert_int_eq(
	    vault_add_client(&sv_read.vault, any_fd(), 0, &slot, &generation),
	    0);
	ck_assert_uint_eq(slot, 5);
	ck_assert_uint_eq(generation, 1);
}
END_TEST

/* Messages that waited for a worker wait on, and their order stays. */
START_TEST(queues_come_along)
{
	struct worker_channel *ch = &sv.workers.rows[0].channel;
	struct ev_loop *loop = ev_loop_new(0);
	int ends[2];
	struct msg m, got;
	int fd;

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, ends),
	    0);
	ch->state = CHANNEL_OPEN;
	ch->fd = ends[0];
	channel_queue_init(&ch->queue, 100);
	for (uint32_t i = 0; i < 10; i++) {
		msg_init(&m, MSG_DRAIN);
		m.body.DRAIN.limit_ms = i;
		ck_assert_int_eq(channel_queue_push(&ch->queue, &m), 0);
	}
	sv_read.loop = loop;
	write_it();
	ck_assert_int_eq(read_it(), 0);
	for (uint32_t i = 0; i < 10; i++) {
		ck_assert_int_eq(
		    msg_receive(ends[1], FROM_SUPERVISOR, &got, &fd), 1);
		ck_assert_uint_eq(got.body.DRAIN.limit_ms, i);
	}
	ck_assert_int_eq(
	    msg_receive(ends[1], FROM_SUPERVISOR, &got, &fd), -EAGAIN);
}
END_TEST

/*
 * A reading that fails gives nothing back: the image that failed is about to
 * be replaced by the old one.
 */
static void
expect_leaks(bool on)
{
#ifdef SC_SANITIZED
	if (on)
		__lsan_disable();
	else
		__lsan_enable();
#else
	(void)on;
#endif
}

/* Cut anywhere, it is refused, and nothing is read beyond the end. */
START_TEST(cut_bytes_are_refused)
{
	size_t len;

	fill_vault();
	write_it();
	conf_fini(&conf_read);
	for (len = 0; len < written.len; len += 1 + len / 64) {
		char *copy = malloc(len == 0 ? 1 : len);

		ck_assert_int_eq(conf_init(&conf_read), 0);
		memcpy(copy, written.bytes, len);
		sv_read = (struct supervisor){ .conf = &conf_read };
		reading = (struct unpack){ .at = copy, .left = len };
		expect_leaks(true);
		ck_assert_int_lt(read_it(), 0);
		expect_leaks(false);
		unpack_fini(&reading);
		conf_fini(&conf_read);
		free(copy);
	}
}
END_TEST

START_TEST(other_version_is_refused)
{
	write_it();
	/* The first digit of the versions, behind magic and length. */
	written.bytes[8]++;
	ck_assert_int_eq(read_it(), -EPROTO);
}
END_TEST

START_TEST(descriptor_that_is_not_open_is_refused)
{
	write_it();
	fd_close(&about.log_fd);
	ck_assert_int_eq(read_it(), -EPROTO);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("handover");
	TCase *tc = tcase_create("handover");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, everything_comes_back);
	tcase_add_test(tc, slot_of_old_has_a_new_generation);
	tcase_add_test(tc, queues_come_along);
	tcase_add_test(tc, cut_bytes_are_refused);
	tcase_add_test(tc, other_version_is_refused);
	tcase_add_test(tc, descriptor_that_is_not_open_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
