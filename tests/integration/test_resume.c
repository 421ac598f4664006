/*
 * test_resume.c - the upstream connection of a legacy stream is lost: when
 * and how it is asked to go on, and what the client sees of it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/integration/legacy_rig.h"

#define SOON_BACK "--set", "reconnect.initial_delay=5ms"
#define TWO "event id=a data=one; event id=b data=two; "
#define REST STREAM "event id=c data=three; response 1 id=d"

/* A call that loses its upstream after two events, which the client has. */
static void
call_and_lose(struct client *c, const char *breaking, const char *fields)
{
	char script[300];

	snprintf(script, sizeof(script), STREAM TWO "await go; %s", breaking);
	legacy_call(c, "1", script, fields);
	assert_event(c, "a", "one");
	assert_event(c, "b", "two");
	rig_open_gate("go");
}

/* --- going on ------------------------------------------------------------ */

static const char *const breakings[] = { "cut", "reset", "end", "close",
	"text \"id: x\\ndata: ha\"; cut", "text \"id: x\\ndata: ha\"; reset",
	"text \"id: x\\ndata: half\\n\"; end", "bytes \"7\\r\\nid: \"; cut",
	"bytes \"zz\\r\\n\"; cut" };

START_TEST(lost_stream_goes_on_with_its_last_id)
{
	struct origin_request seen;
	struct client c;

	rig_start(SOON_BACK, NULL);
	rig_prepare("resume", REST);
	legacy_begin("s1", "Authorization: Bearer t\r\n");
	call_and_lose(&c, breakings[_i],
	    MINE "Authorization: Bearer t\r\ntraceparent: 00-1\r\n");
	assert_event(&c, "c", "three");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	ck_assert(client_is_open(&c));
	assert_asked(3, "GET", "b");
	rig_request(3, &seen);
	ck_assert(message_field_is(&seen.message, "Mcp-Session-Id", "s1"));
	ck_assert(message_field_is(
	    &seen.message, "MCP-Protocol-Version", "2025-06-18"));
	ck_assert(message_field_is(&seen.message, "Authorization", "Bearer t"));
	ck_assert_ptr_nonnull(
	    strstr(seen.message.head.data, "text/event-stream"));
	ck_assert_uint_eq(message_count(&seen.message, "Content-Type"), 0);
	origin_request_fini(&seen);
	rig_assert_requests(3);
	client_close(&c);
}
END_TEST

START_TEST(standalone_stream_goes_on)
{
	struct client c;

	rig_start(SOON_BACK, NULL);
	rig_prepare("resume-1", STREAM "event id=c data=three; cut");
	rig_prepare("resume-2", STREAM "event id=d data=four; never");
	legacy_begin("s1", "");
	legacy_get(&c, STREAM TWO "end", MINE, 200);
	assert_event(&c, "a", "one");
	assert_event(&c, "b", "two");
	assert_event(&c, "c", "three");
	assert_event(&c, "d", "four");
	assert_asked(3, "GET", "b");
	assert_asked(4, "GET", "c");
	client_close(&c);
}
END_TEST

/*
 * More than may be kept: the event with the id, or what is begun behind it,
 * twice in vain.
 */
static const char *const large_stories[] = {
	STREAM "event id=a data=%s; await more; events 3 0; await go; cut",
	STREAM "event id=a data=one; await go; text \"data: %s\"; cut",
};

START_TEST(id_is_not_forgotten_over_large_events)
{
	struct client_event event;
	struct client c;
	char script[7000], broken[7000], large[6000];

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	snprintf(script, sizeof(script), large_stories[_i], large);
	snprintf(
	    broken, sizeof(broken), STREAM "text \"data: %s\"; cut", large);
	rig_start(SOON_BACK, "--set", "journal.stream_limit=4KiB", NULL);
	rig_prepare("resume-1", _i == 0 ? REST : broken);
	rig_prepare("resume-2", REST);
	legacy_begin("s1", "");
	legacy_call(&c, "1", script, MINE);
	assert_event(&c, "a", _i == 0 ? large : "one");
	rig_open_gate("more");
	for (int n = 0; _i == 0 && n < 3; n++) {
		ask_event(&c, &event);
		event_fini(&event);
	}
	rig_open_gate("go");
	assert_event(&c, "c", "three");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	assert_asked(3, "GET", "a");
	if (_i == 1)
		assert_asked(4, "GET", "a");
	client_close(&c);
}
END_TEST

/* The response has come: what is left to ask for? */
START_TEST(answered_stream_is_not_asked_for)
{
	struct client c;

	rig_start(SOON_BACK, NULL);
	rig_prepare("resume", STREAM "never");
	legacy_begin("s1", "");
	legacy_call(&c, "1",
	    _i == 0 ? STREAM "response 1 id=a; cut"
		    : STREAM "response 1 id=a; reset",
	    MINE);
	assert_response(&c, "1");
	assert_stream_ends(&c);
	rig_assert_requests(2);
	client_close(&c);
}
END_TEST

/* An id that is too long to be kept is answered as well as any other. */
START_TEST(long_id_is_answered)
{
	static const char id[] = "1234567890123456789012345678901234567890"
				 "1234567890123456789012345678901234567890";
	struct client c;
	char script[200];

	rig_start(SOON_BACK, NULL);
	legacy_begin("s1", "");
	snprintf(script, sizeof(script), STREAM "response %s; %s", id,
	    _i == 0 ? "end" : "cut");
	legacy_call(&c, id, script, MINE);
	assert_response(&c, id);
	assert_stream_ends(&c);
	rig_assert_requests(2);
	client_close(&c);
}
END_TEST

START_TEST(server_that_was_down_is_asked_again)
{
	struct client c;

	rig_start(SOON_BACK, "--set", "reconnect.max_delay=50ms", "--set",
	    "reconnect.max_attempts=0", NULL);
	rig_prepare("resume", REST);
	legacy_begin("s1", "");
	legacy_call(&c, "1", STREAM TWO "never", MINE);
	assert_event(&c, "a", "one");
	assert_event(&c, "b", "two");
	rig_stop_origin();
	wait_for(file_count(rig.proxy.err, "connect 127.0.0.1") >= 3);
	rig_start_origin(NULL);
	assert_event(&c, "c", "three");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
}
END_TEST

/* --- when ---------------------------------------------------------------- */

/* When the n-th request came to the origin; waits for it. */
static int64_t
asked_ms(unsigned n)
{
	struct origin_request request;
	int64_t ms;

	legacy_wait_requests(n);
	rig_request(n, &request);
	ms = request.ms;
	origin_request_fini(&request);
	return ms;
}

/*
 * The n-th request came so long after the one before, whose answer is what
 * made the proxy wait: never sooner, and not as late as by another rule.
 */
#define assert_waited(n, least) assert_waited_since(asked_ms((n)-1), n, least)
#define assert_waited_since(begun, n, least)                                   \
	do {                                                                   \
		int64_t waited = asked_ms(n) - (begun);                        \
		ck_assert_int_ge(waited, (least)-2);                           \
		ck_assert_int_le(waited, (least) + rig_ms(20000));             \
	} while (0)

START_TEST(waits_grow)
{
	struct client c;

	rig_start("--set", "reconnect.initial_delay=100ms", "--set",
	    "reconnect.max_delay=400ms", "--set", "reconnect.jitter=0", NULL);
	rig_prepare("resume", "answer 503 text/plain no");
	legacy_begin("s1", "");
	call_and_lose(&c, "cut", MINE);
	assert_waited(3, 100);
	assert_waited(4, 200);
	assert_waited(5, 400);
	assert_waited(6, 400);
	client_close(&c);
}
END_TEST

static const char *const retry_rows[] = {
	STREAM "event id=a retry=800 data=one; event id=b data=two; await go; ",
	STREAM TWO "event retry=800; await go; ",
	STREAM TWO "event retry=1; await go; text \"retry: 800\\n\"; ",
};

/* `retry:` is obeyed to the letter: not sooner, and not later either. */
START_TEST(wish_of_the_server_is_obeyed)
{
	char script[300];
	struct client c;
	int64_t begun;

	rig_start(SOON_BACK, NULL);
	rig_prepare("resume-1", "answer 503 text/plain no");
	rig_prepare("resume-2", REST);
	legacy_begin("s1", "");
	snprintf(script, sizeof(script), "%scut", retry_rows[_i]);
	legacy_call(&c, "1", script, MINE);
	assert_event(&c, "a", "one");
	assert_event(&c, "b", "two");
	begun = wire_now_ms();
	rig_open_gate("go");
	assert_waited_since(begun, 3, 800);
	/* The next attempt comes no sooner. */
	assert_waited(4, 800);
	assert_event(&c, "c", "three");
	client_close(&c);
}
END_TEST

/* A server that lets its client poll: each wait is the one it asked for. */
START_TEST(polling_keeps_the_pace)
{
	struct client c;

	rig_start("--set", "reconnect.initial_delay=1h", "--set",
	    "reconnect.max_delay=1h", "--set", "reconnect.max_attempts=2",
	    NULL);
	rig_prepare("resume", STREAM "event id=x data=\"\"; end");
	rig_prepare("resume-1", STREAM "event id=p1 data=\"\"; end");
	rig_prepare("resume-2", STREAM "event id=p2 data=\"\"; end");
	rig_prepare("resume-3", STREAM "event id=p3 data=\"\"; end");
	rig_prepare("resume-4", REST);
	legacy_begin("s1", "");
	legacy_call(
	    &c, "1", STREAM "event id=p0 retry=200 data=\"\"; end", MINE);
	legacy_wait_requests(2);
	for (unsigned n = 3; n <= 6; n++)
		assert_waited(n, 200);
	assert_event(&c, "c", "three");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
}
END_TEST

static void
date_in(int seconds, char *text, size_t size)
{
	time_t then = time(NULL) + seconds;
	struct tm tm;

	strftime(text, size, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&then, &tm));
}

START_TEST(retry_after_is_obeyed)
{
	char script[200], wait[64] = "1";
	struct client c;
	int64_t waited;

	rig_start(SOON_BACK, NULL);
	if (_i == 1)
		date_in(5, wait, sizeof(wait));
	snprintf(script, sizeof(script),
	    "field \"Retry-After: %s\"; answer 503 text/plain no", wait);
	rig_prepare("resume-1", script);
	rig_prepare("resume-2", REST);
	legacy_begin("s1", "");
	call_and_lose(&c, "cut", MINE);
	waited = asked_ms(4) - asked_ms(3);
	ck_assert_int_ge(waited, 998);
	ck_assert_int_le(waited, 5000 + rig_ms(20000));
	assert_event(&c, "c", "three");
	client_close(&c);
}
END_TEST

/* --- what the upstream says ---------------------------------------------- */

static const char *const trouble_rows[] = { "answer 409 text/plain taken",
	"answer 429 text/plain slow", "answer 500 text/plain oh",
	"answer 502 text/plain oh", "answer 503 text/plain oh",
	"answer 504 text/plain oh", "answer 200 application/json \"{}\"", "cut",
	"reset", "head 200 text/event-stream chunked; cut" };

START_TEST(trouble_is_asked_again)
{
	struct client c;

	rig_start(SOON_BACK, NULL);
	rig_prepare("resume-1", trouble_rows[_i]);
	rig_prepare("resume-2", trouble_rows[_i]);
	rig_prepare("resume-3", REST);
	legacy_begin("s1", "");
	call_and_lose(&c, "cut", MINE);
	assert_event(&c, "c", "three");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
}
END_TEST

/* A server that will not go on: the stream is over, the session isn't. */
static const char *const refusal_rows[] = { "answer 405 text/plain no",
	"answer 401 text/plain who", "answer 403 text/plain no", "head 204",
	"answer 400 application/json \"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\""
	":null,\\\"error\\\":{\\\"code\\\":-32000,\\\"message\\\":"
	"\\\"Invalid event ID format\\\"}}\"",
	"answer 400 text/plain \"stream replay unsupported\"" };

START_TEST(refusal_ends_the_stream_alone)
{
	struct client c;

	rig_start(SOON_BACK, NULL);
	rig_prepare("resume", refusal_rows[_i]);
	legacy_begin("s1", "");
	call_and_lose(&c, "cut", MINE);
	assert_stream_fails(&c, "1");
	rig_assert_requests(3);
	assert_ping(MINE, 200);
	client_close(&c);
}
END_TEST

static const char *const gone_rows[] = { "answer 404 text/plain gone",
	"answer 400 application/json \"{\\\"jsonrpc\\\":\\\"2.0\\\","
	"\\\"error\\\":{\\\"code\\\":-32000,\\\"message\\\":"
	"\\\"Bad Request: No valid session ID provided\\\"},"
	"\\\"id\\\":null}\"",
	"answer 400 application/json \"{\\\"jsonrpc\\\":\\\"2.0\\\","
	"\\\"error\\\":{\\\"code\\\":-32000,\\\"message\\\":"
	"\\\"Bad Request: Server not initialized\\\"},"
	"\\\"id\\\":null}\"" };

START_TEST(lost_session_ends_all_its_streams)
{
	struct client c, other, get;

	rig_start(SOON_BACK, NULL);
	rig_prepare("resume", gone_rows[_i]);
	legacy_begin("s1", "");
	legacy_call(&other, "\"two\"", STREAM "event data=x; never", MINE);
	legacy_get(&get, STREAM "event data=y; never", MINE, 200);
	assert_event(&other, NULL, "x");
	assert_event(&get, NULL, "y");
	call_and_lose(&c, "cut", MINE);
	assert_stream_fails(&c, "1");
	assert_stream_fails(&other, "\"two\"");
	assert_stream_ends(&get);
	/* From now on it is answered here, and with the truth. */
	rig_assert_requests(5);
	assert_ping(MINE, 404);
	rig_assert_requests(5);
	client_close(&c);
	client_close(&other);
	client_close(&get);
}
END_TEST

/* --- nothing twice, nothing of others ------------------------------------ */

START_TEST(repeated_events_are_dropped)
{
	struct client c;

	rig_start(SOON_BACK, NULL);
	rig_prepare("resume-1", STREAM TWO "event id=c data=three; cut");
	rig_prepare("resume-2",
	    STREAM TWO "event id=c data=three; event id=d data=four; "
		       "event id=c data=three; response 1 id=e; "
		       "response 1 id=f; never");
	legacy_begin("s1", "");
	call_and_lose(&c, "cut", MINE);
	assert_event(&c, "c", "three");
	assert_event(&c, "d", "four");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
}
END_TEST

#define PROGRESS(token)                                                        \
	"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"method\\\":"                         \
	"\\\"notifications/progress\\\",\\\"params\\\":{"                      \
	"\\\"progressToken\\\":" token ",\\\"progress\\\":1}}"

/* A widely used server replays the events of all streams (PROTOCOL, 4.2). */
START_TEST(events_of_other_streams_are_dropped)
{
	struct client c, other, get;

	rig_start(SOON_BACK, NULL);
	rig_prepare("resume", STREAM
	    "event id=g data=own; event id=o data=theirs; "
	    "event id=p data=\"" PROGRESS(
		"2") "\"; "
		     "response 2 id=q; event id=c data=three; response 1 id=d; "
		     "never");
	legacy_begin("s1", "");
	legacy_get(&get, STREAM "event id=g data=own; never", MINE, 200);
	assert_event(&get, "g", "own");
	legacy_call(&other, "2",
	    STREAM "event id=o data=theirs; await other; "
		   "event id=p data=\"" PROGRESS("2") "\"; response 2 id=q",
	    MINE);
	assert_event(&other, "o", "theirs");
	call_and_lose(&c, "cut", MINE);
	assert_event(&c, "c", "three");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	/* And those whose they are get them from their own stream. */
	rig_open_gate("other");
	{
		struct client_event event;

		ask_event(&other, &event);
		ck_assert_str_eq(event.id.data, "p");
		event_fini(&event);
	}
	assert_response(&other, "2");
	assert_stream_ends(&other);
	client_close(&c);
	client_close(&other);
	client_close(&get);
}
END_TEST

/* --- silence ------------------------------------------------------------- */

START_TEST(silent_resumed_stream_is_asked_again)
{
	struct client c;

	rig_start(SOON_BACK, NULL);
	rig_prepare("resume-1", STREAM "event id=c data=three; never");
	rig_prepare("resume-2", STREAM "response 1 id=d; never");
	legacy_begin("s1", "");
	call_and_lose(&c, "cut", MINE);
	assert_event(&c, "c", "three");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	assert_asked(3, "GET", "b");
	assert_asked(4, "GET", "c");
	client_close(&c);
}
END_TEST

/* Closed and asked anew, and never two at a time. */
START_TEST(silent_upstream_is_asked_anew)
{
	struct client c;

	rig_start("--set", "health.idle_timeout=1s", NULL);
	rig_prepare("resume-1", STREAM "event id=c data=three; never");
	legacy_begin("s1", "");
	legacy_get(&c, STREAM TWO "never", MINE, 200);
	assert_event(&c, "a", "one");
	assert_event(&c, "b", "two");
	assert_event(&c, "c", "three");
	assert_asked(3, "GET", "b");
	wait_for(
	    origin_log_closed(rig.log, 1) || origin_log_closed(rig.log, 2));
	client_close(&c);
}
END_TEST

START_TEST(client_hears_comments_meanwhile)
{
	struct client_event event;
	struct client c;

	rig_start("--set", "reconnect.initial_delay=30s", "--set",
	    "stream.keepalive_interval=50ms", NULL);
	legacy_begin("s1", "");
	call_and_lose(&c, "cut", MINE);
	for (int n = 0; n < 3; n++) {
		ck_assert(client_read_event(&c, &event, SOON));
		ck_assert(event.is_comment);
		event_fini(&event);
	}
	ck_assert(client_is_open(&c) || c.wire.in.len > 0);
	client_close(&c);
}
END_TEST

/* --- the end of it ------------------------------------------------------- */

START_TEST(attempts_are_used_up)
{
	struct client c;

	rig_start(SOON_BACK, "--set", "reconnect.max_attempts=3", "--set",
	    "reconnect.max_delay=10ms", NULL);
	rig_prepare("resume", "answer 503 text/plain no");
	legacy_begin("s1", "");
	call_and_lose(&c, "cut", MINE);
	assert_stream_fails(&c, "1");
	rig_assert_requests(2 + 3);
	assert_ping(MINE, 200);
	client_close(&c);
}
END_TEST

/* Attempts count from the last event that came. */
START_TEST(attempts_begin_anew_with_an_event)
{
	struct client c;
	char name[16], script[80];

	rig_start(SOON_BACK, "--set", "reconnect.max_attempts=2", "--set",
	    "reconnect.max_delay=10ms", NULL);
	for (int n = 1; n <= 8; n++) {
		snprintf(name, sizeof(name), "resume-%d", n);
		snprintf(script, sizeof(script),
		    STREAM "event id=e%d data=%d; cut", n, n);
		rig_prepare(name, n % 2 == 0 ? script : "cut");
	}
	rig_prepare("resume-9", STREAM "response 1 id=z");
	legacy_begin("s1", "");
	call_and_lose(&c, "cut", MINE);
	assert_event(&c, "e2", "2");
	assert_event(&c, "e4", "4");
	assert_event(&c, "e6", "6");
	assert_event(&c, "e8", "8");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
}
END_TEST

/*
 * A client that counts only results comes back after an error (PROTOCOL,
 * 4.1): there must be nothing left for it, or it would come for ever.
 */
START_TEST(error_is_not_told_again)
{
	struct client_event event;
	struct client c;
	char id[200];

	rig_start(SOON_BACK, NULL);
	rig_prepare("resume", "answer 405 text/plain no");
	legacy_begin("s1", "");
	call_and_lose(&c, "cut", MINE);
	ask_event(&c, &event);
	assert_rpc_error_event(&event, "1");
	ck_assert_msg(
	    event.has_id, "an error without an id:\n%s", event.raw.data);
	snprintf(id, sizeof(id), "%s", event.id.data);
	event_fini(&event);
	client_close(&c);
	legacy_return(&c, MINE, id, "never", 204);
	client_close(&c);
}
END_TEST

static const struct {
	const char *script;
	int status;
} never_twice_rows[] = {
	{ "body; cut", 502 },
	{ "body; reset", 502 },
	{ "head 200 text/event-stream chunked; cut", 200 },
	{ "head 200 text/event-stream chunked; reset", 200 },
	{ "head 200 text/event-stream chunked; end", 200 },
	{ "head 200 text/event-stream length=0; end", 200 },
	{ "head 200 text/event-stream close; close", 200 },
	{ STREAM "comment x; end", 200 },
	{ STREAM "event data=one; cut", 200 },
	{ STREAM "event data=one; end", 200 },
	{ STREAM "comment x; text \"id: a\\ndata: half\"; cut", 200 },
};

/* What has no id can't be resumed; and a POST is never sent twice. */
START_TEST(post_is_never_sent_twice)
{
	struct client_event event;
	struct client c;

	rig_start(SOON_BACK, NULL);
	legacy_begin("s1", "");
	ask_open(&c);
	ask_send(&c, "POST", never_twice_rows[_i].script, MINE,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}");
	if (never_twice_rows[_i].status != 200) {
		ask_answer(&c, never_twice_rows[_i].status);
		assert_rpc_error(&c, "1");
	} else {
		(void)client_read_head(&c, false, SOON);
		ck_assert_int_eq(c.status, 200);
		ask_event(&c, &event);
		if (strcmp(event.data.data, "one") == 0) {
			event_fini(&event);
			ask_event(&c, &event);
		}
		assert_rpc_error_event(&event, "1");
		event_fini(&event);
		assert_stream_ends(&c);
	}
	rig_assert_requests(2);
	client_close(&c);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "going on");

	tcase_add_loop_test(
	    tc, lost_stream_goes_on_with_its_last_id, 0, ARRAY_LEN(breakings));
	tcase_add_test(tc, standalone_stream_goes_on);
	tcase_add_loop_test(tc, id_is_not_forgotten_over_large_events, 0,
	    ARRAY_LEN(large_stories));
	tcase_add_loop_test(tc, answered_stream_is_not_asked_for, 0, 2);
	tcase_add_loop_test(tc, long_id_is_answered, 0, 2);
	tcase_add_test(tc, server_that_was_down_is_asked_again);
	tc = harness_case(suite, "waits");
	tcase_add_test(tc, waits_grow);
	tcase_add_loop_test(
	    tc, wish_of_the_server_is_obeyed, 0, ARRAY_LEN(retry_rows));
	tcase_add_test(tc, polling_keeps_the_pace);
	tcase_add_loop_test(tc, retry_after_is_obeyed, 0, 2);
	tc = harness_case(suite, "answers");
	tcase_add_loop_test(
	    tc, trouble_is_asked_again, 0, ARRAY_LEN(trouble_rows));
	tcase_add_loop_test(
	    tc, refusal_ends_the_stream_alone, 0, ARRAY_LEN(refusal_rows));
	tcase_add_loop_test(
	    tc, lost_session_ends_all_its_streams, 0, ARRAY_LEN(gone_rows));
	tc = harness_case(suite, "events");
	tcase_add_test(tc, repeated_events_are_dropped);
	tcase_add_test(tc, events_of_other_streams_are_dropped);
	tc = harness_case(suite, "silence");
	tcase_add_test(tc, silent_resumed_stream_is_asked_again);
	tcase_add_test(tc, silent_upstream_is_asked_anew);
	tcase_add_test(tc, client_hears_comments_meanwhile);
	tc = harness_case(suite, "ends");
	tcase_add_test(tc, attempts_are_used_up);
	tcase_add_test(tc, attempts_begin_anew_with_an_event);
	tcase_add_test(tc, error_is_not_told_again);
	tcase_add_loop_test(
	    tc, post_is_never_sent_twice, 0, ARRAY_LEN(never_twice_rows));
}

int
main(void)
{
	return harness_main("resume", add_cases);
}
