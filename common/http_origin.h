/*
 * http_origin.h - may a request with this Host and this Origin come in?
 *
 * The upstream sees a rewritten Host, so its own check against DNS rebinding
 * is blind: the decision is made here (MCP: servers MUST validate Origin,
 * and answer 403 to one that is not allowed).  Pure decisions over lists.
 */
#ifndef COMMON_HTTP_ORIGIN_H
#define COMMON_HTTP_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/http_slice.h"
#include "common/sc.h"

/* What is allowed on one listening address; the lists are borrowed. */
struct http_access {
	bool loopback; /* the address is 127.0.0.0/8 or ::1 */
	/*
	 * security.allowed_origins: "https://app.example.org[:port]" (no port
	 * means the scheme's own), "null", or "*" for any.
	 */
	const char *const *origins;
	size_t origin_count;
	/*
	 * security.allowed_hosts: "name" for any port, "name:port" for that
	 * port, or "*" for any.
	 */
	const char *const *hosts;
	size_t host_count;
};

/*
 * Split host[:port].  The host is a name of letters, digits, '-', '.', '_'
 * and '~' (RFC 3986 3.2.2 allows more, which no real host has and which reads
 * as a list elsewhere), an IPv4 address, or an IPv6 address in brackets
 * (which stay on it).  *ret_port is -1 if there is none or it is empty.
 * Returns 0 or -EINVAL with the results untouched.
 */
SC_MUST_CHECK int http_authority_parse(
    struct http_slice authority, struct http_slice *ret_host, int *ret_port);

/*
 * May a request for this host (struct http_head's host) come in?
 * A host in the list may.  Beyond the list: on a loopback address localhost,
 * *.localhost, 127.0.0.0/8, [::1] and an absent host; on others anything, but
 * only if there is no list.
 */
bool http_host_allowed(
    const struct http_access *access, struct http_slice host);

/*
 * May a request with this Origin (p == NULL: absent) for this host come in?
 * An absent origin and one in the list may.  Beyond the list: on a loopback
 * address any origin whose host is a loopback name; on others one with the
 * same host name as the request's, but only if there is no list.
 */
bool http_origin_allowed(const struct http_access *access,
    struct http_slice origin, struct http_slice host);

#endif
