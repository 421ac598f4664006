/*
 * test_memory.c - the journal memory runs short: who goes, and who must not
 * notice.
 */
#include "config.h"

#include <string.h>

#include "tests/integration/legacy_rig.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define SMALL_STREAMS 20
#define SMALL_SIZE 40960

/* An event that never ends, and most of the memory. */
#define GIANT                                                                  \
	STREAM "await giant; text \"data: \"; fill 3600KiB; mark giant-in; "   \
	       "await never"
/* An event that ends when the gate opens. */
#define SMALL                                                                  \
	STREAM "await small; text \"data: \"; fill 40KiB; mark small-in; "     \
	       "await end; text \"\\n\\n\"; end"

static void
start_with_4_mib(void)
{
	rig_start("--set", "journal.memory=4MiB", "--set",
	    "stream.max_event=4MiB", NULL);
}

static void
wait_marks(const char *name, unsigned count)
{
	wait_for(origin_log_count(rig.log, "mark", name) == count);
}

/* The whole event, byte for byte, and the end. */
static void
assert_small_event(struct client *c)
{
	struct client_event event;
	const char *data;
	size_t len;

	ask_event(c, &event);
	len = event.raw.len;
	data = memmem(event.raw.data, len, "data: ", 6);
	ck_assert_ptr_nonnull(data);
	data += 6;
	ck_assert_uint_ge(len, (size_t)(data - event.raw.data) + SMALL_SIZE);
	for (uint64_t at = 0; at < SMALL_SIZE; at++)
		ck_assert_int_eq(data[at], bytes_pattern(at));
	event_fini(&event);
	ck_assert_int_eq(client_read_rest(c, SOON), CLIENT_COMPLETE);
}

/* Legacy clients are told in an event, modern streams are broken off. */
static void
assert_ended_early(struct client *c, bool modern)
{
	if (!modern)
		assert_stream_fails(c, "1");
	else
		ck_assert_int_eq(client_read_rest(c, SOON), CLIENT_CUT);
}

/*
 * Twenty events of 40 KiB and one that takes most of the memory are
 * half received, whichever first: it is the giant that goes.
 */
START_TEST(the_giant_goes)
{
	bool giant_first = _i % 2 == 0, is_modern = _i >= 2;
	const char *fields = is_modern ? MODERN EVENTS : OLD EVENTS;
	struct client giant, small[SMALL_STREAMS];

	start_with_4_mib();
	ask_stream(&giant, "POST", GIANT, fields, 200);
	for (size_t i = 0; i < SMALL_STREAMS; i++)
		ask_stream(&small[i], "POST", SMALL, fields, 200);
	rig_open_gate(giant_first ? "giant" : "small");
	if (giant_first)
		wait_marks("giant-in", 1);
	else
		wait_marks("small-in", SMALL_STREAMS);
	rig_open_gate(giant_first ? "small" : "giant");
	assert_ended_early(&giant, is_modern);
	rig_open_gate("end");
	for (size_t i = 0; i < SMALL_STREAMS; i++) {
		assert_small_event(&small[i]);
		client_close(&small[i]);
	}
	client_close(&giant);
}
END_TEST

/* Answers that are kept for clients that left, until the memory is full. */
static void
leave_answers_behind(unsigned count)
{
	struct client c;

	for (unsigned i = 0; i < count; i++) {
		ask_stream(&c, "POST", STREAM "fillevent 200KiB; response 1",
		    MINE, 200);
		ck_assert_int_eq(client_read_rest(&c, SOON), CLIENT_COMPLETE);
		client_close(&c);
	}
}

/*
 * What is kept goes first, the oldest before the others, and a new answer
 * finds room.
 */
START_TEST(kept_answers_make_room)
{
	struct client c;

	start_with_4_mib();
	legacy_begin("s1", "");
	leave_answers_behind(40);
	ask_stream(&c, "POST", SMALL, MINE, 200);
	rig_open_gate("small");
	rig_open_gate("end");
	assert_small_event(&c);
	client_close(&c);
}
END_TEST

static bool
large_event_comes(void)
{
	struct client c;
	bool is_whole;

	ask_open(&c);
	ask_send(&c, "POST", STREAM "fillevent 512KiB; response 1",
	    MODERN EVENTS, CALL);
	is_whole =
	    client_read_answer(&c, SOON) == CLIENT_COMPLETE && c.status == 200;
	client_close(&c);
	return is_whole;
}

/*
 * The same where another worker keeps them: it lets them go within a second
 * or two, and until then a request may be refused, but no more than that.
 */
START_TEST(kept_answers_of_another_worker_make_room)
{
	struct client holders[4];

	rig_start("--workers", "2", "--set", "journal.memory=4MiB", "--set",
	    "stream.max_event=4MiB", NULL);
	legacy_begin("s1", "");
	leave_answers_behind(40);
	/* They are that session's, so that new clients go to the other one. */
	for (size_t i = 0; i < ARRAY_LEN(holders); i++)
		ask_stream(&holders[i], "POST", STREAM "never", MINE, 200);
	wait_for(large_event_comes());
	for (size_t i = 0; i < ARRAY_LEN(holders); i++)
		client_close(&holders[i]);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *test_case = harness_case(suite, "memory");

	tcase_add_loop_test(test_case, the_giant_goes, 0, 4);
	tcase_add_test(test_case, kept_answers_make_room);
	tcase_add_test(test_case, kept_answers_of_another_worker_make_room);
}

int
main(void)
{
	return harness_main("memory", add_cases);
}
