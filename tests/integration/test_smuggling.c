/*
 * test_smuggling.c - what is not strict HTTP is refused, and harms nobody.
 *
 * Each row is sent on a connection of its own, followed by a request that a
 * confused proxy would take for the next one.  The origin must see neither.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/integration/ask.h"

#define HOST "Host: localhost\r\n"
#define NEXT "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define ROW(status, text)                                                      \
	{                                                                      \
		status, text, sizeof(text) - 1                                 \
	}

static const struct {
	int status;
	const char *text;
	size_t len;
} rows[] = {
	/* one framing only (RFC 9112, 6.1 and 6.3) */
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST
		 "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "0\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST
		 "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
		 "0\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST
		 "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST
		 "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\nabc"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST "Content-Length: 3 4\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST
		 "Content-Length: 18446744073709551619\r\n\r\nabc"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST
		 "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
	ROW(501, "POST /mcp HTTP/1.1\r\n" HOST
		 "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
	ROW(501, "POST /mcp HTTP/1.1\r\n" HOST
		 "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
	ROW(501, "POST /mcp HTTP/1.1\r\n" HOST
		 "Transfer-Encoding: identity\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b"
		 "chunked\r\n\r\n0\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST
		 "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST
		 "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.1\r\n" HOST
		 "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
	ROW(400, "POST /mcp HTTP/1.0\r\n" HOST
		 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	/* lines and bytes (RFC 9112, 2.2 and 5) */
	ROW(400, "GET /mcp HTTP/1.1\n" HOST "\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\nHost: localhost\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\nHost: localhost\r\n\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST "X-A: b\rc\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST "X-A: b\0c\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST "X-A: b\x01\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST "X-A: b\r\n folded\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n X-A: b\r\n" HOST "\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST "X-A : b\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST "X A: b\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST ": b\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST "no colon\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST "X\xc3\xa9: b\r\n\r\n"),
	/* request line (RFC 9112, 3) and Host (3.2) */
	ROW(400, "GET  /mcp HTTP/1.1\r\n" HOST "\r\n"),
	ROW(400, "GET /mcp  HTTP/1.1\r\n" HOST "\r\n"),
	ROW(400, "GET /mcp HTTP/1.1 \r\n" HOST "\r\n"),
	ROW(400, "GET\t/mcp HTTP/1.1\r\n" HOST "\r\n"),
	ROW(400, "GET mcp HTTP/1.1\r\n" HOST "\r\n"),
	ROW(400, "GET /m\x7f HTTP/1.1\r\n" HOST "\r\n"),
	ROW(400, "GET /mcp\r\n\r\n"),
	ROW(505, "GET /mcp HTTP/1\r\n" HOST "\r\n"),
	ROW(400, "GET /mcp http/1.1\r\n" HOST "\r\n"),
	ROW(505, "GET /mcp HTTP/2.0\r\n" HOST "\r\n"),
	ROW(505, "GET /mcp HTTP/1.2\r\n" HOST "\r\n"),
	ROW(400, "G@T /mcp HTTP/1.1\r\n" HOST "\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST HOST "\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\nHost: a b\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\nHost: localhost/x\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\nHost: localhost, evil\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\nHost: user@localhost\r\n\r\n"),
	/* what may stand once */
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST
		 "Mcp-Session-Id: a\r\nMcp-Session-Id: b\r\n\r\n"),
	ROW(400, "GET /mcp HTTP/1.1\r\n" HOST
		 "Last-Event-ID: a\r\nLast-Event-ID: b\r\n\r\n"),
	/* methods that are not served */
	ROW(405, "CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n"),
	ROW(405, "TRACE /mcp HTTP/1.1\r\n" HOST "\r\n"),
	/* expectations (RFC 9110, 10.1.1) */
	ROW(417, "POST /mcp HTTP/1.1\r\n" HOST
		 "Expect: miracles\r\nContent-Length: 1\r\n\r\na"),
	/* foreign origins and hosts on a loopback address */
	ROW(403, "GET /mcp HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
	ROW(403, "GET /mcp HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n"),
	ROW(403,
	    "GET /mcp HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n\r\n"),
	ROW(403, "GET /mcp HTTP/1.1\r\n" HOST "Origin: null\r\n\r\n"),
	ROW(403, "GET /.well-known/x HTTP/1.1\r\n" HOST
		 "Origin: https://evil.example\r\n\r\n"),
};

/* A request that works: nobody else was harmed. */
static void
expect_service(void)
{
	struct client c;

	ask(&c, "GET", "answer 200 text/plain ok", "", NULL, 200);
	assert_body(&c, "ok");
	client_close(&c);
}

START_TEST(bad_request_is_refused)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ck_assert_int_eq(client_send(&c, rows[_i].text, rows[_i].len, SOON), 0);
	(void)client_send(&c, NEXT, strlen(NEXT), SOON);
	(void)client_read_answer(&c, SOON);
	ck_assert_msg(c.end == CLIENT_COMPLETE && c.status == rows[_i].status,
	    "status %d (%s), not %d, for:\n%s", c.status,
	    client_end_name(c.end), rows[_i].status, rows[_i].text);
	if (rows[_i].status == 400)
		ck_assert_int_ne(client_wait_closed(&c, SOON), -ETIMEDOUT);
	expect_service();
	client_close(&c);
}
END_TEST

/* The bodies of 400s: the origin must not have seen what followed. */
START_TEST(nothing_is_smuggled)
{
	struct client c;

	rig_start(NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].status != 400)
			continue;
		ask_open(&c);
		(void)client_send(&c, rows[i].text, rows[i].len, SOON);
		(void)client_send(&c, NEXT, strlen(NEXT), SOON);
		ck_assert_int_ne(client_wait_closed(&c, SOON), -ETIMEDOUT);
		client_close(&c);
	}
	rig_assert_requests(0);
}
END_TEST

/* Bad chunks come behind a good head, so the head may have gone upstream. */
static const char *const bad_chunks[] = {
	"xyz\r\nabc\r\n0\r\n\r\n",
	"3\r\nabcd\r\n0\r\n\r\n",
	"3\r\nabc0\r\n\r\n",
	"3\nabc\r\n0\r\n\r\n",
	"3\r\nabc\n0\r\n\r\n",
	"-1\r\nabc\r\n0\r\n\r\n",
	"0x3\r\nabc\r\n0\r\n\r\n",
	"ffffffffffffffff1\r\nabc\r\n",
	"3 \x01\r\nabc\r\n0\r\n\r\n",
	"\r\n3\r\nabc\r\n0\r\n\r\n",
};

START_TEST(bad_chunks_are_refused)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ck_assert_int_eq(client_sendf(&c,
			     "POST /mcp HTTP/1.1\r\n" HOST
			     "Transfer-Encoding: chunked\r\n\r\n%s" NEXT,
			     bad_chunks[_i]),
	    0);
	(void)client_read_answer(&c, SOON);
	ck_assert_msg(c.end == CLIENT_COMPLETE && c.status == 400,
	    "status %d (%s)", c.status, client_end_name(c.end));
	ck_assert_int_ne(client_wait_closed(&c, SOON), -ETIMEDOUT);
	expect_service();
	ck_assert(!file_has(rig.log, "/smuggled"));
	ck_assert(!file_has(rig.log, "\"complete\":true,\"text\":\"abc\""));
	client_close(&c);
}
END_TEST

/* What other protocols say first.  Time limits must play no part in it. */
#define FOREIGN(text)                                                          \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}
static const struct {
	const char *text;
	size_t len;
} foreign_rows[] = {
	FOREIGN("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
	FOREIGN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	FOREIGN("SSH-2.0-OpenSSH_9.2\r\n"),
	FOREIGN("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
	FOREIGN("\r\n\r\n\0\r\nQUIT\n"),
	FOREIGN("\0\0\0\0"),
	FOREIGN("{\"jsonrpc\":\"2.0\"}\n"),
};

START_TEST(other_protocols_are_refused_at_once)
{
	struct client c;

	rig_start("--set", "client.head_timeout=1h", "--set",
	    "client.idle_timeout=1h", NULL);
	ask_open(&c);
	ck_assert_int_eq(
	    client_send(&c, foreign_rows[_i].text, foreign_rows[_i].len, SOON),
	    0);
	ck_assert_int_ne(client_wait_closed(&c, SOON), -ETIMEDOUT);
	expect_service();
	rig_assert_requests(1);
	client_close(&c);
}
END_TEST

static const char *const good_access[] = {
	"Host: localhost\r\n",
	"Host: LOCALHOST:1\r\n",
	"Host: 127.0.0.1\r\n",
	"Host: [::1]:8080\r\n",
	"Host: localhost\r\nOrigin: http://localhost:5173\r\n",
	"Host: localhost\r\nOrigin: http://127.0.0.1\r\n",
};

START_TEST(own_origins_and_hosts_are_served)
{
	struct client c;

	rig_start(NULL);
	ask_open(&c);
	ck_assert_int_eq(
	    client_sendf(&c, "GET /mcp HTTP/1.1\r\n%s\r\n", good_access[_i]),
	    0);
	ask_answer(&c, 200);
	client_close(&c);
}
END_TEST

START_TEST(foreign_access_can_be_allowed)
{
	struct client c;

	rig_start("--set", "security.allowed_hosts=mcp.example", "--set",
	    "security.allowed_origins=https://app.example", NULL);
	ask_open(&c);
	ck_assert_int_eq(
	    client_sendf(&c, "GET /mcp HTTP/1.1\r\nHost: mcp.example:80\r\n"
			     "Origin: https://app.example\r\n\r\n"),
	    0);
	ask_answer(&c, 200);
	client_close(&c);
}
END_TEST

/* The upstream is a peer as well. */
static const char *const bad_answers[] = {
	"bytes \"HTTP/1.1 200 OK\\r\\nContent-Length: 1\\r\\n"
	"Transfer-Encoding: chunked\\r\\n\\r\\n1\\r\\na\\r\\n0\\r\\n\\r\\n\"",
	"bytes \"HTTP/1.1 200 OK\\r\\nContent-Length: 1\\r\\n"
	"Content-Length: 2\\r\\n\\r\\nab\"",
	"bytes \"HTTP/1.1 200 OK\\r\\nX-A: b\\r\\n folded\\r\\n"
	"Content-Length: 0\\r\\n\\r\\n\"",
	"bytes \"HTTP/1.1 200 OK\\r\\nX A: b\\r\\nContent-Length: 0\\r\\n"
	"\\r\\n\"",
	"bytes \"HTTP/1.1 200 OK\\nContent-Length: 0\\n\\n\"; never",
	"bytes \"HTTP/1.1 2000 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\"",
	"bytes \"HTTP/1.1 200 OK\\r\\nX: \\0\\r\\nContent-Length: 0"
	"\\r\\n\\r\\n\"",
	"bytes \"ICY 200 OK\\r\\n\\r\\n\"",
	"bytes \"HTTP/1.1 101 Switching\\r\\nUpgrade: x\\r\\n\\r\\n\"; never",
	"bytes \"garbage\\r\\n\\r\\n\"; cut",
	"bytes \"HTTP/1.1 200 OK\\r\\nContent-Le\"; cut",
	"bytes \"HTTP/1.1 200 OK\\r\\nContent-Le\"; reset",
	"body; cut",
	"body; reset",
};

START_TEST(bad_answer_becomes_502)
{
	struct client c;

	rig_start(NULL);
	ask(&c, "POST", bad_answers[_i], "",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":\"n-1\"}", 502);
	assert_rpc_error(&c, "\"n-1\"");
	ck_assert(client_is_open(&c));
	rig_assert_requests(1);
	expect_service();
	client_close(&c);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "requests");

	tcase_add_loop_test(tc, bad_request_is_refused, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, nothing_is_smuggled);
	tcase_add_loop_test(
	    tc, bad_chunks_are_refused, 0, ARRAY_LEN(bad_chunks));
	tcase_add_loop_test(tc, other_protocols_are_refused_at_once, 0,
	    ARRAY_LEN(foreign_rows));
	tc = harness_case(suite, "access");
	tcase_add_loop_test(
	    tc, own_origins_and_hosts_are_served, 0, ARRAY_LEN(good_access));
	tcase_add_test(tc, foreign_access_can_be_allowed);
	tc = harness_case(suite, "answers");
	tcase_add_loop_test(
	    tc, bad_answer_becomes_502, 0, ARRAY_LEN(bad_answers));
}

int
main(void)
{
	return harness_main("smuggling", add_cases);
}
