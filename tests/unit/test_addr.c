/*
 * test_addr.c - addresses and URLs, as people write them and sockets have
 * them.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include <check.h>

#include "common/addr.h"
#include "tests/unit/unit.h"

/* --- what people write ------------------------------------------------- */

static const struct {
	const char *text, *host;
	unsigned port;
} endpoint_rows[] = {
	{ "127.0.0.1:8080", "127.0.0.1", 8080 },
	{ "localhost:1", "localhost", 1 },
	{ "my_host-2.example.:65535", "my_host-2.example.", 65535 },
	{ "[::1]:8080", "::1", 8080 },
	{ "[::ffff:127.0.0.1]:0", "::ffff:127.0.0.1", 0 },
	{ ":8080", "", 8080 },
	{ ":0", "", 0 },
	{ "h:00080", "h", 80 },
};

START_TEST(endpoints_are_parsed)
{
	struct addr_endpoint endpoint;
	const char *why = NULL;
	int r = addr_parse_endpoint(endpoint_rows[_i].text, &endpoint, &why);

	ck_assert_msg(r == 0, "%s: %s", endpoint_rows[_i].text, why);
	ck_assert_str_eq(endpoint.host, endpoint_rows[_i].host);
	ck_assert_uint_eq(endpoint.port, endpoint_rows[_i].port);
}
END_TEST

static const struct {
	const char *text, *why;
} bad_endpoint_rows[] = {
	{ "", "the port is missing: use HOST:PORT, [IPV6]:PORT or :PORT" },
	{ "8080", "the port is missing: use HOST:PORT, [IPV6]:PORT or :PORT" },
	{ "host", "the port is missing: use HOST:PORT, [IPV6]:PORT or :PORT" },
	{ "[::1]", "the port is missing: use HOST:PORT, [IPV6]:PORT or "
		   ":PORT" },
	{ "host:", "the port is not a number from 0 to 65535" },
	{ "host:http", "the port is not a number from 0 to 65535" },
	{ "host:65536", "the port is not a number from 0 to 65535" },
	{ "host:-1", "the port is not a number from 0 to 65535" },
	{ "host: 1", "the port is not a number from 0 to 65535" },
	{ "host:000080", "the port is not a number from 0 to 65535" },
	{ "::1:8080", "an IPv6 address stands in brackets, as in [::1]:8080" },
	{ "[::1:8080", "the bracket of the IPv6 address is not closed" },
	{ "[::1]8080", "after the IPv6 address only a colon and a port may "
		       "stand" },
	{ "[::g]:1", "what stands in brackets is not an IPv6 address" },
	{ "[]:1", "what stands in brackets is not an IPv6 address" },
	{ "[127.0.0.1]:1", "what stands in brackets is not an IPv6 address" },
	{ "256.0.0.1:1", "the host is not an IPv4 address" },
	{ "1.2.3:1", "the host is not an IPv4 address" },
	{ "a b:1", "the host has a character that no name has" },
	{ "a/b:1", "the host has a character that no name has" },
	{ "-a:1", "the host is not a name" },
	{ "a..b:1", "the host is not a name" },
	{ "*:8080", "use :PORT for all addresses" },
	{ "http://a:80", "use HOST:PORT, [IPV6]:PORT or :PORT, not a URL" },
};

START_TEST(bad_endpoints_are_told)
{
	struct addr_endpoint endpoint = { .host = "untouched" };
	const char *why = NULL;

	ck_assert_int_eq(
	    addr_parse_endpoint(bad_endpoint_rows[_i].text, &endpoint, &why),
	    -EINVAL);
	ck_assert_str_eq(why, bad_endpoint_rows[_i].why);
	ck_assert_str_eq(endpoint.host, "untouched");
}
END_TEST

static const struct {
	const char *text, *host;
	unsigned port;
	const char *path;
} url_rows[] = {
	{ "http://localhost:3000/mcp", "localhost", 3000, "/mcp" },
	{ "http://localhost", "localhost", 80, "/" },
	{ "http://localhost:/", "localhost", 80, "/" },
	{ "HTTP://Example.org/", "Example.org", 80, "/" },
	{ "http://[::1]:9/a/b%20c", "::1", 9, "/a/b%20c" },
	{ "http://[::1]/x", "::1", 80, "/x" },
	{ "http://10.0.0.1/~a;b=c,d@e:f", "10.0.0.1", 80, "/~a;b=c,d@e:f" },
};

START_TEST(urls_are_parsed)
{
	struct addr_url url;
	const char *why = NULL;
	int r = addr_parse_url(url_rows[_i].text, &url, &why);

	ck_assert_msg(r == 0, "%s: %s", url_rows[_i].text, why);
	ck_assert_str_eq(url.host, url_rows[_i].host);
	ck_assert_uint_eq(url.port, url_rows[_i].port);
	ck_assert_str_eq(url.path, url_rows[_i].path);
}
END_TEST

static const struct {
	const char *text, *why;
} bad_url_rows[] = {
	{ "", "use http://HOST:PORT/PATH" },
	{ "localhost:3000", "use http://HOST:PORT/PATH" },
	{ "ftp://a/", "use http://HOST:PORT/PATH" },
	{ "https://a/", "https upstreams are not supported yet: use http://" },
	{ "http://", "the host is missing: use http://HOST:PORT/PATH" },
	{ "http:///x", "the host is missing: use http://HOST:PORT/PATH" },
	{ "http://:80/", "the host is missing: use http://HOST:PORT/PATH" },
	{ "http://u:p@a/", "user and password in the URL are not supported" },
	{ "http://a:0/", "the port is not a number from 1 to 65535" },
	{ "http://a:65536/", "the port is not a number from 1 to 65535" },
	{ "http://a:b/", "the port is not a number from 1 to 65535" },
	{ "http://::1/", "an IPv6 address stands in brackets, as in "
			 "[::1]:8080" },
	{ "http://1.2.3/", "the host is not an IPv4 address" },
	{ "http://a?b", "an upstream has no query: leave out what begins "
			"with ?" },
	{ "http://a/?b", "an upstream has no query: leave out what begins "
			 "with ?" },
	{ "http://a/#b", "an upstream has no fragment: leave out what begins "
			 "with #" },
	{ "http://a/b c", "the path has a character that a URL may not have: "
			  "write it as %XX" },
	{ "http://a/\r\nX: y", "the path has a character that a URL may not "
			       "have: write it as %XX" },
	{ "http://a/\xc3\xa9", "the path has a character that a URL may not "
			       "have: write it as %XX" },
	{ "http://a/%2", "in the path, % is not followed by two hexadecimal "
			 "digits" },
};

START_TEST(bad_urls_are_told)
{
	struct addr_url url = { .host = "untouched" };
	const char *why = NULL;

	ck_assert_int_eq(
	    addr_parse_url(bad_url_rows[_i].text, &url, &why), -EINVAL);
	ck_assert_str_eq(why, bad_url_rows[_i].why);
	ck_assert_str_eq(url.host, "untouched");
}
END_TEST

START_TEST(long_texts_are_refused)
{
	static const char http[] = "http://";
	char text[4096];
	struct addr_endpoint endpoint;
	struct addr_url url;
	const char *why;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, http, strlen(http));
	ck_assert_int_eq(addr_parse_url(text, &url, &why), -EINVAL);
	ck_assert_str_eq(why, "the host is too long");
	text[strlen(http) + ADDR_HOST_CAP] = '/';
	ck_assert_int_eq(addr_parse_url(text, &url, &why), -EINVAL);
	ck_assert_str_eq(why, "the host is too long");
	text[strlen(http) + ADDR_HOST_CAP - 1] = '/';
	ck_assert_int_eq(addr_parse_url(text, &url, &why), -EINVAL);
	ck_assert_str_eq(why, "the path is too long");
	memset(text, 'a', ADDR_HOST_CAP);
	strcpy(text + ADDR_HOST_CAP, ":1");
	ck_assert_int_eq(addr_parse_endpoint(text, &endpoint, &why), -EINVAL);
	ck_assert_str_eq(why, "the host is too long");
	strcpy(text + ADDR_HOST_CAP - 1, ":1");
	ck_assert_int_eq(addr_parse_endpoint(text, &endpoint, &why), 0);
}
END_TEST

/* --- what sockets have ------------------------------------------------- */

static const struct {
	const char *host;
	unsigned port;
	const char *text;
	bool loopback;
} literal_rows[] = {
	{ "127.0.0.1", 8080, "127.0.0.1:8080", true },
	{ "127.255.0.9", 0, "127.255.0.9:0", true },
	{ "128.0.0.1", 80, "128.0.0.1:80", false },
	{ "0.0.0.0", 80, "0.0.0.0:80", false },
	{ "::1", 80, "[::1]:80", true },
	{ "::", 80, "[::]:80", false },
	{ "", 80, "[::]:80", false },
	{ "::ffff:127.0.0.1", 1, "[::ffff:127.0.0.1]:1", true },
	{ "::ffff:10.0.0.1", 1, "[::ffff:10.0.0.1]:1", false },
	{ "fe80::1", 65535, "[fe80::1]:65535", false },
};

START_TEST(literals_become_addresses)
{
	struct sockaddr_storage storage;
	const struct sockaddr *address = (struct sockaddr *)&storage;
	char text[ADDR_TEXT_CAP];
	socklen_t len = 0;

	ck_assert_int_eq(addr_from_literal(literal_rows[_i].host,
			     (uint16_t)literal_rows[_i].port, &storage, &len),
	    0);
	ck_assert_uint_eq(len, storage.ss_family == AF_INET
				   ? sizeof(struct sockaddr_in)
				   : sizeof(struct sockaddr_in6));
	addr_format(address, text, sizeof(text));
	ck_assert_str_eq(text, literal_rows[_i].text);
	ck_assert_uint_eq(addr_port(address), literal_rows[_i].port);
	ck_assert(addr_is_loopback(address) == literal_rows[_i].loopback);
}
END_TEST

START_TEST(wildcards_are_told_from_other_addresses)
{
	const char *host = literal_rows[_i].host;
	struct sockaddr_storage storage;
	socklen_t len;

	ck_assert_int_eq(addr_from_literal(host, 1, &storage, &len), 0);
	ck_assert(addr_is_wildcard((const struct sockaddr *)&storage) ==
		  (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 ||
		      host[0] == '\0'));
}
END_TEST

START_TEST(names_are_no_literals)
{
	struct sockaddr_storage storage;
	socklen_t len;

	ck_assert_int_eq(
	    addr_from_literal("localhost", 1, &storage, &len), -ENOENT);
	ck_assert_int_eq(
	    addr_from_literal("1.2.3", 1, &storage, &len), -ENOENT);
}
END_TEST

START_TEST(other_families_are_written_and_never_loopback)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	const struct sockaddr *address = (const struct sockaddr *)&sun;
	char text[ADDR_TEXT_CAP];

	memset(sun.sun_path, 'x', sizeof(sun.sun_path));
	addr_format(address, text, sizeof(text));
	ck_assert_uint_eq(strlen(text), strlen("unix:") + sizeof(sun.sun_path));
	ck_assert(!addr_is_loopback(address));
	ck_assert(addr_is_wildcard(address));
	ck_assert_uint_eq(addr_port(address), 0);
	addr_format(&none, text, sizeof(text));
	ck_assert_str_eq(text, "unknown");
}
END_TEST

static const struct {
	const char *host;
	bool loopback;
} host_rows[] = {
	{ "localhost", true },
	{ "LocalHost.", true },
	{ "a.localhost", true },
	{ "127.0.0.1", true },
	{ "127.1.2.3", true },
	{ "::1", true },
	{ "[::1]", true },
	{ "[::ffff:127.0.0.1]", true },
	{ "", false },
	{ ".", false },
	{ "[]", false },
	{ "notlocalhost", false },
	{ "localhost.example.org", false },
	{ "127.0.0.1.example.org", false },
	{ "10.0.0.1", false },
	{ "::2", false },
	{ "[::1", false },
	{ "0.0.0.0", false },
};

START_TEST(a_peers_address_is_written_as_inet_ntop_does)
{
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN], want[INET6_ADDRSTRLEN];
	unsigned octet;

	for (octet = 0; octet < 256; octet++) {
		address[12] = (uint8_t)octet;
		address[13] = (uint8_t)(octet * 7);
		address[14] = (uint8_t)(255 - octet);
		address[15] = (uint8_t)(octet / 2);
		addr_text(address, text);
		inet_ntop(AF_INET, address + 12, want, sizeof(want));
		ck_assert_str_eq(text, want);
	}
	address[0] = 0x20;
	addr_text(address, text);
	inet_ntop(AF_INET6, address, want, sizeof(want));
	ck_assert_str_eq(text, want);
}
END_TEST

START_TEST(hosts_are_told_to_be_loopback)
{
	ck_assert_msg(
	    addr_host_is_loopback(host_rows[_i].host) == host_rows[_i].loopback,
	    "%s", host_rows[_i].host);
}
END_TEST

START_TEST(hosts_get_brackets_where_needed)
{
	char text[ADDR_TEXT_CAP];

	addr_format_host("example.org", 8080, text, sizeof(text));
	ck_assert_str_eq(text, "example.org:8080");
	addr_format_host("::1", 80, text, sizeof(text));
	ck_assert_str_eq(text, "[::1]:80");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("addr");
	TCase *tc = tcase_create("addr");

	tcase_add_loop_test(
	    tc, endpoints_are_parsed, 0, (int)ARRAY_LEN(endpoint_rows));
	tcase_add_loop_test(
	    tc, bad_endpoints_are_told, 0, (int)ARRAY_LEN(bad_endpoint_rows));
	tcase_add_loop_test(tc, urls_are_parsed, 0, (int)ARRAY_LEN(url_rows));
	tcase_add_loop_test(
	    tc, bad_urls_are_told, 0, (int)ARRAY_LEN(bad_url_rows));
	tcase_add_test(tc, long_texts_are_refused);
	tcase_add_loop_test(
	    tc, literals_become_addresses, 0, (int)ARRAY_LEN(literal_rows));
	tcase_add_loop_test(tc, wildcards_are_told_from_other_addresses, 0,
	    (int)ARRAY_LEN(literal_rows));
	tcase_add_test(tc, names_are_no_literals);
	tcase_add_test(tc, other_families_are_written_and_never_loopback);
	tcase_add_test(tc, a_peers_address_is_written_as_inet_ntop_does);
	tcase_add_loop_test(
	    tc, hosts_are_told_to_be_loopback, 0, (int)ARRAY_LEN(host_rows));
	tcase_add_test(tc, hosts_get_brackets_where_needed);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
