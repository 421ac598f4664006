/*
 * test_histogram.c - buckets and their bounds; and which counter a request
 * belongs to.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/counters.h"
#include "common/histogram.h"
#include "common/sc.h"
#include "tests/unit/unit.h"

static const uint64_t bounds[] = {
#define X(us, seconds) us,
	HISTOGRAM_BOUNDS(X)
#undef X
};

/* The bucket that an observation went to. */
static unsigned
bucket_of(uint64_t us)
{
	struct histogram h;
	unsigned i = 0;

	memset(&h, 0, sizeof(h));
	histogram_observe(&h, us);
	ck_assert_uint_eq(atomic_load(&h.sum_us), us);
	while (atomic_load(&h.bucket[i]) == 0)
		ck_assert_uint_lt(++i, HISTOGRAM_BUCKETS);
	ck_assert_uint_eq(atomic_load(&h.bucket[i]), 1);
	return i;
}

START_TEST(a_bound_belongs_to_its_bucket)
{
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		ck_assert_uint_eq(bucket_of(bounds[i]), i);
		if (bounds[i] < UINT64_MAX)
			ck_assert_uint_eq(bucket_of(bounds[i] + 1), i + 1);
	}
	ck_assert_uint_eq(bucket_of(0), 0);
}
END_TEST

START_TEST(bounds_are_shown_in_seconds)
{
	for (unsigned i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		ck_assert_uint_lt(bounds[i], bounds[i + 1]);
		ck_assert_double_eq_tol(strtod(histogram_bound(i), NULL),
		    (double)bounds[i] / 1e6, 1e-9);
	}
	ck_assert_str_eq(histogram_bound(HISTOGRAM_BUCKETS - 1), "+Inf");
}
END_TEST

START_TEST(observations_add_up)
{
	struct histogram h;

	memset(&h, 0, sizeof(h));
	histogram_observe(&h, 90);
	histogram_observe(&h, 100);
	histogram_observe(&h, 700);
	ck_assert_uint_eq(atomic_load(&h.bucket[0]), 2);
	ck_assert_uint_eq(atomic_load(&h.sum_us), 890);
}
END_TEST

static const struct {
	enum http_method_id method;
	unsigned status;
	enum counter want;
} requests[] = {
	{ HTTP_METHOD_GET, 0, COUNTER_GET_NONE },
	{ HTTP_METHOD_GET, 200, COUNTER_GET_2XX },
	{ HTTP_METHOD_GET, 304, COUNTER_GET_3XX },
	{ HTTP_METHOD_POST, 299, COUNTER_POST_2XX },
	{ HTTP_METHOD_POST, 499, COUNTER_POST_4XX },
	{ HTTP_METHOD_POST, 599, COUNTER_POST_5XX },
	{ HTTP_METHOD_POST, 600, COUNTER_POST_NONE },
	{ HTTP_METHOD_POST, 100, COUNTER_POST_NONE },
	{ HTTP_METHOD_DELETE, 204, COUNTER_DELETE_2XX },
	{ HTTP_METHOD_DELETE, 503, COUNTER_DELETE_5XX },
	{ HTTP_METHOD_HEAD, 200, COUNTER_OTHER_2XX },
	{ HTTP_METHOD_OTHER, 400, COUNTER_OTHER_4XX },
	{ HTTP_METHOD_COUNT, 502, COUNTER_OTHER_5XX },
};

START_TEST(each_request_has_a_counter)
{
	ck_assert_int_eq(
	    counter_of_request(requests[_i].method, requests[_i].status),
	    requests[_i].want);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("histogram");
	TCase *tc = tcase_create("histogram");

	tcase_add_test(tc, a_bound_belongs_to_its_bucket);
	tcase_add_test(tc, bounds_are_shown_in_seconds);
	tcase_add_test(tc, observations_add_up);
	tcase_add_loop_test(
	    tc, each_request_has_a_counter, 0, (int)ARRAY_LEN(requests));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
