/*
 * test_ctl_table.c - tables and cells for people.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/sc.h"
#include "ctl/cell.h"
#include "ctl/table.h"
#include "tests/unit/unit.h"

static char page[65536];

/* A table of these rows, as JSON text, in `page`. */
static void
write_table(
    enum ctl_command command, const char *rows, unsigned width, bool colours)
{
	struct table_style style = { width, colours };
	json_t *json = json_loads(rows, 0, NULL);
	FILE *out = fmemopen(page, sizeof(page), "w");

	ck_assert_ptr_nonnull(json);
	ck_assert_ptr_nonnull(out);
	ck_assert(table_write(out, command, json, &style));
	(void)fclose(out);
	json_decref(json);
}

#define DEATHS                                                                 \
	"[{\"slot\":0,\"pid\":71,\"lived\":3.5,\"death\":\"killed by "         \
	"SIGSEGV, core dumped\",\"killed_for\":null,\"doing\":\"a timer\","    \
	"\"about\":\"stream 1f\",\"trace\":\"shadowcat+0x1 libc+0x2\"},"       \
	"{\"slot\":12,\"pid\":1234,\"lived\":200,\"death\":\"short\","         \
	"\"killed_for\":\"hang\",\"doing\":\"idle\",\"about\":null,"           \
	"\"trace\":null}]"

START_TEST(columns_are_aligned)
{
	write_table(CTL_CRASHES, DEATHS, 0, false);
	ck_assert_str_eq(page,
	    "TIME  SLOT   PID  LIVED  DEATH                           BY US "
	    "FOR  WHILE    FOR        AT\n"
	    "-        0    71   3.5s  killed by SIGSEGV, core dumped  -      "
	    "    a timer  stream 1f  shadowcat+0x1 libc+0x2\n"
	    "-       12  1234  3m20s  short                           hang   "
	    "    idle     -          -\n");
}
END_TEST

/* No line is longer than the terminal is wide, however narrow. */
START_TEST(lines_fit)
{
	char *rest = page, *line;

	write_table(CTL_CRASHES, DEATHS, (unsigned)_i, false);
	while ((line = strsep(&rest, "\n")) != NULL)
		ck_assert_uint_le(strlen(line), (size_t)_i);
}
END_TEST

START_TEST(ids_are_as_long_as_needed)
{
	write_table(CTL_SESSIONS,
	    "[{\"id\":\"aaaaaaaabbbbbbbb\"},{\"id\":\"aaaaaaaabbccccccc\"}]", 0,
	    false);
	ck_assert_ptr_nonnull(strstr(page, "\naaaaaaaabbb "));
	ck_assert_ptr_nonnull(strstr(page, "\naaaaaaaabbc "));
	write_table(CTL_SESSIONS,
	    "[{\"id\":\"aaaaaaaabbbbbbbb\"},{\"id\":\"b\"}]", 0, false);
	ck_assert_ptr_nonnull(strstr(page, "\naaaaaaaa "));
	ck_assert_ptr_nonnull(strstr(page, "\nb "));
}
END_TEST

/* The streams of a session share its id; those of another are told apart. */
START_TEST(sessions_of_streams_are_told_apart)
{
	write_table(CTL_STREAMS,
	    "[{\"session\":\"aaaaaaaabbbbbbbb\"},"
	    "{\"session\":\"aaaaaaaabbccccccc\"},{\"session\":null},"
	    "{\"session\":\"aaaaaaaabbbbbbbb\"}]",
	    0, false);
	ck_assert_ptr_nonnull(strstr(page, " aaaaaaaabbb "));
	ck_assert_ptr_nonnull(strstr(page, " aaaaaaaabbc "));
	ck_assert_ptr_null(strstr(page, " aaaaaaaabb "));
}
END_TEST

START_TEST(ids_that_begin_others_are_told_apart)
{
	const char *ids[] = { "abcdefghij", "abcdefghi", "abcdefghij" };

	ck_assert_uint_eq(table_id_len(ids, 3), 10);
	ck_assert_uint_eq(table_id_len(ids, 0), TABLE_ID_MIN);
	ck_assert_uint_eq(table_id_len(ids, 1), TABLE_ID_MIN);
}
END_TEST

START_TEST(colours_are_asked_for)
{
	static const char rows[] = "[{\"slot\":0,\"state\":\"ready\"}]";

	write_table(CTL_WORKERS, rows, 0, true);
	ck_assert_ptr_nonnull(strstr(page, "\033[32mready\033[0m"));
	write_table(CTL_WORKERS, rows, 0, false);
	ck_assert_ptr_null(strchr(page, '\033'));
}
END_TEST

START_TEST(peers_text_moves_no_cursor)
{
	write_table(CTL_SESSIONS,
	    "[{\"id\":\"a\\u001b[2J\",\"last_event_id\":\"\\n\\u0007\"}]", 0,
	    true);
	ck_assert_ptr_null(strstr(page, "\033[2J"));
	ck_assert_ptr_null(strchr(page, '\a'));
}
END_TEST

static const struct {
	enum column_form form;
	double value;
	const char *text;
} cells[] = {
	{ COLUMN_DURATION, 0, "0.0s" },
	{ COLUMN_DURATION, 1.26, "1.3s" },
	{ COLUMN_DURATION, 59.9, "59s" },
	{ COLUMN_DURATION, 61, "1m01s" },
	{ COLUMN_DURATION, 3600, "1h00m" },
	{ COLUMN_DURATION, 86400 * 400., "400d00h" },
	{ COLUMN_DURATION, -5, "0.0s" },
	{ COLUMN_DURATION, 1e300, "0.0s" },
	{ COLUMN_BYTES, 0, "0" },
	{ COLUMN_BYTES, 1023, "1023" },
	{ COLUMN_BYTES, 1536, "1.5K" },
	{ COLUMN_BYTES, 1024. * 1024 * 1024, "1.0G" },
	{ COLUMN_BYTES, 1e300, NULL },
	{ COLUMN_TIME, 1e300, NULL },
	{ COLUMN_NUMBER, 2.5, "2.500" },
};

START_TEST(numbers_are_shown_for_people)
{
	json_t *value = json_real(cells[_i].value);
	char buf[CELL_CAP];

	cell_format(value, cells[_i].form, buf);
	if (cells[_i].text != NULL)
		ck_assert_str_eq(buf, cells[_i].text);
	ck_assert_uint_gt(strlen(buf), 0);
	json_decref(value);
}
END_TEST

START_TEST(nothing_is_a_dash)
{
	char buf[CELL_CAP];

	cell_format(NULL, COLUMN_TEXT, buf);
	ck_assert_str_eq(buf, "-");
	cell_format(json_null(), COLUMN_DURATION, buf);
	ck_assert_str_eq(buf, "-");
}
END_TEST

START_TEST(records_have_a_line_for_each)
{
	struct table_style style = { 0, false };
	json_t *json = json_pack("{s:i,s:f}", "pid", 7, "uptime", 90.);
	FILE *out = fmemopen(page, sizeof(page), "w");

	table_write_record(out, json, &style);
	(void)fclose(out);
	ck_assert_str_eq(page, "pid                7\n"
			       "uptime             1m30s\n");
	json_decref(json);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ctl_table");
	TCase *tc = tcase_create("ctl_table");

	tcase_add_test(tc, columns_are_aligned);
	tcase_add_loop_test(tc, lines_fit, 20, 100);
	tcase_add_test(tc, ids_are_as_long_as_needed);
	tcase_add_test(tc, sessions_of_streams_are_told_apart);
	tcase_add_test(tc, ids_that_begin_others_are_told_apart);
	tcase_add_test(tc, colours_are_asked_for);
	tcase_add_test(tc, peers_text_moves_no_cursor);
	tcase_add_loop_test(
	    tc, numbers_are_shown_for_people, 0, ARRAY_LEN(cells));
	tcase_add_test(tc, nothing_is_a_dash);
	tcase_add_test(tc, records_have_a_line_for_each);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
