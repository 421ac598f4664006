/*
 * test_relay.c - requests and answers pass through as they are.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "tests/integration/ask.h"

#define BIG ((size_t)16 << 20)
#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}"

/* --- methods and bodies -------------------------------------------------- */

static const struct {
	const char *method;
	const char *target;
	const char *body; /* NULL: none */
} method_rows[] = {
	{ "GET", "/mcp", NULL },
	{ "GET", "/mcp?a=b&c=%20d", NULL },
	{ "GET", "/.well-known/oauth-protected-resource", NULL },
	{ "POST", "/mcp", CALL },
	{ "POST", "/mcp", "" },
	{ "POST", "/message?sessionId=1", "no JSON at all" },
	{ "DELETE", "/mcp", NULL },
	{ "OPTIONS", "/mcp", NULL },
	{ "PUT", "/other", "put" },
	{ "PATCH", "/other", "patch" },
};

START_TEST(method_target_and_body_pass)
{
	const char *body = method_rows[_i].body;
	struct origin_request seen;
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ask_send_to(&c, method_rows[_i].method, method_rows[_i].target,
	    "answer 207 text/x-test \"some text\"", "", body);
	ask_answer(&c, 207);
	assert_field(&c, "Content-Type", "text/x-test");
	assert_body(&c, "some text");
	rig_request(1, &seen);
	ck_assert_str_eq(seen.method.data, method_rows[_i].method);
	ck_assert_str_eq(seen.target.data, method_rows[_i].target);
	ck_assert_str_eq(seen.body.data, body != NULL ? body : "");
	ck_assert(seen.complete);
	rig_assert_requests(1);
	origin_request_fini(&seen);
	client_close(&c);
}
END_TEST

START_TEST(absolute_target_becomes_a_path)
{
	struct origin_request seen;
	struct client c;
	char target[64];

	rig_start(NULL);
	snprintf(target, sizeof(target), "http://127.0.0.1:%u/mcp?x=1",
	    rig.proxy_port);
	ask_open(&c);
	ask_send_to(&c, "GET", target, "answer 200 text/plain a", "", NULL);
	ask_answer(&c, 200);
	rig_request(1, &seen);
	ck_assert_str_eq(seen.target.data, "/mcp?x=1");
	origin_request_fini(&seen);
	client_close(&c);
}
END_TEST

static void
expect_pattern(const char *data, size_t len, size_t wanted)
{
	ck_assert_uint_eq(len, wanted);
	for (size_t i = 0; i < len; i++)
		if (data[i] != bytes_pattern(i))
			ck_abort_msg("byte %zu is wrong", i);
}

START_TEST(big_body_goes_up_whole)
{
	struct origin_request seen;
	struct bytes body = { 0 };
	struct client c;
	char hash[17];

	rig_start(NULL);
	for (size_t i = 0; i < BIG; i++) {
		char byte = bytes_pattern(i);

		bytes_add(&body, &byte, 1);
	}
	snprintf(hash, sizeof(hash), "%016llx",
	    (unsigned long long)XXH64(body.data, body.len, 0));
	ask_open(&c);
	ck_assert_int_eq(client_sendf(&c,
			     "POST /mcp HTTP/1.1\r\nHost: localhost\r\n"
			     "X-Script: answer 200 text/plain ok\r\n"
			     "Content-Length: %zu\r\n\r\n",
			     BIG),
	    0);
	ck_assert_int_eq(client_send(&c, body.data, body.len, SOON), 0);
	ask_answer(&c, 200);
	rig_request(1, &seen);
	ck_assert(seen.complete);
	ck_assert_uint_eq(seen.body_length, BIG);
	ck_assert_str_eq(seen.body_hash, hash);
	origin_request_fini(&seen);
	bytes_fini(&body);
	client_close(&c);
}
END_TEST

static const char *const big_framings[] = { "length=16MiB", "chunked",
	"close" };

START_TEST(big_body_comes_down_whole)
{
	struct client c;
	char script[128];

	rig_start(NULL);
	snprintf(script, sizeof(script), "head 200 text/plain %s; fill 16MiB",
	    big_framings[_i]);
	ask(&c, "POST", script, "", CALL, 200);
	expect_pattern(c.body.data, c.body.len, BIG);
	client_close(&c);
}
END_TEST

/* --- fields -------------------------------------------------------------- */

static const char *const end_to_end_fields[] = {
	"Authorization: Bearer abc.def==",
	"Cookie: a=b; c=d",
	"Mcp-Session-Id: 1234-abcd",
	"MCP-Protocol-Version: 2025-11-25",
	"Mcp-Method: tools/list",
	"Mcp-Param-Region: =?base64?w6Q=?=",
	"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	"Accept: application/json, text/event-stream",
	"User-Agent: test/1",
	"X-Unknown: \xe4\xf6\xfc \xff with  two blanks",
	"X-Empty:",
	"x-lower-Case: Value",
	"Content-Type: application/json; charset=utf-8",
	"If-None-Match: \"a\"",
};

/* The line stands in the head, blanks around the value aside. */
static void
expect_line(const struct message *m, const char *line)
{
	char name[64];
	size_t name_len = strcspn(line, ":"), len;
	const char *value = line + name_len + 1, *at;

	value += strspn(value, " ");
	snprintf(name, sizeof(name), "%.*s", (int)name_len, line);
	at = message_field(m, name, &len);
	ck_assert_msg(at != NULL, "%s is missing in:\n%s", name, m->head.data);
	ck_assert_msg(len == strlen(value) && memcmp(at, value, len) == 0,
	    "%s was changed to:\n%s", line, m->head.data);
	ck_assert_uint_eq(message_count(m, name), 1);
}

START_TEST(end_to_end_fields_pass_up)
{
	struct origin_request seen;
	struct bytes fields = { 0 };
	struct client c;

	rig_start(NULL);
	for (size_t i = 0; i < ARRAY_LEN(end_to_end_fields); i++)
		bytes_addf(&fields, "%s\r\n", end_to_end_fields[i]);
	ask(&c, "POST", "answer 200 text/plain ok", fields.data, CALL, 200);
	rig_request(1, &seen);
	for (size_t i = 0; i < ARRAY_LEN(end_to_end_fields); i++)
		expect_line(&seen.message, end_to_end_fields[i]);
	origin_request_fini(&seen);
	bytes_fini(&fields);
	client_close(&c);
}
END_TEST

START_TEST(repeated_fields_keep_their_order)
{
	struct origin_request seen;
	struct client c;
	const char *first, *second;

	rig_start(NULL);
	ask(&c, "POST",
	    "field \"Set-Cookie: a=1\"; field \"Set-Cookie: b=2\"; "
	    "answer 200 text/plain ok",
	    "X-Many: one\r\nX-Many: two\r\n", CALL, 200);
	rig_request(1, &seen);
	first = strstr(seen.message.head.data, "X-Many: one");
	second = strstr(seen.message.head.data, "X-Many: two");
	ck_assert(first != NULL && second != NULL && first < second);
	first = strstr(c.message.head.data, "Set-Cookie: a=1");
	second = strstr(c.message.head.data, "Set-Cookie: b=2");
	ck_assert(first != NULL && second != NULL && first < second);
	origin_request_fini(&seen);
	client_close(&c);
}
END_TEST

START_TEST(fields_of_answers_pass_down)
{
	static const char *const lines[] = { "WWW-Authenticate: Bearer "
					     "resource_metadata=x",
		"Mcp-Session-Id: s-1", "Retry-After: 7", "X-Odd: \xe4\xff  b",
		"Access-Control-Allow-Origin: *", "ETag: W/1",
		"Location: http://localhost/elsewhere" };
	struct bytes script = { 0 };
	struct client c;

	rig_start(NULL);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		bytes_addf(&script, "field \"%s\"; ", lines[i]);
	bytes_addf(&script, "answer 401 application/json {}");
	ask(&c, "POST", script.data, "", CALL, 401);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		expect_line(&c.message, lines[i]);
	bytes_fini(&script);
	client_close(&c);
}
END_TEST

START_TEST(hop_by_hop_fields_stop_here)
{
	static const char *const names[] = { "X-Named", "Keep-Alive", "TE",
		"Proxy-Connection", "Upgrade", "Expect" };
	struct origin_request seen;
	struct client c;

	rig_start(NULL);
	ask(&c, "POST",
	    "field \"Keep-Alive: timeout=5\"; field \"Connection: X-Mine\"; "
	    "field \"X-Mine: 1\"; answer 200 text/plain ok",
	    "Connection: keep-alive, X-Named, Upgrade, TE\r\n"
	    "X-Named: secret\r\nKeep-Alive: timeout=9\r\nTE: trailers\r\n"
	    "Proxy-Connection: keep-alive\r\nUpgrade: h2c\r\n",
	    CALL, 200);
	rig_request(1, &seen);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_msg(message_count(&seen.message, names[i]) == 0,
		    "%s went upstream:\n%s", names[i], seen.message.head.data);
	ck_assert_uint_eq(message_count(&c.message, "X-Mine"), 0);
	ck_assert_uint_eq(message_count(&c.message, "Keep-Alive"), 0);
	origin_request_fini(&seen);
	client_close(&c);
}
END_TEST

START_TEST(forwarded_fields_tell_the_client)
{
	struct origin_request seen;
	struct client c;
	char host[32];

	rig_start(NULL);
	ask(&c, "POST", "answer 200 text/plain ok",
	    "X-Forwarded-For: 192.0.2.7\r\n", CALL, 200);
	rig_request(1, &seen);
	ck_assert(message_field_is(
	    &seen.message, "X-Forwarded-For", "192.0.2.7, 127.0.0.1"));
	ck_assert(message_field_is(&seen.message, "X-Forwarded-Proto", "http"));
	snprintf(host, sizeof(host), "127.0.0.1:%u", rig.proxy_port);
	ck_assert(message_field_is(&seen.message, "X-Forwarded-Host", host));
	snprintf(host, sizeof(host), "127.0.0.1:%u", rig.origin_port);
	ck_assert(message_field_is(&seen.message, "Host", host));
	ck_assert(
	    message_field_is(&seen.message, "Accept-Encoding", "identity"));
	origin_request_fini(&seen);
	client_close(&c);
}
END_TEST

START_TEST(event_streams_are_not_to_be_buffered)
{
	struct client c;

	rig_start(NULL);
	ask_stream(&c, "POST", "head 200 text/event-stream chunked; never",
	    _i == 0 ? "" : MODERN, 200);
	assert_field(&c, "X-Accel-Buffering", "no");
	assert_field(&c, "Cache-Control", "no-cache, no-transform");
	client_close(&c);
}
END_TEST

/* --- connections --------------------------------------------------------- */

START_TEST(connections_are_kept_on_both_sides)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	for (unsigned n = 1; n <= 3; n++) {
		ask_send(&c, "POST", "answer 200 text/plain ok", "", CALL);
		ask_answer(&c, 200);
		assert_body(&c, "ok");
		ck_assert(client_is_open(&c));
	}
	rig_assert_requests(3);
	ck_assert_uint_eq(origin_log_connections(rig.log), 1);
	client_close(&c);
}
END_TEST

START_TEST(connection_close_is_obeyed)
{
	struct client c;

	rig_start(NULL);
	ask(&c, "POST", "answer 200 text/plain ok", "Connection: close\r\n",
	    CALL, 200);
	assert_field(&c, "Connection", "close");
	ck_assert_int_eq(client_wait_closed(&c, SOON), 0);
	client_close(&c);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ck_assert_int_eq(
	    client_sendf(&c,
		"POST /mcp HTTP/1.1\r\nHost: localhost\r\n"
		"X-Script: wait 100; answer 200 text/plain first\r\n"
		"Content-Length: 3\r\n\r\nabc"
		"GET /other HTTP/1.1\r\nHost: localhost\r\n"
		"X-Script: answer 200 text/plain second\r\n\r\n"
		"POST /mcp HTTP/1.1\r\nHost: localhost\r\n"
		"Transfer-Encoding: chunked\r\nX-Script: echo\r\n\r\n"
		"5\r\nthird\r\n0\r\n\r\n"),
	    0);
	ask_answer(&c, 200);
	assert_body(&c, "first");
	ask_answer(&c, 200);
	assert_body(&c, "second");
	ask_answer(&c, 200);
	assert_body(&c, "third");
	ck_assert(client_is_open(&c));
	rig_assert_requests(3);
	client_close(&c);
}
END_TEST

START_TEST(expectation_is_met_here)
{
	struct origin_request seen;
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ck_assert_int_eq(
	    client_sendf(&c,
		"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Script: echo\r\n"
		"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
	    0);
	ck_assert_int_eq(client_read_head(&c, false, SOON), CLIENT_COMPLETE);
	ck_assert_int_eq(c.status, 100);
	ck_assert_int_eq(client_sendf(&c, "body"), 0);
	ask_answer(&c, 200);
	assert_body(&c, "body");
	rig_request(1, &seen);
	ck_assert_uint_eq(message_count(&seen.message, "Expect"), 0);
	origin_request_fini(&seen);
	client_close(&c);
}
END_TEST

START_TEST(interim_answers_do_no_harm)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ask_send(&c, "POST",
	    "info 103 \"Link: </a>\"; info 102; answer 200 text/plain ok", "",
	    CALL);
	do
		ck_assert_int_le(
		    client_read_head(&c, false, SOON), CLIENT_WAITING);
	while (c.status / 100 == 1);
	(void)client_read_rest(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	ck_assert_int_eq(c.status, 200);
	assert_body(&c, "ok");
	client_close(&c);
}
END_TEST

/*
 * The origin closes each connection after one answer, without saying so.
 * Before the next request, it has: or else it might have read that one.
 */
START_TEST(closed_upstream_connections_are_not_used)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	for (unsigned n = 1; n <= 20; n++) {
		ask_send(&c, "POST", "answer 200 text/plain ok; cut", "", CALL);
		ask_answer(&c, 200);
		wait_for(origin_log_count(rig.log, "mark", "cut") == n);
	}
	rig_assert_requests(20);
	client_close(&c);
}
END_TEST

/*
 * A kept connection breaks with a request on it that may or may not have
 * been read: nobody can tell, so a POST is not sent again.
 */
START_TEST(post_is_not_repeated_in_doubt)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ask_send(
	    &c, "POST", "answer 200 text/plain ok; await go; reset", "", CALL);
	ask_answer(&c, 200);
	ask_send(&c, "POST", "answer 200 text/plain ok", "", CALL);
	if (origin_log_connections(rig.log) == 1)
		rig_open_gate("go");
	(void)client_read_answer(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	if (c.status == 200) { /* it took another connection from the start */
		rig_assert_requests(2);
	} else {
		ck_assert_int_eq(c.status, 502);
		assert_rpc_error(&c, "1");
		rig_assert_requests(1);
	}
	client_close(&c);
}
END_TEST

START_TEST(get_may_be_repeated)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ask_send_to(&c, "GET", "/other",
	    "answer 200 text/plain ok; await go; reset", "", NULL);
	ask_answer(&c, 200);
	ask_send_to(
	    &c, "GET", "/other", "answer 200 text/plain again", "", NULL);
	rig_open_gate("go");
	ask_answer(&c, 200);
	assert_body(&c, "again");
	rig_assert_requests(2);
	client_close(&c);
}
END_TEST

START_TEST(answer_before_the_body_arrives)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ck_assert_int_eq(
	    client_sendf(&c,
		"POST /mcp HTTP/1.1\r\nHost: localhost\r\n"
		"X-Script: early; answer 401 text/plain no; cut\r\n"
		"Content-Length: 1000000\r\n\r\nstart"),
	    0);
	ask_answer(&c, 401);
	assert_body(&c, "no");
	client_close(&c);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "bodies");

	tcase_add_loop_test(
	    tc, method_target_and_body_pass, 0, (int)ARRAY_LEN(method_rows));
	tcase_add_test(tc, absolute_target_becomes_a_path);
	tcase_add_test(tc, big_body_goes_up_whole);
	tcase_add_loop_test(
	    tc, big_body_comes_down_whole, 0, (int)ARRAY_LEN(big_framings));
	tc = harness_case(suite, "fields");
	tcase_add_test(tc, end_to_end_fields_pass_up);
	tcase_add_test(tc, repeated_fields_keep_their_order);
	tcase_add_test(tc, fields_of_answers_pass_down);
	tcase_add_test(tc, hop_by_hop_fields_stop_here);
	tcase_add_test(tc, forwarded_fields_tell_the_client);
	tcase_add_loop_test(tc, event_streams_are_not_to_be_buffered, 0, 2);
	tc = harness_case(suite, "connections");
	tcase_add_test(tc, connections_are_kept_on_both_sides);
	tcase_add_test(tc, connection_close_is_obeyed);
	tcase_add_test(tc, pipelined_requests_are_answered_in_order);
	tcase_add_test(tc, expectation_is_met_here);
	tcase_add_test(tc, interim_answers_do_no_harm);
	tcase_add_test(tc, closed_upstream_connections_are_not_used);
	tcase_add_test(tc, post_is_not_repeated_in_doubt);
	tcase_add_test(tc, get_may_be_repeated);
	tcase_add_test(tc, answer_before_the_body_arrives);
}

int
main(void)
{
	return harness_main("relay", add_cases);
}
