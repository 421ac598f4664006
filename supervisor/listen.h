/*
 * listen.h - the listening sockets.
 *
 * The supervisor alone holds them: a worker that outlives it must not keep
 * the port.
 */
#ifndef SUPERVISOR_LISTEN_H
#define SUPERVISOR_LISTEN_H

#include <stddef.h>

#include "common/addr.h"
#include "common/conf.h"
#include "common/sc.h"

struct listener {
	int fd;
	char text[ADDR_TEXT_CAP]; /* where it is bound, port 0 resolved */
	char *origin;             /* the address as configured */
	bool is_wildcard;         /* bound to every address there is */
	bool is_loopback;
};

struct listeners {
	struct listener *items;
	size_t count;
};

/*
 * Bind every address of the list (`listen.address`); a name is looked up,
 * which may block, and every address that it has is bound (with port 0 the
 * first alone).  0; or -errno with nothing bound and one line logged.
 */
SC_MUST_CHECK int listeners_open(
    const struct conf_list *addresses, struct listeners *ret);

/*
 * The sockets for another list: those of `old` that are in it go on, the
 * others are bound.  *ret and `old` share descriptors until
 * listeners_replace(), or listeners_forget() if it is not to be.  0; or
 * -errno with nothing new bound and one line logged.
 */
SC_MUST_CHECK int listeners_change(const struct listeners *old,
    const struct conf_list *addresses, struct listeners *ret);

/* What is done at the sockets of a list, for the log. */
#define LISTENERS_CLIENTS "listening"
#define LISTENERS_METRICS "serving metrics"

/*
 * Put `fresh` in place of `l`, closing what is not in it; logs both, with
 * what is done there.
 */
void listeners_replace(
    struct listeners *l, struct listeners *fresh, const char *what);

/* Close what is in `fresh` and not in `l`, and free `fresh`. */
void listeners_forget(const struct listeners *l, struct listeners *fresh);

/* Add a socket that was bound before: takes fd on success.  0 or -ENOMEM. */
SC_MUST_CHECK int listeners_add(
    struct listeners *l, int fd, const char *origin);

/* Whether a connection that was accepted there came in on a loopback address.
 */
bool listener_on_loopback(const struct listener *l, int connection);

/* Log what is done where, a line for each socket: once we serve. */
void listeners_announce(const struct listeners *l, const char *what);

/* Close them all.  Empty is allowed. */
void listeners_close(struct listeners *l);

#endif
