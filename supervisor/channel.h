/*
 * channel.h - the supervisor's end of the channel to one worker.
 *
 * Never blocks: what the socket does not take waits in a bounded queue.
 * Parses a message's frame only; what a message means, and what becomes of
 * a worker that sends nonsense, is for the owner to decide.
 */
#ifndef SUPERVISOR_CHANNEL_H
#define SUPERVISOR_CHANNEL_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/sc.h"
#include "supervisor/channel_queue.h"

enum worker_channel_state {
	CHANNEL_CLOSED, /* no descriptor */
	CHANNEL_OPEN,
	CHANNEL_ENDED, /* the worker's end is closed; ours is not yet */
};

/* What the owner is asked and told; called from the loop. */
struct worker_channel_handler {
	/* A message came; fd, or -1, is the handler's to close. */
	void (*on_message)(void *context, const struct msg *m, int fd);
	/*
	 * What came was no message (-EPROTO), its descriptor was cut off for
	 * lack of room (-EMFILE), or the socket failed (-errno).
	 */
	void (*on_fault)(void *context, int error);
	/*
	 * The descriptors (borrowed) that go with a message that is sent now.
	 * Slots that have become void are taken out of it.  0; or -ESTALE:
	 * nothing is left of it, drop it.
	 */
	int (*descriptors)(void *context, struct msg *m, struct msg_fds *ret);
};

struct worker_channel {
	enum worker_channel_state state;
	struct ev_loop *loop;
	int fd;
	ev_io reader;
	ev_io writer;
	ev_timer retry;
	ev_prepare turn; /* clients wait for the end of this turn */
	struct channel_queue queue;
	const struct worker_channel_handler *handler;
	void *context;
};

/*
 * Begin to serve `fd` (taken), a non-blocking SEQPACKET socket.  At most
 * `limit` messages wait.  ch must be closed (or zeroed) and must not move.
 */
void worker_channel_open(struct worker_channel *ch, struct ev_loop *loop,
    int fd, uint32_t limit, const struct worker_channel_handler *handler,
    void *context);

/*
 * Send a message, or let it wait.  0; -ENOBUFS or -ENOMEM where it can't
 * even wait; -EPIPE where the worker's end is closed, or -errno.
 */
SC_MUST_CHECK int worker_channel_send(
    struct worker_channel *ch, const struct msg *m);

/*
 * Send a client, together with others that are sent in the same turn of the
 * loop: the worker is woken once for all of them.  It does not overtake what
 * was sent before, nor is it overtaken.  As worker_channel_send().
 */
SC_MUST_CHECK int worker_channel_send_client(
    struct worker_channel *ch, uint32_t slot, uint32_t generation);

/*
 * Receive all that is left, after the worker's death: until end of file,
 * whatever faults there are on the way.
 */
void worker_channel_drain(struct worker_channel *ch);

/* Close.  A closed channel is allowed. */
void worker_channel_close(struct worker_channel *ch);

/* Whether messages can be sent. */
bool worker_channel_is_open(const struct worker_channel *ch);

#endif
