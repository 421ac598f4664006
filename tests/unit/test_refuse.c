/*
 * test_refuse.c - the proxy's own answers: each fault makes a well-formed
 * one, the same state makes the same bytes, and garbage makes no harm.
 */
#include "config.h"

#include <check.h>
#include <string.h>

#include "common/http_head.h"
#include "common/jsonrpc.h"
#include "tests/unit/unit.h"
#include "worker/refuse.h"

/* A Sunday in November 1994, 08:49:37 GMT (RFC 9110 5.6.7). */
#define THEN_S 784111777u

static struct client_state cs;
static char buf[REFUSAL_MAX];
static struct http_head head;
static struct jsonrpc asked; /* whose place is in cs */

static void
setup(void)
{
	memset(&cs, 0, sizeof(cs));
	cs.phase = CLIENT_WAIT;
	cs.keep_alive = 1;
	cs.method = HTTP_METHOD_POST;
	cs.minor = 1;
	cs.refused_s = THEN_S;
	cs.refusal = HTTP_FAULT_UPSTREAM_LOST;
	jsonrpc_init(&asked);
	cs.json = asked.place;
}

/* Let the request have this body. */
static void
ask(const char *body)
{
	bool message = false;
	size_t len = strlen(body), used = 0;

	jsonrpc_init(&asked);
	while (used < len && !message)
		used += jsonrpc_next(&asked, body + used, len - used, &message);
	while (used < len && !jsonrpc_is_complete(&asked))
		used += jsonrpc_next(&asked, body + used, len - used, &message);
	cs.json = asked.place;
}

/* Write the refusal and read its head; returns its body. */
static struct http_slice
refuse(void)
{
	size_t len = refusal_write(&cs, buf);
	struct http_slice body;
	int n;

	ck_assert_uint_gt(len, 0);
	ck_assert_uint_le(len, REFUSAL_MAX);
	n = http_head_scan_answer(buf, len, REFUSAL_MAX, &head);
	ck_assert_int_gt(n, 0);
	body = (struct http_slice){ buf + n, (uint32_t)(len - (size_t)n) };
	return body;
}

/* The body is one JSON-RPC error with this id. */
static void
check_error(const char *body, size_t len, const char *id)
{
	struct jsonrpc json;
	struct jsonrpc_text got;
	bool message = false;

	jsonrpc_init(&json);
	ck_assert_uint_eq(jsonrpc_next(&json, body, len, &message), len);
	ck_assert(message);
	ck_assert(jsonrpc_is_complete(&json));
	ck_assert_int_eq(jsonrpc_kind(&json), JSONRPC_ERROR_RESPONSE);
	(void)jsonrpc_id(&json, &got);
	ck_assert_uint_eq(got.len, strlen(id));
	ck_assert_mem_eq(got.text, id, got.len);
}

static bool
has(struct http_slice s, const char *text)
{
	return s.len > 0 && memmem(s.p, s.len, text, strlen(text)) != NULL;
}

START_TEST(each_fault_is_a_whole_answer)
{
	struct http_slice body;

	ask("{\"jsonrpc\":\"2.0\",\"id\":\"a-7\",\"method\":\"tools/call\"}");
	cs.refusal = (uint8_t)_i;
	body = refuse();
	ck_assert_uint_eq(head.status, http_fault_status(cs.refusal));
	ck_assert(head.keep_alive);
	if (head.status == 204) {
		/* RFC 9110 8.6: no body, and no length of one. */
		ck_assert_int_eq(_i, HTTP_FAULT_NOTHING_LEFT);
		ck_assert_int_eq(head.content_length, -1);
		ck_assert_uint_eq(body.len, 0);
		return;
	}
	ck_assert_int_eq(head.content_length, body.len);
	ck_assert(has(http_head_value(&head, HTTP_FIELD_CONTENT_TYPE),
	    "application/json"));
	ck_assert(http_slice_equals(http_head_value(&head, HTTP_FIELD_DATE),
	    http_slice_of("Sun, 06 Nov 1994 08:49:37 GMT")));
	check_error(body.p, body.len, "\"a-7\"");
}
END_TEST

/* The successor of one that died in the middle makes the same bytes. */
START_TEST(the_same_state_makes_the_same_bytes)
{
	struct client_state again = cs;
	char other[REFUSAL_MAX];
	size_t len = refusal_write(&cs, buf);

	memset(other, 'x', sizeof(other));
	ck_assert_uint_eq(refusal_write(&again, other), len);
	ck_assert_mem_eq(buf, other, len);
}
END_TEST

static const struct {
	const char *body, *id;
} id_rows[] = {
	{ "", "null" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":42,\"method\":\"x\"}", "42" },
	{ "{\"method\":\"x\",\"id\":\"q\\\"\\\\\"}", "\"q\\\"\\\\\"" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"n\"}", "null" },
	{ "[{\"id\":1,\"method\":\"x\"},{\"id\":2,\"method\":\"y\"}]", "null" },
	{ "this is no JSON", "null" },
};

START_TEST(the_id_is_told_where_it_is_known)
{
	struct http_slice body;

	ask(id_rows[_i].body);
	body = refuse();
	check_error(body.p, body.len, id_rows[_i].id);
}
END_TEST

START_TEST(head_gets_the_head_alone)
{
	struct http_slice body;

	cs.method = HTTP_METHOD_HEAD;
	body = refuse();
	ck_assert_uint_eq(body.len, 0);
	ck_assert_int_gt(head.content_length, 0);
}
END_TEST

START_TEST(the_last_answer_says_so)
{
	cs.keep_alive = 0;
	(void)refuse();
	ck_assert(!head.keep_alive);
}
END_TEST

START_TEST(who_may_try_again_is_told_when)
{
	cs.refusal = HTTP_FAULT_NO_ROOM;
	(void)refuse();
	ck_assert_uint_eq(head.status, 503);
	ck_assert_uint_gt(
	    http_head_value(&head, HTTP_FIELD_RETRY_AFTER).len, 0);
	cs.refusal = HTTP_FAULT_HOST;
	(void)refuse();
	ck_assert_ptr_null(http_head_value(&head, HTTP_FIELD_RETRY_AFTER).p);
}
END_TEST

/* RFC 9110 15.5.6: a 405 names the methods. */
START_TEST(a_405_names_the_methods)
{
	cs.refusal = HTTP_FAULT_METHOD_NOT_ALLOWED;
	(void)refuse();
	ck_assert(has(head.raw, "\r\nAllow: "));
	ck_assert(has(head.raw, "POST"));
	ck_assert(!has(head.raw, "TRACE"));
}
END_TEST

/* --- the event that ends a stream ---------------------------------------- */

START_TEST(an_event_ends_a_stream_for_who_waits)
{
	static const char begin[] = "event: message\ndata: ";
	size_t at = sizeof(begin) - 1, len;

	ask("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\"}");
	len = refusal_event_write(&asked, "it \"broke\"\n", buf);
	ck_assert_uint_gt(len, at + 2);
	ck_assert_mem_eq(buf, begin, at);
	ck_assert_mem_eq(buf + len - 2, "\n\n", 2);
	ck_assert_ptr_null(memchr(buf + at, '\n', len - at - 2));
	check_error(buf + at, len - at - 2, "9");
}
END_TEST

static const char *const silent_rows[] = {
	"",
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}",
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
	"[{\"id\":1,\"method\":\"x\"},{\"id\":2,\"method\":\"y\"}]",
};

START_TEST(nobody_waits_so_nobody_is_told)
{
	ask(silent_rows[_i]);
	ck_assert_uint_eq(refusal_event_write(&asked, "it broke", buf), 0);
}
END_TEST

/* --- what another process left ------------------------------------------- */

START_TEST(any_bytes_of_a_state_are_survived)
{
	uint64_t x = 88172645463325252u + (uint64_t)_i * 977;
	char *bytes = (char *)&cs;

	for (int round = 0; round < 500; round++) {
		for (size_t i = 0; i < sizeof(cs); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bytes[i] = (char)(x >> 11);
		}
		/* Not only the pointless ones. */
		if (round % 2 == 0)
			cs.refusal %= HTTP_FAULT_COUNT;
		ck_assert_uint_le(refusal_write(&cs, buf), REFUSAL_MAX);
		ck_assert_uint_le(
		    refusal_event_write(&asked, "it broke", buf), REFUSAL_MAX);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("refuse");
	TCase *tc = tcase_create("refuse");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(
	    tc, each_fault_is_a_whole_answer, 1, HTTP_FAULT_COUNT);
	tcase_add_test(tc, the_same_state_makes_the_same_bytes);
	tcase_add_loop_test(tc, the_id_is_told_where_it_is_known, 0,
	    sizeof(id_rows) / sizeof(id_rows[0]));
	tcase_add_test(tc, head_gets_the_head_alone);
	tcase_add_test(tc, the_last_answer_says_so);
	tcase_add_test(tc, who_may_try_again_is_told_when);
	tcase_add_test(tc, a_405_names_the_methods);
	tcase_add_test(tc, an_event_ends_a_stream_for_who_waits);
	tcase_add_loop_test(tc, nobody_waits_so_nobody_is_told, 0,
	    sizeof(silent_rows) / sizeof(silent_rows[0]));
	tcase_add_loop_test(tc, any_bytes_of_a_state_are_survived, 0, 8);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
