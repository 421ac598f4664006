/*
 * end_reasons.h - TABLE of why a stream (one relayed answer) ends.  The log
 * says the word.  To add one: a row here, and in shadowcat(8), DIAGNOSTICS.
 */
#ifndef COMMON_END_REASONS_H
#define COMMON_END_REASONS_H

#include <stdbool.h>

/* clang-format off */
#define END_REASONS(X)                                                       \
	/* word               fault?  what the operator reads */             \
	X(NONE,               false, "not ended")                            \
	X(ANSWERED,           false, "the answer was relayed whole")         \
	X(CLIENT_LEFT,        false, "the client closed its connection")     \
	X(CLIENT_STALLED,     true,  "the client took no byte for "          \
	    "client.send_timeout")                                           \
	X(REFUSED,            true,  "the request was refused by the proxy") \
	X(UPSTREAM_UNREACHED, true,  "no connection to the upstream")        \
	X(UPSTREAM_SILENT,    true,  "no answer within "                     \
	    "upstream.response_timeout")                                     \
	X(UPSTREAM_LOST,      true,  "the upstream broke its answer off")    \
	X(UPSTREAM_GARBLED,   true,  "the upstream's answer is not HTTP")    \
	X(EVENT_TOO_LONG,     true,  "an event longer than stream.max_event")\
	X(MEMORY_SHORT,       true,  "the journal memory is full")           \
	X(RECORD_BROKEN,      true,  "the shared record is damaged")         \
	X(NOT_RETURNED,       false, "the client did not come back within "  \
	    "stream.detach_timeout")                                         \
	X(TAKEN_OVER,         false, "a newer connection took the stream")   \
	X(GAP,                true,  "events that the client missed are "    \
	    "not kept any more")                                             \
	X(SESSION_DELETED,    false, "the client ended the session")         \
	X(SESSION_ENDED,      false, "the operator ended the session")       \
	X(SESSION_IDLE,       false, "session.idle_timeout has passed")      \
	X(SESSION_AGE,        false, "session.max_age has passed")           \
	X(SESSION_LOST,       true,  "the upstream does not know the "       \
	    "session any more")                                              \
	X(EVICTED,            true,  "made room for others")                 \
	X(STOPPED,            false, "the daemon stops") \
	X(POISON,             true,  "workers died of it, again and again")
/* clang-format on */

/* The table's word and sentence; END_NONE's for what is not in it. */
const char *end_reason_word(unsigned reason);
const char *end_reason_text(unsigned reason);
bool end_reason_is_fault(unsigned reason);

enum end_reason {
#define X(name, fault, text) END_##name,
	END_REASONS(X)
#undef X
	    END_REASON_COUNT
};

#endif
