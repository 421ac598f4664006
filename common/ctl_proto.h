/*
 * ctl_proto.h - what goes over the control socket.
 *
 * Both ways the same form: a frame is its length (four bytes, the greatest
 * first) and one msgpack map of that length.  A connection carries one
 * request and its answer, which is any number of pieces and then a last
 * frame; then the supervisor closes it.
 *
 *	request   {version, command, arguments: [text...], bodies: bool,
 *	          force: bool}
 *	piece     {version, rows: [{...}...]}   or   {version, text}
 *	last      {version, done: text}         or   {version, error: text}
 *
 * Strict: a key that is not known, given twice or of another type is
 * refused.  Pure, but for the memory that msgpack takes to decode.
 */
#ifndef COMMON_CTL_PROTO_H
#define COMMON_CTL_PROTO_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ctl_commands.h"
#include "common/sc.h"

#define CTL_VERSION 1u
#define CTL_HEAD_LEN 4u
/* The longest request and the longest piece of an answer, without head. */
#define CTL_REQUEST_MAX 2048u
#define CTL_PIECE_MAX 65536u
#define CTL_ARGUMENTS_MAX 2u
/* Room for a session's id (SESSION_ID_MAX). */
#define CTL_ARGUMENT_CAP 320u
/* Maps and arrays in one another. */
#define CTL_DEPTH_MAX 6u

/* --- the table of commands ----------------------------------------------- */

struct ctl_command_row {
	const char *words;
	const char *arguments; /* for people; "" where there are none */
	unsigned least, most;  /* how many arguments */
	bool changes;          /* something: it is logged who asked */
	enum ctl_form form;
	const char *help;
};

/* The row of a command, which must be one. */
const struct ctl_command_row *ctl_command_row(enum ctl_command command);

/* The command with these words; CTL_COMMAND_COUNT: none. */
enum ctl_command ctl_command_find(const char *words, size_t len);

/* --- frames --------------------------------------------------------------- */

/* The length that a frame's head says. */
uint32_t ctl_frame_len(const char head[CTL_HEAD_LEN]);

/*
 * Whether these bytes are exactly one msgpack value made of nil, booleans,
 * numbers, text, arrays and maps whose keys are text, no more than
 * CTL_DEPTH_MAX deep.  Only then are they given to msgpack's decoder, which
 * would take memory for any count that a peer claims.
 */
bool ctl_is_clean(const char *p, size_t len);

/* --- requests --------------------------------------------------------------
 */

struct ctl_request {
	enum ctl_command command;
	bool bodies; /* tap: with the events' data */
	bool force;  /* upgrade: over another layout version, too */
	unsigned argument_count;
	char arguments[CTL_ARGUMENTS_MAX][CTL_ARGUMENT_CAP];
};

/* Room for any request with its head. */
#define CTL_REQUEST_CAP (CTL_HEAD_LEN + CTL_REQUEST_MAX)

/*
 * Write the frame of a request to buf (CTL_REQUEST_CAP bytes); returns its
 * length, 0 where it has too many or too long arguments.
 */
size_t ctl_request_encode(const struct ctl_request *request, char *buf);

/*
 * Read a request without its head.  0; or, with *ret_why what is wrong (a
 * string constant), -EPROTO (not a request), -EPROTONOSUPPORT (another
 * version), -ENOENT (no such command), -EINVAL (its arguments), -ENOMEM.
 */
SC_MUST_CHECK int ctl_request_decode(
    const char *p, size_t len, struct ctl_request *ret, const char **ret_why);

/* --- writing answers ------------------------------------------------------ */

/*
 * Frames that wait to be sent, in memory of the caller.  What does not fit
 * is not there: a frame is whole or absent.
 */
struct ctl_out {
	char *buf;
	size_t cap;
	size_t len;      /* whole frames, and the one that is being written */
	bool overflow;   /* of the frame or row that is being written */
	size_t frame;    /* where that frame begins */
	size_t rows_at;  /* where its count of rows stands */
	size_t row;      /* where the row that is being written begins */
	uint32_t rows;   /* whole rows in it */
	uint32_t fields; /* of the row that is being written */
};

/* Room for one piece, with its head. */
#define CTL_OUT_CAP (CTL_HEAD_LEN + CTL_PIECE_MAX)

/* Begin with no frames; buf is borrowed. */
void ctl_out_init(struct ctl_out *out, char *buf, size_t cap);

/* A piece of rows: begin, rows, end.  One without rows leaves no frame. */
void ctl_rows_begin(struct ctl_out *out);
void ctl_rows_end(struct ctl_out *out);

/*
 * A row: begin, fields, end.  False: it did not fit and is not there; it
 * goes into the next piece.
 */
void ctl_row_begin(struct ctl_out *out);
bool ctl_row_end(struct ctl_out *out);

/* Fields of a row; keys and text are copied. */
void ctl_put_text(struct ctl_out *out, const char *key, const char *text);
void ctl_put_bytes(
    struct ctl_out *out, const char *key, const char *p, size_t len);
void ctl_put_uint(struct ctl_out *out, const char *key, uint64_t value);
void ctl_put_number(struct ctl_out *out, const char *key, double value);
void ctl_put_bool(struct ctl_out *out, const char *key, bool value);
void ctl_put_nil(struct ctl_out *out, const char *key);

/*
 * A piece of text; a last frame.  False where it does not fit beside what
 * waits already.  CTL_TEXT_MAX bytes always fit in an empty one.
 */
#define CTL_TEXT_MAX (CTL_PIECE_MAX - 64)
SC_MUST_CHECK bool ctl_put_piece(
    struct ctl_out *out, const char *p, size_t len);
SC_MUST_CHECK bool ctl_put_done(struct ctl_out *out, const char *text);
SC_MUST_CHECK bool ctl_put_error(struct ctl_out *out, const char *text);

/* --- reading answers ------------------------------------------------------ */

enum ctl_answer_kind {
	CTL_ANSWER_ROWS,
	CTL_ANSWER_TEXT,
	CTL_ANSWER_DONE,
	CTL_ANSWER_ERROR,
};

struct ctl_answer {
	enum ctl_answer_kind kind;
	msgpack_object body; /* rows: an array of maps; otherwise text */
};

/*
 * Read a frame of an answer without its head.  *memory (initialised by the
 * caller, who also destroys it) holds what *ret points into.  0, -EPROTO,
 * -EPROTONOSUPPORT or -ENOMEM.
 */
SC_MUST_CHECK int ctl_answer_decode(const char *p, size_t len,
    msgpack_unpacked *memory, struct ctl_answer *ret);

#endif
