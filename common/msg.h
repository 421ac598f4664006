/*
 * msg.h - the messages between supervisor and workers: their bodies, their
 * check, and sending and receiving one over a non-blocking socket.
 */
#ifndef COMMON_MSG_H
#define COMMON_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "common/msg_types.h"
#include "common/sc.h"

#define MSG_VERSION 6u

enum msg_sender { FROM_WORKER = 1, FROM_SUPERVISOR = 2 };

/* Which table a slot is of. */
enum socket_kind { SOCKET_CLIENT, SOCKET_UPSTREAM };

struct msg_empty {
	uint32_t reserved;
};
struct msg_slot {
	uint32_t slot;
	uint32_t generation;
};
/* Slots of clients. */
#define MSG_SLOTS_MAX 32
struct msg_slots {
	uint32_t count;
	struct msg_slot item[MSG_SLOTS_MAX];
};
struct msg_release {
	uint32_t slot;
	uint32_t generation;
	uint32_t target; /* worker slot */
};
struct msg_adopted {
	uint32_t owner; /* owner id of the dead */
};
struct msg_drain {
	uint32_t limit_ms;
};

struct msg_level {
	uint32_t level; /* enum log_level */
};

enum msg_type {
#define X(name, sender, body, fds) MSG_##name,
	MSG_TYPES(X)
#undef X
	    MSG_TYPE_COUNT
};

struct msg_head {
	uint16_t version;
	uint16_t type; /* enum msg_type */
	uint32_t body_len;
};

union msg_body {
#define X(name, sender, body, fds) body name;
	MSG_TYPES(X)
#undef X
};

struct msg {
	struct msg_head head;
	union msg_body body;
};

#define MSG_SIZE_MAX sizeof(struct msg)

/* The descriptors that go with a message, in the order of its slots. */
#define MSG_FDS_MAX MSG_SLOTS_MAX
struct msg_fds {
	uint32_t count;
	int fd[MSG_FDS_MAX];
};

/* The table's name of a type, "?" for one that is not in it. */
const char *msg_type_name(unsigned type);

/* Fill in the head of `m` for a message of this type. */
void msg_init(struct msg *m, enum msg_type type);

/* Bytes of `m` on the wire. */
size_t msg_size(const struct msg *m);

/*
 * 0, or -EPROTO if a peer of kind `sender` may not send these `len` bytes
 * with so many descriptors.
 */
SC_MUST_CHECK int msg_check(
    const struct msg *m, size_t len, enum msg_sender sender, size_t fds);

/*
 * Send one message, which msg_init() began, with the descriptors (borrowed)
 * that its type has.  0; -EAGAIN (the socket is full, or too many descriptors
 * are in flight: try again when it is writable or a little later); -EPIPE or
 * -ECONNRESET where the peer is gone; or -errno.
 */
SC_MUST_CHECK int msg_send_with(
    int socket, const struct msg *m, const struct msg_fds *fds);

/* The same with one descriptor, or -1 for none. */
SC_MUST_CHECK int msg_send(int socket, const struct msg *m, int fd);

/*
 * Receive one message from a peer of kind `sender`.  1 and *ret, with the
 * descriptors that came along (the caller's, CLOEXEC); 0 at end of file (an
 * empty datagram looks the same); -EAGAIN; -EPROTO for what msg_check()
 * refuses; -EMFILE where the one descriptor was cut off for lack of room
 * (MSG_CTRUNC); or -errno.  Where there is one for each slot, those of the
 * last slots may be cut off: fewer come than the body says.  Nothing of a
 * message that is refused stays open.  What a dead peer had sent comes before
 * its end, also where it had not read everything.
 */
SC_MUST_CHECK int msg_receive_with(int socket, enum msg_sender sender,
    struct msg *ret, struct msg_fds *ret_fds);

/*
 * The same for messages with no more than one descriptor: *ret_fd is that or
 * -1, and what has more is refused.
 */
SC_MUST_CHECK int msg_receive(
    int socket, enum msg_sender sender, struct msg *ret, int *ret_fd);

#endif
