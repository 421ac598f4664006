/*
 * test_vault.c - the originals of every connection.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>

#include "supervisor/vault.h"
#include "tests/unit/unit.h"

#define CLIENTS 3
#define UPSTREAMS 4

static struct vault vault;

static int
open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
setup(void)
{
	ck_assert_int_eq(vault_init(&vault, CLIENTS, UPSTREAMS), 0);
}

static void
teardown(void)
{
	vault_fini(&vault);
}

/* Add a client: its slot, and its generation in *ret_generation. */
static uint32_t
add_client(uint32_t worker, uint32_t *ret_generation)
{
	uint32_t slot, generation;

	ck_assert_int_eq(
	    vault_add_client(&vault, open_null(), worker, &slot, &generation),
	    0);
	if (ret_generation != NULL)
		*ret_generation = generation;
	return slot;
}

START_TEST(client_is_found_by_slot_and_generation)
{
	const struct vault_entry *entry;
	uint32_t generation, slot = add_client(2, &generation);

	ck_assert_uint_ne(generation, 0);
	entry = vault_find(&vault, SOCKET_CLIENT, slot, generation);
	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_eq(entry->worker, 2);
	ck_assert(is_open(entry->fd));
	ck_assert_ptr_null(
	    vault_find(&vault, SOCKET_CLIENT, slot, generation + 1));
	ck_assert_ptr_null(
	    vault_find(&vault, SOCKET_UPSTREAM, slot, generation));
}
END_TEST

START_TEST(nonsense_finds_nothing)
{
	ck_assert_ptr_null(vault_find(&vault, SOCKET_CLIENT, 0, 0));
	ck_assert_ptr_null(vault_find(&vault, SOCKET_CLIENT, CLIENTS, 1));
	ck_assert_ptr_null(vault_find(&vault, SOCKET_CLIENT, UINT32_MAX, 1));
	ck_assert_ptr_null(vault_find(&vault, 2, 0, 1));
	ck_assert_ptr_null(vault_find(&vault, UINT32_MAX, 0, 1));
}
END_TEST

START_TEST(dropping_closes_and_ages_the_slot)
{
	uint32_t first, second, slot = add_client(0, &first);
	int fd = vault_entry(&vault, SOCKET_CLIENT, slot)->fd;

	vault_drop(&vault, SOCKET_CLIENT, slot);
	ck_assert(!is_open(fd));
	ck_assert_ptr_null(vault_find(&vault, SOCKET_CLIENT, slot, first));
	ck_assert_uint_eq(add_client(0, &second), slot);
	ck_assert_uint_ne(second, first);
	ck_assert_ptr_null(vault_find(&vault, SOCKET_CLIENT, slot, first));
}
END_TEST

START_TEST(full_table_takes_no_client_and_keeps_the_others)
{
	uint32_t slot, generation;
	int fd;

	for (int i = 0; i < CLIENTS; i++)
		(void)add_client(0, NULL);
	ck_assert_uint_eq(vault_room(&vault, SOCKET_CLIENT), 0);
	fd = open_null();
	ck_assert_int_eq(
	    vault_add_client(&vault, fd, 0, &slot, &generation), -ENOSPC);
	ck_assert(is_open(fd));
	ck_assert_uint_eq(vault_count(&vault, SOCKET_CLIENT, 0), CLIENTS);
	vault_drop(&vault, SOCKET_CLIENT, 1);
	ck_assert_uint_eq(vault_room(&vault, SOCKET_CLIENT), 1);
	ck_assert_int_eq(
	    vault_add_client(&vault, fd, 0, &slot, &generation), 0);
	ck_assert_uint_eq(slot, 1);
}
END_TEST

START_TEST(every_slot_is_used_once)
{
	bool used[CLIENTS] = { false };

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < CLIENTS; i++) {
			uint32_t slot = add_client(0, NULL);

			ck_assert_uint_lt(slot, CLIENTS);
			ck_assert(!used[slot]);
			used[slot] = true;
		}
		for (uint32_t i = 0; i < CLIENTS; i++) {
			vault_drop(&vault, SOCKET_CLIENT, (i + 1) % CLIENTS);
			used[(i + 1) % CLIENTS] = false;
		}
	}
}
END_TEST

START_TEST(parking_checks_the_slot)
{
	int fd = open_null(), other = open_null();

	ck_assert_int_eq(
	    vault_park_upstream(&vault, UPSTREAMS, 1, fd, 0), -ERANGE);
	ck_assert_int_eq(
	    vault_park_upstream(&vault, UINT32_MAX, 1, fd, 0), -ERANGE);
	ck_assert_int_eq(vault_park_upstream(&vault, 3, 7, fd, 0), 0);
	ck_assert_int_eq(vault_park_upstream(&vault, 3, 8, other, 1), -EBUSY);
	ck_assert(is_open(other));
	ck_assert_int_eq(vault_find(&vault, SOCKET_UPSTREAM, 3, 7)->fd, fd);
	vault_drop(&vault, SOCKET_UPSTREAM, 3);
	ck_assert(!is_open(fd));
	ck_assert_int_eq(vault_park_upstream(&vault, 3, 8, other, 1), 0);
}
END_TEST

/* The slots of a worker, as bits. */
static unsigned
slots_of(uint32_t kind, uint32_t worker)
{
	unsigned bits = 0, count = 0;
	uint32_t slot;

	for (slot = vault_first(&vault, kind, worker); slot != VAULT_NONE;
	     slot = vault_next(&vault, kind, slot)) {
		ck_assert_uint_eq(
		    vault_entry(&vault, kind, slot)->worker, worker);
		bits |= 1u << slot;
		count++;
	}
	ck_assert_uint_eq(count, vault_count(&vault, kind, worker));
	return bits;
}

START_TEST(each_worker_has_a_list)
{
	for (uint32_t slot = 0; slot < UPSTREAMS; slot++)
		ck_assert_int_eq(
		    vault_park_upstream(&vault, slot, 1, open_null(), slot % 2),
		    0);
	ck_assert_uint_eq(slots_of(SOCKET_UPSTREAM, 0), 0x5);
	ck_assert_uint_eq(slots_of(SOCKET_UPSTREAM, 1), 0xa);
	ck_assert_uint_eq(slots_of(SOCKET_UPSTREAM, 2), 0);
	ck_assert_uint_eq(slots_of(SOCKET_CLIENT, 0), 0);
	vault_give(&vault, SOCKET_UPSTREAM, 0, 1);
	ck_assert_uint_eq(slots_of(SOCKET_UPSTREAM, 0), 0x4);
	ck_assert_uint_eq(slots_of(SOCKET_UPSTREAM, 1), 0xb);
	vault_drop(&vault, SOCKET_UPSTREAM, 1);
	vault_drop(&vault, SOCKET_UPSTREAM, 2);
	ck_assert_uint_eq(slots_of(SOCKET_UPSTREAM, 0), 0);
	ck_assert_uint_eq(slots_of(SOCKET_UPSTREAM, 1), 0x9);
}
END_TEST

START_TEST(last_worker_slot_has_a_list)
{
	uint32_t slot = add_client(SHM_WORKERS_MAX - 1, NULL);

	ck_assert_uint_eq(
	    slots_of(SOCKET_CLIENT, SHM_WORKERS_MAX - 1), 1u << slot);
}
END_TEST

START_TEST(end_closes_everything)
{
	uint32_t slot = add_client(0, NULL);
	int client = vault_entry(&vault, SOCKET_CLIENT, slot)->fd;
	int upstream = open_null();

	ck_assert_int_eq(vault_park_upstream(&vault, 2, 1, upstream, 0), 0);
	vault_fini(&vault);
	ck_assert(!is_open(client));
	ck_assert(!is_open(upstream));
}
END_TEST

START_TEST(dropping_a_free_slot_is_a_bug)
{
	vault_drop(&vault, SOCKET_CLIENT, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vault");
	TCase *tc = tcase_create("vault");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, client_is_found_by_slot_and_generation);
	tcase_add_test(tc, nonsense_finds_nothing);
	tcase_add_test(tc, dropping_closes_and_ages_the_slot);
	tcase_add_test(tc, full_table_takes_no_client_and_keeps_the_others);
	tcase_add_test(tc, every_slot_is_used_once);
	tcase_add_test(tc, parking_checks_the_slot);
	tcase_add_test(tc, each_worker_has_a_list);
	tcase_add_test(tc, last_worker_slot_has_a_list);
	tcase_add_test(tc, end_closes_everything);
	tcase_add_test_raise_signal(tc, dropping_a_free_slot_is_a_bug, SIGABRT);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
