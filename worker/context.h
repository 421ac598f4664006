/*
 * context.h - what all files of a worker share: one struct per process,
 * handed around as `w`.  worker.c owns it.
 */
#ifndef WORKER_CONTEXT_H
#define WORKER_CONTEXT_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/clock.h"
#include "common/conf.h"
#include "common/counters.h"
#include "common/histogram.h"
#include "common/http_origin.h"
#include "common/journal.h"
#include "common/kill_point.h"
#include "common/shm.h"
#include "worker/channel.h"
#include "worker/deadline.h"
#include "worker/farewell.h"
#include "worker/lag.h"
#include "worker/resolve.h"

/*
 * First member of what callbacks may end while they run for it: memory stays
 * valid until the loop turns, so a caller may always look at its state.
 */
struct grave {
	struct grave *next;
};

struct client;
struct session;
struct stream;
struct upstream;

/* The longest a closing connection is read from, so that an error arrives. */
#define LINGER_MS 2000
/* Request bytes kept for a second try, and unsent ones before reading stops. */
#define REQUEST_LIMIT (64u * 1024u)

struct worker {
	struct ev_loop *loop;
	struct shm *shm;
	const struct conf *conf;
	uint32_t index;
	uint32_t self; /* owner id */
	struct shm_worker *slot;
	char *window; /* SHM_WINDOW_SIZE bytes of shared memory */
	struct arena arena;
	uint32_t memory_calls; /* shm_header's, as this worker heeded it */
	struct claim streams;
	struct claim upstreams;
	struct claim sessions;
	/*
	 * The stream whose record is being changed: nobody makes room by
	 * ending it.
	 */
	struct stream *pinned;
	struct channel channel;
	struct farewell farewell; /* for clients that have left */
	struct resolver resolver;
	struct http_access access;
	/* A Host that may come in: nearly all requests have the same. */
	struct allowed_host {
		bool on_loopback; /* as access.loopback was */
		uint8_t len;      /* 0: none yet */
		char text[64];
	} allowed_host;
	char upstream_host[ADDR_TEXT_CAP]; /* for Host fields */
	char endpoint[ADDR_PATH_CAP];      /* the upstream's path */

	/* By slot; NULL where this process has none.  Heap, sparse. */
	struct client **client_of;
	struct upstream **upstream_of;
	struct stream **stream_of;
	struct session **session_of;

	/* Connections whose PARK message has not left yet: upstream.c. */
	struct upstream *parking;
	/* Unused connections, the youngest first: upstream.c. */
	struct upstream *idle;
	uint32_t idle_count;
	/* Streams that wait for an upstream address, in order: stream.c. */
	struct stream *waiting, **waiting_last;

	struct deadline_list client_head, client_idle, client_body, client_send,
	    client_linger;
	struct deadline_list session_idle, session_stone, session_age,
	    session_again, session_later;
	struct deadline_list errands;
	struct deadline_list stream_detach, stream_quiet, stream_silent;
	struct deadline_list upstream_connect, upstream_response, upstream_idle;

	uint32_t client_count; /* connections of this process */
	uint32_t errand_count; /* requests of our own under way */
	int epoll_fd;          /* the loop's, -1: not known */
	bool draining;         /* answer what runs, take nothing new */
	bool orphaned;         /* the supervisor is gone */
	time_t date_s;         /* of `date` */
	char date[40];
	char *scratch;       /* for heads */
	char *scratch_in;    /* for pipelined bytes */
	char *scratch_out;   /* for rewritten heads */
	char *scratch_own;   /* for requests of our own */
	size_t scratch_size; /* of each of them */

	/* Objects that ended in this turn of the loop: freed after it. */
	struct grave *dead;

	uint64_t now_us; /* clock_us() in this turn, 0: not asked yet */

	ev_timer pulse;
	uint64_t last_beat; /* at the pulse before */
	struct lag lag;     /* how late the pulse is */
	ev_prepare turn;
	ev_timer leave; /* drain.timeout or worker.orphan_timeout */
};

/* Add to one of this worker's counters; one writer, so no locked add. */
static inline void
worker_count(struct worker *w, enum counter which, uint64_t n)
{
	_Atomic uint64_t *c = &w->slot->counters[which];

	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

/*
 * clock_us(), as it was when it was first asked for in this turn of the loop:
 * exact enough for statistics, and one reading for all that a turn does.
 */
static inline uint64_t
worker_now_us(struct worker *w)
{
	if (w->now_us == 0)
		w->now_us = clock_us();
	return w->now_us;
}

/* Note in one of this worker's histograms how long it is since `then_us`. */
static inline void
worker_observe_since(
    struct worker *w, enum histogram_name which, uint64_t then_us)
{
	uint64_t now = worker_now_us(w);

	histogram_observe(
	    &w->slot->histograms[which], now > then_us ? now - then_us : 0);
}

/*
 * Note what the next recv() into the window is for, so that a successor
 * knows whose the bytes are (ADOPTION, 11).
 */
static inline void
worker_note_hand(struct worker *w, enum hand_kind kind, uint32_t slot,
    uint32_t generation, uint64_t taken)
{
	struct shm_hand *hand = &w->slot->hand;

	hand->kind = HAND_EMPTY;
	atomic_signal_fence(memory_order_seq_cst);
	KILL_POINT();
	hand->slot = slot;
	hand->generation = generation;
	hand->got = -1;
	hand->taken = taken;
	atomic_signal_fence(memory_order_seq_cst);
	KILL_POINT();
	hand->kind = kind;
	atomic_signal_fence(memory_order_seq_cst);
	KILL_POINT();
}

/* Free `g` (heap) after this turn of the loop. */
static inline void
worker_bury(struct worker *w, struct grave *g)
{
	g->next = w->dead;
	w->dead = g;
}

struct worker_start;

/*
 * Set up what this process has, in `w`, which is zeroed; nothing is adopted
 * yet, and the loop does not run.  0; -EINVAL where upstream.url can't be
 * read, and it would be the same again; or -ENOMEM.
 */
SC_MUST_CHECK int worker_init(
    struct worker *w, const struct worker_start *start);

/*
 * What the operating system takes back anyway is not worth a line of code,
 * but leak checkers see a clean end.  Connections stay open.
 */
void worker_fini(struct worker *w);

/* A client connection is gone: the worker may be waiting to leave. */
void worker_client_closed(struct worker *w);

/* HTTP's date of now (RFC 9110, 5.6.7); made once a second. */
struct http_slice worker_date(struct worker *w);

#endif
