/*
 * test_jsonrpc.c - the members of JSON-RPC messages, in texts that are cut
 * anywhere.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/jsonrpc_error.h"
#include "common/sc.h"
#include "tests/unit/jsonrpc_run.h"
#include "tests/unit/unit.h"

/* 32 and 62 characters of a string */
#define X32 "0123456789abcdef0123456789abcdef"
#define X62 X32 "0123456789abcdef0123456789abcd"

/* clang-format off */
static const struct {
	const char *input;
	const char *want; /* jsonrpc_run.h */
} rows[] = {
	/* kinds */
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
	  "\"params\":{\"name\":\"x\",\"arguments\":{\"a\":[1,{}]}}}",
	  "request (tools/call) id.number=1;." },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}",
	  "notification (notifications/message);." },
	{ "{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"}]\"}]},"
	  "\"jsonrpc\":\"2.0\",\"id\":\"a-7\"}",
	  "response id.string=\"a-7\";." },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
	  "response id.number=1;." },
	{ "{\"id\":1,\"result\":null}", "response id.number=1;." },
	{ "{\"id\":1,\"error\":{\"code\":-32603,\"message\":\"no\"}}",
	  "error id.number=1;." },
	{ "{\"error\":{\"code\":-1},\"id\":null}", "error id.null=null;." },
	{ "{\"error\":{\"code\":-1}}", "error;." },
	{ "{\"id\":1,\"result\":1,\"error\":null}",
	  "response id.number=1;." },
	{ "{\"id\":1,\"result\":1,\"error\":{}}", "error id.number=1;." },
	{ "{\"id\":1,\"error\":{},\"error\":null,\"result\":0}",
	  "response id.number=1;." },
	{ "{\"id\":null,\"method\":\"x\"}", "request (x) id.null=null;." },
	{ "{\"id\":3,\"method\":\"x\",\"result\":1}",
	  "request (x) id.number=3;." },
	{ "{}", "unknown;." },
	{ "{\"id\":4}", "unknown id.number=4;." },
	{ "{\"a\":{\"id\":1,\"method\":\"x\"},\"b\":[{\"result\":1}]}",
	  "unknown;." },
	{ "{\"params\":{\"id\":1,\"method\":\"x\",\"result\":{}}}",
	  "unknown;." },
	{ "{\"result\":{\"id\":1,\"error\":{}},\"id\":2}",
	  "response id.number=2;." },

	/* white space, everywhere */
	{ " \t\r\n{ \"id\" : 1 ,\n\"method\"\t:\r\"a\" , \"params\" : { } } \n",
	  "request (a) id.number=1;." },

	/* ids are raw tokens */
	{ "{\"id\":\"1\",\"method\":\"x\"}",
	  "request (x) id.string=\"1\";." },
	{ "{\"id\":9007199254740993,\"result\":0}",
	  "response id.number=9007199254740993;." },
	{ "{\"id\":123456789012345678901234567890,\"result\":0}",
	  "response id.number=123456789012345678901234567890;." },
	{ "{\"id\":-0.5e+10,\"result\":0}",
	  "response id.number=-0.5e+10;." },
	{ "{\"id\":0,\"result\":0}", "response id.number=0;." },
	{ "{\"id\":1E5}", "unknown id.number=1E5;." },
	{ "{\"id\":\"\",\"result\":0}", "response id.string=\"\";." },
	{ "{\"id\":\"a\\\"b\\\\\",\"result\":0}",
	  "response id.string=\"a\\\"b\\\\\";." },
	{ "{\"id\":\"\\u00e9\\/\\n\",\"result\":0}",
	  "response id.string=\"\\u00e9\\/\\n\";." },
	{ "{\"id\":\"\xc3\xa9\",\"result\":0}",
	  "response id.string=\"\xc3\xa9\";." },
	{ "{\"id\":\"" X62 "\",\"result\":0}",
	  "response id.string=\"" X62 "\";." },
	{ "{\"id\":\"" X62 "x\",\"result\":0}", "response id.long=;." },
	{ "{\"id\":\"" X62 X62 "\",\"method\":\"x\"}",
	  "request (x) id.long=;." },
	{ "{\"id\":\"" X62 "\\u0041\",\"result\":0}", "response id.long=;." },
	{ "{\"id\":1" X32 "}", "!" },
	{ "{\"id\":true,\"method\":\"x\"}", "request (x) id.other=;." },
	{ "{\"id\":false,\"method\":\"x\"}", "request (x) id.other=;." },
	{ "{\"id\":{\"id\":1},\"method\":\"x\"}", "request (x) id.other=;." },
	{ "{\"id\":[1],\"method\":\"x\"}", "request (x) id.other=;." },

	/* methods */
	{ "{\"method\":\"initialize\",\"id\":0}",
	  "request INITIALIZE(initialize) id.number=0;." },
	{ "{\"method\":\"notifications/cancelled\"}",
	  "notification CANCELLED(notifications/cancelled);." },
	{ "{\"method\":\"notifications\\/progress\"}",
	  "notification PROGRESS(notifications/progress);." },
	{ "{\"method\":\"notifications\\u002fpro\\u0067ress\"}",
	  "notification PROGRESS(notifications/progress);." },
	{ "{\"method\":\"initialized\"}", "notification (initialized);." },
	{ "{\"method\":\"initializ\"}", "notification (initializ);." },
	{ "{\"method\":\"Initialize\"}", "notification (Initialize);." },
	{ "{\"method\":\"\"}", "notification ();." },
	{ "{\"method\":\"a\\nb\\u000a\\u007f\\u1041\\uD83D\\\"\"}",
	  "notification (a?b????\");." },
	{ "{\"method\":\"" X32 "01234567\"}",
	  "notification (" X32 "01234567);." },
	{ "{\"method\":\"" X32 "012345678\"}", "notification ();." },
	{ "{\"method\":null}", "notification ();." },
	{ "{\"method\":17,\"id\":1}", "request () id.number=1;." },
	{ "{\"method\":{\"method\":\"x\"}}", "notification ();." },
	{ "{\"method\":[\"x\"]}", "notification ();." },

	/* names: any order, escapes, look-alikes; of two the last counts */
	{ "{\"\\u0069d\":1,\"\\u006d\\u0065thod\":\"x\"}",
	  "request (x) id.number=1;." },
	{ "{\"i\\u0064\":1,\"id\\u0000\":2,\"i\\/d\":3}",
	  "unknown id.number=1;." },
	{ "{\"\":1,\"i\":1,\"idd\":1,\"Id\":1,\" id\":1,\"id \":1}",
	  "unknown;." },
	{ "{\"methods\":\"a\",\"metho\":\"b\",\"resul\":1,\"errors\":{}}",
	  "unknown;." },
	{ "{\"\\\"id\":1,\"id\\\\\":2,\"\\\\id\":2}", "unknown;." },
	{ "{\"id\":1,\"id\":\"two\",\"result\":0}",
	  "response id.string=\"two\";." },
	{ "{\"id\":\"" X62 X62 "\",\"id\":2}", "unknown id.number=2;." },
	{ "{\"method\":\"initialize\",\"method\":\"x\"}",
	  "notification (x);." },

	/* the other value: cancelled */
	{ "{\"method\":\"notifications/cancelled\","
	  "\"params\":{\"requestId\":\"r1\",\"reason\":\"x\"}}",
	  "notification CANCELLED(notifications/cancelled) "
	  "request=\"r1\";." },
	{ "{\"params\":{\"reason\":\"x\",\"requestId\":12},"
	  "\"method\":\"notifications/cancelled\"}",
	  "notification CANCELLED(notifications/cancelled) request=12;." },
	{ "{\"method\":\"notifications/cancelled\",\"params\":{"
	  "\"requestId\":{},\"_meta\":{\"progressToken\":1}}}",
	  "notification CANCELLED(notifications/cancelled) request=;." },
	{ "{\"method\":\"notifications/cancelled\",\"params\":{"
	  "\"requestId\":\"" X62 X62 "\"}}",
	  "notification CANCELLED(notifications/cancelled) request=;." },
	{ "{\"method\":\"notifications/cancelled\",\"params\":{"
	  "\"requestId\":null}}",
	  "notification CANCELLED(notifications/cancelled) request=;." },
	{ "{\"method\":\"notifications/cancelled\",\"params\":[\"requestId\"]}",
	  "notification CANCELLED(notifications/cancelled);." },
	{ "{\"method\":\"notifications/cancelled\",\"params\":{"
	  "\"a\":{\"requestId\":1},\"b\":[{\"requestId\":1}]}}",
	  "notification CANCELLED(notifications/cancelled);." },
	{ "{\"method\":\"notifications/cancelled\",\"requestId\":5}",
	  "notification CANCELLED(notifications/cancelled);." },
	{ "{\"method\":\"notifications/cancelled\",\"params\":{"
	  "\"requestId\":1},\"params\":{}}",
	  "notification CANCELLED(notifications/cancelled);." },
	{ "{\"method\":\"notifications/cancelled\",\"params\":{"
	  "\"requestId\":1,\"requestId\":2}}",
	  "notification CANCELLED(notifications/cancelled) request=2;." },

	/* progress */
	{ "{\"method\":\"notifications/progress\",\"params\":{"
	  "\"progress\":1,\"progressToken\":7,\"protocolVersion\":\"x\"}}",
	  "notification PROGRESS(notifications/progress) token=7;." },
	{ "{\"params\":{\"progressToken\":\"t\",\"_meta\":{"
	  "\"progressToken\":8}},\"method\":\"notifications/progress\"}",
	  "notification PROGRESS(notifications/progress) token=\"t\";." },
	{ "{\"method\":\"notifications/progress\",\"params\":{"
	  "\"progress\":1,\"progressTokens\":7,\"progressT\":1}}",
	  "notification PROGRESS(notifications/progress);." },

	{ "{\"method\":\"notifications/progress\",\"params\":{"
	  "\"rrogressToken\":7,\"_rogressToken\":7,\"reogressToken\":7}}",
	  "notification PROGRESS(notifications/progress);." },

	/* a value that the method does not call for, ahead of it */
	{ "{\"params\":{\"requestId\":1},\"method\":\"x\"}",
	  "notification (x);." },
	{ "{\"params\":{\"protocolVersion\":1,\"progressToken\":2},"
	  "\"method\":\"notifications/progress\"}",
	  "notification PROGRESS(notifications/progress);." },
	{ "{\"result\":{\"protocolVersion\":\"x\"},\"method\":\"initialize\"}",
	  "notification INITIALIZE(initialize);." },

	/* requests with a progress token */
	{ "{\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"x\","
	  "\"_meta\":{\"a\":{\"progressToken\":1},\"progressToken\":99,"
	  "\"b\":2},\"arguments\":{\"_meta\":{\"progressToken\":3}}}}",
	  "request (tools/call) id.number=1 meta.token=99;." },
	{ "{\"params\":{\"_meta\":{\"progressToken\":\"p\"}},"
	  "\"id\":1,\"method\":\"tools/call\"}",
	  "request (tools/call) id.number=1 meta.token=\"p\";." },
	{ "{\"id\":1,\"method\":\"tools/call\",\"params\":{"
	  "\"progressToken\":5,\"requestId\":6}}",
	  "request (tools/call) id.number=1;." },
	{ "{\"id\":1,\"method\":\"tools/call\",\"_meta\":{"
	  "\"progressToken\":5}}",
	  "request (tools/call) id.number=1;." },
	{ "{\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{"
	  "\"progressToken\":5},\"_meta\":{}}}",
	  "request (x) id.number=1;." },

	/* initialize, and its answer */
	{ "{\"id\":0,\"method\":\"initialize\",\"params\":{\"_meta\":{"
	  "\"progressToken\":1},\"protocolVersion\":\"2025-11-25\","
	  "\"capabilities\":{\"protocolVersion\":1}}}",
	  "request INITIALIZE(initialize) id.number=0 "
	  "version=\"2025-11-25\";." },
	{ "{\"params\":{\"protocolVersion\":\"2025-06-18\",\"_meta\":{"
	  "\"progressToken\":1}},\"method\":\"initialize\",\"id\":0}",
	  "request INITIALIZE(initialize) id.number=0 "
	  "version=\"2025-06-18\";." },
	{ "{\"result\":{\"protocolVersion\":\"2025-11-25\",\"serverInfo\":{"
	  "\"name\":\"x\"}},\"jsonrpc\":\"2.0\",\"id\":0}",
	  "response id.number=0 result.version=\"2025-11-25\";." },
	{ "{\"id\":0,\"result\":{\"a\":{\"protocolVersion\":1}}}",
	  "response id.number=0;." },
	{ "{\"id\":0,\"result\":{\"protocolVersion\":true}}",
	  "response id.number=0 result.version=;." },
	{ "{\"id\":0,\"method\":\"initialize\",\"result\":{"
	  "\"protocolVersion\":\"x\"}}",
	  "request INITIALIZE(initialize) id.number=0;." },

	/* batches */
	{ "[{\"id\":1,\"method\":\"a\"},{\"method\":\"b\"} , "
	  "{\"id\":\"2\",\"result\":{}}]",
	  "+request (a) id.number=1;+notification (b);"
	  "+response id.string=\"2\";." },
	{ " [ {\"id\":1,\"method\":\"initialize\",\"params\":{"
	  "\"protocolVersion\":\"x\"}},{\"id\":2,\"error\":{}}, {} ] ",
	  "+request INITIALIZE(initialize) id.number=1 version=\"x\";"
	  "+error id.number=2;+unknown;." },
	{ "[]", "." },
	{ "[{}", "+unknown;" },
	{ "[{},]", "+unknown;!" },
	{ "[,{}]", "!" },
	{ "[{}{}]", "+unknown;!" },
	{ "[1]", "!" },
	{ "[[{}]]", "!" },
	{ "[{}]]", "+unknown;!" },
	{ "[{}}", "+unknown;!" },

	/* not complete */
	{ "", "" },
	{ " ", "" },
	{ "{", "" },
	{ "{\"id\":1", "" },
	{ "{\"id\":1,\"method\":\"x\"", "" },
	{ "{\"a\":\"}", "" },
	{ "{\"a\":[\"\\", "" },

	/* not JSON-RPC */
	{ "1", "!" }, { "null", "!" }, { "\"x\"", "!" }, { "}", "!" },
	{ "]", "!" }, { "x", "!" }, { ",", "!" }, { ":", "!" },
	{ "\xEF\xBB\xBF{}", "!" },
	{ "{}{}", "unknown;!" }, { "{},", "unknown;!" },
	{ "{}}", "unknown;!" }, { "{}]", "unknown;!" },
	{ "{]", "!" }, { "{,}", "!" }, { "{:1}", "!" }, { "{1:1}", "!" },
	{ "{id:1}", "!" }, { "{'id':1}", "!" }, { "{\"id\"}", "!" },
	{ "{\"id\",1}", "!" }, { "{\"id\":}", "!" }, { "{\"id\"::1}", "!" },
	{ "{\"id\":1,}", "!" }, { "{\"id\":1 2}", "!" },
	{ "{\"id\":1,,\"a\":2}", "!" }, { "{\"id\":1]", "!" },
	{ "{\"id\" \"a\":1}", "!" }, { "{\"id\":1;\"a\":2}", "!" },
	{ "{\"a\":tru}", "!" }, { "{\"a\":truee}", "!" },
	{ "{\"a\":True}", "!" }, { "{\"a\":nul}", "!" },
	{ "{\"a\":falsy}", "!" }, { "{\"a\":undefined}", "!" },
	{ "{\"a\":01}", "!" }, { "{\"a\":+1}", "!" }, { "{\"a\":-}", "!" },
	{ "{\"a\":-a}", "!" }, { "{\"a\":1.}", "!" }, { "{\"a\":.1}", "!" },
	{ "{\"a\":1e}", "!" }, { "{\"a\":1e+}", "!" }, { "{\"a\":1-2}", "!" },
	{ "{\"a\":1.5.5}", "!" }, { "{\"a\":--1}", "!" },
	{ "{\"a\":1ee5}", "!" }, { "{\"a\":NaN}", "!" },
	{ "{\"id\":\"\\x\"}", "!" }, { "{\"id\":\"\\u12g4\"}", "!" },
	{ "{\"id\":\"a\nb\"}", "!" }, { "{\"id\":\"a\tb\"}", "!" },
	{ "{\"method\":\"a\nb\"}", "!" }, { "{\"\\x\":1}", "!" },
	{ "{\"\\u00\":1}", "!" },
	{ "{\"params\":{\"a\":1,}}", "!" },
	{ "{\"params\":{\"_meta\":{\"a\"}}}", "!" },
	{ "{\"params\":{\"requestId\":1x}}", "!" },

	/* numbers and literals that are not kept */
	{ "{\"a\":-0,\"b\":10.25e-3,\"c\":true,\"d\":false,\"e\":null,"
	  "\"f\":0e1,\"g\":[],\"h\":{},\"i\":\"\\u0041\\\\\",\"id\":1}",
	  "unknown id.number=1;." },
};
/* clang-format on */

static void
check_run(
    struct jsonrpc_run *run, const char *want, const struct jsonrpc *whole)
{
	jsonrpc_run_end(run);
	ck_assert_str_eq(run->text, want);
	ck_assert(jsonrpc_is_valid(&run->scanner));
	if (whole != NULL)
		ck_assert_mem_eq(&run->scanner, whole, sizeof(*whole));
	jsonrpc_run_free(run);
}

START_TEST(every_cut_finds_the_same)
{
	const char *input = rows[_i].input, *want = rows[_i].want;
	size_t len = strlen(input), cut;
	struct jsonrpc_run run;
	struct jsonrpc whole;

	jsonrpc_run_begin(&run);
	jsonrpc_run_feed(&run, input, len);
	whole = run.scanner;
	check_run(&run, want, NULL);
	for (cut = 0; cut <= len; cut++) {
		jsonrpc_run_begin(&run);
		jsonrpc_run_feed(&run, input, cut);
		jsonrpc_run_feed(&run, input + cut, len - cut);
		check_run(&run, want, &whole);
	}
	jsonrpc_run_begin(&run);
	for (cut = 0; cut < len; cut++)
		jsonrpc_run_feed(&run, input + cut, 1);
	check_run(&run, want, &whole);
}
END_TEST

START_TEST(nul_is_no_json)
{
	static const char *const wrong[] = { "\0{}", "{\0}", "{\"a\":\0}",
		"{\"id\":\"\0\"}", "{\"id\":\"\\\0\"}" };
	static const size_t lens[] = { 3, 3, 7, 10, 11 };
	struct jsonrpc_run run;
	size_t i;

	for (i = 0; i < ARRAY_LEN(wrong); i++) {
		jsonrpc_run_begin(&run);
		jsonrpc_run_feed(&run, wrong[i], lens[i]);
		check_run(&run, "!", NULL);
	}
}
END_TEST

/* Brackets in brackets: `depth` of them below a member. */
static void
feed_nested(struct jsonrpc_run *run, size_t depth)
{
	size_t i;

	jsonrpc_run_begin(run);
	jsonrpc_run_feed(run, "{\"a\":", 5);
	for (i = 0; i < depth; i++)
		jsonrpc_run_feed(run, i % 2 ? "{" : "[", 1);
	for (i = depth; i-- > 0;)
		jsonrpc_run_feed(run, i % 2 ? "}" : "]", 1);
	jsonrpc_run_feed(run, ",\"id\":1}", 8);
}

START_TEST(depth_is_counted)
{
	struct jsonrpc_run run;

	feed_nested(&run, 1000);
	check_run(&run, "unknown id.number=1;.", NULL);
	feed_nested(&run, JSONRPC_DEPTH_MAX);
	check_run(&run, "unknown id.number=1;.", NULL);
	feed_nested(&run, JSONRPC_DEPTH_MAX + 1);
	check_run(&run, "!", NULL);
}
END_TEST

START_TEST(large_strings_are_passed_over)
{
	size_t len = 1 << 20, i;
	char *buf = malloc(len);
	struct jsonrpc_run run;

	ck_assert_ptr_nonnull(buf);
	memset(buf, 'x', len);
	jsonrpc_run_begin(&run);
	jsonrpc_run_feed(&run, "{\"result\":{\"text\":\"", 19);
	for (i = 0; i < 16; i++)
		jsonrpc_run_feed(&run, buf, len);
	jsonrpc_run_feed(&run, "\"},\"id\":5}", 10);
	check_run(&run, "response id.number=5;.", NULL);
	free(buf);
}
END_TEST

/* An error that is written before must not speak of another request. */
START_TEST(half_an_id_is_none)
{
	static const char *const halves[] = { "{\"id\":\"", "{\"id\":\"ab",
		"{\"id\":\"ab\\", "{\"id\":12", "{\"id\":nul" };
	static const char *const rests[] = { "\",", "\",", "n\",", ",", "l," };
	const char *half = halves[_i], *rest = rests[_i];
	struct jsonrpc_text id;
	struct jsonrpc j;
	bool message;

	jsonrpc_init(&j);
	(void)jsonrpc_next(&j, half, strlen(half), &message);
	ck_assert_int_eq(jsonrpc_id(&j, &id), JSONRPC_TOKEN_ABSENT);
	ck_assert_uint_eq(id.len, 0);
	(void)jsonrpc_next(&j, rest, strlen(rest), &message);
	ck_assert_int_ne(jsonrpc_id(&j, &id), JSONRPC_TOKEN_ABSENT);
	ck_assert_uint_gt(id.len, 0);
}
END_TEST

START_TEST(fields_last_until_the_next_call)
{
	static const char text[] = "[{\"id\":1,\"method\":\"a\"},{}]";
	struct jsonrpc_text id;
	struct jsonrpc j;
	bool message;
	size_t n;

	jsonrpc_init(&j);
	n = jsonrpc_next(&j, text, sizeof(text) - 1, &message);
	ck_assert_uint_eq(n, 22);
	ck_assert(message);
	ck_assert_int_eq(jsonrpc_kind(&j), JSONRPC_REQUEST);
	ck_assert_int_eq(jsonrpc_id(&j, &id), JSONRPC_TOKEN_NUMBER);
	n += jsonrpc_next(&j, text + n, sizeof(text) - 1 - n, &message);
	ck_assert_uint_eq(n, 25);
	ck_assert(message);
	ck_assert_int_eq(jsonrpc_kind(&j), JSONRPC_UNKNOWN);
	ck_assert_int_eq(jsonrpc_id(&j, &id), JSONRPC_TOKEN_ABSENT);
	ck_assert(!jsonrpc_is_complete(&j));
	n = jsonrpc_next(&j, text + n, 1, &message);
	ck_assert_uint_eq(n, 1);
	ck_assert(!message);
	ck_assert(jsonrpc_is_complete(&j));
	ck_assert_uint_eq(jsonrpc_next(&j, text, 0, &message), 0);
	ck_assert(!message);
}
END_TEST

START_TEST(params_are_passed_over_if_they_may_be)
{
	static const char text[] =
	    "{\"method\":\"a\",\"params\":{\"_meta\":{\"progressToken\":7},"
	    "\"id\":2,\"x\":[\"]}\\\"\",{}]},\"id\":\"b\"}";
	struct jsonrpc j = { 0 };
	struct jsonrpc_text got;
	bool message;

	jsonrpc_init(&j);
	(void)jsonrpc_next(&j, text, sizeof(text) - 1, &message);
	ck_assert(message);
	ck_assert_int_eq(
	    jsonrpc_extra(&j, &got), JSONRPC_EXTRA_META_PROGRESS_TOKEN);
	jsonrpc_place_init(&j.place, JSONRPC_LOOK_SHALLOW);
	(void)jsonrpc_next(&j, text, sizeof(text) - 1, &message);
	ck_assert(message);
	ck_assert_int_eq(jsonrpc_extra(&j, &got), JSONRPC_EXTRA_NONE);
	ck_assert_int_eq(jsonrpc_kind(&j), JSONRPC_REQUEST);
	ck_assert_int_eq(jsonrpc_id(&j, &got), JSONRPC_TOKEN_STRING);
	ck_assert_uint_eq(got.len, 3);
	ck_assert_mem_eq(got.text, "\"b\"", 3);
}
END_TEST

/* Use all that there is to ask, so that sanitizers see what it reads. */
static size_t
ask_everything(const struct jsonrpc *j)
{
	struct jsonrpc_text text = jsonrpc_method_text(j);
	size_t sum = 0, i;

	for (i = 0; i < text.len; i++)
		sum += (unsigned char)text.text[i];
	sum += (size_t)jsonrpc_id(j, &text);
	for (i = 0; i < text.len; i++)
		sum += (unsigned char)text.text[i];
	sum += (size_t)jsonrpc_extra(j, &text);
	for (i = 0; i < text.len; i++)
		sum += (unsigned char)text.text[i];
	sum += (size_t)jsonrpc_kind(j) + (size_t)jsonrpc_method(j);
	return sum + jsonrpc_is_batch(j) + jsonrpc_is_complete(j);
}

START_TEST(any_state_is_survived)
{
	static const char text[] =
	    "\\\"u00e9\\\"0.5e3,\"id\":\"\\u0041\",\"method\":\"x\",\"params\":"
	    "{\"requestId\":true,\"_meta\":{\"progressToken\":[{\"a\":1}]}}}]";
	unsigned char bytes[sizeof(struct jsonrpc)];
	size_t i, k, n, valid = 0;
	volatile size_t sum = 0;
	struct jsonrpc j;
	bool message;

	srand(1);
	for (i = 0; i < 300000; i++) {
		for (k = 0; k < sizeof(bytes); k++)
			bytes[k] = (unsigned char)rand();
		/* most of them only a little beside the truth */
		for (k = 2; k < 16 && i % 4; k++)
			bytes[k] %= i % 3 ? 5 : 20;
		memcpy(&j, bytes, sizeof(j));
		valid += jsonrpc_is_valid(&j);
		sum += ask_everything(&j);
		for (n = 0; n < sizeof(text) - 1;) {
			k = jsonrpc_next(
			    &j, text + n, sizeof(text) - 1 - n, &message);
			ck_assert_uint_gt(k, 0);
			n += k;
			ck_assert_uint_le(n, sizeof(text) - 1);
		}
		ck_assert(jsonrpc_is_valid(&j));
		sum += ask_everything(&j);
	}
	ck_assert_uint_gt(valid, 0);
	ck_assert_uint_lt(valid, 300000);
}
END_TEST

/* clang-format off */
static const struct {
	const char *id;
	int code;
	const char *message;
	const char *want;
} error_rows[] = {
	{ "1", -32000, "upstream is gone",
	  "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,"
	  "\"message\":\"upstream is gone\"}}" },
	{ "\"a\\\"b\"", 0, "",
	  "{\"jsonrpc\":\"2.0\",\"id\":\"a\\\"b\",\"error\":{\"code\":0,"
	  "\"message\":\"\"}}" },
	{ "", 7, "a\"b\\c\n\x01\x1f\x7f\xc3\xa9",
	  "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":7,"
	  "\"message\":\"a\\\"b\\\\c\\u000a\\u0001\\u001f\x7f\xc3\xa9\"}}" },
	{ "null", -2147483647 - 1, "x",
	  "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{"
	  "\"code\":-2147483648,\"message\":\"x\"}}" },
};
/* clang-format on */

START_TEST(errors_are_written)
{
	const char *id = error_rows[_i].id, *want = error_rows[_i].want;
	size_t len = strlen(want), cap;
	char buf[256];

	for (cap = 0; cap < sizeof(buf); cap++) {
		memset(buf, '#', sizeof(buf));
		ck_assert_uint_eq(
		    jsonrpc_error_write(buf, cap, id, strlen(id),
			error_rows[_i].code, error_rows[_i].message),
		    cap < len ? 0 : len);
		if (cap >= len)
			ck_assert_mem_eq(buf, want, len);
		ck_assert_int_eq(buf[cap], '#');
	}
}
END_TEST

START_TEST(errors_are_messages)
{
	struct jsonrpc_run run;
	char buf[256];
	size_t len;

	len = jsonrpc_error_write(buf, sizeof(buf), "\"x\"", 3, -1, "\"\\\n");
	ck_assert_uint_gt(len, 0);
	jsonrpc_run_begin(&run);
	jsonrpc_run_feed(&run, buf, len);
	check_run(&run, "error id.string=\"x\";.", NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("jsonrpc");
	TCase *tc = tcase_create("jsonrpc");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_cut_finds_the_same, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, nul_is_no_json);
	tcase_add_test(tc, depth_is_counted);
	tcase_add_test(tc, large_strings_are_passed_over);
	tcase_add_loop_test(tc, half_an_id_is_none, 0, 5);
	tcase_add_test(tc, fields_last_until_the_next_call);
	tcase_add_test(tc, params_are_passed_over_if_they_may_be);
	tcase_add_test(tc, any_state_is_survived);
	tcase_add_loop_test(tc, errors_are_written, 0, ARRAY_LEN(error_rows));
	tcase_add_test(tc, errors_are_messages);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
