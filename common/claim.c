/*
 * claim.c - who owns an element of a shared table.
 *
 * The owner words are the only truth.  How an extent gets its memory and
 * loses it without a lock, while any process may die at any store:
 *
 *	UNTOUCHED -> BARE          before the first claim in it
 *	BARE -> BACKED             by a claimer, after backing it
 *	BACKED -> giver's id       by a process that saw it empty
 *	giver's id -> BARE         it was empty, its memory is given back
 *	giver's id -> BACKED       it was not
 *
 * A claimer first writes its owner words and then reads the extent's word; a
 * giver first writes the extent's word and then reads the owner words.  All
 * of these are sequentially consistent, so at least one sees the other: the
 * giver leaves the memory alone, or the claimer leaves the extent alone.  A
 * giver that dies in between blocks no one, for its extent is only passed
 * over until its successor sweeps.  An extent that both shied away from
 * stays backed until it is used and empty again.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/claim.h"
#include "common/kill_point.h"

#define RUN_MAX 64u

void
claim_init(
    struct claim *c, _Atomic uint32_t *owners, uint32_t count, uint32_t self)
{
	sc_assert(self != 0 && (self & CLAIM_IDLE) == 0);
	memset(c, 0, sizeof(*c));
	c->owners = owners;
	c->count = count;
	c->self = self;
	/* What lies in the stacks must not be missed elsewhere. */
	c->limit = MAX(1u, MIN(CLAIM_STACK_MAX, count / 256));
	c->run = MAX(1u, MIN(RUN_MAX, c->limit / 4));
}

void
claim_set_backing(struct claim *c, _Atomic uint32_t *extents,
    int (*back)(void *, uint32_t, uint32_t),
    void (*give_back)(void *, uint32_t, uint32_t), void *context)
{
	c->extents = extents;
	c->back = back;
	c->give_back = give_back;
	c->context = context;
}

/* --- extents ------------------------------------------------------------- */

static uint32_t
extent_count(const struct claim *c)
{
	return c->count / CLAIM_EXTENT + (c->count % CLAIM_EXTENT != 0);
}

static uint32_t
extent_first(uint32_t extent)
{
	return extent * CLAIM_EXTENT;
}

static uint32_t
extent_len(const struct claim *c, uint32_t extent)
{
	return MIN(CLAIM_EXTENT, c->count - extent_first(extent));
}

static uint32_t
extent_word(const struct claim *c, uint32_t extent)
{
	return c->extents == NULL ? EXTENT_BACKED
				  : atomic_load(&c->extents[extent]);
}

static bool
extent_is_empty(const struct claim *c, uint32_t extent)
{
	const _Atomic uint32_t *word = &c->owners[extent_first(extent)];
	const _Atomic uint32_t *end = word + extent_len(c, extent);

	for (; word < end; word++)
		if (atomic_load(word) != 0)
			return false;
	return true;
}

/*
 * After a claim: is there memory under it?  0; -EAGAIN where the extent is
 * being given back; or what `back` returned.
 */
static int
extent_back(struct claim *c, uint32_t extent)
{
	uint32_t word = extent_word(c, extent);
	int error;

	if (word == EXTENT_BACKED)
		return 0;
	if (word != EXTENT_BARE)
		return -EAGAIN;
	error =
	    c->back(c->context, extent_first(extent), extent_len(c, extent));
	if (error != 0)
		return error;
	KILL_POINT();
	/* If the word is another one by now, someone else has backed it. */
	(void)atomic_compare_exchange_strong(
	    &c->extents[extent], &word, EXTENT_BACKED);
	return 0;
}

/*
 * The word of this extent is our id: give its memory back, unless there is
 * a claim in it.  In that case `if_used` becomes its word.
 */
static void
extent_finish_giving(struct claim *c, uint32_t extent, uint32_t if_used)
{
	if (!extent_is_empty(c, extent)) {
		atomic_store(&c->extents[extent], if_used);
		return;
	}
	KILL_POINT();
	c->give_back(c->context, extent_first(extent), extent_len(c, extent));
	KILL_POINT();
	atomic_store(&c->extents[extent], EXTENT_BARE);
}

/* Something was released here: if it was the last, give the memory back. */
static void
extent_try_giving(struct claim *c, uint32_t extent)
{
	uint32_t word = EXTENT_BACKED;

	if (c->extents == NULL)
		return;
	/* Of two that release the last two elements, one must see none. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!extent_is_empty(c, extent))
		return;
	if (atomic_compare_exchange_strong(&c->extents[extent], &word, c->self))
		extent_finish_giving(c, extent, EXTENT_BACKED);
}

/* --- the stack ----------------------------------------------------------- */

/*
 * The stack is kept in descending order, so that the lowest element is taken
 * first, and neighbours one after the other: blocks that lie side by side
 * are sent as one piece.
 */

/* How many elements of the stack are above this one: most often all. */
static uint32_t
count_above(const struct claim *c, uint32_t index)
{
	uint32_t low = 0, high = c->held, middle;

	if (high == 0 || c->stack[high - 1] > index)
		return high;
	while (low < high) {
		middle = (low + high) / 2;
		if (c->stack[middle] > index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
push(struct claim *c, uint32_t index)
{
	uint32_t at = count_above(c, index);

	memmove(c->stack + at + 1, c->stack + at,
	    (c->held - at) * sizeof(*c->stack));
	c->stack[at] = index;
	c->held++;
}

/* Release the highest n elements. */
static void
release(struct claim *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t index = c->stack[i];
		uint32_t extent = index / CLAIM_EXTENT;

		atomic_store_explicit(
		    &c->owners[index], 0, memory_order_release);
		KILL_POINT();
		c->cursor = MIN(c->cursor, index);
		if (i + 1 == n || c->stack[i + 1] / CLAIM_EXTENT != extent)
			extent_try_giving(c, extent);
	}
	c->held -= n;
	memmove(c->stack, c->stack + n, c->held * sizeof(*c->stack));
}

/* Keep the lowest `keep` elements, release the others. */
static void
shrink(struct claim *c, uint32_t keep)
{
	if (c->held <= keep)
		return;
	release(c, c->held - keep);
}

void
claim_flush(struct claim *c)
{
	shrink(c, 0);
}

/* --- searching ----------------------------------------------------------- */

/* Claim free elements of [first, end) into the (empty) stack. */
static void
claim_run(struct claim *c, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end && c->held < c->run; i++) {
		uint32_t word = 0;

		if (atomic_load_explicit(&c->owners[i], memory_order_relaxed) ==
			0 &&
		    atomic_compare_exchange_strong(
			&c->owners[i], &word, c->self | CLAIM_IDLE))
			c->stack[c->held++] = i;
	}
}

/* The lowest is to be taken first. */
static void
reverse(uint32_t *stack, uint32_t n)
{
	uint32_t i, other;

	for (i = 0; i < n / 2; i++) {
		other = stack[n - 1 - i];
		stack[n - 1 - i] = stack[i];
		stack[i] = other;
	}
}

/* Undo a run that no memory can be had for. */
static void
unclaim_run(struct claim *c)
{
	while (c->held > 0)
		atomic_store(&c->owners[c->stack[--c->held]], 0);
}

/*
 * Fill the stack from one extent, from element `first` on.  0; -ENOSPC where
 * it has none; -EAGAIN where it is being given back; or an error of `back`.
 */
static int
refill_from(struct claim *c, uint32_t extent, uint32_t first)
{
	uint32_t untouched = EXTENT_UNTOUCHED;
	int error;

	if (c->extents != NULL)
		(void)atomic_compare_exchange_strong(
		    &c->extents[extent], &untouched, EXTENT_BARE);
	KILL_POINT();
	claim_run(c, first, extent_first(extent) + extent_len(c, extent));
	KILL_POINT();
	if (c->held == 0)
		return -ENOSPC;
	error = extent_back(c, extent);
	if (error != 0) {
		unclaim_run(c);
		return error;
	}
	c->cursor = c->stack[c->held - 1] + 1;
	reverse(c->stack, c->held);
	return 0;
}

/* Search what has memory: one turn, from the cursor to the cursor. */
static int
refill_backed(struct claim *c)
{
	uint32_t extents = extent_count(c);
	uint32_t first = c->cursor < c->count ? c->cursor : 0;

	for (uint32_t turn = 0; turn <= extents; turn++) {
		uint32_t extent = (first / CLAIM_EXTENT + turn) % extents;
		uint32_t from = turn == 0 ? first : extent_first(extent);

		if (extent_word(c, extent) != EXTENT_BACKED)
			continue;
		if (refill_from(c, extent, from) == 0)
			return 0;
	}
	return -ENOSPC;
}

/* Nothing there: take more memory, the lowest that there is. */
static int
refill_bare(struct claim *c)
{
	uint32_t extents = extent_count(c);

	for (uint32_t extent = 0; extent < extents; extent++) {
		uint32_t word = extent_word(c, extent);
		int error;

		if (word != EXTENT_BARE && word != EXTENT_UNTOUCHED)
			continue;
		error = refill_from(c, extent, extent_first(extent));
		if (error != -ENOSPC && error != -EAGAIN)
			return error;
	}
	return -ENOSPC;
}

static int
refill(struct claim *c)
{
	int error = c->count > 0 ? refill_backed(c) : -ENOSPC;

	if (error == -ENOSPC && c->extents != NULL)
		error = refill_bare(c);
	return error;
}

uint32_t
claim_count_free(const struct claim *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->count; i++) {
		uint32_t word =
		    atomic_load_explicit(&c->owners[i], memory_order_relaxed);

		n += word == 0 || (word & CLAIM_IDLE) != 0;
	}
	return n;
}

/* --- taking and giving --------------------------------------------------- */

int
claim_take(struct claim *c, uint32_t *ret)
{
	uint32_t index;

	if (c->held == 0) {
		int error = refill(c);

		if (error != 0)
			return error;
	}
	index = c->stack[--c->held];
	KILL_POINT();
	atomic_store_explicit(&c->owners[index], c->self, memory_order_relaxed);
	KILL_POINT();
	*ret = index;
	return 0;
}

bool
claim_give(struct claim *c, uint32_t index)
{
	if (index >= c->count || atomic_load_explicit(&c->owners[index],
				     memory_order_relaxed) != c->self)
		return false;
	if (c->held >= c->limit)
		shrink(c, c->limit / 2);
	atomic_store_explicit(
	    &c->owners[index], c->self | CLAIM_IDLE, memory_order_relaxed);
	push(c, index);
	return true;
}

/* --- after a death ------------------------------------------------------- */

bool
claim_inherit(struct claim *c, uint32_t index, uint32_t dead)
{
	if (index >= c->count || atomic_load(&c->owners[index]) != dead)
		return false;
	KILL_POINT();
	atomic_store(&c->owners[index], c->self);
	KILL_POINT();
	return true;
}

void
claim_pass(struct claim *c, uint32_t index, uint32_t to)
{
	if (index < c->count && atomic_load(&c->owners[index]) == c->self)
		atomic_store(&c->owners[index], to);
}

/* Owner words of the dead: these bits of them have this value. */
struct dead {
	uint32_t bits, value;
};

static bool
is_dead(const struct claim *c, const struct dead *dead, uint32_t word)
{
	return (word & dead->bits) == dead->value &&
	       (word & ~CLAIM_IDLE) != c->self;
}

/* Free what the dead hold in an extent. */
static uint32_t
sweep_extent(struct claim *c, uint32_t extent, const struct dead *dead)
{
	uint32_t first = extent_first(extent);
	uint32_t end = first + extent_len(c, extent);
	uint32_t freed = 0;

	for (uint32_t i = first; i < end; i++) {
		uint32_t word =
		    atomic_load_explicit(&c->owners[i], memory_order_relaxed);

		if (!is_dead(c, dead, word))
			continue;
		atomic_store_explicit(&c->owners[i], 0, memory_order_release);
		KILL_POINT();
		c->cursor = MIN(c->cursor, i);
		freed++;
	}
	return freed;
}

/*
 * The dead was giving this extent back: its memory may be there or not.
 * BARE says so, for whoever claims in it next.
 */
static void
sweep_giving(struct claim *c, uint32_t extent, uint32_t dead)
{
	if (atomic_compare_exchange_strong(&c->extents[extent], &dead, c->self))
		extent_finish_giving(c, extent, EXTENT_BARE);
}

static uint32_t
sweep(struct claim *c, const struct dead *dead)
{
	uint32_t freed = 0;

	for (uint32_t extent = 0; extent < extent_count(c); extent++) {
		uint32_t word = extent_word(c, extent);
		uint32_t n;

		if (word == EXTENT_UNTOUCHED)
			continue;
		n = sweep_extent(c, extent, dead);
		freed += n;
		if (word < EXTENT_BARE && is_dead(c, dead, word))
			sweep_giving(c, extent, word);
		else if (n > 0)
			extent_try_giving(c, extent);
	}
	return freed;
}

uint32_t
claim_sweep(struct claim *c, uint32_t dead)
{
	return sweep(c, &(struct dead){ ~CLAIM_IDLE, dead });
}

uint32_t
claim_sweep_own_slot(struct claim *c)
{
	const uint32_t slot = 0xff & ~CLAIM_IDLE;

	return sweep(c, &(struct dead){ slot, c->self & slot });
}
