/*
 * sse_run.h - runs the event-stream parser over pieces of a stream, and
 * writes down what it tells in a form that does not depend on the cuts.
 */
#ifndef TESTS_UNIT_SSE_RUN_H
#define TESTS_UNIT_SSE_RUN_H

#include <stdio.h>

#include "common/sse.h"

/*
 * One run.  The text: D:value$ I:value$ E:value$ for lines, a + ahead of
 * data that continues data, a ! for an id that is void, R and the number,
 * C for a comment that may go, B for a byte order mark, and at the end of
 * a block what it holds: [d i e r c o].
 */
struct sse_run {
	struct sse parser;
	size_t pos;      /* bytes fed */
	size_t safe;     /* the last safe place */
	uint32_t events; /* dispatched, with data */
	char *text;      /* valid after sse_run_end() */
	size_t text_len;
	FILE *out;
};

/* Begin a run at the start of a stream. */
void sse_run_begin(struct sse_run *);

/* Feed a piece with sse_next(). */
void sse_run_feed(struct sse_run *, const char *buf, size_t len);

/* End it; the text can be read until sse_run_free(). */
void sse_run_end(struct sse_run *);
void sse_run_free(struct sse_run *);

#endif
