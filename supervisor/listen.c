/*
 * listen.c - the listening sockets.
 */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/fd.h"
#include "common/log.h"
#include "supervisor/complain.h"
#include "supervisor/listen.h"

#define BACKLOG 4096

/* --- one socket -------------------------------------------------------- */

/* Where the kernel says that it is bound. */
static void
format_bound(int fd, char *buf, size_t cap)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(address);

	(void)getsockname(fd, (struct sockaddr *)&address, &len);
	addr_format((const struct sockaddr *)&address, buf, cap);
}

static int
set_options(int fd, int family, bool v6_only)
{
	int on = 1, only = v6_only;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0)
		return -errno;
	/* What is accepted inherits these. */
	return fd_set_stream_options(fd);
}

/* A listening socket, or -errno. */
static int
open_socket(const struct sockaddr *address, socklen_t len, bool v6_only)
{
	int fd, r;

	fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = set_options(fd, address->sa_family, v6_only);
	if (r == 0 && bind(fd, address, len) < 0)
		r = -errno;
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r < 0) {
		fd_close(&fd);
		return r;
	}
	return fd;
}

/* Add a socket to the list: 0 or -errno. */
static int
add_socket(struct listeners *l, const struct sockaddr *address, socklen_t len,
    bool v6_only)
{
	struct listener *grown;
	int fd;

	fd = open_socket(address, len, v6_only);
	if (fd < 0)
		return fd;
	grown = realloc(l->items, (l->count + 1) * sizeof(*grown));
	if (grown == NULL) {
		fd_close(&fd);
		return -ENOMEM;
	}
	l->items = grown;
	l->items[l->count].fd = fd;
	format_bound(fd, l->items[l->count].text, ADDR_TEXT_CAP);
	l->count++;
	return 0;
}

/* --- one address of the configuration ---------------------------------- */

/* Errors that only mean that this family is not in use here. */
static bool
is_no_such_family(int r)
{
	return r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL;
}

/* All addresses of this machine: one socket for IPv6 and IPv4, or IPv4. */
static int
open_wildcard(struct listeners *l, uint16_t port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
		.sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int r;

	r = add_socket(l, (const struct sockaddr *)&six, sizeof(six), false);
	if (is_no_such_family(r))
		r = add_socket(
		    l, (const struct sockaddr *)&four, sizeof(four), false);
	return r;
}

/* Every address that the name has; at least one must do. */
static int
open_found(struct listeners *l, const struct addrinfo *found, bool first_only)
{
	int r, failed = -EADDRNOTAVAIL;
	size_t before = l->count;

	for (; found != NULL; found = found->ai_next) {
		r = add_socket(l, found->ai_addr, found->ai_addrlen, true);
		if (r < 0 && !is_no_such_family(r))
			return r;
		if (r < 0)
			failed = r;
		else if (first_only)
			break;
	}
	return l->count > before ? 0 : failed;
}

/* Look the host up and bind what it has; logs the failure. */
static int
open_host(
    struct listeners *l, const char *text, const struct addr_endpoint *endpoint)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char port[8];
	int r;

	(void)snprintf(port, sizeof(port), "%u", endpoint->port);
	r = getaddrinfo(endpoint->host, port, &hints, &found);
	if (r != 0) {
		complain("listen %s: %s", text,
		    r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return -EADDRNOTAVAIL;
	}
	r = open_found(l, found, endpoint->port == 0);
	freeaddrinfo(found);
	if (r < 0)
		complain("listen %s: %s", text, strerror(-r));
	return r;
}

static int
open_endpoint(struct listeners *l, const char *text)
{
	struct addr_endpoint endpoint;
	const char *why;
	int r;

	r = addr_parse_endpoint(text, &endpoint, &why);
	if (r < 0) {
		complain("listen %s: %s", text, why);
		return r;
	}
	if (endpoint.host[0] != '\0')
		return open_host(l, text, &endpoint);
	r = open_wildcard(l, endpoint.port);
	if (r < 0)
		complain("listen %s: %s", text, strerror(-r));
	return r;
}

/* --- all of them ------------------------------------------------------- */

int
listeners_open(const struct conf_list *addresses, struct listeners *ret)
{
	struct listeners l = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < addresses->count; i++)
		r = open_endpoint(&l, addresses->items[i]);
	if (r < 0) {
		listeners_close(&l);
		return r;
	}
	*ret = l;
	return 0;
}

void
listeners_announce(const struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		log_notice("listening on %s", l->items[i].text);
}

void
listeners_close(struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		fd_close(&l->items[i].fd);
	free(l->items);
	*l = (struct listeners){ 0 };
}
