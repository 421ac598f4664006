/*
 * test_request.c - from a client's bytes to a request for the upstream, or a
 * refusal, however the bytes are cut.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/request.h"

#define OUT_CAP (512u * 1024u)
#define HOST "Host: localhost\r\n"
#define CALL "{\"jsonrpc\":\"2.0\",\"id\":\"k\",\"method\":\"tools/call\"}"
#define CALL_LENGTH "Content-Length: 48\r\n"

static char wire[OUT_CAP], body[OUT_CAP];

/* --- what comes through -------------------------------------------------- */

/* clang-format off */
static const struct row {
	const char *bytes;
	const char *line;  /* the upstream's request line */
	const char *body;
	const char *later; /* bytes that are kept for the next turn */
	enum stream_era era;
	bool keep_alive;
	const char *answer; /* what is sent to the client at once */
} rows[] = {
	{ "GET /mcp HTTP/1.1\r\n" HOST "\r\n",
	    "GET /mcp HTTP/1.1\r\n", "", "", ERA_LEGACY, true, "" },
	{ "\r\nGET /mcp?a=b HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
	    "GET /mcp?a=b HTTP/1.1\r\n", "", "", ERA_LEGACY, false, "" },
	{ "GET http://localhost/mcp HTTP/1.0\r\n\r\n",
	    "GET /mcp HTTP/1.1\r\n", "", "", ERA_LEGACY, false, "" },
	{ "GET /.well-known/oauth HTTP/1.1\r\n" HOST
	    "MCP-Protocol-Version: 2026-07-28\r\n\r\n",
	    "GET /.well-known/oauth HTTP/1.1\r\n", "", "",
	    ERA_PLAIN, true, "" },
	{ "POST /mcp HTTP/1.1\r\n" HOST CALL_LENGTH "\r\n" CALL,
	    "POST /mcp HTTP/1.1\r\n", CALL, "", ERA_LEGACY, true, "" },
	{ "POST /mcp HTTP/1.1\r\n" HOST CALL_LENGTH
	    "MCP-Protocol-Version: 2026-07-28\r\n\r\n" CALL,
	    "POST /mcp HTTP/1.1\r\n", CALL, "", ERA_MODERN, true, "" },
	{ "POST /mcp HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	    "4\r\nWiki\r\n5;x\r\npedia\r\n0\r\nT: x\r\n\r\n",
	    "POST /mcp HTTP/1.1\r\n", "Wikipedia", "",
	    ERA_LEGACY, true, "" },
	{ "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
	    "POST /mcp HTTP/1.1\r\n", "", "", ERA_LEGACY, true, "" },
	{ "POST /mcp HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
	    "Content-Length: 2\r\n\r\nok",
	    "POST /mcp HTTP/1.1\r\n", "ok", "", ERA_LEGACY, true,
	    "HTTP/1.1 100 Continue\r\n\r\n" },
	/* Nothing to wait for. */
	{ "GET /mcp HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n",
	    "GET /mcp HTTP/1.1\r\n", "", "", ERA_LEGACY, true, "" },
	{ "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok"
	    "GET /next HTTP/1.1\r\n" HOST "\r\nGET /afte",
	    "POST /mcp HTTP/1.1\r\n", "ok",
	    "GET /next HTTP/1.1\r\n" HOST "\r\nGET /afte",
	    ERA_LEGACY, true, "" },
};
/* clang-format on */

static void
check_out(const struct row *row)
{
	const struct client_state *cs = client_state(rig.c);
	const struct stream *st = rig.c->stream;
	struct http_head head;
	size_t len;
	bool whole;

	len = rig_wire(&cs->out, st->rec->framing, wire, sizeof(wire));
	ck_assert_uint_gt(len, strlen(row->line));
	ck_assert_mem_eq(wire, row->line, strlen(row->line));
	len = rig_decode(HTTP_SIDE_REQUEST, wire, len, &head, body, &whole);
	ck_assert(whole);
	ck_assert_uint_eq(len, strlen(row->body));
	ck_assert_mem_eq(body, row->body, len);
	ck_assert_uint_eq(cs->body_len, len);
	ck_assert(
	    http_slice_equals(head.host, http_slice_of(rig.w.upstream_host)));
	ck_assert_ptr_nonnull(
	    memmem(wire, sizeof(wire), "X-Forwarded-For: 192.0.2.7\r\n", 28));
}

static void
check_row(const struct row *row)
{
	const struct client_state *cs = client_state(rig.c);
	const struct stream *st = rig.c->stream;
	size_t len;

	ck_assert_int_eq(cs->phase, CLIENT_WAIT);
	ck_assert_int_eq(cs->refusal, HTTP_FAULT_NONE);
	ck_assert(cs->keep_alive == row->keep_alive);
	ck_assert_uint_eq(cs->taken, strlen(row->bytes));
	ck_assert_uint_eq(cs->requests, 1);
	ck_assert_ptr_nonnull(st);
	ck_assert_uint_eq(cs->stream_ref, st->slot + 1);
	ck_assert_uint_eq(stream_state(st)->client_ref, rig.c->slot + 1);
	ck_assert_uint_eq(stream_state(st)->request, 1);
	ck_assert_int_eq(st->rec->era, row->era);
	check_out(row);
	len = chain_peek(&rig.w.arena, &cs->in, wire, sizeof(wire));
	ck_assert_uint_eq(len, strlen(row->later));
	ck_assert_mem_eq(wire, row->later, len);
	len = rig_wire(
	    &stream_state(st)->answer, HTTP_FRAMING_NONE, wire, sizeof(wire));
	ck_assert_uint_eq(len, strlen(row->answer));
	ck_assert_mem_eq(wire, row->answer, len);
}

START_TEST(a_request_is_the_same_however_it_is_cut)
{
	const struct row *row = &rows[_i];
	size_t at, len = strlen(row->bytes);

	for (at = 0; at < len; at++) {
		rig_setup();
		rig_feed(row->bytes, at, SIZE_MAX);
		rig_feed(row->bytes + at, len - at, SIZE_MAX);
		check_row(row);
		rig_teardown();
	}
	for (at = 1; at < 6; at++) {
		rig_setup();
		rig_feed(row->bytes, len, at);
		check_row(row);
		rig_teardown();
	}
}
END_TEST

/* --- what a death leaves of its message ----------------------------------- */

static const char twice[] =
    "{\"method\":\"initialize\",\"id\":\"k\","
    "\"params\":{\"protocolVersion\":\"1\"},\"id\":23456,\"method\":\"x\"}";

static void
check_id(struct jsonrpc json, const char *text)
{
	struct jsonrpc_text id;

	(void)jsonrpc_id(&json, &id);
	ck_assert_uint_eq(id.len, strlen(text));
	ck_assert_mem_eq(id.text, text, id.len);
}

/* Bytes that were read and not committed leave no trace, wherever they end. */
START_TEST(a_message_is_read_again_after_a_death)
{
	static const char head[] =
	    "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 89\r\n\r\n";
	size_t at, len = strlen(twice);
	const char *first = strstr(twice, ",\"params");
	const char *second = strstr(twice, "23456");
	struct client_state *next;
	struct jsonrpc json;

	ck_assert_uint_eq(len, 89);
	for (at = 1; at < len; at++) {
		rig_setup();
		rig_feed(head, sizeof(head) - 1, SIZE_MAX);
		rig_feed(twice, at, SIZE_MAX);
		next = RECORD_BEGIN(rig.c->rec);
		ck_assert_uint_eq(
		    request_body(rig.c, next, twice + at, len - at), len - at);
		if (twice + at >= first && twice + at <= second)
			check_id(client_message(rig.c), "\"k\"");
		rig_feed(twice + at, len - at, SIZE_MAX);
		json = client_message(rig.c);
		ck_assert(jsonrpc_is_complete(&json));
		check_id(json, "23456");
		ck_assert_int_eq(jsonrpc_method(&json), JSONRPC_METHOD_OTHER);
		rig_teardown();
	}
}
END_TEST

/* --- what is refused ----------------------------------------------------- */

/* clang-format off */
static const struct refusal_row {
	const char *bytes;
	enum http_fault fault;
	bool is_last; /* can't be read further: the connection ends */
	const char *later;
} refusal_rows[] = {
	/* At once. */
	{ "\x16\x03\x01\x02\x01\x01", HTTP_FAULT_TLS, true, "" },
	{ "GET /mcp HTTP/1.1\n" HOST "\n", HTTP_FAULT_BARE_LF, true, "" },
	{ "GET /mcp HTTP/1.1\r\n\r\n", HTTP_FAULT_HOST_MISSING, true, "" },
	{ "GET /mcp HTTP/1.1\r\n" HOST "A : b\r\n\r\n",
	    HTTP_FAULT_SPACE_BEFORE_COLON, true, "" },
	{ "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 1\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
	    HTTP_FAULT_LENGTH_AND_CHUNKED, true, "" },
	{ "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 5000\r\n\r\n",
	    HTTP_FAULT_BODY_LONG, true, "" },
	{ "POST /mcp HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	    "zz\r\n", HTTP_FAULT_CHUNK, true, "" },
	/* A client that waits for our word is not kept waiting. */
	{ "POST /mcp HTTP/1.1\r\nHost: evil.example\r\n"
	    "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
	    HTTP_FAULT_FOREIGN_HOST, true, "" },
	/* When the request is in; the connection goes on. */
	{ "OPTIONS /mcp HTTP/1.1\r\n" HOST
	    "Origin: https://evil.example\r\n\r\n",
	    HTTP_FAULT_FOREIGN_ORIGIN, false, "" },
	{ "TRACE /mcp HTTP/1.1\r\n" HOST "\r\n",
	    HTTP_FAULT_METHOD_NOT_ALLOWED, false, "" },
	{ "POST /mcp HTTP/1.1\r\nHost: evil.example\r\n" CALL_LENGTH "\r\n"
	    CALL "GET /next HTTP",
	    HTTP_FAULT_FOREIGN_HOST, false, "GET /next HTTP" },
};
/* clang-format on */

static void
check_refusal(const struct refusal_row *row)
{
	const struct client_state *cs = client_state(rig.c);
	char later[64];
	size_t len;

	ck_assert_int_eq(cs->refusal, row->fault);
	ck_assert_int_eq(cs->phase, row->is_last ? CLIENT_LINGER : CLIENT_WAIT);
	ck_assert(cs->keep_alive == !row->is_last);
	ck_assert_uint_eq(cs->stream_ref, 0);
	ck_assert(chain_is_empty(&cs->out.chain));
	ck_assert_uint_gt(cs->refused_s, 0);
	len = chain_peek(&rig.w.arena, &cs->in, later, sizeof(later));
	ck_assert_uint_eq(len, strlen(row->later));
	ck_assert_mem_eq(later, row->later, len);
	if (strstr(row->bytes, CALL) != NULL) {
		struct jsonrpc json = client_message(rig.c);
		struct jsonrpc_text id;

		(void)jsonrpc_id(&json, &id);
		ck_assert_uint_eq(id.len, 3);
		ck_assert_mem_eq(id.text, "\"k\"", 3);
	}
}

START_TEST(a_refusal_is_the_same_however_it_is_cut)
{
	const struct refusal_row *row = &refusal_rows[_i];
	size_t at, len = strlen(row->bytes);

	for (at = 0; at < len; at++) {
		rig_setup();
		rig_set("client.max_body", "4KiB");
		rig_feed(row->bytes, at, SIZE_MAX);
		rig_feed(row->bytes + at, len - at, SIZE_MAX);
		check_refusal(row);
		rig_teardown();
	}
	for (at = 1; at < 6; at++) {
		rig_setup();
		rig_set("client.max_body", "4KiB");
		rig_feed(row->bytes, len, at);
		check_refusal(row);
		rig_teardown();
	}
}
END_TEST

/* No later than with so many bytes, and no matter how many more follow. */
static void
expect_fault(
    const char *begin, const char *more, size_t limit, enum http_fault fault)
{
	size_t step, fed;

	for (step = 1; step < 2000; step = step * 3 + 1) {
		rig_setup();
		rig_set("client.max_header", "1KiB");
		rig_set("client.max_body", "4KiB");
		rig_feed(begin, strlen(begin), SIZE_MAX);
		for (fed = strlen(begin); fed < limit + step;
		     fed += strlen(more))
			rig_feed(more, strlen(more), step);
		ck_assert_int_eq(client_state(rig.c)->refusal, fault);
		ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_LINGER);
		rig_teardown();
	}
}

START_TEST(sizes_are_bounded)
{
	expect_fault("GET /mcp HTTP/1.1\r\n" HOST "X-Long: ", "xxxxxxx", 1024,
	    HTTP_FAULT_HEAD_LONG);
	expect_fault("POST /mcp HTTP/1.1\r\n" HOST
		     "Transfer-Encoding: chunked\r\n\r\n",
	    "10\r\n0123456789abcdef\r\n", 6 * 1024, HTTP_FAULT_BODY_LONG);
}
END_TEST

/* --- short memory -------------------------------------------------------- */

START_TEST(short_memory_is_a_refusal)
{
	static const char head[] =
	    "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n";
	static char bytes[100000];
	const struct client_state *cs;
	uint32_t blocks, i, used;

	memset(bytes, 'x', sizeof(bytes));
	for (blocks = 1; blocks < 20; blocks++) {
		rig_setup_with(blocks);
		rig_feed(head, sizeof(head) - 1, 40);
		rig_feed(bytes, sizeof(bytes), 999);
		cs = client_state(rig.c);
		ck_assert_int_eq(cs->refusal, HTTP_FAULT_NO_ROOM);
		ck_assert_uint_eq(cs->stream_ref, 0);
		client_act(rig.c);
		ck_assert_ptr_null(rig.c->stream);
		for (used = 0, i = 0; i < blocks; i++)
			used += rig.shm.block_owners[i] == rig.w.self;
		ck_assert_uint_eq(used, 0);
		ck_assert_uint_gt(rig_receive(wire, sizeof(wire)), 0);
		ck_assert_ptr_nonnull(strstr(wire, "HTTP/1.1 503 "));
		rig_teardown();
	}
}
END_TEST

static bool
give_one(void *context)
{
	uint32_t *left = context;

	if (*left == 0)
		return false;
	claim_give(&rig.w.streams, --*left);
	return true;
}

/* All streams are taken, but one of them may go for the new one. */
START_TEST(a_kept_stream_makes_room)
{
	uint32_t taken, n = 0, left = 1;

	rig_setup();
	while (claim_take(&rig.w.streams, &taken) == 0)
		n++;
	ck_assert_uint_eq(n, rig.shm.sizes.streams);
	rig.w.arena.on_short = give_one;
	rig.w.arena.context = &left;
	rig_feed(rows[4].bytes, strlen(rows[4].bytes), 10);
	ck_assert_int_eq(client_state(rig.c)->refusal, 0);
	ck_assert_ptr_nonnull(rig.c->stream);
	ck_assert_uint_eq(left, 0);
	rig_teardown();
}
END_TEST

/* The answer to an earlier request is still out when all streams are taken. */
START_TEST(no_free_stream_is_a_refusal)
{
	uint32_t taken, n = 0;

	rig_setup();
	while (claim_take(&rig.w.streams, &taken) == 0)
		n++;
	ck_assert_uint_eq(n, rig.shm.sizes.streams);
	rig_feed(rows[4].bytes, strlen(rows[4].bytes), 10);
	ck_assert_int_eq(client_state(rig.c)->refusal, HTTP_FAULT_NO_ROOM);
	ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_WAIT);
	ck_assert_ptr_null(rig.c->stream);
	client_act(rig.c);
	ck_assert_uint_gt(rig_receive(wire, sizeof(wire)), 0);
	ck_assert_ptr_nonnull(strstr(wire, "HTTP/1.1 503 "));
	ck_assert_ptr_nonnull(strstr(wire, "\"id\":\"k\""));
	ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_HEAD);
	rig_teardown();
}
END_TEST

static uint64_t
counted(enum counter which)
{
	return atomic_load(&rig.w.slot->counters[which]);
}

/* What has no head knows nothing of the request before on its connection. */
START_TEST(a_head_that_is_too_long_is_nobodys)
{
	static const char first[] =
	    "POST /mcp HTTP/1.1\r\nHost: evil.example\r\n" CALL_LENGTH
	    "\r\n" CALL;
	static char long_head[33 * 1024];

	rig_setup();
	rig_feed(first, strlen(first), SIZE_MAX);
	client_act(rig.c);
	wire[rig_receive(wire, sizeof(wire) - 1)] = '\0';
	ck_assert_ptr_nonnull(strstr(wire, "HTTP/1.1 403 "));
	ck_assert_ptr_nonnull(strstr(wire, "\"id\":\"k\""));
	memset(long_head, 'a', sizeof(long_head));
	memcpy(long_head, "GET /mcp HTTP/1.1\r\nX: ", 22);
	rig_feed(long_head, sizeof(long_head), SIZE_MAX);
	client_act(rig.c);
	wire[rig_receive(wire, sizeof(wire) - 1)] = '\0';
	ck_assert_ptr_nonnull(strstr(wire, "HTTP/1.1 431 "));
	ck_assert_ptr_nonnull(strstr(wire, "\"id\":null"));
	ck_assert_uint_eq(counted(COUNTER_POST_4XX), 1);
	ck_assert_uint_eq(counted(COUNTER_OTHER_4XX), 1);
	ck_assert_uint_eq(
	    counted(COUNTER_REFUSED + (int)HTTP_FAULT_FOREIGN_HOST), 1);
	ck_assert_uint_eq(
	    counted(COUNTER_REFUSED + (int)HTTP_FAULT_HEAD_LONG), 1);
	rig_teardown();
}
END_TEST

/* What comes of a request for this host, from a foreign origin. */
static void
expect_of_host(const char *host, enum http_fault fault)
{
	char bytes[128];
	int len = snprintf(bytes, sizeof(bytes),
	    "OPTIONS * HTTP/1.1\r\nHost: %s\r\nOrigin: null\r\n\r\n", host);

	rig_feed(bytes, (size_t)len, SIZE_MAX);
	ck_assert_int_eq(client_state(rig.c)->refusal, fault);
	client_act(rig.c);
	ck_assert_uint_gt(rig_receive(wire, sizeof(wire)), 0);
}

/* Who came in says nothing of who comes next. */
START_TEST(a_host_that_is_allowed_allows_no_other)
{
	rig_setup();
	rig.c->is_on_loopback = true;
	expect_of_host("localhost", HTTP_FAULT_FOREIGN_ORIGIN);
	expect_of_host("localhosT", HTTP_FAULT_FOREIGN_ORIGIN);
	expect_of_host("localhost", HTTP_FAULT_FOREIGN_ORIGIN);
	expect_of_host("evil.host", HTTP_FAULT_FOREIGN_HOST);
	expect_of_host("localhost:1", HTTP_FAULT_FOREIGN_ORIGIN);
	/* Another listener, and back. */
	rig.c->is_on_loopback = false;
	expect_of_host("evil.host", HTTP_FAULT_FOREIGN_ORIGIN);
	rig.c->is_on_loopback = true;
	expect_of_host("evil.host", HTTP_FAULT_FOREIGN_HOST);
	rig_teardown();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("request");
	TCase *tc = tcase_create("request");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(
	    tc, a_request_is_the_same_however_it_is_cut, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, a_message_is_read_again_after_a_death);
	tcase_add_loop_test(tc, a_refusal_is_the_same_however_it_is_cut, 0,
	    ARRAY_LEN(refusal_rows));
	tcase_add_test(tc, sizes_are_bounded);
	tcase_add_test(tc, short_memory_is_a_refusal);
	tcase_add_test(tc, no_free_stream_is_a_refusal);
	tcase_add_test(tc, a_kept_stream_makes_room);
	tcase_add_test(tc, a_head_that_is_too_long_is_nobodys);
	tcase_add_test(tc, a_host_that_is_allowed_allows_no_other);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
