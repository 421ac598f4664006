/*
 * test_sse.c - the event-stream grammar (WHATWG HTML 9.2.5, 9.2.6), for
 * streams that are cut anywhere.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/sc.h"
#include "tests/unit/sse_run.h"
#include "tests/unit/unit.h"

#define BOM "\xEF\xBB\xBF"

/* An input, what is to be told (sse_run.h), and the last safe place. */
struct row {
	const char *input;
	size_t len;
	const char *want;
	size_t want_len;
	size_t safe; /* all of the input, unless noted */
};

/* clang-format off */
#define STREAM(in, out) \
	{ in, sizeof(in) - 1, out, sizeof(out) - 1, sizeof(in) - 1 }
#define STREAM_SAFE(in, out, place) \
	{ in, sizeof(in) - 1, out, sizeof(out) - 1, place }

static const struct row rows[] = {
	/* the ordinary ones */
	STREAM("", ""),
	STREAM("data: x\n\n", "D:x$[d]"),
	STREAM("id: 7\nevent: message\ndata: {\"a\":1}\n\n",
	    "I:7$E:message$D:{\"a\":1}$[die]"),
	STREAM("data: a\ndata: b\n\ndata: c\n\n", "D:a$+D:b$[d]D:c$[d]"),
	STREAM("id: 1\ndata: \n\n", "I:1$D:$[di]"),
	STREAM("data: 0123456789012345678901234567890123456789012345678901234"
	    "5678901234567890123456789012345678901234567890123456789\n\n",
	    "D:0123456789012345678901234567890123456789012345678901234"
	    "5678901234567890123456789012345678901234567890123456789$[d]"),

	/* bytes that are not UTF-8 stay as they are */
	STREAM("data: \xff\xfe\x80\n\n", "D:\xff\xfe\x80$[d]"),
	STREAM("data: a\0b\n\n", "D:a\0b$[d]"),

	/* one byte order mark, at the start only */
	STREAM(BOM "data: x\n\n", "BD:x$[d]"),
	STREAM(BOM BOM "data: x\n\ndata: y\n\n", "B[o]D:y$[d]"),
	STREAM("data: x\n\n" BOM "data: y\n\n", "D:x$[d][o]"),
	STREAM("\xEF\xBB" "data: x\n\n", "[o]"),
	STREAM("\xEF" "data: x\n\n", "[o]"),
	STREAM("\xEF\xBB\n\n", "[o]"),
	STREAM("\xBB\xBF" "data: x\n\n", "[o]"),
	STREAM(BOM, "B"),
	STREAM(BOM "\n", "B"),
	STREAM_SAFE("\xEF\xBB", "", 0),

	/* line ends: LF, CR, CRLF, mixed */
	STREAM("data:test\r\ndata\ndata:test\r\n\r",
	    "D:test$+D:$+D:test$[d]"),
	STREAM("data: x\r\n\r\n", "D:x$[d]"),
	STREAM("data: x\r\r", "D:x$[d]"),
	STREAM("data: x\n\r", "D:x$[d]"),
	STREAM("data: x\n\r\n", "D:x$[d]"),
	STREAM("data: x\r\n\n", "D:x$[d]"),
	STREAM("data: x\r\n\rdata: y\r\r\n", "D:x$[d]D:y$[d]"),
	STREAM("data: x\r\n\r\n\r\n\n\r\rdata: y\n\n", "D:x$[d]D:y$[d]"),
	STREAM_SAFE("data: x\r\n", "D:x$", 0),
	STREAM_SAFE("data: x\r", "D:x$", 0),
	STREAM_SAFE("data: x\r\n\rd", "D:x$[d]", 10),
	STREAM_SAFE("data: x\r\n\r\nd", "D:x$[d]", 11),
	STREAM("\r\n\r\n", ""),
	STREAM("\n", ""),
	STREAM("\r", ""),

	/* comments */
	STREAM(":\n", "C"),
	STREAM(": keepalive\n\n", "C[c]"),
	STREAM(":\0\n", "C"),
	STREAM(":a\r\n:b\n:c\r\r", "CCC[c]"),
	STREAM(":data: x\n\n", "C[c]"),
	STREAM(": a\ndata: x\n: b\n\n", "CD:x$[dc]"),
	STREAM_SAFE(": a\ndata: x\n", "CD:x$", 4),
	STREAM_SAFE("data: x\n: b\n", "D:x$", 0),
	STREAM_SAFE("data: x\n\n: b", "D:x$[d]", 9),

	/* one space is taken off the value, not a tab, not two */
	STREAM("data:x\n\n", "D:x$[d]"),
	STREAM("data:  x\n\n", "D: x$[d]"),
	STREAM("data:\tx\n\n", "D:\tx$[d]"),
	STREAM("data: \n\n", "D:$[d]"),
	STREAM("data: :x: y\n\n", "D::x: y$[d]"),

	/* a line without a colon is a name with an empty value */
	STREAM("data\n\n", "D:$[d]"),
	STREAM("data\ndata\n\n", "D:$+D:$[d]"),
	STREAM("data:\n\n", "D:$[d]"),
	STREAM("id\nevent\nretry\ndata\r\n\r\n", "I:$E:$D:$[dieo]"),

	/* names are exact */
	STREAM("Data: x\n\n", "[o]"),
	STREAM(" data: x\n\n", "[o]"),
	STREAM("data\0: x\n\n", "[o]"),
	STREAM("data : x\n\n", "[o]"),
	STREAM("da-ta: x\n\n", "[o]"),
	STREAM("data_5: x\n\n", "[o]"),
	STREAM("dat: x\n\n", "[o]"),
	STREAM("dat\ndatadata\n\n", "[o]"),
	STREAM("ID: x\nidd: y\ni: z\n\n", "[o]"),
	STREAM("events: x\neven: x\nretry2: 1\nret\n\n", "[o]"),
	STREAM("\0\n\n", "[o]"),
	STREAM_SAFE("other: x\n", "", 0),

	/* only a block without any data line is not dispatched as event */
	STREAM("id: 9\n\n", "I:9$[i]"),
	STREAM("event: x\n\ndata: y\n\n", "E:x$[e]D:y$[d]"),

	/* id: empty resets, NUL makes it void, the last one counts */
	STREAM("id:\ndata: x\n\n", "I:$D:x$[di]"),
	STREAM("id: \n\n", "I:$[i]"),
	STREAM("id: \xe2\x80\xa6\n\n", "I:\xe2\x80\xa6$[i]"),
	STREAM("id: a\nid: b\n\n", "I:a$I:b$[i]"),
	STREAM("id: a\0b\ndata: x\n\n", "I:a\0b!D:x$[do]"),
	STREAM("id: \0\n\n", "I:\0![o]"),
	STREAM("id:\0a\n\n", "I:\0a![o]"),
	STREAM("id: a\0\n\n", "I:a\0![o]"),
	STREAM("id: a\0\nid: b\n\n", "I:a\0!I:b$[io]"),
	STREAM_SAFE("data: x\n\nid: 2\n", "D:x$[d]I:2$", 9),

	/* retry: digits, at the end of its line; held at the largest */
	STREAM("retry: 1000\n\n", "R1000[r]"),
	STREAM("retry:3000\nretry:1000x\ndata:x\n\n", "R3000D:x$[dro]"),
	STREAM("retry: 0\n\n", "R0[r]"),
	STREAM("retry: 007\n\n", "R7[r]"),
	STREAM("retry\n\n", "[o]"),
	STREAM("retry:\n\n", "[o]"),
	STREAM("retry: \n\n", "[o]"),
	STREAM("retry:  1\n\n", "[o]"),
	STREAM("retry: 1 \n\n", "[o]"),
	STREAM("retry: +1\n\n", "[o]"),
	STREAM("retry: -1\n\n", "[o]"),
	STREAM("retry: 1.5\n\n", "[o]"),
	STREAM("retry: 1\0\n\n", "[o]"),
	STREAM("retry: 0x10\n\n", "[o]"),
	STREAM("retry: 4294967295\n\n", "R4294967295[r]"),
	STREAM("retry: 4294967296\n\n", "R4294967295[r]"),
	STREAM("retry: 42949672950\n\n", "R4294967295[r]"),
	STREAM("retry: 99999999999999999999999999\r\r", "R4294967295[r]"),
	STREAM_SAFE("retry: 5\n", "R5", 0),

	/* event: an empty one is told, and stands for "message" */
	STREAM("event: \ndata: x\n\n", "E:$D:x$[de]"),
	STREAM("event: endpoint\ndata: /message?a=b\n\n",
	    "E:endpoint$D:/message?a=b$[de]"),

	/* the end of the stream discards what no blank line has ended */
	STREAM_SAFE("data: x\n\ndata: y", "D:x$[d]D:y", 9),
	STREAM_SAFE("data: x\n\ndata: y\n", "D:x$[d]D:y$", 9),
	STREAM_SAFE("data", "", 0),
	STREAM_SAFE("data:", "", 0),
	STREAM_SAFE("retry: 12", "", 0),
};
/* clang-format on */

static void
check_run(struct sse_run *run, const struct row *row, const struct sse *whole)
{
	sse_run_end(run);
	ck_assert_uint_eq(run->text_len, row->want_len);
	ck_assert_mem_eq(run->text, row->want, row->want_len);
	ck_assert_uint_eq(run->safe, row->safe);
	ck_assert(sse_is_valid(&run->parser));
	if (whole != NULL)
		ck_assert_mem_eq(&run->parser, whole, sizeof(*whole));
	sse_run_free(run);
}

START_TEST(every_cut_tells_the_same)
{
	const struct row *row = &rows[_i];
	struct sse_run run;
	struct sse whole;
	size_t cut;

	sse_run_begin(&run);
	sse_run_feed(&run, row->input, row->len);
	whole = run.parser;
	check_run(&run, row, NULL);
	for (cut = 0; cut <= row->len; cut++) {
		sse_run_begin(&run);
		sse_run_feed(&run, row->input, cut);
		sse_run_feed(&run, row->input + cut, row->len - cut);
		check_run(&run, row, &whole);
	}
	sse_run_begin(&run);
	for (cut = 0; cut < row->len; cut++)
		sse_run_feed(&run, row->input + cut, 1);
	check_run(&run, row, &whole);
}
END_TEST

/* Feed a piece to both; they have to agree on the place and the state. */
static void
feed_both(struct sse *fast, struct sse_run *run, const char *buf, size_t len)
{
	size_t before = run->safe, from = run->pos, safe;
	uint32_t events, events_before = run->events;

	safe = sse_boundary(fast, buf, len, &events);
	sse_run_feed(run, buf, len);
	if (run->safe > from)
		ck_assert_uint_eq(from + safe, run->safe);
	else
		ck_assert_uint_eq(safe, 0);
	ck_assert_uint_ge(run->safe, before);
	ck_assert_uint_eq(run->events, events_before + events);
	ck_assert_mem_eq(fast, &run->parser, sizeof(*fast));
}

START_TEST(boundary_agrees_with_next)
{
	const struct row *row = &rows[_i];
	struct sse_run run;
	struct sse fast;
	size_t cut;

	for (cut = 0; cut <= row->len; cut++) {
		sse_init(&fast);
		sse_run_begin(&run);
		feed_both(&fast, &run, row->input, cut);
		feed_both(&fast, &run, row->input + cut, row->len - cut);
		check_run(&run, row, &fast);
	}
	sse_init(&fast);
	sse_run_begin(&run);
	for (cut = 0; cut < row->len; cut++)
		feed_both(&fast, &run, row->input + cut, 1);
	check_run(&run, row, &fast);
}
END_TEST

static struct sse
state_after(const char *text)
{
	struct sse s;
	uint32_t events;

	sse_init(&s);
	(void)sse_boundary(&s, text, strlen(text), &events);
	return s;
}

START_TEST(places_are_known)
{
	struct sse s;

	sse_init(&s);
	ck_assert(sse_is_at_start(&s));
	ck_assert(sse_is_between(&s));
	s = state_after("\xEF\xBB");
	ck_assert(sse_is_at_start(&s));
	ck_assert(!sse_is_between(&s));
	s = state_after(BOM);
	ck_assert(!sse_is_at_start(&s));
	ck_assert(sse_is_between(&s));
	s = state_after("data: x\n\n");
	ck_assert(!sse_is_at_start(&s));
	ck_assert(sse_is_between(&s));
	s = state_after("data: x\n\n: c\n");
	ck_assert(sse_is_between(&s));
	s = state_after("data: x\n\n: c");
	ck_assert(!sse_is_between(&s));
	s = state_after("data: x\n");
	ck_assert(!sse_is_between(&s));
}
END_TEST

START_TEST(blank_says_what_stands_ahead_of_a_block)
{
	static const char rest[] = "\ndata: y\n\n";
	struct sse s = state_after("data: x\r\n\r");
	struct sse_step step;

	/* the LF of a CRLF that was cut is no part of the next block */
	ck_assert_uint_eq(sse_next(&s, rest, 10, &step), 1);
	ck_assert_int_eq(step.token, SSE_BLANK);
	/* and without the cut it is part of the block before */
	sse_init(&s);
	ck_assert_uint_eq(sse_next(&s, ":\r\n", 3, &step), 3);
	ck_assert_int_eq(step.token, SSE_COMMENT);
	ck_assert_uint_eq(sse_next(&s, "\r\n", 2, &step), 2);
	ck_assert_int_eq(step.token, SSE_DISPATCH);
	ck_assert_uint_eq(step.block, SSE_HAS_COMMENT);
	ck_assert_uint_eq(sse_next(&s, "\n\n", 2, &step), 1);
	ck_assert_int_eq(step.token, SSE_BLANK);
	/* in the middle of a block it is nothing to tell */
	s = state_after("data: x\r");
	ck_assert_uint_eq(sse_next(&s, "\n", 1, &step), 1);
	ck_assert_int_eq(step.token, SSE_MORE);
	ck_assert_uint_eq(step.block, SSE_HAS_DATA);
}
END_TEST

START_TEST(large_values_pass_in_one_piece)
{
	size_t len = 1 << 20;
	char *buf = malloc(len);
	struct sse_step step;
	struct sse s;
	uint32_t events;

	ck_assert_ptr_nonnull(buf);
	memset(buf, 'x', len);
	sse_init(&s);
	ck_assert_uint_eq(sse_next(&s, "data: ", 6, &step), 6);
	ck_assert_int_eq(step.token, SSE_MORE);
	ck_assert_uint_eq(sse_next(&s, buf, len, &step), len);
	ck_assert_int_eq(step.token, SSE_DATA);
	ck_assert_uint_eq(step.piece, SSE_FIRST);
	ck_assert_ptr_eq(step.text, buf);
	ck_assert_uint_eq(step.len, len);
	ck_assert_uint_eq(sse_boundary(&s, buf, len, &events), 0);
	ck_assert_uint_eq(events, 0);
	ck_assert_uint_eq(sse_boundary(&s, "\n\n", 2, &events), 2);
	ck_assert_uint_eq(events, 1);
	free(buf);
}
END_TEST

/*
 * Bytes of another process: any state has to be survived, and leave a
 * state behind that survives.
 */
START_TEST(any_state_is_survived)
{
	static const char text[] = BOM "id: a\0b\r\nretry: 12\revent\n: c\n"
				       "data: 0123456789\n\n\r\n\ndata: x";
	unsigned char bytes[sizeof(struct sse)];
	struct sse_run run;
	struct sse fast;
	unsigned i, k, valid = 0;
	uint32_t events;

	srand(1);
	for (i = 0; i < 200000; i++) {
		for (k = 0; k < sizeof(bytes); k++)
			bytes[k] = (unsigned char)(rand() & 0x8f);
		/* most of them only a little beside the truth */
		bytes[0] = (unsigned char)(i % 11);
		if (i % 2) {
			bytes[1] %= 5;
			bytes[2] %= 6;
			memset(bytes + 4, 0, sizeof(bytes) - 4);
			bytes[3] &= i % 3 ? 0 : 0x1f;
		}
		sse_run_begin(&run);
		memcpy(&run.parser, bytes, sizeof(bytes));
		memcpy(&fast, bytes, sizeof(bytes));
		valid += sse_is_valid(&fast);
		sse_run_feed(&run, text, sizeof(text) - 1);
		sse_run_end(&run);
		sse_run_free(&run);
		ck_assert_uint_le(
		    sse_boundary(&fast, text, sizeof(text) - 1, &events),
		    sizeof(text) - 1);
	}
	ck_assert_uint_gt(valid, 0);
	ck_assert_uint_lt(valid, 200000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sse");
	TCase *tc = tcase_create("sse");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_cut_tells_the_same, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, boundary_agrees_with_next, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, places_are_known);
	tcase_add_test(tc, blank_says_what_stands_ahead_of_a_block);
	tcase_add_test(tc, large_values_pass_in_one_piece);
	tcase_add_test(tc, any_state_is_survived);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
