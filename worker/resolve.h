/*
 * resolve.h - the upstream's addresses, looked up with c-ares without
 * blocking, kept for upstream.resolve_interval and then looked up again.
 */
#ifndef WORKER_RESOLVE_H
#define WORKER_RESOLVE_H

#include <ares.h>
#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/addr.h"
#include "common/sc.h"

#define RESOLVE_ADDRESSES_MAX 8
#define RESOLVE_SOCKETS_MAX 16

struct resolver {
	struct ev_loop *loop;
	struct addr_url url;
	uint64_t interval_ms;
	ares_channel ares; /* NULL where the host is a literal */
	ev_io io[RESOLVE_SOCKETS_MAX];
	ev_timer timeout;
	bool asking;
	uint64_t asked_ms; /* when the newest answer or failure came */
	struct sockaddr_storage address[RESOLVE_ADDRESSES_MAX];
	socklen_t address_len[RESOLVE_ADDRESSES_MAX];
	uint32_t count; /* 0: not known (yet) */
	uint32_t first; /* the address that answered last */
	/* A look-up ended; *why is NULL, or what went wrong. */
	void (*on_done)(void *context, const char *why);
	void *context;
};

/*
 * Start for the host and port of `url`.  0; -ENOMEM; -EIO where c-ares does
 * not come up (logged by the caller).
 */
SC_MUST_CHECK int resolver_init(struct resolver *r, struct ev_loop *loop,
    const struct addr_url *url, uint64_t interval_ms,
    void (*on_done)(void *context, const char *why), void *context);
void resolver_fini(struct resolver *r);

/*
 * Whether an address is known.  If none is, or they are old, a look-up is
 * started; on_done() will be called, but never from within this function.
 */
bool resolver_ready(struct resolver *r);

/* The addresses did not answer: look them up again at the next request. */
void resolver_doubt(struct resolver *r);

#endif
