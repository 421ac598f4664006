/*
 * counters.c - which counter is it?
 */
#include "config.h"

#include "common/counters.h"

enum { CLASSES = COUNTER_GET_5XX - COUNTER_GET_NONE + 1 };

_Static_assert(COUNTER_POST_NONE == COUNTER_GET_NONE + CLASSES &&
		   COUNTER_DELETE_NONE == COUNTER_POST_NONE + CLASSES &&
		   COUNTER_OTHER_NONE == COUNTER_DELETE_NONE + CLASSES,
    "rows of all classes for each method");

static enum counter
first_of_method(enum http_method_id method)
{
	switch (method) {
	case HTTP_METHOD_GET:
		return COUNTER_GET_NONE;
	case HTTP_METHOD_POST:
		return COUNTER_POST_NONE;
	case HTTP_METHOD_DELETE:
		return COUNTER_DELETE_NONE;
	default:
		return COUNTER_OTHER_NONE;
	}
}

enum counter
counter_of_request(enum http_method_id method, unsigned status)
{
	unsigned class = status >= 200 && status < 600 ? status / 100 - 1 : 0;

	return first_of_method(method) + class;
}
