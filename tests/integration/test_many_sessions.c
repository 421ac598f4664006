/*
 * test_many_sessions.c - 50,000 sessions that nobody ends: held for nothing
 * but memory, and gone when their time is up.
 *
 * What they cost is read from /proc: processor ticks and wake-ups of the
 * workers in a few seconds of quiet, with no session and with all of them.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/ask.h"
#include "tests/integration/teller.h"

#define SESSIONS 50000
#define WORKERS 4
#define CONNECTIONS 8
#define BATCH 50 /* requests sent ahead on a connection */
#define QUIET_MS 3000
#define IDLE_S 20

/* Of the memory that all share: a record and the fields kept with it. */
#define SHARED_EACH 2560
/* Of the memory that one worker takes for a session at home in it. */
#define OWN_EACH 512
#define SLACK (8u << 20)

static struct teller teller;

struct cost {
	long ticks;   /* of the processor, all workers */
	long wakings; /* of all workers */
	long own_kib; /* anonymous memory of all workers */
	long shared_kib;
};

static long
worker_ticks(pid_t pid)
{
	char path[64];
	struct bytes text;
	unsigned long user = 0, system = 0;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file_read(path, &text);
	at = strrchr(text.data, ')');
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(
	    sscanf(at + 2,
		"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		&system),
	    2);
	bytes_fini(&text);
	return (long)(user + system);
}

/* What the memory that all share takes of the machine. */
static long
shared_kib(void)
{
	char target[256], path[64];
	struct stat st;

	for (int fd = 0; fd < 256; fd++) {
		if (!proc_fd_target(
			rig.proxy.pid, fd, target, sizeof(target)) ||
		    strncmp(target, "/memfd:", 7) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%d",
		    (int)rig.proxy.pid, fd);
		if (stat(path, &st) == 0 && st.st_blocks > 0)
			return (long)st.st_blocks / 2;
	}
	return 0;
}

static struct cost
measure(void)
{
	pid_t workers[WORKERS];
	struct cost cost = { .shared_kib = shared_kib() };

	ck_assert_uint_eq(rig_workers(workers, WORKERS), WORKERS);
	for (unsigned n = 0; n < WORKERS; n++) {
		cost.ticks += worker_ticks(workers[n]);
		cost.wakings +=
		    proc_status_number(workers[n], "voluntary_ctxt_switches");
		cost.own_kib += proc_anonymous_kib(workers[n]);
	}
	return cost;
}

/* Ticks and wake-ups in some seconds in which nothing is asked. */
static struct cost
measure_quiet(void)
{
	struct cost before = measure(), after;

	usleep(QUIET_MS * 1000);
	after = measure();
	after.ticks -= before.ticks;
	after.wakings -= before.wakings;
	return after;
}

static void
print_cost(const char *what, const struct cost *c)
{
	printf("%s: %ld ticks and %ld wakings in %d ms, %ld KiB own, %ld KiB "
	       "shared\n",
	    what, c->ticks, c->wakings, QUIET_MS, c->own_kib, c->shared_kib);
	fflush(stdout);
}

static void
send_batch(struct client *c)
{
	static const char body[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"method\":\"initialize\"}";
	struct bytes out = { 0 };

	for (unsigned n = 0; n < BATCH; n++)
		bytes_addf(&out,
		    "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
		    "Authorization: Bearer %u\r\n"
		    "Content-Length: %zu\r\n\r\n%s",
		    rig.proxy_port, n, sizeof(body) - 1, body);
	ck_assert_int_eq(client_send(c, out.data, out.len, SOON), 0);
	bytes_fini(&out);
}

static void
begin_sessions(void)
{
	struct client c[CONNECTIONS];
	unsigned left = SESSIONS;

	for (unsigned n = 0; n < CONNECTIONS; n++)
		ask_open(&c[n]);
	while (left > 0) {
		unsigned used = 0;

		for (; used < CONNECTIONS && left > 0; left -= BATCH)
			send_batch(&c[used++]);
		for (unsigned n = 0; n < used * BATCH; n++) {
			(void)client_read_answer(&c[n / BATCH], SOON);
			if (c[n / BATCH].status != 200)
				ck_abort_msg(
				    "%d for initialize", c[n / BATCH].status);
		}
	}
	for (unsigned n = 0; n < CONNECTIONS; n++)
		client_close(&c[n]);
}

static void
ping(unsigned session, int status)
{
	char field[64];
	struct client c;

	snprintf(field, sizeof(field), "Mcp-Session-Id: none-%u\r\n", session);
	ask(&c, "POST", "-", field, "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}",
	    status);
	client_close(&c);
}

START_TEST(many_idle_sessions_cost_memory_alone)
{
	struct cost none, all, gone;
	char idle[64];
	int64_t begun;
	unsigned asked;

	teller_start(&teller);
	snprintf(idle, sizeof(idle), "session.idle_timeout=%ds",
	    rig_ms(IDLE_S * 1000) / 1000);
	rig_start_proxy_to(teller.port, "--set", "workers=4", "--set", idle,
	    "--set", "journal.memory=128MiB", NULL);
	none = measure_quiet();
	print_cost("no session", &none);
	begun = wire_now_ms();
	begin_sessions();
	printf(
	    "%u sessions in %d ms\n", SESSIONS, (int)(wire_now_ms() - begun));
	ck_assert_uint_eq(teller.sessions, SESSIONS);
	all = measure_quiet();
	print_cost("all of them", &all);
	/* What was measured was the quiet before the first one's end. */
	ck_assert_uint_eq(teller.deletes, 0);
	ck_assert_int_le(all.ticks, none.ticks + 6);
	ck_assert_int_le(all.wakings, 2 * none.wakings + 100);
	ck_assert_int_le(all.shared_kib - none.shared_kib,
	    ((long)SESSIONS * SHARED_EACH + SLACK) / 1024);
	ck_assert_int_le(all.own_kib - none.own_kib,
	    ((long)SESSIONS * OWN_EACH + WORKERS * SLACK) / 1024);
	/* They are all there. */
	for (unsigned n = 0; n < SESSIONS; n += SESSIONS / 50)
		ping(n, 202);
	begun = wire_now_ms();
	while (teller.deletes < SESSIONS) {
		ck_assert_msg(wire_now_ms() - begun < rig_ms(90000),
		    "only %u have expired", teller.deletes);
		usleep(50000);
	}
	printf("all expired after %d ms\n", (int)(wire_now_ms() - begun));
	asked = teller.unknown;
	for (unsigned n = 0; n < SESSIONS; n += SESSIONS / 50)
		ping(n, 404);
	gone = measure();
	print_cost("expired", &gone);
	printf("asked of the upstream: %u\n", teller.unknown - asked);
	ck_assert_uint_eq(teller.deletes, SESSIONS);
	ck_assert_uint_eq(teller.faults, 0);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "many sessions");

	tcase_set_timeout(tc, rig_ms(240));
	tcase_add_test(tc, many_idle_sessions_cost_memory_alone);
}

int
main(void)
{
	return harness_main("many_sessions", add_cases);
}
