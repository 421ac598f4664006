/*
 * test_metrics.c - all metrics in Prometheus' text format: well-formed,
 * whole, and with the numbers that the tables hold.
 */
#include "config.h"

#include <check.h>
#include <string.h>

#include "common/counters.h"
#include "supervisor/metrics.h"
#include "tests/unit/exposition.h"
#include "tests/unit/unit.h"

static struct supervisor sv;
static struct tally tally;
static char text[METRICS_CAP];

static void
setup(void)
{
	static const struct shm_sizes sizes = { 40, 40, 40, 8, 64 };

	memset(&sv, 0, sizeof(sv));
	memset(&tally, 0, sizeof(tally));
	ck_assert_int_eq(shm_create(&sizes, &sv.shm), 0);
	ck_assert_int_eq(vault_init(&sv.vault, 40, 40), 0);
	ck_assert_int_eq(
	    worker_table_init(&sv.workers, SHM_WORKERS_MAX, sv.shm.workers), 0);
}

static void
teardown(void)
{
	vault_fini(&sv.vault);
	worker_table_fini(&sv.workers);
	shm_fini(&sv.shm);
}

static size_t
write_all(size_t cap)
{
	size_t len = metrics_write(&sv, &tally, text, cap);

	ck_assert_uint_lt(len, cap);
	text[len] = '\0';
	return len;
}

static void
assert_well_formed(void)
{
	const char *why = exposition_check(text);

	ck_assert_msg(why == NULL, "%s", why);
}

#define assert_sample(sample, value)                                           \
	ck_assert_double_eq(exposition_value(text, "shadowcat_" sample), value)

START_TEST(nothing_has_happened)
{
	write_all(sizeof(text));
	assert_well_formed();
	assert_sample("requests_begun_total", 0);
	assert_sample("requests_total{method=\"POST\",status=\"2xx\"}", 0);
	assert_sample("request_seconds_count", 0);
	assert_sample("build_info{version=\"" PACKAGE_VERSION "\"}", 1);
}
END_TEST

START_TEST(numbers_are_where_they_belong)
{
	struct shm_worker *w = &sv.shm.workers[3];

	atomic_store(&w->counters[COUNTER_EVENTS], 5);
	atomic_store(&sv.shm.workers[60].counters[COUNTER_EVENTS], 2);
	atomic_store(
	    &w->counters[counter_of_request(HTTP_METHOD_DELETE, 404)], 3);
	atomic_store(&w->counters[COUNTER_STREAMS_ENDED + END_POISON], 4);
	atomic_store(&w->counters[COUNTER_REFUSED + HTTP_FAULT_CROWDED], 6);
	atomic_store(&w->lag_us, 1500000);
	histogram_observe(&w->histograms[HISTOGRAM_REQUEST], 700);
	histogram_observe(
	    &sv.shm.workers[9].histograms[HISTOGRAM_REQUEST], 2000000);
	tally.streams_in[ERA_LEGACY][STREAM_PAUSED] = 7;
	tally.blocks_used = 10;
	sv.deaths.by_kind[DEATH_FAULT] = 8;
	write_all(sizeof(text));
	assert_well_formed();
	assert_sample("events_total", 7);
	assert_sample("requests_total{method=\"DELETE\",status=\"4xx\"}", 3);
	assert_sample("streams_ended_total{reason=\"POISON\"}", 4);
	assert_sample("requests_refused_total{reason=\"CROWDED\"}", 6);
	assert_sample("worker_loop_lag_seconds{worker=\"3\"}", 1.5);
	assert_sample("request_seconds_bucket{le=\"0.0005\"}", 0);
	assert_sample("request_seconds_bucket{le=\"0.001\"}", 1);
	assert_sample("request_seconds_bucket{le=\"2.5\"}", 2);
	assert_sample("request_seconds_sum", 2.0007);
	assert_sample("streams{state=\"paused\",era=\"legacy\"}", 7);
	assert_sample("memory_used_bytes", 10 * SHM_BLOCK_SIZE);
	assert_sample("memory_free_bytes", 54 * SHM_BLOCK_SIZE);
	assert_sample("worker_deaths_total{kind=\"fault\"}", 8);
}
END_TEST

/* Every number as long as it can be, every worker there is: it all fits. */
START_TEST(the_worst_page_fits)
{
	for (uint32_t i = 0; i < SHM_WORKERS_MAX; i++)
		memset(&sv.shm.workers[i].lag_us, 0xff,
		    sizeof(struct shm_worker) -
			offsetof(struct shm_worker, lag_us));
	memset(&tally, 0xff, sizeof(tally));
	memset(sv.deaths.by_kind, 0xff, sizeof(sv.deaths.by_kind));
	ck_assert_uint_lt(write_all(sizeof(text)), sizeof(text) / 10 * 9);
	ck_assert_ptr_nonnull(strstr(text, "loop_lag_seconds_count"));
}
END_TEST

START_TEST(a_page_that_is_cut_has_whole_lines)
{
	for (size_t cap = 1; cap < 3000; cap++) {
		size_t len = write_all(cap);

		ck_assert(len == 0 || text[len - 1] == '\n');
	}
}
END_TEST

/* The reader of this test can tell good from bad. */
static const char *const bad[] = {
	"shadowcat_a 1\n",
	"# HELP shadowcat_a b\n# TYPE shadowcat_a gauge\n",
	"# HELP shadowcat_a b\nshadowcat_a 1\n",
	"# TYPE shadowcat_a gauge\nshadowcat_a 1\n",
	"# HELP shadowcat_a b\n# TYPE shadowcat_a counter\nshadowcat_a 1\n",
	"# HELP shadowcat_a b\n# TYPE shadowcat_a gauge\nshadowcat_a 1",
	"# HELP shadowcat_a b\n# TYPE shadowcat_a gauge\nshadowcat_a x\n",
	"# HELP shadowcat_a b\n# TYPE shadowcat_a gauge\nshadowcat_a{b=1} 1\n",
	"# HELP shadowcat_a b\n# TYPE shadowcat_a gauge\nshadowcat_b 1\n",
	"# HELP shadowcat_a b\n# TYPE shadowcat_a gauge\nshadowcat_a 1\n"
	"shadowcat_a 1\n",
	"# HELP shadowcat_a b\n# TYPE shadowcat_a gauge\nshadowcat_a 1\n"
	"# HELP shadowcat_a b\n# TYPE shadowcat_a gauge\nshadowcat_a 1\n",
	"# HELP shadowcat_a b\n# TYPE shadowcat_a histogram\n"
	"shadowcat_a_bucket{le=\"1\"} 2\nshadowcat_a_bucket{le=\"+Inf\"} 1\n"
	"shadowcat_a_sum 1\nshadowcat_a_count 1\n",
	"# HELP shadowcat_a b\n# TYPE shadowcat_a histogram\n"
	"shadowcat_a_bucket{le=\"1\"} 2\nshadowcat_a_bucket{le=\"+Inf\"} 3\n"
	"shadowcat_a_sum 1\nshadowcat_a_count 2\n",
	"# HELP shadowcat_a b\n# TYPE shadowcat_a histogram\n"
	"shadowcat_a_bucket{le=\"1\"} 2\n"
	"shadowcat_a_sum 1\nshadowcat_a_count 2\n",
};

START_TEST(what_is_wrong_is_seen)
{
	ck_assert_msg(exposition_check(bad[_i]) != NULL, "%s", bad[_i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tc = tcase_create("metrics");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_has_happened);
	tcase_add_test(tc, numbers_are_where_they_belong);
	tcase_add_test(tc, the_worst_page_fits);
	tcase_add_test(tc, a_page_that_is_cut_has_whole_lines);
	tcase_add_loop_test(tc, what_is_wrong_is_seen, 0, (int)ARRAY_LEN(bad));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
