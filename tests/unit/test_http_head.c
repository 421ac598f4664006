/*
 * test_http_head.c - what is a head, and what is refused.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>

#include "common/http_head.h"
#include "tests/unit/http_feed.h"
#include "tests/unit/unit.h"

#define MAX_HEADER 32768
#define BYTES(literal) (literal), sizeof(literal) - 1
#define H "Host: a\r\n"
#define END H "\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST /mcp HTTP/1.1\r\n" H
#define OK "HTTP/1.1 200 OK\r\n"

struct row {
	const char *p;
	size_t len;
	enum http_fault fault;
};

/* clang-format off */
static const struct row request_faults[] = {
	/* other protocols */
	{ BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
	    HTTP_FAULT_TLS },
	{ BYTES("\x16"), HTTP_FAULT_TLS },
	{ BYTES("SSH-2.0-OpenSSH_9.2p1\r\n"), HTTP_FAULT_SSH },
	{ BYTES("SSH-"), HTTP_FAULT_SSH },
	{ BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HTTP_FAULT_HTTP2 },
	{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" GET END),
	    HTTP_FAULT_PROXY_PROTOCOL },
	{ BYTES("\r\n\r\n\0\r\nQUIT\n"), HTTP_FAULT_NOT_HTTP },
	{ BYTES("\x05\x01\x00"), HTTP_FAULT_NOT_HTTP },
	{ BYTES("\x80\x2e\x01\x03\x01"), HTTP_FAULT_NOT_HTTP },
	{ BYTES("{\"jsonrpc\":"), HTTP_FAULT_NOT_HTTP },
	{ BYTES("EHLO example.org\r\n"), HTTP_FAULT_VERSION_SYNTAX },
	{ BYTES("QUIT\r\n"), HTTP_FAULT_METHOD },
	{ BYTES("HTTP/1.1 200 OK\r\n\r\n"), HTTP_FAULT_METHOD },
	/* line ends and bytes */
	{ BYTES("\r\n\r\n\r\n" GET END), HTTP_FAULT_EMPTY_LINES },
	{ BYTES("\n" GET END), HTTP_FAULT_BARE_LF },
	{ BYTES("\r" GET END), HTTP_FAULT_BARE_CR },
	{ BYTES("GET / HTTP/1.1\n" END), HTTP_FAULT_BARE_LF },
	{ BYTES("GET / HTTP/1.1\r" END), HTTP_FAULT_BARE_CR },
	{ BYTES("GET / HTTP/1.1\r\r\n" END), HTTP_FAULT_BARE_CR },
	{ BYTES(GET "Host: a\n\r\n"), HTTP_FAULT_BARE_LF },
	{ BYTES(GET H "\n"), HTTP_FAULT_BARE_LF },
	{ BYTES(GET H "\n\n"), HTTP_FAULT_BARE_LF },
	{ BYTES(GET H "\rX"), HTTP_FAULT_BARE_CR },
	{ BYTES(GET H "A: b\rc\r\n\r\n"), HTTP_FAULT_BARE_CR },
	{ BYTES(GET H "A: b\r\r\n\r\n"), HTTP_FAULT_BARE_CR },
	{ BYTES(GET H "A: b\0c\r\n\r\n"), HTTP_FAULT_NUL },
	{ BYTES(GET H "A: 12345678\x01\r\n\r\n"), HTTP_FAULT_CONTROL },
	{ BYTES(GET H "A: 1234\x7f" "5678\r\n\r\n"), HTTP_FAULT_CONTROL },
	{ BYTES(GET H "A: b\r\n c\r\n\r\n"), HTTP_FAULT_OBS_FOLD },
	{ BYTES(GET H "A: b\r\n\tc\r\n\r\n"), HTTP_FAULT_OBS_FOLD },
	{ BYTES(GET " " END), HTTP_FAULT_OBS_FOLD },
	{ BYTES(GET H " \r\n\r\n"), HTTP_FAULT_OBS_FOLD },
	/* request line */
	{ BYTES(" GET / HTTP/1.1\r\n" END), HTTP_FAULT_NOT_HTTP },
	{ BYTES("GE\tT / HTTP/1.1\r\n" END), HTTP_FAULT_METHOD },
	{ BYTES("GE\0T / HTTP/1.1\r\n" END), HTTP_FAULT_NUL },
	{ BYTES("G(T / HTTP/1.1\r\n" END), HTTP_FAULT_METHOD },
	{ BYTES("G\xc3\x84T / HTTP/1.1\r\n" END), HTTP_FAULT_METHOD },
	{ BYTES("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	    HTTP_FAULT_METHOD_LONG },
	{ BYTES("GET  / HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET\t/ HTTP/1.1\r\n" END), HTTP_FAULT_METHOD },
	{ BYTES("GET / a HTTP/1.1\r\n" END), HTTP_FAULT_VERSION_SYNTAX },
	{ BYTES("GET /  HTTP/1.1\r\n" END), HTTP_FAULT_VERSION_SYNTAX },
	{ BYTES("GET / HTTP/1.1 \r\n" END), HTTP_FAULT_VERSION_SYNTAX },
	{ BYTES("GET /a\0b HTTP/1.1\r\n" END), HTTP_FAULT_NUL },
	{ BYTES("GET /a\tb HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET /\xc3\xa4 HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET /a#b HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET a HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET * HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("OPTIONS *a HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET http:/a HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET http:/// HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET http://u@a/ HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET http://a:b/ HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET https://a/ HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET ftp://a/ HTTP/1.1\r\n" END), HTTP_FAULT_TARGET },
	{ BYTES("GET /\r\n"), HTTP_FAULT_VERSION_SYNTAX },
	{ BYTES("GET / \r\n"), HTTP_FAULT_VERSION_SYNTAX },
	{ BYTES("GET / HTTP\r\n" END), HTTP_FAULT_VERSION_SYNTAX },
	{ BYTES("GET / HTTP/\r\n" END), HTTP_FAULT_VERSION_SYNTAX },
	{ BYTES("GET / http/1.1\r\n" END), HTTP_FAULT_VERSION_SYNTAX },
	{ BYTES("GET / XTTP/1.1\r\n" END), HTTP_FAULT_VERSION_SYNTAX },
	{ BYTES("GET / HTTP/1\r\n" END), HTTP_FAULT_VERSION },
	{ BYTES("GET / HTTP/2.0\r\n" END), HTTP_FAULT_VERSION },
	{ BYTES("GET / HTTP/2\r\n" END), HTTP_FAULT_VERSION },
	{ BYTES("GET / HTTP/0.9\r\n" END), HTTP_FAULT_VERSION },
	{ BYTES("GET / HTTP/1.2\r\n" END), HTTP_FAULT_VERSION },
	{ BYTES("GET / HTTP/1.10\r\n" END), HTTP_FAULT_VERSION_SYNTAX },
	{ BYTES("GET / HTTP/1,1\r\n" END), HTTP_FAULT_VERSION },
	/* field names */
	{ BYTES(GET H "A : b\r\n\r\n"), HTTP_FAULT_SPACE_BEFORE_COLON },
	{ BYTES(GET H "A\t: b\r\n\r\n"), HTTP_FAULT_SPACE_BEFORE_COLON },
	{ BYTES(POST "Content-Length : 5\r\n\r\n"),
	    HTTP_FAULT_SPACE_BEFORE_COLON },
	{ BYTES(POST "Transfer-Encoding : chunked\r\n\r\n"),
	    HTTP_FAULT_SPACE_BEFORE_COLON },
	{ BYTES(GET H ": b\r\n\r\n"), HTTP_FAULT_FIELD_NAME },
	{ BYTES(GET H "A(: b\r\n\r\n"), HTTP_FAULT_FIELD_NAME },
	{ BYTES(GET H "\xc3\x84: b\r\n\r\n"), HTTP_FAULT_FIELD_NAME },
	{ BYTES(GET H "A\0: b\r\n\r\n"), HTTP_FAULT_NUL },
	{ BYTES(GET H "A\x7f: b\r\n\r\n"), HTTP_FAULT_CONTROL },
	{ BYTES(GET H "A\r\n\r\n"), HTTP_FAULT_NO_COLON },
	{ BYTES(GET H "A\n: b\r\n\r\n"), HTTP_FAULT_BARE_LF },
	/* fields that may stand once */
	{ BYTES(GET H END), HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(GET "hOST: b\r\n" END), HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(GET "Origin: a\r\nOrigin: a\r\n" END),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(GET "Authorization: a\r\nauthorization: b\r\n" END),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(GET "Content-Type: a/b\r\nContent-Type: a/b\r\n" END),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(GET "Mcp-Session-Id: a\r\nMCP-Session-Id: a\r\n" END),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(GET "MCP-Protocol-Version: a\r\n"
	    "mcp-protocol-version: b\r\n" END), HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(GET "Last-Event-ID: a\r\nlast-event-id:\r\n" END),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(POST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"),
	    HTTP_FAULT_REPEATED_FIELD },
	/* Host */
	{ BYTES(GET "\r\n"), HTTP_FAULT_HOST_MISSING },
	{ BYTES("GET http://a/ HTTP/1.1\r\n\r\n"), HTTP_FAULT_HOST_MISSING },
	{ BYTES(GET "Host:\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: a b\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: a,b\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: a/b\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: u@a\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: a:65536\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: a:-1\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: a:1:2\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: :80\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: ::1\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: [::1\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: []\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: [::g]\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES(GET "Host: [::1]x\r\n\r\n"), HTTP_FAULT_HOST },
	{ BYTES("GET / HTTP/1.0\r\nHost: a b\r\n\r\n"), HTTP_FAULT_HOST },
	/* Expect */
	{ BYTES(POST "Expect: 200-ok\r\n\r\n"), HTTP_FAULT_EXPECT },
	{ BYTES(POST "Expect:\r\n\r\n"), HTTP_FAULT_EXPECT },
	{ BYTES(POST "Expect: 100-continue, a\r\n\r\n"), HTTP_FAULT_EXPECT },
	/* Connection */
	{ BYTES(POST "Connection: Authorization\r\n\r\n"),
	    HTTP_FAULT_NOMINATED },
	{ BYTES(POST "Connection: close, MCP-session-id\r\n\r\n"),
	    HTTP_FAULT_NOMINATED },
	/* framing: Content-Length */
	{ BYTES(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(POST "Content-Length: +5\r\n\r\n"),
	    HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(POST "Content-Length: -5\r\n\r\n"),
	    HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(POST "Content-Length:\r\n\r\n"), HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(POST "Content-Length: 5, 5\r\n\r\n"),
	    HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(POST "Content-Length: 5 5\r\n\r\n"),
	    HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(POST "Content-Length: 0x5\r\n\r\n"),
	    HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(POST "Content-Length: 5.0\r\n\r\n"),
	    HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(POST "Content-Length: \"5\"\r\n\r\n"),
	    HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(POST "Content-Length: 9223372036854775808\r\n\r\n"),
	    HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(POST "Content-Length: 18446744073709551621\r\n\r\n"),
	    HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(POST "Content-Length: 5\t\r\n\r\n"),
	    HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(POST "Content-Length: \xb2\r\n\r\n"),
	    HTTP_FAULT_CONTENT_LENGTH },
	/* framing: Transfer-Encoding */
	{ BYTES(POST "Content-Length: 5\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n"),
	    HTTP_FAULT_LENGTH_AND_CHUNKED },
	{ BYTES(POST "Transfer-Encoding: chunked\r\n"
	    "Content-Length: 5\r\n\r\n"), HTTP_FAULT_LENGTH_AND_CHUNKED },
	{ BYTES(POST "Transfer-Encoding: gzip\r\n"
	    "Content-Length: 5\r\n\r\n"), HTTP_FAULT_LENGTH_AND_CHUNKED },
	{ BYTES(POST "Transfer-Encoding: chunked\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n"),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(POST "Transfer-Encoding: chunked\r\n"
	    "Transfer-Encoding: identity\r\n\r\n"),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
	    HTTP_FAULT_TRANSFER_ENCODING },
	{ BYTES(POST "Transfer-Encoding: chunked\t\r\n\r\n"),
	    HTTP_FAULT_TRANSFER_ENCODING },
	{ BYTES(POST "Transfer-Encoding: chunked  \t\r\n\r\n"),
	    HTTP_FAULT_TRANSFER_ENCODING },
	{ BYTES(POST "Transfer-Encoding:\r\n\r\n"),
	    HTTP_FAULT_TRANSFER_ENCODING },
	{ BYTES(POST "Transfer-Encoding: ,chunked\r\n\r\n"),
	    HTTP_FAULT_TRANSFER_ENCODING },
	{ BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
	    HTTP_FAULT_TRANSFER_CODING },
	{ BYTES(POST "Transfer-Encoding: identity\r\n\r\n"),
	    HTTP_FAULT_TRANSFER_CODING },
	{ BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n"),
	    HTTP_FAULT_TRANSFER_CODING },
	{ BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
	    HTTP_FAULT_TRANSFER_CODING },
	{ BYTES(POST "Transfer-Encoding: chunked;a=b\r\n\r\n"),
	    HTTP_FAULT_TRANSFER_CODING },
	{ BYTES(POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n"),
	    HTTP_FAULT_CONTROL },
	{ BYTES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    HTTP_FAULT_CHUNKED_ON_1_0 },
};

static const struct row answer_faults[] = {
	{ BYTES("\r\n" OK "\r\n"), HTTP_FAULT_NOT_HTTP },
	{ BYTES("ICY 200 OK\r\n\r\n"), HTTP_FAULT_NOT_HTTP },
	{ BYTES("<html>"), HTTP_FAULT_NOT_HTTP },
	{ BYTES("\x15\x03\x01"), HTTP_FAULT_NOT_HTTP },
	{ BYTES("HTTP/2 200\r\n\r\n"), HTTP_FAULT_VERSION },
	{ BYTES("HTTP/1.2 200 OK\r\n\r\n"), HTTP_FAULT_VERSION },
	{ BYTES("HTTP/1.1  200 OK\r\n\r\n"), HTTP_FAULT_STATUS_LINE },
	{ BYTES("HTTP/1.1\r\n\r\n"), HTTP_FAULT_STATUS_LINE },
	{ BYTES("HTTP/1.1 \r\n\r\n"), HTTP_FAULT_STATUS_LINE },
	{ BYTES("HTTP/1.1 20\r\n\r\n"), HTTP_FAULT_STATUS_LINE },
	{ BYTES("HTTP/1.1 099 A\r\n\r\n"), HTTP_FAULT_STATUS_LINE },
	{ BYTES("HTTP/1.1 600 A\r\n\r\n"), HTTP_FAULT_STATUS_LINE },
	{ BYTES("HTTP/1.1 2000 A\r\n\r\n"), HTTP_FAULT_STATUS_LINE },
	{ BYTES("HTTP/1.1 200OK\r\n\r\n"), HTTP_FAULT_STATUS_LINE },
	{ BYTES("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
	    HTTP_FAULT_UNASKED_UPGRADE },
	{ BYTES("HTTP/1.1 200 O\0K\r\n\r\n"), HTTP_FAULT_NUL },
	{ BYTES("HTTP/1.1 200 O\rK\r\n\r\n"), HTTP_FAULT_BARE_CR },
	{ BYTES("HTTP/1.1 200 OK\n\r\n"), HTTP_FAULT_BARE_LF },
	{ BYTES(OK "A: b\n\r\n"), HTTP_FAULT_BARE_LF },
	{ BYTES(OK "A: b\r\n c\r\n\r\n"), HTTP_FAULT_OBS_FOLD },
	{ BYTES(OK "A : b\r\n\r\n"), HTTP_FAULT_SPACE_BEFORE_COLON },
	{ BYTES(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(OK "Content-Length: +5\r\n\r\n"), HTTP_FAULT_CONTENT_LENGTH },
	{ BYTES(OK "Content-Length: 5\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n"),
	    HTTP_FAULT_LENGTH_AND_CHUNKED },
	{ BYTES(OK "Transfer-Encoding: gzip\r\n\r\n"),
	    HTTP_FAULT_TRANSFER_CODING },
	{ BYTES("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    HTTP_FAULT_CHUNKED_ON_1_0 },
	{ BYTES(OK "Mcp-Session-Id: a\r\nmcp-session-id: b\r\n\r\n"),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(OK "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n"),
	    HTTP_FAULT_REPEATED_FIELD },
	{ BYTES(OK "Connection: mcp-session-id\r\n\r\n"),
	    HTTP_FAULT_NOMINATED },
};

/* What is accepted, and what it says. */
struct good {
	const char *p;
	size_t len;
	enum http_method_id method;
	unsigned status;
	const char *path, *query, *host;
	int64_t content_length;
	bool chunked, keep_alive, expect_continue;
};

#define M(id) HTTP_METHOD_##id, 0
static const struct good good_requests[] = {
	{ BYTES(GET END), M(GET), "/", "", "a", -1, false, true, false },
	{ BYTES("\r\n" GET END), M(GET), "/", "", "a",
	    -1, false, true, false },
	{ BYTES("\r\n\r\n" GET END), M(GET), "/", "", "a",
	    -1, false, true, false },
	{ BYTES("POST /mcp?a=b?c HTTP/1.1\r\nhost:a:80\r\n"
	    "content-length:\t 0012  \r\n\r\n"), M(POST),
	    "/mcp", "?a=b?c", "a:80", 12, false, true, false },
	{ BYTES("DELETE //x/../%00 HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"),
	    M(DELETE), "//x/../%00", "", "[::1]:8080",
	    -1, false, true, false },
	{ BYTES("PUT / HTTP/1.1\r\n" H "Transfer-Encoding: CHUNKED \r\n\r\n"),
	    M(PUT), "/", "", "a", -1, true, true, false },
	{ BYTES("HEAD / HTTP/1.1\r\n" H "Connection: close\r\n\r\n"),
	    M(HEAD), "/", "", "a", -1, false, false, false },
	{ BYTES("OPTIONS * HTTP/1.1\r\n" END), M(OPTIONS), "*", "", "a",
	    -1, false, true, false },
	{ BYTES("OPTIONS http://b HTTP/1.1\r\n" END), M(OPTIONS),
	    "*", "", "b", -1, false, true, false },
	{ BYTES("OPTIONS /mcp HTTP/1.1\r\n" END), M(OPTIONS),
	    "/mcp", "", "a", -1, false, true, false },
	{ BYTES("PATCH HTTP://b:1/c?d HTTP/1.1\r\n" END), M(PATCH),
	    "/c", "?d", "b:1", -1, false, true, false },
	{ BYTES("GET http://b?d HTTP/1.1\r\n" END), M(GET), "/", "?d", "b",
	    -1, false, true, false },
	{ BYTES("GET http://b HTTP/1.0\r\n\r\n"), M(GET), "/", "", "b",
	    -1, false, false, false },
	{ BYTES("CONNECT a:443 HTTP/1.1\r\n" END), M(CONNECT), "", "", "a",
	    -1, false, true, false },
	{ BYTES("TRACE / HTTP/1.1\r\n" END), M(TRACE), "/", "", "a",
	    -1, false, true, false },
	{ BYTES("get / HTTP/1.1\r\n" END), M(OTHER), "/", "", "a",
	    -1, false, true, false },
	{ BYTES("SSH / HTTP/1.1\r\n" END), M(OTHER), "/", "", "a",
	    -1, false, true, false },
	{ BYTES("PROPFIND /d HTTP/1.1\r\n" END), M(OTHER), "/d", "", "a",
	    -1, false, true, false },
	{ BYTES("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" END),
	    M(OTHER), "/", "", "a", -1, false, true, false },
	{ BYTES("GET / HTTP/1.0\r\n\r\n"), M(GET), "/", "", NULL,
	    -1, false, false, false },
	{ BYTES("GET / HTTP/1.0\r\nConnection: a, Keep-Alive\r\n\r\n"),
	    M(GET), "/", "", NULL, -1, false, true, false },
	{ BYTES("GET / HTTP/1.0\r\nConnection: keep-alive\r\n"
	    "Connection: close\r\n\r\n"),
	    M(GET), "/", "", NULL, -1, false, false, false },
	{ BYTES(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n"),
	    M(POST), "/mcp", "", "a", 1, false, true, true },
	{ BYTES("POST / HTTP/1.0\r\nExpect: 100-continue\r\n"
	    "Content-Length: 9223372036854775807\r\n\r\n"),
	    M(POST), "/", "", NULL, INT64_MAX, false, false, false },
	{ BYTES(GET "Last-Event-ID: \xe2\x80\xa6\xff\r\n" END),
	    M(GET), "/", "", "a", -1, false, true, false },
	{ BYTES(GET "A:\r\nB: \r\nC: a:b \tc\r\nA: \t\r\n" END),
	    M(GET), "/", "", "a", -1, false, true, false },
	{ BYTES(GET "Connection:\r\nConnection: ,, ,\r\n" END),
	    M(GET), "/", "", "a", -1, false, true, false },
};
#undef M
#define S(status) HTTP_METHOD_OTHER, status, NULL, NULL
static const struct good good_answers[] = {
	{ BYTES(OK "\r\n"), S(200), NULL, -1, false, true, false },
	{ BYTES("HTTP/1.1 200 \r\n\r\n"), S(200), NULL,
	    -1, false, true, false },
	{ BYTES("HTTP/1.1 200\r\n\r\n"), S(200), NULL,
	    -1, false, true, false },
	{ BYTES("HTTP/1.0 404 Nicht gefunden \xe4\r\n"
	    "Content-Length: 0\r\n\r\n"),
	    S(404), NULL, 0, false, false, false },
	{ BYTES("HTTP/1.1 100 Continue\r\n\r\n"), S(100), NULL,
	    -1, false, true, false },
	{ BYTES("HTTP/1.1 599 A\r\nTransfer-Encoding: chunked\r\n"
	    "Connection: close\r\n\r\n"),
	    S(599), NULL, -1, true, false, false },
	{ BYTES(OK "Set-Cookie: a\r\nSet-Cookie: b\r\nHost: a b\r\n"
	    "Host: c\r\nExpect: x\r\n\r\n"),
	    S(200), NULL, -1, false, true, false },
};
#undef S
/* clang-format on */

static void
check_text(struct http_slice got, const char *want)
{
	if (want == NULL) {
		ck_assert_ptr_null(got.p);
		return;
	}
	ck_assert_uint_eq(got.len, strlen(want));
	if (got.len > 0)
		ck_assert_mem_eq(got.p, want, got.len);
}

static void
check_good(const struct http_head *head, const struct good *want)
{
	ck_assert_int_eq(head->content_length, want->content_length);
	ck_assert_int_eq(head->chunked, want->chunked);
	ck_assert_int_eq(head->keep_alive, want->keep_alive);
	ck_assert_int_eq(head->expect_continue, want->expect_continue);
	ck_assert_uint_eq(head->status, want->status);
	check_text(head->host, want->host);
	if (head->side == HTTP_SIDE_ANSWER)
		return;
	ck_assert_int_eq(head->method, want->method);
	check_text(head->path, want->path);
	check_text(head->query, want->query);
}

/* An accepted head: whole, with more behind it, cut, and in pieces. */
static void
run_good(enum http_side side, const struct good *row)
{
	struct http_head head;
	char more[1024];
	int len = (int)row->len;

	ck_assert_int_eq(
	    feed_scan(side, row->p, row->len, MAX_HEADER, &head), len);
	check_good(&head, row);
	memcpy(more, row->p, row->len);
	memcpy(more + row->len, "\0\r\n\r\n", 5);
	ck_assert_int_eq(
	    feed_scan(side, more, row->len + 5, MAX_HEADER, &head), len);
	for (size_t cut = 0; cut < row->len; cut++) {
		ck_assert_int_eq(feed_cut(side, row->p, cut, MAX_HEADER), 0);
		ck_assert_int_eq(
		    feed_pieces(side, row->p, cut, 1, MAX_HEADER, &head), 0);
	}
	for (size_t step = 1; step <= row->len; step++) {
		ck_assert_int_eq(feed_pieces(side, row->p, row->len, step,
				     MAX_HEADER, &head),
		    len);
		check_good(&head, row);
	}
	ck_assert_int_eq(
	    feed_scan(side, row->p, row->len, row->len, &head), len);
	ck_assert_int_eq(feed_scan(side, row->p, row->len, row->len - 1, &head),
	    -HTTP_FAULT_HEAD_LONG);
}

/* A refused head: once refused it stays so, and in pieces, too. */
static void
run_fault(enum http_side side, const struct row *row)
{
	struct http_head head;
	bool refused = false;

	ck_assert_str_eq(http_fault_name((enum http_fault) -
					 feed_scan(side, row->p, row->len,
					     MAX_HEADER, &head)),
	    http_fault_name(row->fault));
	for (size_t cut = 0; cut <= row->len; cut++) {
		int n = feed_cut(side, row->p, cut, MAX_HEADER);

		ck_assert_int_le(n, 0);
		ck_assert(n < 0 || !refused);
		refused = n < 0;
	}
	for (size_t step = 1; step <= row->len; step++)
		ck_assert_int_lt(feed_pieces(side, row->p, row->len, step,
				     MAX_HEADER, &head),
		    0);
}

START_TEST(requests_are_accepted)
{
	run_good(HTTP_SIDE_REQUEST, &good_requests[_i]);
}
END_TEST

START_TEST(answers_are_accepted)
{
	run_good(HTTP_SIDE_ANSWER, &good_answers[_i]);
}
END_TEST

START_TEST(requests_are_refused)
{
	run_fault(HTTP_SIDE_REQUEST, &request_faults[_i]);
}
END_TEST

START_TEST(answers_are_refused)
{
	run_fault(HTTP_SIDE_ANSWER, &answer_faults[_i]);
}
END_TEST

/* clang-format off */
/* What is no request is refused at this byte, not when a timer runs out. */
static const struct { const char *p; size_t len, at; } early_rows[] = {
	{ BYTES("\x16\x03\x01"), 1 },
	{ BYTES("SSH-2.0-x\r\n"), 4 },
	{ BYTES("PRI * HTTP/2.0\r\n"), 6 },
	{ BYTES("\x00"), 1 },
	{ BYTES("GE\x01T / HTTP/1.1\r\n"), 3 },
	{ BYTES("GET / HTTP/2.0\r\n"), 12 },
	{ BYTES("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/3\r\n"),
	    50 },
	{ BYTES("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0a"), 42 },
	{ BYTES(GET "A: b\r\nC: \0"), 26 },
	{ BYTES(GET "A: b\rc"), 22 },
	{ BYTES(GET "A: b\nc"), 21 },
	{ BYTES("\r\n\r\n\r\n"), 6 },
};
/* clang-format on */

START_TEST(faults_are_told_early)
{
	struct http_head head;

	for (size_t cut = 0; cut <= early_rows[_i].len; cut++) {
		int n = feed_pieces(HTTP_SIDE_REQUEST, early_rows[_i].p, cut, 1,
		    MAX_HEADER, &head);

		if (cut < early_rows[_i].at)
			ck_assert_int_eq(n, 0);
		else
			ck_assert_int_lt(n, 0);
	}
}
END_TEST

/* A request with a target of so many letters. */
static size_t
make_long_target(char *buf, size_t line_len)
{
	size_t letters = line_len - strlen("GET / HTTP/1.1"), len;

	memcpy(buf, "GET /", 5);
	memset(buf + 5, 'a', letters);
	len = 5 + letters;
	memcpy(buf + len, " HTTP/1.1\r\n" END, strlen(" HTTP/1.1\r\n" END));
	return len + strlen(" HTTP/1.1\r\n" END);
}

START_TEST(request_line_has_a_limit)
{
	static char buf[2 * HTTP_REQUEST_LINE_MAX];
	const int fault = -HTTP_FAULT_REQUEST_LINE_LONG;
	struct http_head head;
	size_t len = make_long_target(buf, HTTP_REQUEST_LINE_MAX);

	ck_assert_int_eq(
	    http_head_scan_request(buf, len, MAX_HEADER, &head), (int)len);
	for (size_t step = 1; step < 70; step += 23)
		ck_assert_int_eq(feed_pieces(HTTP_SIDE_REQUEST, buf, len, step,
				     MAX_HEADER, &head),
		    (int)len);
	len = make_long_target(buf, HTTP_REQUEST_LINE_MAX + 1);
	ck_assert_int_eq(
	    http_head_scan_request(buf, len, MAX_HEADER, &head), fault);
	for (size_t step = 1; step < 70; step += 23)
		ck_assert_int_eq(feed_pieces(HTTP_SIDE_REQUEST, buf, len, step,
				     MAX_HEADER, &head),
		    fault);
	/* Certain at the first byte that can't be the CR. */
	len = HTTP_REQUEST_LINE_MAX + 1;
	ck_assert_int_eq(
	    http_head_scan_request(buf, len, MAX_HEADER, &head), 0);
	ck_assert_int_eq(
	    http_head_scan_request(buf, len + 1, MAX_HEADER, &head), fault);
	ck_assert_int_eq(
	    feed_pieces(HTTP_SIDE_REQUEST, buf, len, 1, MAX_HEADER, &head), 0);
	ck_assert_int_eq(
	    feed_pieces(HTTP_SIDE_REQUEST, buf, len + 1, 1, MAX_HEADER, &head),
	    fault);
}
END_TEST

START_TEST(head_has_a_limit)
{
	static char buf[MAX_HEADER + 2];
	const char *start = GET H "A: ";
	const size_t at = strlen(start);
	struct http_head head;

	memcpy(buf, start, at);
	memset(buf + at, 'a', sizeof(buf) - at);
	ck_assert_int_eq(
	    http_head_scan_request(buf, MAX_HEADER - 1, MAX_HEADER, &head), 0);
	ck_assert_int_eq(
	    http_head_scan_request(buf, MAX_HEADER, MAX_HEADER, &head),
	    -HTTP_FAULT_HEAD_LONG);
	ck_assert_int_eq(feed_pieces(HTTP_SIDE_REQUEST, buf, MAX_HEADER, 999,
			     MAX_HEADER, &head),
	    -HTTP_FAULT_HEAD_LONG);
	memcpy(buf + MAX_HEADER - 4, "\r\n\r\n", 4);
	ck_assert_int_eq(
	    http_head_scan_request(buf, sizeof(buf), MAX_HEADER, &head),
	    MAX_HEADER);
	ck_assert_int_eq(feed_pieces(HTTP_SIDE_REQUEST, buf, sizeof(buf), 999,
			     MAX_HEADER, &head),
	    MAX_HEADER);
	ck_assert_int_eq(
	    http_head_scan_request(buf, sizeof(buf), MAX_HEADER - 1, &head),
	    -HTTP_FAULT_HEAD_LONG);
	ck_assert_int_eq(feed_pieces(HTTP_SIDE_REQUEST, buf, sizeof(buf), 999,
			     MAX_HEADER - 1, &head),
	    -HTTP_FAULT_HEAD_LONG);
}
END_TEST

START_TEST(fields_have_a_limit)
{
	char buf[4096];
	struct http_head head;
	size_t len;

	len = (size_t)sprintf(buf, "%s", GET H);
	for (int i = 1; i < HTTP_HEAD_FIELDS_MAX; i++)
		len += (size_t)sprintf(buf + len, "A%d: b\r\n", i);
	memcpy(buf + len, "\r\n", 2);
	ck_assert_int_eq(
	    http_head_scan_request(buf, len + 2, MAX_HEADER, &head),
	    (int)len + 2);
	ck_assert_uint_eq(head.field_count, HTTP_HEAD_FIELDS_MAX);
	memcpy(buf + len, "B: c\r\n\r\n", 8);
	ck_assert_int_eq(
	    http_head_scan_request(buf, len + 8, MAX_HEADER, &head),
	    -HTTP_FAULT_TOO_MANY_FIELDS);
}
END_TEST

START_TEST(connection_options_have_a_limit)
{
	char buf[1024];
	struct http_head head;
	size_t len;

	len = (size_t)sprintf(buf, "%s", GET H "Connection: ");
	for (int i = 0; i < HTTP_CONNECTION_OPTIONS_MAX; i++)
		len += (size_t)sprintf(buf + len, "a%d,", i);
	memcpy(buf + len, "\r\n\r\n", 4);
	ck_assert_int_eq(
	    http_head_scan_request(buf, len + 4, MAX_HEADER, &head),
	    (int)len + 4);
	memcpy(buf + len, "b\r\n\r\n", 5);
	ck_assert_int_eq(
	    http_head_scan_request(buf, len + 5, MAX_HEADER, &head),
	    -HTTP_FAULT_TOO_MANY_OPTIONS);
}
END_TEST

START_TEST(fields_are_found)
{
	const char *text = GET "A: b\r\nMCP-SESSION-ID:  s1\t\r\n"
			       "X-Forwarded-For: 1\r\nx-forwarded-for: 2\r\n"
			       "last-event-id:\r\n" END;
	struct http_head head;

	ck_assert_int_gt(
	    http_head_scan_request(text, strlen(text), MAX_HEADER, &head), 0);
	ck_assert_uint_eq(head.field_count, 6);
	check_text(http_head_value(&head, HTTP_FIELD_MCP_SESSION_ID), "s1");
	check_text(http_head_value(&head, HTTP_FIELD_X_FORWARDED_FOR), "1");
	check_text(http_head_value(&head, HTTP_FIELD_LAST_EVENT_ID), "");
	check_text(http_head_value(&head, HTTP_FIELD_ORIGIN), NULL);
	ck_assert_ptr_null(http_head_field(&head, HTTP_FIELD_ORIGIN));
	ck_assert_ptr_eq(http_head_field(&head, HTTP_FIELD_X_FORWARDED_FOR),
	    &head.fields[2]);
	check_text(head.fields[0].name, "A");
	ck_assert_int_eq(head.fields[0].id, HTTP_FIELD_OTHER);
}
END_TEST

START_TEST(connection_marks_what_it_names)
{
	const char *text = GET H
	    "X-One: 1\r\nX-Two: 2\r\nCache-Control: a\r\nX-Three: 3\r\n"
	    "Connection: keep-alive, x-ONE\r\nx-one: 4\r\n"
	    "Connection: upgrade , x-three,cache-control, no such\r\n\r\n";
	struct http_head head;
	const bool want[] = { false, true, false, true, true, false, true,
		false };

	ck_assert_int_gt(
	    http_head_scan_request(text, strlen(text), MAX_HEADER, &head), 0);
	ck_assert_uint_eq(head.field_count, ARRAY_LEN(want));
	for (uint32_t i = 0; i < head.field_count; i++)
		ck_assert_int_eq(head.fields[i].nominated, want[i]);
}
END_TEST

START_TEST(scan_of_other_bytes_starts_anew)
{
	struct http_scan scan = { .seen = 5000, .line = 4000, .start = 9 };
	int len = (int)strlen(GET END);

	ck_assert_int_eq(http_head_find_end(&scan, HTTP_SIDE_REQUEST, GET END,
			     (size_t)len, MAX_HEADER),
	    len);
	scan = (struct http_scan){ .seen = 1, .line = 4, .start = 2 };
	ck_assert_int_eq(http_head_find_end(&scan, HTTP_SIDE_REQUEST, GET END,
			     (size_t)len, MAX_HEADER),
	    len);
}
END_TEST

/* clang-format off */
static const struct {
	unsigned status;
	int64_t content_length;
	enum http_method_id asked;
	bool want;
} body_rows[] = {
	{ 200, -1, HTTP_METHOD_GET, true },
	{ 200, 5, HTTP_METHOD_POST, true },
	{ 200, 0, HTTP_METHOD_GET, false },
	{ 200, 5, HTTP_METHOD_HEAD, false },
	{ 100, -1, HTTP_METHOD_POST, false },
	{ 204, 5, HTTP_METHOD_DELETE, false },
	{ 304, 5, HTTP_METHOD_GET, false },
	{ 404, -1, HTTP_METHOD_GET, true },
};
/* clang-format on */

START_TEST(answers_tell_if_a_body_follows)
{
	struct http_head head = {
		.side = HTTP_SIDE_ANSWER,
		.status = body_rows[_i].status,
		.content_length = body_rows[_i].content_length,
	};

	ck_assert_int_eq(
	    http_head_has_body(&head, body_rows[_i].asked), body_rows[_i].want);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("heads");
	Suite *s = suite_create("http_head");

	tcase_add_loop_test(
	    tc, requests_are_accepted, 0, (int)ARRAY_LEN(good_requests));
	tcase_add_loop_test(
	    tc, answers_are_accepted, 0, (int)ARRAY_LEN(good_answers));
	tcase_add_loop_test(
	    tc, requests_are_refused, 0, (int)ARRAY_LEN(request_faults));
	tcase_add_loop_test(
	    tc, answers_are_refused, 0, (int)ARRAY_LEN(answer_faults));
	tcase_add_loop_test(
	    tc, faults_are_told_early, 0, (int)ARRAY_LEN(early_rows));
	tcase_add_test(tc, request_line_has_a_limit);
	tcase_add_test(tc, head_has_a_limit);
	tcase_add_test(tc, fields_have_a_limit);
	tcase_add_test(tc, connection_options_have_a_limit);
	tcase_add_test(tc, fields_are_found);
	tcase_add_test(tc, connection_marks_what_it_names);
	tcase_add_test(tc, scan_of_other_bytes_starts_anew);
	tcase_add_loop_test(
	    tc, answers_tell_if_a_body_follows, 0, (int)ARRAY_LEN(body_rows));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
