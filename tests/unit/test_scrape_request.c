/*
 * test_scrape_request.c - what a scraper asks for: cut at every byte, and
 * nothing but what there is.
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/sc.h"
#include "supervisor/scrape_request.h"
#include "tests/unit/unit.h"

#define END "\r\n\r\n"

/* clang-format off */
static const struct {
	const char *text;
	unsigned status;
	enum scrape_target target;
	bool head_only;
	const char *host;
} rows[] = {
	{ "GET /metrics HTTP/1.1\r\nHost: a:1" END, 200, SCRAPE_METRICS, false,
	    "a:1" },
	{ "GET /metrics HTTP/1.0" END, 200, SCRAPE_METRICS, false, NULL },
	{ "HEAD /healthz HTTP/1.1\r\nAccept: */*\r\nhOST:\t b \t" END, 200,
	    SCRAPE_HEALTH, true, "b" },
	{ "GET /readyz?verbose HTTP/1.1\r\nX: y\r\nHost:" END, 200,
	    SCRAPE_READY, false, "" },
	{ "GET /metrics HTTP/1.1\r\nGarbage\r\nHost: a" END, 200,
	    SCRAPE_METRICS, false, "a" },
	{ "GET / HTTP/1.1" END, 404, 0, false, NULL },
	{ "GET /metricsx HTTP/1.1" END, 404, 0, false, NULL },
	{ "GET /metric HTTP/1.1" END, 404, 0, false, NULL },
	{ "POST /metrics HTTP/1.1" END, 405, 0, false, NULL },
	{ "get /metrics HTTP/1.1" END, 405, 0, false, NULL },
	{ "GET /metrics HTTP/2.0" END, 505, 0, false, NULL },
	{ "GET /metrics HTTP/1.1 " END, 505, 0, false, NULL },
	{ "GET /metrics FTP/1.1" END, 400, 0, false, NULL },
	{ "GET /metrics" END, 400, 0, false, NULL },
	{ "GET  /metrics HTTP/1.1" END, 400, 0, false, NULL },
	{ "GET http://a/metrics HTTP/1.1" END, 400, 0, false, NULL },
	{ " GET /metrics HTTP/1.1" END, 400, 0, false, NULL },
	{ "\r\nGET /metrics HTTP/1.1" END, 400, 0, false, NULL },
	{ END, 400, 0, false, NULL },
	{ "GET /metrics HTTP/1.1\r\nHost: a\r\nHost: a" END, 400, 0, false,
	    NULL },
};
/* clang-format on */

/* In a copy of the exact size, for the memory checkers. */
static unsigned
read_copy(const char *text, size_t len, struct scrape_request *ret)
{
	char *copy = malloc(len + (len == 0));
	unsigned status;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	status = scrape_request_read(copy, len, ret);
	if (ret->host.p != NULL)
		ret->host.p = text + (ret->host.p - copy);
	free(copy);
	return status;
}

START_TEST(requests_are_told_apart)
{
	size_t len = strlen(rows[_i].text);
	struct scrape_request got;

	ck_assert_uint_eq(read_copy(rows[_i].text, len, &got), rows[_i].status);
	if (rows[_i].status != 200)
		return;
	ck_assert_int_eq(got.target, rows[_i].target);
	ck_assert(got.head_only == rows[_i].head_only);
	ck_assert((got.host.p == NULL) == (rows[_i].host == NULL));
	if (rows[_i].host != NULL)
		ck_assert(
		    http_slice_equals(got.host, http_slice_of(rows[_i].host)));
}
END_TEST

START_TEST(nothing_is_decided_before_the_end)
{
	struct scrape_request got;

	for (size_t len = 0; len < strlen(rows[_i].text); len++)
		ck_assert_uint_eq(read_copy(rows[_i].text, len, &got), 0);
}
END_TEST

START_TEST(what_is_too_long_is_told)
{
	static char text[SCRAPE_REQUEST_MAX + 8];
	struct scrape_request got;

	memset(text, 'a', sizeof(text));
	ck_assert_uint_eq(read_copy(text, SCRAPE_REQUEST_MAX - 1, &got), 0);
	ck_assert_uint_eq(read_copy(text, SCRAPE_REQUEST_MAX, &got), 431);
	memcpy(text, "GET /metrics HTTP/1.1\r\nX: ", 26);
	memcpy(text + SCRAPE_REQUEST_MAX - 4, END, 4);
	ck_assert_uint_eq(read_copy(text, SCRAPE_REQUEST_MAX, &got), 200);
	/* An end that lies behind what is looked at is none. */
	memcpy(text + SCRAPE_REQUEST_MAX - 4, "aa" END, 6);
	ck_assert_uint_eq(read_copy(text, SCRAPE_REQUEST_MAX + 2, &got), 431);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scrape_request");
	TCase *tc = tcase_create("scrape_request");

	tcase_add_loop_test(
	    tc, requests_are_told_apart, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(
	    tc, nothing_is_decided_before_the_end, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, what_is_too_long_is_told);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
