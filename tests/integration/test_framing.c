/*
 * test_framing.c - how bodies end, and how events pass: at once and whole.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/integration/ask.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define STREAM "head 200 text/event-stream chunked; "

/* --- framing ------------------------------------------------------------- */

static const struct {
	const char *framing; /* of the origin's answer */
	int minor;           /* the client's version is HTTP/1.minor */
	enum message_framing wanted;
} framing_rows[] = {
	{ "length=9", 1, MESSAGE_LENGTH },
	{ "length=9", 0, MESSAGE_LENGTH },
	{ "chunked", 1, MESSAGE_CHUNKED },
	{ "chunked", 0, MESSAGE_CLOSE },
	{ "close", 1, MESSAGE_CHUNKED },
	{ "close", 0, MESSAGE_CLOSE },
};

START_TEST(framing_fits_the_client)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ck_assert_int_eq(
	    client_sendf(&c,
		"GET /other HTTP/1.%d\r\nHost: localhost\r\nX-Script: "
		"head 200 text/plain %s; text some; text \" text\"\r\n\r\n",
		framing_rows[_i].minor, framing_rows[_i].framing),
	    0);
	ask_answer(&c, 200);
	ck_assert_int_eq(c.message.framing, framing_rows[_i].wanted);
	assert_body(&c, "some text");
	if (framing_rows[_i].minor == 0)
		ck_assert_int_eq(client_wait_closed(&c, SOON), 0);
	else
		ck_assert(client_is_open(&c));
	client_close(&c);
}
END_TEST

START_TEST(old_client_can_keep_its_connection)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
		    client_sendf(&c,
			"GET /other HTTP/1.0\r\nConnection: keep-alive\r\n"
			"X-Script: answer 200 text/plain ok\r\n\r\n"),
		    0);
		ask_answer(&c, 200);
		assert_field(&c, "Connection", "keep-alive");
	}
	client_close(&c);
}
END_TEST

static const struct {
	const char *method;
	const char *script;
	int status;
	const char *length; /* Content-Length that must stay, or NULL */
} bodyless_rows[] = {
	{ "DELETE", "head 204", 204, NULL },
	{ "GET", "field \"ETag: a\"; head 304", 304, NULL },
	{ "GET", "head 304 text/plain length=10; end", 304, "10" },
	{ "HEAD", "head 200 text/plain length=12; end", 200, "12" },
	{ "HEAD", "answer 404 text/plain nothing", 404, "7" },
	{ "POST", "head 202 - length=0", 202, "0" },
};

START_TEST(answers_without_body_end_with_their_head)
{
	struct client c;
	bool for_head = strcmp(bodyless_rows[_i].method, "HEAD") == 0;

	rig_start(NULL);
	ask_open(&c);
	for (int i = 0; i < 2; i++) { /* the second one proves the end */
		ask_send(&c, bodyless_rows[_i].method, bodyless_rows[_i].script,
		    "", NULL);
		(void)client_read_head(&c, for_head, SOON);
		assert_end(&c, CLIENT_COMPLETE);
		ck_assert_int_eq(c.status, bodyless_rows[_i].status);
		ck_assert_uint_eq(
		    message_count(&c.message, "Transfer-Encoding"), 0);
		if (bodyless_rows[_i].length != NULL)
			assert_field(
			    &c, "Content-Length", bodyless_rows[_i].length);
		ck_assert(client_is_open(&c));
	}
	client_close(&c);
}
END_TEST

static const char *const cut_scripts[] = {
	"head 200 text/plain length=100; text some; cut",
	"head 200 text/plain chunked; text some; cut",
	"head 200 text/plain chunked; text some; reset",
	"head 200 text/plain chunked; bytes \"8\\r\\nfour\"; cut",
	"head 200 text/plain chunked; bytes \"zz\\r\\nfour\\r\\n\"; never",
};

/* A cut answer must never look like a whole one. */
START_TEST(cut_answers_stay_cut)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ask_send_to(&c, "GET", "/other", cut_scripts[_i], "", NULL);
	(void)client_read_answer(&c, SOON);
	ck_assert_msg(c.end == CLIENT_CUT || c.end == CLIENT_RESET ||
			  (c.end == CLIENT_COMPLETE && c.status == 502),
	    "%s, status %d", client_end_name(c.end), c.status);
	rig_assert_requests(1);
	client_close(&c);
}
END_TEST

START_TEST(chunked_request_arrives_whole)
{
	struct origin_request seen;
	struct client c;
	static const char request[] =
	    "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Script: echo\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n"
	    "5\r\nhello\r\n1;name=value\r\n \r\n00a\r\n0123456789\r\n"
	    "0\r\nX-Trailer: 1\r\n\r\n";

	rig_start(NULL);
	ask_open(&c);
	ck_assert_int_eq(
	    client_drip(&c, request, sizeof(request) - 1, 1, 0), 0);
	ask_answer(&c, 200);
	assert_body(&c, "hello 0123456789");
	rig_request(1, &seen);
	ck_assert_str_eq(seen.body.data, "hello 0123456789");
	origin_request_fini(&seen);
	client_close(&c);
}
END_TEST

START_TEST(answer_in_single_bytes_arrives_whole)
{
	struct client c;

	rig_start(NULL);
	ask(&c, "POST",
	    "drip 1 0; field \"X-A: b\"; head 200 text/plain chunked; "
	    "text hello; text \" world\"",
	    "", CALL, 200);
	assert_field(&c, "X-A", "b");
	assert_body(&c, "hello world");
	client_close(&c);
}
END_TEST

/* --- events -------------------------------------------------------------- */

/* 0: a legacy request, 1: a modern one. */
static const char *const eras[] = { "", MODERN };

START_TEST(event_arrives_while_the_stream_is_open)
{
	struct client_event event;
	struct client c;

	rig_start(NULL);
	ask_stream(&c, "POST",
	    STREAM "event id=1 data=first; await go; event id=2 data=second",
	    eras[_i], 200);
	ask_event(&c, &event);
	ck_assert_str_eq(event.data.data, "first");
	ck_assert_str_eq(event.id.data, "1");
	event_fini(&event);
	rig_open_gate("go");
	ask_event(&c, &event);
	ck_assert_str_eq(event.data.data, "second");
	event_fini(&event);
	(void)client_read_rest(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	client_close(&c);
}
END_TEST

static void
expect_numbered(struct client *c, unsigned count)
{
	struct client_event event;
	char wanted[32];

	for (unsigned n = 1; n <= count; n++) {
		ask_event(c, &event);
		snprintf(wanted, sizeof(wanted), "{\"n\":%u}", n);
		ck_assert_msg(strstr(event.data.data, wanted) != NULL,
		    "%s instead of %s", event.data.data, wanted);
		event_fini(&event);
	}
}

START_TEST(events_in_single_bytes_arrive_whole)
{
	struct client c;

	rig_start(NULL);
	ask_stream(
	    &c, "POST", STREAM "drip 1 0; events 20 0 id=e", eras[_i], 200);
	expect_numbered(&c, 20);
	(void)client_read_rest(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	client_close(&c);
}
END_TEST

START_TEST(modern_stream_is_byte_for_byte)
{
	static const char body[] =
	    "\xef\xbb\xbf"
	    ": hello\r\n\r\nid: 1\r\ndata: a\r\ndata:b\r\r"
	    "event: x\nretry: 10\nunknown\ndata\n\n:\n\nid\ndata: \xff\n\n";
	struct client c;

	rig_start(NULL);
	ask(&c, "POST",
	    STREAM "drip 3 0; text \"\\xef\\xbb\\xbf: hello\\r\\n\\r\\nid: 1"
		   "\\r\\ndata: a\\r\\ndata:b\\r\\revent: x\\nretry: 10\\n"
		   "unknown\\ndata\\n\\n:\\n\\nid\\ndata: \\xff\\n\\n\"",
	    MODERN, CALL, 200);
	assert_body(&c, body);
	client_close(&c);
}
END_TEST

START_TEST(modern_fragment_is_not_delivered)
{
	struct client_event event;
	struct client c;

	rig_start(NULL);
	ask_stream(&c, "POST",
	    STREAM "event data=whole; text \"data: fragment\\n\"; mark sent; "
		   "await go; cut",
	    MODERN, 200);
	ask_event(&c, &event);
	ck_assert_str_eq(event.data.data, "whole");
	event_fini(&event);
	wait_for(origin_log_count(rig.log, "mark", "sent") == 1);
	rig_open_gate("go");
	(void)client_read_rest(&c, SOON);
	ck_assert_msg(c.end == CLIENT_CUT || c.end == CLIENT_RESET,
	    "a broken stream ended as %s", client_end_name(c.end));
	ck_assert_ptr_null(bytes_find(&c.body, "fragment"));
	client_close(&c);
}
END_TEST

/* Nothing to resume with: the request ends with an error, not in silence. */
START_TEST(legacy_fragment_is_not_delivered)
{
	struct client_event event;
	struct client c;

	rig_start("--set", "reconnect.max_attempts=1", "--set",
	    "reconnect.initial_delay=10ms", NULL);
	ask_stream(&c, "POST",
	    STREAM "event data=whole; text \"data: fragment\\n\"; cut", "",
	    200);
	ask_event(&c, &event);
	ck_assert_str_eq(event.data.data, "whole");
	event_fini(&event);
	ask_event(&c, &event);
	assert_rpc_error_event(&event, "1");
	event_fini(&event);
	(void)client_read_rest(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	ck_assert_ptr_null(bytes_find(&c.body, "fragment"));
	client_close(&c);
}
END_TEST

START_TEST(big_event_passes)
{
	struct client_event event;
	struct client c;

	rig_start(NULL);
	ask_stream(&c, "POST",
	    STREAM "fillevent 10MiB id=1; event id=2 data=after", eras[_i],
	    200);
	ask_event(&c, &event);
	ck_assert_uint_eq(event.data.len, 10u << 20);
	ck_assert_uint_eq(strspn(event.data.data, "x"), 10u << 20);
	event_fini(&event);
	ask_event(&c, &event);
	ck_assert_str_eq(event.data.data, "after");
	event_fini(&event);
	client_close(&c);
}
END_TEST

START_TEST(event_above_the_limit_ends_its_stream_alone)
{
	struct client_event event;
	struct client c, other;

	rig_start("--set", "stream.max_event=64KiB", NULL);
	ask_stream(&other, "POST",
	    STREAM "event data=one; await go; event data=two", eras[_i], 200);
	ask_stream(&c, "POST",
	    STREAM "event data=small; fillevent 65KiB; event data=never",
	    eras[_i], 200);
	(void)client_read_rest(&c, SOON);
	ck_assert_int_ne(c.end, CLIENT_TIMED_OUT);
	ck_assert_ptr_nonnull(bytes_find(&c.body, "data: small\n"));
	ck_assert_ptr_null(bytes_find(&c.body, "xxxx"));
	ck_assert_ptr_null(bytes_find(&c.body, "data: never"));
	rig_open_gate("go");
	ask_event(&other, &event);
	event_fini(&event);
	ask_event(&other, &event);
	ck_assert_str_eq(event.data.data, "two");
	event_fini(&event);
	client_close(&other);
	client_close(&c);
}
END_TEST

/* --- back-pressure ------------------------------------------------------- */

#define ENOUGH "256MiB"
#define FLAT_KIB 65536 /* what 256 MiB may cost a worker at most */

static const char *const pressure_scripts[] = {
	"head 200 application/octet-stream length=" ENOUGH "; fill " ENOUGH,
	"head 200 application/octet-stream chunked; fill " ENOUGH,
};

START_TEST(slow_client_slows_the_upstream)
{
	struct client c;
	pid_t workers[4];
	long before;

	rig_start(NULL);
	ck_assert_uint_eq(rig_workers(workers, 4), 1);
	before = proc_anonymous_kib(workers[0]);
	ck_assert_int_eq(client_open_small(&c, rig.proxy_port, SOON), 0);
	ask_send_to(&c, "GET", "/other", pressure_scripts[_i], "", NULL);
	(void)client_read_head(&c, false, SOON);
	assert_end(&c, CLIENT_WAITING);
	wait_for(origin_log_count(rig.log, "blocked", NULL) > 0);
	ck_assert_int_lt(proc_anonymous_kib(workers[0]) - before, FLAT_KIB);
	while (c.end == CLIENT_WAITING) {
		(void)client_read_more(&c, SOON);
		bytes_drop(&c.body, c.body.len);
	}
	assert_end(&c, CLIENT_COMPLETE);
	ck_assert_int_lt(proc_anonymous_kib(workers[0]) - before, FLAT_KIB);
	client_close(&c);
}
END_TEST

START_TEST(slow_reader_of_events_slows_the_upstream)
{
	struct client c;
	pid_t workers[4];
	long before;
	int wide = 1 << 20;

	rig_start(NULL);
	ck_assert_uint_eq(rig_workers(workers, 4), 1);
	before = proc_anonymous_kib(workers[0]);
	ck_assert_int_eq(client_open_small(&c, rig.proxy_port, SOON), 0);
	ask_send(&c, "POST", STREAM "events 300000 0", eras[_i], CALL);
	(void)client_read_head(&c, false, SOON);
	assert_end(&c, CLIENT_WAITING);
	wait_for(origin_log_count(rig.log, "blocked", NULL) > 0);
	ck_assert_int_lt(proc_anonymous_kib(workers[0]) - before, FLAT_KIB);
	/* A window this small has TCP wait for its timers: enough of that. */
	ck_assert_int_eq(
	    setsockopt(c.wire.fd, SOL_SOCKET, SO_RCVBUF, &wide, sizeof(wide)),
	    0);
	ck_assert_msg(client_read_until(&c, "{\"n\":300000}", rig_ms(120000)),
	    "%s", client_end_name(c.end));
	client_close(&c);
}
END_TEST

START_TEST(slow_upstream_slows_the_client)
{
	struct client c;
	pid_t workers[4];
	long before;
	uint64_t total = 256u << 20, head;

	rig_start("--set", "client.max_body=0", NULL);
	ck_assert_uint_eq(rig_workers(workers, 4), 1);
	before = proc_anonymous_kib(workers[0]);
	ask_open(&c);
	ck_assert_int_eq(
	    client_sendf(&c,
		"POST /other HTTP/1.1\r\nHost: localhost\r\n"
		"X-Script: await go; body; answer 200 text/plain ok\r\n"
		"Content-Length: %llu\r\n\r\n",
		(unsigned long long)total),
	    0);
	head = c.wire.sent;
	ck_assert_int_eq(
	    client_send_filling(&c, total, rig_ms(1000)), -ETIMEDOUT);
	ck_assert_int_lt(proc_anonymous_kib(workers[0]) - before, FLAT_KIB);
	rig_open_gate("go");
	ck_assert_int_eq(
	    client_send_filling(&c, total - (c.wire.sent - head), SOON), 0);
	ask_answer(&c, 200);
	rig_assert_requests(1);
	client_close(&c);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "bodies");

	tcase_add_loop_test(
	    tc, framing_fits_the_client, 0, (int)ARRAY_LEN(framing_rows));
	tcase_add_test(tc, old_client_can_keep_its_connection);
	tcase_add_loop_test(tc, answers_without_body_end_with_their_head, 0,
	    (int)ARRAY_LEN(bodyless_rows));
	tcase_add_loop_test(
	    tc, cut_answers_stay_cut, 0, (int)ARRAY_LEN(cut_scripts));
	tcase_add_test(tc, chunked_request_arrives_whole);
	tcase_add_test(tc, answer_in_single_bytes_arrives_whole);
	tc = harness_case(suite, "events");
	tcase_add_loop_test(tc, event_arrives_while_the_stream_is_open, 0, 2);
	tcase_add_loop_test(tc, events_in_single_bytes_arrive_whole, 0, 2);
	tcase_add_test(tc, modern_stream_is_byte_for_byte);
	tcase_add_test(tc, modern_fragment_is_not_delivered);
	tcase_add_test(tc, legacy_fragment_is_not_delivered);
	tcase_add_loop_test(tc, big_event_passes, 0, 2);
	tcase_add_loop_test(
	    tc, event_above_the_limit_ends_its_stream_alone, 0, 2);
	tc = harness_case(suite, "pressure");
	tcase_add_loop_test(tc, slow_client_slows_the_upstream, 0,
	    (int)ARRAY_LEN(pressure_scripts));
	tcase_add_loop_test(tc, slow_reader_of_events_slows_the_upstream, 0, 2);
	tcase_add_test(tc, slow_upstream_slows_the_client);
}

int
main(void)
{
	return harness_main("framing", add_cases);
}
