/*
 * jsonrpc_value.h - strings, numbers and literals of a JSON-RPC message,
 * and values that are passed over.  For the files of the
 * scanner alone.
 *
 * The begin functions are called behind a value's first byte, with the
 * target set that it is to be kept as.  The read and skip functions are
 * called in the state of that name, with p < end; they return how far they
 * came, and change the state when the value ends or is no JSON.
 */
#ifndef COMMON_JSONRPC_VALUE_H
#define COMMON_JSONRPC_VALUE_H

#include "common/jsonrpc_keep.h"

/* A string that is kept; behind its quote. */
void jsonrpc_begin_string(struct jsonrpc *);

/* A number that begins with `c`: a digit or a minus. */
void jsonrpc_begin_number(struct jsonrpc *, char c);

/* A literal that begins with `c`: t, f or n. */
void jsonrpc_begin_literal(struct jsonrpc *, char c);

/* JSONRPC_STATE_STRING */
const char *jsonrpc_read_string(
    struct jsonrpc *, const char *p, const char *end);

/* JSONRPC_STATE_ESCAPE; one byte */
const char *jsonrpc_read_escape(struct jsonrpc *, const char *p);

/* JSONRPC_STATE_HEX; one byte */
const char *jsonrpc_read_hex(struct jsonrpc *, const char *p);

/* JSONRPC_STATE_NUMBER; the byte behind it ends it, and is not consumed */
const char *jsonrpc_read_number(
    struct jsonrpc *, const char *p, const char *end);

/* JSONRPC_STATE_LITERAL; one byte */
const char *jsonrpc_read_literal(struct jsonrpc *, const char *p);

/* JSONRPC_STATE_SKIP: to behind the bracket that closes the outermost. */
const char *jsonrpc_skip_brackets(
    struct jsonrpc *, const char *p, const char *end);

/* JSONRPC_STATE_SKIP_STRING, also with p == end: to behind the quote. */
const char *jsonrpc_skip_string(
    struct jsonrpc *, const char *p, const char *end);

/* Whether the place in a number, literal or escape can be one. */
bool jsonrpc_is_progress_valid(const struct jsonrpc *);

#endif
