/*
 * test_limits.c - limits of time, size and number, and what an answer says
 * when something behind the proxy fails.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/integration/ask.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define STREAM "head 200 text/event-stream chunked; "
#define HEAD "POST /mcp HTTP/1.1\r\nHost: localhost\r\n"

/* --- time ---------------------------------------------------------------- */

static const char *const unfinished_heads[] = { "P", "POST /mcp HTTP/1.1\r\n",
	HEAD "X-A: b\r\n" };

START_TEST(slow_head_gets_408)
{
	struct client c;

	rig_start("--set", "client.head_timeout=300ms", NULL);
	ask_open(&c);
	ck_assert_int_eq(client_sendf(&c, "%s", unfinished_heads[_i]), 0);
	ask_answer(&c, 408);
	ck_assert_int_ne(client_wait_closed(&c, SOON), -ETIMEDOUT);
	rig_assert_requests(0);
	client_close(&c);
}
END_TEST

/* The limit is for the whole head: a byte now and then doesn't extend it. */
START_TEST(dripping_head_gets_408)
{
	struct client c;
	int64_t before = wire_now_ms();

	rig_start("--set", "client.head_timeout=300ms", NULL);
	ask_open(&c);
	while (client_sendf(&c, "a") == 0 &&
	       wire_watch(&c.wire, wire_now_ms() + 20) == 0)
		ck_assert_int_lt(wire_now_ms() - before, SOON);
	client_close(&c);
}
END_TEST

START_TEST(silent_connection_is_closed)
{
	struct client c;

	rig_start("--set", "client.head_timeout=300ms", "--set",
	    "client.idle_timeout=300ms", NULL);
	ask_open(&c);
	ck_assert_int_ne(client_wait_closed(&c, SOON), -ETIMEDOUT);
	client_close(&c);
}
END_TEST

START_TEST(slow_body_gets_408)
{
	struct client c;

	rig_start("--set", "client.body_timeout=300ms", NULL);
	ask_open(&c);
	ck_assert_int_eq(
	    client_sendf(&c, HEAD "%s",
		_i == 0 ? "Content-Length: 10\r\n\r\nabc"
			: "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
	    0);
	ask_answer(&c, 408);
	ck_assert_int_ne(client_wait_closed(&c, SOON), -ETIMEDOUT);
	ck_assert_uint_eq(origin_log_count(rig.log, "mark", NULL), 0);
	client_close(&c);
}
END_TEST

START_TEST(idle_connection_is_closed)
{
	struct client c;

	rig_start("--set", "client.idle_timeout=300ms", NULL);
	ask(&c, "POST", "answer 200 text/plain ok", "", CALL, 200);
	ck_assert_int_eq(client_wait_closed(&c, SOON), 0);
	client_close(&c);
}
END_TEST

START_TEST(deaf_upstream_gives_504)
{
	struct client c;

	rig_start_proxy_to(
	    rig_deaf_port(), "--set", "upstream.connect_timeout=300ms", NULL);
	ask_open(&c);
	ask_send(&c, "POST", "echo", "", CALL);
	(void)client_read_answer(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	ck_assert(c.status == 504 || c.status == 502);
	assert_rpc_error(&c, "1");
	client_close(&c);
}
END_TEST

START_TEST(silent_upstream_gives_504)
{
	struct client c;

	rig_start("--set", "upstream.response_timeout=300ms", NULL);
	ask(&c, "POST", "body; never", "", CALL, 504);
	assert_rpc_error(&c, "1");
	rig_assert_requests(1);
	client_close(&c);
}
END_TEST

START_TEST(streams_have_no_time_limit)
{
	struct client_event event;
	struct client c;

	rig_start("--set", "client.head_timeout=1s", "--set",
	    "client.body_timeout=1s", "--set", "client.idle_timeout=1s",
	    "--set", "upstream.response_timeout=1s", NULL);
	ask_stream(&c, "POST", STREAM "wait 2500; event data=late",
	    _i == 0 ? "" : MODERN, 200);
	ask_event(&c, &event);
	ck_assert_str_eq(event.data.data, "late");
	event_fini(&event);
	client_close(&c);
}
END_TEST

/* --- size ---------------------------------------------------------------- */

START_TEST(long_body_gets_413)
{
	struct client c;

	rig_start("--set", "client.max_body=64KiB", NULL);
	ask_open(&c);
	ck_assert_int_eq(
	    client_sendf(&c, HEAD "Content-Length: 65537\r\n\r\n"), 0);
	ask_answer(&c, 413); /* without waiting for the body */
	rig_assert_requests(0);
	client_close(&c);
}
END_TEST

START_TEST(long_chunked_body_gets_413)
{
	struct client c;

	rig_start("--set", "client.max_body=64KiB", NULL);
	ask_open(&c);
	ck_assert_int_eq(client_sendf(&c, HEAD
			     "Transfer-Encoding: chunked\r\n\r\n10001\r\n"),
	    0);
	(void)client_send_filling(&c, 65537, SOON);
	ask_answer(&c, 413);
	ck_assert_int_ne(client_wait_closed(&c, SOON), -ETIMEDOUT);
	client_close(&c);
}
END_TEST

START_TEST(body_at_the_limit_passes)
{
	struct client c;

	rig_start("--set", "client.max_body=64KiB", NULL);
	ask_open(&c);
	ck_assert_int_eq(
	    client_sendf(&c, HEAD "X-Script: answer 200 text/plain ok\r\n"
				  "Content-Length: 65536\r\n\r\n"),
	    0);
	ck_assert_int_eq(client_send_filling(&c, 65536, SOON), 0);
	ask_answer(&c, 200);
	client_close(&c);
}
END_TEST

/* A head with one long part, and the answer to it. */
static void
expect_refused(
    const char *before, size_t filling, const char *after, int status)
{
	struct bytes head = { 0 };
	struct client c;

	rig_start(NULL);
	bytes_addf(&head, "%s", before);
	bytes_fill(&head, 'a', filling);
	bytes_addf(&head, "%s", after);
	ask_open(&c);
	(void)client_send(&c, head.data, head.len, SOON);
	ask_answer(&c, status);
	ck_assert_int_ne(client_wait_closed(&c, SOON), -ETIMEDOUT);
	rig_assert_requests(0);
	bytes_fini(&head);
	client_close(&c);
}

START_TEST(long_target_gets_414)
{
	expect_refused(
	    "GET /", 9000, " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414);
}
END_TEST

START_TEST(endless_target_gets_414)
{
	expect_refused("GET /", 200000, "", 414);
}
END_TEST

START_TEST(long_field_gets_431)
{
	expect_refused(HEAD "X-A: ", 33000, "\r\n\r\n", 431);
}
END_TEST

START_TEST(many_fields_get_431)
{
	struct bytes head = { 0 };

	bytes_addf(&head, HEAD);
	for (int i = 0; i < 129; i++)
		bytes_addf(&head, "X-%d: 1\r\n", i);
	expect_refused(head.data, 0, "\r\n", 431);
	bytes_fini(&head);
}
END_TEST

/* --- failures behind the proxy ------------------------------------------- */

#define LONG_PARAMS 200000

static const struct {
	const char *before; /* the long parameters */
	const char *after;
	const char *id;
} id_rows[] = {
	{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"params\":\"", "\"}", "7" },
	{ "{\"params\":{\"id\":5,\"a\":\"",
	    "\"},\"method\":\"x\",\"jsonrpc\":\"2.0\",\"id\":\"last\"}",
	    "\"last\"" },
	{ "{\"params\":[\"", "\\\"id\\\":1\",{\"id\":2}],\"id\":-3}", "-3" },
	{ "{\"id\":9007199254740993,\"x\":\"", "\"}", "9007199254740993" },
	{ "{\"id\":\"\\u00e4\\\"\\\\\",\"x\":\"", "\"}",
	    "\"\\u00e4\\\"\\\\\"" },
	{ "{\"method\":\"notifications/x\",\"x\":\"", "\"}", "null" },
	{ "this is no JSON ", "", "null" },
};

START_TEST(refused_upstream_gives_502_with_the_id)
{
	struct bytes body = { 0 };
	struct client c;

	rig_start_proxy_to(rig_closed_port(), NULL);
	bytes_addf(&body, "%s", id_rows[_i].before);
	bytes_fill(&body, 'x', LONG_PARAMS);
	bytes_addf(&body, "%s", id_rows[_i].after);
	ask(&c, "POST", "echo", "", body.data, 502);
	assert_rpc_error(&c, id_rows[_i].id);
	ck_assert(client_is_open(&c));
	bytes_fini(&body);
	client_close(&c);
}
END_TEST

START_TEST(refused_upstream_comes_back)
{
	struct client c;

	rig_start(NULL);
	rig_stop_origin();
	ask(&c, "POST", "echo", "", CALL, 502);
	rig_start_origin(NULL);
	ask_send(&c, "POST", "echo", "", CALL);
	ask_answer(&c, 200);
	assert_body(&c, CALL);
	client_close(&c);
}
END_TEST

/* --- number -------------------------------------------------------------- */

#define MANY 1000

static void
raise_file_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert_uint_gt(limit.rlim_cur, 4 * MANY);
}

/* Root may raise the hard limit; who may not says what there is room for. */
START_TEST(limit_of_files_is_raised_or_complained_of)
{
	const struct rlimit low = { 600, 600 }, high = { 2400, 2400 };
	bool may;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	may = setrlimit(RLIMIT_NOFILE, &high) == 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	rig_start("--set", "client.max_connections=1000", NULL);
	ck_assert(file_has(rig.proxy.err, "room for 1000 client") == may);
	ck_assert(file_has(rig.proxy.err, "limit of open files") == !may);
}
END_TEST

START_TEST(thousand_streams_at_a_time)
{
	struct client *clients = calloc(MANY, sizeof(*clients));
	struct client_event event;

	raise_file_limit();
	rig_start(NULL);
	ck_assert_ptr_nonnull(clients);
	for (int i = 0; i < MANY; i++)
		ask_stream(&clients[i], "POST",
		    STREAM "event data=first; await go; event data=second",
		    i % 2 == 0 ? "" : MODERN, 200);
	rig_assert_requests(MANY);
	rig_open_gate("go");
	for (int i = 0; i < MANY; i++) {
		ask_event(&clients[i], &event);
		ck_assert_str_eq(event.data.data, "first");
		event_fini(&event);
		ask_event(&clients[i], &event);
		ck_assert_str_eq(event.data.data, "second");
		event_fini(&event);
		client_close(&clients[i]);
	}
	free(clients);
}
END_TEST

START_TEST(connection_beyond_the_session_gets_429)
{
	struct client c, streams[2], late;

	rig_start("--set", "session.max_connections=2", NULL);
	ask(&c, "POST",
	    "field \"Mcp-Session-Id: s1\"; answer 200 application/json "
	    "\"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":1,\\\"result\\\":{}}\"",
	    "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}",
	    200);
	client_close(&c);
	for (int i = 0; i < 2; i++)
		ask_stream(&streams[i], "POST", STREAM "never",
		    "Mcp-Session-Id: s1\r\n", 200);
	ask(&late, "POST", "answer 200 text/plain ok", "Mcp-Session-Id: s1\r\n",
	    CALL, 429);
	assert_rpc_error(&late, "1");
	rig_assert_requests(3);
	for (int i = 0; i < 2; i++)
		client_close(&streams[i]);
	client_close(&late);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "time");

	tcase_add_loop_test(
	    tc, slow_head_gets_408, 0, ARRAY_LEN(unfinished_heads));
	tcase_add_test(tc, dripping_head_gets_408);
	tcase_add_test(tc, silent_connection_is_closed);
	tcase_add_loop_test(tc, slow_body_gets_408, 0, 2);
	tcase_add_test(tc, idle_connection_is_closed);
	tcase_add_test(tc, deaf_upstream_gives_504);
	tcase_add_test(tc, silent_upstream_gives_504);
	tcase_add_loop_test(tc, streams_have_no_time_limit, 0, 2);
	tc = harness_case(suite, "size");
	tcase_add_test(tc, long_body_gets_413);
	tcase_add_test(tc, long_chunked_body_gets_413);
	tcase_add_test(tc, body_at_the_limit_passes);
	tcase_add_test(tc, long_target_gets_414);
	tcase_add_test(tc, endless_target_gets_414);
	tcase_add_test(tc, long_field_gets_431);
	tcase_add_test(tc, many_fields_get_431);
	tc = harness_case(suite, "failures");
	tcase_add_loop_test(
	    tc, refused_upstream_gives_502_with_the_id, 0, ARRAY_LEN(id_rows));
	tcase_add_test(tc, refused_upstream_comes_back);
	tc = harness_case(suite, "number");
	tcase_add_test(tc, limit_of_files_is_raised_or_complained_of);
	tcase_add_test(tc, thousand_streams_at_a_time);
	tcase_add_test(tc, connection_beyond_the_session_gets_429);
}

int
main(void)
{
	return harness_main("limits", add_cases);
}
