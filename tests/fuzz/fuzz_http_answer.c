/*
 * fuzz_http_answer.c - any bytes as an answer's head: the promises of
 * fuzz_http_request.c, for each framing and both kinds of answer.
 */
#include "config.h"

#include "common/http_write.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/http_check.h"

static const enum http_field_id added[] = {
	HTTP_FIELD_CACHE_CONTROL,
	HTTP_FIELD_X_ACCEL_BUFFERING,
	HTTP_FIELD_CONTENT_LENGTH,
	HTTP_FIELD_TRANSFER_ENCODING,
	HTTP_FIELD_CONNECTION,
	HTTP_FIELD_OTHER,
};

static void
check_stream_fields(const struct http_head *anew)
{
	sc_assert(http_head_field(anew, HTTP_FIELD_CACHE_CONTROL) != NULL);
	sc_assert(http_head_field(anew, HTTP_FIELD_X_ACCEL_BUFFERING) != NULL);
}

static void
check_rewrite(
    const struct http_head *head, const struct http_answer_rewrite *how)
{
	static char buf[2 * HTTP_CHECK_MAX_HEADER];
	struct http_head anew;
	struct http_out out;
	bool length = how->framing == HTTP_FRAMING_LENGTH;

	http_out_init(&out, buf, sizeof(buf));
	sc_assert(http_answer_write(&out, head, how) == 0);
	sc_assert(out.len <= head->raw.len + HTTP_WRITE_SLACK);
	sc_assert(http_head_scan_answer(buf, out.len, sizeof(buf), &anew) ==
		  (int)out.len);
	sc_assert(anew.status == head->status && anew.minor == 1);
	sc_assert(http_slice_equals(anew.reason, head->reason));
	sc_assert(anew.content_length ==
		  (length ? (int64_t)how->content_length : -1));
	sc_assert(anew.chunked == (how->framing == HTTP_FRAMING_CHUNKED));
	sc_assert(anew.keep_alive == (how->persistence != HTTP_PERSIST_CLOSE &&
					 how->framing != HTTP_FRAMING_CLOSE));
	http_check_fields(
	    head, &anew, HTTP_FIELD_HOP | HTTP_FIELD_DROP_ANSWER, added);
	http_check_parser(&anew);
	if (how->event_stream)
		check_stream_fields(&anew);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head head;

	if (http_check_scan(
		HTTP_SIDE_ANSWER, (const char *)data, size, &head) <= 0)
		return 0;
	http_check_bytes(&head);
	http_check_parser(&head);
	/* The new head may have a few fields more than a scan takes. */
	if (head.field_count + ARRAY_LEN(added) > HTTP_HEAD_FIELDS_MAX)
		return 0;
	for (unsigned i = 0; i < 24; i++) {
		struct http_answer_rewrite how = {
			.framing = (enum http_framing)(i % 4),
			.persistence = (enum http_persistence)(i / 4 % 3),
			.event_stream = i >= 12,
			.content_length = (uint64_t)MAX(head.content_length, 0),
		};

		check_rewrite(&head, &how);
	}
	return 0;
}
