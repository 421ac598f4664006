/*
 * test_adopt.c - a client's connection after the death of its worker: what
 * was received is not lost, what was sent is not sent again, and what is
 * damaged is not sent at all.  (Upstream connections are for tests/crash.)
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/arena_rig.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/answer.h"

#define LEGACY "GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n"

static char got[256 * 1024];
static struct dice dice;

/* Commit bytes of the answer, and send nothing yet. */
static void
take(const char *bytes, size_t len)
{
	struct stream *st = rig.c->stream;
	struct stream_state *next = stream_next(st);

	ck_assert_int_le(answer_take(st, next, bytes, len), ANSWER_COMPLETE);
	RECORD_COMMIT(st->rec);
	arena_settle(&rig.w.arena);
}

/* The kernel has taken this much more of the answer when the worker dies. */
static void
send_some(size_t cap)
{
	const struct stream_state *ss = stream_state(rig.c->stream);
	const struct journal_wire form = stream_wire(rig.c->stream);
	struct iovec iov[8];
	char scratch[JOURNAL_SCRATCH];
	struct journal_cursor end;
	int i, n = journal_gather(&rig.w.arena, &ss->answer, &form,
		   &rig.c->stream->sent, iov, 8, scratch, &end);

	ck_assert_int_ge(n, 0);
	for (i = 0; i < n && cap > 0; i++) {
		size_t part = MIN(cap, iov[i].iov_len);

		ck_assert_int_eq(
		    send(rig.c->io.fd, iov[i].iov_base, part, 0), part);
		cap -= part;
	}
}

/* Read what the client is sent until it is `len` bytes. */
static void
receive(size_t len)
{
	size_t have = 0;
	ssize_t n;

	while (have < len) {
		n = recv(rig.peer, got + have, len - have, 0);
		ck_assert_int_gt(n, 0);
		have += (size_t)n;
	}
	ck_assert_int_eq(recv(rig.peer, got + have, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

/* The client sends; the worker has it in its window and dies. */
static void
say_and_die(const char *text)
{
	struct pollfd p = { .fd = rig.c->io.fd, .events = POLLIN };
	size_t len = strlen(text);
	ssize_t n;

	ck_assert_int_eq(send(rig.peer, text, len, 0), len);
	ck_assert_int_eq(poll(&p, 1, 30000), 1);
	worker_note_hand(&rig.w, HAND_CLIENT, 0, 1, client_state(rig.c)->taken);
	n = recv(rig.c->io.fd, rig.w.window, SHM_WINDOW_SIZE, 0);
	ck_assert_int_eq(n, len);
	rig_die();
}

START_TEST(what_was_in_hand_is_fed_again)
{
	say_and_die("GET /mcp HT");
	ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_HEAD);
	ck_assert_uint_eq(client_state(rig.c)->taken, 11);
	/* Nothing new: nothing happens. */
	rig_die();
	ck_assert_uint_eq(client_state(rig.c)->taken, 11);
	say_and_die("TP/1.1\r\nHost: localhost\r\n\r\n");
	ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_WAIT);
	ck_assert_uint_eq(client_state(rig.c)->requests, 1);
	ck_assert_ptr_nonnull(rig.c->stream);
	rig_die();
	ck_assert_ptr_nonnull(rig.c->stream);
	ck_assert_int_eq(stream_state(rig.c->stream)->phase, STREAM_WAITING);
}
END_TEST

/* Whatever the kernel had taken, the client gets each byte once. */
START_TEST(what_was_sent_is_not_sent_again)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n"
				   "Content-Length: 100000\r\n\r\n";
	static char body[100000];
	size_t at, part, head_len;
	char *end;

	dice_init(&dice, (unsigned)_i);
	for (at = 0; at < sizeof(body); at++)
		body[at] = (char)dice_next(&dice);
	say_and_die(LEGACY);
	take(head, sizeof(head) - 1);
	for (at = 0; at < sizeof(body); at += part) {
		part = 1 + dice_len(&dice);
		part = MIN(part, sizeof(body) - at);
		take(body + at, part);
		if (dice_roll(&dice, 4) == 0)
			client_flush(rig.c);
		if (dice_roll(&dice, 4) != 0 || at + part == sizeof(body))
			continue;
		send_some(dice_roll(&dice, 3000));
		rig_die();
	}
	rig_die();
	ck_assert_ptr_null(rig.c->stream);
	ck_assert_int_eq(client_state(rig.c)->phase, CLIENT_HEAD);
	receive((size_t)client_state(rig.c)->wire);
	end = memmem(got, 1024, "\r\n\r\n", 4);
	ck_assert_ptr_nonnull(end);
	head_len = (size_t)(end + 4 - got);
	ck_assert_uint_eq(client_state(rig.c)->wire, head_len + sizeof(body));
	ck_assert_mem_eq(end + 4, body, sizeof(body));
}
END_TEST

/* A refusal has no journal, but it goes on where it was all the same. */
START_TEST(half_a_refusal_is_completed)
{
	static const char request[] =
	    "GET /mcp HTTP/1.1\r\nHost: evil.example\r\n\r\n";
	char whole[4096];
	size_t len;

	say_and_die(request);
	len = (size_t)client_state(rig.c)->wire;
	receive(len);
	memcpy(whole, got, len);
	ck_assert_mem_eq(whole, "HTTP/1.1 403 ", 13);
	rig_feed(request, sizeof(request) - 1, 10);
	ck_assert_int_ne(client_state(rig.c)->refusal, HTTP_FAULT_NONE);
	ck_assert_int_eq(send(rig.c->io.fd, whole, 20, 0), 20);
	ck_assert_int_eq(send(rig.peer, request, sizeof(request) - 1, 0),
	    sizeof(request) - 1);
	ck_assert_int_eq(
	    recv(rig.c->io.fd, rig.w.window, sizeof(request), MSG_PEEK | 0),
	    sizeof(request) - 1);
	ck_assert_int_eq(recv(rig.c->io.fd, rig.w.window, sizeof(request), 0),
	    sizeof(request) - 1);
	rig_die();
	ck_assert_int_eq(client_state(rig.c)->refusal, HTTP_FAULT_NONE);
	receive(len);
	/* But for the Date, which is the second's. */
	ck_assert_mem_eq(got, whole, 20);
	ck_assert_uint_eq(client_state(rig.c)->wire, 2 * len);
}
END_TEST

/* A worker says late what it has closed, and may die before. */
START_TEST(what_was_closed_is_counted_once)
{
	int number = rig.c->io.fd, vault = dup(number);

	ck_assert_int_ge(vault, 0);
	client_close(rig.c, END_CLIENT_LEFT, false);
	ck_assert_int_eq(dup2(vault, number), number);
	ck_assert_int_eq(close(vault), 0);
	rig_die();
	ck_assert_ptr_null(rig.c);
	ck_assert_uint_eq(rig.w.slot->counters[COUNTER_CLIENTS_CLOSED], 1);
}
END_TEST

/* Where the answer's first record stands. */
static char *
first_record(void)
{
	const struct chain *chain = &stream_state(rig.c->stream)->answer.chain;

	return rig.shm.blocks +
	       (size_t)(chain->first_ref - 1) * SHM_BLOCK_SIZE +
	       chain->first_off;
}

/* DESIGN, 3.4: a checksum is verified before the bytes are sent again. */
START_TEST(what_is_damaged_is_not_sent)
{
	static const char answer[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
	char *record;

	dice_init(&dice, (unsigned)_i);
	say_and_die(LEGACY);
	take(answer, sizeof(answer) - 1);
	record = first_record() +
		 dice_roll(&dice, sizeof(struct journal_record) + 40);
	*record = (char)(*record ^ 1 << dice_roll(&dice, 8));
	rig_die();
	ck_assert_ptr_null(rig.c);
	ck_assert_int_le(recv(rig.peer, got, sizeof(got), 0), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("adopt");
	TCase *tc = tcase_create("adopt");

	tcase_add_checked_fixture(tc, rig_setup_tcp, rig_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, what_was_in_hand_is_fed_again);
	tcase_add_loop_test(tc, what_was_sent_is_not_sent_again, 0, 10);
	tcase_add_test(tc, half_a_refusal_is_completed);
	tcase_add_test(tc, what_was_closed_is_counted_once);
	tcase_add_loop_test(tc, what_is_damaged_is_not_sent, 0, 20);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
