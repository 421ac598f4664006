/*
 * shm_layout.h - every struct that lives in the shared memory, and nothing
 * else.  Made by the supervisor, mapped by all; see HACKING, "The shared
 * memory", for the rules.  In short:
 *
 *  - One writer a record.  A client record belongs to the worker that the
 *    supervisor gave the connection to; upstream records, streams and blocks
 *    belong to whoever stands in their owner word (claim.h).
 *  - Each record that must survive its worker holds its state twice.  Bytes
 *    are processed from the committed copy into the other one, and one store
 *    to `commits` makes that one the committed copy (record.h).
 *  - Indices, never pointers; nothing that means something in one process
 *    only.  Index + 1 where 0 must mean "none" (names end in _ref).
 *  - All of it may be garbage: readers check before they use.
 *
 * Any change here: bump SHM_LAYOUT_VERSION.
 */
#ifndef COMMON_SHM_LAYOUT_H
#define COMMON_SHM_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/chunked.h"
#include "common/counters.h"
#include "common/http_head.h"
#include "common/http_write.h"
#include "common/jsonrpc.h"
#include "common/sse.h"

#define SHM_MAGIC 0x54414353u /* "SCAT" */
#define SHM_LAYOUT_VERSION 1u

#define SHM_WORKERS_MAX 64u
#define SHM_BLOCK_SIZE 1024u
/* One recv goes here at most; a worker's window. */
#define SHM_WINDOW_SIZE (64u * 1024u)

/* What a worker was about to receive when it died (ADOPTION, 11). */
enum hand_kind { HAND_EMPTY, HAND_CLIENT, HAND_UPSTREAM };

struct shm_hand {
	uint32_t kind;       /* enum hand_kind */
	uint32_t slot;       /* of the client or upstream record */
	uint32_t generation; /* of that record */
	int32_t got; /* what recv() returned; -1 before */
	uint64_t taken; /* bytes taken from that socket before this recv */
};

/*
 * The life of a worker slot, written by the supervisor alone.
 */
enum worker_state {
	WORKER_EMPTY,    /* no process */
	WORKER_STARTING, /* forked, has not said READY */
	WORKER_READY,    /* gets connections */
	WORKER_LEAVING,  /* told to go */
	WORKER_DEAD,     /* reaped; its records wait for a successor */
};

struct shm_worker {
	/* Written by the supervisor. */
	_Atomic uint32_t state;      /* enum worker_state */
	_Atomic uint32_t generation; /* of the process now in this slot */
	_Atomic uint32_t pid;
	uint32_t reserved0;
	_Atomic uint64_t started_ms; /* CLOCK_MONOTONIC */
	uint64_t reserved1[5];

	/* Written by the worker. */
	_Alignas(64) _Atomic uint64_t beat; /* moves while its loop turns */
	struct shm_hand hand;
	_Alignas(64) _Atomic uint64_t counters[COUNTER_COUNT];
};

/*
 * A chain of blocks used as a queue of bytes: appended at one end, consumed
 * at the other.  Block references are index + 1; 0 is "none".
 */
struct chain {
	uint32_t first_ref; /* block that holds the oldest byte */
	uint32_t last_ref;  /* block that is being filled */
	uint32_t first_off; /* the oldest byte's offset in its block */
	uint32_t last_off;  /* the first free byte's offset in last_ref */
};

/*
 * A journal: finished records, then at most one open record at the end.
 * Positions of records are (block_ref, offset).
 */
struct journal {
	struct chain chain;
	uint32_t open_ref; /* where the open record's header goes, 0: none */
	uint32_t open_off;
	uint32_t open_len;  /* payload bytes of the open record so far */
	uint32_t notes;     /* keep-alive comments after the last record */
	uint64_t kept;      /* payload bytes of finished records kept */
	uint64_t next_seq;  /* the next record's number, from 1 */
};

enum journal_type {
	JOURNAL_HEAD = 1, /* sent as it is: heads, 100-continue */
	JOURNAL_BODY,     /* a piece of the body, or whole events: one chunk */
	JOURNAL_END,      /* the end of the body: the last chunk */
	JOURNAL_SKIP,     /* never sent (a fragment that came to nothing) */
	JOURNAL_TYPE_COUNT,
};

/* The header of a finished record; never split over two blocks. */
struct journal_record {
	uint32_t len;   /* of the payload that follows */
	uint32_t sum;   /* checksum of payload and header */
	uint16_t type;  /* enum journal_type */
	uint16_t notes; /* keep-alive comments sent before this record */
	uint32_t events; /* events that end in this record */
	uint64_t seq;
};

/*
 * A client connection.  X(state, may be followed by): client.c.
 */
enum client_phase {
	CLIENT_FREE,    /* no connection */
	CLIENT_HEAD,    /* a request head is awaited or half there */
	CLIENT_BODY,    /* the request's body is coming in */
	CLIENT_WAIT,    /* the request is complete; its answer is under way */
	CLIENT_LINGER,  /* answered, not to be used again: drop what comes */
	CLIENT_CLOSING, /* shut down; waits for the supervisor's word */
	CLIENT_PHASE_COUNT,
};

struct client_state {
	uint8_t phase;      /* enum client_phase */
	uint8_t gone;       /* the client's FIN was seen */
	uint8_t keep_alive; /* after the answer that is under way */
	uint8_t refusal;    /* enum http_fault: answer with this error */
	uint32_t stream_ref; /* the answer under way */
	uint64_t taken; /* bytes processed since the connection was accepted */
	uint64_t wire;  /* bytes of the answers that are finished and sent */
	uint32_t requests; /* heads completed */
	uint32_t generation; /* of the record when this use of it began */
	uint32_t refused_s;  /* when, by the wall clock: the answer's Date */
	uint8_t method;      /* enum http_method_id, of the request */
	uint8_t minor;       /* HTTP/1.x of the request */
	uint8_t reserved[2];
	struct http_scan scan;
	struct chunked body;
	uint64_t body_len;  /* decoded body bytes so far */
	struct chain in;    /* half a head; or pipelined bytes for later */
	struct journal out; /* the request on its way to the upstream */
	uint64_t out_wire;  /* request bytes that `out` has dropped as sent */
	struct jsonrpc json;
};

struct client_record {
	_Atomic uint32_t commits;
	uint32_t generation; /* written by the supervisor at accept */
	uint8_t address[16]; /* of the peer, IPv4-mapped where it is IPv4 */
	uint16_t port;
	uint16_t reserved;
	uint32_t listener; /* on which it came in */
	struct client_state state[2];
};

/*
 * An upstream connection.  What matters of it stands in the stream that uses
 * it; a successor closes those that no stream names.
 */
struct upstream_record {
	uint32_t generation; /* written by the worker at each connect */
};

enum stream_phase {
	STREAM_FREE,
	STREAM_WAITING,  /* for a connection to the upstream, or its head */
	STREAM_RELAYING, /* the answer's head is in the journal */
	STREAM_ENDING,   /* the journal holds the answer's last record */
	STREAM_PHASE_COUNT,
};

enum stream_era { ERA_PLAIN, ERA_LEGACY, ERA_MODERN };

struct stream_state {
	uint8_t phase;   /* enum stream_phase */
	uint8_t framing; /* enum http_framing, of the answer */
	uint8_t events;  /* the answer is an event stream */
	uint8_t reason;  /* enum end_reason, once ENDING */
	uint16_t status; /* of the answer, 0 before its head */
	uint8_t up_keep; /* the upstream connection may be used again */
	uint8_t up_answered; /* a byte of the answer came on it */
	uint8_t break_off;   /* end by closing, not by the last chunk */
	uint8_t fault; /* enum http_fault: WAITING, and this is the answer */
	uint8_t reserved[6];
	uint32_t upstream_ref;
	uint32_t upstream_generation;
	uint64_t up_taken; /* bytes processed since connect */
	uint64_t up_base;  /* bytes sent on it before this request */
	uint64_t wire;     /* client's byte count where `answer` begins */
	struct http_scan scan;
	struct chunked body;
	struct sse sse;
	struct journal answer;
	uint64_t body_len; /* decoded body bytes so far */
};

struct stream_record {
	_Atomic uint32_t commits;
	uint32_t generation;
	/* Fixed when the stream is made. */
	uint32_t client_ref;
	uint32_t client_generation;
	uint32_t request; /* the client's `requests` that made it */
	uint8_t era;      /* enum stream_era */
	uint8_t method;   /* enum http_method_id */
	uint8_t framing;  /* of the request's body, enum http_framing */
	uint8_t minor;    /* HTTP/1.x of the request */
	uint64_t id;      /* for logs: unique in a life of the memory */
	uint64_t begun_ms;
	struct stream_state state[2];
};

/* Where each table starts, counted from the start of the memory. */
struct shm_table {
	uint64_t offset;
	uint32_t count;
	uint32_t size; /* of one element */
};

struct shm_header {
	uint32_t magic;
	uint32_t layout;
	uint64_t size;
	struct shm_table workers;         /* struct shm_worker */
	struct shm_table windows;         /* SHM_WINDOW_SIZE bytes each */
	struct shm_table client_owners;   /* _Atomic uint32_t */
	struct shm_table clients;         /* struct client_record */
	struct shm_table upstream_owners; /* _Atomic uint32_t */
	struct shm_table upstreams;       /* struct upstream_record */
	struct shm_table stream_owners;   /* _Atomic uint32_t */
	struct shm_table streams;         /* struct stream_record */
	struct shm_table block_owners;    /* _Atomic uint32_t */
	struct shm_table block_next;      /* uint32_t: block reference */
	struct shm_table extents;         /* _Atomic uint32_t: claim.h */
	struct shm_table blocks;          /* SHM_BLOCK_SIZE bytes each */
	_Atomic uint64_t next_stream_id;
};

_Static_assert(sizeof(struct shm_hand) == 24, "layout");
_Static_assert(sizeof(struct chain) == 16, "layout");
_Static_assert(sizeof(struct journal) == 48, "layout");
_Static_assert(sizeof(struct journal_record) == 24, "layout");

#endif
