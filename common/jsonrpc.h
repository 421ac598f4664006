/*
 * jsonrpc.h - which JSON-RPC 2.0 messages stand in a body or in the data of
 * an event, found while the bytes pass.  Pure: no I/O, no memory.
 *
 * Looked for are the members that a relay has to know: the id, the method,
 * whether there is a result or an error, and one value more that depends on
 * the method (enum jsonrpc_extra).  Members may come in any order; of two
 * with one name the last counts, as in the parsers of both ends.
 *
 * JSON is checked in full where something is looked for: the message, its
 * params, params._meta and its result.  What lies below, or beside, is
 * passed over; only its strings and the number of its brackets count.
 */
#ifndef COMMON_JSONRPC_H
#define COMMON_JSONRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	JSONRPC_TOKEN_MAX = 64,    /* bytes of an id or extra that are kept */
	JSONRPC_METHOD_MAX = 40,   /* bytes of a method that are kept */
	JSONRPC_DEPTH_MAX = 65535, /* brackets in brackets; more: invalid */
};

/* The two parts of a scanner, for who keeps them in two places: see below. */
struct jsonrpc_place {
	_Alignas(uint16_t) char bytes[16 + JSONRPC_TOKEN_MAX];
};

struct jsonrpc_texts {
	char bytes[JSONRPC_TOKEN_MAX + JSONRPC_METHOD_MAX];
};

/*
 * A scanner and the message it has found.  Plain data that may lie in
 * shared memory and be copied at any time.  Two scanners that were fed the
 * same bytes, however cut, hold the same bytes (memcmp).  The members are
 * for jsonrpc.c alone; the functions below read them.
 *
 * Who takes a scanner back to where it was before, and feeds it the same
 * bytes again, has to take back its `place` alone: the texts are written
 * again as they were.  In between they may be those of bytes to come, where
 * a member comes twice; so what must be right at any time is in the place.
 */
struct jsonrpc {
	union {
		struct jsonrpc_place place;
		struct {
			uint16_t depth; /* open brackets of what is being
					   passed over */
			uint8_t state;  /* enum jsonrpc_state */
			uint8_t where;  /* whose members are being read */
			uint8_t key;    /* the member's name, as far as known */
			uint8_t key_len;    /* bytes of it that were seen */
			uint8_t target;     /* what the scalar is kept as */
			uint8_t progress;   /* in a literal, number, escape */
			uint8_t code;       /* \u escape so far */
			uint8_t flags;      /* FLAG_* */
			uint8_t extra_kind; /* enum jsonrpc_extra */
			uint8_t id_len;     /* bytes kept, or LEN_* */
			uint8_t extra_len;
			uint8_t method_len;
			uint8_t unused[2]; /* zero */
			char id[JSONRPC_TOKEN_MAX];
		};
	};
	union {
		struct jsonrpc_texts texts;
		struct {
			char extra[JSONRPC_TOKEN_MAX];
			char method[JSONRPC_METHOD_MAX];
		};
	};
};
_Static_assert(sizeof(struct jsonrpc) ==
		   sizeof(struct jsonrpc_place) + sizeof(struct jsonrpc_texts),
    "nothing of it is lost in its parts");

enum jsonrpc_kind {
	JSONRPC_UNKNOWN,        /* a JSON object, but none of these: */
	JSONRPC_REQUEST,        /* method and id (null counts as an id) */
	JSONRPC_NOTIFICATION,   /* method, no id */
	JSONRPC_RESPONSE,       /* no method, result */
	JSONRPC_ERROR_RESPONSE, /* no method, an error other than null */
};

/*
 * The methods that are known: enumerator, name.  To add one: a row here and
 * one in tests/unit/test_jsonrpc.c; names longer than JSONRPC_METHOD_MAX
 * are never found.
 */
/* clang-format off */
#define JSONRPC_METHODS(X) \
	X(INITIALIZE, "initialize") \
	X(CANCELLED,  "notifications/cancelled") \
	X(PROGRESS,   "notifications/progress")
/* clang-format on */

enum jsonrpc_method {
	JSONRPC_METHOD_NONE,  /* no method */
	JSONRPC_METHOD_OTHER, /* none of the table */
#define X(name, text) JSONRPC_METHOD_##name,
	JSONRPC_METHODS(X)
#undef X
};

/* How an id or an extra value stands in the message. */
enum jsonrpc_token {
	JSONRPC_TOKEN_ABSENT,
	JSONRPC_TOKEN_NULL,
	JSONRPC_TOKEN_STRING,
	JSONRPC_TOKEN_NUMBER,
	JSONRPC_TOKEN_TOO_LONG, /* string or number, not kept */
	JSONRPC_TOKEN_OTHER,    /* true, false, array, object: not kept */
};

/* Which value was kept beside the id: the one that the message calls for. */
enum jsonrpc_extra {
	JSONRPC_EXTRA_NONE,
	JSONRPC_EXTRA_RESULT_VERSION,      /* result.protocolVersion, of any
					      response that has it */
	JSONRPC_EXTRA_META_PROGRESS_TOKEN, /* params._meta.progressToken, of
					      every other method */
	JSONRPC_EXTRA_PROGRESS_TOKEN,      /* params.progressToken, of
					      notifications/progress */
	JSONRPC_EXTRA_PROTOCOL_VERSION,    /* params.protocolVersion, of
					      initialize */
	JSONRPC_EXTRA_REQUEST_ID,          /* params.requestId, of
					      notifications/cancelled */
};

/* Bytes inside of a struct jsonrpc: borrowed, void after the next call. */
struct jsonrpc_text {
	const char *text;
	size_t len;
};

/* Make a scanner for a new body, or for the data of a new event. */
void jsonrpc_init(struct jsonrpc *);

/* Whether an extra value is looked for, too: it takes as long as the rest. */
enum jsonrpc_look { JSONRPC_LOOK_DEEP, JSONRPC_LOOK_SHALLOW };

/* The place of such a scanner; of its texts nothing is looked at. */
void jsonrpc_place_init(struct jsonrpc_place *, enum jsonrpc_look look);

/*
 * Read from `buf` up to the end of the next message.  Returns the number
 * of bytes consumed, at least 1 unless `len` is 0.  *ret_message tells
 * whether a message is complete: the functions below then speak of it,
 * until the next call.  Otherwise everything is consumed.
 *
 * A batch (a top-level array, protocol 2025-03-26) is a message after the
 * other.  What is not JSON, or not a message or an array of messages, makes
 * the scanner invalid: it consumes everything and reports nothing more.
 */
size_t jsonrpc_next(
    struct jsonrpc *, const char *buf, size_t len, bool *ret_message);

/*
 * Whether a text begins as nearly all do that have a method, and are no
 * response.
 */
bool jsonrpc_begins_with_method(const char *buf, size_t len);

/*
 * As jsonrpc_next() for one who waits for a response alone: a message with a
 * method is none, so where one begins everything is consumed unread, now and
 * in later calls.
 */
size_t jsonrpc_next_response(
    struct jsonrpc *, const char *buf, size_t len, bool *ret_message);

/* What kind of message it is. */
enum jsonrpc_kind jsonrpc_kind(const struct jsonrpc *);

/* Its method, if it is a known one. */
enum jsonrpc_method jsonrpc_method(const struct jsonrpc *);

/*
 * Its method as text, without the quotes: escapes of printable ASCII are
 * resolved, others are a '?'.  Empty if there is none, if it is not a
 * string, or if it is longer than JSONRPC_METHOD_MAX.
 */
struct jsonrpc_text jsonrpc_method_text(const struct jsonrpc *);

/*
 * The id as it stands in the message: digits, or a string with its quotes.
 * Ids are equal if these bytes are.  *ret is set for STRING, NUMBER and
 * NULL, and empty otherwise; it can be written into a message unchanged.
 * One whose end has not been read is absent.
 */
enum jsonrpc_token jsonrpc_id(const struct jsonrpc *, struct jsonrpc_text *ret);

/*
 * Which other value was kept, or JSONRPC_EXTRA_NONE, and the value as it
 * stands in the message: empty if it is neither a string nor a number, or
 * longer than JSONRPC_TOKEN_MAX.  Where the method comes after params which
 * hold several of these, one is kept: the later in the enum.
 */
enum jsonrpc_extra jsonrpc_extra(
    const struct jsonrpc *, struct jsonrpc_text *ret);

/* Whether the text is at its end: a message, or a batch, and no more. */
bool jsonrpc_is_complete(const struct jsonrpc *);

/* Whether the message at hand stands in a batch. */
bool jsonrpc_is_batch(const struct jsonrpc *);

/* Whether what was read is no JSON-RPC; sticky. */
bool jsonrpc_is_invalid(const struct jsonrpc *);

/*
 * Whether these bytes can have come from this scanner.  jsonrpc_next()
 * takes bytes that can't for an invalid text, and no function here reaches
 * out of a buffer, whatever the bytes are.
 */
bool jsonrpc_is_valid(const struct jsonrpc *);

#endif
