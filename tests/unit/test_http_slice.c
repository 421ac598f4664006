/*
 * test_http_slice.c - what the values of fields mean.
 */
#include "config.h"

#include <check.h>
#include <errno.h>

#include "common/http_slice.h"
#include "common/sc.h"
#include "tests/unit/unit.h"

/* clang-format off */
static const struct { const char *list, *token; bool want; } token_rows[] = {
	{ "close", "close", true },
	{ "Close", "close", true },
	{ "keep-alive, CLOSE", "close", true },
	{ " ,\t,close\t,", "close", true },
	{ "a,b,c", "c", true },
	{ "", "close", false },
	{ ",,", "close", false },
	{ "closed", "close", false },
	{ "clos", "close", false },
	{ "clo se", "close", false },
	{ "close;a", "close", false },
	{ "\"close\"", "close", false },
};

static const struct { const char *value, *type; bool want; } media_rows[] = {
	{ "text/event-stream", "text/event-stream", true },
	{ "Text/Event-Stream", "text/event-stream", true },
	{ "text/event-stream;", "text/event-stream", true },
	{ "text/event-stream ; charset=utf-8", "text/event-stream", true },
	{ "text/event-stream;charset=UTF-8", "text/event-stream", true },
	{ "application/json; charset=utf-8", "application/json", true },
	{ "", "text/event-stream", false },
	{ ";", "text/event-stream", false },
	{ "text/event-streams", "text/event-stream", false },
	{ "text/event-stream, a/b", "text/event-stream", false },
	{ "text/plain; x=text/event-stream", "text/event-stream", false },
	{ "x;text/event-stream", "text/event-stream", false },
};

static const struct {
	const char *text;
	int rc;
	int64_t want;
} number_rows[] = {
	{ "0", 0, 0 },
	{ "007", 0, 7 },
	{ "9223372036854775807", 0, INT64_MAX },
	{ "9223372036854775808", -EINVAL, 0 },
	{ "99999999999999999999999", -EINVAL, 0 },
	{ "", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ " 1", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
	{ "1a", -EINVAL, 0 },
	{ "1/", -EINVAL, 0 },
	{ "1:", -EINVAL, 0 },
	{ "\xb1", -EINVAL, 0 },
};
/* clang-format on */

START_TEST(tokens_are_found_in_lists)
{
	ck_assert_int_eq(
	    http_value_has_token(
		http_slice_of(token_rows[_i].list), token_rows[_i].token),
	    token_rows[_i].want);
}
END_TEST

START_TEST(media_types_are_compared)
{
	ck_assert_int_eq(http_media_type_is(http_slice_of(media_rows[_i].value),
			     media_rows[_i].type),
	    media_rows[_i].want);
}
END_TEST

START_TEST(numbers_are_plain)
{
	int64_t got = 4711;
	int rc = http_number_parse(http_slice_of(number_rows[_i].text), &got);

	ck_assert_int_eq(rc, number_rows[_i].rc);
	ck_assert_int_eq(got, rc == 0 ? number_rows[_i].want : 4711);
}
END_TEST

START_TEST(absent_values_are_nothing)
{
	struct http_slice absent = { 0 }, element;
	int64_t number;

	ck_assert(!http_value_has_token(absent, "a"));
	ck_assert(!http_media_type_is(absent, "a/b"));
	ck_assert_int_eq(http_number_parse(absent, &number), -EINVAL);
	ck_assert(!http_list_next(&absent, &element));
	ck_assert(http_slice_equals(absent, http_slice_of("")));
	ck_assert(http_slice_equals_nocase(absent, http_slice_of("")));
	ck_assert(!http_slice_equals(absent, http_slice_of("a")));
	ck_assert_uint_eq(http_slice_trim(absent).len, 0);
}
END_TEST

START_TEST(slices_are_compared_and_trimmed)
{
	ck_assert(http_slice_equals(http_slice_of("aB"), http_slice_of("aB")));
	ck_assert(!http_slice_equals(http_slice_of("aB"), http_slice_of("ab")));
	ck_assert(!http_slice_equals(http_slice_of("a"), http_slice_of("ab")));
	ck_assert(http_slice_equals_nocase(
	    http_slice_of("aZ-1"), http_slice_of("Az-1")));
	/* Bytes that differ in the same bit as letters do are not letters. */
	ck_assert(
	    !http_slice_equals_nocase(http_slice_of("["), http_slice_of("{")));
	ck_assert(
	    !http_slice_equals_nocase(http_slice_of("@"), http_slice_of("`")));
	ck_assert(http_slice_equals(
	    http_slice_trim(http_slice_of(" \ta b\t ")), http_slice_of("a b")));
	ck_assert_uint_eq(http_slice_trim(http_slice_of(" \t ")).len, 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("values");
	Suite *s = suite_create("http_slice");

	tcase_add_loop_test(
	    tc, tokens_are_found_in_lists, 0, (int)ARRAY_LEN(token_rows));
	tcase_add_loop_test(
	    tc, media_types_are_compared, 0, (int)ARRAY_LEN(media_rows));
	tcase_add_loop_test(
	    tc, numbers_are_plain, 0, (int)ARRAY_LEN(number_rows));
	tcase_add_test(tc, absent_values_are_nothing);
	tcase_add_test(tc, slices_are_compared_and_trimmed);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
