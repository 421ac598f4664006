/*
 * counters.h - TABLE of the counters that each worker keeps in the shared
 * memory, so that its death loses none.  Metrics and `shadowcatctl metrics`
 * come out of this table.  To add one: add a row (and bump
 * SHM_LAYOUT_VERSION), then count with worker_count().
 */
#ifndef COMMON_COUNTERS_H
#define COMMON_COUNTERS_H

/* clang-format off */
#define COUNTERS(X)                                                          \
	/* name                metric suffix            help            */   \
	X(CLIENTS_ACCEPTED,  "client_connections_total",                     \
	    "client connections taken over from the supervisor")             \
	X(CLIENTS_CLOSED,    "client_connections_closed_total",              \
	    "client connections closed")                                     \
	X(REQUESTS,          "requests_total", "request heads received")     \
	X(REQUESTS_REFUSED,  "requests_refused_total",                       \
	    "requests answered by the proxy itself with an error")           \
	X(STREAMS_BEGUN,     "streams_total", "answers begun")               \
	X(STREAMS_ENDED,     "streams_ended_total", "answers ended")         \
	X(EVENTS,            "events_total", "events relayed")               \
	X(BYTES_UP,          "upstream_sent_bytes_total",                    \
	    "bytes sent to the upstream")                                    \
	X(BYTES_DOWN,        "client_sent_bytes_total",                      \
	    "bytes sent to clients")                                         \
	X(UPSTREAM_CONNECTS, "upstream_connects_total",                      \
	    "connections made to the upstream")                              \
	X(UPSTREAM_REUSES,   "upstream_reuses_total",                        \
	    "requests sent on a connection that was already open")           \
	X(UPSTREAM_FAILURES, "upstream_failures_total",                      \
	    "connects that failed and connections lost in mid-answer")       \
	X(UPSTREAM_RETRIES,  "upstream_retries_total",                       \
	    "requests sent anew because no byte had been processed")         \
	X(MEMORY_SHORT,      "memory_short_total",                           \
	    "times that a table or the journal memory was full")
/* clang-format on */

enum counter {
#define X(name, metric, help) COUNTER_##name,
	COUNTERS(X)
#undef X
	    COUNTER_COUNT
};

#endif
