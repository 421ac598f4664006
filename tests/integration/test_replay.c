/*
 * test_replay.c - clients of legacy streams that leave and come back: each
 * gets what it missed of its own stream, and nothing else.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/legacy_rig.h"
#include "tests/integration/shared_use.h"

/* Two events, then three more when the gate opens; with ids and without. */
static const char *const stories[] = {
	STREAM "event id=a data=one; event id=b data=two; await go; "
	       "event id=c data=three; response 1 id=d; mark told",
	STREAM "event data=one; event data=two; await go; "
	       "event data=three; response 1; mark told",
};

#define NOT_RETURNED "end reason=NOT_RETURNED"

static char last_id[200];

/* The next event has this data; its id is the last one. */
static void
hear(struct client *c, const char *data)
{
	struct client_event event;

	do
		ask_event(c, &event);
	while (!event.has_data);
	ck_assert_str_eq(event.data.data, data);
	ck_assert(event.has_id);
	snprintf(last_id, sizeof(last_id), "%s", event.id.data);
	event_fini(&event);
}

/* The log says so: what a client did has reached its worker. */
static void
wait_for_log(const char *text, unsigned times)
{
	wait_for(file_count(rig.proxy.err, text) >= times);
}

/* --- coming back --------------------------------------------------------- */

enum when { BACK_AT_ONCE, BACK_LATE };

static const struct {
	int story;
	enum when when;
	bool reset;
	const char *workers;
} return_rows[] = {
	{ 0, BACK_AT_ONCE, false, "workers=1" },
	{ 0, BACK_LATE, true, "workers=1" },
	{ 1, BACK_AT_ONCE, true, "workers=1" },
	{ 1, BACK_LATE, false, "workers=1" },
	{ 0, BACK_AT_ONCE, true, "workers=4" },
	{ 1, BACK_LATE, false, "workers=4" },
};

START_TEST(client_gets_what_it_missed)
{
	struct client c;

	rig_start("--set", return_rows[_i].workers, NULL);
	legacy_begin("s1", "");
	legacy_call(&c, "1", stories[return_rows[_i].story], MINE);
	hear(&c, "one");
	hear(&c, "two");
	if (return_rows[_i].reset)
		client_reset(&c);
	else
		client_close(&c);
	if (return_rows[_i].when == BACK_LATE) {
		wait_for_log("its client has left; kept", 1);
		rig_open_gate("go");
		wait_for(origin_log_count(rig.log, "mark", "told") == 1);
	}
	legacy_return(&c, MINE, last_id, "never", 200);
	assert_field(&c, "Content-Type", "text/event-stream");
	assert_field(&c, "Mcp-Session-Id", "s1");
	rig_open_gate("go");
	hear(&c, "three");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	ck_assert(client_is_open(&c));
	rig_assert_requests(2);
	client_close(&c);
}
END_TEST

/* What was damaged while it was kept is an error, and no event. */
START_TEST(damaged_events_are_not_replayed)
{
	pid_t worker, successor;
	struct client c;

	rig_start(NULL);
	legacy_begin("s1", "");
	legacy_call(&c, "1",
	    STREAM "event id=a data=one; event id=b data=to-be-damaged; never",
	    MINE);
	hear(&c, "one");
	hear(&c, "to-be-damaged");
	client_close(&c);
	wait_for_log("its client has left; kept", 1);
	ck_assert_uint_eq(rig_workers(&worker, 1), 1);
	ck_assert_int_eq(kill(worker, SIGKILL), 0);
	wait_for(rig_workers(&successor, 1) == 1 && successor != worker);
	ck_assert_uint_gt(shared_use_damage(rig.proxy.pid, "to-be-damaged"), 0);
	legacy_return(&c, MINE, "a", "never", 200);
	assert_stream_fails(&c, "1");
	ck_assert(file_has(rig.proxy.err, "its record is damaged"));
	client_close(&c);
}
END_TEST

/* Its time runs on, however often the workers die. */
START_TEST(stream_is_not_kept_for_ever_where_workers_die)
{
	pid_t worker, successor;
	struct client c;
	int64_t left, next;

	rig_start("--set", "stream.detach_timeout=1s", NULL);
	legacy_begin("s1", "");
	legacy_call(&c, "1", STREAM "event id=a data=one; never", MINE);
	hear(&c, "one");
	left = wire_now_ms();
	client_close(&c);
	wait_for_log("its client has left; kept", 1);
	while (!file_has(rig.proxy.err, NOT_RETURNED)) {
		ck_assert_msg(wire_now_ms() < left + SOON, "kept too long");
		ck_assert_uint_eq(rig_workers(&worker, 1), 1);
		ck_assert_int_eq(kill(worker, SIGKILL), 0);
		wait_for(
		    rig_workers(&successor, 1) == 1 && successor != worker);
		/* The next death comes before all of the time is over. */
		next = wire_now_ms() + 300;
		wait_for(wire_now_ms() > next ||
			 file_has(rig.proxy.err, NOT_RETURNED));
	}
	ck_assert_int_ge(wire_now_ms() - left, 990);
}
END_TEST

/* Again and again, wherever the connection lands. */
START_TEST(client_returns_to_any_worker)
{
	struct client c, idle[12];
	char data[32], script[300] = STREAM "events 40 0 id=e; await go; "
					    "response 1 id=z";
	unsigned held = 0;

	rig_start("--set", "workers=4", NULL);
	legacy_begin("s1", "");
	legacy_call(&c, "1", script, MINE);
	for (unsigned n = 1; n <= 40; n++) {
		struct client_event event;

		ask_event(&c, &event);
		snprintf(data, sizeof(data), "e%u", n);
		ck_assert_str_eq(event.id.data, data);
		event_fini(&event);
		if (n % 4 != 0)
			continue;
		client_close(&c);
		/* Others come and stay, so that the next place is another. */
		if (held < ARRAY_LEN(idle))
			ask_open(&idle[held++]);
		legacy_return(&c, MINE, data, "never", 200);
	}
	rig_open_gate("go");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	rig_assert_requests(2);
	client_close(&c);
	while (held > 0)
		client_close(&idle[--held]);
}
END_TEST

START_TEST(each_stream_has_its_own)
{
	struct client a, b, get;
	char id_a[200], id_b[200], id_get[200];

	rig_start(NULL);
	legacy_begin("s1", "");
	legacy_call(&a, "1",
	    STREAM "event data=a1; await go; event data=a2; response 1", MINE);
	legacy_call(&b, "2",
	    STREAM "event data=b1; await go; event data=b2; response 2", MINE);
	legacy_get(&get, STREAM "event data=g1; await go; event data=g2; never",
	    MINE, 200);
	hear(&a, "a1");
	snprintf(id_a, sizeof(id_a), "%s", last_id);
	hear(&b, "b1");
	snprintf(id_b, sizeof(id_b), "%s", last_id);
	hear(&get, "g1");
	snprintf(id_get, sizeof(id_get), "%s", last_id);
	client_close(&a);
	client_reset(&b);
	client_close(&get);
	wait_for_log("its client has left; kept", 3);
	rig_open_gate("go");
	legacy_return(&get, MINE, id_get, "never", 200);
	hear(&get, "g2");
	legacy_return(&b, MINE, id_b, "never", 200);
	hear(&b, "b2");
	assert_response(&b, "2");
	assert_stream_ends(&b);
	legacy_return(&a, MINE, id_a, "never", 200);
	hear(&a, "a2");
	assert_response(&a, "1");
	assert_stream_ends(&a);
	client_close(&a);
	client_close(&b);
	client_close(&get);
}
END_TEST

/* The connection is half open: the old one is closed, the new one goes on. */
START_TEST(newer_connection_takes_the_stream)
{
	struct client old, c;

	rig_start(NULL);
	legacy_begin("s1", "");
	legacy_call(&old, "1", stories[_i], MINE);
	hear(&old, "one");
	legacy_return(&c, MINE, last_id, "never", 200);
	hear(&c, "two");
	ck_assert_int_ne(client_wait_closed(&old, SOON), -ETIMEDOUT);
	rig_open_gate("go");
	hear(&c, "three");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&old);
	client_close(&c);
}
END_TEST

/* --- the end of a stream ------------------------------------------------- */

START_TEST(nothing_left_is_204)
{
	struct client_event event;
	struct client c;

	rig_start(NULL);
	legacy_begin("s1", "");
	rig_open_gate("go");
	legacy_call(&c, "1", stories[_i], MINE);
	hear(&c, "one");
	hear(&c, "two");
	hear(&c, "three");
	ask_event(&c, &event);
	snprintf(last_id, sizeof(last_id), "%s", event.id.data);
	event_fini(&event);
	assert_stream_ends(&c);
	client_close(&c);
	legacy_return(&c, MINE, last_id, "never", 204);
	ck_assert_uint_eq(c.body.len, 0);
	ck_assert(client_is_open(&c));
	client_close(&c);
}
END_TEST

/* The last packet was lost: a finished answer is still there. */
START_TEST(finished_answer_is_kept)
{
	struct client c;
	char id[sizeof(last_id)];

	rig_start(NULL);
	legacy_begin("s1", "");
	rig_open_gate("go");
	legacy_call(&c, "1", stories[_i], MINE);
	hear(&c, "one");
	(void)client_read_rest(&c, SOON);
	assert_end(&c, CLIENT_COMPLETE);
	client_close(&c);
	snprintf(id, sizeof(id), "%s", last_id);
	/* More than once, for that packet may be lost as well. */
	for (int times = 0; times < 2; times++) {
		legacy_return(&c, MINE, id, "never", 200);
		hear(&c, "two");
		hear(&c, "three");
		assert_response(&c, "1");
		assert_stream_ends(&c);
		client_close(&c);
	}
}
END_TEST

START_TEST(kept_stream_is_dropped_in_the_end)
{
	struct client c;

	rig_start("--set", "stream.detach_timeout=200ms", NULL);
	legacy_begin("s1", "");
	legacy_call(&c, "1", STREAM "event data=one; never", MINE);
	hear(&c, "one");
	client_close(&c);
	wait_for(
	    origin_log_closed(rig.log, 2) || origin_log_closed(rig.log, 1));
	/* An id of ours that leads nowhere is a gap, and says so. */
	legacy_return(&c, MINE, last_id, "never", 400);
	ck_assert(
	    message_field_is(&c.message, "Content-Type", "application/json"));
	rig_assert_requests(2);
	client_close(&c);
}
END_TEST

/* --- gaps ---------------------------------------------------------------- */

static const char *const big_stories[] = {
	STREAM "event id=a data=one; await go; events 300 0 id=e; mark told; "
	       "never",
	STREAM "event data=one; await go; events 300 0; mark told; never",
};

START_TEST(gap_is_an_error_for_the_request)
{
	struct client c;

	rig_start("--set", "journal.stream_limit=4KiB", NULL);
	legacy_begin("s1", "");
	legacy_call(&c, "1", big_stories[_i], MINE);
	hear(&c, "one");
	client_close(&c);
	wait_for_log("its client has left; kept", 1);
	rig_open_gate("go");
	wait_for(origin_log_count(rig.log, "mark", "told") == 1);
	/* All of it has been received when the proxy's ping is through. */
	assert_ping(MINE, 200);
	if (_i == 0)
		/* An id that is not kept any more is asked of the upstream. */
		rig_prepare("resume", STREAM "response 1 id=z");
	legacy_return(&c, MINE, last_id, "never", 200);
	if (_i == 0)
		assert_response(&c, "1");
	else
		assert_stream_fails(&c, "1");
	client_close(&c);
}
END_TEST

/* Its error could name no request, and silence would be no answer. */
START_TEST(gap_of_an_unknown_request_is_refused)
{
	struct client c;

	rig_start("--set", "journal.stream_limit=4KiB", NULL);
	legacy_begin("s1", "");
	legacy_return(&c, MINE, "unknown", big_stories[1], 200);
	hear(&c, "one");
	client_close(&c);
	wait_for_log("its client has left; kept", 1);
	rig_open_gate("go");
	wait_for(origin_log_count(rig.log, "mark", "told") == 1);
	assert_ping(MINE, 200);
	for (int n = 0; n < 2; n++) {
		legacy_return(&c, MINE, last_id, "never", 400);
		client_close(&c);
	}
}
END_TEST

/* Newer events of a stream are still there, although older ones are not. */
START_TEST(newest_events_are_kept)
{
	struct client_event event;
	struct client c;

	rig_start("--set", "journal.stream_limit=4KiB", NULL);
	legacy_begin("s1", "");
	legacy_call(&c, "1",
	    STREAM "event id=a data=one; await go; events 300 0 id=e; "
		   "await end; response 1 id=z",
	    MINE);
	hear(&c, "one");
	rig_open_gate("go");
	for (int n = 1; n <= 300; n++) {
		ask_event(&c, &event);
		event_fini(&event);
	}
	client_close(&c);
	legacy_return(&c, MINE, "e298", "never", 200);
	assert_event(&c, "e299",
	    "{\"jsonrpc\":\"2.0\",\"method\":"
	    "\"notifications/message\",\"params\":"
	    "{\"n\":299}}");
	ask_event(&c, &event);
	ck_assert_str_eq(event.id.data, "e300");
	event_fini(&event);
	rig_open_gate("end");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
}
END_TEST

static const char *const foreign_ids[] = { "sc1.AAAAAAAAAAAAAAAAAAAAAA.1",
	"sc1.", "sc1.x.1", "sc1.AAAAAAAAAAAAAAAAAAAAAA.99999999999999999999" };

START_TEST(unknown_id_of_ours_is_a_gap)
{
	struct client c;

	rig_start(NULL);
	legacy_begin("s1", "");
	legacy_return(&c, MINE, foreign_ids[_i], "never", 400);
	rig_assert_requests(1);
	client_close(&c);
}
END_TEST

START_TEST(unknown_id_is_asked_of_the_upstream)
{
	struct client c;

	rig_start(NULL);
	rig_prepare("resume", STREAM "event id=k data=more; response 9 id=l");
	legacy_begin("s1", "");
	legacy_return(&c, MINE, "j", "never", 200);
	assert_event(&c, "k", "more");
	assert_response(&c, "9");
	assert_stream_ends(&c);
	assert_asked(2, "GET", "j");
	client_close(&c);
}
END_TEST

/* --- whose it is --------------------------------------------------------- */

START_TEST(other_sessions_get_nothing)
{
	struct client c;

	rig_start(NULL);
	rig_prepare("resume", "answer 400 text/plain \"no such event\"");
	legacy_begin("s1", "");
	legacy_begin("s2", "");
	legacy_call(&c, "1", stories[_i], MINE);
	hear(&c, "one");
	hear(&c, "two");
	client_close(&c);
	legacy_return(&c, SESSION("s2") OLD, last_id, "never", 400);
	(void)client_read_rest(&c, SOON);
	ck_assert_ptr_null(bytes_find(&c.body, "three"));
	client_close(&c);
	/* And none at all, as well. */
	legacy_return(&c, OLD, last_id, "never", 400);
	client_close(&c);
	/* The owner's is still there. */
	legacy_return(&c, MINE, _i == 0 ? "a" : last_id, "never", 200);
	rig_open_gate("go");
	if (_i == 0)
		hear(&c, "two");
	hear(&c, "three");
	client_close(&c);
}
END_TEST

#define TOKEN(t) "Authorization: Bearer " t "\r\n"

/* Another Authorization: the upstream decides, before a byte is sent. */
START_TEST(other_tokens_are_asked_of_the_upstream)
{
	struct origin_request seen;
	struct client c;

	rig_start("--set", "workers=4", NULL);
	legacy_begin("s1", TOKEN("old"));
	legacy_call(&c, "1", stories[_i], MINE TOKEN("old"));
	hear(&c, "one");
	hear(&c, "two");
	client_close(&c);
	legacy_return(&c, MINE TOKEN("thief"), last_id,
	    "field \"WWW-Authenticate: Bearer\"; "
	    "answer 401 text/plain \"who are you\"",
	    401);
	(void)client_read_rest(&c, SOON);
	assert_body(&c, "who are you");
	assert_field(&c, "WWW-Authenticate", "Bearer");
	client_close(&c);
	rig_request(3, &seen);
	ck_assert(
	    message_field_is(&seen.message, "Authorization", "Bearer thief"));
	origin_request_fini(&seen);
	legacy_return(&c, MINE TOKEN("new"), last_id,
	    "answer 200 application/json \"{}\"", 200);
	rig_open_gate("go");
	hear(&c, "three");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
}
END_TEST

/* --- cancelling ---------------------------------------------------------- */

START_TEST(cancelled_request_is_not_waited_for)
{
	struct client c, by;

	rig_start("--set", "reconnect.initial_delay=5ms", NULL);
	rig_prepare("resume", STREAM "never");
	legacy_begin("s1", "");
	legacy_call(&c, "1", STREAM "event id=a data=one; await go; cut", MINE);
	hear(&c, "one");
	if (_i == 1) {
		client_close(&c);
		wait_for_log("its client has left; kept", 1);
	}
	ask(&by, "POST", "answer 202 text/plain \"\"", MINE,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
	    "\"params\":{\"requestId\":1}}",
	    202);
	rig_open_gate("go");
	wait_for(origin_log_count(rig.log, "mark", "cut") == 1);
	if (_i == 0)
		assert_stream_ends(&c);
	else
		legacy_return(&c, MINE, "a", "never", 204);
	rig_assert_requests(3);
	client_close(&c);
	client_close(&by);
}
END_TEST

/* --- the standalone stream ----------------------------------------------- */

START_TEST(second_standalone_get_takes_over)
{
	struct client first, second;

	rig_start("--set", _i == 0 ? "workers=1" : "workers=4", NULL);
	legacy_begin("s1", "");
	legacy_get(&first,
	    STREAM "event id=a data=one; await go; event id=b data=two; never",
	    MINE, 200);
	hear(&first, "one");
	legacy_get(&second, "never", MINE, 200);
	ck_assert_int_ne(client_wait_closed(&first, SOON), -ETIMEDOUT);
	rig_open_gate("go");
	assert_event(&second, "b", "two");
	rig_assert_requests(2);
	client_close(&first);
	client_close(&second);
}
END_TEST

/* What was said while nobody listened is not lost. */
START_TEST(standalone_get_joins_without_an_id)
{
	struct client c;

	rig_start(NULL);
	legacy_begin("s1", "");
	legacy_get(&c,
	    STREAM "event data=one; await go; event data=two; mark told; never",
	    MINE, 200);
	hear(&c, "one");
	client_close(&c);
	wait_for_log("its client has left; kept", 1);
	rig_open_gate("go");
	wait_for(origin_log_count(rig.log, "mark", "told") == 1);
	legacy_get(&c, "never", MINE, 200);
	hear(&c, "two");
	rig_assert_requests(2);
	client_close(&c);
}
END_TEST

/* The number in the next numbered notification. */
static unsigned
next_number(struct client *c, int timeout_ms)
{
	struct client_event event;
	const char *at;
	unsigned n = 0;

	while (client_read_event(c, &event, timeout_ms)) {
		at = strstr(event.data.data, "\"n\":");
		if (at != NULL)
			n = (unsigned)atoi(at + 4);
		event_fini(&event);
		if (n != 0)
			return n;
	}
	return 0;
}

/*
 * A half-open client that reads no more: the next one gets first what that
 * one's TCP never acknowledged, so that nothing falls between them.
 */
START_TEST(nothing_falls_between_two_standalone_gets)
{
	struct client first, second;
	unsigned n, last = 0, heard;

	rig_start(
	    "--set", "workers=2", "--set", "journal.stream_limit=16KiB", NULL);
	legacy_begin("s1", "");
	ck_assert_int_eq(client_open_small(&first, rig.proxy_port, SOON), 0);
	ask_send(&first, "GET", STREAM "events 250000 0; never", MINE, NULL);
	wait_for(origin_log_count(rig.log, "blocked", NULL) >= 1);
	legacy_get(&second, "never", MINE, 200);
	n = next_number(&second, SOON);
	/* What the first one's kernel still has. */
	(void)client_read_head(&first, false, SOON);
	while ((heard = next_number(&first, SOON)) != 0) {
		ck_assert_uint_eq(heard, last + 1);
		last = heard;
	}
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_le(n, last + 1);
	for (last += 500; n < last; n++)
		ck_assert_uint_eq(next_number(&second, SOON), n + 1);
	client_close(&first);
	client_close(&second);
}
END_TEST

START_TEST(stealing_again_and_again_is_409)
{
	struct client c[6];
	unsigned n;

	rig_start("--set", _i == 0 ? "workers=1" : "workers=4", NULL);
	legacy_begin("s1", "");
	legacy_get(&c[0], STREAM "event data=one; never", MINE, 200);
	for (n = 1; n <= 3; n++)
		legacy_get(&c[n], "never", MINE, 200);
	legacy_get(&c[4], "never", MINE, 409);
	ck_assert_uint_eq(message_count(&c[4].message, "Retry-After"), 1);
	(void)client_read_rest(&c[4], SOON);
	/* The one that has it keeps it. */
	ck_assert_int_eq(client_wait_closed(&c[3], 100), -ETIMEDOUT);
	rig_assert_requests(2);
	for (n = 0; n <= 4; n++)
		client_close(&c[n]);
}
END_TEST

/* --- priming ------------------------------------------------------------- */

/* The first block that is no comment. */
static void
first_block(struct client *c, struct client_event *ret)
{
	ck_assert(client_read_event(c, ret, SOON));
	while (ret->is_comment) {
		event_fini(ret);
		ck_assert(client_read_event(c, ret, SOON));
	}
}

START_TEST(return_is_primed_with_its_own_id)
{
	struct client_event event;
	struct client c;

	rig_start(NULL);
	legacy_begin("s1", "");
	legacy_call(&c, "1", stories[_i % 2], SESSION("s1") PRIMED EVENTS);
	hear(&c, "one");
	client_close(&c);
	legacy_return(&c, _i < 2 ? SESSION("s1") PRIMED : SESSION("s1") OLD,
	    last_id, "never", 200);
	first_block(&c, &event);
	if (_i < 2) {
		ck_assert_str_eq(event.id.data, last_id);
		ck_assert(event.has_data);
		ck_assert_uint_eq(event.data.len, 0);
	} else {
		ck_assert_str_eq(event.data.data, "two");
	}
	event_fini(&event);
	client_close(&c);
}
END_TEST

/* A client that was cut before the first event has the priming one's id. */
START_TEST(primed_client_can_return_from_the_start)
{
	struct client_event event;
	struct client c;

	rig_start("--set", "workers=4", NULL);
	legacy_begin("s1", "");
	legacy_call(&c, "1",
	    STREAM "await go; event data=one; event data=two; response 1",
	    SESSION("s1") PRIMED EVENTS);
	first_block(&c, &event);
	snprintf(last_id, sizeof(last_id), "%s", event.id.data);
	event_fini(&event);
	client_reset(&c);
	rig_open_gate("go");
	legacy_return(&c, SESSION("s1") PRIMED, last_id, "never", 200);
	hear(&c, "one");
	hear(&c, "two");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "coming back");

	tcase_add_loop_test(
	    tc, client_gets_what_it_missed, 0, ARRAY_LEN(return_rows));
	tcase_add_test(tc, damaged_events_are_not_replayed);
	tcase_add_test(tc, stream_is_not_kept_for_ever_where_workers_die);
	tcase_add_test(tc, client_returns_to_any_worker);
	tcase_add_test(tc, each_stream_has_its_own);
	tcase_add_loop_test(tc, newer_connection_takes_the_stream, 0, 2);
	tc = harness_case(suite, "ends");
	tcase_add_loop_test(tc, nothing_left_is_204, 0, 2);
	tcase_add_loop_test(tc, finished_answer_is_kept, 0, 2);
	tcase_add_test(tc, kept_stream_is_dropped_in_the_end);
	tc = harness_case(suite, "gaps");
	tcase_add_loop_test(tc, gap_is_an_error_for_the_request, 0, 2);
	tcase_add_test(tc, gap_of_an_unknown_request_is_refused);
	tcase_add_test(tc, newest_events_are_kept);
	tcase_add_loop_test(
	    tc, unknown_id_of_ours_is_a_gap, 0, ARRAY_LEN(foreign_ids));
	tcase_add_test(tc, unknown_id_is_asked_of_the_upstream);
	tc = harness_case(suite, "owners");
	tcase_add_loop_test(tc, other_sessions_get_nothing, 0, 2);
	tcase_add_loop_test(tc, other_tokens_are_asked_of_the_upstream, 0, 2);
	tc = harness_case(suite, "cancelling");
	tcase_add_loop_test(tc, cancelled_request_is_not_waited_for, 0, 2);
	tc = harness_case(suite, "standalone");
	tcase_add_loop_test(tc, second_standalone_get_takes_over, 0, 2);
	tcase_add_test(tc, standalone_get_joins_without_an_id);
	tcase_add_test(tc, nothing_falls_between_two_standalone_gets);
	tcase_add_loop_test(tc, stealing_again_and_again_is_409, 0, 2);
	tc = harness_case(suite, "priming");
	tcase_add_loop_test(tc, return_is_primed_with_its_own_id, 0, 4);
	tcase_add_test(tc, primed_client_can_return_from_the_start);
}

int
main(void)
{
	return harness_main("replay", add_cases);
}
