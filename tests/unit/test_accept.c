/*
 * test_accept.c - taking connections, and what happens when that fails.
 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"
#include "supervisor/accept.h"
#include "tests/unit/unit.h"

#define WORKERS 2
#define CLIENTS 64

static struct {
	struct ev_loop *loop;
	struct acceptor acceptor;
	struct listeners listeners;
	struct vault vault;
	struct shm shm;
	struct worker_table workers;
	unsigned delivered;
	uint32_t worker, slot, generation; /* of the last one */
	char errors[32];
} rig;

static void
on_accepted(void *context, uint32_t worker, uint32_t slot, uint32_t generation)
{
	ck_assert_ptr_eq(context, &rig);
	rig.delivered++;
	rig.worker = worker;
	rig.slot = slot;
	rig.generation = generation;
}

static void
setup(void)
{
	static const struct shm_sizes sizes = { CLIENTS, CLIENTS, 4, 4, 4 };
	char address[] = "127.0.0.1:0";
	char *items[] = { address };
	const struct conf_list list = { items, 1 };
	int fd;

	memset(&rig, 0, sizeof(rig));
	strcpy(rig.errors, "/tmp/sc-accept-XXXXXX");
	fd = mkstemp(rig.errors);
	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
	fd_close(&fd);
	rig.loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_int_eq(listeners_open(&list, &rig.listeners), 0);
	ck_assert_int_eq(shm_create(&sizes, &rig.shm), 0);
	ck_assert_int_eq(vault_init(&rig.vault, CLIENTS, CLIENTS), 0);
	ck_assert_int_eq(
	    worker_table_init(&rig.workers, WORKERS, rig.shm.workers), 0);
	rig.acceptor.loop = rig.loop;
	rig.acceptor.vault = &rig.vault;
	rig.acceptor.shm = &rig.shm;
	rig.acceptor.workers = &rig.workers;
	rig.acceptor.deliver = on_accepted;
	rig.acceptor.context = &rig;
	ck_assert_int_eq(acceptor_start(&rig.acceptor, &rig.listeners), 0);
}

static void
teardown(void)
{
	acceptor_stop(&rig.acceptor);
	listeners_close(&rig.listeners);
	vault_fini(&rig.vault);
	worker_table_fini(&rig.workers);
	shm_fini(&rig.shm);
	ev_loop_destroy(rig.loop);
	(void)unlink(rig.errors);
}

static void
make_ready(uint32_t index)
{
	struct worker_slot *w = &rig.workers.rows[index];

	w->generation++;
	worker_slot_born(&rig.workers, w, 1000 + (pid_t)index, 1);
	worker_slot_set_state(&rig.workers, w, WORKER_READY);
	acceptor_workers_changed(&rig.acceptor);
}

static int
dial(void)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockname(rig.listeners.items[0].fd,
			     (struct sockaddr *)&address, &len),
	    0);
	ck_assert_int_eq(
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static unsigned
count_lines(void)
{
	char buf[4096];
	int fd = open(rig.errors, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buf, sizeof(buf));
	unsigned lines = 0;

	fd_close(&fd);
	for (ssize_t i = 0; i < n; i++)
		lines += buf[i] == '\n';
	return lines;
}

START_TEST(record_is_written_before_anybody_hears_of_it)
{
	static const uint8_t loopback[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };
	const struct client_record *record;
	struct sockaddr_in own;
	socklen_t len = sizeof(own);
	int fd;

	make_ready(1);
	fd = dial();
	ev_run(rig.loop, EVRUN_ONCE);
	ck_assert_uint_eq(rig.delivered, 1);
	ck_assert_uint_eq(rig.worker, 1);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	record = &rig.shm.clients[rig.slot];
	ck_assert_uint_eq(record->generation, rig.generation);
	ck_assert_mem_eq(record->address, loopback, 16);
	ck_assert_uint_eq(record->port, ntohs(own.sin_port));
	ck_assert(record->on_loopback);
	ck_assert_uint_eq(atomic_load(&rig.shm.client_owners[rig.slot]),
	    worker_slot_owner_id(&rig.workers.rows[1]));
	ck_assert_ptr_nonnull(
	    vault_find(&rig.vault, SOCKET_CLIENT, rig.slot, rig.generation));
	fd_close(&fd);
}
END_TEST

START_TEST(connections_wait_for_a_worker)
{
	int fd = dial();

	ck_assert(!ev_is_active(&rig.acceptor.watchers[0]));
	ev_run(rig.loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(rig.delivered, 0);
	make_ready(0);
	ev_run(rig.loop, EVRUN_ONCE);
	ck_assert_uint_eq(rig.delivered, 1);
	worker_slot_died(&rig.workers, &rig.workers.rows[0]);
	acceptor_workers_changed(&rig.acceptor);
	ck_assert(!ev_is_active(&rig.acceptor.watchers[0]));
	fd_close(&fd);
}
END_TEST

/* Let no more descriptors be opened, and again as many as before. */
static void
forbid_descriptors(bool forbid)
{
	static struct rlimit before;
	struct rlimit none;
	int next = dup(STDERR_FILENO);

	if (forbid) {
		ck_assert_int_ge(next, 0);
		ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
		none = before;
		none.rlim_cur = (rlim_t)next;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	} else {
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	}
	fd_close(&next);
}

START_TEST(want_of_descriptors_pauses_without_spinning)
{
	/* valgrind loses one at each try, so there is one for each. */
	int fds[] = { dial(), dial(), dial() };

	make_ready(0);
	forbid_descriptors(true);
	for (int i = 0; i < 100; i++)
		ev_run(rig.loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(rig.delivered, 0);
	ck_assert_int_eq(rig.acceptor.state, ACCEPT_PAUSED);
	ck_assert(!ev_is_active(&rig.acceptor.watchers[0]));
	ck_assert(ev_is_active(&rig.acceptor.pause));
	/* A try that fails as well is not told of again. */
	acceptor_room_made(&rig.acceptor);
	ev_run(rig.loop, EVRUN_ONCE);
	ck_assert_int_eq(rig.acceptor.state, ACCEPT_PAUSED);
	forbid_descriptors(false);
	ck_assert_uint_eq(count_lines(), 1);
	/* By itself, after a while. */
	while (rig.delivered == 0)
		ev_run(rig.loop, EVRUN_ONCE);
	ck_assert_int_eq(rig.acceptor.state, ACCEPT_ON);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_close(&fds[i]);
}
END_TEST

START_TEST(full_table_waits_for_room)
{
	int fds[CLIENTS + 1];

	make_ready(0);
	make_ready(1);
	for (int i = 0; i <= CLIENTS; i++)
		fds[i] = dial();
	while (rig.acceptor.state == ACCEPT_ON)
		ev_run(rig.loop, EVRUN_ONCE);
	ck_assert_int_eq(rig.acceptor.state, ACCEPT_FULL);
	ck_assert(!ev_is_active(&rig.acceptor.watchers[0]));
	ck_assert_uint_eq(rig.delivered, CLIENTS);
	ck_assert_uint_eq(
	    vault_count(&rig.vault, SOCKET_CLIENT, 0), CLIENTS / 2);
	ck_assert_uint_eq(count_lines(), 1);
	vault_drop(&rig.vault, SOCKET_CLIENT, 3);
	acceptor_room_made(&rig.acceptor);
	ev_run(rig.loop, EVRUN_ONCE);
	ck_assert_uint_eq(rig.delivered, CLIENTS + 1);
	ck_assert_uint_eq(rig.slot, 3);
	for (int i = 0; i <= CLIENTS; i++)
		fd_close(&fds[i]);
}
END_TEST

/* What came in a turn of the loop is judged when the next one begins. */
START_TEST(many_at_once_are_followed_by_a_rest)
{
	int fds[20], lone;

	make_ready(0);
	lone = dial();
	ev_run(rig.loop, EVRUN_ONCE);
	ev_run(rig.loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(rig.delivered, 1);
	ck_assert(!rig.acceptor.is_resting);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = dial();
	ev_run(rig.loop, EVRUN_ONCE);
	ck_assert_uint_gt(rig.delivered, 1);
	ev_run(rig.loop, EVRUN_NOWAIT);
	ck_assert(rig.acceptor.is_resting);
	while (rig.delivered <= ARRAY_LEN(fds))
		ev_run(rig.loop, EVRUN_ONCE);
	ev_run(rig.loop, EVRUN_NOWAIT);
	ev_run(rig.loop, EVRUN_NOWAIT);
	ck_assert(!rig.acceptor.is_resting);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_close(&fds[i]);
	fd_close(&lone);
}
END_TEST

START_TEST(stopped_acceptor_stays_stopped)
{
	acceptor_stop(&rig.acceptor);
	acceptor_stop(&rig.acceptor);
	make_ready(0);
	acceptor_room_made(&rig.acceptor);
	ck_assert_int_eq(rig.acceptor.state, ACCEPT_OFF);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("accept");
	TCase *tc = tcase_create("accept");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, record_is_written_before_anybody_hears_of_it);
	tcase_add_test(tc, connections_wait_for_a_worker);
	tcase_add_test(tc, want_of_descriptors_pauses_without_spinning);
	tcase_add_test(tc, full_table_waits_for_room);
	tcase_add_test(tc, many_at_once_are_followed_by_a_rest);
	tcase_add_test(tc, stopped_acceptor_stays_stopped);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
