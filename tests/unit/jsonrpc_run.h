/*
 * jsonrpc_run.h - runs the JSON-RPC scanner over pieces of a text, and
 * writes down the messages that it finds.
 */
#ifndef TESTS_UNIT_JSONRPC_RUN_H
#define TESTS_UNIT_JSONRPC_RUN_H

#include <stdio.h>

#include "common/jsonrpc.h"

/*
 * One run.  The text has for each message its kind, `method(NAME)` with the
 * enum's word where it is known, `id` and the extra value by its kind; then
 * a full stop if the text is complete, or `!` if it is invalid.  See the
 * rows of test_jsonrpc.c.
 */
struct jsonrpc_run {
	struct jsonrpc scanner;
	char *text; /* valid after jsonrpc_run_end() */
	size_t text_len;
	size_t messages;
	FILE *out;
};

/* Begin a run at the start of a text. */
void jsonrpc_run_begin(struct jsonrpc_run *);

/* Feed a piece. */
void jsonrpc_run_feed(struct jsonrpc_run *, const char *buf, size_t len);

/* End it; the text can be read until jsonrpc_run_free(). */
void jsonrpc_run_end(struct jsonrpc_run *);
void jsonrpc_run_free(struct jsonrpc_run *);

#endif
