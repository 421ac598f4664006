/*
 * test_http_write.c - heads, byte for byte.
 */
#include "config.h"

#include <check.h>
#include <errno.h>

#include "common/http_write.h"
#include "tests/unit/unit.h"

#define MAX_HEADER 32768
#define FORWARDED                                                              \
	"X-Forwarded-For: 192.0.2.7\r\n"                                       \
	"X-Forwarded-Proto: http\r\n"                                          \
	"X-Forwarded-Host: me:8080\r\n"                                        \
	"Accept-Encoding: identity\r\n"
#define REST FORWARDED "\r\n"
#define UP "Host: up:3000\r\n"
#define ME "Host: me:8080\r\n"

/* clang-format off */
static const struct {
	const char *in, *out;
	enum http_framing framing;
	uint64_t content_length;
	bool drop_last_event_id;
} request_rows[] = {
	{ "GET /mcp?a HTTP/1.1\r\n" ME "\r\n",
	    "GET /mcp?a HTTP/1.1\r\n" UP REST, HTTP_FRAMING_NONE, 0, false },
	/* order and bytes of what passes; of what is written anew, no more */
	{ "POST /mcp HTTP/1.1\r\nA:b\r\n" ME "mcp-session-id:  s \r\n"
	    "Content-Length: 007\r\nauthorization: Bearer x\r\n"
	    "Accept-Encoding: gzip, br\r\nC: \xe2\x80\xa6\r\nA: \r\n"
	    "Expect: 100-continue\r\nUser-Agent: u\r\n\r\n",
	    "POST /mcp HTTP/1.1\r\n" UP "A:b\r\nmcp-session-id:  s \r\n"
	    "authorization: Bearer x\r\nC: \xe2\x80\xa6\r\nA: \r\n"
	    "User-Agent: u\r\n" FORWARDED "Content-Length: 7\r\n\r\n",
	    HTTP_FRAMING_LENGTH, 7, false },
	/* hop-by-hop, and what Connection names */
	{ "POST / HTTP/1.1\r\n" ME "Connection: upgrade, x-drop , te\r\n"
	    "Upgrade: h2c\r\nHTTP2-Settings: AAA\r\nTE: trailers\r\n"
	    "Trailer: X\r\nKeep-Alive: timeout=5\r\nProxy-Connection: a\r\n"
	    "Proxy-Authorization: Basic b\r\nX-Keep: 1\r\nX-DROP: 2\r\n"
	    "x-drop: 3\r\nX-Dropped: 4\r\nTransfer-Encoding: chunked\r\n"
	    "\r\n",
	    "POST / HTTP/1.1\r\n" UP "X-Keep: 1\r\nX-Dropped: 4\r\n" FORWARDED
	    "Transfer-Encoding: chunked\r\n\r\n",
	    HTTP_FRAMING_CHUNKED, 0, false },
	/* X-Forwarded-*: For grows, the others are ours */
	{ "GET / HTTP/1.1\r\nX-Forwarded-For: 10.0.0.1\r\n" ME
	    "X-Forwarded-Proto: https\r\nx-forwarded-host: evil\r\n"
	    "X-Forwarded-For:\r\nx-forwarded-for: 10.0.0.2, 10.0.0.3\r\n\r\n",
	    "GET / HTTP/1.1\r\n" UP
	    "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.7\r\n"
	    "X-Forwarded-Proto: http\r\nX-Forwarded-Host: me:8080\r\n"
	    "Accept-Encoding: identity\r\n\r\n",
	    HTTP_FRAMING_NONE, 0, false },
	{ "GET / HTTP/1.1\r\nX-Forwarded-For: 10.0.0.1\r\n" ME
	    "Connection: x-forwarded-for\r\n\r\n",
	    "GET / HTTP/1.1\r\n" UP REST, HTTP_FRAMING_NONE, 0, false },
	/* targets become origin-form, and their host wins */
	{ "GET http://me:8080/a?b HTTP/1.1\r\nHost: other\r\n\r\n",
	    "GET /a?b HTTP/1.1\r\n" UP REST, HTTP_FRAMING_NONE, 0, false },
	{ "GET http://me:8080?b HTTP/1.1\r\nHost: other\r\n\r\n",
	    "GET /?b HTTP/1.1\r\n" UP REST, HTTP_FRAMING_NONE, 0, false },
	{ "OPTIONS http://me:8080 HTTP/1.1\r\nHost: other\r\n\r\n",
	    "OPTIONS * HTTP/1.1\r\n" UP REST, HTTP_FRAMING_NONE, 0, false },
	/* HTTP/1.0, no Host, a method nobody knows */
	{ "FOO / HTTP/1.0\r\n\r\n",
	    "FOO / HTTP/1.1\r\n" UP "X-Forwarded-For: 192.0.2.7\r\n"
	    "X-Forwarded-Proto: http\r\nAccept-Encoding: identity\r\n\r\n",
	    HTTP_FRAMING_NONE, 0, false },
	{ "POST / HTTP/1.1\r\n" ME "Last-Event-ID: 5\r\nA: b\r\n\r\n",
	    "POST / HTTP/1.1\r\n" UP "Last-Event-ID: 5\r\nA: b\r\n" REST,
	    HTTP_FRAMING_NONE, 0, false },
	{ "POST / HTTP/1.1\r\n" ME "Last-Event-ID: 5\r\nA: b\r\n\r\n",
	    "POST / HTTP/1.1\r\n" UP "A: b\r\n" REST,
	    HTTP_FRAMING_NONE, 0, true },
	{ "\r\nPOST / HTTP/1.1\r\n" ME "\r\n",
	    "POST / HTTP/1.1\r\n" UP FORWARDED
	    "Content-Length: 18446744073709551615\r\n\r\n",
	    HTTP_FRAMING_LENGTH, UINT64_MAX, false },
};

#define OK "HTTP/1.1 200 OK\r\n"
static const struct {
	const char *in, *out;
	struct http_answer_rewrite how;
} answer_rows[] = {
	{ OK "A: b\r\ncontent-length: 05\r\nSet-Cookie: c\r\n"
	    "Set-Cookie: d\r\n\r\n",
	    OK "A: b\r\nSet-Cookie: c\r\nSet-Cookie: d\r\n"
	    "Content-Length: 5\r\n\r\n",
	    { HTTP_FRAMING_LENGTH, 5, HTTP_PERSIST_IMPLIED, false } },
	{ "HTTP/1.0 404 Weg \xe4\r\nConnection: keep-alive, x\r\n"
	    "Keep-Alive: a\r\nX: y\r\nWWW-Authenticate: Bearer\r\n\r\n",
	    "HTTP/1.1 404 Weg \xe4\r\nWWW-Authenticate: Bearer\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n",
	    { HTTP_FRAMING_CHUNKED, 0, HTTP_PERSIST_IMPLIED, false } },
	{ "HTTP/1.1 202\r\n\r\n", "HTTP/1.1 202 \r\n"
	    "Content-Length: 0\r\nConnection: close\r\n\r\n",
	    { HTTP_FRAMING_LENGTH, 0, HTTP_PERSIST_CLOSE, false } },
	{ OK "Content-Length: 3\r\n\r\n",
	    OK "Content-Length: 3\r\nConnection: keep-alive\r\n\r\n",
	    { HTTP_FRAMING_LENGTH, 3, HTTP_PERSIST_KEEP, false } },
	{ "HTTP/1.1 204 No Content\r\n\r\n",
	    "HTTP/1.1 204 No Content\r\n\r\n",
	    { HTTP_FRAMING_NONE, 0, HTTP_PERSIST_IMPLIED, false } },
	/* A body that ends with the connection must say so. */
	{ OK "Transfer-Encoding: chunked\r\n\r\n",
	    OK "Connection: close\r\n\r\n",
	    { HTTP_FRAMING_CLOSE, 0, HTTP_PERSIST_IMPLIED, false } },
	{ OK "Trailer: A\r\nUpgrade: h2c\r\nProxy-Authenticate: b\r\n"
	    "Proxy-Authentication-Info: c\r\nExpect: kept\r\n\r\n",
	    OK "Expect: kept\r\n\r\n",
	    { HTTP_FRAMING_NONE, 0, HTTP_PERSIST_IMPLIED, false } },
	/* event streams */
	{ OK "Content-Type: text/event-stream\r\n\r\n",
	    OK "Content-Type: text/event-stream\r\n"
	    "Cache-Control: no-cache, no-transform\r\n"
	    "X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n",
	    { HTTP_FRAMING_CHUNKED, 0, HTTP_PERSIST_IMPLIED, true } },
	{ OK "cache-control: no-store\r\nX-ACCEL-Buffering: yes\r\n\r\n",
	    OK "cache-control: no-store\r\nX-ACCEL-Buffering: yes\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n",
	    { HTTP_FRAMING_CHUNKED, 0, HTTP_PERSIST_IMPLIED, true } },
	/* named in Connection, the field is lacking */
	{ OK "Connection: cache-control\r\nCache-Control: a\r\n"
	    "X-Accel-Buffering: no\r\n\r\n",
	    OK "X-Accel-Buffering: no\r\n"
	    "Cache-Control: no-cache, no-transform\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n",
	    { HTTP_FRAMING_CHUNKED, 0, HTTP_PERSIST_IMPLIED, true } },
};

static const struct {
	struct http_error error;
	const char *out;
} error_rows[] = {
	{ { .status = 400, .body = HTTP_SLICE("{}"), .retry_after_s = -1,
	    .date = HTTP_SLICE("Fri, 20 Nov 2026 10:00:00 GMT"),
	    .persistence = HTTP_PERSIST_CLOSE },
	    "HTTP/1.1 400 Bad Request\r\n"
	    "Date: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
	    "Content-Type: application/json\r\nContent-Length: 2\r\n"
	    "Connection: close\r\n\r\n{}" },
	{ { .status = 503, .body = HTTP_SLICE("{}"), .retry_after_s = 0 },
	    "HTTP/1.1 503 Service Unavailable\r\n"
	    "Content-Type: application/json\r\nContent-Length: 2\r\n"
	    "Retry-After: 0\r\n\r\n{}" },
	{ { .status = 405, .body = HTTP_SLICE("{}"), .retry_after_s = -1,
	    .allow = HTTP_SLICE("GET, POST"), .without_body = true },
	    "HTTP/1.1 405 Method Not Allowed\r\n"
	    "Content-Type: application/json\r\nContent-Length: 2\r\n"
	    "Allow: GET, POST\r\n\r\n" },
	{ { .status = 204, .body = HTTP_SLICE("{}"), .retry_after_s = -1,
	    .persistence = HTTP_PERSIST_KEEP },
	    "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n" },
	{ { .status = 404, .retry_after_s = -1 },
	    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" },
	{ { .status = 599, .retry_after_s = -1 },
	    "HTTP/1.1 599 Unknown\r\nContent-Length: 0\r\n\r\n" },
};
/* clang-format on */

static const struct http_request_rewrite rewrite = {
	.host = HTTP_SLICE("up:3000"),
	.client_address = HTTP_SLICE("192.0.2.7"),
	.proto = HTTP_SLICE("http"),
};

static void
check_out(const struct http_out *out, const char *want)
{
	char got[2048];

	ck_assert_uint_lt(out->len, sizeof(got));
	memcpy(got, out->p, out->len);
	got[out->len] = '\0';
	ck_assert_str_eq(got, want);
}

static int
write_request(int row, struct http_out *out)
{
	struct http_request_rewrite how = rewrite;
	struct http_head head;
	const char *in = request_rows[row].in;

	how.framing = request_rows[row].framing;
	how.content_length = request_rows[row].content_length;
	how.drop_last_event_id = request_rows[row].drop_last_event_id;
	ck_assert_int_gt(
	    http_head_scan_request(in, strlen(in), MAX_HEADER, &head), 0);
	return http_request_write(out, &head, &how);
}

static int
write_answer(int row, struct http_out *out)
{
	struct http_head head;
	const char *in = answer_rows[row].in;

	ck_assert_int_gt(
	    http_head_scan_answer(in, strlen(in), MAX_HEADER, &head), 0);
	return http_answer_write(out, &head, &answer_rows[row].how);
}

static int
write_error(int row, struct http_out *out)
{
	return http_error_write(out, &error_rows[row].error);
}

/*
 * Write the row into a buffer of exactly the right size, then into each that
 * is too small: that is told, and nothing is written behind its end.
 */
static void
check_writer(
    int (*write_row)(int, struct http_out *), int row, const char *want)
{
	size_t len = strlen(want);
	struct http_out out;
	char buf[2048];

	http_out_init(&out, buf, len);
	ck_assert_int_eq(write_row(row, &out), 0);
	check_out(&out, want);
	for (size_t cap = 0; cap < len; cap++) {
		memset(buf, 0x55, sizeof(buf));
		http_out_init(&out, buf, cap);
		ck_assert_int_eq(write_row(row, &out), -ENOSPC);
		ck_assert(out.overflow && out.len <= cap);
		ck_assert_int_eq(buf[cap], 0x55);
	}
}

START_TEST(requests_are_written_anew)
{
	check_writer(write_request, _i, request_rows[_i].out);
	ck_assert_uint_le(strlen(request_rows[_i].out),
	    strlen(request_rows[_i].in) + HTTP_WRITE_SLACK);
}
END_TEST

START_TEST(answers_are_written_anew)
{
	check_writer(write_answer, _i, answer_rows[_i].out);
	ck_assert_uint_le(strlen(answer_rows[_i].out),
	    strlen(answer_rows[_i].in) + HTTP_WRITE_SLACK);
}
END_TEST

START_TEST(errors_are_written)
{
	check_writer(write_error, _i, error_rows[_i].out);
}
END_TEST

/* A head of the proxy's own, out of pieces. */
START_TEST(pieces_make_a_head)
{
	struct http_head head;
	struct http_out out;
	char buf[256];

	http_out_init(&out, buf, sizeof(buf));
	http_out_request_line(&out, "GET", http_slice_of("/mcp"));
	http_out_field(&out, HTTP_FIELD_HOST, http_slice_of("up"));
	http_out_field(&out, HTTP_FIELD_MCP_SESSION_ID, http_slice_of("s"));
	http_out_framing(&out, HTTP_FRAMING_NONE, 0);
	ck_assert_int_eq(http_out_end(&out), 0);
	check_out(&out, "GET /mcp HTTP/1.1\r\nHost: up\r\n"
			"Mcp-Session-Id: s\r\n\r\n");
	ck_assert_int_eq(
	    http_head_scan_request(buf, out.len, MAX_HEADER, &head),
	    (int)out.len);

	http_out_init(&out, buf, sizeof(buf));
	http_out_status_line(&out, 100, (struct http_slice){ 0 });
	ck_assert_int_eq(http_out_end(&out), 0);
	check_out(&out, "HTTP/1.1 100 Continue\r\n\r\n");
}
END_TEST

START_TEST(overflow_stays)
{
	struct http_out out;
	char buf[4];

	http_out_init(&out, buf, sizeof(buf));
	http_out_text(&out, "abc");
	http_out_text(&out, "de");
	http_out_text(&out, "f");
	ck_assert_uint_eq(out.len, 3);
	ck_assert_int_eq(http_out_end(&out), -ENOSPC);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("writing");
	Suite *s = suite_create("http_write");

	tcase_add_loop_test(
	    tc, requests_are_written_anew, 0, (int)ARRAY_LEN(request_rows));
	tcase_add_loop_test(
	    tc, answers_are_written_anew, 0, (int)ARRAY_LEN(answer_rows));
	tcase_add_loop_test(
	    tc, errors_are_written, 0, (int)ARRAY_LEN(error_rows));
	tcase_add_test(tc, pieces_make_a_head);
	tcase_add_test(tc, overflow_stays);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
