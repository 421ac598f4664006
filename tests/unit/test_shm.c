/*
 * test_shm.c - the shared memory: made, found again, refused when it is not
 * what it should be, backed and given back.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/claim.h"
#include "common/fd.h"
#include "common/shm.h"
#include "tests/unit/unit.h"

static const struct shm_sizes sizes = { .clients = 37,
	.upstreams = 1,
	.streams = 1000,
	.sessions = 70,
	.blocks = 2 * CLAIM_EXTENT + 5 };

static struct shm shm;

static void
setup(void)
{
	ck_assert_int_eq(shm_create(&sizes, &shm), 0);
}

static void
teardown(void)
{
	shm_fini(&shm);
}

/* Bytes of memory behind the memfd. */
static uint64_t
backed_bytes(void)
{
	struct stat st;

	ck_assert_int_eq(fstat(shm.fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

START_TEST(every_byte_is_there_and_zero)
{
	const char *bytes = (const char *)shm.header;
	uint64_t not_zero = 0;
	struct stat st;

	ck_assert_int_eq(fstat(shm.fd, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, shm.size);
	ck_assert_uint_eq(shm.header->size, shm.size);
	ck_assert_uint_eq(shm.header->magic, SHM_MAGIC);
	for (uint64_t i = sizeof(*shm.header); i < shm.size; i++)
		not_zero += bytes[i] != 0;
	ck_assert_uint_eq(not_zero, 0);
}
END_TEST

/* Each table by its last element, so that overlaps and overruns show. */
START_TEST(tables_stand_apart)
{
	/* clang-format off */
	const struct {
		uintptr_t start;
		size_t size;
	} spans[] = {
#define SPAN(table, count) \
	{ (uintptr_t)shm.table, sizeof(*shm.table) * (count) }
		SPAN(header, 1),
		SPAN(workers, SHM_WORKERS_MAX),
		SPAN(windows, SHM_WORKERS_MAX * SHM_WINDOW_SIZE),
		SPAN(client_owners, sizes.clients),
		SPAN(clients, sizes.clients),
		SPAN(upstream_owners, sizes.upstreams),
		SPAN(upstreams, sizes.upstreams),
		SPAN(stream_owners, sizes.streams),
		SPAN(streams, sizes.streams),
		SPAN(session_owners, sizes.sessions),
		SPAN(sessions, sizes.sessions),
		SPAN(session_shards, SESSION_SHARDS),
		SPAN(session_buckets, sizes.sessions),
		SPAN(block_owners, sizes.blocks),
		SPAN(block_next, sizes.blocks),
		SPAN(extents, 3),
		SPAN(blocks, sizes.blocks * SHM_BLOCK_SIZE),
#undef SPAN
	};
	/* clang-format on */
	uintptr_t base = (uintptr_t)shm.header;

	for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
		uintptr_t end = spans[i].start + spans[i].size;

		ck_assert(spans[i].start >= base);
		ck_assert(end <= base + shm.size);
		ck_assert_uint_eq(spans[i].start % 64, 0);
		for (size_t k = 0; k < i; k++)
			ck_assert(
			    end <= spans[k].start ||
			    spans[k].start + spans[k].size <= spans[i].start);
	}
	ck_assert_uint_eq((uintptr_t)shm.blocks % 4096, 0);
	ck_assert_ptr_eq(shm_window(&shm, 0), shm.windows);
	ck_assert_ptr_eq(shm_window(&shm, SHM_WORKERS_MAX - 1),
	    shm.windows + (SHM_WORKERS_MAX - 1) * SHM_WINDOW_SIZE);
}
END_TEST

START_TEST(odd_sizes_are_refused)
{
	struct shm other = { .fd = -7 };
	struct shm_sizes s;

	for (int i = 0; i < 10; i++) {
		uint32_t *fields[] = { &s.clients, &s.upstreams, &s.streams,
			&s.sessions, &s.blocks };

		s = sizes;
		*fields[i % 5] = i < 5 ? 0 : UINT32_MAX;
		ck_assert_int_eq(shm_create(&s, &other), -EINVAL);
	}
	ck_assert_int_eq(other.fd, -7);
}
END_TEST

START_TEST(the_size_is_sealed)
{
	ck_assert_int_lt(ftruncate(shm.fd, 4096), 0);
	ck_assert_int_lt(ftruncate(shm.fd, (off_t)shm.size + 4096), 0);
	ck_assert_int_lt(fcntl(shm.fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_int_eq(fcntl(shm.fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(another_image_finds_the_same)
{
	struct shm again;
	int fd = dup(shm.fd);

	shm.streams[999].id = 4711;
	ck_assert_int_eq(shm_blocks_back(&shm, 2052, 1), 0);
	strcpy(shm.blocks + 2052 * SHM_BLOCK_SIZE, "last");
	ck_assert_int_eq(shm_attach(fd, &again), 0);
	ck_assert_int_eq(again.fd, fd);
	ck_assert_mem_eq(&again.sizes, &sizes, sizeof(sizes));
	ck_assert_uint_eq(again.streams[999].id, 4711);
	ck_assert_str_eq(again.blocks + 2052 * SHM_BLOCK_SIZE, "last");
	shm_fini(&again);
	ck_assert_int_eq(again.fd, -1);
	ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
	shm_fini(&again);
}
END_TEST

/*
 * Each field of the header, one after the other, with some wrong values: no
 * one of them is taken over, and the descriptor stays the caller's.
 */
START_TEST(a_broken_header_is_refused)
{
	static const uint32_t wrong[] = { 0, 1, 2, 63, 64, 4096, 0x7fffffff,
		0x80000000, UINT32_MAX - 1, UINT32_MAX };
	const size_t words =
	    offsetof(struct shm_header, next_stream_id) / sizeof(uint32_t);
	uint32_t *header = (uint32_t *)(void *)shm.header;
	struct shm again = { .fd = -7 };

	for (size_t i = 0; i < words; i++) {
		uint32_t right = header[i];

		for (size_t k = 0; k < ARRAY_LEN(wrong); k++) {
			if (wrong[k] == right)
				continue;
			header[i] = wrong[k];
			ck_assert_int_eq(shm_attach(shm.fd, &again), -EPROTO);
		}
		header[i] = right;
	}
	ck_assert_int_eq(again.fd, -7);
	ck_assert_int_eq(fcntl(shm.fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(a_wrong_file_is_refused)
{
	struct shm again;
	int fd = open("/dev/null", O_RDWR);

	ck_assert_int_eq(shm_attach(fd, &again), -EPROTO);
	fd_close(&fd);
	ck_assert_int_eq(shm_attach(-1, &again), -EPROTO);
	fd = memfd_create("test", MFD_ALLOW_SEALING);
	ck_assert_int_eq(write(fd, shm.header, sizeof(*shm.header)),
	    (ssize_t)sizeof(*shm.header));
	ck_assert_int_eq(shm_attach(fd, &again), -EPROTO); /* no seals */
	ck_assert_int_eq(
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
	    0);
	ck_assert_int_eq(shm_attach(fd, &again), -EPROTO); /* too short */
	fd_close(&fd);
}
END_TEST

START_TEST(blocks_are_backed_and_given_back)
{
	const uint64_t extent = (uint64_t)CLAIM_EXTENT * SHM_BLOCK_SIZE;
	uint64_t before = backed_bytes();
	char *byte = shm.blocks + extent + 77;

	ck_assert_uint_lt(before, 1 << 20);
	ck_assert_int_eq(shm_blocks_back(&shm, CLAIM_EXTENT, CLAIM_EXTENT), 0);
	ck_assert_uint_eq(backed_bytes(), before + extent);
	*byte = 'x';
	ck_assert_int_eq(shm_blocks_back(&shm, CLAIM_EXTENT, CLAIM_EXTENT), 0);
	ck_assert_int_eq(*byte, 'x');
	shm_blocks_give_back(&shm, CLAIM_EXTENT, CLAIM_EXTENT);
	ck_assert_uint_eq(backed_bytes(), before);
	ck_assert_int_eq(*byte, 0);
}
END_TEST

START_TEST(blocks_that_are_none_are_refused)
{
	uint32_t n = sizes.blocks;
	uint64_t before = backed_bytes();

	ck_assert_int_eq(shm_blocks_back(&shm, n, 0), 0);
	ck_assert_int_eq(shm_blocks_back(&shm, n, 1), -EINVAL);
	ck_assert_int_eq(shm_blocks_back(&shm, n + 1, 0), -EINVAL);
	ck_assert_int_eq(shm_blocks_back(&shm, 0, n + 1), -EINVAL);
	ck_assert_int_eq(
	    shm_blocks_back(&shm, UINT32_MAX, UINT32_MAX), -EINVAL);
	ck_assert_uint_eq(backed_bytes(), before);
	ck_assert_int_eq(shm_blocks_back(&shm, 0, n), 0);
	shm_blocks_give_back(&shm, 0, n + 1);
	ck_assert_uint_gt(backed_bytes(), before);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("shm");
	TCase *tc = tcase_create("shm");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, every_byte_is_there_and_zero);
	tcase_add_test(tc, tables_stand_apart);
	tcase_add_test(tc, odd_sizes_are_refused);
	tcase_add_test(tc, the_size_is_sealed);
	tcase_add_test(tc, another_image_finds_the_same);
	tcase_add_test(tc, a_broken_header_is_refused);
	tcase_add_test(tc, a_wrong_file_is_refused);
	tcase_add_test(tc, blocks_are_backed_and_given_back);
	tcase_add_test(tc, blocks_that_are_none_are_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
