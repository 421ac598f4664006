/*
 * test_answer.c - bytes of an upstream become records, however they are cut
 * and however often the worker that takes them dies before its commit.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sse.h"
#include "tests/unit/arena_rig.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/answer.h"

#define OUT_CAP (256u * 1024u)
#define REQUEST(method, version)                                               \
	method " /mcp HTTP/" version "\r\nHost: localhost\r\n\r\n"
/* Streams of this one are not kept: their bytes stay as they are. */
#define MODERN(version)                                                        \
	"GET /mcp HTTP/" version "\r\nHost: localhost\r\n"                     \
	"MCP-Protocol-Version: 2026-07-28\r\n\r\n"

static char wire[OUT_CAP], body[OUT_CAP];
static struct dice dice;

/* --- feeding ------------------------------------------------------------ */

/*
 * The worker is dead, and nothing since its last commit has happened: its
 * successor takes over what is committed.
 */
static void
die(struct stream *st)
{
	const struct client_state *cs = client_state(rig.c);
	const struct chain *chains[] = { &stream_state(st)->answer.chain,
		&cs->in, &cs->out.chain };

	arena_succeed(&rig.w.arena, chains, ARRAY_LEN(chains));
}

/* Take one piece, in a copy of its exact size, into the uncommitted copy. */
static enum answer_verdict
take(struct stream *st, const char *bytes, size_t len)
{
	struct stream_state *next = stream_next(st);
	enum answer_verdict verdict;
	char *copy = malloc(len);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, len);
	verdict = answer_take(st, next, copy, len);
	free(copy);
	return verdict;
}

static void
commit(struct stream *st)
{
	RECORD_COMMIT(st->rec);
	arena_settle(&rig.w.arena);
	ck_assert_int_eq(
	    journal_verify(&rig.w.arena, &stream_state(st)->answer), 0);
}

/* What the client could have been sent by now. */
static size_t
sendable(const struct stream *st)
{
	const struct stream_state *ss = stream_state(st);

	return rig_wire(&ss->answer, ss->framing, wire, sizeof(wire));
}

/* Feed in pieces of `step`; with `deaths` some are taken more than once. */
static enum answer_verdict
feed(struct stream *st, const char *bytes, size_t len, size_t step, bool deaths)
{
	enum answer_verdict verdict = ANSWER_MORE;
	size_t part;

	for (; len > 0 && verdict == ANSWER_MORE; bytes += part, len -= part) {
		part = MIN(step, len);
		while (deaths && dice_roll(&dice, 3) == 0) {
			(void)take(st, bytes, part);
			die(st);
		}
		verdict = take(st, bytes, part);
		commit(st);
	}
	return verdict;
}

static enum answer_verdict
feed_eof(struct stream *st)
{
	enum answer_verdict verdict = answer_eof(st, stream_next(st));

	commit(st);
	return verdict;
}

/* --- whole answers ------------------------------------------------------ */

enum cut_end { STAYS, EOF_ENDS };

/* clang-format off */
static const struct row {
	const char *request, *bytes;
	enum cut_end end;
	unsigned status;
	const char *body; /* NULL: the answer has none, whatever its head */
	bool up_keep;
} rows[] = {
	{ REQUEST("GET", "1.1"),
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	    STAYS, 200, "hello", true },
	{ REQUEST("GET", "1.1"),
	    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	    STAYS, 200, "", true },
	{ REQUEST("GET", "1.1"),
	    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "4\r\nWiki\r\n5;name=value\r\npedia\r\n0\r\nTrailer: x\r\n\r\n",
	    STAYS, 404, "Wikipedia", true },
	{ REQUEST("GET", "1.1"),
	    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end",
	    EOF_ENDS, 200, "to the end", false },
	{ REQUEST("GET", "1.1"),
	    "HTTP/1.0 200 OK\r\n\r\n",
	    EOF_ENDS, 200, "", false },
	{ REQUEST("GET", "1.0"),
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "4\r\nWiki\r\n0\r\n\r\n",
	    STAYS, 200, "Wiki", true },
	{ REQUEST("GET", "1.0"),
	    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end",
	    EOF_ENDS, 200, "to the end", false },
	{ REQUEST("DELETE", "1.1"),
	    "HTTP/1.1 204 No Content\r\n\r\n",
	    STAYS, 204, NULL, true },
	{ REQUEST("GET", "1.1"),
	    "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
	    STAYS, 304, NULL, true },
	{ REQUEST("HEAD", "1.1"),
	    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
	    STAYS, 200, NULL, true },
	{ REQUEST("GET", "1.1"),
	    "HTTP/1.1 100 Continue\r\n\r\n"
	    "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
	    "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
	    STAYS, 201, "ok", true },
	/* Nobody asked for more: the connection can't be trusted. */
	{ REQUEST("GET", "1.1"),
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK",
	    STAYS, 200, "ok", false },
	/* Events: see below for where they are cut. */
	{ MODERN("1.1"),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n"
	    "9\r\ndata: a\n\n\r\n6\r\nid: 1\n\r\n5\r\ndata:\r\n3\r\n b\n\r\n"
	    "4\r\n\n: c\r\n1\r\n\n\r\n0\r\n\r\n",
	    STAYS, 200, "data: a\n\nid: 1\ndata: b\n\n: c\n", true },
	/* Of a known length: it doesn't stay, for comments may be added. */
	{ MODERN("1.1"),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	    "Content-Length: 25\r\n\r\ndata: a\r\n\r\ndata: b\r\rid:\n\n",
	    STAYS, 200, "data: a\r\n\r\ndata: b\r\rid:\n\n", true },
	{ MODERN("1.0"),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	    "Connection: close\r\n\r\ndata: a\n\n\n\n: c\ndata: b\ndata\n\n",
	    EOF_ENDS, 200, "data: a\n\n\n\n: c\ndata: b\ndata\n\n", false },
};

/* What is cut short or broken, and what it is then. */
static const struct {
	const char *bytes;
	enum answer_verdict verdict; /* ANSWER_MORE: only its end tells */
} bad_rows[] = {
	{ "", ANSWER_MORE },
	{ "HTTP/1.1 200 OK\r\nContent-Le", ANSWER_MORE },
	{ "HTTP/1.1 100 Continue\r\n\r\n", ANSWER_MORE },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", ANSWER_MORE },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0",
	    ANSWER_MORE },
	{ "SSH-2.0-OpenSSH_9.2\r\n", ANSWER_GARBLED },
	{ "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", ANSWER_GARBLED },
	{ "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
	    ANSWER_GARBLED },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
	    ANSWER_GARBLED },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", ANSWER_GARBLED },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok",
	    ANSWER_GARBLED },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok0\r\n",
	    ANSWER_GARBLED },
};
/* clang-format on */

/* What has come of a row. */
static void
check_row(const struct row *row, const struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	size_t len = sendable(st), body_len;
	struct http_head head;
	bool whole;

	ck_assert_int_eq(ss->phase, STREAM_ENDING);
	ck_assert_int_eq(ss->reason, END_ANSWERED);
	ck_assert_uint_eq(ss->status, row->status);
	ck_assert(ss->up_keep == row->up_keep);
	if (row->body == NULL) {
		ck_assert_int_eq(
		    http_head_scan_answer(wire, len, sizeof(wire), &head),
		    (int)len);
		return;
	}
	body_len = rig_decode(HTTP_SIDE_ANSWER, wire, len, &head, body, &whole);
	ck_assert_uint_eq(head.status, row->status);
	ck_assert_uint_eq(body_len, strlen(row->body));
	ck_assert_mem_eq(body, row->body, body_len);
	ck_assert_uint_eq(ss->body_len, body_len);
	ck_assert(whole == (ss->framing != HTTP_FRAMING_CLOSE));
	ck_assert(ss->framing != HTTP_FRAMING_CLOSE || !head.keep_alive);
}

static void
run_row(const struct row *row, size_t first, size_t step, bool deaths)
{
	size_t len = strlen(row->bytes);
	enum answer_verdict verdict;
	struct stream *st;

	rig_setup();
	rig_ask(row->request);
	st = rig.c->stream;
	first = MIN(first, len);
	verdict = feed(st, row->bytes, first, SIZE_MAX, deaths);
	if (verdict == ANSWER_MORE)
		verdict =
		    feed(st, row->bytes + first, len - first, step, deaths);
	if (verdict == ANSWER_MORE && row->end == EOF_ENDS)
		verdict = feed_eof(st);
	ck_assert_int_eq(verdict, ANSWER_COMPLETE);
	/*
	 * What comes after the end in a read of its own is not seen here: the
	 * connection is in the pool by then, which closes it.
	 */
	if (step == SIZE_MAX && first == 0)
		check_row(row, st);
	else if (row->up_keep == (stream_state(st)->up_keep != 0))
		check_row(row, st);
	else
		ck_assert(!row->up_keep);
	rig_teardown();
}

START_TEST(an_answer_is_the_same_however_it_is_cut)
{
	size_t at, len = strlen(rows[_i].bytes);

	for (at = 0; at < len; at++)
		run_row(&rows[_i], at, SIZE_MAX, false);
	for (at = 1; at < 5; at++)
		run_row(&rows[_i], 0, at, false);
}
END_TEST

START_TEST(an_answer_is_the_same_however_often_the_worker_dies)
{
	size_t step;

	dice_init(&dice, (unsigned)_i);
	for (step = 1; step < 40; step += 3)
		run_row(&rows[_i], dice_roll(&dice, 50), step, true);
}
END_TEST

START_TEST(what_is_broken_is_told_however_it_is_cut)
{
	const char *bytes = bad_rows[_i].bytes;
	enum answer_verdict verdict, last;
	size_t step;

	for (step = 1; step <= strlen(bytes) + 1; step++) {
		rig_setup();
		rig_ask(REQUEST("GET", "1.1"));
		verdict =
		    feed(rig.c->stream, bytes, strlen(bytes), step, false);
		ck_assert_int_eq(verdict, bad_rows[_i].verdict);
		last = verdict == ANSWER_MORE ? feed_eof(rig.c->stream)
					      : ANSWER_MORE;
		/* Cut short is not complete. */
		ck_assert_int_eq(last, ANSWER_MORE);
		rig_teardown();
	}
}
END_TEST

/* --- events ------------------------------------------------------------- */

#define EVENTS_HEAD                                                            \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"               \
	"Connection: close\r\n\r\n"

/* The length of what ends where an event or a comment ends; byte by byte. */
static size_t
safe_len(const char *p, size_t len)
{
	struct sse sse;
	struct sse_step found;
	size_t i, safe = 0;

	sse_init(&sse);
	for (i = 0; i < len; i++) {
		(void)sse_next(&sse, p + i, 1, &found);
		if (sse_is_between(&sse))
			safe = i + 1;
	}
	return safe;
}

/* Each chunk on the wire ends where an event ends; returns the body. */
static size_t
check_chunks(size_t len)
{
	struct http_head head;
	struct sse sse;
	uint32_t events_there;
	char *at, *end;
	size_t size, total = 0;
	int n = http_head_scan_answer(wire, len, sizeof(wire), &head);

	ck_assert_int_gt(n, 0);
	ck_assert(head.chunked);
	sse_init(&sse);
	for (at = wire + n; at < wire + len; at = end + 2 + size + 2) {
		size = strtoul(at, &end, 16);
		ck_assert_uint_gt(size, 0);
		memcpy(body + total, end + 2, size);
		(void)sse_boundary(&sse, end + 2, size, &events_there);
		ck_assert(sse_is_between(&sse));
		total += size;
	}
	return total;
}

static const char events[] = ": hello\n\nid: 1\ndata: one\n\n\n"
			     "event: x\r\ndata: two\r\ndata\r\n\r\n"
			     "data: three\r\r: a\n: b\ndata:\n\nretry: 5\n\n"
			     "data: \xc3\xa4\n\nid\n\ndata: half an ev";

/*
 * At every moment the client could have been sent all that is whole, and
 * nothing that is not.
 */
START_TEST(only_whole_events_are_sent_and_at_once)
{
	size_t at, part, step = (size_t)_i, len = sizeof(events) - 1;
	size_t safe;

	dice_init(&dice, (unsigned)_i);
	rig_setup();
	rig_ask(MODERN("1.1"));
	ck_assert_int_eq(feed(rig.c->stream, EVENTS_HEAD,
			     sizeof(EVENTS_HEAD) - 1, SIZE_MAX, false),
	    ANSWER_MORE);
	for (at = 0; at < len; at += part) {
		part = MIN(step, len - at);
		ck_assert_int_eq(
		    feed(rig.c->stream, events + at, part, part, true),
		    ANSWER_MORE);
		safe = safe_len(events, at + part);
		ck_assert_uint_eq(check_chunks(sendable(rig.c->stream)), safe);
		ck_assert_mem_eq(body, events, safe);
	}
	rig_teardown();
}
END_TEST

/* In a stream of events of all sizes, some larger than the window. */
START_TEST(long_events_are_kept_until_they_are_whole)
{
	static char stream[100 * 1024];
	size_t len = 0, at, part, event, safe;

	dice_init(&dice, (unsigned)_i);
	while (len < sizeof(stream) - 30000) {
		event = dice_roll(&dice, 4) == 0 ? dice_roll(&dice, 25000)
						 : dice_len(&dice);
		memcpy(stream + len, "data: ", 6);
		memset(stream + len + 6, 'x', event);
		memcpy(stream + len + 6 + event, "\n\n", 2);
		len += event + 8;
	}
	rig_setup();
	rig_ask(_i % 2 == 0 ? MODERN("1.1") : REQUEST("GET", "1.1"));
	ck_assert_int_eq(feed(rig.c->stream, EVENTS_HEAD,
			     sizeof(EVENTS_HEAD) - 1, SIZE_MAX, false),
	    ANSWER_MORE);
	for (at = 0; at < len; at += part) {
		part = 1 + dice_len(&dice) * 3;
		part = MIN(part, len - at);
		ck_assert_int_eq(
		    feed(rig.c->stream, stream + at, part, part, true),
		    ANSWER_MORE);
	}
	safe = check_chunks(sendable(rig.c->stream));
	ck_assert_uint_eq(safe, len);
	ck_assert_uint_eq(stream_state(rig.c->stream)->body_len, len);
	ck_assert_mem_eq(body, stream, len);
	rig_teardown();
}
END_TEST

/* What its own end cut off was never an event, but it is passed on. */
START_TEST(the_end_of_a_stream_sends_what_is_there)
{
	struct http_head head;
	size_t len;
	bool whole;

	rig_setup();
	rig_ask(MODERN("1.1"));
	ck_assert_int_eq(feed(rig.c->stream, EVENTS_HEAD "data: a\n\ndata: b",
			     strlen(EVENTS_HEAD) + 16, 3, false),
	    ANSWER_MORE);
	ck_assert_int_eq(feed_eof(rig.c->stream), ANSWER_COMPLETE);
	len = rig_decode(HTTP_SIDE_ANSWER, wire, sendable(rig.c->stream), &head,
	    body, &whole);
	ck_assert(whole);
	ck_assert_uint_eq(len, 16);
	ck_assert_mem_eq(body, "data: a\n\ndata: b", 16);
	rig_teardown();
}
END_TEST

/*
 * A kept stream has one record for each event or comment, and blank lines
 * that mean nothing are dropped; whatever the cut, the same comes out.
 */
START_TEST(whole_events_of_a_kept_stream_are_sent_at_once)
{
	static const char *const pieces[][2] = {
		{ ": hello\n", ": hello\n" },
		{ "\n", "\n" },
		{ "\n", "" },
		{ "id: 1\ndata: one\n\n", "id: 1\ndata: one\n\n" },
		{ "\n", "" },
		{ "event: x\r\ndata: two\r\n\r\n",
		    "event: x\r\ndata: two\r\n\r\n" },
		{ ": a\n", ": a\n" },
		{ "data:\n\n", "data:\n\n" },
		{ "id\n\n", "id\n\n" },
		{ "data: half an ev", "" },
	};
	size_t step = (size_t)_i, len = 0, i, part, left, used;
	const char *p;

	dice_init(&dice, (unsigned)_i);
	rig_setup();
	rig_ask(REQUEST("GET", "1.1"));
	ck_assert_int_eq(feed(rig.c->stream, EVENTS_HEAD,
			     sizeof(EVENTS_HEAD) - 1, SIZE_MAX, false),
	    ANSWER_MORE);
	for (i = 0; i < ARRAY_LEN(pieces); i++) {
		p = pieces[i][0];
		for (left = strlen(p); left > 0; left -= part, p += part) {
			part = MIN(step, left);
			ck_assert_int_eq(
			    feed(rig.c->stream, p, part, part, true),
			    ANSWER_MORE);
		}
		used = strlen(pieces[i][1]);
		ck_assert_uint_eq(
		    check_chunks(sendable(rig.c->stream)), len + used);
		ck_assert_mem_eq(body + len, pieces[i][1], used);
		len += used;
	}
	ck_assert_uint_eq(
	    stream_legacy(rig.c->stream, stream_state(rig.c->stream))
		->last_id_ref,
	    0);
	rig_teardown();
}
END_TEST

/* Its upstream's end is a loss, and what was cut off is never sent. */
START_TEST(the_end_of_a_kept_stream_is_not_its_end)
{
	const struct stream_state *ss;

	rig_setup();
	rig_ask(REQUEST("GET", "1.1"));
	ck_assert_int_eq(feed(rig.c->stream, EVENTS_HEAD "data: a\n\ndata: b",
			     strlen(EVENTS_HEAD) + 16, 3, false),
	    ANSWER_MORE);
	ck_assert_int_eq(feed_eof(rig.c->stream), ANSWER_PAUSE);
	ss = stream_state(rig.c->stream);
	ck_assert_int_eq(ss->phase, STREAM_RELAYING);
	ck_assert_uint_eq(check_chunks(sendable(rig.c->stream)), 9);
	ck_assert_mem_eq(body, "data: a\n\n", 9);
	rig_teardown();
}
END_TEST

START_TEST(an_event_beyond_the_limit_ends_the_stream)
{
	static char event[4096];
	size_t at;

	rig_setup();
	rig_set("stream.max_event", "1KiB");
	rig_ask(_i % 2 == 0 ? MODERN("1.1") : REQUEST("GET", "1.1"));
	memset(event, 'x', sizeof(event));
	memcpy(event, "data: ", 6);
	/* Three of just that length. */
	memcpy(event + 1022, "\n\n", 2);
	ck_assert_int_eq(feed(rig.c->stream, EVENTS_HEAD,
			     sizeof(EVENTS_HEAD) - 1, SIZE_MAX, false),
	    ANSWER_MORE);
	for (at = 0; at < 3; at++)
		ck_assert_int_eq(
		    feed(rig.c->stream, event, 1024, 100, false), ANSWER_MORE);
	ck_assert_uint_eq(
	    check_chunks(sendable(rig.c->stream)), (size_t)3 * 1024);
	memset(event + 1022, 'x', 2);
	ck_assert_int_eq(
	    feed(rig.c->stream, event, 4096, 100, false), ANSWER_TOO_LONG);
	/* Nothing of it is sent. */
	ck_assert_uint_eq(
	    check_chunks(sendable(rig.c->stream)), (size_t)3 * 1024);
	rig_teardown();
}
END_TEST

static const struct {
	const char *bytes;
	enum answer_verdict verdict;
} faults[] = {
	/* 1,030 bytes of an event, more than may be. */
	{ "406\r\ndata: %01024d", ANSWER_TOO_LONG },
	{ "zz\r\n", ANSWER_GARBLED },
};

/* Whatever comes behind a whole event, and may it come with it. */
START_TEST(what_was_whole_before_a_fault_is_sent)
{
	char bytes[2048];
	int len = snprintf(bytes, sizeof(bytes),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n");

	len += snprintf(
	    bytes + len, sizeof(bytes) - (size_t)len, faults[_i / 2].bytes, 0);
	for (size_t step = 1; step <= (size_t)len; step++) {
		rig_setup();
		rig_set("stream.max_event", "1KiB");
		rig_ask(_i % 2 == 0 ? MODERN("1.1") : REQUEST("GET", "1.1"));
		ck_assert_int_eq(
		    feed(rig.c->stream, bytes, (size_t)len, step, false),
		    faults[_i / 2].verdict);
		ck_assert_uint_eq(check_chunks(sendable(rig.c->stream)), 9);
		ck_assert_mem_eq(body, "data: a\n\n", 9);
		rig_teardown();
	}
}
END_TEST

/* --- short memory ------------------------------------------------------- */

static const char *const hungry_heads[] = {
	"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
	EVENTS_HEAD,
	"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX-Cut: ",
};

START_TEST(short_memory_is_told_and_harms_nothing)
{
	static char bytes[40000];
	const char *head = hungry_heads[_i / 2];
	struct stream_state *next;
	struct stream *st;
	uint32_t blocks, used;
	int error;

	memset(bytes, 'x', sizeof(bytes));
	for (blocks = 3; blocks < 20; blocks++) {
		rig_setup_with(blocks);
		rig_ask(_i % 2 == 0 ? MODERN("1.1") : REQUEST("GET", "1.1"));
		st = rig.c->stream;
		(void)feed(st, head, strlen(head), SIZE_MAX, false);
		ck_assert_int_eq(feed(st, bytes, sizeof(bytes), 700, false),
		    ANSWER_NO_MEMORY);
		/* What was taken before stands, and can be let go. */
		(void)sendable(st);
		next = stream_next(st);
		journal_abandon(&rig.w.arena, &next->answer);
		error = answer_end(st, next, END_MEMORY_SHORT);
		ck_assert(error == 0 || error == -ENOMEM);
		/* It has ended with its last record, or not at all. */
		ck_assert_int_eq(next->phase == STREAM_ENDING, error == 0);
		if (error == 0)
			ck_assert_int_eq(next->reason, END_MEMORY_SHORT);
		commit(st);
		next = stream_next(st);
		journal_clear(&rig.w.arena, &next->answer);
		commit(st);
		used =
		    arena_reach(&rig.w.arena, &client_state(rig.c)->out.chain);
		ck_assert_uint_eq(arena_used(&rig.w.arena), used);
		rig_teardown();
	}
}
END_TEST

/* Where not even the head could be kept, an error can still be told. */
START_TEST(what_has_no_room_has_not_begun)
{
	static char whole[40000];
	const char *head = hungry_heads[0];
	struct stream *st;

	memset(whole, 'x', sizeof(whole));
	memcpy(whole, head, strlen(head));
	rig_setup_with(12);
	rig_ask(_i == 0 ? MODERN("1.1") : REQUEST("GET", "1.1"));
	st = rig.c->stream;
	ck_assert_int_eq(
	    feed(st, whole, sizeof(whole), SIZE_MAX, false), ANSWER_NO_MEMORY);
	ck_assert_int_eq(stream_state(st)->phase, STREAM_WAITING);
	ck_assert_uint_eq(sendable(st), 0);
	rig_teardown();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("answer");
	TCase *tc = tcase_create("answer");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(
	    tc, an_answer_is_the_same_however_it_is_cut, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc,
	    an_answer_is_the_same_however_often_the_worker_dies, 0,
	    ARRAY_LEN(rows));
	tcase_add_loop_test(tc, what_is_broken_is_told_however_it_is_cut, 0,
	    ARRAY_LEN(bad_rows));
	tcase_add_loop_test(tc, only_whole_events_are_sent_and_at_once, 1, 30);
	tcase_add_loop_test(
	    tc, long_events_are_kept_until_they_are_whole, 0, 16);
	tcase_add_test(tc, the_end_of_a_stream_sends_what_is_there);
	tcase_add_loop_test(
	    tc, an_event_beyond_the_limit_ends_the_stream, 0, 2);
	tcase_add_loop_test(tc, what_was_whole_before_a_fault_is_sent, 0,
	    2 * (int)ARRAY_LEN(faults));
	tcase_add_loop_test(tc, short_memory_is_told_and_harms_nothing, 0,
	    2 * ARRAY_LEN(hungry_heads));
	tcase_add_loop_test(tc, what_has_no_room_has_not_begun, 0, 2);
	tcase_add_loop_test(
	    tc, whole_events_of_a_kept_stream_are_sent_at_once, 1, 30);
	tcase_add_test(tc, the_end_of_a_kept_stream_is_not_its_end);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
