/*
 * http_names.h - the words of HTTP: methods, fields, faults and statuses,
 * from name to number and back.
 */
#ifndef COMMON_HTTP_NAMES_H
#define COMMON_HTTP_NAMES_H

#include "common/http_faults.h"
#include "common/http_fields.h"
#include "common/http_slice.h"

/* To add one: a row here. */
#define HTTP_METHODS(X)                                                        \
	X(GET)                                                                 \
	X(POST)                                                                \
	X(DELETE)                                                              \
	X(PUT)                                                                 \
	X(HEAD)                                                                \
	X(OPTIONS)                                                             \
	X(PATCH)                                                               \
	X(CONNECT)                                                             \
	X(TRACE)

enum http_method_id {
	HTTP_METHOD_OTHER, /* any other token; methods are case-sensitive */
#define X(id) HTTP_METHOD_##id,
	HTTP_METHODS(X)
#undef X
	    HTTP_METHOD_COUNT
};

/* Which method is it?  HTTP_METHOD_OTHER: none of the table. */
enum http_method_id http_method_lookup(struct http_slice name);

/* A method's name; NULL for HTTP_METHOD_OTHER. */
const char *http_method_name(enum http_method_id method);

/*
 * Which known field has this name, in any case of letters?
 * HTTP_FIELD_OTHER: none of the table, and perhaps no token at all.
 */
enum http_field_id http_field_lookup(struct http_slice name);

/* A known field's name as it is written; empty for HTTP_FIELD_OTHER. */
struct http_slice http_field_name(enum http_field_id id);

/* The sum of its enum http_field_flag; 0 for HTTP_FIELD_OTHER. */
unsigned http_field_flags(enum http_field_id id);

/*
 * For a fault: the status for one in a request, its enumerator without the
 * prefix (a word for logs), and its sentence.  0, "NONE" and "" for
 * HTTP_FAULT_NONE and numbers that are no fault.
 */
unsigned http_fault_status(enum http_fault fault);
const char *http_fault_name(enum http_fault fault);
const char *http_fault_text(enum http_fault fault);

/* The standard reason phrase; "Unknown" for a status without one. */
const char *http_status_reason(unsigned status);

#endif
