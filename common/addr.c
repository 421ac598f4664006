/*
 * addr.c - the addresses that people write, and those that sockets have.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "common/addr.h"

#define HTTP_PORT 80

static const char digits[] = "0123456789";
static const char name_characters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._";

/* --- parts of what people write ---------------------------------------- */

/* A decimal number up to 65535, and nothing else. */
static bool
parse_port(const char *text, uint16_t *ret)
{
	unsigned value = 0;
	size_t len = strlen(text);

	if (len == 0 || len > 5 || strspn(text, digits) != len)
		return false;
	for (; *text != '\0'; text++)
		value = value * 10 + (unsigned)(*text - '0');
	if (value > UINT16_MAX)
		return false;
	*ret = (uint16_t)value;
	return true;
}

/* Why host is no IPv4 literal or name; NULL if it is one, or empty. */
static const char *
check_name(const char *host)
{
	struct in_addr v4;

	if (host[0] == '\0')
		return NULL;
	if (strspn(host, name_characters) != strlen(host))
		return "the host has a character that no name has";
	if (strspn(host, "0123456789.") == strlen(host) &&
	    inet_pton(AF_INET, host, &v4) != 1)
		return "the host is not an IPv4 address";
	if (host[0] == '.' || host[0] == '-' || strstr(host, "..") != NULL)
		return "the host is not a name";
	return NULL;
}

/*
 * Take the host, and what follows it up to the end of text, apart.  ret_host
 * has ADDR_HOST_CAP bytes; *ret_rest is "" or begins with a colon.  Returns
 * what is wrong, or NULL; a host without brackets is yet to be checked.
 */
static const char *
split_host(const char *text, char *ret_host, const char **ret_rest)
{
	bool bracketed = text[0] == '[';
	const char *start = bracketed ? text + 1 : text;
	size_t len = strcspn(start, bracketed ? "]" : ":");
	struct in6_addr v6;

	if (bracketed && start[len] != ']')
		return "the bracket of the IPv6 address is not closed";
	*ret_rest = start + len + (bracketed ? 1 : 0);
	if (!bracketed && **ret_rest == ':' &&
	    strchr(*ret_rest + 1, ':') != NULL)
		return "an IPv6 address stands in brackets, as in [::1]:8080";
	if (**ret_rest != '\0' && **ret_rest != ':')
		return "after the IPv6 address only a colon and a port may "
		       "stand";
	if (len >= ADDR_HOST_CAP)
		return "the host is too long";
	memcpy(ret_host, start, len);
	ret_host[len] = '\0';
	if (bracketed && inet_pton(AF_INET6, ret_host, &v6) != 1)
		return "what stands in brackets is not an IPv6 address";
	return NULL;
}

static const char *
parse_endpoint(const char *text, struct addr_endpoint *ret)
{
	const char *rest, *why;

	if (text[0] == '*')
		return "use :PORT for all addresses";
	if (strstr(text, "://") != NULL)
		return "use HOST:PORT, [IPV6]:PORT or :PORT, not a URL";
	why = split_host(text, ret->host, &rest);
	if (why != NULL)
		return why;
	if (rest[0] != ':')
		return "the port is missing: use HOST:PORT, [IPV6]:PORT or "
		       ":PORT";
	if (!parse_port(rest + 1, &ret->port))
		return "the port is not a number from 0 to 65535";
	return text[0] == '[' ? NULL : check_name(ret->host);
}

int
addr_parse_endpoint(
    const char *text, struct addr_endpoint *ret, const char **ret_why)
{
	struct addr_endpoint endpoint = { .port = 0 };
	const char *why = parse_endpoint(text, &endpoint);

	if (why != NULL) {
		*ret_why = why;
		return -EINVAL;
	}
	*ret = endpoint;
	return 0;
}

/* --- URLs -------------------------------------------------------------- */

/* Why text is not the path of an upstream; NULL if it is. */
static const char *
check_path(const char *text)
{
	if (strlen(text) >= ADDR_PATH_CAP)
		return "the path is too long";
	for (; *text != '\0'; text++) {
		if (*text == '?')
			return "an upstream has no query: leave out what "
			       "begins with ?";
		if (*text == '#')
			return "an upstream has no fragment: leave out what "
			       "begins with #";
		if (*text <= ' ' || *text > '~' ||
		    strchr("\"<>\\^`{|}", *text) != NULL)
			return "the path has a character that a URL may not "
			       "have: write it as %XX";
		if (*text == '%' &&
		    strspn(text + 1, "0123456789abcdefABCDEF") < 2)
			return "in the path, % is not followed by two "
			       "hexadecimal digits";
	}
	return NULL;
}

/* "host", "host:port", "[v6]" or "[v6]:port" (RFC 3986 3.2). */
static const char *
parse_authority(const char *text, struct addr_url *ret)
{
	const char *rest, *why;

	if (strchr(text, '@') != NULL)
		return "user and password in the URL are not supported";
	why = split_host(text, ret->host, &rest);
	if (why != NULL)
		return why;
	if (ret->host[0] == '\0')
		return "the host is missing: use http://HOST:PORT/PATH";
	why = text[0] == '[' ? NULL : check_name(ret->host);
	if (why != NULL)
		return why;
	ret->port = HTTP_PORT;
	if (rest[0] == '\0' || rest[1] == '\0') /* "host:" is allowed */
		return NULL;
	if (!parse_port(rest + 1, &ret->port) || ret->port == 0)
		return "the port is not a number from 1 to 65535";
	return NULL;
}

static const char *
parse_url(const char *text, struct addr_url *ret)
{
	static const char http[] = "http://", https[] = "https://";
	char authority[ADDR_HOST_CAP + 16];
	const char *path, *why;
	size_t len;

	if (strncasecmp(text, https, strlen(https)) == 0)
		return "https upstreams are not supported yet: use http://";
	if (strncasecmp(text, http, strlen(http)) != 0)
		return "use http://HOST:PORT/PATH";
	text += strlen(http);
	len = strcspn(text, "/?#");
	path = text + len;
	if (len >= sizeof(authority))
		return "the host is too long";
	memcpy(authority, text, len);
	authority[len] = '\0';
	why = parse_authority(authority, ret);
	if (why == NULL)
		why = check_path(path);
	if (why == NULL)
		strcpy(ret->path, *path != '\0' ? path : "/");
	return why;
}

int
addr_parse_url(const char *text, struct addr_url *ret, const char **ret_why)
{
	struct addr_url url = { .port = 0 };
	const char *why = parse_url(text, &url);

	if (why != NULL) {
		*ret_why = why;
		return -EINVAL;
	}
	*ret = url;
	return 0;
}

/* --- socket addresses -------------------------------------------------- */

int
addr_from_literal(const char *host, uint16_t port, struct sockaddr_storage *ret,
    socklen_t *ret_len)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	v4.sin_port = htons(port);
	v6.sin6_port = htons(port);
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		memcpy(ret, &v4, sizeof(v4));
		*ret_len = sizeof(v4);
		return 0;
	}
	if (host[0] != '\0' && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
		return -ENOENT;
	memcpy(ret, &v6, sizeof(v6));
	*ret_len = sizeof(v6);
	return 0;
}

void
addr_format_host(const char *host, uint16_t port, char *buf, size_t cap)
{
	bool v6 = strchr(host, ':') != NULL;

	(void)snprintf(buf, cap, "%s%s%s:%" PRIu16, v6 ? "[" : "", host,
	    v6 ? "]" : "", port);
}

void
addr_format(const struct sockaddr *address, char *buf, size_t cap)
{
	char text[INET6_ADDRSTRLEN] = "";
	const void *from = address;

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = from;

		(void)inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		addr_format_host(text, ntohs(v4->sin_port), buf, cap);
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = from;

		(void)inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
		addr_format_host(text, ntohs(v6->sin6_port), buf, cap);
	} else if (address->sa_family == AF_UNIX) {
		const struct sockaddr_un *sun = from;

		(void)snprintf(buf, cap, "unix:%.*s",
		    (int)sizeof(sun->sun_path), sun->sun_path);
	} else {
		(void)snprintf(buf, cap, "unknown");
	}
}

uint16_t
addr_port(const struct sockaddr *address)
{
	const void *from = address;

	if (address->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)from)->sin_port);
	if (address->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)from)->sin6_port);
	return 0;
}

/* Each request has it written: this is a tenth of what inet_ntop() takes. */
static char *
write_octet(char *p, unsigned octet)
{
	if (octet >= 100)
		*p++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*p++ = (char)('0' + octet / 10 % 10);
	*p++ = (char)('0' + octet % 10);
	return p;
}

void
addr_text(const uint8_t address[16], char buf[INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char *p = buf;
	int i;

	if (memcmp(address, mapped, sizeof(mapped)) != 0) {
		(void)inet_ntop(AF_INET6, address, buf, INET6_ADDRSTRLEN);
		return;
	}
	for (i = 12; i < 16; i++) {
		p = write_octet(p, address[i]);
		*p++ = i < 15 ? '.' : '\0';
	}
}

/* --- loopback ---------------------------------------------------------- */

static bool
v4_is_loopback(const unsigned char octets[4])
{
	return octets[0] == IN_LOOPBACKNET;
}

static bool
v6_is_loopback(const struct in6_addr *v6)
{
	return IN6_IS_ADDR_LOOPBACK(v6) ||
	       (IN6_IS_ADDR_V4MAPPED(v6) && v4_is_loopback(v6->s6_addr + 12));
}

bool
addr_is_loopback(const struct sockaddr *address)
{
	const void *from = address;

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = from;
		unsigned char octets[4];

		memcpy(octets, &v4->sin_addr, sizeof(octets));
		return v4_is_loopback(octets);
	}
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = from;

		return v6_is_loopback(&v6->sin6_addr);
	}
	return false;
}

bool
addr_is_wildcard(const struct sockaddr *address)
{
	const void *from = address;

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = from;

		return v4->sin_addr.s_addr == htonl(INADDR_ANY);
	}
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = from;

		return IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
	}
	return true;
}

/* "localhost" itself, or a name that ends in ".localhost". */
static bool
name_is_loopback(const char *name, size_t len)
{
	static const char localhost[] = "localhost";
	size_t tail = strlen(localhost);

	if (len < tail || strncasecmp(name + len - tail, localhost, tail) != 0)
		return false;
	return len == tail || name[len - tail - 1] == '.';
}

bool
addr_host_is_loopback(const char *host)
{
	size_t len = strlen(host);
	struct sockaddr_storage address;
	char literal[INET6_ADDRSTRLEN];
	socklen_t address_len;

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	} else if (len > 1 && host[len - 1] == '.') {
		len--;
	}
	if (name_is_loopback(host, len))
		return true;
	if (len == 0 || len >= sizeof(literal))
		return false;
	memcpy(literal, host, len);
	literal[len] = '\0';
	return addr_from_literal(literal, 0, &address, &address_len) == 0 &&
	       addr_is_loopback((const struct sockaddr *)&address);
}
