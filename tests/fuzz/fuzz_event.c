/*
 * fuzz_event.c - the quick reading of whole events against the thorough one:
 * where it reads an event at all, both must say the same.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/journal.h"
#include "common/sc.h"
#include "common/sse.h"
#include "tests/fuzz/fuzz.h"
#include "worker/event.h"

#define BLOCKS 256u

static struct shm shm;
static struct arena arena;

static void
set_up(void)
{
	const struct shm_sizes sizes = { 1, 1, 1, 1, BLOCKS };

	if (shm.header != NULL)
		return;
	sc_assert(shm_create(&sizes, &shm) == 0);
	arena_init(&arena, &shm, 0x101);
}

/*
 * The length of the block that buf begins with; 0 where it begins with
 * something else, or does not end.
 */
static size_t
block_len(const char *buf, size_t len)
{
	struct sse_step step;
	struct sse sse;
	size_t used = 0;

	sse_init_at_block(&sse);
	sc_assert(sse_is_at_block(&sse));
	while (used < len) {
		used += sse_next(&sse, buf + used, len - used, &step);
		if (step.token == SSE_DISPATCH)
			return used;
		if (step.token >= SSE_COMMENT)
			return 0;
	}
	return 0;
}

static bool
is_plain(const char *buf, size_t len)
{
	return len > 0 && memchr(buf, '\r', len) == NULL &&
	       memmem(buf, len, "retry", 5) == NULL;
}

struct reading {
	enum event_depth depth;
	struct event event;
};

static bool
read_view(void *context, const struct journal_view *view)
{
	struct reading *r = context;

	event_read(*view, r->depth, &r->event);
	return true;
}

/* The thorough reading, of a record whose payload is cut `at` bytes in. */
static void
read_record(const char *buf, size_t len, size_t at, struct reading *r)
{
	static const char filler[SHM_BLOCK_SIZE];
	struct journal j;
	uint64_t seq;

	memset(&j, 0, sizeof(j));
	sc_assert(journal_put(&arena, &j, JOURNAL_SKIP, filler, at) == 0);
	seq = j.next_seq;
	sc_assert(journal_put(&arena, &j, JOURNAL_BODY, buf, len) == 0);
	memset(&r->event, 0x55, sizeof(r->event));
	sc_assert(journal_each(&arena, &j, seq, read_view, r) == 0);
	journal_clear(&arena, &j);
	arena_settle(&arena);
}

static void
check_same(const struct event *a, const struct event *b)
{
	sc_assert(a->has_data == b->has_data);
	sc_assert(a->is_empty == b->is_empty);
	sc_assert(a->has_id == b->has_id);
	sc_assert(a->resets == b->resets);
	sc_assert(a->id_sum == b->id_sum);
	sc_assert(a->id_len == b->id_len);
	sc_assert(memcmp(a->id, b->id, a->id_len) == 0);
}

static bool
is_response(const struct event *e)
{
	return e->has_message &&
	       (jsonrpc_kind(&e->message) == JSONRPC_RESPONSE ||
		   jsonrpc_kind(&e->message) == JSONRPC_ERROR_RESPONSE);
}

/* What is asked of a message is answered alike, however deep it was read. */
static void
check_message(const struct event *a, const struct event *whole)
{
	sc_assert(is_response(a) == is_response(whole));
	if (is_response(a))
		sc_assert(memcmp(&a->message, &whole->message,
			      sizeof(a->message)) == 0);
}

static void
check_depth(const char *buf, size_t len, size_t block, size_t at,
    struct reading whole, enum event_depth depth)
{
	static struct event quick;
	struct reading slow = { .depth = depth };
	size_t n;

	memset(&quick, 0xaa, sizeof(quick));
	n = event_read_whole(buf, len, depth, &quick);
	sc_assert(n == 0 || n == block);
	sc_assert(n == block || !is_plain(buf, block));
	if (block == 0)
		return;
	read_record(buf, block, at, &slow);
	check_same(&slow.event, &whole.event);
	if (n > 0)
		check_same(&quick, &slow.event);
	if (n > 0 && depth == EVENT_MESSAGE)
		sc_assert(quick.has_message == whole.event.has_message);
	if (n > 0 && depth == EVENT_MESSAGE && quick.has_message)
		sc_assert(memcmp(&quick.message, &whole.event.message,
			      sizeof(quick.message)) == 0);
	if (depth == EVENT_ID)
		return;
	check_message(&slow.event, &whole.event);
	if (n > 0)
		check_message(&quick, &whole.event);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *buf = fuzz_copy(data, len);
	uint32_t seed = fuzz_seed(data, len);
	size_t block, at = fuzz_random(&seed) % SHM_BLOCK_SIZE;
	static struct reading whole = { .depth = EVENT_MESSAGE };

	set_up();
	block = block_len(buf, len);
	if (block > 0)
		read_record(buf, block, at, &whole);
	check_depth(buf, len, block, at, whole, EVENT_ID);
	check_depth(buf, len, block, at, whole, EVENT_RESPONSE);
	check_depth(buf, len, block, at, whole, EVENT_MESSAGE);
	free(buf);
	return 0;
}
