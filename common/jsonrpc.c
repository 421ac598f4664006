/*
 * jsonrpc.c - finds the few members of a JSON-RPC message that matter.
 *
 * Four objects are read member by member (enum jsonrpc_where).  All other
 * values are passed over: strings by a search for their end, arrays and
 * objects by counting brackets, without a look at what the brackets are.
 */
#include "config.h"

#include <string.h>

#include "common/jsonrpc.h"
#include "common/jsonrpc_keep.h"
#include "common/jsonrpc_member.h"
#include "common/jsonrpc_value.h"
#include "common/sc.h"
#include "common/scan.h"

void
jsonrpc_init(struct jsonrpc *j)
{
	memset(j, 0, sizeof(*j));
	j->state = JSONRPC_STATE_BEGIN;
}

void
jsonrpc_place_init(struct jsonrpc_place *place, enum jsonrpc_look look)
{
	struct jsonrpc j;

	jsonrpc_init(&j);
	if (look == JSONRPC_LOOK_SHALLOW)
		j.flags |= JSONRPC_FLAG_SHALLOW;
	*place = j.place;
}

enum jsonrpc_method
jsonrpc_method(const struct jsonrpc *j)
{
	static const struct {
		const char *text;
		uint8_t len;
		enum jsonrpc_method method;
	} rows[] = {
#define X(name, text) { text, sizeof(text) - 1, JSONRPC_METHOD_##name },
		JSONRPC_METHODS(X)
#undef X
	};
	size_t i;

	if (!(j->flags & JSONRPC_FLAG_METHOD))
		return JSONRPC_METHOD_NONE;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (j->method_len == rows[i].len &&
		    rows[i].len <= JSONRPC_METHOD_MAX &&
		    memcmp(j->method, rows[i].text, rows[i].len) == 0)
			return rows[i].method;
	return JSONRPC_METHOD_OTHER;
}

static void
end_message(struct jsonrpc *j)
{
	if (j->extra_kind != JSONRPC_EXTRA_NONE &&
	    j->extra_kind != jsonrpc_extra_of_method(j))
		jsonrpc_forget_extra(j);
	j->state = j->flags & JSONRPC_FLAG_BATCH ? JSONRPC_STATE_BATCH_AFTER
						 : JSONRPC_STATE_DONE;
}

static void
begin_object(struct jsonrpc *j, enum jsonrpc_name name)
{
	jsonrpc_refuse_type(j);
	j->state = JSONRPC_STATE_NAME_FIRST;
	if (j->flags & JSONRPC_FLAG_SHALLOW)
		name = JSONRPC_NAME_UNKNOWN;
	if (name == JSONRPC_NAME_PARAMS) {
		j->where = JSONRPC_WHERE_PARAMS;
	} else if (name == JSONRPC_NAME_META) {
		j->where = JSONRPC_WHERE_META;
	} else if (name == JSONRPC_NAME_RESULT) {
		j->where = JSONRPC_WHERE_RESULT;
	} else {
		j->state = JSONRPC_STATE_SKIP;
		j->depth = 1;
	}
}

static const char *
read_value(struct jsonrpc *j, const char *p, const char *end)
{
	enum jsonrpc_name name = (enum jsonrpc_name)j->key;
	char c = *p++;

	j->key = JSONRPC_NAME_UNKNOWN;
	j->target = (uint8_t)jsonrpc_begin_member(j, name, c);
	if (c == '"') {
		if (j->target == JSONRPC_TARGET_NONE)
			return jsonrpc_skip_string(j, p, end);
		jsonrpc_begin_string(j);
	} else if (c == '{') {
		begin_object(j, name);
	} else if (c == '[') {
		begin_object(j, JSONRPC_NAME_UNKNOWN);
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		jsonrpc_begin_number(j, c);
	} else if (c == 't' || c == 'f' || c == 'n') {
		jsonrpc_begin_literal(j, c);
	} else {
		jsonrpc_set_invalid(j);
	}
	return p;
}

/* An object that is read ends; returns whether it was the message. */
static bool
end_object(struct jsonrpc *j)
{
	j->state = JSONRPC_STATE_AFTER_VALUE;
	switch ((enum jsonrpc_where)j->where) {
	case JSONRPC_WHERE_META:
		j->where = JSONRPC_WHERE_PARAMS;
		return false;
	case JSONRPC_WHERE_PARAMS:
	case JSONRPC_WHERE_RESULT:
		j->where = JSONRPC_WHERE_MESSAGE;
		return false;
	case JSONRPC_WHERE_MESSAGE:
	case JSONRPC_WHERE_COUNT:
		break;
	}
	end_message(j);
	return true;
}

/*
 * The byte `c` stands around messages, in no object.  Returns false if
 * that may not be.
 */
static bool
read_frame(struct jsonrpc *j, char c)
{
	enum jsonrpc_state at = (enum jsonrpc_state)j->state;

	if (c == '{' && at <= JSONRPC_STATE_BATCH_NEXT)
		jsonrpc_begin_message(j);
	else if (c == ',' && at == JSONRPC_STATE_BATCH_AFTER)
		j->state = JSONRPC_STATE_BATCH_NEXT;
	else if (c == ']' && at == JSONRPC_STATE_BATCH_AFTER)
		j->state = JSONRPC_STATE_DONE;
	else if (c == ']' && at == JSONRPC_STATE_BATCH_FIRST)
		j->state = JSONRPC_STATE_DONE;
	else
		return false;
	return true;
}

/* The byte `c` stands between the parts of an object; the same. */
static bool
read_mark(struct jsonrpc *j, char c, bool *ret_message)
{
	bool first = j->state == JSONRPC_STATE_NAME_FIRST;
	bool after = j->state == JSONRPC_STATE_AFTER_VALUE;

	if (c == '"' && !after) {
		jsonrpc_begin_name(j);
	} else if (c == ',' && after) {
		j->state = JSONRPC_STATE_NAME_NEXT;
	} else if (c == '}' && (first || after)) {
		*ret_message = end_object(j);
	} else {
		return false;
	}
	return true;
}

/* A text begins with a message or with the bracket of a batch. */
static bool
read_begin(struct jsonrpc *j, char c)
{
	if (c != '[')
		return read_frame(j, c);
	j->flags |= JSONRPC_FLAG_BATCH;
	j->state = JSONRPC_STATE_BATCH_FIRST;
	return true;
}

static bool
read_colon(struct jsonrpc *j, char c)
{
	j->state = JSONRPC_STATE_VALUE;
	return c == ':';
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/*
 * Read a byte that is not white space, in the states in which white space
 * may stand.  Returns false if the byte may not stand there.
 */
static bool
read_byte(struct jsonrpc *j, char c, bool *ret_message)
{
	switch ((enum jsonrpc_state)j->state) {
	case JSONRPC_STATE_NAME_FIRST:
	case JSONRPC_STATE_NAME_NEXT:
	case JSONRPC_STATE_AFTER_VALUE:
		return read_mark(j, c, ret_message);
	case JSONRPC_STATE_COLON:
		return read_colon(j, c);
	case JSONRPC_STATE_BEGIN:
		return read_begin(j, c);
	case JSONRPC_STATE_BATCH_FIRST:
	case JSONRPC_STATE_BATCH_NEXT:
	case JSONRPC_STATE_BATCH_AFTER:
		return read_frame(j, c);
	default:
		return false;
	}
}

static const char *
read_spaced(struct jsonrpc *j, const char *p, bool *ret_message)
{
	if (!is_space(*p) && !read_byte(j, *p, ret_message))
		jsonrpc_set_invalid(j);
	return p + 1;
}

/* Read on in a value, in the state in which its first byte has left it. */
static const char *
read_rest(struct jsonrpc *j, const char *p, const char *end)
{
	switch ((enum jsonrpc_state)j->state) {
	case JSONRPC_STATE_STRING:
		return jsonrpc_read_string(j, p, end);
	case JSONRPC_STATE_NUMBER:
		return jsonrpc_read_number(j, p, end);
	case JSONRPC_STATE_SKIP:
		return jsonrpc_skip_brackets(j, p, end);
	default:
		return p;
	}
}

/*
 * A member whose name has no escapes, and lies here with its colon and a byte
 * of its value: most do.  The same as to read it state by state, but faster.
 * Returns `p`, with nothing changed, if it is none.
 */
static const char *
read_member(struct jsonrpc *j, const char *p, const char *end)
{
	const char *name = p + 1;
	size_t len = scan_either(name, (size_t)(end - name), '"', '\\');
	const char *value = name + len + 2;

	if (value >= end || name[len] != '"' || value[-1] != ':')
		return p;
	if (*value == ' ' && value + 1 < end)
		value++; /* as some write it */
	j->key = (uint8_t)jsonrpc_find_name(j, name, len);
	j->state = JSONRPC_STATE_VALUE;
	if (is_space(*value))
		return value;
	p = read_value(j, value, end);
	return p < end ? read_rest(j, p, end) : p;
}

/* The members from a name's quote on, as long as one follows the other. */
static const char *
read_members(struct jsonrpc *j, const char *p, const char *end)
{
	const char *next;

	while ((next = read_member(j, p, end)) != p) {
		p = next;
		if (j->state == JSONRPC_STATE_AFTER_VALUE && p < end &&
		    *p == ',') {
			j->state = JSONRPC_STATE_NAME_NEXT;
			p++;
		}
		if ((j->state != JSONRPC_STATE_NAME_NEXT &&
			j->state != JSONRPC_STATE_NAME_FIRST) ||
		    p == end || *p != '"')
			break;
	}
	return p;
}

/* Where a name may stand. */
static const char *
read_name(struct jsonrpc *j, const char *p, const char *end, bool *ret_message)
{
	const char *next = *p == '"' ? read_members(j, p, end) : p;

	return next != p ? next : read_spaced(j, p, ret_message);
}

/* Read on in the state at hand: at least a byte, or to another state. */
static const char *
read_some(struct jsonrpc *j, const char *p, const char *end, bool *ret_message)
{
	switch ((enum jsonrpc_state)j->state) {
	case JSONRPC_STATE_STRING:
		return jsonrpc_read_string(j, p, end);
	case JSONRPC_STATE_ESCAPE:
		return jsonrpc_read_escape(j, p);
	case JSONRPC_STATE_HEX:
		return jsonrpc_read_hex(j, p);
	case JSONRPC_STATE_NUMBER:
		return jsonrpc_read_number(j, p, end);
	case JSONRPC_STATE_LITERAL:
		return jsonrpc_read_literal(j, p);
	case JSONRPC_STATE_SKIP:
		return jsonrpc_skip_brackets(j, p, end);
	case JSONRPC_STATE_SKIP_STRING:
		return jsonrpc_skip_string(j, p, end);
	case JSONRPC_STATE_SKIP_ESCAPE:
		return jsonrpc_skip_string(j, p + 1, end);
	case JSONRPC_STATE_VALUE:
		return is_space(*p) ? p + 1 : read_value(j, p, end);
	case JSONRPC_STATE_INVALID:
		return end;
	case JSONRPC_STATE_NAME_FIRST:
	case JSONRPC_STATE_NAME_NEXT:
		return read_name(j, p, end, ret_message);
	case JSONRPC_STATE_BEGIN:
	case JSONRPC_STATE_BATCH_FIRST:
	case JSONRPC_STATE_BATCH_NEXT:
	case JSONRPC_STATE_BATCH_AFTER:
	case JSONRPC_STATE_COLON:
	case JSONRPC_STATE_AFTER_VALUE:
	case JSONRPC_STATE_DONE:
	case JSONRPC_STATE_COUNT:
		break;
	}
	return read_spaced(j, p, ret_message);
}

/* Read until a message ends, or has one of the flags in `stop`. */
static size_t
read_until(struct jsonrpc *j, const char *buf, size_t len, unsigned stop,
    bool *ret_message)
{
	const char *p = buf, *end = buf + len;

	*ret_message = false;
	if (!jsonrpc_is_valid(j))
		jsonrpc_set_invalid(j);
	while (p < end && !*ret_message && !(j->flags & stop))
		p = read_some(j, p, end, ret_message);
	return (size_t)(p - buf);
}

size_t
jsonrpc_next(struct jsonrpc *j, const char *buf, size_t len, bool *ret_message)
{
	return read_until(j, buf, len, 0, ret_message);
}

/* What the value is, and whether there is one, makes no difference. */
bool
jsonrpc_begins_with_method(const char *buf, size_t len)
{
	static const char version[] = "{\"jsonrpc\":\"2.0\",\"method\":";
	static const char method[] = "{\"method\":";

	return (len >= sizeof(version) - 1 &&
		   memcmp(buf, version, sizeof(version) - 1) == 0) ||
	       (len >= sizeof(method) - 1 &&
		   memcmp(buf, method, sizeof(method) - 1) == 0);
}

size_t
jsonrpc_next_response(
    struct jsonrpc *j, const char *buf, size_t len, bool *ret_message)
{
	size_t n = read_until(j, buf, len, JSONRPC_FLAG_METHOD, ret_message);

	return *ret_message ? n : len;
}

enum jsonrpc_kind
jsonrpc_kind(const struct jsonrpc *j)
{
	if (j->flags & JSONRPC_FLAG_METHOD)
		return j->id_len != 0 ? JSONRPC_REQUEST : JSONRPC_NOTIFICATION;
	if (j->flags & JSONRPC_FLAG_ERROR)
		return JSONRPC_ERROR_RESPONSE;
	if (j->flags & JSONRPC_FLAG_RESULT)
		return JSONRPC_RESPONSE;
	return JSONRPC_UNKNOWN;
}

struct jsonrpc_text
jsonrpc_method_text(const struct jsonrpc *j)
{
	if (!(j->flags & JSONRPC_FLAG_METHOD) ||
	    j->method_len > sizeof(j->method))
		return (struct jsonrpc_text){ j->method, 0 };
	return (struct jsonrpc_text){ j->method, j->method_len };
}

enum jsonrpc_token
jsonrpc_id(const struct jsonrpc *j, struct jsonrpc_text *ret)
{
	*ret = (struct jsonrpc_text){ j->id, 0 };
	if (j->id_len == 0 || j->target == JSONRPC_TARGET_ID)
		return JSONRPC_TOKEN_ABSENT;
	if (j->id_len == JSONRPC_LEN_TOO_LONG)
		return JSONRPC_TOKEN_TOO_LONG;
	if (j->id_len > sizeof(j->id))
		return JSONRPC_TOKEN_OTHER;
	ret->len = j->id_len;
	if (j->id[0] == '"')
		return JSONRPC_TOKEN_STRING;
	return j->id[0] == 'n' ? JSONRPC_TOKEN_NULL : JSONRPC_TOKEN_NUMBER;
}

enum jsonrpc_extra
jsonrpc_extra(const struct jsonrpc *j, struct jsonrpc_text *ret)
{
	*ret = (struct jsonrpc_text){ j->extra, 0 };
	if (j->extra_len <= sizeof(j->extra))
		ret->len = j->extra_len;
	return (enum jsonrpc_extra)j->extra_kind;
}

bool
jsonrpc_is_complete(const struct jsonrpc *j)
{
	return j->state == JSONRPC_STATE_DONE;
}

bool
jsonrpc_is_batch(const struct jsonrpc *j)
{
	return (j->flags & JSONRPC_FLAG_BATCH) != 0;
}

bool
jsonrpc_is_invalid(const struct jsonrpc *j)
{
	return j->state == JSONRPC_STATE_INVALID;
}

static bool
is_len_valid(size_t len, size_t cap)
{
	return len <= cap || len == JSONRPC_LEN_OTHER ||
	       len == JSONRPC_LEN_TOO_LONG;
}

bool
jsonrpc_is_valid(const struct jsonrpc *j)
{
	if (j->state >= JSONRPC_STATE_COUNT ||
	    j->where >= JSONRPC_WHERE_COUNT || j->key >= JSONRPC_NAME_COUNT ||
	    j->target >= JSONRPC_TARGET_COUNT)
		return false;
	if (j->key != JSONRPC_NAME_UNKNOWN &&
	    jsonrpc_names[j->key].where != j->where)
		return false;
	if (j->key_len > jsonrpc_names[j->key].len || j->code > 0x7f ||
	    (j->flags & ~JSONRPC_FLAG_ALL) || !jsonrpc_is_progress_valid(j))
		return false;
	if (j->state == JSONRPC_STATE_SKIP && j->depth == 0)
		return false;
	return j->extra_kind <= JSONRPC_EXTRA_REQUEST_ID &&
	       is_len_valid(j->id_len, sizeof(j->id)) &&
	       is_len_valid(j->extra_len, sizeof(j->extra)) &&
	       is_len_valid(j->method_len, sizeof(j->method));
}
