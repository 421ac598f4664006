/*
 * http_check.h - what must hold of every head, for the fuzzers of heads.
 * A broken promise aborts.
 */
#ifndef TESTS_FUZZ_HTTP_CHECK_H
#define TESTS_FUZZ_HTTP_CHECK_H

#include <stddef.h>

#include "common/http_head.h"

#define HTTP_CHECK_MAX_HEADER 4096

/*
 * Scan the whole, and see that cuts and pieces say the same.  Returns what
 * the scan said; *ret points into buf.
 */
int http_check_scan(
    enum http_side side, const char *buf, size_t len, struct http_head *ret);

/* See that the accepted bytes hold nothing that a strict head may not. */
void http_check_bytes(const struct http_head *head);

/*
 * See that http-parser, a reading by others, finds the same framing in the
 * head if it takes it at all.
 */
void http_check_parser(const struct http_head *head);

/*
 * See that every field which had to pass is in the new head, in order and
 * with the same value, and that nothing is that had to be dropped.  added:
 * ids of the fields that the writer adds, ended by HTTP_FIELD_OTHER.
 */
void http_check_fields(const struct http_head *old,
    const struct http_head *anew, unsigned drop_flags,
    const enum http_field_id *added);

#endif
