/*
 * sessions.c - the table of sessions that all workers share.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/claim.h"
#include "common/hash.h"
#include "common/sessions.h"

/* A holder that takes longer is stuck, and will be found by its heart. */
#define LOCK_WAIT_NS 200000000L

static int
init_lock(struct session_shard *shard)
{
	pthread_mutexattr_t attr;
	int error = pthread_mutexattr_init(&attr);

	if (error != 0)
		return -error;
	error = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (error == 0)
		error =
		    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (error == 0)
		error = pthread_mutex_init(&shard->lock, &attr);
	(void)pthread_mutexattr_destroy(&attr);
	return -error;
}

int
sessions_create(struct shm *shm)
{
	uint32_t i;
	int error = 0;

	if (getrandom(shm->header->secret, sizeof(shm->header->secret), 0) !=
	    (ssize_t)sizeof(shm->header->secret))
		return -errno;
	for (i = 0; i < SESSION_SHARDS && error == 0; i++)
		error = init_lock(&shm->session_shards[i]);
	return error;
}

/* --- locking ------------------------------------------------------------ */

static int
lock_slow(struct session_shard *shard)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOCK_WAIT_NS;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	return pthread_mutex_timedlock(&shard->lock, &until);
}

static int
shard_lock(struct session_shard *shard, uint32_t self)
{
	int error = pthread_mutex_trylock(&shard->lock);

	if (error == EBUSY)
		error = lock_slow(shard);
	if (error == EOWNERDEAD)
		error = pthread_mutex_consistent(&shard->lock);
	if (error != 0)
		return -EBUSY;
	atomic_store_explicit(&shard->holder, self, memory_order_relaxed);
	return 0;
}

static void
shard_unlock(struct session_shard *shard)
{
	atomic_store_explicit(&shard->holder, 0, memory_order_relaxed);
	(void)pthread_mutex_unlock(&shard->lock);
}

/* --- buckets ------------------------------------------------------------ */

static uint64_t
hash_id(const struct shm *shm, struct http_slice id)
{
	return hash_bytes64(id.p, id.len, shm->header->secret[0]);
}

static uint32_t *
bucket_of(const struct shm *shm, uint64_t hash)
{
	return &shm->session_buckets[hash % shm->sizes.sessions];
}

/* One lock for many buckets, but always the same one for a bucket. */
static struct session_shard *
shard_of(const struct shm *shm, uint64_t hash)
{
	return &shm->session_shards[hash % shm->sizes.sessions %
				    SESSION_SHARDS];
}

struct http_slice
sessions_id(const struct shm *shm, uint32_t index)
{
	const struct session_record *rec = &shm->sessions[index];

	return (struct http_slice){ rec->id,
		MIN((uint32_t)rec->id_len, SESSION_ID_MAX) };
}

/* The link that leads to the record with this id; NULL: none does. */
static uint32_t *
find_link(const struct shm *shm, uint64_t hash, struct http_slice id)
{
	uint32_t *link = bucket_of(shm, hash), steps = 0;
	struct session_record *rec;

	while (*link != 0 && *link <= shm->sizes.sessions &&
	       steps++ < shm->sizes.sessions) {
		rec = &shm->sessions[*link - 1];
		if (rec->hash == hash &&
		    http_slice_equals(sessions_id(shm, *link - 1), id))
			return link;
		link = &rec->next_ref;
	}
	return NULL;
}

int
sessions_find(struct shm *shm, uint32_t self, struct http_slice id,
    struct session_found *ret)
{
	uint64_t hash = hash_id(shm, id);
	struct session_shard *shard = shard_of(shm, hash);
	const uint32_t *link;

	if (shard_lock(shard, self) != 0)
		return -EBUSY;
	link = find_link(shm, hash, id);
	if (link != NULL) {
		ret->index = *link - 1;
		ret->phase = atomic_load(&shm->sessions[ret->index].phase);
		ret->home = atomic_load(&shm->sessions[ret->index].home);
	}
	shard_unlock(shard);
	return link != NULL ? 0 : -ENOENT;
}

static void
write_record(struct session_record *rec, uint64_t hash, struct http_slice id,
    uint32_t home, uint64_t now_ms)
{
	rec->generation++;
	rec->hash = hash;
	rec->id_len = (uint16_t)id.len;
	memcpy(rec->id, id.p, id.len);
	rec->last_event_id[0] = '\0';
	rec->begun_ms = now_ms;
	atomic_store(&rec->used_ms, now_ms);
	atomic_store(&rec->home, home);
	atomic_store(&rec->connections, 0);
	atomic_store(&rec->streams, 0);
	memset(rec->state, 0, sizeof(rec->state));
}

int
sessions_link(struct shm *shm, uint32_t self, uint32_t index,
    struct http_slice id, enum session_phase phase, uint64_t now_ms)
{
	struct session_record *rec = &shm->sessions[index];
	uint64_t hash = hash_id(shm, id);
	struct session_shard *shard = shard_of(shm, hash);
	uint32_t *bucket = bucket_of(shm, hash);
	bool known;

	if (id.len == 0 || id.len > SESSION_ID_MAX)
		return -EMSGSIZE;
	write_record(rec, hash, id, owner_worker(self), now_ms);
	if (shard_lock(shard, self) != 0)
		return -EBUSY;
	known = find_link(shm, hash, id) != NULL;
	if (!known) {
		rec->next_ref = *bucket;
		atomic_store(&rec->phase, phase);
		atomic_signal_fence(memory_order_seq_cst);
		*bucket = index + 1;
	}
	shard_unlock(shard);
	return known ? -EEXIST : 0;
}

int
sessions_unlink(struct shm *shm, uint32_t self, uint32_t index)
{
	struct session_record *rec = &shm->sessions[index];
	struct session_shard *shard = shard_of(shm, rec->hash);
	uint32_t *link;

	if (shard_lock(shard, self) != 0)
		return -EBUSY;
	link = find_link(shm, rec->hash, sessions_id(shm, index));
	if (link != NULL && *link == index + 1)
		*link = rec->next_ref;
	atomic_store(&rec->phase, SESSION_FREE);
	shard_unlock(shard);
	return 0;
}
