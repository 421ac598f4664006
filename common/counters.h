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
	X(SESSIONS_BEGUN,    "sessions_total", "sessions begun or learnt")   \
	X(SESSIONS_ENDED,    "sessions_ended_total", "sessions ended")       \
	X(SESSION_EXPIRIES,  "session_expiries_total",                       \
	    "sessions ended by session.idle_timeout or session.max_age")     \
	X(SESSION_EVICTIONS, "session_evictions_total",                      \
	    "times that the session table was full")                         \
	X(CONNECTIONS_REFUSED, "session_connections_refused_total",          \
	    "requests beyond session.max_connections")                       \
	X(RESUME_ATTEMPTS,   "upstream_resume_attempts_total",               \
	    "attempts to resume an upstream stream")                         \
	X(RESUMES,           "upstream_resumes_total",                       \
	    "upstream streams resumed")                                      \
	X(WATCHDOG_RESUMES,  "upstream_watchdog_resumes_total",              \
	    "resumed streams that stayed silent and were asked again")       \
	X(DUPLICATES,        "events_duplicate_total",                       \
	    "events dropped because they had been received before")          \
	X(FOREIGN_EVENTS,    "events_foreign_total",                         \
	    "events dropped because they belong to another stream")          \
	X(DETACHES,          "stream_detaches_total",                        \
	    "clients that left a stream that was kept for them")             \
	X(REPLAYS,           "stream_replays_total",                         \
	    "clients that came back to their stream")                        \
	X(TAKEOVERS,         "stream_takeovers_total",                       \
	    "streams taken over by a newer connection")                      \
	X(GAPS,              "stream_gaps_total",                            \
	    "returns to events that are not kept any more")                  \
	X(COMMENTS,          "stream_comments_total",                        \
	    "keep-alive comments sent")                                      \
	X(RELEASES,          "client_releases_total",                        \
	    "client connections handed to another worker")                   \
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
