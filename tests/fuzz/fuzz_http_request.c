/*
 * fuzz_http_request.c - any bytes as a request's head.
 *
 * What is accepted is clean and means the same whole and in pieces; written
 * anew it is accepted again, means the same, and holds what has to pass and
 * nothing else.
 */
#include "config.h"

#include "common/http_origin.h"
#include "common/http_write.h"
#include "common/mcp.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/http_check.h"

static const enum http_field_id added[] = {
	HTTP_FIELD_HOST,
	HTTP_FIELD_X_FORWARDED_FOR,
	HTTP_FIELD_X_FORWARDED_PROTO,
	HTTP_FIELD_X_FORWARDED_HOST,
	HTTP_FIELD_ACCEPT_ENCODING,
	HTTP_FIELD_CONTENT_LENGTH,
	HTTP_FIELD_TRANSFER_ENCODING,
	HTTP_FIELD_OTHER,
};

static const char address[] = "192.0.2.7";

static size_t
rewrite(const struct http_head *head, char *buf, size_t cap)
{
	struct http_request_rewrite how = {
		.host = HTTP_SLICE("upstream:1"),
		.client_address = HTTP_SLICE("192.0.2.7"),
		.proto = HTTP_SLICE("http"),
	};
	struct http_out out;

	if (head->chunked)
		how.framing = HTTP_FRAMING_CHUNKED;
	if (head->content_length >= 0) {
		how.framing = HTTP_FRAMING_LENGTH;
		how.content_length = (uint64_t)head->content_length;
	}
	http_out_init(&out, buf, cap);
	sc_assert(http_request_write(&out, head, &how) == 0);
	sc_assert(out.len <= head->raw.len + HTTP_WRITE_SLACK + 23);
	return out.len;
}

static void
check_values(const struct http_head *old, const struct http_head *anew)
{
	struct http_slice from =
	    http_head_value(anew, HTTP_FIELD_X_FORWARDED_FOR);
	const size_t len = sizeof(address) - 1;

	sc_assert(http_slice_equals(anew->host, http_slice_of("upstream:1")));
	sc_assert(from.len >= len);
	sc_assert(memcmp(from.p + from.len - len, address, len) == 0);
	sc_assert(http_slice_equals(
	    http_head_value(anew, HTTP_FIELD_X_FORWARDED_HOST), old->host));
	sc_assert(
	    http_slice_equals(http_head_value(anew, HTTP_FIELD_ACCEPT_ENCODING),
		http_slice_of("identity")));
}

static void
check_digest(const struct http_head *old, const struct http_head *anew)
{
	sc_assert(http_slice_equals(old->method_name, anew->method_name));
	sc_assert(http_slice_equals(old->path, anew->path));
	sc_assert(http_slice_equals(old->query, anew->query));
	sc_assert(anew->minor == 1 && anew->keep_alive);
	sc_assert(!anew->expect_continue);
	sc_assert(old->chunked == anew->chunked);
	sc_assert(old->content_length == anew->content_length);
}

/* Deciding over what peers wrote must hold for any bytes. */
static void
judge(const struct http_head *head)
{
	static const char *const list[] = { "https://a.b:1", "a.b", "null" };
	struct http_access access = {
		.loopback = true,
		.origins = list,
		.origin_count = ARRAY_LEN(list),
		.hosts = list,
		.host_count = ARRAY_LEN(list),
	};
	struct http_slice origin = http_head_value(head, HTTP_FIELD_ORIGIN);

	(void)http_host_allowed(&access, head->host);
	(void)http_origin_allowed(&access, origin, head->host);
	access.loopback = false;
	access.origin_count = 0;
	(void)http_origin_allowed(&access, origin, head->host);
	(void)mcp_version_is_modern(
	    http_head_value(head, HTTP_FIELD_MCP_PROTOCOL_VERSION));
	(void)http_media_type_is(
	    http_head_value(head, HTTP_FIELD_CONTENT_TYPE), "a/b");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char buf[2 * HTTP_CHECK_MAX_HEADER];
	struct http_head head, anew;
	size_t len;

	if (http_check_scan(
		HTTP_SIDE_REQUEST, (const char *)data, size, &head) <= 0)
		return 0;
	http_check_bytes(&head);
	http_check_parser(&head);
	judge(&head);
	/* The new head may have a few fields more than a scan takes. */
	if (head.method == HTTP_METHOD_CONNECT ||
	    head.field_count + ARRAY_LEN(added) > HTTP_HEAD_FIELDS_MAX)
		return 0;
	len = rewrite(&head, buf, sizeof(buf));
	sc_assert(
	    http_head_scan_request(buf, len, sizeof(buf), &anew) == (int)len);
	check_digest(&head, &anew);
	check_values(&head, &anew);
	http_check_fields(
	    &head, &anew, HTTP_FIELD_HOP | HTTP_FIELD_DROP_REQUEST, added);
	http_check_parser(&anew);
	return 0;
}
