/*
 * look.c - copies of the workers' records in shared memory, for people.
 */
#include "config.h"

#include <string.h>

#include "common/claim.h"
#include "common/http_names.h"
#include "common/record.h"
#include "supervisor/look.h"

/* A record that changes all the time is shown as it came in the last try. */
#define TRIES 8

/* TABLES of the words. */
static const char *const session_phases[] = {
	[SESSION_FREE] = "free",
	[SESSION_ASKED] = "asked",
	[SESSION_LIVE] = "live",
	[SESSION_ENDED] = "ended",
};
static const char *const stream_phases[] = {
	[STREAM_FREE] = "free",
	[STREAM_WAITING] = "waiting",
	[STREAM_RELAYING] = "relaying",
	[STREAM_PAUSED] = "paused",
	[STREAM_RESUMING] = "resuming",
	[STREAM_ENDING] = "ending",
};
static const char *const stream_eras[] = {
	[ERA_PLAIN] = "plain",
	[ERA_LEGACY] = "legacy",
	[ERA_MODERN] = "modern",
};
static const char *const stream_roles[] = {
	[ROLE_REQUEST] = "request",
	[ROLE_STANDALONE] = "standalone",
	[ROLE_ERRAND] = "errand",
};
_Static_assert(
    ARRAY_LEN(stream_phases) == STREAM_PHASE_COUNT, "a word for each");

static const char *
word(const char *const *words, size_t count, unsigned number)
{
	return number < count ? words[number] : "?";
}

const char *
look_session_phase(uint32_t phase)
{
	return word(session_phases, ARRAY_LEN(session_phases), phase);
}

const char *
look_stream_phase(unsigned phase)
{
	return word(stream_phases, ARRAY_LEN(stream_phases), phase);
}

const char *
look_stream_era(unsigned era)
{
	return word(stream_eras, ARRAY_LEN(stream_eras), era);
}

const char *
look_stream_role(unsigned role)
{
	return word(stream_roles, ARRAY_LEN(stream_roles), role);
}

const char *
look_method(unsigned method)
{
	const char *name = method < HTTP_METHOD_COUNT
			       ? http_method_name((enum http_method_id)method)
			       : NULL;

	return name != NULL ? name : "?";
}

bool
look_is_used(uint32_t owner)
{
	return owner != 0 && (owner & CLAIM_IDLE) == 0;
}

static uint32_t
load(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

bool
look_session(const struct shm *shm, uint32_t index, struct look_session *ret)
{
	const struct session_record *rec = &shm->sessions[index];

	if (!look_is_used(load(&shm->session_owners[index])))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->index = index;
	ret->generation = *(const volatile uint32_t *)&rec->generation;
	ret->phase = load(&rec->phase);
	ret->home = load(&rec->home);
	ret->connections = load(&rec->connections);
	ret->streams = load(&rec->streams);
	ret->begun_ms = rec->begun_ms;
	ret->used_ms =
	    atomic_load_explicit(&rec->used_ms, memory_order_relaxed);
	ret->id_len = rec->id_len;
	if (ret->id_len > SESSION_ID_MAX)
		return false;
	memcpy(ret->id, rec->id, ret->id_len);
	memcpy(ret->last_event_id, rec->last_event_id,
	    sizeof(ret->last_event_id) - 1);
	atomic_thread_fence(memory_order_acquire);
	return ret->phase != SESSION_FREE && load(&rec->phase) == ret->phase &&
	       *(const volatile uint32_t *)&rec->generation == ret->generation;
}

/* Copy the committed state: again, where it changed meanwhile. */
static void
copy_state(const struct stream_record *rec, struct stream_state *ret)
{
	uint32_t before;

	for (int i = 0; i < TRIES; i++) {
		before = load(&rec->commits);
		memcpy(ret, &rec->state[before & 1], sizeof(*ret));
		atomic_thread_fence(memory_order_acquire);
		if (load(&rec->commits) == before)
			break;
	}
}

/* Others than legacy streams have none, and nothing of theirs is touched. */
static void
copy_token(const struct shm *shm, uint32_t index, uint8_t era,
    char ret[STREAM_TOKEN_LEN + 1])
{
	ret[0] = '\0';
	if (era == ERA_LEGACY)
		memcpy(ret, shm->legacies[index].token, STREAM_TOKEN_LEN);
	ret[STREAM_TOKEN_LEN] = '\0';
}

bool
look_stream(const struct shm *shm, uint32_t index, struct look_stream *ret)
{
	const struct stream_record *rec = &shm->streams[index];
	uint32_t owner = load(&shm->stream_owners[index]);

	if (!look_is_used(owner))
		return false;
	ret->index = index;
	ret->worker = owner_worker(owner);
	ret->id = rec->id;
	ret->begun_ms = rec->begun_ms;
	ret->generation = rec->generation;
	ret->era = rec->era;
	ret->method = rec->method;
	copy_token(shm, index, rec->era, ret->token);
	copy_state(rec, &ret->state);
	return ret->state.phase != STREAM_FREE;
}

static uint64_t
load_count(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

uint64_t
look_counter(const struct shm *shm, unsigned which)
{
	uint64_t sum = 0;

	sc_assert(which < COUNTER_COUNT);
	for (uint32_t i = 0; i < SHM_WORKERS_MAX; i++)
		sum += load_count(&shm->workers[i].counters[which]);
	return sum;
}

void
look_histogram(const struct shm *shm, enum histogram_name which,
    struct look_histogram *ret)
{
	const struct histogram *h;

	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < SHM_WORKERS_MAX; i++) {
		h = &shm->workers[i].histograms[which];
		for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++)
			ret->bucket[b] += load_count(&h->bucket[b]);
		ret->sum_us += load_count(&h->sum_us);
	}
}
