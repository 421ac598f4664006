/*
 * test_client.c - what a client is sent, and what becomes of its connection:
 * answers that end in every way, refusals, and what it had already asked.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/answer.h"
#include "worker/poisoned.h"

#define MODERN                                                                 \
	"GET /mcp HTTP/1.1\r\nHost: localhost\r\n"                             \
	"MCP-Protocol-Version: 2026-07-28\r\n\r\n"
#define LEGACY "GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define CALL                                                                   \
	"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 35\r\n\r\n"  \
	"{\"id\":7,\"method\":\"x\",\"jsonrpc\":\"2\"}"
#define EVENTS_HEAD                                                            \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"               \
	"Transfer-Encoding: chunked\r\n\r\n"

static char got[65536];
static size_t got_len;

static void
setup(void)
{
	rig_setup();
	got_len = 0;
}

/* Take bytes of the upstream, and send what there is. */
static void
answer(const char *bytes)
{
	struct stream *st = rig.c->stream;
	struct stream_state *next = stream_next(st);

	ck_assert_int_le(
	    answer_take(st, next, bytes, strlen(bytes)), ANSWER_COMPLETE);
	RECORD_COMMIT(st->rec);
	arena_settle(&rig.w.arena);
	client_flush(rig.c);
}

static void
answer_ends(void)
{
	struct stream *st = rig.c->stream;
	struct stream_state *next = stream_next(st);

	ck_assert_int_eq(answer_eof(st, next), ANSWER_COMPLETE);
	RECORD_COMMIT(st->rec);
	arena_settle(&rig.w.arena);
	client_flush(rig.c);
}

/* Add what the client was sent to what it had. */
static const char *
received(void)
{
	got_len += rig_receive(got + got_len, sizeof(got) - got_len - 1);
	got[got_len] = '\0';
	return got;
}

/* Whether the client's connection has ended, with nothing left to read. */
static bool
has_ended(void)
{
	char byte;
	ssize_t n;

	(void)received();
	n = recv(rig.peer, &byte, 1, MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno == ECONNRESET);
}

static bool
ends_with(const char *text)
{
	size_t len = strlen(text);

	return strlen(received()) >= len &&
	       strcmp(got + got_len - len, text) == 0;
}

/* --- answers ------------------------------------------------------------ */

START_TEST(a_whole_answer_leaves_the_connection)
{
	rig_ask(LEGACY);
	answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
	ck_assert(ends_with("\r\n\r\nhe"));
	ck_assert_ptr_nonnull(rig.c->stream);
	answer("llo");
	ck_assert(ends_with("\r\n\r\nhello"));
	ck_assert_ptr_null(rig.c->stream);
	ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_HEAD);
	ck_assert_uint_eq(client_state(rig.c)->wire, got_len);
}
END_TEST

/* Its end has no bytes of its own: it must be seen nevertheless. */
START_TEST(the_end_of_a_connection_ends_an_answer_to_1_0)
{
	rig_ask("GET /mcp HTTP/1.0\r\nHost: localhost\r\n\r\n");
	answer("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
	ck_assert(ends_with("\r\n\r\nabc"));
	ck_assert(!has_ended());
	answer_ends();
	ck_assert_ptr_null(rig.c->stream);
	ck_assert(has_ended());
	ck_assert(ends_with("\r\n\r\nabc"));
}
END_TEST

START_TEST(a_legacy_stream_that_is_lost_ends_with_an_error)
{
	rig_ask(CALL);
	answer(EVENTS_HEAD "8\r\ndata: a\n\r\n9\r\n\ndata: ha\r\n");
	stream_fail(rig.c->stream, HTTP_FAULT_UPSTREAM_LOST, END_UPSTREAM_LOST);
	ck_assert(ends_with("}}\n\n\r\n0\r\n\r\n"));
	ck_assert_ptr_null(strstr(got, "data: ha"));
	ck_assert_ptr_nonnull(strstr(got, "\"id\":7"));
	ck_assert_ptr_null(rig.c->stream);
	ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_HEAD);
}
END_TEST

/* Its body is no request that anybody answers. */
START_TEST(a_get_is_told_of_no_error)
{
	rig_ask("GET /mcp HTTP/1.1\r\nHost: localhost\r\n"
		"Content-Length: 35\r\n\r\n"
		"{\"id\":7,\"method\":\"x\",\"jsonrpc\":\"2\"}");
	answer(EVENTS_HEAD "8\r\ndata: a\n\r\n9\r\n\ndata: ha\r\n");
	stream_fail(rig.c->stream, HTTP_FAULT_UPSTREAM_LOST, END_UPSTREAM_LOST);
	ck_assert(ends_with("data: a\n\n\r\n0\r\n\r\n"));
	ck_assert_ptr_null(strstr(got, "\"id\":7"));
}
END_TEST

/*
 * Nothing is added to a modern stream: it is broken off, also where all that
 * is whole has been sent before.
 */
START_TEST(a_modern_stream_that_is_lost_is_broken_off)
{
	rig_ask(MODERN);
	answer(EVENTS_HEAD "8\r\ndata: a\n\r\n9\r\n\ndata: ha\r\n");
	ck_assert(ends_with("9\r\ndata: a\n\n\r\n"));
	stream_fail(rig.c->stream, HTTP_FAULT_UPSTREAM_LOST, END_UPSTREAM_LOST);
	ck_assert(has_ended());
	ck_assert(ends_with("9\r\ndata: a\n\n\r\n"));
}
END_TEST

START_TEST(an_answer_that_has_not_begun_becomes_an_error)
{
	rig_ask(CALL);
	stream_fail(rig.c->stream, HTTP_FAULT_UPSTREAM_LOST, END_UPSTREAM_LOST);
	ck_assert_ptr_nonnull(strstr(received(), "HTTP/1.1 502 "));
	ck_assert_ptr_nonnull(strstr(got, "\"id\":7"));
	ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_HEAD);
	ck_assert_uint_eq(client_state(rig.c)->wire, got_len);
}
END_TEST

/* The request is still coming in: its id is not known before it is in. */
START_TEST(an_error_waits_for_the_request)
{
	size_t half = strlen(CALL) - 20;

	rig_feed(CALL, half, SIZE_MAX);
	stream_fail(rig.c->stream, HTTP_FAULT_UPSTREAM_LOST, END_UPSTREAM_LOST);
	ck_assert_uint_eq(strlen(received()), 0);
	rig_feed(CALL + half, 20, SIZE_MAX);
	client_act(rig.c);
	ck_assert_ptr_nonnull(strstr(received(), "HTTP/1.1 502 "));
	ck_assert_ptr_nonnull(strstr(got, "\"id\":7"));
}
END_TEST

/* A client that takes nothing is not written to in vain. */
START_TEST(a_slow_client_is_waited_for)
{
	static char body[4 * 1024 * 1024];
	size_t at, part, total = 0;
	char head[128] = "HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n";

	memset(body, 'x', sizeof(body));
	rig_ask(LEGACY);
	answer(head);
	for (at = 0; at < 400000; at += part) {
		part = 40000;
		body[part] = '\0';
		answer(body);
		body[part] = 'x';
	}
	ck_assert(rig.c->is_blocked);
	ck_assert_ptr_nonnull(rig.c->stream);
	(void)received();
	total = strlen(strstr(got, "\r\n\r\n") + 4);
	while (total < 400000) {
		got_len = 0;
		client_flush(rig.c);
		ck_assert_uint_gt(strlen(received()), 0);
		total += got_len;
	}
	ck_assert_uint_eq(total, 400000);
	client_flush(rig.c);
	ck_assert_ptr_null(rig.c->stream);
	ck_assert(!rig.c->is_blocked);
}
END_TEST

/* --- what was asked meanwhile ------------------------------------------- */

START_TEST(pipelined_requests_are_taken_up_in_turn)
{
	int i;

	rig_ask(CALL LEGACY "GET /third HTTP/1.1\r\nHost: local");
	for (i = 1; i <= 2; i++) {
		ck_assert_ptr_nonnull(rig.c->stream);
		ck_assert_uint_eq(client_state(rig.c)->requests, i);
		answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
	}
	ck_assert_ptr_null(rig.c->stream);
	ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_HEAD);
	rig_ask("host\r\n\r\n");
	ck_assert_uint_eq(client_state(rig.c)->requests, 3);
	ck_assert_int_eq(rig.c->stream->rec->era, ERA_PLAIN);
}
END_TEST

/* A refused request is answered in its turn, and the next one is served. */
START_TEST(a_refusal_keeps_its_place)
{
	rig_ask(LEGACY "GET /mcp HTTP/1.1\r\nHost: localhost\r\n"
		       "Origin: http://evil.example\r\n\r\n" LEGACY);
	answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
	ck_assert_ptr_nonnull(strstr(received(), "\r\n\r\nxHTTP/1.1 403 "));
	ck_assert_ptr_nonnull(rig.c->stream);
	ck_assert_uint_eq(client_state(rig.c)->requests, 3);
	ck_assert_uint_eq(stream_state(rig.c->stream)->wire, got_len);
}
END_TEST

/* After one that can't be read to its end nothing is read. */
START_TEST(a_refusal_of_garbage_is_the_last_answer)
{
	rig_feed("GET /mcp HTTP/1.1\nHost: x\n\n" LEGACY,
	    strlen("GET /mcp HTTP/1.1\nHost: x\n\n" LEGACY), SIZE_MAX);
	client_act(rig.c);
	ck_assert_ptr_nonnull(strstr(received(), "HTTP/1.1 400 "));
	ck_assert_ptr_nonnull(strstr(got, "Connection: close"));
	ck_assert_ptr_null(strstr(got + 1, "HTTP/1.1"));
	/* Our side has ended; what comes is read and dropped for a while. */
	ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_LINGER);
	ck_assert(has_ended());
	rig_feed(LEGACY, strlen(LEGACY), 7);
	client_act(rig.c);
	ck_assert_ptr_null(rig.c->stream);
}
END_TEST

/* --- ends ---------------------------------------------------------------- */

START_TEST(a_drain_lets_go_what_is_idle)
{
	rig.w.draining = true;
	rig_ask(LEGACY);
	client_drain(rig.c);
	ck_assert(!has_ended());
	answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
	ck_assert_ptr_nonnull(strstr(received(), "Connection: close"));
	ck_assert(has_ended());
}
END_TEST

/* The error is for the request that is poison, not for the one before it. */
START_TEST(a_poisoned_head_is_refused_without_an_id)
{
	rig_ask(CALL);
	answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_HEAD);
	rig_feed("POST ", 5, SIZE_MAX);
	poisoned_end_client(rig.c, client_state(rig.c)->taken + 1);
	ck_assert_uint_eq(client_state(rig.c)->requests, 2);
	client_flush(rig.c);
	ck_assert_ptr_nonnull(strstr(received(), "\"id\":null"));
	ck_assert_ptr_null(strstr(got, "\"id\":7"));
}
END_TEST

/* What only legacy streams have takes no memory of others, idle or not. */
START_TEST(a_modern_stream_touches_nothing_of_the_legacy_ones)
{
	static const struct legacy_record untouched;
	uint32_t slot;

	rig_ask(MODERN);
	slot = rig.c->stream->slot;
	ck_assert_ptr_null(rig.c->stream->legacy);
	answer(EVENTS_HEAD "9\r\ndata: a\n\n\r\n");
	answer("9\r\ndata: b\n\n\r\n0\r\n\r\n");
	ck_assert_ptr_null(rig.c->stream);
	ck_assert_mem_eq(
	    &rig.shm.legacies[slot], &untouched, sizeof(untouched));
}
END_TEST

/* A legacy stream outlives its client, with what it has said and not more. */
START_TEST(closing_keeps_a_legacy_stream)
{
	struct stream *st;
	uint32_t slot;

	rig_ask(CALL LEGACY);
	answer(EVENTS_HEAD "9\r\ndata: a\n\n\r\n3\r\nid:\r\n");
	st = rig.c->stream;
	slot = st->slot;
	client_close(rig.c, END_CLIENT_LEFT, false);
	ck_assert_ptr_eq(rig.w.stream_of[slot], st);
	ck_assert_uint_eq(rig.shm.stream_owners[slot], rig.w.self);
	ck_assert_uint_eq(stream_state(st)->client_ref, 0);
	ck_assert_int_eq(
	    jsonrpc_kind(&st->legacy->rec->request), JSONRPC_REQUEST);
	ck_assert_int_eq(
	    journal_verify(&rig.w.arena, &stream_state(st)->answer), 0);
	deadline_cancel(&st->legacy->kept);
	stream_drop(st, END_NOT_RETURNED);
	ck_assert_ptr_null(rig.w.stream_of[slot]);
	ck_assert_uint_ne(rig.shm.stream_owners[slot], rig.w.self);
	for (uint32_t i = 0; i < rig.shm.sizes.blocks; i++)
		ck_assert_uint_ne(rig.shm.block_owners[i], rig.w.self);
}
END_TEST

/* Closing gives everything back but the slot, which is the supervisor's. */
START_TEST(closing_lets_everything_go)
{
	uint32_t i, used = 0;
	struct msg m;
	int fd;

	rig_set("stream.detach_timeout", "0");
	rig_ask(CALL LEGACY);
	answer(EVENTS_HEAD "9\r\ndata: a\n\n\r\n3\r\nid:\r\n");
	client_close(rig.c, END_CLIENT_LEFT, false);
	for (i = 0; i < rig.shm.sizes.blocks; i++)
		used += rig.shm.block_owners[i] == rig.w.self;
	ck_assert_uint_eq(used, 0);
	for (i = 0; i < rig.shm.sizes.streams; i++)
		ck_assert(rig.shm.stream_owners[i] != rig.w.self);
	ck_assert(has_ended());
	ck_assert_ptr_null(rig.w.client_of[0]);
	farewell_flush(&rig.w.farewell);
	ck_assert_int_gt(msg_receive(rig.supervisor, FROM_WORKER, &m, &fd), 0);
	ck_assert_int_eq(m.head.type, MSG_LEFT);
	ck_assert_uint_eq(m.body.LEFT.count, 1);
	ck_assert_uint_eq(m.body.LEFT.item[0].slot, 0);
	ck_assert_uint_eq(m.body.LEFT.item[0].generation, 1);
}
END_TEST

/* Tell the worker of clients in slots 0 and 1, from the same socket. */
static void
send_two_clients(uint32_t generation, int fd)
{
	const struct msg_fds fds = { .count = 2, .fd = { fd, fd } };
	struct msg m;

	msg_init(&m, MSG_CLIENTS);
	m.body.CLIENTS.count = 2;
	for (uint32_t i = 0; i < 2; i++) {
		rig.shm.clients[i].generation = generation;
		m.body.CLIENTS.item[i] = (struct msg_slot){ i, generation };
	}
	ck_assert_int_eq(msg_send_with(rig.supervisor, &m, &fds), 0);
}

START_TEST(clients_that_come_are_read_at_once)
{
	int ends[2];

	client_close(rig.c, END_CLIENT_LEFT, false);
	ck_assert_int_eq(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
	    0);
	ck_assert_int_eq(send(ends[0], "GET /", 5, 0), 5);
	send_two_clients(2, ends[1]);
	ev_run(rig.w.loop, EVRUN_ONCE);
	ck_assert_uint_eq(RECORD_STATE(&rig.shm.clients[0])->taken, 5);
	/* It is the same socket; nothing is left, but it is watched. */
	ck_assert_uint_eq(RECORD_STATE(&rig.shm.clients[1])->taken, 0);
	ck_assert_uint_eq(RECORD_STATE(&rig.shm.clients[1])->generation, 2);
	ck_assert_ptr_nonnull(rig.w.client_of[1]);
	ck_assert(ev_is_active(&rig.w.client_of[1]->io));
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}
END_TEST

/* Nobody would ever serve it. */
START_TEST(a_client_without_a_descriptor_is_let_go)
{
	struct rlimit limit;
	int ends[2], top, fd;
	struct msg m;

	client_close(rig.c, END_CLIENT_LEFT, false);
	farewell_flush(&rig.w.farewell);
	ck_assert_int_eq(msg_receive(rig.supervisor, FROM_WORKER, &m, &fd), 1);
	ck_assert_int_eq(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
	    0);
	send_two_clients(2, ends[1]);
	top = dup(ends[0]);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)top + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fd_close(&top);
	ev_run(rig.w.loop, EVRUN_ONCE);
	ck_assert_ptr_nonnull(rig.w.client_of[0]);
	ck_assert_ptr_null(rig.w.client_of[1]);
	farewell_flush(&rig.w.farewell);
	ck_assert_int_eq(msg_receive(rig.supervisor, FROM_WORKER, &m, &fd), 1);
	ck_assert_int_eq(m.head.type, MSG_LEFT);
	ck_assert_uint_eq(m.body.LEFT.count, 1);
	ck_assert_uint_eq(m.body.LEFT.item[0].slot, 1);
	ck_assert_uint_eq(m.body.LEFT.item[0].generation, 2);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client");
	TCase *tc = tcase_create("client");

	tcase_add_checked_fixture(tc, setup, rig_teardown);
	tcase_add_test(tc, a_whole_answer_leaves_the_connection);
	tcase_add_test(tc, a_poisoned_head_is_refused_without_an_id);
	tcase_add_test(tc, a_modern_stream_touches_nothing_of_the_legacy_ones);
	tcase_add_test(tc, the_end_of_a_connection_ends_an_answer_to_1_0);
	tcase_add_test(tc, a_legacy_stream_that_is_lost_ends_with_an_error);
	tcase_add_test(tc, a_get_is_told_of_no_error);
	tcase_add_test(tc, a_modern_stream_that_is_lost_is_broken_off);
	tcase_add_test(tc, an_answer_that_has_not_begun_becomes_an_error);
	tcase_add_test(tc, an_error_waits_for_the_request);
	tcase_add_test(tc, a_slow_client_is_waited_for);
	tcase_add_test(tc, pipelined_requests_are_taken_up_in_turn);
	tcase_add_test(tc, a_refusal_keeps_its_place);
	tcase_add_test(tc, a_refusal_of_garbage_is_the_last_answer);
	tcase_add_test(tc, a_drain_lets_go_what_is_idle);
	tcase_add_test(tc, closing_keeps_a_legacy_stream);
	tcase_add_test(tc, closing_lets_everything_go);
	tcase_add_test(tc, clients_that_come_are_read_at_once);
	if (unit_limit_is_the_kernels())
		tcase_add_test(tc, a_client_without_a_descriptor_is_let_go);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
