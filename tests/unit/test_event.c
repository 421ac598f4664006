/*
 * test_event.c - what an event says, read from journal records that are cut
 * over blocks, and from the open one.
 */
#include "config.h"

#include <check.h>

#include "tests/unit/arena_rig.h"
#include "tests/unit/unit.h"
#include "worker/event.h"

#define BLOCKS 24u
#define SELF 0x101u

static struct shm shm;
static struct arena arena;
static struct journal j;

static void
setup(void)
{
	const struct shm_sizes sizes = { 1, 1, 1, 1, BLOCKS };

	ck_assert_int_eq(shm_create(&sizes, &shm), 0);
	arena_init(&arena, &shm, SELF);
	memset(&j, 0, sizeof(j));
}

static void
teardown(void)
{
	shm_fini(&shm);
}

static bool
read_view(void *context, const struct journal_view *view)
{
	event_read(*view, EVENT_MESSAGE, context);
	return true;
}

/*
 * Read an event that begins `at` payload bytes into a block, from the open
 * record and from the finished one: both must say the same.
 */
static void
read_at(uint32_t at, const char *text, size_t len, struct event *ret)
{
	static const char filler[SHM_BLOCK_SIZE];
	static struct event open;
	uint64_t seq;

	journal_clear(&arena, &j);
	arena_settle(&arena);
	ck_assert_int_eq(journal_put(&arena, &j, JOURNAL_SKIP, filler, at), 0);
	seq = j.next_seq;
	ck_assert_int_eq(journal_open(&arena, &j), 0);
	ck_assert_int_eq(journal_add(&arena, &j, text, len), 0);
	memset(&open, 0x55, sizeof(open));
	event_read(journal_open_view(&arena, &j), EVENT_MESSAGE, &open);
	journal_finish(&arena, &j, JOURNAL_BODY, 0, 0);
	memset(ret, 0xaa, sizeof(*ret));
	ck_assert_int_eq(journal_each(&arena, &j, seq, read_view, ret), 0);
	ck_assert(open.has_data == ret->has_data);
	ck_assert(open.is_empty == ret->is_empty);
	ck_assert(open.has_id == ret->has_id);
	ck_assert(open.resets == ret->resets);
	ck_assert(open.has_message == ret->has_message);
	ck_assert_uint_eq(open.id_sum, ret->id_sum);
	ck_assert_uint_eq(open.id_len, ret->id_len);
	ck_assert_mem_eq(open.id, ret->id, ret->id_len);
	if (open.has_message)
		ck_assert_mem_eq(
		    &open.message, &ret->message, sizeof(open.message));
}

#define TEXT(literal) literal, sizeof(literal) - 1
#define NO_TEXT NULL, 0

/* clang-format off */
static const struct row {
	const char *text;
	size_t len;
	const char *id; /* NULL: none that counts */
	size_t id_len;
	bool has_data, is_empty, resets, has_message;
	enum jsonrpc_kind kind;
	enum jsonrpc_method method;
	const char *message_id, *extra; /* as they stand; "": none */
} rows[] = {
	/* Ids. */
	{ TEXT("id: one\ndata: x\n\n"), TEXT("one"),
	    true, false, false, false, 0, 0, "", "" },
	{ TEXT("id:one\r\ndata: x\r\n\r\n"), TEXT("one"),
	    true, false, false, false, 0, 0, "", "" },
	{ TEXT("data: x\n\n"), NO_TEXT,
	    true, false, false, false, 0, 0, "", "" },
	{ TEXT("id: one\nid: two\ndata: x\n\n"), TEXT("two"),
	    true, false, false, false, 0, 0, "", "" },
	/* An empty id takes back the last one. */
	{ TEXT("id\ndata: x\n\n"), NO_TEXT,
	    true, false, true, false, 0, 0, "", "" },
	{ TEXT("id: \n\n"), NO_TEXT,
	    false, true, true, false, 0, 0, "", "" },
	{ TEXT("id: one\nid:\ndata: x\n\n"), NO_TEXT,
	    true, false, true, false, 0, 0, "", "" },
	{ TEXT("id:\nid: one\ndata: x\n\n"), TEXT("one"),
	    true, false, false, false, 0, 0, "", "" },
	/* A NUL makes the line void, and that line alone (9.2.6). */
	{ TEXT("id: a\0b\ndata: x\n\n"), NO_TEXT,
	    true, false, false, false, 0, 0, "", "" },
	{ TEXT("id: one\nid: a\0b\ndata: x\n\n"), TEXT("one"),
	    true, false, false, false, 0, 0, "", "" },
	{ TEXT("id: \0\nid: one\ndata: x\n\n"), TEXT("one"),
	    true, false, false, false, 0, 0, "", "" },
	{ TEXT("id:\nid: \0\ndata: x\n\n"), NO_TEXT,
	    true, false, true, false, 0, 0, "", "" },
	/* Priming, comments, what is nothing. */
	{ TEXT("id: 0\ndata: \n\n"), TEXT("0"),
	    true, true, false, false, 0, 0, "", "" },
	{ TEXT("id: 0\ndata\n\n"), TEXT("0"),
	    true, true, false, false, 0, 0, "", "" },
	{ TEXT(": id: 1\n"), NO_TEXT,
	    false, true, false, false, 0, 0, "", "" },
	{ TEXT("retry: 10\n\n"), NO_TEXT,
	    false, true, false, false, 0, 0, "", "" },
	{ TEXT(""), NO_TEXT,
	    false, true, false, false, 0, 0, "", "" },
	/* Messages. */
	{ TEXT("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,"
	    "\"result\":{}}\nid: q\n\n"), TEXT("q"),
	    true, false, false, true, JSONRPC_RESPONSE,
	    JSONRPC_METHOD_NONE, "7", "" },
	{ TEXT("data: {\"jsonrpc\":\"2.0\",\"id\":\"a\",\n"
	    "data: \"error\":{\"code\":1,\ndata:\"message\":\"m\"}\ndata: }\n"
	    "\n"), NO_TEXT,
	    true, false, false, true, JSONRPC_ERROR_RESPONSE,
	    JSONRPC_METHOD_NONE, "\"a\"", "" },
	/* Lines are joined with a LF, which no JSON string may hold. */
	{ TEXT("data: {\"id\":\"a\ndata: b\",\"result\":1}\n\n"), NO_TEXT,
	    true, false, false, false, 0, 0, "", "" },
	/* And which ends a number. */
	{ TEXT("data: {\"id\":1\ndata: 2,\"result\":1}\n\n"), NO_TEXT,
	    true, false, false, false, 0, 0, "", "" },
	{ TEXT("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
	    "progress\",\"params\":{\"progressToken\":\"t-1\","
	    "\"progress\":1}}\n\n"), NO_TEXT,
	    true, false, false, true, JSONRPC_NOTIFICATION,
	    JSONRPC_METHOD_PROGRESS, "", "\"t-1\"" },
	{ TEXT("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n"
	    "\n"), NO_TEXT,
	    true, false, false, true, JSONRPC_NOTIFICATION,
	    JSONRPC_METHOD_OTHER, "", "" },
	{ TEXT("data: {\"id\":3,\"method\":\"sampling/createMessage\"}\n\n"),
	    NO_TEXT,
	    true, false, false, true, JSONRPC_REQUEST,
	    JSONRPC_METHOD_OTHER, "3", "" },
	/* Of a batch the first one is told. */
	{ TEXT("data: [{\"id\":1,\"result\":{}},\ndata: {\"id\":2,"
	    "\"result\":{}}]\n\n"), NO_TEXT,
	    true, false, false, true, JSONRPC_RESPONSE,
	    JSONRPC_METHOD_NONE, "1", "" },
	{ TEXT("data: {\"id\":1,\"result\":{}\n\n"), NO_TEXT,
	    true, false, false, false, 0, 0, "", "" },
	/* What stands in a comment or a name is no data. */
	{ TEXT(": {\"id\":1,\"result\":{}}\nevent: {\"id\":1,\"result\":1}\n"
	    "data: x\n\n"), NO_TEXT,
	    true, false, false, false, 0, 0, "", "" },
};
/* clang-format on */

static void
check_text(struct jsonrpc_text got, const char *want)
{
	ck_assert_uint_eq(got.len, strlen(want));
	if (got.len > 0)
		ck_assert_mem_eq(got.text, want, got.len);
}

static void
check_row(const struct row *row, const struct event *e)
{
	struct jsonrpc_text text;

	ck_assert(e->has_data == row->has_data);
	ck_assert(e->is_empty == row->is_empty);
	ck_assert(e->resets == row->resets);
	ck_assert(e->has_id == (row->id != NULL));
	ck_assert_uint_eq(e->id_len, row->id_len);
	if (row->id != NULL) {
		ck_assert_mem_eq(e->id, row->id, row->id_len);
		ck_assert_uint_eq(e->id_sum,
		    event_id_sum(
			(struct http_slice){ row->id, (uint32_t)row->id_len }));
	}
	ck_assert(e->has_message == row->has_message);
	if (!row->has_message)
		return;
	ck_assert_int_eq(jsonrpc_kind(&e->message), row->kind);
	ck_assert_int_eq(jsonrpc_method(&e->message), row->method);
	(void)jsonrpc_id(&e->message, &text);
	check_text(text, row->message_id);
	(void)jsonrpc_extra(&e->message, &text);
	check_text(text, row->extra);
}

/* The block ends before every byte of the event once. */
START_TEST(an_event_says_the_same_wherever_its_block_ends)
{
	const struct row *row = &rows[_i];
	const uint32_t heads = 2 * (uint32_t)sizeof(struct journal_record);
	static struct event e;
	uint32_t at = SHM_BLOCK_SIZE - heads - (uint32_t)row->len;

	for (; at <= SHM_BLOCK_SIZE - heads; at++) {
		read_at(at, row->text, row->len, &e);
		check_row(row, &e);
	}
	read_at(0, row->text, row->len, &e);
	check_row(row, &e);
}
END_TEST

/* Ids over several blocks, up to the longest that is kept. */
START_TEST(ids_that_are_too_long_do_not_count)
{
	static char text[4 * EVENT_ID_MAX];
	static struct event e;
	size_t len = EVENT_ID_MAX - 2;
	uint32_t at;

	for (; len <= EVENT_ID_MAX + 2; len++) {
		memcpy(text, "id: ", 4);
		for (size_t i = 0; i < len; i++)
			text[4 + i] = (char)('a' + i % 26);
		memcpy(text + 4 + len, "\ndata: x\n\n", 10);
		for (at = 0; at < SHM_BLOCK_SIZE - 48; at += 37) {
			read_at(at, text, len + 14, &e);
			ck_assert(e.has_data);
			ck_assert(!e.resets);
			ck_assert(e.has_id == (len <= EVENT_ID_MAX));
			ck_assert_uint_eq(e.id_len, e.has_id ? len : 0);
			ck_assert_mem_eq(e.id, text + 4, e.id_len);
		}
	}
}
END_TEST

/* The last line counts, although there is nothing to resume from then. */
START_TEST(an_id_that_is_too_long_hides_the_one_before)
{
	static char text[2 * EVENT_ID_MAX];
	static struct event e;

	memset(text, 'y', sizeof(text));
	memcpy(text, "id: one\nid: ", 12);
	memcpy(text + sizeof(text) - 10, "\ndata: x\n\n", 10);
	read_at(0, text, sizeof(text), &e);
	ck_assert(e.has_data);
	ck_assert(!e.has_id);
	ck_assert(!e.resets);
	ck_assert_uint_eq(e.id_len, 0);
}
END_TEST

START_TEST(ids_are_told_apart)
{
	static const char *const ids[] = { "1", "2", "11", "one", "One" };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		for (size_t k = 0; k < ARRAY_LEN(ids); k++)
			ck_assert((event_id_sum(http_slice_of(ids[i])) ==
				      event_id_sum(http_slice_of(ids[k]))) ==
				  (i == k));
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("event");
	TCase *tc = tcase_create("event");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, an_event_says_the_same_wherever_its_block_ends,
	    0, ARRAY_LEN(rows));
	tcase_add_test(tc, ids_that_are_too_long_do_not_count);
	tcase_add_test(tc, an_id_that_is_too_long_hides_the_one_before);
	tcase_add_test(tc, ids_are_told_apart);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
