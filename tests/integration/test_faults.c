/*
 * test_faults.c - faults of our own: a worker that dies twice of the same
 * client, stream or session ends that one, and all others go on.
 *
 * In developer builds a plan (common/kill_point.h) says at which task a fault
 * is raised: always for the first record that comes to it, so that what is
 * tested is put first.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/kill_point.h"
#include "common/work.h"
#include "tests/integration/ctl_run.h"
#include "tests/integration/legacy_rig.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define POISON "end reason=POISON"

#if defined(SC_DEVELOPER) && !defined(SC_SANITIZED)

/* --- the plan ------------------------------------------------------------ */

static struct kill_plan *plan;

/* Before the proxy starts. */
static void
make_plan(void)
{
	char path[300], above[300];
	int fd;

	snprintf(path, sizeof(path), "%s/plan", rig.dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof(*plan)), 0);
	/* Workers may be of another user. */
	ck_assert_int_eq(fchmod(fd, 0666), 0);
	ck_assert_int_eq(chmod(rig.dir, 0755), 0);
	snprintf(above, sizeof(above), "%s/..", rig.dir);
	ck_assert_int_eq(chmod(above, 0755), 0);
	plan = mmap(
	    NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(plan, MAP_FAILED);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(setenv(KILL_PLAN_VARIABLE, path, 1), 0);
}

/* From now on this is fatal, for the first record that comes to it. */
static void
poison(enum work_task task, enum work_kind kind, uint32_t number)
{
	atomic_store(&plan->fault_task, task);
	atomic_store(&plan->fault_kind, kind);
	atomic_store(&plan->fault_signal, number);
}

static void
heal(void)
{
	atomic_store(&plan->fault_signal, 0);
}

/* --- one that nothing may happen to ---------------------------------------
 */

static struct client bystander;

static void
open_stream(struct client *c, const char *gate)
{
	struct client_event event;
	char script[200];

	snprintf(script, sizeof(script),
	    STREAM "event id=1 data=first; await %s; event id=2 data=second; "
		   "await %s-end",
	    gate, gate);
	ask_stream(c, "POST", script, "", 200);
	ask_event(c, &event);
	ck_assert_str_eq(event.data.data, "first");
	event_fini(&event);
}

static void
expect_rest(struct client *c, const char *gate)
{
	struct client_event event;
	char end[80];

	rig_open_gate(gate);
	ask_event(c, &event);
	ck_assert_str_eq(event.data.data, "second");
	event_fini(&event);
	snprintf(end, sizeof(end), "%s-end", gate);
	rig_open_gate(end);
	(void)client_read_rest(c, SOON);
	assert_end(c, CLIENT_COMPLETE);
	client_close(c);
}

static void
expect_service(void)
{
	struct client c;

	ask(&c, "POST", "echo", "", CALL, 200);
	assert_body(&c, CALL);
	client_close(&c);
}

static pid_t
only_worker(void)
{
	pid_t worker = 0;

	wait_for(rig_workers(&worker, 1) == 1);
	return worker;
}

static void
start(const char *key_and_value)
{
	make_plan();
	rig_start("--set", "upstream.max_idle=0", "--set", key_and_value, NULL);
}

/* The daemon is as well as ever, and so is the bystander. */
static void
expect_the_rest_well(void)
{
	wait_for(file_has(rig.proxy.err, POISON));
	expect_rest(&bystander, "bystander");
	expect_service();
	ck_assert_uint_eq(file_count(rig.proxy.err, POISON), 1);
}

/* --- streams -------------------------------------------------------------
 */

/* It ends with an error event. */
static void
expect_error_event(struct client *c)
{
	struct client_event event;

	ask_event(c, &event);
	assert_rpc_error_event(&event, "1");
	event_fini(&event);
	(void)client_read_rest(c, SOON);
	assert_end(c, CLIENT_COMPLETE);
	client_close(c);
}

static void
expect_reset(struct client *c)
{
	ck_assert_int_ne(client_wait_closed(c, SOON), -ETIMEDOUT);
	client_close(c);
}

static const int fatal_signals[] = {
	SIGSEGV, SIGABRT, SIGBUS,
	SIGSTOP, /* it hangs, and is killed by us: a fault as well */
};

START_TEST(receiving_from_the_upstream)
{
	struct client c;

	start("worker.hang_timeout=1s");
	open_stream(&bystander, "bystander");
	open_stream(&c, "it");
	poison(WORK_RECEIVE_UPSTREAM, WORK_ON_STREAM, fatal_signals[_i]);
	rig_open_gate("it");
	expect_error_event(&c);
	ck_assert_uint_eq(atomic_load(&plan->faults), 2);
	expect_the_rest_well();
}
END_TEST

START_TEST(sending_to_the_client)
{
	struct client c;

	start("workers=1");
	open_stream(&bystander, "bystander");
	open_stream(&c, "it");
	poison(WORK_SEND_CLIENT, WORK_ON_STREAM, SIGSEGV);
	rig_open_gate("it");
	expect_reset(&c);
	ck_assert_uint_eq(atomic_load(&plan->faults), 2);
	expect_the_rest_well();
}
END_TEST

static const enum work_task request_tasks[] = { WORK_CONNECT,
	WORK_SEND_UPSTREAM };

/* The upstream has not had the request, and the client is told. */
START_TEST(asking_the_upstream)
{
	struct client c;

	start("workers=1");
	open_stream(&bystander, "bystander");
	poison(request_tasks[_i], WORK_ON_STREAM, SIGSEGV);
	ask(&c, "POST", "echo", "", CALL, 500);
	assert_rpc_error(&c, "1");
	client_close(&c);
	ck_assert_uint_eq(atomic_load(&plan->faults), 2);
	rig_assert_requests(1);
	expect_the_rest_well();
}
END_TEST

/* The first that is quiet for so long is the chosen one. */
START_TEST(timer_of_a_stream)
{
	struct client c;

	start("stream.keepalive_interval=300ms");
	poison(WORK_TIMER, WORK_ON_STREAM, SIGSEGV);
	open_stream(&c, "it");
	wait_for(atomic_load(&plan->faults) > 0);
	open_stream(&bystander, "bystander");
	expect_error_event(&c);
	ck_assert_uint_eq(atomic_load(&plan->faults), 2);
	expect_the_rest_well();
}
END_TEST

/* Shot from outside, as often as may be: nobody is to blame. */
START_TEST(violence_counts_against_nobody)
{
	struct client c;

	start("workers=1");
	open_stream(&c, "it");
	poison(WORK_SEND_CLIENT, WORK_ON_STREAM, SIGKILL);
	rig_open_gate("it");
	wait_for(atomic_load(&plan->faults) >= 5);
	heal();
	expect_rest(&c, "it");
	ck_assert(!file_has(rig.proxy.err, "POISON"));
}
END_TEST

/* --- clients ---------------------------------------------------------------
 */

START_TEST(receiving_from_the_client)
{
	struct client c;

	start("workers=1");
	open_stream(&bystander, "bystander");
	poison(WORK_RECEIVE_CLIENT, WORK_ON_CLIENT, SIGSEGV);
	ask(&c, "POST", "echo", "", CALL, 500);
	assert_rpc_error(&c, "null");
	heal();
	client_close(&c);
	rig_assert_requests(1);
	wait_for(file_has(rig.proxy.err, POISON));
	expect_rest(&bystander, "bystander");
	expect_service();
}
END_TEST

START_TEST(timer_of_a_client)
{
	struct client c;

	start("client.head_timeout=300ms");
	open_stream(&bystander, "bystander");
	poison(WORK_TIMER, WORK_ON_CLIENT, SIGSEGV);
	ask_open(&c);
	ck_assert_int_eq(client_sendf(&c, "GET /mcp HTT"), 0);
	ask_answer(&c, 500);
	client_close(&c);
	ck_assert_uint_eq(atomic_load(&plan->faults), 2);
	expect_the_rest_well();
}
END_TEST

START_TEST(refusing_a_client)
{
	struct client c;

	start("workers=1");
	open_stream(&bystander, "bystander");
	poison(WORK_SEND_CLIENT, WORK_ON_CLIENT, SIGSEGV);
	ask_open(&c);
	ck_assert_int_eq(client_sendf(&c, "GET /mcp HTTP/1.1\r\n\r\n"), 0);
	expect_reset(&c);
	ck_assert_uint_eq(atomic_load(&plan->faults), 2);
	expect_the_rest_well();
}
END_TEST

/* It has not even begun: adoption begins it again. */
START_TEST(taking_a_client)
{
	struct client c;

	start("workers=1");
	open_stream(&bystander, "bystander");
	poison(WORK_MESSAGE, WORK_ON_CLIENT, SIGSEGV);
	ask_open(&c);
	expect_reset(&c);
	expect_the_rest_well();
}
END_TEST

/* --- sessions --------------------------------------------------------------
 */

START_TEST(end_of_a_session)
{
	start("session.idle_timeout=500ms");
	open_stream(&bystander, "bystander");
	poison(WORK_TIMER, WORK_ON_SESSION, SIGSEGV);
	legacy_begin("s1", "");
	wait_for(file_has(rig.proxy.err, POISON));
	ck_assert_uint_eq(atomic_load(&plan->faults), 2);
	heal();
	assert_ping(MINE, 404);
	expect_the_rest_well();
}
END_TEST

/* --- adoption --------------------------------------------------------------
 */

/* Which of the two was chosen is not known beforehand. */
static void
expect_one_of_two(struct client *a, struct client *b)
{
	struct client *left;

	wait_for(file_has(rig.proxy.err, POISON));
	heal();
	/* It is told a moment before. */
	wait_for(!client_is_open(a) || !client_is_open(b));
	left = client_is_open(a) ? a : b;
	expect_reset(left == a ? b : a);
	expect_rest(left, left == a ? "a" : "b");
	expect_service();
}

static const enum work_kind adopted_kinds[] = { WORK_ON_CLIENT,
	WORK_ON_STREAM };

START_TEST(adoption_of_one)
{
	struct client a, b;

	start("workers=1");
	open_stream(&a, "a");
	open_stream(&b, "b");
	poison(WORK_ADOPT, adopted_kinds[_i], SIGSEGV);
	ck_assert_int_eq(kill(only_worker(), SIGKILL), 0);
	expect_one_of_two(&a, &b);
	ck_assert_uint_eq(atomic_load(&plan->faults), 2);
}
END_TEST

/* The session is forgotten, and asked for of the upstream when it is used. */
START_TEST(adoption_of_a_session)
{
	struct client c;

	start("workers=1");
	open_stream(&bystander, "bystander");
	legacy_begin("s1", "");
	legacy_call(&c, "7", STREAM "event id=1 data=first; never", MINE);
	assert_event(&c, "1", "first");
	poison(WORK_ADOPT, WORK_ON_SESSION, SIGSEGV);
	ck_assert_int_eq(kill(only_worker(), SIGKILL), 0);
	assert_stream_fails(&c, "7");
	ck_assert_uint_eq(atomic_load(&plan->faults), 2);
	client_close(&c);
	assert_ping(MINE, 200);
	expect_rest(&bystander, "bystander");
}
END_TEST

/* No successor would live: then nothing of it is adopted. */
START_TEST(adoption_as_such)
{
	struct client c;

	start("workers=1");
	open_stream(&c, "it");
	poison(WORK_ADOPT, WORK_ON_NOTHING, SIGSEGV);
	ck_assert_int_eq(kill(only_worker(), SIGKILL), 0);
	wait_for(atomic_load(&plan->faults) == 2);
	heal();
	expect_reset(&c);
	expect_service();
}
END_TEST

/* --- what is kept of it ----------------------------------------------------
 */

static const char *
member(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	ck_assert_msg(text != NULL, "there is no %s", name);
	return text;
}

START_TEST(crash_says_where_and_at_what)
{
	struct client c;
	json_t *rows, *row;

	start("workers=1");
	open_stream(&c, "it");
	poison(WORK_SEND_CLIENT, WORK_ON_STREAM, SIGSEGV);
	rig_open_gate("it");
	expect_reset(&c);
	rows = ctl_json("crashes");
	ck_assert_uint_eq(json_array_size(rows), 2);
	row = json_array_get(rows, 1);
	ck_assert_str_eq(member(row, "doing"), "sending to the client");
	ck_assert_str_eq(member(row, "about"), "stream 1");
	/* raise() in libc, and the one who called it. */
	ck_assert_ptr_nonnull(strstr(member(row, "trace"), "libc.so.6+0x"));
	ck_assert_ptr_nonnull(strstr(member(row, "trace"), " shadowcat+0x"));
	ck_assert_uint_ge(strlen(member(row, "build_id")), 16);
	json_decref(rows);
	ctl_says("crashes", 0, "sending to the client");
	ck_assert(
	    file_has(rig.proxy.err, "died while sending to the client, "));
}
END_TEST

/* One that hangs is aborted, so that it can say where. */
START_TEST(hang_says_where)
{
	struct client c;
	json_t *rows, *row;

	start("worker.hang_timeout=1s");
	open_stream(&c, "it");
	poison(WORK_RECEIVE_UPSTREAM, WORK_ON_STREAM, KILL_PLAN_HANG);
	rig_open_gate("it");
	wait_for(atomic_load(&plan->faults) == 1);
	heal();
	expect_rest(&c, "it");
	rows = ctl_json("crashes");
	ck_assert_uint_eq(json_array_size(rows), 1);
	row = json_array_get(rows, 0);
	ck_assert_str_eq(member(row, "killed_for"), "hang");
	ck_assert_str_eq(member(row, "doing"), "receiving from the upstream");
	ck_assert_ptr_nonnull(strstr(member(row, "trace"), " shadowcat+0x"));
	json_decref(rows);
}
END_TEST

START_TEST(idle_worker_is_said_to_be_idle)
{
	json_t *rows, *row;

	start("workers=1");
	ck_assert_int_eq(kill(only_worker(), SIGSEGV), 0);
	wait_for(file_has(rig.proxy.err, "died while idle"));
	rows = ctl_json("crashes");
	row = json_array_get(rows, 0);
	ck_assert_str_eq(member(row, "doing"), "idle");
	ck_assert(json_is_null(json_object_get(row, "about")));
	ck_assert_ptr_nonnull(strstr(member(row, "trace"), "+0x"));
	json_decref(rows);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "streams");

	tcase_add_loop_test(
	    tc, receiving_from_the_upstream, 0, ARRAY_LEN(fatal_signals));
	tcase_add_test(tc, sending_to_the_client);
	tcase_add_loop_test(
	    tc, asking_the_upstream, 0, ARRAY_LEN(request_tasks));
	tcase_add_test(tc, timer_of_a_stream);
	tcase_add_test(tc, violence_counts_against_nobody);
	tc = harness_case(suite, "clients");
	tcase_add_test(tc, receiving_from_the_client);
	tcase_add_test(tc, timer_of_a_client);
	tcase_add_test(tc, refusing_a_client);
	tcase_add_test(tc, taking_a_client);
	tc = harness_case(suite, "sessions");
	tcase_add_test(tc, end_of_a_session);
	tc = harness_case(suite, "adoption");
	tcase_add_loop_test(tc, adoption_of_one, 0, ARRAY_LEN(adopted_kinds));
	tcase_add_test(tc, adoption_of_a_session);
	tcase_add_test(tc, adoption_as_such);
	tc = harness_case(suite, "records");
	tcase_add_test(tc, crash_says_where_and_at_what);
	tcase_add_test(tc, hang_says_where);
	tcase_add_test(tc, idle_worker_is_said_to_be_idle);
}

int
main(void)
{
	return harness_main("faults", add_cases);
}

#else

/* Without kill points, or under sanitizers, there is nothing to raise. */
int
main(void)
{
	return 77;
}

#endif
