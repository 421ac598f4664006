/*
 * memory.c - who gives way when the journal memory runs short.
 */
#include "config.h"

#include "common/sc.h"
#include "worker/memory.h"
#include "worker/stream.h"
#include "worker/work.h"

/* At least what one recv() brings fits into the reserve. */
#define RESERVE_MIN (2 * SHM_WINDOW_SIZE / SHM_BLOCK_SIZE)

/* Blocks that should be free at any time. */
static uint32_t
reserve(const struct worker *w)
{
	return MIN(MAX(w->shm->sizes.blocks / 16, RESERVE_MIN),
	    w->shm->sizes.blocks / 2);
}

/* What is freed for another worker, which needs it now and asks but once. */
static uint32_t
share_for_others(const struct worker *w)
{
	return w->shm->sizes.blocks / 4;
}

/*
 * End the stream that was finished or left longest ago.  Returns how many
 * blocks that freed, about; 0 where none is kept.
 */
static uint32_t
drop_oldest_kept(struct worker *w)
{
	struct deadline *d = w->stream_detach.head.next;
	struct shm_work outer = w->slot->work;
	struct stream *st;
	uint32_t blocks;

	for (; d != &w->stream_detach.head; d = d->next) {
		st = container_of(d, struct stream_legacy, kept)->st;
		if (st == w->pinned)
			continue;
		work_on_stream(st, WORK_MAKE_ROOM);
		blocks = stream_state(st)->answer.kept / SHM_BLOCK_SIZE + 1;
		stream_drop(st, END_EVICTED);
		w->slot->work = outer; /* it may be in the middle of that */
		return blocks;
	}
	return 0;
}

/* In the middle of some change, for arena_make_room(). */
static bool
on_short(void *context)
{
	return drop_oldest_kept(context) > 0;
}

/* Drop what is kept until so many blocks are free; whether they are. */
static bool
drop_kept(struct worker *w, uint32_t wanted)
{
	uint32_t free_blocks = claim_count_free(&w->arena.claim), dropped;

	while (free_blocks < wanted) {
		dropped = drop_oldest_kept(w);
		if (dropped == 0)
			return false;
		free_blocks += dropped;
	}
	return true;
}

/* The stream with most bytes in an unfinished event; NULL: none has a block. */
static struct stream *
find_giant(const struct worker *w)
{
	struct stream *giant = NULL;
	uint32_t most = SHM_BLOCK_SIZE;

	for (uint32_t i = 0; i < w->shm->sizes.streams; i++) {
		struct stream *st = w->stream_of[i];

		if (st == NULL || stream_state(st)->phase != STREAM_RELAYING ||
		    !stream_state(st)->events ||
		    stream_state(st)->answer.open_len <= most)
			continue;
		most = stream_state(st)->answer.open_len;
		giant = st;
	}
	return giant;
}

static void
end_giant(struct worker *w)
{
	struct stream *giant = find_giant(w);

	if (giant == NULL)
		return;
	work_on_stream(giant, WORK_MAKE_ROOM);
	worker_count(w, COUNTER_MEMORY_SHORT, 1);
	stream_log(giant, LOG_LEVEL_WARNING,
	    "the journal memory is short, and %u bytes of an unfinished event "
	    "are the most of it: ended",
	    stream_state(giant)->answer.open_len);
	stream_fail(giant, HTTP_FAULT_NO_ROOM, END_MEMORY_SHORT);
}

void
memory_init(struct worker *w)
{
	arena_init(&w->arena, w->shm, w->self);
	w->arena.reserve_from = w->shm->sizes.blocks - reserve(w);
	w->arena.on_short = on_short;
	w->arena.context = w;
	w->memory_calls = atomic_load(&w->shm->header->memory_calls);
}

void
memory_on_turn(struct worker *w)
{
	if (!w->arena.is_low)
		return;
	w->arena.is_low = false;
	/* Perhaps there are low ones again, which others gave back. */
	claim_rewind(&w->arena.claim);
	if (claim_count_free(&w->arena.claim) >= reserve(w))
		return;
	w->memory_calls =
	    atomic_fetch_add(&w->shm->header->memory_calls, 1) + 1;
	if (!drop_kept(w, reserve(w)))
		end_giant(w);
}

void
memory_on_pulse(struct worker *w)
{
	uint32_t calls = atomic_load(&w->shm->header->memory_calls);

	if (calls == w->memory_calls)
		return;
	w->memory_calls = calls;
	(void)drop_kept(w, share_for_others(w));
}
