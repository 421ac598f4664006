/*
 * jsonrpc_keep.h - the states of the JSON-RPC scanner, the names it looks
 * for, and what it keeps.  For the files of the scanner alone.
 */
#ifndef COMMON_JSONRPC_KEEP_H
#define COMMON_JSONRPC_KEEP_H

#include "common/jsonrpc.h"

enum jsonrpc_state {
	JSONRPC_STATE_BEGIN,       /* nothing but white space so far */
	JSONRPC_STATE_BATCH_FIRST, /* behind a batch's bracket */
	JSONRPC_STATE_BATCH_NEXT,  /* behind its comma */
	JSONRPC_STATE_BATCH_AFTER, /* behind one of its messages */
	JSONRPC_STATE_NAME_FIRST,  /* behind an object's brace */
	JSONRPC_STATE_NAME_NEXT,   /* behind its comma */
	JSONRPC_STATE_COLON,
	JSONRPC_STATE_VALUE,
	JSONRPC_STATE_AFTER_VALUE,
	JSONRPC_STATE_STRING, /* a name, or a value that is kept */
	JSONRPC_STATE_ESCAPE, /* behind a backslash there */
	JSONRPC_STATE_HEX,    /* in the four digits of a \u there */
	JSONRPC_STATE_NUMBER,
	JSONRPC_STATE_LITERAL,
	JSONRPC_STATE_SKIP,        /* in brackets that are passed over */
	JSONRPC_STATE_SKIP_STRING, /* in a string, there or in the place of a
				      value */
	JSONRPC_STATE_SKIP_ESCAPE, /* behind a backslash there */
	JSONRPC_STATE_DONE,        /* the text is at its end */
	JSONRPC_STATE_INVALID,     /* it is no JSON-RPC */
	JSONRPC_STATE_COUNT,
};

/* The objects whose members are read. */
enum jsonrpc_where {
	JSONRPC_WHERE_MESSAGE,
	JSONRPC_WHERE_PARAMS,
	JSONRPC_WHERE_META, /* params._meta */
	JSONRPC_WHERE_RESULT,
	JSONRPC_WHERE_COUNT,
};

/* What the string, number or literal at hand is kept as. */
enum jsonrpc_target {
	JSONRPC_TARGET_NONE,
	JSONRPC_TARGET_NAME, /* compared with the names below, not kept */
	JSONRPC_TARGET_ID,
	JSONRPC_TARGET_METHOD,
	JSONRPC_TARGET_EXTRA,
	JSONRPC_TARGET_COUNT,
};

/* Bits of struct jsonrpc's `flags`. */
enum {
	JSONRPC_FLAG_METHOD = 1 << 0,
	JSONRPC_FLAG_RESULT = 1 << 1,
	JSONRPC_FLAG_ERROR = 1 << 2,
	JSONRPC_FLAG_BATCH = 1 << 3,
	JSONRPC_FLAG_SHALLOW = 1 << 4, /* params and results are passed over */
	JSONRPC_FLAG_ALL = JSONRPC_FLAG_METHOD | JSONRPC_FLAG_RESULT |
			   JSONRPC_FLAG_ERROR | JSONRPC_FLAG_BATCH |
			   JSONRPC_FLAG_SHALLOW,
};

/* Lengths that are none. */
enum {
	JSONRPC_LEN_OTHER = 254,    /* a value of another type */
	JSONRPC_LEN_TOO_LONG = 255, /* more than is kept */
};

/*
 * The names that are looked for: enumerator, object, text.  The rows of an
 * object stand together, and none is the beginning of another.
 */
/* clang-format off */
#define JSONRPC_NAMES(X) \
	X(ID,             MESSAGE, "id") \
	X(METHOD,         MESSAGE, "method") \
	X(PARAMS,         MESSAGE, "params") \
	X(RESULT,         MESSAGE, "result") \
	X(ERROR,          MESSAGE, "error") \
	X(REQUEST_ID,     PARAMS,  "requestId") \
	X(PROGRESS_TOKEN, PARAMS,  "progressToken") \
	X(VERSION,        PARAMS,  "protocolVersion") \
	X(META,           PARAMS,  "_meta") \
	X(META_TOKEN,     META,    "progressToken") \
	X(RESULT_VERSION, RESULT,  "protocolVersion")
/* clang-format on */

enum jsonrpc_name {
	JSONRPC_NAME_UNKNOWN,
#define X(name, where, text) JSONRPC_NAME_##name,
	JSONRPC_NAMES(X)
#undef X
	    JSONRPC_NAME_COUNT,
};

/* A row of JSONRPC_NAMES: the name, its length, the object it stands in. */
struct jsonrpc_name_row {
	const char *text;
	uint8_t len;
	uint8_t where; /* enum jsonrpc_where */
};
extern const struct jsonrpc_name_row jsonrpc_names[JSONRPC_NAME_COUNT];

/* Forget all that was kept, and stand behind the brace of a new message. */
void jsonrpc_begin_message(struct jsonrpc *);

/* The text is no JSON-RPC: forget what was kept, for good. */
void jsonrpc_set_invalid(struct jsonrpc *);

/* Drop the extra value, of whatever kind it is. */
void jsonrpc_forget_extra(struct jsonrpc *);

/* A name begins, behind its quote: one of those of the object at hand? */
void jsonrpc_begin_name(struct jsonrpc *);

/* Which of the names of the object at hand is this, whole? */
enum jsonrpc_name jsonrpc_find_name(
    const struct jsonrpc *, const char *p, size_t len);

/* The name has ended; the key says which it was, if any. */
void jsonrpc_end_name(struct jsonrpc *);

/*
 * Keep `len` more bytes of the target; too many are dropped, and known to
 * be.  Nothing is done for JSONRPC_TARGET_NONE.
 */
void jsonrpc_keep(struct jsonrpc *, const char *p, size_t len);

/* The value is of a type that the target can't be: it has none any more. */
void jsonrpc_refuse_type(struct jsonrpc *);

/* Whether the target is kept as it stands, with quotes and escapes. */
bool jsonrpc_is_raw(const struct jsonrpc *);

#endif
