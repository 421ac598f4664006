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

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "common/chunked.h"
#include "common/counters.h"
#include "common/histogram.h"
#include "common/http_head.h"
#include "common/http_write.h"
#include "common/jsonrpc.h"
#include "common/sse.h"
#include "common/work.h"

#define SHM_MAGIC 0x54414353u /* "SCAT" */
#define SHM_LAYOUT_VERSION 10u

#define SHM_WORKERS_MAX 64u
#define SHM_BLOCK_SIZE 1024u
/* One recv goes here at most; a worker's window. */
#define SHM_WINDOW_SIZE (128u * 1024u)

/* What a worker was about to receive when it died (ADOPTION, 11). */
enum hand_kind { HAND_EMPTY, HAND_CLIENT, HAND_UPSTREAM };

struct shm_hand {
	uint32_t kind;       /* enum hand_kind */
	uint32_t slot;       /* of the client or upstream record */
	uint32_t generation; /* of that record */
	int32_t got;         /* what recv() returned; -1 before */
	uint64_t taken;      /* bytes taken from that socket before this recv */
};

/*
 * What a worker is doing, and for which record: see work.h.  Blames deaths;
 * nothing else follows from it.
 */
struct shm_work {
	uint32_t task; /* enum work_task */
	uint32_t kind; /* enum work_kind, of the record */
	uint32_t slot;
	uint32_t generation;
};

/* Where a worker was when a fault signal came; written by its handler. */
#define SHM_FRAMES_MAX 24u
#define SHM_MODULE_CAP 24u
#define SHM_BUILD_ID_MAX 20u

struct shm_frame {
	char module[SHM_MODULE_CAP]; /* the file's name, cut */
	uint64_t offset;             /* of the instruction in that file */
};

struct shm_trace {
	uint32_t signal; /* 0: none came */
	uint32_t count;
	uint64_t address; /* what was touched, for SIGSEGV and SIGBUS */
	struct shm_frame frames[SHM_FRAMES_MAX]; /* the innermost first */
	/* Of the process's binary; written at its start. */
	uint32_t build_id_len;
	uint8_t build_id[SHM_BUILD_ID_MAX];
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
	/* When the oldest process ended that is not adopted yet. */
	_Atomic uint64_t ended_us; /* clock_us() */
	uint64_t reserved1[4];

	/* Written by the worker; lines of its own, for it writes all the time.
	 */
	_Alignas(64) _Atomic uint64_t beat; /* moves while its loop turns */
	struct shm_hand hand;
	_Atomic uint64_t lag_us; /* how late its loop was, at worst, lately */
	struct shm_work work;
	struct shm_trace trace;
	_Alignas(64) _Atomic uint64_t counters[COUNTER_COUNT];
	struct histogram histograms[HISTOGRAM_COUNT];
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
	uint32_t open_len; /* payload bytes of the open record so far */
	uint32_t notes;    /* keep-alive comments after the last record */
	uint64_t kept;     /* payload bytes of finished records kept */
	uint64_t next_seq; /* the next record's number, from 1 */
};

/* Record `seq`, at this place, begins at byte `wire` of the connection. */
struct journal_mark {
	uint32_t ref;
	uint32_t off;
	uint64_t seq; /* perhaps the next one that will be; 0: no mark */
	uint64_t wire;
	uint64_t passed; /* payload bytes kept before it */
};

enum journal_type {
	JOURNAL_HEAD = 1, /* sent as it is: heads, 100-continue */
	JOURNAL_BODY,     /* a piece of the body, or whole events: one chunk */
	JOURNAL_END,      /* the end of the body: the last chunk */
	JOURNAL_SKIP,     /* never sent (a fragment that came to nothing) */
	JOURNAL_TYPE_COUNT,
};

enum journal_flag {
	JOURNAL_MINT = 1 << 0,   /* an id line of our own goes before it */
	JOURNAL_ONCE = 1 << 1,   /* for the client of the time, no replay */
	JOURNAL_HAS_ID = 1 << 2, /* holds an id of the upstream */
};

/* The header of a finished record; never split over two blocks. */
struct journal_record {
	uint32_t len;    /* of the payload that follows */
	uint32_t sum;    /* checksum of payload and header */
	uint8_t type;    /* enum journal_type */
	uint8_t flags;   /* enum journal_flag */
	uint16_t notes;  /* keep-alive comments sent before this record */
	uint32_t id_sum; /* hash of the upstream's id, if it holds one */
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
	uint8_t phase;       /* enum client_phase */
	uint8_t gone;        /* the client's FIN was seen */
	uint8_t keep_alive;  /* after the answer that is under way */
	uint8_t refusal;     /* enum http_fault: answer with this error */
	uint32_t stream_ref; /* the answer under way */
	uint64_t taken; /* bytes processed since the connection was accepted */
	uint64_t wire;  /* bytes of the answers that are finished and sent */
	uint32_t requests;   /* heads completed */
	uint32_t generation; /* of the record when this use of it began */
	uint32_t refused_s;  /* when, by the wall clock: the answer's Date */
	uint8_t method;      /* enum http_method_id, of the request */
	uint8_t minor;       /* HTTP/1.x of the request */
	uint8_t discards;    /* nobody wants the body of the request */
	uint8_t reserved;
	struct http_scan scan;
	struct chunked body;
	uint64_t body_len;  /* decoded body bytes so far */
	struct chain in;    /* half a head; or pipelined bytes for later */
	struct journal out; /* the request on its way to the upstream */
	uint64_t out_wire;  /* request bytes that `out` has dropped as sent */
	uint64_t begun_us;  /* clock_us() when the request's head was in */
	struct jsonrpc_place json; /* in the request's body; see `texts` */
};

struct client_record {
	_Atomic uint32_t commits;
	uint32_t generation; /* written by the supervisor at accept */
	uint8_t address[16]; /* of the peer, IPv4-mapped where it is IPv4 */
	uint16_t port;
	uint16_t reserved;
	uint32_t on_loopback; /* the address that it came in on is */
	/*
	 * What goes with state.json: for the log, and for the stream's record
	 * when the request is in.  It stands once, for until then nobody reads
	 * it but the scanner, and a successor that feeds the same bytes to the
	 * committed place writes the same again; where it can't, the answer
	 * needs the id alone, which is a part of the place.
	 */
	struct jsonrpc_texts texts;
	struct client_state state[2];
};

/*
 * An upstream connection.  What matters of it stands in the stream that uses
 * it; a successor closes those that no stream names.
 */
struct upstream_record {
	uint32_t generation; /* written by the worker at each connect */
};

/*
 * The life of a stream.  X(state): worker/stream.c.
 */
enum stream_phase {
	STREAM_FREE,
	STREAM_WAITING,  /* for a connection to the upstream, or its head */
	STREAM_RELAYING, /* the answer's head is in the journal */
	STREAM_PAUSED,   /* its upstream is gone; to be resumed at due_ms */
	STREAM_RESUMING, /* asked to go on; waits for that answer's head */
	STREAM_ENDING,   /* the journal holds the answer's last record */
	STREAM_PHASE_COUNT,
};

enum stream_era { ERA_PLAIN, ERA_LEGACY, ERA_MODERN };

/* What a stream is to its session (MCP 2025-11-25, basic/transports). */
enum stream_role {
	ROLE_REQUEST,    /* carries the answer to a client's request */
	ROLE_STANDALONE, /* a GET for what the server has to say by itself */
	ROLE_ERRAND,     /* a request of our own, no client waits for it */
};

#define STREAM_TOKEN_LEN 22

struct stream_state {
	uint8_t phase;       /* enum stream_phase */
	uint8_t framing;     /* enum http_framing, of the answer */
	uint8_t events;      /* the answer is an event stream */
	uint8_t reason;      /* enum end_reason, once ENDING */
	uint16_t status;     /* of the answer, 0 before its head */
	uint8_t up_keep;     /* the upstream connection may be used again */
	uint8_t up_answered; /* a byte of the answer came on it */
	uint8_t break_off;   /* end by closing, not by the last chunk */
	uint8_t role;        /* enum stream_role */
	uint8_t rooted;      /* lives on without a client */
	uint8_t resumable;   /* legacy events: kept, replayed, resumed */
	uint8_t responded;   /* the response to its request was delivered */
	uint8_t gap;         /* events were dropped that no client has had */
	uint8_t cors;        /* the answer had Access-Control-Allow-Origin */
	uint8_t asks;        /* the request stands in `ask` */
	uint8_t prime_due;   /* priming waits for what the upstream does */
	uint8_t ask_framing; /* enum http_framing, of `ask` */
	uint8_t fault; /* enum http_fault: WAITING, and this is the answer */
	uint8_t no_resume;  /* the upstream has no such stream any more */
	uint8_t ends_in_cr; /* its newest event does: a LF may follow */
	uint8_t returned;   /* its client came back: with another request */
	uint16_t resumes;   /* in all; no more than fit */

	/* The client whose connection carries it; 0: none (detached). */
	uint32_t client_ref;
	uint32_t client_generation;
	uint32_t request; /* the client's `requests` that attached it */
	uint32_t session_ref;

	uint32_t upstream_ref;
	uint32_t upstream_generation;
	uint64_t up_taken; /* bytes processed since connect */
	uint64_t up_base;  /* bytes sent on it before this request */

	/* Record wire_seq of `answer` begins at byte `wire` of the client's
	   connection; while `prelude` has records, they begin there. */
	uint64_t wire;
	uint64_t wire_seq;

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
	uint8_t era;       /* enum stream_era */
	uint8_t method;    /* enum http_method_id */
	uint8_t framing;   /* of the request's body, enum http_framing */
	uint8_t minor;     /* HTTP/1.x of the request */
	uint8_t primes;    /* its client understands priming events */
	uint64_t id;       /* for logs: unique in a life of the memory */
	uint64_t begun_ms; /* clock_ms() */
	struct stream_state state[2];
};

/*
 * What the record of a stream of the legacy era has besides, in a table of
 * its own at the same index: of other streams nothing here is ever touched,
 * so it takes no memory.  The low bit of the stream_record's `commits` picks
 * the copy here, too: worker/stream.h, stream_next().
 */
struct legacy_state {
	uint64_t attach_seq; /* records before it are a replay */
	/*
	 * One of those that were sent on this connection: a successor looks
	 * from there on.  Void where `wire` is set or records are dropped.
	 */
	struct journal_mark sent_mark;
	struct journal
	    prelude;          /* head and priming for a client that returned */
	struct journal ask;   /* what the stream itself asks the upstream */
	uint64_t ask_wire;    /* bytes that `ask` has dropped as sent */
	uint64_t due_ms;      /* PAUSED: when to resume; clock_ms() */
	uint64_t left_ms;     /* when it lost its client; clock_ms() */
	uint64_t last_id_ref; /* seq + 1 of the newest event with an id */
	uint64_t unacked_seq; /* the first that no client's TCP has confirmed */
	uint32_t retry_ms;    /* the upstream's own wish; UINT32_MAX: none */
	uint32_t attempts;    /* to resume, since the last event */
	uint32_t retry_after_s; /* an answer's Retry-After, for one pause */
};

struct legacy_record {
	/* Fixed when the stream is made. */
	uint64_t owner_sum[2]; /* keyed digest of the Authorization */
	/* Fixed when the answer's head is there. */
	char token[STREAM_TOKEN_LEN + 1]; /* of the ids that it mints */
	/* Fixed when the request is in: its id, its progress token. */
	struct jsonrpc request;
	struct legacy_state state[2];
};

/*
 * A session, one an Mcp-Session-Id.  Found by its id through buckets, each
 * of which belongs to a shard with a lock; only who holds that may link or
 * unlink.  The rest is written by its home worker alone.
 */
enum session_phase {
	SESSION_FREE,
	SESSION_ASKED, /* a client names it; the upstream has not confirmed */
	SESSION_LIVE,
	SESSION_ENDED, /* by DELETE, expiry or the upstream's word: 404 */
};

#define SESSION_ID_MAX 256

struct session_state {
	struct chain saved; /* the newest request head, as sent upstream */
	uint64_t saved_sum; /* hash of what counts in it */
};

struct session_record {
	_Atomic uint32_t phase; /* enum session_phase */
	uint32_t next_ref;      /* in its bucket */
	uint32_t generation;
	_Atomic uint32_t home; /* worker slot */
	uint64_t hash;
	uint64_t begun_ms; /* clock_ms() */
	_Atomic uint64_t used_ms;
	_Atomic uint32_t connections; /* for people */
	_Atomic uint32_t streams;     /* for people */
	uint16_t id_len;
	char id[SESSION_ID_MAX];
	char last_event_id[64]; /* for people, cut */
	_Atomic uint32_t commits;
	struct session_state state[2];
};

#define SESSION_SHARDS 64u

struct session_shard {
	_Alignas(64) pthread_mutex_t lock; /* robust, process-shared */
	_Atomic uint32_t holder; /* owner id of who holds it, 0: nobody */
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
	struct shm_table legacies;        /* struct legacy_record */
	struct shm_table session_owners;  /* _Atomic uint32_t */
	struct shm_table sessions;        /* struct session_record */
	struct shm_table session_shards;  /* struct session_shard */
	struct shm_table session_buckets; /* uint32_t: session reference */
	struct shm_table block_owners;    /* _Atomic uint32_t */
	struct shm_table block_next;      /* uint32_t: block reference */
	struct shm_table extents;         /* _Atomic uint32_t: claim.h */
	struct shm_table blocks;          /* SHM_BLOCK_SIZE bytes each */
	_Atomic uint64_t next_stream_id;
	uint64_t secret[2]; /* random: keys the hashes of what peers send */
	_Atomic uint32_t upstream_primes; /* 0: not known; 1: no; 2: yes */
	/* Times that a worker asked the others to let go what they keep. */
	_Atomic uint32_t memory_calls;
};

_Static_assert(sizeof(struct shm_hand) == 24, "layout");
_Static_assert(sizeof(struct shm_work) == 16, "layout");
_Static_assert(sizeof(struct shm_trace) == 40 + 32 * SHM_FRAMES_MAX, "layout");
_Static_assert(sizeof(struct chain) == 16, "layout");
_Static_assert(sizeof(struct journal) == 48, "layout");
_Static_assert(sizeof(struct journal_mark) == 32, "layout");
_Static_assert(sizeof(struct journal_record) == 24, "layout");

#endif
