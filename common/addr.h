/*
 * addr.h - the addresses that people write, and those that sockets have.
 *
 * Pure: nothing here asks a name server.
 */
#ifndef COMMON_ADDR_H
#define COMMON_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/sc.h"

/* The longest host (RFC 1035 2.3.4: 253) and URL path, with their NUL. */
#define ADDR_HOST_CAP 256
#define ADDR_PATH_CAP 1024

/* Room for "[v6%scope]:PORT", a host with its port, or a socket's path. */
#define ADDR_TEXT_CAP 272

/*
 * Where to listen: HOST:PORT, [v6]:PORT or :PORT.  host is a name or a
 * literal without brackets, and "" for all addresses; port 0 lets the
 * kernel choose.
 */
struct addr_endpoint {
	char host[ADDR_HOST_CAP];
	uint16_t port;
};

/* An upstream: http://host[:port][/path]. */
struct addr_url {
	char host[ADDR_HOST_CAP]; /* name or literal, without brackets */
	uint16_t port;            /* 80 if the URL names none */
	char path[ADDR_PATH_CAP]; /* begins with a slash, "/" at least */
};

/*
 * Parse an address to listen on.
 * Returns 0; or -EINVAL with *ret untouched and *ret_why (a string
 * constant) saying what is wrong and what would be right.
 */
SC_MUST_CHECK int addr_parse_endpoint(
    const char *text, struct addr_endpoint *ret, const char **ret_why);

/*
 * Parse an upstream's URL (RFC 3986, scheme http alone; no userinfo, query
 * or fragment).  Returns as addr_parse_endpoint() does.
 */
SC_MUST_CHECK int addr_parse_url(
    const char *text, struct addr_url *ret, const char **ret_why);

/*
 * The socket address of a host that is an IPv4 or IPv6 literal; with host
 * "" the IPv6 wildcard address, which serves IPv4 too where the socket is
 * not IPV6_V6ONLY.  Returns 0, or -ENOENT if host is a name.
 */
SC_MUST_CHECK int addr_from_literal(const char *host, uint16_t port,
    struct sockaddr_storage *ret, socklen_t *ret_len);

/*
 * Write HOST:PORT, with brackets about a host that has a colon, to buf (cap
 * at least ADDR_TEXT_CAP): what a Host field holds where the port is not
 * the scheme's own (RFC 9110 7.2).
 */
void addr_format_host(const char *host, uint16_t port, char *buf, size_t cap);

/*
 * Write a socket's address to buf (cap at least ADDR_TEXT_CAP): ADDR:PORT,
 * [v6]:PORT, "unix:PATH", or "unknown".
 */
void addr_format(const struct sockaddr *address, char *buf, size_t cap);

/*
 * Write an IPv6 address, or the IPv4 one that is mapped into it, as text to
 * buf: what X-Forwarded-For and the log have of a client.
 */
void addr_text(const uint8_t address[16], char buf[INET6_ADDRSTRLEN]);

/* The port of an IPv4 or IPv6 address; 0 for another family. */
uint16_t addr_port(const struct sockaddr *address);

/*
 * Whether only this machine can reach the address: 127.0.0.0/8, ::1, and
 * 127.0.0.0/8 mapped into IPv6.  False for other families.
 */
bool addr_is_loopback(const struct sockaddr *address);

/* Whether it stands for every address: 0.0.0.0, ::, and other families. */
bool addr_is_wildcard(const struct sockaddr *address);

/*
 * The same for a host, with or without brackets, as it stands in a URL or a
 * Host field (without its port): a literal as above, "localhost" or a name
 * below it (RFC 6761 6.3), in any case, with or without the final dot.
 */
bool addr_host_is_loopback(const char *host);

#endif
