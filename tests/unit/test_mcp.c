/*
 * test_mcp.c - which versions are modern.
 */
#include "config.h"

#include <check.h>

#include "common/mcp.h"
#include "common/sc.h"
#include "tests/unit/unit.h"

/* clang-format off */
static const struct { const char *version; bool modern; } rows[] = {
	{ "2026-07-28", true }, { "2026-07-29", true },
	{ "2026-10-01", true }, { "2027-01-01", true },
	{ "9999-99-99", true },
	{ "2026-07-27", false }, { "2025-11-25", false },
	{ "2025-06-18", false }, { "2025-03-26", false },
	{ "2024-11-05", false }, { "0000-00-00", false },
	{ "", false }, { "2026-07-2", false }, { "2026-07-280", false },
	{ "2026-7-28", false }, { "2026/07/28", false },
	{ "2026-07-2x", false }, { "2026-0a-28", false },
	{ "x026-07-28", false }, { "DRAFT-2026", false },
	{ "20260-7-28", false }, { "2026-07-28,2026-07-28", false },
	{ "-2026-07-2", false }, { "2026:07-28", false },
	{ "2026-07-2:", false }, { "2026-07-2\xb2", false },
};
/* clang-format on */

START_TEST(versions_are_told_apart)
{
	ck_assert_int_eq(mcp_version_is_modern(http_slice_of(rows[_i].version)),
	    rows[_i].modern);
}
END_TEST

START_TEST(absent_version_is_legacy)
{
	ck_assert(!mcp_version_is_modern((struct http_slice){ 0 }));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("versions");
	Suite *s = suite_create("mcp");

	tcase_add_loop_test(
	    tc, versions_are_told_apart, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, absent_version_is_legacy);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
