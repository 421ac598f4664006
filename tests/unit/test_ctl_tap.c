/*
 * test_ctl_tap.c - what journal records say, for people.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/ctl_proto.h"
#include "ctl/tap.h"
#include "tests/unit/unit.h"

static json_t *list;

static void
setup(void)
{
	list = json_array();
}

static void
teardown(void)
{
	json_decref(list);
}

struct record {
	const char *kind;
	bool events;
	const char *data;
	size_t cut; /* bytes of the record that are not in `data` */
	const char *minted;
};

/* Read a row as the supervisor would make it. */
static void
read_row(const struct record *r, bool bodies)
{
	static char buf[CTL_OUT_CAP];
	struct ctl_answer answer;
	msgpack_unpacked memory;
	struct ctl_out out;

	ctl_out_init(&out, buf, sizeof(buf));
	ctl_rows_begin(&out);
	ctl_row_begin(&out);
	ctl_put_number(&out, "time", 1.5);
	ctl_put_text(&out, "stream", "7f");
	ctl_put_text(&out, "kind", r->kind);
	if (r->data != NULL) {
		ctl_put_uint(&out, "size", strlen(r->data) + r->cut);
		ctl_put_bool(&out, "events", r->events);
		ctl_put_text(&out, "data", r->data);
	}
	if (r->minted != NULL)
		ctl_put_text(&out, "minted_id", r->minted);
	ck_assert(ctl_row_end(&out));
	ctl_rows_end(&out);
	msgpack_unpacked_init(&memory);
	ck_assert_int_eq(ctl_answer_decode(buf + CTL_HEAD_LEN,
			     out.len - CTL_HEAD_LEN, &memory, &answer),
	    0);
	ck_assert(tap_read(&answer.body.via.array.ptr[0], bodies, list));
	msgpack_unpacked_destroy(&memory);
}

#define REQUEST "{\"id\":\"a\",\"method\":\"sampling/x\",\"jsonrpc\":\"2.0\"}"

/* What is expected, as JSON; time and stream are the same for all. */
static const struct {
	struct record record;
	bool bodies;
	const char *events;
} rows[] = {
	{ { "body", true, "id: 5\ndata: " REQUEST "\n\n", 0, NULL }, false,
	    "[{'kind':'request','size':62,'id':'5','method':'sampling/x',"
	    "'message_id':'\\\"a\\\"'}]" },
	{ { "body", true, "data: {\"method\":\"n\"}\n\n", 0, "sc1.t.3" }, true,
	    "[{'kind':'notification','size':22,'id':'sc1.t.3','method':'n',"
	    "'data':'{\\\"method\\\":\\\"n\\\"}'}]" },
	{ { "body", true, "data: {\"id\":1,\ndata: \"result\":{}}\n\n", 0,
	      NULL },
	    true,
	    "[{'kind':'response','size':35,'message_id':'1',"
	    "'data':'{\\\"id\\\":1,\\n\\\"result\\\":{}}'}]" },
	{ { "body", true, "data: {\"id\":1,\"error\":{}}\n\n", 0, NULL }, false,
	    "[{'kind':'error','size':27,'message_id':'1'}]" },
	{ { "body", true, "id: 9\ndata: \n\n", 0, NULL }, false,
	    "[{'kind':'priming','size':14,'id':'9'}]" },
	{ { "body", true, ": hello\n", 0, NULL }, false,
	    "[{'kind':'comment','size':8}]" },
	{ { "body", true, ": hello\n\n", 0, NULL }, false,
	    "[{'kind':'comment','size':9}]" },
	{ { "body", true, "data: x\n\ndata: y\n\n", 0, NULL }, true,
	    "[{'kind':'message','size':9,'data':'x'},"
	    "{'kind':'message','size':9,'data':'y'}]" },
	{ { "body", true, "data: {\"method\":\"m\",\"id\":3,\"par", 100, NULL },
	    false, "[{'kind':'message','size':131,'cut':true}]" },
	{ { "body", false, "{\"id\":2,\"result\":1}", 0, NULL }, false,
	    "[{'kind':'response','size':19,'message_id':'2'}]" },
	{ { "body", false, "<html>", 0, NULL }, true,
	    "[{'kind':'body','size':6,'data':'<html>'}]" },
	{ { "head", false, NULL, 0, NULL }, false, "[{'kind':'head'}]" },
	{ { "gone", false, NULL, 0, NULL }, false, "[{'kind':'gone'}]" },
	{ { "newer", false, NULL, 0, NULL }, false, "[]" },
};

/* The expected list, with what all have in common. */
static json_t *
expected(const char *text)
{
	char *copy = strdup(text);
	json_t *wanted, *event;
	size_t i;

	for (char *p = copy; *p != '\0'; p++) {
		if (*p == '\'')
			*p = '"';
	}
	wanted = json_loads(copy, 0, NULL);
	ck_assert_ptr_nonnull(wanted);
	json_array_foreach(wanted, i, event)
	{
		(void)json_object_set_new(event, "time", json_real(1.5));
		(void)json_object_set_new(event, "stream", json_string("7f"));
	}
	free(copy);
	return wanted;
}

START_TEST(records_are_read)
{
	json_t *wanted = expected(rows[_i].events);
	char *got;

	read_row(&rows[_i].record, rows[_i].bodies);
	got = json_dumps(list, 0);
	ck_assert_msg(
	    json_equal(list, wanted), "%s\nis not\n%s", got, rows[_i].events);
	free(got);
	json_decref(wanted);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ctl_tap");
	TCase *tc = tcase_create("ctl_tap");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, records_are_read, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
