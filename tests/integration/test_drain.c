/*
 * test_drain.c - a daemon that stops: who is let finish, who is told to come
 * back, and who must not hold it up.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/ask.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define STREAM "head 200 text/event-stream chunked; "
#define NEW_CLIENT "MCP-Protocol-Version: 2025-11-25\r\n"
#define OLD_CLIENT "MCP-Protocol-Version: 2025-06-18\r\n"
#define SESSION "Mcp-Session-Id: s1\r\n"

/* Begin a session, so that a GET is one of it. */
static void
begin_session(void)
{
	struct client c;

	ask(&c, "POST",
	    "field \"Mcp-Session-Id: s1\"; answer 200 application/json {}", "",
	    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\"}", 200);
	client_close(&c);
}

/* The next event is the word to come back, with this id. */
static void
expect_farewell(struct client *c, const char *id)
{
	struct client_event event;

	do {
		ck_assert_msg(client_read_event(c, &event, SOON),
		    "no event came: %s", client_end_name(c->end));
	} while (strstr(event.raw.data, "retry:") == NULL);
	ck_assert(event.has_id);
	ck_assert_msg(strncmp(event.id.data, id, strlen(id)) == 0,
	    "id %s, not %s", event.id.data, id);
	ck_assert(event.has_data);
	ck_assert_uint_eq(event.data.len, 0);
	event_fini(&event);
	(void)client_read_rest(c, SOON);
	assert_end(c, CLIENT_COMPLETE);
}

static void
expect_stopped(void)
{
	ck_assert_int_eq(process_wait(&rig.proxy, SOON), 0);
	rig_forget_proxy();
}

static const struct {
	const char *script;
	const char *id;
} farewells[] = {
	{ STREAM "event id=a7 data=x; never", "a7" },
	{ STREAM "event data=x; never", "sc1." },
};

START_TEST(standalone_stream_is_told_at_once)
{
	struct client_event event;
	struct client c;

	rig_start("--set", "drain.timeout=1h", NULL);
	begin_session();
	ask_stream(&c, "GET", farewells[_i].script, NEW_CLIENT SESSION, 200);
	ask_event(&c, &event);
	event_fini(&event);
	process_signal(&rig.proxy, SIGTERM);
	expect_farewell(&c, farewells[_i].id);
	client_close(&c);
	expect_stopped();
}
END_TEST

START_TEST(old_standalone_stream_ends_at_once)
{
	struct client_event event;
	struct client c;

	rig_start("--set", "drain.timeout=1h", NULL);
	begin_session();
	ask_stream(
	    &c, "GET", STREAM "event data=x; never", OLD_CLIENT SESSION, 200);
	ask_event(&c, &event);
	event_fini(&event);
	process_signal(&rig.proxy, SIGTERM);
	(void)client_read_rest(&c, SOON);
	ck_assert(c.end == CLIENT_COMPLETE || c.end == CLIENT_CUT);
	ck_assert_ptr_null(strstr(c.body.data, "retry:"));
	client_close(&c);
	expect_stopped();
}
END_TEST

START_TEST(request_may_finish)
{
	struct client_event event;
	struct client c, idle;

	rig_start("--set", "drain.timeout=1h", NULL);
	ask(&idle, "POST", "echo", "", CALL, 200);
	ask_stream(&c, "POST",
	    STREAM "event id=1 data=first; await go; event id=2 data=second",
	    NEW_CLIENT, 200);
	ask_event(&c, &event);
	event_fini(&event);
	process_signal(&rig.proxy, SIGTERM);
	/* What is idle goes at once. */
	ck_assert_int_eq(client_wait_closed(&idle, SOON), 0);
	client_close(&idle);
	rig_open_gate("go");
	ask_event(&c, &event);
	ck_assert_str_eq(event.data.data, "second");
	event_fini(&event);
	(void)client_read_rest(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	client_close(&c);
	expect_stopped();
}
END_TEST

START_TEST(request_that_takes_too_long_is_told)
{
	struct client_event event;
	struct client c;

	rig_start("--set", "drain.timeout=300ms", NULL);
	ask_stream(&c, "POST", farewells[_i].script, NEW_CLIENT, 200);
	ask_event(&c, &event);
	event_fini(&event);
	process_signal(&rig.proxy, SIGTERM);
	expect_farewell(&c, farewells[_i].id);
	client_close(&c);
	expect_stopped();
}
END_TEST

/* A client that does not know such events gets an error for its request. */
START_TEST(old_request_gets_an_error)
{
	struct client_event event;
	struct client c;

	rig_start("--set", "drain.timeout=300ms", NULL);
	ask_stream(&c, "POST", STREAM "event data=x; never", OLD_CLIENT, 200);
	ask_event(&c, &event);
	event_fini(&event);
	process_signal(&rig.proxy, SIGTERM);
	ask_event(&c, &event);
	assert_rpc_error_event(&event, "1");
	event_fini(&event);
	(void)client_read_rest(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	client_close(&c);
	expect_stopped();
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "drain");

	tcase_add_loop_test(
	    tc, standalone_stream_is_told_at_once, 0, ARRAY_LEN(farewells));
	tcase_add_test(tc, old_standalone_stream_ends_at_once);
	tcase_add_test(tc, request_may_finish);
	tcase_add_loop_test(
	    tc, request_that_takes_too_long_is_told, 0, ARRAY_LEN(farewells));
	tcase_add_test(tc, old_request_gets_an_error);
}

int
main(void)
{
	return harness_main("drain", add_cases);
}
