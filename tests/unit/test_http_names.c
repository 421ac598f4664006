/*
 * test_http_names.c - the tables: fields, methods, faults, bytes.
 */
#include "config.h"

#include <check.h>
#include <ctype.h>

#include "common/http_chars.h"
#include "common/http_names.h"
#include "common/sc.h"
#include "tests/unit/unit.h"

/* Every row of the table is found by its name, in any case of letters. */
START_TEST(field_names_are_known)
{
	for (int id = 1; id < HTTP_FIELD_COUNT; id++) {
		struct http_slice name =
		    http_field_name((enum http_field_id)id);
		char buf[64];

		ck_assert_int_eq(http_field_lookup(name), id);
		memcpy(buf, name.p, name.len);
		for (uint32_t i = 0; i < name.len; i++) {
			buf[i] = (char)toupper((uint8_t)buf[i]);
			ck_assert_int_eq(http_field_lookup((struct http_slice){
					     buf, name.len }),
			    id);
		}
		for (uint32_t i = 0; i < name.len; i++) {
			buf[i] = (char)tolower((uint8_t)buf[i]);
			ck_assert_int_eq(http_field_lookup((struct http_slice){
					     buf, name.len }),
			    id);
		}
		/* In a token no byte but a letter has another case. */
		for (uint32_t i = 0; i < name.len; i++) {
			char was = buf[i];

			for (unsigned c = 0; c < 256; c++) {
				buf[i] = (char)c;
				ck_assert(
				    (http_field_lookup((struct http_slice){
					 buf, name.len }) ==
					(enum http_field_id)id) ==
				    (tolower((int)c) == was));
			}
			buf[i] = was;
		}
		buf[name.len / 2] = '_';
		ck_assert_int_ne(
		    http_field_lookup((struct http_slice){ buf, name.len }),
		    id);
		ck_assert_int_ne(http_field_lookup((struct http_slice){
				     name.p, name.len - 1 }),
		    id);
	}
	ck_assert_int_eq(
	    http_field_lookup((struct http_slice){ "", 0 }), HTTP_FIELD_OTHER);
	ck_assert_uint_eq(http_field_flags(HTTP_FIELD_OTHER), 0);
}
END_TEST

START_TEST(methods_are_known)
{
	ck_assert_ptr_null(http_method_name(HTTP_METHOD_OTHER));
	for (int id = 1; id < HTTP_METHOD_COUNT; id++) {
		const char *name = http_method_name((enum http_method_id)id);

		ck_assert_int_eq(http_method_lookup(http_slice_of(name)), id);
	}
}
END_TEST

START_TEST(faults_have_status_and_text)
{
	for (int id = 1; id < HTTP_FAULT_COUNT; id++) {
		enum http_fault fault = (enum http_fault)id;
		unsigned status = http_fault_status(fault);

		if (fault == HTTP_FAULT_NOTHING_LEFT)
			ck_assert_uint_eq(status, 204);
		else
			ck_assert_uint_ge(status, 400);
		ck_assert_str_ne(http_status_reason(status), "Unknown");
		ck_assert_uint_gt(strlen(http_fault_text(fault)), 10);
		/* It stands inside JSON: quotes are the writer's business. */
		ck_assert_ptr_null(strchr(http_fault_text(fault), '\\'));
	}
	ck_assert_uint_eq(http_fault_status((enum http_fault)9999), 0);
	ck_assert_uint_eq(http_fault_status(HTTP_FAULT_HEAD_LONG), 431);
	ck_assert_uint_eq(http_fault_status(HTTP_FAULT_EXPECT), 417);
	ck_assert_uint_eq(http_fault_status(HTTP_FAULT_VERSION), 505);
	ck_assert_uint_eq(http_fault_status(HTTP_FAULT_TRANSFER_CODING), 501);
	ck_assert_str_eq(http_fault_name(HTTP_FAULT_NUL), "NUL");
}
END_TEST

/* The table of bytes against the grammar. */
START_TEST(byte_kinds_are_those_of_the_grammar)
{
	for (int c = 0; c < 256; c++) {
		bool visible = c > 0x20 && c < 0x7f;
		bool alnum = c < 0x80 && isalnum(c);
		bool token =
		    alnum || (visible && strchr("!#$%&'*+-.^_`|~", c) != NULL);
		bool text = visible || c == ' ' || c == '\t' || c >= 0x80;
		char byte = (char)c;

		ck_assert_int_eq(http_char_is(byte, HTTP_CHAR_TOKEN), token);
		ck_assert_int_eq(
		    http_char_is(byte, HTTP_CHAR_TARGET), visible && c != '#');
		ck_assert_int_eq(http_char_is(byte, HTTP_CHAR_TEXT), text);
		ck_assert_int_eq(http_char_is(byte, HTTP_CHAR_HOST),
		    alnum || (visible && strchr("-._~", c) != NULL));
	}
}
END_TEST

/* Eight at a time finds what one at a time finds, at every place. */
START_TEST(text_is_skipped_eight_at_a_time)
{
	char buf[24];

	for (size_t at = 0; at < sizeof(buf); at++) {
		for (int c = 0; c < 256; c++) {
			memset(buf, at % 2 ? 0xff : 'a', sizeof(buf));
			buf[at] = (char)c;
			ck_assert_ptr_eq(
			    http_chars_skip_text(buf, buf + sizeof(buf)),
			    http_chars_skip(
				buf, buf + sizeof(buf), HTTP_CHAR_TEXT));
		}
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tables");
	Suite *s = suite_create("http_names");

	tcase_add_test(tc, field_names_are_known);
	tcase_add_test(tc, methods_are_known);
	tcase_add_test(tc, faults_have_status_and_text);
	tcase_add_test(tc, byte_kinds_are_those_of_the_grammar);
	tcase_add_test(tc, text_is_skipped_eight_at_a_time);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
