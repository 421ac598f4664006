/*
 * shm.c - the mapping of the shared memory, and where its tables start.
 *
 * Where memory comes from.  The tables stand in a memfd, most of it a hole.
 * A page is made when it is touched first, and what happens if that can't
 * be done decides how each table is treated:
 *
 *  - no memory: the page fault waits or the OOM killer acts, as for any
 *    other memory.  A memfd lives on a mount inside the kernel, which has no
 *    size limit and no quota, so those of a tmpfs do not apply;
 *  - vm.overcommit_memory is 2: the page is refused, which is SIGBUS.
 *
 * So the blocks, which are most of the memory and come and go with the load,
 * are backed by fallocate(2) before use, and a refusal is an error code.
 * The small tables are left to the page fault, unless overcommit is strict:
 * then they are backed when the memory is made.
 *
 * The header lies in memory that workers may write, so shm_attach() takes
 * from it only how many elements each table has, computes the layout from
 * that, and wants to see the very same layout there.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/claim.h"
#include "common/fd.h"
#include "common/shm.h"

#define SHM_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Cache lines and the structs' alignment; and what can be given back. */
#define TABLE_ALIGN 64u
#define PAGE_ALIGN 4096u

_Static_assert(_Alignof(struct shm_worker) <= TABLE_ALIGN, "alignment");
_Static_assert(_Alignof(struct client_record) <= TABLE_ALIGN, "alignment");
_Static_assert(_Alignof(struct upstream_record) <= TABLE_ALIGN, "alignment");
_Static_assert(_Alignof(struct stream_record) <= TABLE_ALIGN, "alignment");
_Static_assert(_Alignof(struct session_record) <= TABLE_ALIGN, "alignment");
_Static_assert(_Alignof(struct session_shard) <= TABLE_ALIGN, "alignment");

/* --- the layout ---------------------------------------------------------- */

/* Put a table behind what is there already. */
static void
place(struct shm_table *table, uint64_t *end, uint64_t align, uint32_t count,
    size_t size)
{
	table->offset = (*end + align - 1) / align * align;
	table->count = count;
	table->size = (uint32_t)size;
	*end = table->offset + (uint64_t)count * size;
}

static uint32_t
extent_count(uint32_t blocks)
{
	return blocks / CLAIM_EXTENT + (blocks % CLAIM_EXTENT != 0);
}

/*
 * The header of a memory of these sizes.  2^32 elements of 64 KiB at most,
 * so no sum here comes near 2^64.
 */
static void
layout_compute(const struct shm_sizes *sizes, struct shm_header *ret)
{
	struct shm_header h = { .magic = SHM_MAGIC,
		.layout = SHM_LAYOUT_VERSION };
	uint64_t end = sizeof(h);
	const uint64_t line = TABLE_ALIGN, page = PAGE_ALIGN;
	const size_t word = sizeof(uint32_t);

	place(
	    &h.workers, &end, page, SHM_WORKERS_MAX, sizeof(struct shm_worker));
	place(&h.client_owners, &end, line, sizes->clients, word);
	place(&h.upstream_owners, &end, line, sizes->upstreams, word);
	place(&h.stream_owners, &end, line, sizes->streams, word);
	place(&h.session_owners, &end, line, sizes->sessions, word);
	place(&h.session_buckets, &end, line, sizes->sessions, word);
	place(&h.session_shards, &end, line, SESSION_SHARDS,
	    sizeof(struct session_shard));
	place(&h.block_owners, &end, line, sizes->blocks, word);
	place(&h.block_next, &end, line, sizes->blocks, word);
	place(&h.extents, &end, line, extent_count(sizes->blocks), word);
	place(&h.clients, &end, page, sizes->clients,
	    sizeof(struct client_record));
	place(&h.upstreams, &end, page, sizes->upstreams,
	    sizeof(struct upstream_record));
	place(&h.streams, &end, page, sizes->streams,
	    sizeof(struct stream_record));
	place(&h.legacies, &end, page, sizes->streams,
	    sizeof(struct legacy_record));
	place(&h.sessions, &end, page, sizes->sessions,
	    sizeof(struct session_record));
	place(&h.windows, &end, page, SHM_WORKERS_MAX, SHM_WINDOW_SIZE);
	place(&h.blocks, &end, page, sizes->blocks, SHM_BLOCK_SIZE);
	h.size = (end + page - 1) / page * page;
	*ret = h;
}

static bool
table_equal(const struct shm_table *a, const struct shm_table *b)
{
	return a->offset == b->offset && a->count == b->count &&
	       a->size == b->size;
}

static bool
layout_equal(const struct shm_header *a, const struct shm_header *b)
{
	return a->magic == b->magic && a->layout == b->layout &&
	       a->size == b->size && table_equal(&a->workers, &b->workers) &&
	       table_equal(&a->windows, &b->windows) &&
	       table_equal(&a->client_owners, &b->client_owners) &&
	       table_equal(&a->clients, &b->clients) &&
	       table_equal(&a->upstream_owners, &b->upstream_owners) &&
	       table_equal(&a->upstreams, &b->upstreams) &&
	       table_equal(&a->stream_owners, &b->stream_owners) &&
	       table_equal(&a->streams, &b->streams) &&
	       table_equal(&a->legacies, &b->legacies) &&
	       table_equal(&a->session_owners, &b->session_owners) &&
	       table_equal(&a->sessions, &b->sessions) &&
	       table_equal(&a->session_shards, &b->session_shards) &&
	       table_equal(&a->session_buckets, &b->session_buckets) &&
	       table_equal(&a->block_owners, &b->block_owners) &&
	       table_equal(&a->block_next, &b->block_next) &&
	       table_equal(&a->extents, &b->extents) &&
	       table_equal(&a->blocks, &b->blocks);
}

/* Index + 1 must fit everywhere, so the largest count is out. */
static bool
sizes_possible(const struct shm_sizes *sizes)
{
	return sizes->clients - 1 < UINT32_MAX - 1 &&
	       sizes->upstreams - 1 < UINT32_MAX - 1 &&
	       sizes->streams - 1 < UINT32_MAX - 1 &&
	       sizes->sessions - 1 < UINT32_MAX - 1 &&
	       sizes->blocks - 1 < UINT32_MAX - 1;
}

/* --- the mapping --------------------------------------------------------- */

static void *
at(char *base, const struct shm_table *table)
{
	return base + table->offset;
}

/* Map what `fd` holds, laid out as `h` (which is not in the memory). */
static int
map(int fd, const struct shm_header *h, const struct shm_sizes *sizes,
    struct shm *ret)
{
	char *base =
	    mmap(NULL, h->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (base == MAP_FAILED)
		return -errno;
	/* A dump of all of it would delay the reaping of a dead worker. */
	(void)madvise(base, h->size, MADV_DONTDUMP);
	*ret = (struct shm){ .fd = fd,
		.header = (struct shm_header *)(void *)base,
		.workers = at(base, &h->workers),
		.windows = at(base, &h->windows),
		.client_owners = at(base, &h->client_owners),
		.clients = at(base, &h->clients),
		.upstream_owners = at(base, &h->upstream_owners),
		.upstreams = at(base, &h->upstreams),
		.stream_owners = at(base, &h->stream_owners),
		.streams = at(base, &h->streams),
		.legacies = at(base, &h->legacies),
		.session_owners = at(base, &h->session_owners),
		.sessions = at(base, &h->sessions),
		.session_shards = at(base, &h->session_shards),
		.session_buckets = at(base, &h->session_buckets),
		.block_owners = at(base, &h->block_owners),
		.block_next = at(base, &h->block_next),
		.extents = at(base, &h->extents),
		.blocks = at(base, &h->blocks),
		.sizes = *sizes,
		.size = h->size,
		.blocks_offset = h->blocks.offset };
	return 0;
}

/* --- making -------------------------------------------------------------- */

static bool
overcommit_is_strict(void)
{
	int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
	char mode = '0';

	if (fd < 0)
		return false;
	if (read(fd, &mode, 1) != 1)
		mode = '0';
	fd_close(&fd);
	return mode == '2';
}

/* fallocate(2), with `flags` beside keeping the size. */
static int
allocate(int fd, int flags, uint64_t offset, uint64_t len)
{
	int rc;

	do {
		rc = fallocate(
		    fd, flags | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/* Give the memfd its size for ever. */
static int
size_and_seal(int fd, const struct shm_header *h)
{
	if (ftruncate(fd, (off_t)h->size) < 0)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, SHM_SEALS) < 0)
		return -errno;
	return overcommit_is_strict() ? allocate(fd, 0, 0, h->blocks.offset)
				      : 0;
}

int
shm_create(const struct shm_sizes *sizes, struct shm *ret)
{
	struct shm_header h;
	int fd, error;

	if (!sizes_possible(sizes))
		return -EINVAL;
	layout_compute(sizes, &h);
	fd = memfd_create("shadowcat", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	error = size_and_seal(fd, &h);
	if (error == 0)
		error = map(fd, &h, sizes, ret);
	if (error != 0) {
		fd_close(&fd);
		return error;
	}
	*ret->header = h;
	return 0;
}

/* --- taking over --------------------------------------------------------- */

/*
 * Read and check what `fd` claims to be.  Its size is sealed, so what was
 * checked against it stays true.
 */
static int
read_header(int fd, struct shm_header *ret, struct shm_sizes *ret_sizes)
{
	struct shm_header seen, want;
	struct shm_sizes sizes;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SHM_SEALS) != SHM_SEALS)
		return -EPROTO;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (pread(fd, &seen, sizeof(seen), 0) != (ssize_t)sizeof(seen))
		return -EPROTO;
	sizes = (struct shm_sizes){ .clients = seen.clients.count,
		.upstreams = seen.upstreams.count,
		.streams = seen.streams.count,
		.sessions = seen.sessions.count,
		.blocks = seen.blocks.count };
	if (!sizes_possible(&sizes))
		return -EPROTO;
	layout_compute(&sizes, &want);
	if (!layout_equal(&seen, &want) || want.size != (uint64_t)st.st_size)
		return -EPROTO;
	*ret = want;
	*ret_sizes = sizes;
	return 0;
}

int
shm_attach(int fd, struct shm *ret)
{
	struct shm_header h;
	struct shm_sizes sizes;
	int error = read_header(fd, &h, &sizes);

	return error != 0 ? error : map(fd, &h, &sizes, ret);
}

void
shm_fini(struct shm *shm)
{
	if (shm->header == NULL)
		return;
	(void)munmap(shm->header, shm->size);
	fd_close(&shm->fd);
	*shm = (struct shm){ .fd = -1 };
}

/* --- parts of it --------------------------------------------------------- */

char *
shm_window(const struct shm *shm, uint32_t index)
{
	sc_assert(index < SHM_WORKERS_MAX);
	return shm->windows + (size_t)index * SHM_WINDOW_SIZE;
}

/* fallocate(2) for a range of blocks that is inside the table. */
static int
allocate_blocks(
    const struct shm *shm, int flags, uint32_t first, uint32_t count)
{
	if (first > shm->sizes.blocks || count > shm->sizes.blocks - first)
		return -EINVAL;
	if (count == 0)
		return 0;
	return allocate(shm->fd, flags,
	    shm->blocks_offset + (uint64_t)first * SHM_BLOCK_SIZE,
	    (uint64_t)count * SHM_BLOCK_SIZE);
}

int
shm_blocks_back(const struct shm *shm, uint32_t first, uint32_t count)
{
	return allocate_blocks(shm, 0, first, count);
}

void
shm_blocks_give_back(const struct shm *shm, uint32_t first, uint32_t count)
{
	/* Where this fails the memory stays with us, which harms nobody. */
	(void)allocate_blocks(shm, FALLOC_FL_PUNCH_HOLE, first, count);
}
