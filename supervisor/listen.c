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
note_bound(struct listener *l)
{
	struct sockaddr_storage bound = { .ss_family = AF_UNSPEC };
	const struct sockaddr *address = (const struct sockaddr *)&bound;
	socklen_t len = sizeof(bound);

	(void)getsockname(l->fd, (struct sockaddr *)&bound, &len);
	addr_format(address, l->text, sizeof(l->text));
	l->is_wildcard = addr_is_wildcard(address);
	l->is_loopback = addr_is_loopback(address);
}

bool
listener_on_loopback(const struct listener *l, int connection)
{
	return l->is_wildcard ? fd_is_on_loopback(connection) : l->is_loopback;
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

/* A list that is being made, and what was there before. */
struct opening {
	struct listeners l;
	const struct listeners *old;
	const char *origin; /* the address that is looked at */
};

int
listeners_add(struct listeners *l, int fd, const char *origin)
{
	char *copy = strdup(origin);
	struct listener *grown;

	grown = realloc(l->items, (l->count + 1) * sizeof(*grown));
	if (grown != NULL)
		l->items = grown;
	if (grown == NULL || copy == NULL) {
		free(copy);
		return -ENOMEM;
	}
	grown += l->count++;
	grown->fd = fd;
	grown->origin = copy;
	note_bound(grown);
	return 0;
}

static const struct listener *
find_fd(const struct listeners *l, int fd)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].fd == fd)
			return &l->items[i];
	}
	return NULL;
}

/* The old socket that is bound to this address, and not in the list yet. */
static const struct listener *
find_old(const struct opening *o, const struct sockaddr *address)
{
	char text[ADDR_TEXT_CAP];

	if (addr_port(address) == 0)
		return NULL;
	addr_format(address, text, sizeof(text));
	for (size_t i = 0; i < o->old->count; i++) {
		if (strcmp(o->old->items[i].text, text) == 0 &&
		    find_fd(&o->l, o->old->items[i].fd) == NULL)
			return &o->old->items[i];
	}
	return NULL;
}

/* Add a socket to the list: 0 or -errno. */
static int
add_socket(struct opening *o, const struct sockaddr *address, socklen_t len,
    bool v6_only)
{
	const struct listener *old = find_old(o, address);
	int fd, r;

	if (old != NULL)
		return listeners_add(&o->l, old->fd, o->origin);
	fd = open_socket(address, len, v6_only);
	if (fd < 0)
		return fd;
	r = listeners_add(&o->l, fd, o->origin);
	if (r < 0)
		fd_close(&fd);
	return r;
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
open_wildcard(struct opening *o, uint16_t port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
		.sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int r;

	r = add_socket(o, (const struct sockaddr *)&six, sizeof(six), false);
	if (is_no_such_family(r))
		r = add_socket(
		    o, (const struct sockaddr *)&four, sizeof(four), false);
	return r;
}

/* Every address that the name has; at least one must do. */
static int
open_found(struct opening *o, const struct addrinfo *found, bool first_only)
{
	int r, failed = -EADDRNOTAVAIL;
	size_t before = o->l.count;

	for (; found != NULL; found = found->ai_next) {
		r = add_socket(o, found->ai_addr, found->ai_addrlen, true);
		if (r < 0 && !is_no_such_family(r))
			return r;
		if (r < 0)
			failed = r;
		else if (first_only)
			break;
	}
	return o->l.count > before ? 0 : failed;
}

/* Look the host up and bind what it has; logs the failure. */
static int
open_host(
    struct opening *o, const char *text, const struct addr_endpoint *endpoint)
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
	r = open_found(o, found, endpoint->port == 0);
	freeaddrinfo(found);
	if (r < 0)
		complain("listen %s: %s", text, strerror(-r));
	return r;
}

/* Keep the sockets that this very address, with port 0, has already. */
static int
keep_any_port(struct opening *o, const char *text)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->old->count; i++) {
		if (strcmp(o->old->items[i].origin, text) == 0 &&
		    find_fd(&o->l, o->old->items[i].fd) == NULL)
			r = listeners_add(&o->l, o->old->items[i].fd, text);
	}
	return r;
}

static int
open_endpoint(struct opening *o, const char *text)
{
	struct addr_endpoint endpoint;
	size_t before = o->l.count;
	const char *why;
	int r;

	o->origin = text;

	r = addr_parse_endpoint(text, &endpoint, &why);
	if (r < 0) {
		complain("listen %s: %s", text, why);
		return r;
	}
	if (endpoint.port == 0) {
		r = keep_any_port(o, text);
		if (r < 0 || o->l.count > before)
			return r;
	}
	if (endpoint.host[0] != '\0')
		return open_host(o, text, &endpoint);
	r = open_wildcard(o, endpoint.port);
	if (r < 0)
		complain("listen %s: %s", text, strerror(-r));
	return r;
}

/* --- all of them ------------------------------------------------------- */

static void
free_items(struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i].origin);
	free(l->items);
	*l = (struct listeners){ 0 };
}

void
listeners_forget(const struct listeners *l, struct listeners *fresh)
{
	for (size_t i = 0; i < fresh->count; i++) {
		if (find_fd(l, fresh->items[i].fd) == NULL)
			fd_close(&fresh->items[i].fd);
	}
	free_items(fresh);
}

int
listeners_change(const struct listeners *old, const struct conf_list *addresses,
    struct listeners *ret)
{
	struct opening o = { .old = old };
	int r = 0;

	for (size_t i = 0; r == 0 && i < addresses->count; i++)
		r = open_endpoint(&o, addresses->items[i]);
	if (r < 0) {
		listeners_forget(old, &o.l);
		return r;
	}
	*ret = o.l;
	return 0;
}

int
listeners_open(const struct conf_list *addresses, struct listeners *ret)
{
	const struct listeners none = { 0 };

	return listeners_change(&none, addresses, ret);
}

void
listeners_replace(
    struct listeners *l, struct listeners *fresh, const char *what)
{
	for (size_t i = 0; i < fresh->count; i++) {
		if (find_fd(l, fresh->items[i].fd) == NULL)
			log_notice("%s on %s", what, fresh->items[i].text);
	}
	for (size_t i = 0; i < l->count; i++) {
		if (find_fd(fresh, l->items[i].fd) != NULL)
			continue;
		log_notice("no longer %s on %s", what, l->items[i].text);
		fd_close(&l->items[i].fd);
	}
	free_items(l);
	*l = *fresh;
	*fresh = (struct listeners){ 0 };
}

void
listeners_announce(const struct listeners *l, const char *what)
{
	for (size_t i = 0; i < l->count; i++)
		log_notice("%s on %s", what, l->items[i].text);
}

void
listeners_close(struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		fd_close(&l->items[i].fd);
	free_items(l);
}
