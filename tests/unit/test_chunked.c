/*
 * test_chunked.c - bodies by rows, each of them cut at every place; what is
 * refused; and states that are garbage.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/chunked.h"
#include "tests/unit/unit.h"

#define OUT_MAX 8192

/* What came of a body. */
struct result {
	size_t taken;
	int error;
	bool done;
	size_t len;
	char out[OUT_MAX];
};

/* Feed one piece of the input; pieces of the body are appended. */
static void
feed(struct chunked *c, const char *in, size_t len, struct result *r)
{
	size_t at = 0;

	while (at < len && !chunked_done(c)) {
		const char *piece;
		size_t piece_len;
		ptrdiff_t n =
		    chunked_next(c, in + at, len - at, &piece, &piece_len);

		if (n < 0) {
			r->error = (int)n;
			return;
		}
		ck_assert_int_gt(n, 0);
		ck_assert_uint_le((size_t)n, len - at);
		ck_assert(piece >= in + at);
		ck_assert(piece + piece_len <= in + at + n);
		ck_assert_uint_le(r->len + piece_len, OUT_MAX);
		memcpy(r->out + r->len, piece, piece_len);
		r->len += piece_len;
		r->taken += (size_t)n;
		at += (size_t)n;
	}
}

/* The same in a copy of its exact size, for the memory checkers. */
static void
feed_copy(struct chunked *c, const char *in, size_t len, struct result *r)
{
	char *copy = malloc(len > 0 ? len : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, in, len);
	feed(c, copy, len, r);
	free(copy);
}

/* Cut in two at `cut`, the first part again in pieces of `step`. */
static struct result
run(enum chunked_kind kind, uint64_t length, const char *in, size_t len,
    size_t cut, size_t step)
{
	struct result r = { 0 };
	struct chunked c;
	size_t at = 0;

	chunked_begin(&c, kind, length);
	while (at < len && r.error == 0) {
		size_t end = at < cut ? MIN(at + step, cut) : len;

		feed_copy(&c, in + at, end - at, &r);
		at = end;
	}
	r.done = chunked_done(&c);
	return r;
}

#define BODY(text) text, sizeof(text) - 1

/* clang-format off */
static const struct {
	const char *in;
	size_t len;
	size_t behind; /* bytes that are no more of this body */
	const char *body;
	bool done;
} good[] = {
	{ BODY("0\r\n\r\n"), 0, "", true },
	{ BODY("5\r\nhello\r\n0\r\n\r\n"), 0, "hello", true },
	{ BODY("5\r\nhello\r\n0\r\n\r\nGET /"), 5, "hello", true },
	{ BODY("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), 0,
	    "hello world", true },
	{ BODY("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), 0,
	    "01234567890123456789", true },
	{ BODY("0000000000000001\r\nx\r\n0000\r\n\r\n"), 0, "x", true },
	{ BODY("4\r\n\r\n\r\n\r\n0\r\n\r\n"), 0, "\r\n\r\n", true },
	{ BODY("1;a\r\nx\r\n0;b=\"c;d\"\t \xff\r\n\r\n"), 0, "x", true },
	{ BODY("1;\r\nx\r\n0\r\nA: b\r\nc-d:\r\nE:\te \xfc\r\n\r\n"), 0,
	    "x", true },
	/* not complete */
	{ BODY("5\r\nhel"), 0, "hel", false },
	{ BODY("5\r\nhello\r\n0\r\n\r"), 0, "hello", false },
	{ BODY("ffffffffffffffff\r\nxyz"), 0, "xyz", false },
	{ BODY(""), 0, "", false },
};
/* clang-format on */

START_TEST(good_bodies_are_taken_apart_wherever_they_are_cut)
{
	size_t len = good[_i].len;

	for (size_t cut = 0; cut <= len; cut++) {
		for (size_t step = 1; step <= MAX(cut, 1u); step++) {
			struct result r =
			    run(BODY_CHUNKED, 0, good[_i].in, len, cut, step);

			ck_assert_int_eq(r.error, 0);
			ck_assert_int_eq(r.done, good[_i].done);
			ck_assert_uint_eq(r.taken, len - good[_i].behind);
			ck_assert_uint_eq(r.len, strlen(good[_i].body));
			ck_assert_mem_eq(r.out, good[_i].body, r.len);
		}
	}
}
END_TEST

/* clang-format off */
static const struct {
	const char *in;
	size_t len;
	size_t taken; /* what comes before the byte that breaks it */
} bad[] = {
	/* sizes */
	{ BODY("\r\n"), 0 },
	{ BODY(" 1\r\nx\r\n"), 0 },
	{ BODY("+1\r\nx\r\n"), 0 },
	{ BODY("-1\r\nx\r\n"), 0 },
	{ BODY("0x1\r\nx\r\n"), 1 },
	{ BODY("1 \r\nx\r\n"), 1 },
	{ BODY("1\t;a\r\nx\r\n"), 1 },
	{ BODY("g\r\n"), 0 },
	{ BODY(";a\r\n"), 0 },
	{ BODY("1_0\r\n"), 1 },
	{ BODY("00000000000000001\r\nx\r\n"), 16 },
	{ BODY("10000000000000000\r\nx\r\n"), 16 },
	/* line ends */
	{ BODY("1\nx\r\n"), 1 },
	{ BODY("1\r\rx\r\n"), 2 },
	{ BODY("1\rx"), 2 },
	{ BODY("1\r\nx\n0\r\n\r\n"), 4 },
	{ BODY("1\r\nxy\r\n"), 4 },
	{ BODY("1\r\nx\r0"), 5 },
	{ BODY("1\r\nx0\r\n"), 4 },
	{ BODY("0\r\n\n"), 3 },
	{ BODY("0\r\n\r\r"), 4 },
	/* extensions */
	{ BODY("1;a\nx\r\n"), 3 },
	{ BODY("1;a\0b\r\nx\r\n"), 3 },
	{ BODY("1;\"\x7f\"\r\nx\r\n"), 3 },
	{ BODY("1;a\rb\r\nx\r\n"), 4 },
	/* trailers */
	{ BODY("0\r\n: x\r\n\r\n"), 3 },
	{ BODY("0\r\n a: x\r\n\r\n"), 3 },
	{ BODY("0\r\na\r\n\r\n"), 4 },
	{ BODY("0\r\na : x\r\n\r\n"), 4 },
	{ BODY("0\r\na: x\r\n folded\r\n\r\n"), 9 },
	{ BODY("0\r\na: x\n\r\n"), 7 },
	{ BODY("0\r\na: \0\r\n\r\n"), 6 },
	{ BODY("0\r\na: x\ry\r\n\r\n"), 8 },
	{ BODY("0\r\nGET / HTTP/1.1\r\n\r\n"), 6 },
};
/* clang-format on */

START_TEST(bad_bodies_are_refused_wherever_they_are_cut)
{
	size_t len = bad[_i].len;

	for (size_t cut = 0; cut <= len; cut++) {
		struct result r = run(BODY_CHUNKED, 0, bad[_i].in, len, cut, 1);

		ck_assert_int_eq(r.error, -EPROTO);
		ck_assert(!r.done);
	}
	/* All but the byte that breaks it is still good. */
	ck_assert_int_eq(
	    run(BODY_CHUNKED, 0, bad[_i].in, bad[_i].taken, bad[_i].taken, 1)
		.error,
	    0);
	ck_assert_int_eq(run(BODY_CHUNKED, 0, bad[_i].in, bad[_i].taken + 1,
			     bad[_i].taken + 1, 1)
			     .error,
	    -EPROTO);
}
END_TEST

START_TEST(a_broken_body_stays_broken)
{
	struct chunked c;
	const char *piece;
	size_t len;

	chunked_begin(&c, BODY_CHUNKED, 0);
	ck_assert_int_eq(chunked_next(&c, "x", 1, &piece, &len), -EPROTO);
	ck_assert_int_eq(chunked_next(&c, "0", 1, &piece, &len), -EPROTO);
	ck_assert_uint_eq(len, 0);
}
END_TEST

/* clang-format off */
static const struct {
	const char *head, *unit, *tail;
	unsigned most; /* units that are accepted; 0: any number */
} bounds[] = {
	/* ';' and what follows it */
	{ "0;", "x", "\r\n\r\n", 4095 },
	{ "0\r\na:", "x", "\r\n\r\n", 4094 },
	{ "0\r\n", "a:\r\n", "\r\n", 2048 },
	{ "0\r\n", "a", ":\r\n\r\n", 4095 },
	/* extensions longer than the data that they come with, or as long */
	{ "", "1;x\r\ny\r\n", "0\r\n\r\n", 4095 },
	{ "", "2;x\r\nyz\r\n", "0\r\n\r\n", 0 },
};
/* clang-format on */

/* What comes of `n` units between head and tail. */
static int
feed_units(size_t row, unsigned n)
{
	struct result r = { 0 };
	struct chunked c;

	chunked_begin(&c, BODY_CHUNKED, 0);
	feed(&c, bounds[row].head, strlen(bounds[row].head), &r);
	for (unsigned i = 0; i < n && r.error == 0; i++)
		feed(&c, bounds[row].unit, strlen(bounds[row].unit), &r);
	if (r.error == 0)
		feed(&c, bounds[row].tail, strlen(bounds[row].tail), &r);
	ck_assert(chunked_done(&c) == (r.error == 0));
	return r.error;
}

START_TEST(what_is_not_data_is_bounded)
{
	unsigned most = bounds[_i].most;

	ck_assert_int_eq(feed_units(_i, most > 0 ? most : 4000), 0);
	if (most > 0)
		ck_assert_int_eq(feed_units(_i, most + 1), -EPROTO);
}
END_TEST

START_TEST(other_bodies_end_where_they_should)
{
	struct result r;

	r = run(BODY_NONE, 9, "abc", 3, 0, 1);
	ck_assert(r.done && r.taken == 0 && r.len == 0);
	r = run(BODY_LENGTH, 0, "abc", 3, 0, 1);
	ck_assert(r.done && r.taken == 0 && r.len == 0);
	for (size_t cut = 0; cut <= 4; cut++) {
		r = run(BODY_LENGTH, 3, "abcd", 4, cut, 1);
		ck_assert(r.done && r.taken == 3 && r.len == 3);
		ck_assert_mem_eq(r.out, "abc", 3);
		r = run(BODY_LENGTH, UINT64_MAX, "abcd", 4, cut, 1);
		ck_assert(!r.done && r.taken == 4 && r.len == 4);
		r = run(BODY_CLOSE, 3, "abcd", 4, cut, 1);
		ck_assert(!r.done && r.taken == 4 && r.len == 4);
		ck_assert_mem_eq(r.out, "abcd", 4);
	}
}
END_TEST

START_TEST(no_bytes_change_nothing)
{
	for (int kind = BODY_NONE; kind <= BODY_CLOSE; kind++) {
		struct chunked c, before;
		const char *piece = NULL;
		size_t len = 7;

		chunked_begin(&c, (enum chunked_kind)kind, 5);
		before = c;
		ck_assert_int_eq(chunked_next(&c, "", 0, &piece, &len), 0);
		ck_assert_uint_eq(len, 0);
		ck_assert_mem_eq(&c, &before, sizeof(c));
	}
}
END_TEST

/* A state out of broken memory: an error or progress, nothing else. */
START_TEST(any_state_is_survived)
{
	static const char in[] = "1;a\r\nx\r\nff\r\n0\r\na: b\r\n\r\n";

	srand(1);
	for (int i = 0; i < 200000; i++) {
		struct result r = { 0 };
		union {
			struct chunked c;
			unsigned char bytes[sizeof(struct chunked)];
		} u;

		for (size_t k = 0; k < sizeof(u.bytes); k++)
			u.bytes[k] = (unsigned char)rand();
		u.c.kind %= 6;
		u.c.state %= 16;
		if (i % 2)
			u.c.left %= 8;
		if (i % 3)
			u.c.extra = 0;
		if (i % 5)
			u.c.digits %= 20;
		feed(&u.c, in, sizeof(in) - 1, &r);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chunked");
	TCase *tc = tcase_create("chunked");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc,
	    good_bodies_are_taken_apart_wherever_they_are_cut, 0,
	    ARRAY_LEN(good));
	tcase_add_loop_test(tc, bad_bodies_are_refused_wherever_they_are_cut, 0,
	    ARRAY_LEN(bad));
	tcase_add_test(tc, a_broken_body_stays_broken);
	tcase_add_loop_test(
	    tc, what_is_not_data_is_bounded, 0, ARRAY_LEN(bounds));
	tcase_add_test(tc, other_bodies_end_where_they_should);
	tcase_add_test(tc, no_bytes_change_nothing);
	tcase_add_test(tc, any_state_is_survived);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
