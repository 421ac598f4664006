/*
 * test_scan.c - the search for either of two bytes, at every alignment.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/sc.h"
#include "common/scan.h"
#include "tests/unit/unit.h"

enum {
	LEN_MAX = 360,
};

/* The first place of `x` in a text of its own length. */
static void
check_found(size_t len, size_t at, char x)
{
	char *buf = malloc(len + 1);

	ck_assert_ptr_nonnull(buf);
	memset(buf, 'x', len);
	if (at < len)
		buf[at] = x;
	/* later ones, and one behind the end, don't count */
	if (at + 1 < len)
		memset(buf + at + 1, at % 2 ? '\n' : '\r', len - at - 1);
	buf[len] = '\n';
	ck_assert_uint_eq(scan_either(buf, len, '\n', '\r'), at);
	ck_assert_uint_eq(scan_either(buf, len, '\r', '\n'), at);
	ck_assert_uint_eq(scan_either_anywhere(buf, len, '\n', '\r'), at);
	ck_assert_uint_eq(scan_either_anywhere(buf, len, '\r', '\n'), at);
	free(buf);
}

START_TEST(first_of_both_is_found)
{
	size_t len, at;

	for (len = 0; len <= LEN_MAX; len++)
		for (at = 0; at <= len; at++) {
			check_found(len, at, '\n');
			check_found(len, at, '\r');
		}
}
END_TEST

/* A mark of JSON among all other bytes, at every place. */
START_TEST(quotes_and_brackets_are_found)
{
	static const char marks[] = "\"[]{}";
	char buf[80];
	size_t len, at, i;

	for (i = 0; i < sizeof(buf); i++) {
		buf[i] = (char)(i * 37);
		if (strchr(marks, buf[i]) != NULL)
			buf[i] = (char)~buf[i];
	}
	for (len = 0; len <= sizeof(buf); len++)
		ck_assert_uint_eq(scan_json(buf, len), len);
	for (at = 0; at < sizeof(buf); at++)
		for (i = 0; i < sizeof(marks) - 1; i++) {
			char was = buf[at];

			buf[at] = marks[i];
			ck_assert_uint_eq(scan_json(buf, sizeof(buf)), at);
			buf[at] = was;
		}
}
END_TEST

START_TEST(every_byte_is_told_apart)
{
	char buf[64];
	int a, x;

	for (a = 0; a < 256; a++)
		for (x = 0; x < 256; x++) {
			memset(buf, x, sizeof(buf));
			buf[40] = (char)a;
			ck_assert_uint_eq(
			    scan_either(buf, sizeof(buf), (char)a, (char)a),
			    a == x ? 0 : 40);
			ck_assert_uint_eq(scan_either_anywhere(buf, sizeof(buf),
					      (char)a, (char)a),
			    a == x ? 0 : 40);
		}
}
END_TEST

/* A buffer of exactly this length: a read behind it is a sanitizer's. */
START_TEST(nothing_behind_the_end_is_read)
{
	size_t len;
	char *buf;

	for (len = 1; len <= LEN_MAX; len++) {
		buf = malloc(len);
		ck_assert_ptr_nonnull(buf);
		memset(buf, 'x', len);
		ck_assert_uint_eq(scan_either(buf, len, '"', '\\'), len);
		free(buf);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scan");
	TCase *tc = tcase_create("scan");

	tcase_add_test(tc, first_of_both_is_found);
	tcase_add_test(tc, quotes_and_brackets_are_found);
	tcase_add_test(tc, every_byte_is_told_apart);
	tcase_add_test(tc, nothing_behind_the_end_is_read);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
