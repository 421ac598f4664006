/*
 * test_era.c - legacy and modern requests are told apart and served so.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/ask.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define STREAM "head 200 text/event-stream chunked; "
#define PROTOCOL(v) "MCP-Protocol-Version: " v "\r\n"

/* --- a client that leaves ------------------------------------------------ */

enum era { LEGACY, NEW };

static const struct {
	const char *fields;
	enum era era;
} version_rows[] = {
	{ "", LEGACY },
	{ PROTOCOL("2024-11-05"), LEGACY },
	{ PROTOCOL("2025-11-25"), LEGACY },
	{ PROTOCOL("2026-07-27"), LEGACY },
	{ PROTOCOL("2026-07-28"), NEW },
	{ PROTOCOL("2026-08-01"), NEW },
	{ PROTOCOL("2027-01-01"), NEW },
	{ PROTOCOL("2026-7-28"), LEGACY },
	{ PROTOCOL("2026-07-28x"), LEGACY },
	{ PROTOCOL("banana"), LEGACY },
	{ PROTOCOL(""), LEGACY },
	{ PROTOCOL("2026-07-28") "Mcp-Session-Id: s\r\n", NEW },
	{ PROTOCOL("2026-07-28") "Last-Event-ID: 1\r\n", NEW },
};

/*
 * A request on another connection of the one worker: what was sent to it
 * before has been seen when its answer is here.
 */
static void
let_worker_turn(void)
{
	struct client c;

	ask(&c, "GET", "answer 200 text/plain ok", "", NULL, 200);
	client_close(&c);
}

START_TEST(version_decides_what_leaving_means)
{
	struct client_event event;
	struct client c;

	rig_start(NULL);
	ask_stream(&c, "POST",
	    STREAM "event data=first; await go; event data=second; mark done",
	    version_rows[_i].fields, 200);
	ask_event(&c, &event);
	event_fini(&event);
	client_close(&c);
	if (version_rows[_i].era == NEW) {
		wait_for(origin_log_closed(rig.log, 1));
		rig_open_gate("go");
		ck_assert_uint_eq(origin_log_count(rig.log, "mark", NULL), 0);
		return;
	}
	let_worker_turn();
	ck_assert(!origin_log_closed(rig.log, 1));
	rig_open_gate("go");
	wait_for(origin_log_count(rig.log, "mark", "done") == 1);
}
END_TEST

static const char *const waiting_scripts[] = { "body; never",
	"head 200 application/json length=10; text some; never" };

START_TEST(modern_client_that_leaves_cancels)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ask_send(&c, "POST", waiting_scripts[_i], MODERN, CALL);
	wait_for(origin_log_requests(rig.log) == 1);
	if (_i == 1)
		ck_assert_int_eq(
		    client_read_head(&c, false, SOON), CLIENT_WAITING);
	client_close(&c);
	wait_for(origin_log_closed(rig.log, 1));
	rig_assert_requests(1);
}
END_TEST

/* A FIN alone says it as well; so does a reset. */
START_TEST(modern_client_that_finishes_cancels)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ask_send(&c, "POST", "body; never", MODERN, CALL);
	wait_for(origin_log_requests(rig.log) == 1);
	if (_i == 0)
		client_finish(&c);
	else
		client_reset(&c);
	wait_for(origin_log_closed(rig.log, 1));
	if (_i == 0)
		client_close(&c);
}
END_TEST

START_TEST(legacy_request_without_stream_goes_on)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ask_send(&c, "POST",
	    "body; await go; answer 200 text/plain ok; "
	    "mark done",
	    "", CALL);
	wait_for(origin_log_requests(rig.log) == 1);
	client_close(&c);
	let_worker_turn();
	ck_assert(!origin_log_closed(rig.log, 1));
	rig_open_gate("go");
	wait_for(origin_log_count(rig.log, "mark", "done") == 1);
}
END_TEST

/* --- event ids ----------------------------------------------------------- */

#define MINTED_RANDOM 22

static bool
is_minted(const struct bytes *id)
{
	static const char base64url[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return id->len > 4 + MINTED_RANDOM + 1 &&
	       strncmp(id->data, "sc1.", 4) == 0 &&
	       strspn(id->data + 4, base64url) == MINTED_RANDOM &&
	       id->data[4 + MINTED_RANDOM] == '.' &&
	       strspn(id->data + 4 + MINTED_RANDOM + 1, "0123456789") ==
		   id->len - 4 - MINTED_RANDOM - 1;
}

START_TEST(legacy_events_without_ids_get_some)
{
	struct client_event one, two;
	struct client c;

	rig_start(NULL);
	ask_stream(&c, "POST",
	    STREAM "event data=a; event event=message data=b",
	    PROTOCOL("2025-06-18"), 200);
	ask_event(&c, &one);
	ask_event(&c, &two);
	ck_assert_msg(is_minted(&one.id), "id %s", one.id.data);
	ck_assert_msg(is_minted(&two.id), "id %s", two.id.data);
	ck_assert_str_ne(one.id.data, two.id.data);
	ck_assert_str_eq(one.data.data, "a");
	ck_assert_str_eq(two.data.data, "b");
	ck_assert_str_eq(two.type.data, "message");
	event_fini(&one);
	event_fini(&two);
	client_close(&c);
}
END_TEST

START_TEST(ids_of_the_upstream_stay)
{
	struct client_event event;
	struct client c;

	rig_start(NULL);
	ask_stream(&c, "POST", STREAM "event id=\"up 1\" data=a",
	    PROTOCOL("2025-06-18"), 200);
	ask_event(&c, &event);
	ck_assert_str_eq(event.raw.data, "id: up 1\ndata: a\n\n");
	event_fini(&event);
	client_close(&c);
}
END_TEST

static const struct {
	const char *fields;
	const char *method;
	const char *script;
	bool primed;
} priming_rows[] = {
	{ PROTOCOL("2025-11-25"), "tools/call", STREAM "await go; event data=a",
	    true },
	{ PROTOCOL("2025-06-18"), "tools/call", STREAM "await go; event data=a",
	    false },
	{ "", "tools/call", STREAM "await go; event data=a", false },
	{ PROTOCOL("2025-11-25"), "initialize", STREAM "await go; event data=a",
	    false },
	{ MODERN, "tools/call", STREAM "await go; event data=a", false },
};

START_TEST(priming_event_comes_where_it_belongs)
{
	struct client_event event;
	struct client c;
	char body[128];

	rig_start(NULL);
	ask_open(&c);
	snprintf(body, sizeof(body),
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}",
	    priming_rows[_i].method);
	ask_send(
	    &c, "POST", priming_rows[_i].script, priming_rows[_i].fields, body);
	(void)client_read_head(&c, false, SOON);
	assert_end(&c, CLIENT_WAITING);
	if (!priming_rows[_i].primed)
		rig_open_gate("go");
	do
		ck_assert(client_read_event(&c, &event, SOON));
	while (event.is_comment);
	if (priming_rows[_i].primed) {
		ck_assert(is_minted(&event.id));
		ck_assert(event.has_data);
		ck_assert_uint_eq(event.data.len, 0);
	} else {
		ck_assert_str_eq(event.data.data, "a");
	}
	event_fini(&event);
	client_close(&c);
}
END_TEST

static void
assert_event(struct client *c, const char *data)
{
	struct client_event event;

	ck_assert(client_read_event(c, &event, SOON));
	ck_assert(is_minted(&event.id));
	ck_assert_str_eq(event.data.data, data);
	event_fini(&event);
}

/* What comes with the head, and what is cut off it. */
static const struct {
	const char *start, *rest;
} halves[] = {
	{ "data: ha", "lf\\n\\n" },
	{ "\\xEF\\xBB", "\\xBFdata: half\\n\\n" },
};

/* Neither does it come within an event that was cut behind the head. */
START_TEST(priming_event_comes_before_half_an_event)
{
	char script[256];
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	snprintf(script, sizeof(script),
	    "bytes \"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream"
	    "\\r\\nConnection: close\\r\\n\\r\\n%s\"; await go; "
	    "bytes \"%s\"; await on; cut",
	    halves[_i].start, halves[_i].rest);
	ask_send(&c, "POST", script, PROTOCOL("2025-11-25"), CALL);
	(void)client_read_head(&c, false, SOON);
	assert_event(&c, "");
	rig_open_gate("go");
	assert_event(&c, "half");
	rig_open_gate("on");
	client_close(&c);
}
END_TEST

/* The server was asked for identity; what it sends instead is not ours. */
START_TEST(compressed_events_pass_as_they_are)
{
	struct client c;

	rig_start(NULL);
	ask(&c, "POST",
	    "field \"Content-Encoding: x-gzip\"; answer 200 text/event-stream "
	    "Z",
	    PROTOCOL("2025-11-25"), CALL, 200);
	assert_body(&c, "Z");
	client_close(&c);
}
END_TEST

START_TEST(silent_stream_gets_comments)
{
	struct client_event event;
	struct client c;

	rig_start("--set", "stream.keepalive_interval=100ms", NULL);
	ask_stream(&c, "POST", STREAM "event data=a; never",
	    _i == 0 ? "" : MODERN, 200);
	ask_event(&c, &event);
	event_fini(&event);
	if (_i == 0) { /* the body of a modern answer is never touched */
		ck_assert(client_read_event(&c, &event, SOON));
		ck_assert(event.is_comment);
		event_fini(&event);
	} else {
		ck_assert(!client_read_event(&c, &event, rig_ms(1000)));
		assert_end(&c, CLIENT_TIMED_OUT);
	}
	client_close(&c);
}
END_TEST

/* --- probes -------------------------------------------------------------- */

static const struct {
	const char *status;
	const char *fields;
	const char *type;
	const char *body;
} probe_rows[] = {
	{ "400", MODERN, "application/json",
	    "{\"jsonrpc\":\"2.0\", \"error\":{\"code\":-32022,\"message\":"
	    "\"no\"},\"id\":null}\n" },
	{ "404", MODERN, "application/json",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,"
	    "\"message\":\"?\"}}" },
	{ "400", "", "application/json",
	    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":"
	    "\"Bad Request: No valid session ID provided\"},\"id\":null}" },
	{ "404", "", "text/html", "<html>nothing here</html>" },
	{ "401", "", "application/json", "{\"error\":\"invalid_token\"}" },
	{ "406", "", "text/plain", "Not Acceptable" },
	{ "503", "", "text/plain", "maintenance" },
};

START_TEST(probe_comes_back_unchanged)
{
	struct origin_request seen;
	struct bytes script = { 0 };
	struct client c;
	static const char probe[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\"}";

	rig_start(NULL);
	bytes_addf(&script, "answer %s %s \"", probe_rows[_i].status,
	    probe_rows[_i].type);
	for (const char *at = probe_rows[_i].body; *at != '\0'; at++)
		bytes_addf(&script, "\\x%02x", (unsigned char)*at);
	bytes_addf(&script, "\"");
	ask(&c, "POST", script.data, probe_rows[_i].fields, probe,
	    atoi(probe_rows[_i].status));
	assert_body(&c, probe_rows[_i].body);
	assert_field(&c, "Content-Type", probe_rows[_i].type);
	rig_request(1, &seen);
	ck_assert_str_eq(seen.body.data, probe);
	rig_assert_requests(1);
	origin_request_fini(&seen);
	bytes_fini(&script);
	client_close(&c);
}
END_TEST

START_TEST(modern_fields_pass_and_make_nothing)
{
	struct origin_request seen;
	struct client c;

	rig_start(NULL);
	for (unsigned n = 1; n <= 2; n++) {
		ask(&c, n == 1 ? "POST" : "DELETE",
		    "field \"Mcp-Session-Id: other\"; answer 200 text/plain ok",
		    MODERN "Mcp-Session-Id: none\r\nLast-Event-ID: sc1.x.1\r\n",
		    n == 1 ? CALL : NULL, 200);
		rig_request(n, &seen);
		ck_assert(
		    message_field_is(&seen.message, "Mcp-Session-Id", "none"));
		ck_assert(message_field_is(
		    &seen.message, "Last-Event-ID", "sc1.x.1"));
		origin_request_fini(&seen);
		client_close(&c);
	}
}
END_TEST

/* Only a GET can mean it: servers refuse a POST with it. */
START_TEST(legacy_post_loses_its_last_event_id)
{
	struct origin_request seen;
	struct client c;
	size_t len;

	rig_start(NULL);
	for (unsigned n = 1; n <= 2; n++) {
		ask(&c, n == 1 ? "POST" : "GET", "answer 200 text/plain ok",
		    "Last-Event-ID: 5\r\n", n == 1 ? CALL : NULL, 200);
		rig_request(n, &seen);
		if (n == 1)
			ck_assert_ptr_null(message_field(
			    &seen.message, "Last-Event-ID", &len));
		else
			ck_assert(message_field_is(
			    &seen.message, "Last-Event-ID", "5"));
		origin_request_fini(&seen);
		client_close(&c);
	}
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "leaving");

	tcase_add_loop_test(
	    tc, version_decides_what_leaving_means, 0, ARRAY_LEN(version_rows));
	tcase_add_loop_test(tc, modern_client_that_leaves_cancels, 0,
	    ARRAY_LEN(waiting_scripts));
	tcase_add_loop_test(tc, modern_client_that_finishes_cancels, 0, 2);
	tcase_add_test(tc, legacy_request_without_stream_goes_on);
	tc = harness_case(suite, "ids");
	tcase_add_test(tc, legacy_events_without_ids_get_some);
	tcase_add_test(tc, compressed_events_pass_as_they_are);
	tcase_add_test(tc, legacy_post_loses_its_last_event_id);
	tcase_add_test(tc, ids_of_the_upstream_stay);
	tcase_add_loop_test(tc, priming_event_comes_where_it_belongs, 0,
	    ARRAY_LEN(priming_rows));
	tcase_add_loop_test(
	    tc, priming_event_comes_before_half_an_event, 0, ARRAY_LEN(halves));
	tcase_add_loop_test(tc, silent_stream_gets_comments, 0, 2);
	tc = harness_case(suite, "probes");
	tcase_add_loop_test(
	    tc, probe_comes_back_unchanged, 0, ARRAY_LEN(probe_rows));
	tcase_add_test(tc, modern_fields_pass_and_make_nothing);
}

int
main(void)
{
	return harness_main("era", add_cases);
}
