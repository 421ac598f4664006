/*
 * test_estate.c - what is left to an image of another layout: it comes out as
 * it went in, items of other versions are passed over, and what is broken is
 * refused.
 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "supervisor/estate.h"
#include "supervisor/state.h"
#include "tests/unit/unit.h"

static struct conf conf;
static struct supervisor sv;
static struct pack rest, written;
static struct estate estate;

static int
listening_socket(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	return fd;
}

static void
set(const char *key, const char *value)
{
	char error[CONF_ERROR_CAP];

	ck_assert_int_eq(conf_set(&conf, key, value, error, sizeof(error)), 0);
}

static void
setup(void)
{
	static struct shm_worker mirror[SHM_WORKERS_MAX];

	ck_assert_int_eq(conf_init(&conf), 0);
	set("control.path", "/run/control");
	set("worker.orphan_timeout", "7s");
	sv = (struct supervisor){
		.conf = &conf, .control = { .fd = 100 }, .pidfile = { .fd = -1 }
	};
	sv.binary = strdup("/usr/sbin/shadowcat");
	ck_assert_int_eq(worker_table_init(&sv.workers, 3, mirror), 0);
	sv.workers.rows[1].pid = 4711;
	leaving_add(&sv.leaving, 4242, 1000);
	ck_assert_int_eq(
	    listeners_add(&sv.listeners, listening_socket(), "127.0.0.1:0"), 0);
	/* The handover: what is among ours, and what is not. */
	pack_fd(&rest, sv.listeners.items[0].fd);
	for (int fd = 100; fd < 110; fd++)
		pack_fd(&rest, fd);
}

/* The sockets stay open: they are ours. */
static void
forget_estate(void)
{
	listeners_forget(&sv.listeners, &estate.listeners);
	estate_fini(&estate);
	free(estate.binary_path);
	memset(&estate, 0, sizeof(estate));
}

static void
teardown(void)
{
	forget_estate();
	listeners_close(&sv.listeners);
	worker_table_fini(&sv.workers);
	free(sv.binary);
	pack_fini(&rest);
	pack_fini(&written);
	conf_fini(&conf);
}

static int
read_back(size_t len)
{
	struct unpack u = { .at = written.bytes, .left = len };
	int r = estate_read(&u, &estate);

	unpack_fini(&u);
	return r;
}

START_TEST(estate_comes_out_as_it_went_in)
{
	uint64_t now = clock_ms();

	estate_write(&sv, 101, 102, &rest, &written);
	ck_assert(!written.failed);
	ck_assert_int_eq(read_back(written.len), 0);
	ck_assert_uint_eq(estate.listeners.count, 1);
	ck_assert_int_eq(
	    estate.listeners.items[0].fd, sv.listeners.items[0].fd);
	ck_assert_str_eq(estate.listeners.items[0].origin, "127.0.0.1:0");
	ck_assert_uint_eq(estate.metrics.count, 0);
	ck_assert_int_eq(estate.control, 100);
	ck_assert_str_eq(estate.control_path, "/run/control");
	ck_assert_int_eq(estate.pidfile, -1);
	ck_assert_str_eq(estate.binary_path, "/usr/sbin/shadowcat");
	ck_assert_int_eq(estate.binary, 101);
	ck_assert_int_eq(estate.reply, 102);
	/* Our workers, and those who were leaving before. */
	ck_assert_uint_eq(estate.leaving.count, 2);
	ck_assert_int_eq(estate.leaving.pids[0], 4711);
	ck_assert_int_eq(estate.leaving.pids[1], 4242);
	ck_assert_uint_ge(estate.leaving.until_ms, now + 7000);
	/* 103 to 109. */
	ck_assert_uint_eq(estate.rest_count, 7);
	for (size_t i = 0; i < estate.rest_count; i++)
		ck_assert_int_eq(estate.rest[i], 103 + (int)i);
}
END_TEST

START_TEST(unknown_items_are_passed_over)
{
	struct pack strange = { .failed = false };

	estate_write(&sv, 101, -1, &rest, &written);
	pack_bytes(&strange, written.bytes, sizeof(uint32_t));
	pack_text(&strange, "of-a-later-version");
	pack_u32(&strange, 12345);
	pack_text(&strange, "whatever");
	pack_bytes(&strange, written.bytes + sizeof(uint32_t),
	    written.len - sizeof(uint32_t));
	pack_fini(&written);
	written = strange;
	ck_assert_int_eq(read_back(written.len), 0);
	ck_assert_int_eq(estate.control, 100);
	ck_assert_int_eq(estate.reply, -1);
	ck_assert_uint_eq(estate.rest_count, 8);
}
END_TEST

START_TEST(what_is_cut_off_is_refused)
{
	estate_write(&sv, 101, 102, &rest, &written);
	for (size_t len = 0; len < written.len; len += 7) {
		ck_assert_int_eq(read_back(len), -EPROTO);
		forget_estate();
	}
	written.bytes[0] ^= 1;
	ck_assert_int_eq(read_back(written.len), -EPROTO);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("estate");
	TCase *tc = tcase_create("estate");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, estate_comes_out_as_it_went_in);
	tcase_add_test(tc, unknown_items_are_passed_over);
	tcase_add_test(tc, what_is_cut_off_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
