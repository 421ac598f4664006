/*
 * http_origin.c - who may come in, by Host and Origin.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "common/http_chars.h"
#include "common/http_origin.h"

/* What an Origin field or an entry of the list says. */
struct origin {
	struct http_slice scheme;
	struct http_slice host;
	int port; /* the scheme's own if none is given; -1: unknown */
};

/* The length of "[IPv6]" at the start of s, or 0. */
static uint32_t
bracketed_len(struct http_slice s)
{
	const char *close = memchr(s.p, ']', s.len);
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	size_t len;

	if (close == NULL)
		return 0;
	len = (size_t)(close - s.p) - 1;
	if (len >= sizeof(text) || memchr(s.p, '\0', s.len) != NULL)
		return 0;
	memcpy(text, s.p + 1, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, &addr) != 1)
		return 0;
	return (uint32_t)len + 2;
}

static uint32_t
host_len(struct http_slice s)
{
	if (s.len == 0)
		return 0;
	if (s.p[0] == '[')
		return bracketed_len(s);
	return (
	    uint32_t)(http_chars_skip(s.p, s.p + s.len, HTTP_CHAR_HOST) - s.p);
}

int
http_authority_parse(
    struct http_slice authority, struct http_slice *ret_host, int *ret_port)
{
	struct http_slice host = authority, rest = authority;
	int64_t port = -1;

	host.len = host_len(authority);
	if (host.len == 0)
		return -EINVAL;
	rest.p += host.len;
	rest.len -= host.len;
	if (rest.len > 0 && rest.p[0] != ':')
		return -EINVAL;
	if (rest.len > 1) {
		rest.p++;
		rest.len--;
		if (http_number_parse(rest, &port) < 0 || port > 65535)
			return -EINVAL;
	}
	*ret_host = host;
	*ret_port = (int)port;
	return 0;
}

/* Is it 127.0.0.0/8, written as four decimal numbers? */
static bool
is_loopback_ipv4(struct http_slice host)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr addr;

	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.p, host.len);
	text[host.len] = '\0';
	return inet_pton(AF_INET, text, &addr) == 1 &&
	       (ntohl(addr.s_addr) >> 24) == IN_LOOPBACKNET;
}

/* Is it localhost, or below it (RFC 6761 6.3)? */
static bool
is_localhost(struct http_slice host)
{
	static const struct http_slice localhost = HTTP_SLICE("localhost");

	if (host.len > 0 && host.p[host.len - 1] == '.')
		host.len--; /* the root */
	if (host.len > localhost.len) {
		host.p += host.len - localhost.len - 1;
		host.len = localhost.len + 1;
		if (host.p[0] != '.')
			return false;
		host.p++;
		host.len--;
	}
	return http_slice_equals_nocase(host, localhost);
}

static bool
is_loopback_ipv6(struct http_slice host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (host.len < 2 || host.p[0] != '[' || host.len - 2 >= sizeof(text))
		return false;
	memcpy(text, host.p + 1, host.len - 2);
	text[host.len - 2] = '\0';
	return inet_pton(AF_INET6, text, &addr) == 1 &&
	       IN6_IS_ADDR_LOOPBACK(&addr);
}

static bool
is_loopback_name(struct http_slice host)
{
	return is_localhost(host) || is_loopback_ipv4(host) ||
	       is_loopback_ipv6(host);
}

/* Does an entry of security.allowed_hosts allow this host and port? */
static bool
host_entry_allows(const char *entry, struct http_slice host, int port)
{
	struct http_slice name;
	int only_port;

	if (http_authority_parse(http_slice_of(entry), &name, &only_port) < 0)
		return false;
	return http_slice_equals_nocase(name, host) &&
	       (only_port < 0 || only_port == port);
}

bool
http_host_allowed(const struct http_access *access, struct http_slice host)
{
	struct http_slice name = { 0 };
	int port = -1;
	bool known =
	    host.p != NULL && http_authority_parse(host, &name, &port) == 0;

	for (size_t i = 0; i < access->host_count; i++) {
		const char *entry = access->hosts[i];

		if (strcmp(entry, "*") == 0 ||
		    (known && host_entry_allows(entry, name, port)))
			return true;
	}
	if (access->loopback)
		return host.p == NULL || (known && is_loopback_name(name));
	return access->host_count == 0;
}

/* The port that a scheme implies; -1: not known. */
static int
scheme_port(struct http_slice scheme)
{
	static const struct http_slice http = HTTP_SLICE("http");
	static const struct http_slice https = HTTP_SLICE("https");

	if (http_slice_equals_nocase(scheme, http))
		return 80;
	return http_slice_equals_nocase(scheme, https) ? 443 : -1;
}

/* Read "scheme://host[:port]" (RFC 6454 6.2); 0 or -EINVAL. */
static int
origin_parse(struct http_slice text, struct origin *ret)
{
	const char *end = text.p + text.len;
	const char *colon = http_chars_skip(text.p, end, HTTP_CHAR_TOKEN);
	struct origin origin;
	int rc;

	if (colon == text.p || end - colon < 3 || memcmp(colon, "://", 3) != 0)
		return -EINVAL;
	origin.scheme = http_slice_between(text.p, colon);
	rc = http_authority_parse(
	    http_slice_between(colon + 3, end), &origin.host, &origin.port);
	if (rc < 0)
		return rc;
	if (origin.port < 0)
		origin.port = scheme_port(origin.scheme);
	*ret = origin;
	return 0;
}

/* Does an entry of security.allowed_origins allow this origin? */
static bool
origin_entry_allows(const char *entry, const struct origin *origin)
{
	struct origin allowed;

	if (origin_parse(http_slice_of(entry), &allowed) < 0)
		return false;
	return http_slice_equals_nocase(allowed.scheme, origin->scheme) &&
	       http_slice_equals_nocase(allowed.host, origin->host) &&
	       allowed.port == origin->port;
}

/* Is the text in the list: as it stands, by "*", or as the same origin? */
static bool
origin_listed(const struct http_access *access, struct http_slice text,
    const struct origin *origin)
{
	for (size_t i = 0; i < access->origin_count; i++) {
		const char *entry = access->origins[i];

		if (strcmp(entry, "*") == 0 ||
		    http_slice_equals(http_slice_of(entry), text))
			return true;
		if (origin != NULL && origin_entry_allows(entry, origin))
			return true;
	}
	return false;
}

bool
http_origin_allowed(const struct http_access *access, struct http_slice text,
    struct http_slice host)
{
	struct origin origin;
	struct http_slice name;
	int port;
	bool known;

	if (text.p == NULL)
		return true;
	known = origin_parse(text, &origin) == 0;
	if (origin_listed(access, text, known ? &origin : NULL))
		return true;
	if (!known)
		return false;
	if (access->loopback)
		return is_loopback_name(origin.host);
	if (access->origin_count > 0 || host.p == NULL)
		return false;
	return http_authority_parse(host, &name, &port) == 0 &&
	       http_slice_equals_nocase(name, origin.host);
}
