/*
 * test_conf_value.c - durations, sizes and other values as people write
 * them.
 */
#include "config.h"

#include <check.h>

#include "common/conf_value.h"
#include "common/sc.h"
#include "tests/unit/unit.h"

static const struct {
	const char *text;
	bool valid;
	uint64_t ms;
} duration_rows[] = {
	{ "0", true, 0 },
	{ "0s", true, 0 },
	{ "250ms", true, 250 },
	{ "5s", true, 5000 },
	{ "5m", true, 300000 },
	{ "2h", true, 7200000 },
	{ "007s", true, 7000 },
	{ "18446744073709551615ms", true, UINT64_MAX },
	{ "18446744073709551616ms", false, 0 },
	{ "18446744073709551615s", false, 0 },
	{ "", false, 0 },
	{ "s", false, 0 },
	{ "5", false, 0 },
	{ "-5s", false, 0 },
	{ "+5s", false, 0 },
	{ "1.5s", false, 0 },
	{ "5 s", false, 0 },
	{ " 5s", false, 0 },
	{ "5s ", false, 0 },
	{ "5S", false, 0 },
	{ "5min", false, 0 },
	{ "1m30s", false, 0 },
	{ "0x5s", false, 0 },
};

START_TEST(durations_are_parsed)
{
	uint64_t ms = 42;
	const char *why = NULL;
	bool valid = conf_parse_duration(duration_rows[_i].text, &ms, &why);

	ck_assert_msg(
	    valid == duration_rows[_i].valid, "%s", duration_rows[_i].text);
	ck_assert_uint_eq(ms, valid ? duration_rows[_i].ms : 42);
	if (!valid)
		ck_assert_str_eq(why, "use a number with ms, s, m or h");
}
END_TEST

static const struct {
	const char *text;
	bool valid;
	uint64_t bytes;
} size_rows[] = {
	{ "0", true, 0 },
	{ "4096", true, 4096 },
	{ "256KiB", true, 262144 },
	{ "16MiB", true, 16777216 },
	{ "1GiB", true, 1073741824 },
	{ "17179869183GiB", true, UINT64_C(0xffffffffc0000000) },
	{ "17179869184GiB", false, 0 },
	{ "16MB", false, 0 },
	{ "16M", false, 0 },
	{ "16mib", false, 0 },
	{ "KiB", false, 0 },
	{ "", false, 0 },
};

START_TEST(sizes_are_parsed)
{
	uint64_t bytes = 42;
	const char *why = NULL;
	bool valid = conf_parse_size(size_rows[_i].text, &bytes, &why);

	ck_assert_msg(valid == size_rows[_i].valid, "%s", size_rows[_i].text);
	ck_assert_uint_eq(bytes, valid ? size_rows[_i].bytes : 42);
	if (!valid)
		ck_assert_str_eq(
		    why, "use a number of bytes, or one with KiB, MiB or GiB");
}
END_TEST

static const struct {
	const char *text;
	bool valid;
	double real;
} real_rows[] = {
	{ "0", true, 0 },
	{ "0.25", true, 0.25 },
	{ "1", true, 1 },
	{ "1.0", true, 1 },
	{ "0.050", true, 0.05 },
	{ ".5", false, 0 },
	{ "1.", false, 0 },
	{ "-1", false, 0 },
	{ "1e3", false, 0 },
	{ "inf", false, 0 },
	{ "nan", false, 0 },
	{ "0,5", false, 0 },
	{ "0x1p3", false, 0 },
	{ "", false, 0 },
};

START_TEST(reals_are_parsed)
{
	double real = 42;
	const char *why = NULL;
	bool valid = conf_parse_real(real_rows[_i].text, &real, &why);

	ck_assert_msg(valid == real_rows[_i].valid, "%s", real_rows[_i].text);
	ck_assert_double_eq(real, valid ? real_rows[_i].real : 42);
	if (!valid)
		ck_assert_str_eq(why, "use a number such as 0.25");
}
END_TEST

static const struct {
	const char *text;
	bool valid, truth;
} bool_rows[] = {
	{ "true", true, true },
	{ "yes", true, true },
	{ "on", true, true },
	{ "false", true, false },
	{ "no", true, false },
	{ "off", true, false },
	{ "1", false, false },
	{ "True", false, false },
	{ "", false, false },
};

START_TEST(bools_are_parsed)
{
	bool truth = !bool_rows[_i].truth;
	const char *why = NULL;
	bool valid = conf_parse_bool(bool_rows[_i].text, &truth, &why);

	ck_assert_msg(valid == bool_rows[_i].valid, "%s", bool_rows[_i].text);
	ck_assert(truth == (valid ? bool_rows[_i].truth : true));
	if (!valid)
		ck_assert_str_eq(why, "use true or false");
}
END_TEST

START_TEST(counts_are_parsed)
{
	uint64_t count = 42;
	const char *why = NULL;

	ck_assert(conf_parse_count("18446744073709551615", &count, &why));
	ck_assert_uint_eq(count, UINT64_MAX);
	ck_assert(!conf_parse_count("18446744073709551616", &count, &why));
	ck_assert(!conf_parse_count("", &count, &why));
	ck_assert(!conf_parse_count("3;", &count, &why));
	ck_assert_uint_eq(count, UINT64_MAX);
	ck_assert_str_eq(why, "use a whole number");
}
END_TEST

static const struct {
	uint64_t value;
	const char *duration, *size;
} format_rows[] = {
	{ 0, "0", "0" },
	{ 1, "1ms", "1" },
	{ 1000, "1s", "1000" },
	{ 90000, "90s", "90000" },
	{ 1024, "1024ms", "1KiB" },
	{ 3600000, "1h", "3600000" },
	{ 16777216, "16777216ms", "16MiB" },
};

START_TEST(numbers_are_written_in_the_largest_unit)
{
	char text[CONF_VALUE_CAP];

	conf_format_duration(format_rows[_i].value, text, sizeof(text));
	ck_assert_str_eq(text, format_rows[_i].duration);
	conf_format_size(format_rows[_i].value, text, sizeof(text));
	ck_assert_str_eq(text, format_rows[_i].size);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conf_value");
	TCase *tc = tcase_create("conf_value");

	tcase_add_loop_test(
	    tc, durations_are_parsed, 0, (int)ARRAY_LEN(duration_rows));
	tcase_add_loop_test(tc, sizes_are_parsed, 0, (int)ARRAY_LEN(size_rows));
	tcase_add_loop_test(tc, reals_are_parsed, 0, (int)ARRAY_LEN(real_rows));
	tcase_add_loop_test(tc, bools_are_parsed, 0, (int)ARRAY_LEN(bool_rows));
	tcase_add_test(tc, counts_are_parsed);
	tcase_add_loop_test(tc, numbers_are_written_in_the_largest_unit, 0,
	    (int)ARRAY_LEN(format_rows));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
