/*
 * script.h - the little language that tells the origin what to do.
 *
 * A script is a list of statements between semicolons; a statement is a verb
 * and its words between blanks; what stands between double quotes keeps its
 * blanks and semicolons.  Escapes (\r \n \0 \xHH ...) are as in bytes.h.
 * Sizes take KiB and MiB, times are milliseconds.
 *
 *	field "X-A: b"; head 200 text/event-stream chunked;
 *	event id=1 data=hello; wait 50; bytes "raw\r\n"; cut
 *
 * `serial` sends the events of `events` with the ids PREFIX1, PREFIX2 ..., but
 * only those behind the request's Last-Event-ID; the connection is closed
 * behind each N-th event (cut), or in the middle of the next (half), or reset
 * there (reset).  With `again` it is closed likewise, and begins with the
 * first event each time.
 */
#ifndef PEERS_SCRIPT_H
#define PEERS_SCRIPT_H

#include "tests/peers/bytes.h"

/*
 * To add a verb: a row here, a function do_<verb>() in exchange.c.
 * The limits count the words behind the verb.
 */
/* clang-format off */
#define SCRIPT_VERBS(X)                                                      \
	/* verb    min max help                                           */ \
	X(field,     1, 1, "\"Name: value\": goes into the next head")       \
	X(head,      1, 3, "STATUS [TYPE|-] [chunked|length=N|close|none]")  \
	X(answer,    3, 3, "STATUS TYPE TEXT: a head with length, and body") \
	X(echo,      0, 2, "[STATUS TYPE]: answer with the request's body")  \
	X(info,      1, 2, "STATUS [\"Name: value\"]: an interim answer")    \
	X(event,     0, 4, "[id=] [event=] [retry=] [data=]: one SSE event") \
	X(events,    2, 3, "COUNT MS [id=PREFIX]: numbered notifications")   \
	X(fillevent, 1, 2, "SIZE [id=]: an event with SIZE bytes of data")   \
	X(response,  1, 2, "N [id=]: an event with the response to request") \
	X(serial,    3, 4, "COUNT MS PREFIX [cut=N|half=N|reset=N|again=N]") \
	X(comment,   1, 1, "TEXT: an SSE comment")                           \
	X(text,      1, 1, "TEXT: a piece of the body, framed")              \
	X(fill,      1, 1, "SIZE: that much of the pattern, framed")         \
	X(bytes,     1, 1, "RAW: onto the wire as they are")                 \
	X(drip,      2, 2, "PIECE MS: from here on send so much at a time")  \
	X(body,      0, 0, "read the request's body (else before the head)") \
	X(early,     0, 0, "answer without reading the request's body")      \
	X(sip,       2, 2, "PIECE MS: read the body in such pieces")         \
	X(wait,      1, 1, "MS")                                             \
	X(await,     1, 1, "NAME: wait for this file in the gate directory") \
	X(mark,      1, 1, "NAME: write a line to the log")                  \
	X(never,     0, 0, "do nothing until the peer leaves")               \
	X(end,       0, 0, "end the body (happens by itself at the end)")    \
	X(close,     0, 0, "end the body, then close the connection")        \
	X(cut,       0, 0, "close now, with a FIN")                          \
	X(finish,    0, 0, "send a FIN, and no more")                        \
	X(reset,     0, 0, "close now, with a reset")
/* clang-format on */

enum script_verb {
#define SCRIPT_ENUM(verb, min, max, help) SCRIPT_##verb,
	SCRIPT_VERBS(SCRIPT_ENUM)
#undef SCRIPT_ENUM
	    SCRIPT_VERB_COUNT
};

#define SCRIPT_WORDS_MAX 4

struct script_statement {
	enum script_verb verb;
	unsigned word_count;
	struct bytes words[SCRIPT_WORDS_MAX];
};

struct script {
	struct script_statement *statements;
	unsigned count;
};

/*
 * Parse text.  Returns 0 and a script the caller frees with script_fini();
 * or -1 with the reason in *ret_why (a literal) and nothing to free.
 */
int script_parse(
    struct script *script, const char *text, size_t len, const char **ret_why);

void script_fini(struct script *script);

/*
 * The word key=value of a statement: its value (and its length in *ret_len),
 * or NULL.
 */
const char *script_value(
    const struct script_statement *s, const char *key, size_t *ret_len);

/* A number, with KiB or MiB for sizes; 0 if it is none. */
uint64_t script_number(const char *word);

/* Print the table of verbs. */
void script_print_verbs(void);

#endif
