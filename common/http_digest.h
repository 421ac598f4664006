/*
 * http_digest.h - what the fields of a head say of the message: the second
 * half of common/http_head.h's reading, called from there alone.
 */
#ifndef COMMON_HTTP_DIGEST_H
#define COMMON_HTTP_DIGEST_H

#include "common/http_head.h"
#include "common/sc.h"

/*
 * Fill in content_length, chunked, keep_alive and the fields' nominated marks
 * from a head's fields; for a request host and expect_continue as well.
 * Return 0 or -(enum http_fault).  Rules: RFC 9112 3.2, 6 and 9.3, RFC 9110
 * 7.6.1 and 10.1.1.
 */
SC_MUST_CHECK int http_digest_request(struct http_head *head);
SC_MUST_CHECK int http_digest_answer(struct http_head *head);

#endif
