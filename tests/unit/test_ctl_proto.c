/*
 * test_ctl_proto.c - what goes over the control socket, and what may not.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ctl_proto.h"
#include "tests/unit/unit.h"

/* --- the table --------------------------------------------------------------
 */

START_TEST(each_command_is_found_by_its_words)
{
	const struct ctl_command_row *row =
	    ctl_command_row((enum ctl_command)_i);

	ck_assert_int_eq(ctl_command_find(row->words, strlen(row->words)), _i);
	ck_assert_int_eq(ctl_command_find(row->words, strlen(row->words) - 1),
	    CTL_COMMAND_COUNT);
	ck_assert_uint_le(row->least, row->most);
	ck_assert_uint_le(row->most, CTL_ARGUMENTS_MAX);
	ck_assert(row->help[0] != '\0');
	ck_assert_int_eq(row->most > 0, row->arguments[0] != '\0');
}
END_TEST

/* --- requests
 * ----------------------------------------------------------------- */

static void
fill(struct ctl_request *request, unsigned command)
{
	const struct ctl_command_row *row;

	memset(request, 0, sizeof(*request));
	request->command = (enum ctl_command)command;
	request->bodies = command == CTL_TAP;
	request->force = command == CTL_UPGRADE;
	row = ctl_command_row(request->command);
	request->argument_count = row->most;
	for (unsigned i = 0; i < row->most; i++)
		(void)snprintf(request->arguments[i],
		    sizeof(request->arguments[i]), "argument %u \xc3\xa4", i);
}

static int
decode(const char *p, size_t len, struct ctl_request *ret)
{
	const char *why = NULL;
	char *exact = malloc(len + 1); /* a look beyond the end is seen */
	int r;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, p, len);
	exact = realloc(exact, len > 0 ? len : 1);
	r = ctl_request_decode(exact, len, ret, &why);
	ck_assert_int_le(r, 0);
	if (r != 0)
		ck_assert(why != NULL && why[0] != '\0');
	free(exact);
	return r;
}

START_TEST(requests_come_out_as_they_went_in)
{
	struct ctl_request in, out;
	char buf[CTL_REQUEST_CAP];
	size_t len;

	fill(&in, (unsigned)_i);
	len = ctl_request_encode(&in, buf);
	ck_assert_uint_gt(len, CTL_HEAD_LEN);
	ck_assert_uint_eq(ctl_frame_len(buf), len - CTL_HEAD_LEN);
	ck_assert_int_eq(
	    decode(buf + CTL_HEAD_LEN, len - CTL_HEAD_LEN, &out), 0);
	ck_assert_mem_eq(&in, &out, sizeof(in));
}
END_TEST

START_TEST(shortened_requests_are_refused)
{
	struct ctl_request in, out;
	char buf[CTL_REQUEST_CAP];
	size_t len;

	fill(&in, CTL_TAP);
	len = ctl_request_encode(&in, buf) - CTL_HEAD_LEN;
	for (size_t cut = 0; cut < len; cut++)
		ck_assert_int_eq(
		    decode(buf + CTL_HEAD_LEN, cut, &out), -EPROTO);
}
END_TEST

START_TEST(wrong_numbers_of_arguments_are_refused)
{
	const struct ctl_command_row *row =
	    ctl_command_row((enum ctl_command)_i);
	struct ctl_request in, out;
	char buf[CTL_REQUEST_CAP];
	size_t len;

	for (unsigned n = 0; n <= CTL_ARGUMENTS_MAX; n++) {
		fill(&in, (unsigned)_i);
		in.argument_count = n;
		len = ctl_request_encode(&in, buf);
		ck_assert_int_eq(
		    decode(buf + CTL_HEAD_LEN, len - CTL_HEAD_LEN, &out),
		    n >= row->least && n <= row->most ? 0 : -EINVAL);
	}
	in.argument_count = CTL_ARGUMENTS_MAX + 1;
	ck_assert_uint_eq(ctl_request_encode(&in, buf), 0);
}
END_TEST

#define V "\xa7version"
#define C                                                                      \
	"\xa7"                                                                 \
	"command"
#define STATUS "\xa6status"
#define A                                                                      \
	"\xa9"                                                                 \
	"arguments"
#define B                                                                      \
	"\xa6"                                                                 \
	"bodies"

#define F                                                                      \
	"\xa5"                                                                 \
	"force"

/* clang-format off */
static const struct {
	const char *bytes;
	size_t len;
	int result;
} request_rows[] = {
#define ROW(text, result) { text, sizeof(text) - 1, result }
	ROW("\x82" V "\x01" C STATUS, 0),
	ROW("\x82" C STATUS V "\x01", 0),
	ROW("\x82" V "\xcf\0\0\0\0\0\0\0\x01" C STATUS, 0),
	ROW("\xde\0\x02" V "\x01" C "\xd9\x06status", 0),
	ROW("\x83" V "\x01" C STATUS A "\x90", 0),
	ROW("\x84" V "\x01" C STATUS A "\x90" B "\xc3", 0),
	ROW("\x82" V "\x02" C STATUS, -EPROTONOSUPPORT),
	ROW("\x82" V "\xff" C STATUS, -EPROTO),
	ROW("\x82" V "\xa1" "1" C STATUS, -EPROTO),
	ROW("\x81" V "\x01", -EPROTO),
	ROW("\x81" C STATUS, -EPROTO),
	ROW("\x83" V "\x01" C STATUS V "\x01", -EPROTO),
	ROW("\x83" V "\x01" C STATUS "\xa4more\x01", -EPROTO),
	ROW("\x82" V "\x01" C "\x01", -EPROTO),
	ROW("\x82" V "\x01" C "\xa6statuS", -ENOENT),
	ROW("\x82" V "\x01" C "\xa7status\0", -ENOENT),
	ROW("\x82" V "\x01" C "\xa0", -ENOENT),
	ROW("\x83" V "\x01" C STATUS A "\xa0", -EPROTO),
	ROW("\x83" V "\x01" C STATUS A "\x91\x01", -EINVAL),
	ROW("\x83" V "\x01" C "\xa3log" A "\x91\xa2" "a\0", -EINVAL),
	ROW("\x83" V "\x01" C STATUS A "\x93\xa0\xa0\xa0", -EINVAL),
	ROW("\x83" V "\x01" C STATUS B "\x01", -EPROTO),
	ROW("\x83" V "\x01" C STATUS B "\xc0", -EPROTO),
	ROW("\x83" V "\x01" C STATUS F "\xc3", 0),
	ROW("\x83" V "\x01" C STATUS F "\x01", -EPROTO),
	ROW("\x82" V "\x01" C STATUS "\x80", -EPROTO),
	ROW("\x82" "\x01\x01" C STATUS, -EPROTO),
	ROW("\x82" V "\x01" C "\xc4\x06status", -EPROTO), /* binary */
	ROW("\x82" V "\x01" C "\xd4\x01\x01", -EPROTO),   /* extension */
	ROW("\xc1", -EPROTO),
	ROW("\x90", -EPROTO),
	ROW("", -EPROTO),
#undef ROW
};
/* clang-format on */

START_TEST(requests_are_read_strictly)
{
	struct ctl_request out;

	ck_assert_int_eq(
	    decode(request_rows[_i].bytes, request_rows[_i].len, &out),
	    request_rows[_i].result);
}
END_TEST

/* A few bytes that claim very much. */
START_TEST(claims_take_no_memory)
{
	static const char *const claims[] = { "\xdd\xff\xff\xff\xff",
		"\xdf\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff",
		"\xdd\x0f\xff\xff\xff" };

	for (size_t i = 0; i < ARRAY_LEN(claims); i++)
		ck_assert(!ctl_is_clean(claims[i], 5));
	ck_assert(ctl_is_clean("\xdd\0\0\0\0", 5));
}
END_TEST

START_TEST(depth_is_limited)
{
	char nested[32];

	for (unsigned depth = 1; depth < sizeof(nested); depth++) {
		memset(nested, '\x91', depth);
		nested[depth - 1] = '\x90';
		ck_assert_int_eq(
		    ctl_is_clean(nested, depth), depth <= CTL_DEPTH_MAX);
	}
}
END_TEST

/* --- answers
 * -------------------------------------------------------------------- */

static msgpack_unpacked memory;

/* Take the first frame; what is left is moved to the front. */
static int
next_frame(struct ctl_out *out, struct ctl_answer *ret)
{
	uint32_t len = ctl_frame_len(out->buf);
	int r;

	ck_assert_uint_le(CTL_HEAD_LEN + len, out->len);
	r = ctl_answer_decode(out->buf + CTL_HEAD_LEN, len, &memory, ret);
	out->len -= CTL_HEAD_LEN + len;
	memmove(out->buf, out->buf + CTL_HEAD_LEN + len, out->len);
	return r;
}

static void
put_row(struct ctl_out *out, unsigned n)
{
	ctl_row_begin(out);
	ctl_put_uint(out, "number", n);
	ctl_put_text(out, "text", "twelve bytes");
	ctl_put_number(out, "real", n / 2.);
	ctl_put_bool(out, "odd", n % 2 == 1);
	ctl_put_nil(out, "nothing");
}

/* In a buffer of every size: each row is in one piece, whole and in order. */
START_TEST(rows_are_whole_in_any_buffer)
{
	char *buf = malloc(4096);
	struct ctl_answer answer;
	struct ctl_out out;
	unsigned put = 0, taken = 0;

	msgpack_unpacked_init(&memory);
	ctl_out_init(&out, buf, (size_t)_i);
	while (put < 20) {
		unsigned before = put;

		ctl_rows_begin(&out);
		for (;;) {
			put_row(&out, put);
			if (!ctl_row_end(&out) || ++put == 20)
				break;
		}
		ctl_rows_end(&out);
		if (put == before) { /* not even one fits */
			ck_assert_uint_eq(out.len, 0);
			ck_assert_int_lt(_i, 120);
			free(buf);
			return;
		}
		ck_assert_uint_le(out.len, (size_t)_i);
		ck_assert_int_eq(next_frame(&out, &answer), 0);
		ck_assert_int_eq(answer.kind, CTL_ANSWER_ROWS);
		for (uint32_t i = 0; i < answer.body.via.array.size; i++) {
			const msgpack_object *row =
			    &answer.body.via.array.ptr[i];

			ck_assert_uint_eq(row->via.map.size, 5);
			ck_assert_uint_eq(
			    row->via.map.ptr[0].val.via.u64, taken);
			taken++;
		}
		ck_assert_uint_eq(taken, put);
	}
	msgpack_unpacked_destroy(&memory);
	free(buf);
}
END_TEST

START_TEST(last_frames_say_how_it_went)
{
	static char buf[CTL_OUT_CAP], text[CTL_TEXT_MAX + 1];
	struct ctl_answer answer;
	struct ctl_out out;

	msgpack_unpacked_init(&memory);
	ctl_out_init(&out, buf, sizeof(buf));
	memset(text, 'x', CTL_TEXT_MAX);
	ck_assert(ctl_put_piece(&out, text, CTL_TEXT_MAX));
	ck_assert_uint_le(ctl_frame_len(buf), CTL_PIECE_MAX);
	ck_assert(!ctl_put_piece(&out, text, CTL_TEXT_MAX));
	ck_assert_int_eq(next_frame(&out, &answer), 0);
	ck_assert_int_eq(answer.kind, CTL_ANSWER_TEXT);
	ck_assert_uint_eq(answer.body.via.str.size, CTL_TEXT_MAX);
	ck_assert(ctl_put_done(&out, "well"));
	ck_assert(ctl_put_error(&out, "not"));
	ck_assert_int_eq(next_frame(&out, &answer), 0);
	ck_assert_int_eq(answer.kind, CTL_ANSWER_DONE);
	ck_assert_int_eq(next_frame(&out, &answer), 0);
	ck_assert_int_eq(answer.kind, CTL_ANSWER_ERROR);
	ck_assert_uint_eq(out.len, 0);
	msgpack_unpacked_destroy(&memory);
}
END_TEST

/* clang-format off */
static const struct {
	const char *bytes;
	size_t len;
	int result;
} answer_rows[] = {
#define ROW(text, result) { text, sizeof(text) - 1, result }
	ROW("\x82" V "\x01\xa4" "done\xa0", 0),
	ROW("\x82" V "\x01\xa5" "error\xa0", 0),
	ROW("\x82" V "\x01\xa4" "text\xa0", 0),
	ROW("\x82" V "\x01\xa4" "rows\x90", 0),
	ROW("\x82" V "\x01\xa4" "rows\x91\x80", 0),
	ROW("\x82" V "\x02\xa4" "done\xa0", -EPROTONOSUPPORT),
	ROW("\x82" V "\x01\xa4" "rows\x91\x01", -EPROTO),
	ROW("\x82" V "\x01\xa4" "rows\xa0", -EPROTO),
	ROW("\x82" V "\x01\xa4" "done\x01", -EPROTO),
	ROW("\x82" V "\x01\xa4" "what\xa0", -EPROTO),
	ROW("\x82\xa4" "done\xa0" V "\x01", -EPROTO),
	ROW("\x81" V "\x01", -EPROTO),
	ROW("\x80", -EPROTO),
	ROW("\x92" V "\x01", -EPROTO),
	ROW("", -EPROTO),
#undef ROW
};
/* clang-format on */

START_TEST(answers_are_read_strictly)
{
	struct ctl_answer answer;

	msgpack_unpacked_init(&memory);
	ck_assert_int_eq(ctl_answer_decode(answer_rows[_i].bytes,
			     answer_rows[_i].len, &memory, &answer),
	    answer_rows[_i].result);
	msgpack_unpacked_destroy(&memory);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ctl_proto");
	TCase *tc = tcase_create("ctl_proto");

	tcase_add_loop_test(
	    tc, each_command_is_found_by_its_words, 0, CTL_COMMAND_COUNT);
	tcase_add_loop_test(
	    tc, requests_come_out_as_they_went_in, 0, CTL_COMMAND_COUNT);
	tcase_add_test(tc, shortened_requests_are_refused);
	tcase_add_loop_test(
	    tc, wrong_numbers_of_arguments_are_refused, 0, CTL_COMMAND_COUNT);
	tcase_add_loop_test(
	    tc, requests_are_read_strictly, 0, ARRAY_LEN(request_rows));
	tcase_add_test(tc, claims_take_no_memory);
	tcase_add_test(tc, depth_is_limited);
	tcase_add_loop_test(tc, rows_are_whole_in_any_buffer, 0, 500);
	tcase_add_test(tc, last_frames_say_how_it_went);
	tcase_add_loop_test(
	    tc, answers_are_read_strictly, 0, ARRAY_LEN(answer_rows));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
