/*
 * counters.h - TABLES of the counters that each worker keeps in the shared
 * memory, so that its death loses none.  All metrics of this kind come out of
 * them.  To add one: a row, a bump of SHM_LAYOUT_VERSION, worker_count() where
 * it happens, and a line in shadowcatctl(8), METRICS.
 *
 * A metric's name has the prefix shadowcat_, a unit where there is one, and
 * ends in _total.  Rows of one metric with several labels stand together, and
 * the first one's help counts.
 */
#ifndef COMMON_COUNTERS_H
#define COMMON_COUNTERS_H

#include "common/end_reasons.h"
#include "common/http_faults.h"
#include "common/http_names.h"

/* clang-format off */
#define COUNTERS(X)                                                          \
	/* name              metric            labels        help         */ \
	X(CLIENTS_ACCEPTED,  "client_connections_total", "",                 \
	    "client connections taken over from the supervisor")             \
	X(CLIENTS_CLOSED,    "client_connections_closed_total", "",          \
	    "client connections closed")                                     \
	X(RELEASES,          "client_releases_total", "",                    \
	    "client connections handed to another worker")                   \
	X(CLIENT_RECEIVED,   "client_received_bytes_total", "",              \
	    "bytes received from clients")                                   \
	X(BYTES_DOWN,        "client_sent_bytes_total", "",                  \
	    "bytes sent to clients")                                         \
	X(REQUESTS,          "requests_begun_total", "",                     \
	    "request heads received that are well-formed")                   \
	/* In the order of enum request_method and enum status_class. */     \
	X(GET_NONE,          "requests_total", LABELS("GET", "none"),        \
	    "requests that are over, by method and status; none: the "       \
	    "client left before it was answered")                            \
	X(GET_2XX,           "requests_total", LABELS("GET", "2xx"), "")     \
	X(GET_3XX,           "requests_total", LABELS("GET", "3xx"), "")     \
	X(GET_4XX,           "requests_total", LABELS("GET", "4xx"), "")     \
	X(GET_5XX,           "requests_total", LABELS("GET", "5xx"), "")     \
	X(POST_NONE,         "requests_total", LABELS("POST", "none"), "")   \
	X(POST_2XX,          "requests_total", LABELS("POST", "2xx"), "")    \
	X(POST_3XX,          "requests_total", LABELS("POST", "3xx"), "")    \
	X(POST_4XX,          "requests_total", LABELS("POST", "4xx"), "")    \
	X(POST_5XX,          "requests_total", LABELS("POST", "5xx"), "")    \
	X(DELETE_NONE,       "requests_total", LABELS("DELETE", "none"), "") \
	X(DELETE_2XX,        "requests_total", LABELS("DELETE", "2xx"), "")  \
	X(DELETE_3XX,        "requests_total", LABELS("DELETE", "3xx"), "")  \
	X(DELETE_4XX,        "requests_total", LABELS("DELETE", "4xx"), "")  \
	X(DELETE_5XX,        "requests_total", LABELS("DELETE", "5xx"), "")  \
	X(OTHER_NONE,        "requests_total", LABELS("other", "none"), "")  \
	X(OTHER_2XX,         "requests_total", LABELS("other", "2xx"), "")   \
	X(OTHER_3XX,         "requests_total", LABELS("other", "3xx"), "")   \
	X(OTHER_4XX,         "requests_total", LABELS("other", "4xx"), "")   \
	X(OTHER_5XX,         "requests_total", LABELS("other", "5xx"), "")   \
	X(STREAMS_BEGUN,     "streams_begun_total", "", "answers begun")     \
	X(EVENTS,            "events_total", "",                             \
	    "events relayed, those of both eras")                            \
	X(DUPLICATES,        "events_duplicate_total", "",                   \
	    "events dropped because they had been received before")          \
	X(FOREIGN_EVENTS,    "events_foreign_total", "",                     \
	    "events dropped because they belong to another stream")          \
	X(COMMENTS,          "stream_comments_total", "",                    \
	    "keep-alive comments sent")                                      \
	X(DETACHES,          "stream_detaches_total", "",                    \
	    "clients that left a stream that was kept for them")             \
	X(REPLAYS,           "stream_replays_total", "",                     \
	    "clients that came back to their stream")                        \
	X(TAKEOVERS,         "stream_takeovers_total", "",                   \
	    "streams taken over by a newer connection")                      \
	X(GAPS,              "stream_gaps_total", "",                        \
	    "returns to events that are not kept any more")                  \
	X(UPSTREAM_CONNECTS, "upstream_connects_total", "",                  \
	    "connections made to the upstream")                              \
	X(UPSTREAM_REUSES,   "upstream_reuses_total", "",                    \
	    "requests sent on a connection that was already open")           \
	X(UPSTREAM_RETRIES,  "upstream_retries_total", "",                   \
	    "requests sent anew because no byte had been processed")         \
	X(FAILED_RESOLVE,    "upstream_failures_total", "reason=\"resolve\"",\
	    "what the upstream did wrong: its name was not found, it could " \
	    "not be connected to (refused, timeout), it broke an answer "    \
	    "off (lost), did not answer (silent), or not in HTTP (garbled)") \
	X(FAILED_CONNECT,    "upstream_failures_total",                      \
	    "reason=\"refused\"", "")                                        \
	X(FAILED_TIMEOUT,    "upstream_failures_total",                      \
	    "reason=\"timeout\"", "")                                        \
	X(FAILED_LOST,       "upstream_failures_total",                      \
	    "reason=\"lost\"", "")                                           \
	X(FAILED_SILENT,     "upstream_failures_total",                      \
	    "reason=\"silent\"", "")                                         \
	X(FAILED_GARBLED,    "upstream_failures_total",                      \
	    "reason=\"garbled\"", "")                                        \
	X(UPSTREAM_RECEIVED, "upstream_received_bytes_total", "",            \
	    "bytes received from the upstream")                              \
	X(BYTES_UP,          "upstream_sent_bytes_total", "",                \
	    "bytes sent to the upstream")                                    \
	X(RESUME_ATTEMPTS,   "upstream_resume_attempts_total", "",           \
	    "attempts to resume an upstream stream")                         \
	X(RESUMES,           "upstream_resumes_total", "",                   \
	    "upstream streams resumed")                                      \
	X(WATCHDOG_RESUMES,  "upstream_watchdog_resumes_total", "",          \
	    "resumed streams that stayed silent and were asked again")       \
	X(SESSIONS_BEGUN,    "sessions_begun_total", "",                     \
	    "sessions begun or learnt")                                      \
	X(SESSIONS_ENDED,    "sessions_ended_total", "", "sessions ended")   \
	X(SESSION_EXPIRIES,  "session_expiries_total", "",                   \
	    "sessions ended by session.idle_timeout or session.max_age")     \
	X(SESSION_EVICTIONS, "session_evictions_total", "",                  \
	    "times that the session table was full")                         \
	X(CONNECTIONS_REFUSED, "session_connections_refused_total", "",      \
	    "requests beyond session.max_connections")                       \
	X(ADOPTIONS,         "adoptions_total", "",                          \
	    "times that a worker took over what others had left")            \
	X(ADOPTED,           "adopted_connections_total", "",                \
	    "client connections that went on in another worker")             \
	X(ADOPTED_BROKEN,    "adopted_damaged_total", "",                    \
	    "records that were damaged when they were to be adopted")        \
	X(POISONED,          "poisoned_total", "",                           \
	    "clients, answers and sessions ended because workers died of "   \
	    "them")                                                          \
	X(MEMORY_SHORT,      "memory_short_total", "",                       \
	    "times that a table or the journal memory was full")

/* The labels of requests_total. */
#define LABELS(method, status) "method=\"" method "\",status=\"" status "\""

/*
 * Counters with one label whose values are the words of another table.  A row
 * more in that table changes the layout of the shared memory, too.
 */
#define COUNTER_VECTORS(X)                                                   \
	/* name              metric                  label                   \
	   values            word of a value         help                 */ \
	X(STREAMS_ENDED,     "streams_ended_total",  "reason",               \
	    END_REASON_COUNT, end_reason_word,                               \
	    "answers ended, by the reason that the log gives")               \
	X(REFUSED,           "requests_refused_total", "reason",             \
	    HTTP_FAULT_COUNT, http_fault_name,                               \
	    "requests that the proxy answered itself, by what was wrong")
/* clang-format on */

/*
 * An index for each counter; that of a vector is its first value's:
 * COUNTER_STREAMS_ENDED + END_ANSWERED.
 */
enum counter {
#define X(name, metric, labels, help) COUNTER_##name,
	COUNTERS(X)
#undef X
#define X(name, metric, label, values, word, help)                             \
	COUNTER_##name, COUNTER_##name##_LAST = COUNTER_##name + (values)-1,
	    COUNTER_VECTORS(X)
#undef X
		COUNTER_COUNT
};

/*
 * The counter of a request with this method that is over, with this status of
 * its answer (0: none was sent).
 */
enum counter counter_of_request(enum http_method_id method, unsigned status);

#endif
