/*
 * tally.c - how much of everything there is.
 */
#include "config.h"

#include "common/claim.h"
#include "common/sc.h"
#include "supervisor/look.h"
#include "supervisor/tally.h"

/* Words looked at in one slice, and records copied. */
#define SLICE_WORDS 16384u
#define SLICE_RECORDS 1024u

static uint32_t
load(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void
count_stream(struct tally *t, const struct look_stream *st)
{
	t->stream_count++;
	if (st->worker < SHM_WORKERS_MAX)
		t->streams[st->worker]++;
	if (st->state.phase < STREAM_PHASE_COUNT && st->era < TALLY_ERAS)
		t->streams_in[st->era][st->state.phase]++;
	t->streams_detached += st->state.client_ref == 0;
}

static bool
count_streams(struct tally *t, const struct shm *shm)
{
	struct look_stream st;
	uint32_t words = SLICE_WORDS, records = SLICE_RECORDS;

	for (; t->position < shm->sizes.streams && words > 0 && records > 0;
	     t->position++, words--) {
		if (!look_is_used(load(&shm->stream_owners[t->position])))
			continue;
		records--;
		if (look_stream(shm, t->position, &st))
			count_stream(t, &st);
	}
	return t->position >= shm->sizes.streams;
}

static bool
count_sessions(struct tally *t, const struct shm *shm)
{
	uint32_t words = SLICE_WORDS, phase, home;

	for (; t->position < shm->sizes.sessions && words > 0;
	     t->position++, words--) {
		const struct session_record *rec = &shm->sessions[t->position];

		if (!look_is_used(load(&shm->session_owners[t->position])))
			continue;
		phase = load(&rec->phase);
		if (phase != SESSION_ASKED && phase != SESSION_LIVE)
			continue;
		home = load(&rec->home);
		t->session_count++;
		if (home < SHM_WORKERS_MAX)
			t->sessions[home]++;
	}
	return t->position >= shm->sizes.sessions;
}

/* Note an extent; true if some of its blocks were ever used. */
static bool
count_extent(struct tally *t, uint32_t extent)
{
	if (extent == EXTENT_UNTOUCHED)
		return false;
	t->extents_touched++;
	t->extents_backed += extent != EXTENT_BARE;
	return true;
}

/* Extents that were never used hold nothing, and are not looked into. */
static bool
count_blocks(struct tally *t, const struct shm *shm)
{
	uint32_t words = SLICE_WORDS;

	while (t->position < shm->sizes.blocks && words > 0) {
		words--;
		if (t->position % CLAIM_EXTENT == 0 &&
		    !count_extent(
			t, load(&shm->extents[t->position / CLAIM_EXTENT]))) {
			t->position += CLAIM_EXTENT;
			continue;
		}
		t->blocks_used +=
		    look_is_used(load(&shm->block_owners[t->position]));
		t->position++;
	}
	return t->position >= shm->sizes.blocks;
}

bool
tally_step(struct tally *t, const struct shm *shm)
{
	static bool (*const stages[])(struct tally *, const struct shm *) = {
		[TALLY_STREAMS] = count_streams,
		[TALLY_SESSIONS] = count_sessions,
		[TALLY_BLOCKS] = count_blocks,
	};

	if (t->stage < TALLY_DONE && stages[t->stage](t, shm)) {
		t->stage++;
		t->position = 0;
	}
	return t->stage == TALLY_DONE;
}
