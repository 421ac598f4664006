/*
 * test_log_line.c - the two forms of a line, whatever bytes are in it; and
 * which repetitions are hidden.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <check.h>
#include <jansson.h>

#include "common/log_line.h"
#include "common/log_repeat.h"
#include "tests/unit/unit.h"

static struct log_head
head_of(const char *prefix, const char *subject)
{
	return (struct log_head){
		.syslog = "",
		.when = "2026-11-20T09:48:00.123Z",
		.level = "info",
		.program = "shadowcat",
		.pid = 4711,
		.prefix = prefix,
		.subject = subject,
	};
}

static void
begin(struct log_line *line, enum log_format format)
{
	struct log_head head = head_of("worker 2", "stream 83f1");

	log_line_begin(line, format, &head);
}

/* The text of the line, ended by a NUL, in a static buffer. */
static const char *
end(struct log_line *line)
{
	static char text[LOG_LINE_CAP + 1];
	size_t len = log_line_end(line);

	ck_assert_uint_le(len, LOG_LINE_CAP);
	memcpy(text, line->buf, len);
	text[len] = '\0';
	ck_assert_ptr_eq(strchr(text, '\n'), text + len - 1);
	return text;
}

static json_t *
end_json(struct log_line *line)
{
	const char *text = end(line);
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	ck_assert_msg(json != NULL, "%s: %s", error.text, text);
	return json;
}

static const char *
member(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	ck_assert_msg(text != NULL, "there is no %s", name);
	return text;
}

START_TEST(a_line_of_text_has_words_and_values)
{
	struct log_line line;

	begin(&line, LOG_FORMAT_TEXT);
	log_line_message(&line, "end", 3);
	log_line_word(&line, "reason", "ANSWERED");
	log_line_number(&line, "bytes", 412);
	log_line_number(&line, "least", 0);
	log_line_number(&line, "most", UINT64_MAX);
	log_line_word(&line, "path", "/a b\"c\\d=e");
	log_line_word(&line, "none", "");
	ck_assert_str_eq(end(&line),
	    "2026-11-20T09:48:00.123Z shadowcat[4711] worker 2 stream 83f1: "
	    "end reason=ANSWERED bytes=412 least=0 most=18446744073709551615 "
	    "path=\"/a b\\\"c\\\\d=e\" none=\"\"\n");
}
END_TEST

START_TEST(a_line_of_json_says_the_same)
{
	struct log_line line;

	begin(&line, LOG_FORMAT_JSON);
	log_line_message(&line, "end", 3);
	log_line_word(&line, "reason", "ANSWERED");
	log_line_number(&line, "bytes", 412);
	ck_assert_str_eq(end(&line),
	    "{\"time\":\"2026-11-20T09:48:00.123Z\",\"level\":\"info\","
	    "\"program\":\"shadowcat\",\"pid\":4711,\"worker\":\"2\","
	    "\"stream\":\"83f1\",\"message\":\"end\","
	    "\"reason\":\"ANSWERED\",\"bytes\":412}\n");
}
END_TEST

START_TEST(syslog_has_a_head_of_its_own)
{
	static const char json[] =
	    "<30>Nov 20 09:48:00 shadowcat[4711]: {\"time\":\"2026-";
	struct log_head head = head_of("", "stream 1");
	struct log_line line;

	head.syslog = "<30>Nov 20 09:48:00 shadowcat[4711]:";
	log_line_begin(&line, LOG_FORMAT_TEXT, &head);
	log_line_message(&line, "one", 3);
	ck_assert_str_eq(
	    end(&line), "<30>Nov 20 09:48:00 shadowcat[4711]: stream 1: one\n");
	log_line_begin(&line, LOG_FORMAT_JSON, &head);
	log_line_message(&line, "one", 3);
	ck_assert_int_eq(strncmp(end(&line), json, strlen(json)), 0);
}
END_TEST

/* Each byte, alone, doubled, in a value and in a message. */
START_TEST(any_byte_leaves_json_valid)
{
	char bytes[] = { 'a', (char)_i, (char)_i, 'z' };
	char want[16];
	struct log_line line;
	json_t *json;

	begin(&line, LOG_FORMAT_JSON);
	log_line_message(&line, bytes, sizeof(bytes));
	log_line_text(&line, "value", bytes + 1, 1);
	log_line_text(&line, "pair", bytes, sizeof(bytes));
	json = end_json(&line);
	if (_i < ' ' || _i > '~')
		(void)snprintf(want, sizeof(want), "\\x%02x", (unsigned)_i);
	else
		(void)snprintf(want, sizeof(want), "%c", _i);
	ck_assert_str_eq(member(json, "value"), want);
	ck_assert_str_eq(member(json, "message"), member(json, "pair"));
	json_decref(json);
	begin(&line, LOG_FORMAT_TEXT);
	log_line_text(&line, "value", bytes, sizeof(bytes));
	(void)end(&line);
}
END_TEST

/* Lengths about the end of the room, so that each place of a cut is met. */
START_TEST(what_does_not_fit_leaves_json_valid)
{
	static const struct {
		const char *unit;
		size_t each; /* bytes that a byte of it becomes */
	} units[] = { { "a", 1 }, { "\"", 2 }, { "\n", 5 },
		{ "\xe2\x82\xac", 1 }, { "\xff", 5 } };
	size_t n, len = strlen(units[_i].unit), each = units[_i].each;
	char text[LOG_LINE_CAP + 8];
	struct log_line line;

	for (n = 0; n + len <= sizeof(text); n += len)
		memcpy(text + n, units[_i].unit, len);
	for (n = 3700 / each; n < 4100 / each; n++) {
		begin(&line, LOG_FORMAT_JSON);
		log_line_message(&line, "m", 1);
		log_line_text(&line, "first", text, n);
		log_line_text(&line, "second", text, n % 97);
		log_line_number(&line, "third", INT64_MAX);
		json_decref(end_json(&line));
	}
}
END_TEST

START_TEST(a_cut_value_ends_in_dots)
{
	char text[LOG_LINE_CAP];
	struct log_line line;
	const char *value;
	json_t *json;

	memset(text, 'x', sizeof(text));
	begin(&line, LOG_FORMAT_JSON);
	log_line_message(&line, text, sizeof(text));
	json = end_json(&line);
	value = member(json, "message");
	ck_assert_str_eq(value + strlen(value) - 4, "x...");
	json_decref(json);
}
END_TEST

START_TEST(formats_have_words)
{
	enum log_format format = LOG_FORMAT_TEXT;

	ck_assert_int_eq(log_format_parse("json", &format), 0);
	ck_assert_int_eq(format, LOG_FORMAT_JSON);
	ck_assert_int_eq(log_format_parse("JSON", &format), -EINVAL);
	ck_assert_int_eq(log_format_parse("", &format), -EINVAL);
	ck_assert_int_eq(log_format_parse("text", &format), 0);
	ck_assert_int_eq(format, LOG_FORMAT_TEXT);
}
END_TEST

/* --- repetitions ---------------------------------------------------------- */

static const char here[] = "here", there[] = "there";

START_TEST(a_few_are_written_and_the_rest_is_counted)
{
	struct log_repeat r = { .site = NULL };
	unsigned i;

	for (i = 0; i < LOG_REPEAT_MAX; i++)
		ck_assert(log_repeat_admit(&r, here, 5000 + i));
	ck_assert_uint_eq(log_repeat_sum(&r, here, 6000), 0);
	for (i = 0; i < 132; i++)
		ck_assert(!log_repeat_admit(&r, here, 6000));
	/* Not before the window is over. */
	ck_assert_uint_eq(
	    log_repeat_sum(&r, here, 5000 + LOG_REPEAT_WINDOW_MS - 1), 0);
	ck_assert_uint_eq(
	    log_repeat_sum(&r, here, 5000 + LOG_REPEAT_WINDOW_MS), 132);
	ck_assert(log_repeat_admit(&r, here, 5000 + LOG_REPEAT_WINDOW_MS));
	ck_assert_uint_eq(log_repeat_sum(&r, here, UINT64_MAX), 0);
}
END_TEST

START_TEST(a_slow_trickle_is_written_whole)
{
	struct log_repeat r = { .site = NULL };
	uint64_t now = 0;

	for (unsigned i = 0; i < 1000; i++) {
		ck_assert_uint_eq(log_repeat_sum(&r, here, now), 0);
		ck_assert(log_repeat_admit(&r, here, now));
		now += LOG_REPEAT_WINDOW_MS / LOG_REPEAT_MAX + 1;
	}
}
END_TEST

START_TEST(sites_have_rows_of_their_own_while_there_are_any)
{
	static char site[LOG_REPEAT_SITES + 1];
	struct log_repeats all = { .row = { { .site = NULL } } };
	struct log_repeat *r;
	unsigned i;

	for (i = 0; i < LOG_REPEAT_SITES; i++) {
		r = log_repeat_find(&all, &site[i]);
		ck_assert_ptr_null(r->site);
		ck_assert(log_repeat_admit(r, &site[i], 100 + i));
	}
	for (i = 0; i < LOG_REPEAT_SITES; i++) {
		r = log_repeat_find(&all, &site[i]);
		ck_assert_ptr_eq(r->site, &site[i]);
	}
	/* One more takes the oldest, whose sum is told first. */
	r = log_repeat_find(&all, &site[0]);
	for (i = 0; i < LOG_REPEAT_MAX + 5; i++)
		(void)log_repeat_admit(r, &site[0], 100);
	r = log_repeat_find(&all, &site[LOG_REPEAT_SITES]);
	ck_assert_ptr_eq(r->site, &site[0]);
	ck_assert_uint_eq(log_repeat_sum(r, &site[LOG_REPEAT_SITES], 200), 6);
	ck_assert(log_repeat_admit(r, &site[LOG_REPEAT_SITES], 200));
	ck_assert_uint_eq(r->hidden, 0);
}
END_TEST

START_TEST(another_site_begins_anew)
{
	struct log_repeat r = { .site = NULL };

	for (unsigned i = 0; i < 3 * LOG_REPEAT_MAX; i++)
		(void)log_repeat_admit(&r, here, 1);
	ck_assert(!log_repeat_admit(&r, here, 1));
	ck_assert(log_repeat_admit(&r, there, 1));
}
END_TEST

static Suite *
log_line_suite(void)
{
	Suite *suite = suite_create("log_line");
	TCase *lines = tcase_create("lines");
	TCase *repeats = tcase_create("repeats");

	tcase_add_test(lines, a_line_of_text_has_words_and_values);
	tcase_add_test(lines, a_line_of_json_says_the_same);
	tcase_add_test(lines, syslog_has_a_head_of_its_own);
	tcase_add_loop_test(lines, any_byte_leaves_json_valid, 0, 256);
	tcase_add_loop_test(lines, what_does_not_fit_leaves_json_valid, 0, 5);
	tcase_add_test(lines, a_cut_value_ends_in_dots);
	tcase_add_test(lines, formats_have_words);
	suite_add_tcase(suite, lines);
	tcase_add_test(repeats, a_few_are_written_and_the_rest_is_counted);
	tcase_add_test(repeats, a_slow_trickle_is_written_whole);
	tcase_add_test(
	    repeats, sites_have_rows_of_their_own_while_there_are_any);
	tcase_add_test(repeats, another_site_begins_anew);
	suite_add_tcase(suite, repeats);
	return suite;
}

int
main(void)
{
	return unit_run(log_line_suite());
}
