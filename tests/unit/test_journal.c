/*
 * test_journal.c - chains and journals against a simple model: whatever is
 * done in whatever order, in an arena that is often full, and with the death
 * of the process at any commit, the same bytes come out.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/journal_wire.h"
#include "tests/unit/arena_rig.h"
#include "tests/unit/unit.h"

#define BLOCKS 24u
#define SELF 0x101u
#define STEPS 4000
#define WIRE_MAX ((size_t)STEPS * 4 * SHM_BLOCK_SIZE)
#define IOV_MAX_ROLLED 40
#define NOTE ": keepalive\n\n"

static struct shm shm;
static struct arena arena;
static struct dice dice;

static void
setup(void)
{
	struct shm_sizes sizes = { 1, 1, 1, 1, BLOCKS };

	ck_assert_int_eq(shm_create(&sizes, &shm), 0);
	arena_init(&arena, &shm, SELF);
}

static void
teardown(void)
{
	shm_fini(&shm);
}

static void
fill(char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (char)dice_next(&dice);
}

/* --- chains ------------------------------------------------------------- */

/* What a chain should hold. */
struct queue {
	char bytes[BLOCKS * SHM_BLOCK_SIZE];
	size_t len;
};

static void
compare_chain(const struct chain *c, const struct queue *q)
{
	static char buf[sizeof(q->bytes)];
	size_t cap = dice_roll(&dice, (uint32_t)q->len + 2);

	ck_assert_uint_eq(chain_len(&arena, c), q->len);
	ck_assert_uint_eq(chain_peek(&arena, c, buf, sizeof(buf)), q->len);
	ck_assert_mem_eq(buf, q->bytes, q->len);
	ck_assert_uint_eq(chain_peek(&arena, c, buf, cap), MIN(cap, q->len));
	ck_assert(chain_is_empty(c) == (q->len == 0));
}

static void
append(struct chain *c, struct queue *q)
{
	char bytes[3 * SHM_BLOCK_SIZE];
	size_t room, len = dice_len(&dice);
	struct chain was = *c;
	uint32_t used = arena_used(&arena);

	fill(bytes, len);
	if (chain_append(&arena, c, bytes, len) == 0) {
		memcpy(q->bytes + q->len, bytes, len);
		q->len += len;
		return;
	}
	ck_assert_mem_eq(c, &was, sizeof(was));
	ck_assert_uint_eq(arena_used(&arena), used);
	/* It was not for nothing: that much was not there. */
	room = (size_t)(BLOCKS - used) * SHM_BLOCK_SIZE;
	if (c->last_ref != 0)
		room += SHM_BLOCK_SIZE - c->last_off;
	ck_assert_uint_gt(len, room);
}

static void
consume(struct chain *c, struct queue *q)
{
	size_t len = dice_roll(&dice, 4) == 0 ? q->len : dice_len(&dice);

	chain_consume(&arena, c, len);
	len = MIN(len, q->len);
	q->len -= len;
	memmove(q->bytes, q->bytes + len, q->len);
	arena_settle(&arena);
}

START_TEST(a_chain_is_a_queue)
{
	static struct queue q;
	struct chain c = { 0 };
	int step;

	dice_init(&dice, (unsigned)_i);
	q.len = 0;
	for (step = 0; step < STEPS; step++) {
		switch (dice_roll(&dice, 16)) {
		case 0:
			chain_clear(&arena, &c);
			arena_settle(&arena);
			q.len = 0;
			break;
		case 1:
		case 2:
		case 3:
		case 4:
		case 5:
			consume(&c, &q);
			break;
		default:
			append(&c, &q);
		}
		compare_chain(&c, &q);
		ck_assert_uint_eq(arena_used(&arena), arena_reach(&arena, &c));
	}
	chain_clear(&arena, &c);
	arena_settle(&arena);
	claim_flush(&arena.claim);
	ck_assert_uint_eq(arena_claimed(&arena), 0);
}
END_TEST

/* Blocks that were neighbours are so again: they are sent as one piece. */
START_TEST(blocks_come_back_in_their_order)
{
	static char bytes[6 * SHM_BLOCK_SIZE];
	struct chain c = { 0 };
	uint32_t first, i;

	ck_assert_int_eq(chain_append(&arena, &c, bytes, sizeof(bytes)), 0);
	first = c.first_ref;
	for (i = 0; i < 5; i++)
		ck_assert_uint_eq(block_next(&arena, first + i), first + i + 1);
	/* in two runs */
	chain_consume(&arena, &c, 2 * SHM_BLOCK_SIZE);
	chain_clear(&arena, &c);
	arena_settle(&arena);
	ck_assert_int_eq(chain_append(&arena, &c, bytes, sizeof(bytes)), 0);
	ck_assert_uint_eq(c.first_ref, first);
	for (i = 0; i < 5; i++)
		ck_assert_uint_eq(block_next(&arena, first + i), first + i + 1);
	chain_clear(&arena, &c);
	arena_settle(&arena);
}
END_TEST

START_TEST(what_was_let_go_stays_until_it_is_settled)
{
	struct chain c = { 0 }, committed;
	char bytes[5 * SHM_BLOCK_SIZE], buf[sizeof(bytes)];

	dice_init(&dice, 1);
	fill(bytes, sizeof(bytes));
	ck_assert_int_eq(chain_append(&arena, &c, bytes, sizeof(bytes)), 0);
	committed = c;
	chain_consume(&arena, &c, 3 * SHM_BLOCK_SIZE + 1);
	chain_clear(&arena, &c);
	ck_assert(chain_is_empty(&c));
	ck_assert_uint_eq(arena_used(&arena), 5);
	ck_assert_uint_eq(
	    chain_peek(&arena, &committed, buf, sizeof(buf)), sizeof(bytes));
	ck_assert_mem_eq(buf, bytes, sizeof(bytes));
	arena_settle(&arena);
	ck_assert_uint_eq(arena_used(&arena), 0);
}
END_TEST

/* --- journals: the model ------------------------------------------------ */

/*
 * A journal beside what it should be: all bytes that it ever puts on the
 * wire, and the payload of the open record.
 */
struct pair {
	struct journal j;
	size_t wire_len;  /* of `wire`; the bytes are shared */
	size_t notes_len; /* of these, notes that no record follows yet */
	uint64_t unsent;  /* payload bytes of finished records, sent or not */
	bool is_open;
	size_t open_len;
};

static struct pair now, next; /* committed, and being changed */
static char *wire;
static char open_bytes[BLOCKS * SHM_BLOCK_SIZE];
static struct journal_wire form;
static struct journal_cursor cursor;
static uint64_t base; /* wire bytes before the first kept record */

static void
model_put(const char *bytes, size_t len)
{
	ck_assert_uint_le(next.wire_len + len, WIRE_MAX);
	memcpy(wire + next.wire_len, bytes, len);
	next.wire_len += len;
}

/* What RFC 9112 7.1 wants around the payload. */
static void
model_record(enum journal_type type, const char *bytes, size_t len)
{
	bool chunked = form.framing == HTTP_FRAMING_CHUNKED;
	char head[16];

	next.notes_len = 0;
	next.unsent += len;
	if (type == JOURNAL_SKIP)
		return;
	if (type == JOURNAL_END) {
		if (chunked)
			model_put("0\r\n\r\n", 5);
		return;
	}
	if (type == JOURNAL_BODY && chunked && len > 0) {
		int n = snprintf(head, sizeof(head), "%zx\r\n", len);

		model_put(head, (size_t)n);
		model_put(bytes, len);
		model_put("\r\n", 2);
		return;
	}
	model_put(bytes, len);
}

static void
model_note(void)
{
	bool chunked = form.framing == HTTP_FRAMING_CHUNKED;
	const char *note = chunked ? "d\r\n" NOTE "\r\n" : NOTE;

	next.j.notes++;
	next.notes_len += strlen(note);
	model_put(note, strlen(note));
}

/* --- changing ----------------------------------------------------------- */

/* -ENOMEM has changed nothing that counts. */
static void
check_untouched(const struct pair *was, uint32_t used)
{
	ck_assert_mem_eq(&next.j.chain, &was->j.chain, sizeof(struct chain));
	ck_assert_uint_eq(next.j.open_ref, was->j.open_ref);
	ck_assert_uint_eq(next.j.open_len, was->j.open_len);
	ck_assert_uint_eq(next.j.kept, was->j.kept);
	ck_assert_uint_eq(next.j.next_seq, was->j.next_seq);
	ck_assert_uint_eq(next.j.notes, was->j.notes);
	ck_assert_uint_eq(arena_used(&arena), used);
}

static void
do_open(void)
{
	struct pair was = next;
	uint32_t used = arena_used(&arena);

	if (journal_open(&arena, &next.j) != 0) {
		check_untouched(&was, used);
		return;
	}
	next.is_open = true;
	ck_assert_uint_ne(next.j.open_ref, 0);
}

static void
do_add(void)
{
	struct pair was = next;
	uint32_t used = arena_used(&arena);
	size_t len = dice_len(&dice);
	char bytes[3 * SHM_BLOCK_SIZE];

	if (!next.is_open)
		return;
	fill(bytes, len);
	if (journal_add(&arena, &next.j, bytes, len) != 0) {
		check_untouched(&was, used);
		return;
	}
	memcpy(open_bytes + next.open_len, bytes, len);
	next.open_len += len;
	ck_assert_uint_eq(next.j.open_len, next.open_len);
}

static void
do_finish(bool abandon)
{
	enum journal_type type =
	    dice_roll(&dice, 8) == 0 ? JOURNAL_HEAD : JOURNAL_BODY;

	if (abandon) {
		journal_abandon(&arena, &next.j);
		type = JOURNAL_SKIP;
	}
	if (!next.is_open)
		return;
	if (!abandon)
		journal_finish(&arena, &next.j, type, 1, 0);
	model_record(type, open_bytes, next.open_len);
	next.is_open = false;
	next.open_len = 0;
}

/* In one piece, or in two. */
static int
put_somehow(enum journal_type type, char *bytes, size_t len)
{
	size_t cut = dice_roll(&dice, (uint32_t)len + 1);
	struct iovec pieces[] = { { bytes, cut }, { bytes + cut, len - cut } };

	if (dice_roll(&dice, 2) == 0)
		return journal_put(&arena, &next.j, type, bytes, len);
	return journal_put_pieces(&arena, &next.j, type, pieces, 2);
}

static void
do_put(void)
{
	struct pair was = next;
	uint32_t used = arena_used(&arena);
	enum journal_type type = dice_roll(&dice, 8) == 0   ? JOURNAL_END
				 : dice_roll(&dice, 8) == 0 ? JOURNAL_HEAD
							    : JOURNAL_BODY;
	size_t len = type == JOURNAL_END ? 0 : dice_len(&dice);
	char bytes[3 * SHM_BLOCK_SIZE];

	if (next.is_open)
		return;
	fill(bytes, len);
	if (put_somehow(type, bytes, len) == 0)
		model_record(type, bytes, len);
	else
		check_untouched(&was, used);
}

static void
check_open(void)
{
	static char buf[sizeof(open_bytes)];

	ck_assert(next.is_open == (next.j.open_ref != 0));
	if (!next.is_open)
		return;
	journal_peek_open(&arena, &next.j, buf);
	ck_assert_mem_eq(buf, open_bytes, next.open_len);
}

static void
change(void)
{
	switch (dice_roll(&dice, 16)) {
	case 0:
		do_finish(true);
		break;
	case 1:
	case 2:
	case 3:
		do_finish(false);
		break;
	case 4:
	case 5:
		do_open();
		break;
	case 6:
		if (next.j.notes < 3)
			model_note();
		break;
	case 7:
	case 8:
	case 9:
	case 10:
		do_add();
		break;
	default:
		do_put();
	}
	check_open();
}

/* --- sending ------------------------------------------------------------ */

static uint64_t
place(void)
{
	return cursor.wire + cursor.sent;
}

/* What is gathered is what should come next; returns its length. */
static size_t
check_gather(struct journal_cursor *ret_end)
{
	struct iovec iov[IOV_MAX_ROLLED];
	char scratch[JOURNAL_SCRATCH];
	uint64_t at = place();
	int cap = 1 + (int)dice_roll(&dice, IOV_MAX_ROLLED), i, n;

	n = journal_gather(
	    &arena, &now.j, &form, &cursor, iov, cap, scratch, ret_end);
	ck_assert_int_ge(n, 0);
	ck_assert_int_le(n, cap);
	for (i = 0; i < n; i++) {
		ck_assert_uint_gt(iov[i].iov_len, 0);
		ck_assert_uint_le(at + iov[i].iov_len, now.wire_len);
		ck_assert_mem_eq(wire + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	ck_assert(n > 0 || at == now.wire_len);
	ck_assert_uint_eq(ret_end->wire + ret_end->sent, at);
	return (size_t)(at - place());
}

static void
do_send(void)
{
	struct journal_cursor end, read = cursor;
	size_t len = check_gather(&end);
	uint64_t want;

	if (dice_roll(&dice, 2) == 0)
		len = dice_roll(&dice, (uint32_t)len + 1);
	want = place() + len;
	ck_assert_int_eq(
	    journal_sent(&arena, &now.j, &form, &cursor, &end, len), 0);
	ck_assert_int_eq(journal_advance(&arena, &now.j, &form, &read, len), 0);
	ck_assert_mem_eq(&cursor, &read, sizeof(cursor));
	ck_assert_uint_eq(place(), want);
	/* Records without bytes are passed as well. */
	ck_assert(journal_all_sent(&now.j, &cursor) ==
		  (cursor.seq == now.j.next_seq));
	if (place() >= now.wire_len - now.notes_len)
		ck_assert(journal_all_sent(&now.j, &cursor));
}

/* From a count of bytes alone, the cursor comes to the same place. */
static void
do_reinit(void)
{
	struct journal_cursor fresh;
	uint64_t all = now.wire_len - base;

	journal_cursor_init(&fresh, &arena, &now.j, base);
	ck_assert_int_eq(
	    journal_advance(&arena, &now.j, &form, &fresh, place() - base), 0);
	/* A cursor that was not moved since may lag behind empty records. */
	ck_assert_int_eq(journal_advance(&arena, &now.j, &form, &cursor, 0), 0);
	ck_assert_uint_eq(fresh.wire + fresh.sent, place());
	ck_assert_uint_eq(fresh.wire, cursor.wire);
	ck_assert_uint_eq(fresh.seq, cursor.seq);
	ck_assert_uint_eq(
	    journal_unsent(&now.j, &fresh), journal_unsent(&now.j, &cursor));
	cursor = fresh;
	/* One byte more than there is can't have been sent. */
	journal_cursor_init(&fresh, &arena, &now.j, base);
	ck_assert_int_eq(
	    journal_advance(&arena, &now.j, &form, &fresh, all + 1), -EBADMSG);
}

static void
do_drop(void)
{
	uint64_t unsent = journal_unsent(&next.j, &cursor);

	journal_drop(&arena, &next.j, &cursor);
	base = cursor.wire;
	ck_assert_uint_eq(journal_unsent(&next.j, &cursor), unsent);
	ck_assert_uint_eq(next.j.kept, unsent);
	if (journal_all_sent(&next.j, &cursor) && !next.is_open)
		ck_assert(chain_is_empty(&next.j.chain));
}

/* --- commits and deaths ------------------------------------------------- */

static void
commit(void)
{
	now = next;
	arena_settle(&arena);
	ck_assert_uint_eq(
	    arena_used(&arena), arena_reach(&arena, &now.j.chain));
	ck_assert_int_eq(journal_verify(&arena, &now.j), 0);
}

/* Nothing since the last commit has happened, and another goes on. */
static void
die(uint64_t sent)
{
	const struct chain *chain = &now.j.chain;

	arena_succeed(&arena, &chain, 1);
	ck_assert_uint_eq(
	    arena_used(&arena), arena_reach(&arena, &now.j.chain));
	ck_assert_int_eq(journal_verify(&arena, &now.j), 0);
	journal_cursor_init(&cursor, &arena, &now.j, base);
	ck_assert_int_eq(
	    journal_advance(&arena, &now.j, &form, &cursor, sent - base), 0);
	next = now;
}

/* A change of a few steps that is committed, or is not. */
static void
do_change(void)
{
	static char kept_open[sizeof(open_bytes)];
	uint32_t turns = 1 + dice_roll(&dice, 4);
	uint64_t old_base = base, sent = place();

	memcpy(kept_open, open_bytes, now.open_len);
	next = now;
	while (turns-- > 0)
		change();
	if (dice_roll(&dice, 4) == 0)
		do_drop();
	if (dice_roll(&dice, 4) != 0) {
		commit();
		return;
	}
	base = old_base;
	memcpy(open_bytes, kept_open, now.open_len);
	die(sent);
}

START_TEST(a_journal_puts_the_same_bytes_on_the_wire)
{
	struct journal_cursor end;
	int step;

	dice_init(&dice, (unsigned)_i);
	form.framing = _i % 2 == 0 ? HTTP_FRAMING_CHUNKED : HTTP_FRAMING_LENGTH;
	wire = malloc(WIRE_MAX);
	ck_assert_ptr_nonnull(wire);
	memset(&now, 0, sizeof(now));
	base = 0;
	journal_cursor_init(&cursor, &arena, &now.j, base);
	for (step = 0; step < STEPS; step++) {
		do_change();
		(void)check_gather(&end);
		switch (dice_roll(&dice, 4)) {
		case 0:
			do_reinit();
			break;
		case 1:
			break;
		default:
			do_send();
		}
	}
	ck_assert_uint_gt(now.wire_len, (size_t)STEPS * 100);
	journal_clear(&arena, &now.j);
	arena_settle(&arena);
	claim_flush(&arena.claim);
	ck_assert_uint_eq(arena_claimed(&arena), 0);
	free(wire);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("journal");
	TCase *tc = tcase_create("journal");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_chain_is_a_queue, 0, 6);
	tcase_add_test(tc, blocks_come_back_in_their_order);
	tcase_add_test(tc, what_was_let_go_stays_until_it_is_settled);
	tcase_add_loop_test(
	    tc, a_journal_puts_the_same_bytes_on_the_wire, 0, 20);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
