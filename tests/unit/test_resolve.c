/*
 * test_resolve.c - the upstream's addresses, of names that this machine knows
 * without asking anybody.
 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/resolve.h"

#define LONG_MS 3600000u

static struct ev_loop *loop;
static struct resolver resolver;
static unsigned done_count;
static const char *done_why;

static void
on_done(void *context, const char *why)
{
	ck_assert_ptr_eq(context, &done_count);
	done_count++;
	done_why = why;
	ev_break(loop, EVBREAK_ALL);
}

static void
setup(void)
{
	done_count = 0;
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(loop);
}

static void
teardown(void)
{
	resolver_fini(&resolver);
	ev_loop_destroy(loop);
}

static void
start(const char *text, uint64_t interval_ms)
{
	struct addr_url url;
	const char *why;

	ck_assert_int_eq(addr_parse_url(text, &url, &why), 0);
	ck_assert_int_eq(resolver_init(&resolver, loop, &url, interval_ms,
			     on_done, &done_count),
	    0);
}

/* Let the look-up that was started end. */
static void
wait_for_answer(void)
{
	unsigned before = done_count;

	while (done_count == before)
		ck_assert(ev_run(loop, EVRUN_ONCE) || done_count != before);
	ck_assert_uint_eq(done_count, before + 1);
}

static void
check_addresses(uint16_t port)
{
	for (uint32_t i = 0; i < resolver.count; i++) {
		const struct sockaddr *a =
		    (const struct sockaddr *)&resolver.address[i];
		in_port_t found =
		    a->sa_family == AF_INET
			? ((const struct sockaddr_in *)(const void *)a)
			      ->sin_port
			: ((const struct sockaddr_in6 *)(const void *)a)
			      ->sin6_port;

		ck_assert(addr_is_loopback(a));
		ck_assert_uint_eq(ntohs(found), port);
	}
}

static const char *const literals[] = { "http://127.0.0.1:3000/mcp",
	"http://[::1]:3000/mcp" };

START_TEST(a_literal_is_known_at_once_and_for_ever)
{
	start(literals[_i], 1000);
	ck_assert(resolver_ready(&resolver));
	ck_assert_uint_eq(resolver.count, 1);
	check_addresses(3000);
	resolver_doubt(&resolver);
	ck_assert(resolver_ready(&resolver));
	/* Nothing is asked: the loop has nothing to wait for. */
	(void)ev_run(loop, 0);
	ck_assert_uint_eq(done_count, 0);
}
END_TEST

START_TEST(a_name_is_looked_up_once)
{
	start("http://localhost:3000/mcp", LONG_MS);
	ck_assert(!resolver_ready(&resolver));
	ck_assert(!resolver_ready(&resolver));
	/* Never from within. */
	ck_assert_uint_eq(done_count, 0);
	wait_for_answer();
	ck_assert_ptr_null(done_why);
	ck_assert_uint_gt(resolver.count, 0);
	check_addresses(3000);
	ck_assert(resolver_ready(&resolver));
	(void)ev_run(loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(done_count, 1);
}
END_TEST

START_TEST(a_doubt_asks_again_and_keeps_the_addresses)
{
	start("http://localhost:3000/mcp", LONG_MS);
	ck_assert(!resolver_ready(&resolver));
	wait_for_answer();
	resolver_doubt(&resolver);
	ck_assert(resolver_ready(&resolver));
	ck_assert_uint_eq(done_count, 1);
	wait_for_answer();
	ck_assert_ptr_null(done_why);
	check_addresses(3000);
}
END_TEST

/* An interval of nothing is over at once. */
START_TEST(old_addresses_are_used_and_looked_up_again)
{
	start("http://localhost:3000/mcp", 0);
	ck_assert(!resolver_ready(&resolver));
	wait_for_answer();
	for (int i = 0; i < 5; i++) {
		ck_assert(resolver_ready(&resolver));
		wait_for_answer();
		ck_assert_uint_gt(resolver.count, 0);
	}
}
END_TEST

/* In the middle of a look-up: nobody is called afterwards. */
START_TEST(the_end_is_quiet)
{
	start("http://localhost:3000/mcp", LONG_MS);
	ck_assert(!resolver_ready(&resolver));
	resolver_fini(&resolver);
	(void)ev_run(loop, 0);
	ck_assert_uint_eq(done_count, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resolve");
	TCase *tc = tcase_create("resolve");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_literal_is_known_at_once_and_for_ever, 0, 2);
	tcase_add_test(tc, a_name_is_looked_up_once);
	tcase_add_test(tc, a_doubt_asks_again_and_keeps_the_addresses);
	tcase_add_test(tc, old_addresses_are_used_and_looked_up_again);
	tcase_add_test(tc, the_end_is_quiet);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
