/*
 * http_feed.h - a head that comes in pieces, for the tests of heads.
 */
#ifndef TESTS_UNIT_HTTP_FEED_H
#define TESTS_UNIT_HTTP_FEED_H

#include <stdlib.h>
#include <string.h>

#include "common/http_head.h"

static inline int
feed_scan(enum http_side side, const char *buf, size_t len, size_t max,
    struct http_head *head)
{
	return side == HTTP_SIDE_REQUEST
		   ? http_head_scan_request(buf, len, max, head)
		   : http_head_scan_answer(buf, len, max, head);
}

/*
 * Scan the first len bytes in a copy of exactly that size, so that a look
 * beyond it is seen by memory checkers.  Returns what the scan said.
 */
static inline int
feed_cut(enum http_side side, const char *buf, size_t len, size_t max)
{
	struct http_head head;
	char *copy = malloc(len + (len == 0));
	int n;

	sc_assert(copy != NULL);
	memcpy(copy, buf, len);
	n = feed_scan(side, copy, len, max, &head);
	free(copy);
	return n;
}

/*
 * Let the bytes come in pieces of `step`: find the end, in a copy of the exact
 * size, then scan the whole.  The way that a worker takes them comes to the
 * same.  Returns what the last step said; *head points into buf.
 */
static inline int
feed_pieces(enum http_side side, const char *buf, size_t len, size_t step,
    size_t max, struct http_head *head)
{
	struct http_scan scan = { 0 }, taken = { 0 };
	size_t have = 0;
	int n = 0, took;

	while (n == 0 && have < len) {
		char *copy;

		have = MIN(have + step, len);
		copy = malloc(have);
		sc_assert(copy != NULL);
		memcpy(copy, buf, have);
		n = http_head_find_end(&scan, side, copy, have, max);
		took = http_head_take(&taken, side, copy, have, max, head);
		sc_assert(n > 0 ? took != 0 : took == n);
		free(copy);
	}
	if (n <= 0)
		return n;
	n = feed_scan(side, buf, (size_t)n, max, head);
	sc_assert(took == n && (n < 0 || taken.seen == 0));
	return n;
}

#endif
