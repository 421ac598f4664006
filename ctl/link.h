/*
 * link.h - the connection to the daemon.
 */
#ifndef CTL_LINK_H
#define CTL_LINK_H

#include <msgpack.h>
#include <stdbool.h>

#include "common/ctl_proto.h"
#include "common/sc.h"

struct link {
	int fd;
	char *buf; /* CTL_PIECE_MAX bytes */
	msgpack_unpacked memory;
};

/*
 * Connect to the socket at path.  With `is_default` its directory must belong
 * to us (or to root), and others may not write to it: elsewhere somebody
 * could wait for us.  0; -EPERM for such a directory; or -errno, with
 * nothing open.
 */
SC_MUST_CHECK int link_open(
    struct link *ret, const char *path, bool is_default);

void link_close(struct link *link);

/*
 * Send the request: 0 or -errno.  How long an answer may take follows from
 * the command: those that change something are waited for.
 */
SC_MUST_CHECK int link_send(
    struct link *link, const struct ctl_request *request);

/*
 * The next frame of the answer, valid until the next call.  0; -ECONNRESET
 * where the connection ended before the last frame, -ETIMEDOUT, or what
 * ctl_answer_decode() says.
 */
SC_MUST_CHECK int link_receive(struct link *link, struct ctl_answer *ret);

#endif
