/*
 * test_http_origin.c - who may come in.
 */
#include "config.h"

#include <check.h>
#include <errno.h>

#include "common/http_origin.h"
#include "tests/unit/unit.h"

/* clang-format off */
static const struct {
	const char *text;
	int rc;
	const char *host;
	int port;
} authority_rows[] = {
	{ "a", 0, "a", -1 },
	{ "mcp.example.org:8080", 0, "mcp.example.org", 8080 },
	{ "a_b-c.d~:1", 0, "a_b-c.d~", 1 },
	{ "a:", 0, "a", -1 },
	{ "a:0", 0, "a", 0 },
	{ "a:65535", 0, "a", 65535 },
	{ "127.0.0.1:80", 0, "127.0.0.1", 80 },
	{ "[::1]", 0, "[::1]", -1 },
	{ "[::1]:", 0, "[::1]", -1 },
	{ "[2001:db8::1]:80", 0, "[2001:db8::1]", 80 },
	{ "[::ffff:127.0.0.1]:80", 0, "[::ffff:127.0.0.1]", 80 },
	{ "", -EINVAL, NULL, 0 },
	{ ":80", -EINVAL, NULL, 0 },
	{ "a:65536", -EINVAL, NULL, 0 },
	{ "a:+1", -EINVAL, NULL, 0 },
	{ "a:1:2", -EINVAL, NULL, 0 },
	{ "a b", -EINVAL, NULL, 0 },
	{ "a/", -EINVAL, NULL, 0 },
	{ "u@a", -EINVAL, NULL, 0 },
	{ "a,b", -EINVAL, NULL, 0 },
	{ "a%2eb", -EINVAL, NULL, 0 },
	{ "\xc3\xa4", -EINVAL, NULL, 0 },
	{ "::1", -EINVAL, NULL, 0 },
	{ "[", -EINVAL, NULL, 0 },
	{ "[]", -EINVAL, NULL, 0 },
	{ "[::1", -EINVAL, NULL, 0 },
	{ "[::1]80", -EINVAL, NULL, 0 },
	{ "[::1%lo]", -EINVAL, NULL, 0 },
	{ "[127.0.0.1]", -EINVAL, NULL, 0 },
	{ "[::1]]", -EINVAL, NULL, 0 },
	{ "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]",
	    -EINVAL, NULL, 0 },
};

/* The lists that the rows below name. */
static const char *const listed_hosts[] = { "mcp.example.org",
	"other.example.org:8443", "not a host" };
static const char *const listed_origins[] = { "https://app.example.org",
	"http://dev.example.org:3000", "vscode-webview://abc", "null?" };
static const char *const any[] = { "*" };
static const char *const null_origin[] = { "null" };

#define LOOP_BARE { true, NULL, 0, NULL, 0 }
#define LOOP_LISTS { true, listed_origins, 4, listed_hosts, 3 }
#define OPEN_BARE { false, NULL, 0, NULL, 0 }
#define OPEN_LISTS { false, listed_origins, 4, listed_hosts, 3 }
#define LOOP_ANY { true, any, 1, any, 1 }
#define OPEN_NULL { false, null_origin, 1, NULL, 0 }

static const struct {
	struct http_access access;
	const char *host;
	bool want;
} host_rows[] = {
	{ LOOP_BARE, NULL, true },
	{ LOOP_BARE, "localhost", true },
	{ LOOP_BARE, "LocalHost:8080", true },
	{ LOOP_BARE, "localhost.", true },
	{ LOOP_BARE, "a.localhost:1", true },
	{ LOOP_BARE, "127.0.0.1:8080", true },
	{ LOOP_BARE, "127.9.9.9", true },
	{ LOOP_BARE, "[::1]:8080", true },
	{ LOOP_BARE, "[0:0:0:0:0:0:0:1]", true },
	{ LOOP_BARE, "evil.example", false },
	{ LOOP_BARE, "mcp.example.org", false },
	{ LOOP_BARE, "notlocalhost", false },
	{ LOOP_BARE, "localhost.evil.example", false },
	{ LOOP_BARE, ".localhost.evil", false },
	{ LOOP_BARE, "127.0.0.1.evil.example", false },
	{ LOOP_BARE, "127.1", false },
	{ LOOP_BARE, "128.0.0.1", false },
	{ LOOP_BARE, "0.0.0.0", false },
	{ LOOP_BARE, "[::2]", false },
	{ LOOP_BARE, "192.168.1.1", false },
	{ LOOP_BARE, "localhost:x", false },
	{ LOOP_LISTS, "mcp.example.org", true },
	{ LOOP_LISTS, "MCP.example.org:9999", true },
	{ LOOP_LISTS, "other.example.org:8443", true },
	{ LOOP_LISTS, "other.example.org", false },
	{ LOOP_LISTS, "other.example.org:80", false },
	{ LOOP_LISTS, "localhost", true },
	{ LOOP_LISTS, "evil.example", false },
	{ LOOP_ANY, "evil.example", true },
	{ OPEN_BARE, NULL, true },
	{ OPEN_BARE, "anything.example", true },
	{ OPEN_LISTS, NULL, false },
	{ OPEN_LISTS, "anything.example", false },
	{ OPEN_LISTS, "localhost", false },
	{ OPEN_LISTS, "mcp.example.org:80", true },
};

static const struct {
	struct http_access access;
	const char *origin, *host;
	bool want;
} origin_rows[] = {
	{ LOOP_BARE, NULL, "localhost", true },
	{ LOOP_BARE, "http://localhost:6274", "localhost:8080", true },
	{ LOOP_BARE, "https://localhost", "127.0.0.1:8080", true },
	{ LOOP_BARE, "http://127.0.0.1", NULL, true },
	{ LOOP_BARE, "http://[::1]:1", "localhost", true },
	{ LOOP_BARE, "http://evil.example", "localhost", false },
	{ LOOP_BARE, "http://evil.example", "evil.example", false },
	{ LOOP_BARE, "http://localhost.evil.example", "localhost", false },
	{ LOOP_BARE, "http://localhost@evil.example", "localhost", false },
	{ LOOP_BARE, "http://localhost/", "localhost", false },
	{ LOOP_BARE, "http://a http://localhost", "localhost", false },
	{ LOOP_BARE, "null", "localhost", false },
	{ LOOP_BARE, "", "localhost", false },
	{ LOOP_BARE, "localhost", "localhost", false },
	{ LOOP_BARE, "://localhost", "localhost", false },
	{ LOOP_BARE, "http:", "localhost", false },
	{ LOOP_BARE, "http://", "localhost", false },
	{ LOOP_LISTS, "https://app.example.org", "localhost", true },
	{ LOOP_LISTS, "https://APP.example.org:443", "localhost", true },
	{ LOOP_LISTS, "http://app.example.org", "localhost", false },
	{ LOOP_LISTS, "https://app.example.org:444", "localhost", false },
	{ LOOP_LISTS, "http://dev.example.org:3000", "localhost", true },
	{ LOOP_LISTS, "http://dev.example.org", "localhost", false },
	{ LOOP_LISTS, "vscode-webview://abc", "localhost", true },
	{ LOOP_LISTS, "vscode-webview://abcd", "localhost", false },
	{ LOOP_LISTS, "http://localhost", "localhost", true },
	{ LOOP_LISTS, "https://mcp.example.org", "mcp.example.org", false },
	{ LOOP_ANY, "http://evil.example", "localhost", true },
	{ LOOP_ANY, "null", "localhost", true },
	{ OPEN_BARE, NULL, "mcp.example.org", true },
	{ OPEN_BARE, "https://mcp.example.org", "mcp.example.org", true },
	{ OPEN_BARE, "https://MCP.example.org", "mcp.example.org:80", true },
	{ OPEN_BARE, "https://evil.example", "mcp.example.org", false },
	{ OPEN_BARE, "https://mcp.example.org", NULL, false },
	{ OPEN_BARE, "http://localhost", "mcp.example.org", false },
	{ OPEN_BARE, "null", "null", false },
	{ OPEN_LISTS, "https://app.example.org", "mcp.example.org", true },
	{ OPEN_LISTS, "https://mcp.example.org", "mcp.example.org", false },
	{ OPEN_NULL, "null", "mcp.example.org", true },
	{ OPEN_NULL, "Null", "mcp.example.org", false },
};
/* clang-format on */

static struct http_slice
slice_or_none(const char *text)
{
	return text == NULL ? (struct http_slice){ 0 } : http_slice_of(text);
}

START_TEST(authorities_are_split)
{
	struct http_slice host = http_slice_of("untouched");
	int port = 4711, rc;

	rc = http_authority_parse(
	    http_slice_of(authority_rows[_i].text), &host, &port);
	ck_assert_int_eq(rc, authority_rows[_i].rc);
	if (rc < 0) {
		ck_assert(http_slice_equals(host, http_slice_of("untouched")));
		ck_assert_int_eq(port, 4711);
		return;
	}
	ck_assert(
	    http_slice_equals(host, http_slice_of(authority_rows[_i].host)));
	ck_assert_int_eq(port, authority_rows[_i].port);
}
END_TEST

START_TEST(nul_hides_nothing_in_brackets)
{
	struct http_slice text = HTTP_SLICE("[::1\0.evil]"), host;
	int port;

	ck_assert_int_eq(http_authority_parse(text, &host, &port), -EINVAL);
}
END_TEST

START_TEST(hosts_are_judged)
{
	ck_assert_int_eq(http_host_allowed(&host_rows[_i].access,
			     slice_or_none(host_rows[_i].host)),
	    host_rows[_i].want);
}
END_TEST

START_TEST(origins_are_judged)
{
	ck_assert_int_eq(http_origin_allowed(&origin_rows[_i].access,
			     slice_or_none(origin_rows[_i].origin),
			     slice_or_none(origin_rows[_i].host)),
	    origin_rows[_i].want);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("origins");
	Suite *s = suite_create("http_origin");

	tcase_add_loop_test(
	    tc, authorities_are_split, 0, (int)ARRAY_LEN(authority_rows));
	tcase_add_test(tc, nul_hides_nothing_in_brackets);
	tcase_add_loop_test(tc, hosts_are_judged, 0, (int)ARRAY_LEN(host_rows));
	tcase_add_loop_test(
	    tc, origins_are_judged, 0, (int)ARRAY_LEN(origin_rows));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
