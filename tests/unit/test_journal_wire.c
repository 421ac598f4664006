/*
 * test_journal_wire.c - what a journal that is kept looks like to clients
 * that come and go: ids of our own, replays, what is trimmed, and where in
 * it a count of bytes leads.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "common/journal_wire.h"
#include "tests/unit/arena_rig.h"
#include "tests/unit/unit.h"

#define BLOCKS 64u
#define SELF 0x101u
#define TOKEN "0123456789abcdefghijkl"
#define NOTE ": keepalive\n\n"
#define ID_AT(seq) "id: sc1." TOKEN "." seq "\n"
#define BUF_CAP (BLOCKS * 2 * SHM_BLOCK_SIZE)

static struct shm shm;
static struct arena arena;
static struct dice dice;
static struct journal j;
static char wire[BUF_CAP];

static void
setup(void)
{
	const struct shm_sizes sizes = { 1, 1, 1, 1, BLOCKS };

	ck_assert_int_eq(shm_create(&sizes, &shm), 0);
	arena_init(&arena, &shm, SELF);
	memset(&j, 0, sizeof(j));
	j.next_seq = 1;
}

static void
teardown(void)
{
	shm_fini(&shm);
}

static void
put(enum journal_type type, unsigned flags, const char *bytes, size_t len)
{
	ck_assert_int_eq(journal_open(&arena, &j), 0);
	ck_assert_int_eq(journal_add(&arena, &j, bytes, len), 0);
	journal_finish(&arena, &j, type, flags, 0);
}

static void
put_text(enum journal_type type, unsigned flags, const char *text)
{
	put(type, flags, text, strlen(text));
}

/* All from the cursor on, in pieces of at most `cap`. */
static size_t
gather(struct journal_cursor cur, const struct journal_wire *form, int cap)
{
	struct iovec iov[8];
	char scratch[JOURNAL_SCRATCH];
	struct journal_cursor end;
	size_t len = 0, was;
	int i, n;

	while ((n = journal_gather(
		    &arena, &j, form, &cur, iov, cap, scratch, &end)) > 0) {
		was = len;
		for (i = 0; i < n; i++) {
			ck_assert_uint_lt(len + iov[i].iov_len, BUF_CAP);
			memcpy(wire + len, iov[i].iov_base, iov[i].iov_len);
			len += iov[i].iov_len;
		}
		ck_assert_int_eq(
		    journal_sent(&arena, &j, form, &cur, &end, len - was), 0);
	}
	ck_assert_int_eq(n, 0);
	wire[len] = '\0';
	return len;
}

static size_t
gather_all(const struct journal_wire *form)
{
	struct journal_cursor cur;
	size_t len;

	journal_cursor_init(&cur, &arena, &j, 0);
	len = gather(cur, form, 8);
	ck_assert_uint_eq(gather(cur, form, 1), len);
	return len;
}

/* A head, priming, an event of each kind, a note, the end. */
static void
put_stream(void)
{
	put_text(JOURNAL_HEAD, 0, "head\r\n\r\n"); /* 1 */
	put_text(
	    JOURNAL_BODY, JOURNAL_MINT | JOURNAL_ONCE, "data: \n\n"); /* 2 */
	put_text(JOURNAL_BODY, JOURNAL_MINT, "data: a\n\n");          /* 3 */
	j.notes = 1;
	put_text(JOURNAL_BODY, JOURNAL_HAS_ID, "id: 7\ndata: b\n\n"); /* 4 */
	put_text(JOURNAL_BODY, JOURNAL_ONCE, ": hello\n\n");          /* 5 */
	put_text(JOURNAL_SKIP, 0, "half");                            /* 6 */
	put_text(JOURNAL_BODY, JOURNAL_MINT, "data: c\n\n");          /* 7 */
	put_text(JOURNAL_END, 0, "");                                 /* 8 */
}

/* clang-format off */
static const struct form_row {
	struct journal_wire form;
	const char *wire;
} form_rows[] = {
	{ { HTTP_FRAMING_CLOSE, TOKEN, 0 },
	    "head\r\n\r\n" ID_AT("2") "data: \n\n" ID_AT("3") "data: a\n\n"
	    NOTE "id: 7\ndata: b\n\n: hello\n\n" ID_AT("7") "data: c\n\n" },
	{ { HTTP_FRAMING_CHUNKED, TOKEN, 0 },
	    "head\r\n\r\n29\r\n" ID_AT("2") "data: \n\n\r\n"
	    "2a\r\n" ID_AT("3") "data: a\n\n\r\n" "d\r\n" NOTE "\r\n"
	    "f\r\nid: 7\ndata: b\n\n\r\n" "9\r\n: hello\n\n\r\n"
	    "2a\r\n" ID_AT("7") "data: c\n\n\r\n0\r\n\r\n" },
	/* Without a token there are no ids of ours. */
	{ { HTTP_FRAMING_CHUNKED, NULL, 0 },
	    "head\r\n\r\n8\r\ndata: \n\n\r\n9\r\ndata: a\n\n\r\n"
	    "d\r\n" NOTE "\r\nf\r\nid: 7\ndata: b\n\n\r\n"
	    "9\r\n: hello\n\n\r\n9\r\ndata: c\n\n\r\n0\r\n\r\n" },
	/* To one that returned: no head, no priming, no notes. */
	{ { HTTP_FRAMING_CLOSE, TOKEN, 9 },
	    ID_AT("3") "data: a\n\nid: 7\ndata: b\n\n"
	    ID_AT("7") "data: c\n\n" },
	{ { HTTP_FRAMING_CHUNKED, TOKEN, 9 },
	    "2a\r\n" ID_AT("3") "data: a\n\n\r\nf\r\nid: 7\ndata: b\n\n\r\n"
	    "2a\r\n" ID_AT("7") "data: c\n\n\r\n0\r\n\r\n" },
	/* One that returned after record 4 has the note before it behind it,
	   and hears what is said since. */
	{ { HTTP_FRAMING_CLOSE, TOKEN, 5 },
	    ID_AT("3") "data: a\n\nid: 7\ndata: b\n\n: hello\n\n"
	    ID_AT("7") "data: c\n\n" },
	{ { HTTP_FRAMING_CLOSE, TOKEN, 4 },
	    ID_AT("3") "data: a\n\n" NOTE "id: 7\ndata: b\n\n: hello\n\n"
	    ID_AT("7") "data: c\n\n" },
	{ { HTTP_FRAMING_CLOSE, TOKEN, 1 },
	    "head\r\n\r\n" ID_AT("2") "data: \n\n" ID_AT("3") "data: a\n\n"
	    NOTE "id: 7\ndata: b\n\n: hello\n\n" ID_AT("7") "data: c\n\n" },
};
/* clang-format on */

START_TEST(records_look_as_their_client_needs_them)
{
	const struct form_row *row = &form_rows[_i];

	put_stream();
	(void)gather_all(&row->form);
	ck_assert_str_eq(wire, row->wire);
	ck_assert_uint_eq(
	    journal_wire_len(&arena, &j, &row->form), strlen(row->wire));
	ck_assert_int_eq(journal_verify(&arena, &j), 0);
}
END_TEST

/* From every byte on the rest is the same: partial writes, and deaths. */
START_TEST(every_count_of_bytes_leads_to_its_place)
{
	const struct form_row *row = &form_rows[_i];
	const uint64_t start = 1000;
	size_t len = strlen(row->wire), sent;
	struct journal_cursor cur, first;

	put_stream();
	journal_cursor_init(&first, &arena, &j, start);
	for (sent = 0; sent <= len; sent++) {
		ck_assert_int_eq(journal_cursor_find(&cur, &arena, &j,
				     &row->form, 1, start, start + sent),
		    0);
		ck_assert_uint_eq(cur.wire + cur.sent, start + sent);
		(void)gather(cur, &row->form, 1 + (int)(sent % 8));
		ck_assert_str_eq(wire, row->wire + sent);
		ck_assert(journal_all_sent(&j, &cur) == (sent == len));
		ck_assert_int_eq(
		    journal_advance(&arena, &j, &row->form, &first, sent > 0),
		    0);
		ck_assert_uint_eq(first.seq, cur.seq);
		ck_assert_uint_eq(first.sent, cur.sent);
		ck_assert_uint_eq(
		    journal_unsent(&j, &first), journal_unsent(&j, &cur));
	}
	ck_assert_int_eq(journal_cursor_find(&cur, &arena, &j, &row->form, 1,
			     start, start + len + 1),
	    -EBADMSG);
	ck_assert_int_eq(journal_cursor_find(
			     &cur, &arena, &j, &row->form, 1, start, start - 1),
	    -EBADMSG);
}
END_TEST

/* From a mark on it is the same as from the beginning. */
START_TEST(every_mark_leads_to_the_same_place)
{
	const struct form_row *row = &form_rows[_i];
	const uint64_t start = 1000;
	size_t len = strlen(row->wire), sent, marked;
	struct journal_cursor cur, there;
	struct journal_mark mark;

	put_stream();
	for (sent = 0; sent <= len; sent++) {
		marked = sent * 7 / 10;
		ck_assert_int_eq(journal_cursor_find(&cur, &arena, &j,
				     &row->form, 1, start, start + marked),
		    0);
		mark = journal_mark(&cur);
		ck_assert_int_eq(
		    journal_cursor_resume(&there, &arena, &j, &mark), 0);
		ck_assert_int_eq(journal_advance(&arena, &j, &row->form, &there,
				     start + sent - mark.wire),
		    0);
		ck_assert_int_eq(journal_verify_rest(&arena, &j, &there), 0);
		(void)gather(there, &row->form, 8);
		ck_assert_str_eq(wire, row->wire + sent);
		ck_assert_int_eq(journal_advance(&arena, &j, &row->form, &cur,
				     sent - marked),
		    0);
		ck_assert_uint_eq(
		    journal_unsent(&j, &there), journal_unsent(&j, &cur));
	}
}
END_TEST

/* A mark that leads to no record of that number is refused. */
START_TEST(a_wrong_mark_leads_nowhere)
{
	const struct journal_wire form = { HTTP_FRAMING_CLOSE, TOKEN, 9 };
	struct journal_mark mark, wrong;
	struct journal_cursor cur;

	put_stream();
	ck_assert_int_eq(
	    journal_cursor_find(&cur, &arena, &j, &form, 1, 0, 40), 0);
	mark = journal_mark(&cur);
	ck_assert_int_eq(journal_cursor_resume(&cur, &arena, &j, &mark), 0);
	wrong = mark;
	wrong.seq = 0;
	ck_assert_int_ne(journal_cursor_resume(&cur, &arena, &j, &wrong), 0);
	wrong.seq = mark.seq + 1;
	ck_assert_int_ne(journal_cursor_resume(&cur, &arena, &j, &wrong), 0);
	wrong.seq = j.next_seq + 1;
	ck_assert_int_ne(journal_cursor_resume(&cur, &arena, &j, &wrong), 0);
	/* Behind the last record nothing is read; but the chain ends there. */
	wrong.seq = j.next_seq;
	ck_assert_int_eq(journal_cursor_resume(&cur, &arena, &j, &wrong), 0);
	ck_assert_int_ne(journal_verify_rest(&arena, &j, &cur), 0);
	wrong = mark;
	wrong.off = UINT32_MAX;
	ck_assert_int_ne(journal_cursor_resume(&cur, &arena, &j, &wrong), 0);
	wrong = mark;
	wrong.ref = UINT32_MAX;
	ck_assert_int_ne(journal_cursor_resume(&cur, &arena, &j, &wrong), 0);
}
END_TEST

START_TEST(notes_that_nothing_follows_are_sent)
{
	const struct journal_wire form = { HTTP_FRAMING_CHUNKED, TOKEN, 2 };
	struct journal_cursor cur;

	put_text(JOURNAL_BODY, JOURNAL_MINT, "data: a\n\n");
	j.notes = 1;
	ck_assert_int_eq(journal_cursor_seek(&cur, &arena, &j, 2, 500), 0);
	ck_assert(journal_all_sent(&j, &cur));
	ck_assert_uint_eq(gather(cur, &form, 8), 18);
	ck_assert_str_eq(wire, "d\r\n" NOTE "\r\n");
	ck_assert_int_eq(
	    journal_cursor_find(&cur, &arena, &j, &form, 2, 500, 518), 0);
	ck_assert_int_eq(
	    journal_cursor_find(&cur, &arena, &j, &form, 2, 500, 519),
	    -EBADMSG);
}
END_TEST

START_TEST(a_cursor_is_set_to_a_record)
{
	const struct journal_wire form = { HTTP_FRAMING_CLOSE, TOKEN, 9 };
	struct journal_cursor cur;

	put_stream();
	for (uint64_t seq = 0; seq <= 12; seq++) {
		ck_assert_int_eq(
		    journal_cursor_seek(&cur, &arena, &j, seq, 77), 0);
		ck_assert_uint_eq(cur.seq, seq < 1 ? 1 : MIN(seq, 9));
		ck_assert_uint_eq(cur.wire, 77);
		ck_assert_uint_eq(cur.sent, 0);
	}
	ck_assert_int_eq(journal_cursor_seek(&cur, &arena, &j, 5, 77), 0);
	(void)gather(cur, &form, 8);
	ck_assert_str_eq(wire, ID_AT("7") "data: c\n\n");
	/* A record that is not there any more is no place for a count. */
	(void)journal_trim(&arena, &j, NULL, JOURNAL_NONE, 10);
	ck_assert_uint_gt(journal_first_seq(&arena, &j), 3);
	ck_assert_int_eq(
	    journal_cursor_find(&cur, &arena, &j, &form, 3, 77, 78), -EBADMSG);
	ck_assert_int_eq(
	    journal_cursor_find(&cur, &arena, &j, &form, 3, 77, 77), 0);
	ck_assert_uint_eq(cur.seq, journal_first_seq(&arena, &j));
}
END_TEST

/* --- what is kept ------------------------------------------------------- */

struct seen {
	uint64_t seq, until, payload;
};

static bool
see(void *context, const struct journal_view *view)
{
	struct seen *seen = context;
	struct journal_view at = *view;
	uint32_t left = at.record.len, len, sum = 0;

	if (seen->seq != 0)
		ck_assert_uint_eq(view->record.seq, seen->seq + 1);
	seen->seq = view->record.seq;
	while (journal_piece(&at, &left, &len) != NULL)
		sum += len;
	ck_assert_uint_eq(sum, view->record.len);
	seen->payload += sum;
	return seen->seq != seen->until;
}

START_TEST(each_record_is_visited_in_order)
{
	struct seen seen;

	put_stream();
	ck_assert_int_eq(journal_open(&arena, &j), 0);
	ck_assert_int_eq(journal_add(&arena, &j, "open", 4), 0);
	for (uint64_t from = 0; from <= 9; from++) {
		for (uint64_t until = MAX(from, 1); until <= 9; until++) {
			memset(&seen, 0, sizeof(seen));
			seen.until = until;
			ck_assert_int_eq(
			    journal_each(&arena, &j, from, see, &seen), 0);
			ck_assert_uint_eq(
			    seen.seq, from > 8 ? 0 : MIN(until, 8));
		}
	}
	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(journal_each(&arena, &j, 0, see, &seen), 0);
	ck_assert_uint_eq(seen.payload, j.kept);
}
END_TEST

/* The bytes from record `seq` on, as a client that returns gets them. */
static size_t
replay(uint64_t seq, const struct journal_wire *form)
{
	struct journal_cursor cur;

	ck_assert_int_eq(journal_cursor_seek(&cur, &arena, &j, seq, 0), 0);
	return gather(cur, form, 8);
}

static void
check_trimmed(struct journal_cursor *cur, uint64_t limit, uint64_t was_first)
{
	struct seen seen = { 0 };
	uint64_t first, dropped;

	dropped = journal_trim(&arena, &j, cur, JOURNAL_NONE, limit);
	arena_settle(&arena);
	first = journal_first_seq(&arena, &j);
	ck_assert_uint_eq(first, was_first + dropped);
	ck_assert_uint_lt(first, j.next_seq);
	ck_assert(cur == NULL || first <= cur->seq);
	ck_assert(j.kept <= limit || first + 1 == j.next_seq ||
		  (cur != NULL && first == cur->seq));
	ck_assert_int_eq(journal_verify(&arena, &j), 0);
	ck_assert_int_eq(journal_each(&arena, &j, 0, see, &seen), 0);
	ck_assert_uint_eq(seen.payload, j.kept);
	ck_assert_uint_eq(arena_used(&arena), arena_reach(&arena, &j.chain));
}

/* Whatever is dropped, what is left reads as before. */
START_TEST(trimming_leaves_the_rest)
{
	const struct journal_wire form = { HTTP_FRAMING_CHUNKED, TOKEN, 1 };
	static char before[BUF_CAP], bytes[4 * SHM_BLOCK_SIZE];
	struct journal_cursor cur;
	uint64_t first, limit, unsent;
	size_t len, size;

	dice_init(&dice, (unsigned)_i);
	journal_cursor_init(&cur, &arena, &j, 0);
	for (int round = 0; round < 300; round++) {
		size = dice_len(&dice);
		memset(bytes, 'a' + round % 26, size);
		put(dice_roll(&dice, 5) == 0 ? JOURNAL_SKIP : JOURNAL_BODY,
		    size > 0 ? JOURNAL_MINT : 0, bytes, size);
		if (dice_roll(&dice, 3) == 0)
			ck_assert_int_eq(journal_cursor_seek(&cur, &arena, &j,
					     cur.seq + dice_roll(&dice, 4), 0),
			    0);
		first = journal_first_seq(&arena, &j);
		len = replay(cur.seq, &form);
		memcpy(before, wire, len);
		unsent = journal_unsent(&j, &cur);
		limit = dice_roll(&dice, 20 * SHM_BLOCK_SIZE);
		check_trimmed(&cur, limit, first);
		ck_assert_uint_eq(replay(cur.seq, &form), len);
		ck_assert_mem_eq(wire, before, len);
		ck_assert_uint_eq(gather(cur, &form, 8), len);
		ck_assert_mem_eq(wire, before, len);
		ck_assert_uint_eq(journal_unsent(&j, &cur), unsent);
		if (j.kept > 30 * SHM_BLOCK_SIZE) {
			first = journal_first_seq(&arena, &j);
			check_trimmed(NULL, 4 * SHM_BLOCK_SIZE, first);
			journal_cursor_init(&cur, &arena, &j, 0);
		}
	}
}
END_TEST

START_TEST(the_newest_record_is_always_kept)
{
	put_stream();
	ck_assert_uint_eq(journal_trim(&arena, &j, NULL, JOURNAL_NONE, 0), 7);
	ck_assert_uint_eq(journal_first_seq(&arena, &j), 8);
	put_text(JOURNAL_BODY, 0, "data: d\n\n");
	ck_assert_uint_eq(journal_trim(&arena, &j, NULL, JOURNAL_NONE, 0), 1);
	ck_assert_uint_eq(journal_first_seq(&arena, &j), 9);
	ck_assert_uint_eq(j.kept, 9);
	ck_assert_uint_eq(journal_trim(&arena, &j, NULL, JOURNAL_NONE, 0), 0);
}
END_TEST

/* With what follows it within the limit; and then it goes as others do. */
START_TEST(a_spared_record_is_kept)
{
	put_stream();
	ck_assert_uint_eq(journal_trim(&arena, &j, NULL, 4, 20), 3);
	ck_assert_uint_eq(journal_first_seq(&arena, &j), 4);
	put_text(JOURNAL_BODY, 0, "data: 0123456789abcdef\n\n");
	ck_assert_uint_eq(journal_trim(&arena, &j, NULL, 4, 25), 4);
	ck_assert_uint_eq(journal_first_seq(&arena, &j), 8);
}
END_TEST

/* A wild store has taken the end of the token. */
START_TEST(a_token_without_an_end_is_cut)
{
	static const char token[] = TOKEN TOKEN TOKEN TOKEN TOKEN;
	const struct journal_wire form = { HTTP_FRAMING_CLOSE, token, 0 };

	put_text(JOURNAL_BODY, JOURNAL_MINT, "data: a\n\n");
	(void)gather_all(&form);
	ck_assert_str_eq(wire, ID_AT("1") "data: a\n\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("journal_wire");
	TCase *tc = tcase_create("journal_wire");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, records_look_as_their_client_needs_them, 0,
	    ARRAY_LEN(form_rows));
	tcase_add_loop_test(
	    tc, every_mark_leads_to_the_same_place, 0, ARRAY_LEN(form_rows));
	tcase_add_test(tc, a_wrong_mark_leads_nowhere);
	tcase_add_loop_test(tc, every_count_of_bytes_leads_to_its_place, 0,
	    ARRAY_LEN(form_rows));
	tcase_add_test(tc, notes_that_nothing_follows_are_sent);
	tcase_add_test(tc, a_cursor_is_set_to_a_record);
	tcase_add_test(tc, each_record_is_visited_in_order);
	tcase_add_loop_test(tc, trimming_leaves_the_rest, 0, 12);
	tcase_add_test(tc, the_newest_record_is_always_kept);
	tcase_add_test(tc, a_spared_record_is_kept);
	tcase_add_test(tc, a_token_without_an_end_is_cut);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
