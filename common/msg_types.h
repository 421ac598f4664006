/*
 * msg_types.h - TABLE of every message between supervisor and workers.
 *
 * One datagram of a SOCK_SEQPACKET pair each: struct msg_head, the body, and
 * descriptors: NONE, ONE, or one for EACH slot that the body names.  To add
 * one: a row here, a body in msg.h, a case in tests/unit/test_msg.c.  A
 * receiver drops a peer that sends a type it may not send, a wrong length, a
 * wrong number of descriptors, or another version.
 */
#ifndef COMMON_MSG_TYPES_H
#define COMMON_MSG_TYPES_H

/* clang-format off */
#define MSG_TYPES(X)                                                         \
	/* name        sender           body               descriptors */    \
	/* The worker serves; connections may be sent. */                    \
	X(READY,       FROM_WORKER,     struct msg_empty,  NONE)             \
	/* Keep a copy of this upstream socket under `slot`. */              \
	X(PARK,        FROM_WORKER,     struct msg_slot,   ONE)              \
	/* Close your copy of this upstream socket; the worker has shut it   \
	   down and will close its own when CLOSED comes. */                 \
	X(UNPARK,      FROM_WORKER,     struct msg_slot,   NONE)             \
	/* These clients have left: close your copies. */                    \
	X(LEFT,        FROM_WORKER,     struct msg_slots,  NONE)             \
	/* This client belongs to another worker (its stream lives there). */\
	X(RELEASE,     FROM_WORKER,     struct msg_release, NONE)            \
	/* Everything of a dead worker is adopted. */                        \
	X(ADOPTED,     FROM_WORKER,     struct msg_adopted, NONE)            \
	/* After ALONE: nothing more comes that anybody must hear. */        \
	X(LET_GO,      FROM_WORKER,     struct msg_empty,  NONE)             \
	/* Connections: the records of clients in these slots are yours. */  \
	X(CLIENTS,     FROM_SUPERVISOR, struct msg_slots,  EACH)             \
	/* The supervisor's copy of this upstream socket is closed: close    \
	   yours; the slot may be used again. */                             \
	X(CLOSED,      FROM_SUPERVISOR, struct msg_slot,   NONE)             \
	/* Finish what runs within `limit_ms`, then exit 0. */               \
	X(DRAIN,       FROM_SUPERVISOR, struct msg_drain,  NONE)             \
	/* The supervisor is about to leave you to yourself, as if it died:  \
	   hand nothing to others any more, and say LET_GO. */               \
	X(ALONE,       FROM_SUPERVISOR, struct msg_empty,  NONE)             \
	/* The log was opened again: write to this descriptor. */            \
	X(LOG,         FROM_SUPERVISOR, struct msg_empty,  ONE)              \
	/* Log lines of this level and graver ones. */                       \
	X(LOG_LEVEL,   FROM_SUPERVISOR, struct msg_level,  NONE)             \
	/* End the session in this slot: an operator wants it. */            \
	X(END_SESSION, FROM_SUPERVISOR, struct msg_slot,   NONE)
/* clang-format on */

#endif
