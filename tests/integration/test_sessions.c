/*
 * test_sessions.c - how sessions begin, are told apart, are limited and end.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/ctl_run.h"
#include "tests/integration/legacy_rig.h"

#define IDLE(time) "--set", "session.idle_timeout=" time
#define AGE(time) "--set", "session.max_age=" time
#define DELETED "answer 200 text/plain \"\"; mark deleted"

static unsigned
deletions(void)
{
	return origin_log_count(rig.log, "mark", "deleted");
}

/* The n-th request is a DELETE of this session; its Authorization, or NULL. */
static void
assert_deletes(unsigned n, const char *id, const char *authorization)
{
	struct origin_request seen;

	rig_request(n, &seen);
	ck_assert_str_eq(seen.method.data, "DELETE");
	ck_assert(message_field_is(&seen.message, "Mcp-Session-Id", id));
	if (authorization != NULL)
		ck_assert(message_field_is(
		    &seen.message, "Authorization", authorization));
	origin_request_fini(&seen);
}

/*
 * Let so much time pass, measured by what the proxy does: that many sessions
 * begin, each after the end of the one before, and expire.
 */
static void
let_sessions_expire(unsigned count)
{
	char id[32];
	unsigned before = deletions();

	for (unsigned n = 1; n <= count; n++) {
		snprintf(id, sizeof(id), "clock-%u-%u", before, n);
		legacy_begin(id, "");
		wait_for(deletions() >= before + n);
	}
}

/* --- idle ---------------------------------------------------------------- */

START_TEST(idle_session_ends)
{
	int64_t begun;

	rig_start(
	    IDLE("300ms"), "--set", _i == 0 ? "workers=1" : "workers=4", NULL);
	rig_prepare("delete", DELETED);
	begun = wire_now_ms();
	legacy_begin("s1", "Authorization: Bearer t\r\n");
	wait_for(deletions() == 1);
	ck_assert_int_ge(wire_now_ms() - begun, 300);
	assert_deletes(2, "s1", "Bearer t");
	assert_ping(MINE, 404);
	rig_assert_requests(2);
	ck_assert(file_has(rig.proxy.err, "reason=SESSION_IDLE"));
}
END_TEST

/* A quiet GET is how an idle agent looks. */
START_TEST(living_client_holds_its_session)
{
	struct client c, first;

	rig_start(IDLE("200ms"), NULL);
	rig_prepare("delete", DELETED);
	legacy_hold(&first, "s1", "");
	legacy_get(&c, STREAM "event data=one; never", MINE, 200);
	assert_event(&c, NULL, "one");
	legacy_release(&first);
	let_sessions_expire(3);
	assert_ping(MINE, 200);
	ck_assert(client_is_open(&c));
	client_close(&c);
}
END_TEST

/*
 * It has been idle since its client left, not since it came: a blip of the
 * network must not cost the session of an idle agent.
 */
START_TEST(idle_time_begins_when_the_client_leaves)
{
	struct client c, first;
	int64_t begun;

	rig_start(IDLE("1000ms"), NULL);
	rig_prepare("delete", DELETED);
	legacy_hold(&first, "s1", "");
	legacy_get(&c, STREAM "event data=one; never", MINE, 200);
	assert_event(&c, NULL, "one");
	legacy_release(&first);
	/* This one ends at the time that the first one would have. */
	legacy_begin("s2", "");
	(void)wire_watch(&c.wire, wire_now_ms() + 700);
	begun = wire_now_ms();
	client_close(&c);
	wait_for(deletions() == 2);
	ck_assert_int_ge(wire_now_ms() - begun, 990);
}
END_TEST

/* A stream whose client left holds nothing, whatever it hears. */
START_TEST(stream_without_client_holds_nothing)
{
	struct client c, first;

	rig_start(IDLE("300ms"), NULL);
	rig_prepare("delete", DELETED);
	legacy_hold(&first, "s1", "");
	legacy_get(&c,
	    _i == 0 ? STREAM "event data=one; never"
		    : STREAM "event data=one; drip 2 100; comment "
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			     "; mark dripped; never",
	    MINE, 200);
	assert_event(&c, NULL, "one");
	client_close(&c);
	legacy_release(&first);
	wait_for(deletions() == 1);
	/* Its end did not wait for that of the comments. */
	ck_assert_uint_eq(origin_log_count(rig.log, "mark", "dripped"), 0);
	assert_ping(MINE, 404);
}
END_TEST

/* Events are life, also while nobody hears them. */
START_TEST(events_hold_their_session)
{
	struct client c, first;

	rig_start(IDLE("1500ms"), NULL);
	rig_prepare("delete", DELETED);
	legacy_hold(&first, "s1", "");
	legacy_get(&c, STREAM "events 40 50; mark told; never", MINE, 200);
	client_close(&c);
	legacy_release(&first);
	wait_for(origin_log_count(rig.log, "mark", "told") == 1);
	ck_assert_uint_eq(deletions(), 0);
	wait_for(deletions() == 1);
}
END_TEST

/* A call that runs, even if its client has left. */
START_TEST(request_in_flight_holds_its_session)
{
	struct client c, first;

	rig_start(IDLE("200ms"), AGE("300ms"), NULL);
	rig_prepare("delete", DELETED);
	legacy_hold(&first, "s1", "");
	legacy_call(&c, "1",
	    STREAM "event id=a data=one; await go; response 1 id=b", MINE);
	assert_event(&c, NULL, "one");
	legacy_release(&first);
	if (_i == 1) {
		client_close(&c);
		wait_for(file_count(rig.proxy.err, "has left; kept") == 1);
	}
	let_sessions_expire(3);
	if (_i == 1)
		legacy_return(&c, MINE, "a", "never", 200);
	rig_open_gate("go");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	wait_for(deletions() == 4);
	assert_ping(MINE, 404);
	client_close(&c);
}
END_TEST

START_TEST(session_without_limits_lives_on)
{
	rig_start(IDLE("0"), AGE("0"), NULL);
	rig_prepare("delete", DELETED);
	legacy_begin("s1", "");
	assert_ping(MINE, 200);
	ck_assert_uint_eq(deletions(), 0);
}
END_TEST

/* --- age ----------------------------------------------------------------- */

/* An open GET does not hold it off; its stream ends in order. */
START_TEST(old_session_ends)
{
	struct client c, first;

	rig_start(AGE("300ms"), NULL);
	rig_prepare("delete", DELETED);
	legacy_hold(&first, "s1", "Authorization: Bearer t\r\n");
	legacy_get(&c, STREAM "event data=one; never",
	    MINE "Authorization: Bearer t\r\n", 200);
	assert_event(&c, NULL, "one");
	legacy_release(&first);
	assert_stream_ends(&c);
	wait_for(deletions() == 1);
	assert_deletes(3, "s1", "Bearer t");
	assert_ping(MINE, 404);
	ck_assert(file_has(rig.proxy.err, "reason=SESSION_AGE"));
	client_close(&c);
}
END_TEST

/* --- connections --------------------------------------------------------- */

START_TEST(one_connection_too_many_is_429)
{
	struct client c[3], other;

	rig_start("--set", "session.max_connections=2", "--set",
	    _i == 0 ? "workers=1" : "workers=4", NULL);
	legacy_begin("s1", "");
	legacy_begin("s2", "");
	legacy_get(&c[0], STREAM "event data=one; never", MINE, 200);
	legacy_call(&c[1], "1", STREAM "event id=a data=two; never", MINE);
	assert_event(&c[0], NULL, "one");
	assert_event(&c[1], NULL, "two");
	ask(&c[2], "POST", "echo", MINE,
	    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}", 429);
	assert_rpc_error(&c[2], "7");
	ck_assert_ptr_nonnull(
	    bytes_find(&c[2].body, "session.max_connections"));
	ck_assert_uint_eq(message_count(&c[2].message, "Retry-After"), 1);
	/* Another session has its own. */
	ask(&other, "POST", "echo", SESSION("s2"),
	    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}", 200);
	/* A connection that is open and carries nothing doesn't count. */
	client_close(&c[1]);
	wait_for(file_count(rig.proxy.err, "has left; kept") == 1);
	ask_send(&c[2], "POST", "echo", MINE,
	    "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"ping\"}");
	ask_answer(&c[2], 200);
	client_close(&c[0]);
	client_close(&c[2]);
	client_close(&other);
}
END_TEST

START_TEST(full_session_can_be_ended)
{
	struct client c, get;

	rig_start("--set", "session.max_connections=1", NULL);
	rig_prepare("delete", DELETED);
	legacy_begin("s1", "");
	legacy_get(&get, STREAM "event data=one; never", MINE, 200);
	assert_event(&get, NULL, "one");
	assert_ping(MINE, 429);
	ask(&c, "DELETE", "-", MINE, NULL, 200);
	assert_stream_ends(&get);
	assert_ping(MINE, 404);
	client_close(&c);
	client_close(&get);
}
END_TEST

/* Coming back takes a connection too, taking over doesn't. */
START_TEST(returns_count_as_connections)
{
	struct client a, b, c;

	rig_start("--set", "session.max_connections=2", NULL);
	legacy_begin("s1", "");
	legacy_call(&a, "1", STREAM "event id=a data=one; never", MINE);
	assert_event(&a, NULL, "one");
	client_close(&a);
	wait_for(file_count(rig.proxy.err, "has left; kept") == 1);
	legacy_call(&b, "2", STREAM "event id=b data=two; never", MINE);
	legacy_call(&c, "3", STREAM "event id=c data=three; never", MINE);
	assert_event(&b, NULL, "two");
	assert_event(&c, NULL, "three");
	legacy_return(&a, MINE, "a", "never", 429);
	client_close(&a);
	legacy_return(&a, MINE, "b", "never", 200);
	ck_assert_int_ge(client_wait_closed(&b, SOON), 0);
	client_close(&a);
	client_close(&b);
	client_close(&c);
}
END_TEST

/* --- the client ends it -------------------------------------------------- */

START_TEST(deleted_session_is_gone)
{
	struct client c, get, call;

	rig_start("--set", _i == 0 ? "workers=1" : "workers=4", NULL);
	rig_prepare("delete", DELETED);
	legacy_begin("s1", "");
	legacy_begin("s2", "");
	legacy_get(&get, STREAM "event data=one; never", MINE, 200);
	legacy_call(&call, "1", STREAM "event data=two; never", MINE);
	assert_event(&get, NULL, "one");
	assert_event(&call, NULL, "two");
	ask(&c, "DELETE", "-", MINE, NULL, 200);
	assert_stream_ends(&get);
	assert_stream_fails(&call, "1");
	assert_ping(MINE, 404);
	assert_ping(SESSION("s2"), 200);
	ck_assert_uint_eq(deletions(), 1);
	client_close(&c);
	ask(&c, "DELETE", "-", MINE, NULL, 404);
	client_close(&c);
	client_close(&get);
	client_close(&call);
}
END_TEST

static const char *const refused_deletes[] = { "answer 405 text/plain no",
	"answer 500 text/plain no", "cut" };
static const int refused_statuses[] = { 405, 500, 502 };

START_TEST(refused_delete_ends_nothing)
{
	struct client c;

	rig_start(NULL);
	rig_prepare("delete", refused_deletes[_i]);
	legacy_begin("s1", "");
	ask(&c, "DELETE", "-", MINE, NULL, refused_statuses[_i]);
	client_close(&c);
	assert_ping(MINE, 200);
}
END_TEST

/* --- the upstream's word ------------------------------------------------- */

START_TEST(lost_session_is_gone_for_all)
{
	struct client c, get;

	rig_start("--set", "workers=4", NULL);
	legacy_begin("s1", "");
	legacy_get(&get, STREAM "event data=one; never", MINE, 200);
	assert_event(&get, NULL, "one");
	ask(&c, "POST", "answer 404 text/plain gone", MINE,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", 404);
	assert_body(&c, "gone");
	assert_stream_ends(&get);
	assert_ping(MINE, 404);
	rig_assert_requests(3);
	client_close(&c);
	client_close(&get);
}
END_TEST

static const struct {
	const char *script;
	int status;
} other_trouble[] = {
	{ "answer 400 text/plain no", 400 },
	{ "answer 401 text/plain no", 401 },
	{ "answer 403 text/plain no", 403 },
	{ "answer 500 text/plain no", 500 },
	{ "answer 503 text/plain no", 503 },
	{ "body; cut", 502 },
	{ "body; bytes \"x\\r\\n\\r\\n\"", 502 },
};

/* Real clients die on a wrong 404. */
START_TEST(other_trouble_is_no_404)
{
	struct client c;

	rig_start(NULL);
	legacy_begin("s1", "");
	ask(&c, "POST", other_trouble[_i].script, MINE,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
	    other_trouble[_i].status);
	client_close(&c);
	assert_ping(MINE, 200);
	rig_stop_origin();
	assert_ping(MINE, 502);
	rig_start_origin(NULL);
	assert_ping(MINE, 200);
}
END_TEST

/* One that the table doesn't know is asked of the upstream, and learnt. */
START_TEST(unknown_session_is_learnt)
{
	struct client c;

	rig_start(IDLE("2s"), "--set", "reconnect.initial_delay=5ms", "--set",
	    "workers=4", NULL);
	rig_prepare("delete", DELETED);
	rig_prepare("resume", STREAM "response 1 id=b");
	assert_ping(MINE, 200);
	legacy_call(&c, "1", STREAM "event id=a data=one; cut", MINE);
	assert_event(&c, "a", "one");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	wait_for(deletions() == 1);
	assert_ping(MINE, 404);
	client_close(&c);
}
END_TEST

/* What the upstream doesn't know either is forgotten at once. */
START_TEST(unknown_session_that_is_refused_is_forgotten)
{
	char fields[128];
	struct client c;

	rig_start("--set", "session.max_sessions=4", NULL);
	legacy_begin("s1", "");
	for (int n = 0; n < 20; n++) {
		snprintf(
		    fields, sizeof(fields), "Mcp-Session-Id: bad%d\r\n", n);
		ask(&c, "POST",
		    n % 2 ? "answer 404 text/plain no"
			  : "answer 400 text/plain no",
		    fields, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}",
		    n % 2 ? 404 : 400);
		client_close(&c);
	}
	/* None of them pushed out the one that is real. */
	wait_for(ctl_count_rows("sessions") == 1);
	ctl_says("session show s1", 0, "s1");
}
END_TEST

/* --- a full table -------------------------------------------------------- */

#define CAPACITY 8

/*
 * Idle sessions make room for new ones, those in use stay.  An evicted one is
 * not ended: the upstream still knows it, and it is learnt again.
 */
START_TEST(idle_sessions_make_room)
{
	char id[32], fields[128];
	struct client get;

	rig_start("--set", "session.max_sessions=8", "--set",
	    _i == 0 ? "workers=1" : "workers=4", NULL);
	legacy_begin("s1", "");
	legacy_get(&get,
	    STREAM "event data=one; await go; event data=two; never", MINE,
	    200);
	assert_event(&get, NULL, "one");
	for (unsigned n = 0; n < 5 * CAPACITY; n++) {
		snprintf(id, sizeof(id), "more-%u", n);
		legacy_begin(id, "");
	}
	for (unsigned n = 0; n < 5 * CAPACITY; n++) {
		snprintf(
		    fields, sizeof(fields), "Mcp-Session-Id: more-%u\r\n", n);
		assert_ping(fields, 200);
	}
	rig_open_gate("go");
	assert_event(&get, NULL, "two");
	client_close(&get);
	/* The one in use is still known. */
	wait_for(file_count(rig.proxy.err, "has left; kept") == 1);
}
END_TEST

/* Ended sessions leave their places, also where no time limit is set. */
START_TEST(ended_sessions_leave_their_places)
{
	char id[32], fields[128];
	struct client c, held[CAPACITY / 2];

	rig_start(IDLE("0"), "--set", "session.max_sessions=8", NULL);
	rig_prepare("delete", DELETED);
	for (unsigned n = 0; n < ARRAY_LEN(held); n++) {
		snprintf(id, sizeof(id), "held-%u", n);
		snprintf(fields, sizeof(fields),
		    "Mcp-Session-Id: held-%u\r\n" EVENTS, n);
		legacy_begin(id, "");
		legacy_get(
		    &held[n], STREAM "event data=one; never", fields, 200);
	}
	for (unsigned n = 0; n < 4 * CAPACITY; n++) {
		snprintf(id, sizeof(id), "brief-%u", n);
		snprintf(fields, sizeof(fields), "Mcp-Session-Id: %s\r\n", id);
		legacy_begin(id, "");
		ask(&c, "DELETE", "-", fields, NULL, 200);
		client_close(&c);
		/* It is known to have ended: so it had a place. */
		assert_ping(fields, 404);
	}
	for (unsigned n = 0; n < ARRAY_LEN(held); n++) {
		assert_event(&held[n], NULL, "one");
		client_close(&held[n]);
	}
}
END_TEST

/* When all are in use a new one is relayed all the same. */
START_TEST(full_table_refuses_nobody)
{
	struct client held[CAPACITY], c;
	char id[32], fields[128];

	rig_start("--set", "session.max_sessions=8", NULL);
	for (unsigned n = 0; n < CAPACITY; n++) {
		snprintf(id, sizeof(id), "held-%u", n);
		snprintf(fields, sizeof(fields),
		    "Mcp-Session-Id: held-%u\r\n" EVENTS, n);
		legacy_begin(id, "");
		legacy_get(
		    &held[n], STREAM "event data=one; never", fields, 200);
		assert_event(&held[n], NULL, "one");
	}
	legacy_begin("s1", "");
	assert_ping(MINE, 200);
	legacy_call(&c, "1", STREAM "event data=one; response 1", MINE);
	assert_event(&c, NULL, "one");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
	for (unsigned n = 0; n < CAPACITY; n++)
		client_close(&held[n]);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "idle");

	tcase_add_loop_test(tc, idle_session_ends, 0, 2);
	tcase_add_test(tc, living_client_holds_its_session);
	tcase_add_test(tc, idle_time_begins_when_the_client_leaves);
	tcase_add_loop_test(tc, stream_without_client_holds_nothing, 0, 2);
	tcase_add_test(tc, events_hold_their_session);
	tcase_add_loop_test(tc, request_in_flight_holds_its_session, 0, 2);
	tcase_add_test(tc, session_without_limits_lives_on);
	tc = harness_case(suite, "age");
	tcase_add_test(tc, old_session_ends);
	tc = harness_case(suite, "connections");
	tcase_add_loop_test(tc, one_connection_too_many_is_429, 0, 2);
	tcase_add_test(tc, full_session_can_be_ended);
	tcase_add_test(tc, returns_count_as_connections);
	tc = harness_case(suite, "delete");
	tcase_add_loop_test(tc, deleted_session_is_gone, 0, 2);
	tcase_add_loop_test(
	    tc, refused_delete_ends_nothing, 0, ARRAY_LEN(refused_deletes));
	tc = harness_case(suite, "upstream");
	tcase_add_test(tc, lost_session_is_gone_for_all);
	tcase_add_loop_test(
	    tc, other_trouble_is_no_404, 0, ARRAY_LEN(other_trouble));
	tcase_add_test(tc, unknown_session_is_learnt);
	tcase_add_test(tc, unknown_session_that_is_refused_is_forgotten);
	tc = harness_case(suite, "full");
	tcase_add_loop_test(tc, idle_sessions_make_room, 0, 2);
	tcase_add_test(tc, ended_sessions_leave_their_places);
	tcase_add_test(tc, full_table_refuses_nobody);
}

int
main(void)
{
	return harness_main("sessions", add_cases);
}
