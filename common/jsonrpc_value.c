/*
 * jsonrpc_value.c - strings, numbers and literals of a JSON-RPC message,
 * and values that are passed over.
 */
#include "config.h"

#include <string.h>

#include "common/jsonrpc_value.h"
#include "common/sc.h"
#include "common/scan.h"

/* Where in a number; those that a number can end with are marked. */
enum number {
	NUMBER_MINUS,
	NUMBER_ZERO, /* end */
	NUMBER_INT,  /* end */
	NUMBER_POINT,
	NUMBER_FRACTION, /* end */
	NUMBER_E,
	NUMBER_E_SIGN,
	NUMBER_EXPONENT, /* end */
	NUMBER_COUNT,
};
/* clang-format off */
#define NUMBER_ENDS \
	(1u << NUMBER_ZERO | 1u << NUMBER_INT | \
	 1u << NUMBER_FRACTION | 1u << NUMBER_EXPONENT)
/* clang-format on */

/* So many bytes between brackets are looked at one by one; more, by scan.h. */
#define PLAIN_MAX 8

static const char *const literals[] = { "true", "false", "null" };

void
jsonrpc_begin_string(struct jsonrpc *j)
{
	j->state = JSONRPC_STATE_STRING;
	if (jsonrpc_is_raw(j))
		jsonrpc_keep(j, "\"", 1);
}

static void
end_string(struct jsonrpc *j)
{
	if (jsonrpc_is_raw(j))
		jsonrpc_keep(j, "\"", 1);
	j->target = JSONRPC_TARGET_NONE;
	j->state = JSONRPC_STATE_AFTER_VALUE;
}

/* What is kept may be written by us one day, into an event: no line ends. */
static bool
has_control(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)p[i] < 0x20)
			return true;
	return false;
}

/* Read a piece of a name. */
static const char *
read_name(struct jsonrpc *j, const char *p, const char *end)
{
	const char *stop = p + scan_either(p, (size_t)(end - p), '"', '\\');

	jsonrpc_keep(j, p, (size_t)(stop - p));
	if (stop == end)
		return end;
	if (*stop == '"')
		jsonrpc_end_name(j);
	else
		j->state = JSONRPC_STATE_ESCAPE;
	return stop + 1;
}

const char *
jsonrpc_read_string(struct jsonrpc *j, const char *p, const char *end)
{
	size_t len;

	if (j->target == JSONRPC_TARGET_NAME)
		return read_name(j, p, end);
	len = scan_either(p, (size_t)(end - p), '"', '\\');
	if (has_control(p, len)) {
		jsonrpc_set_invalid(j);
		return end;
	}
	jsonrpc_keep(j, p, len);
	p += len;
	if (p == end)
		return p;
	if (*p == '"')
		end_string(j);
	else
		j->state = JSONRPC_STATE_ESCAPE;
	return p + 1;
}

static void
keep_escaped(struct jsonrpc *j, char c)
{
	if (!jsonrpc_is_raw(j))
		jsonrpc_keep(j, &c, 1);
	j->state = JSONRPC_STATE_STRING;
}

const char *
jsonrpc_read_escape(struct jsonrpc *j, const char *p)
{
	static const char after_backslash[] = "\"\\/bfnrtu";

	if (*p == '\0' || strchr(after_backslash, *p) == NULL) {
		jsonrpc_set_invalid(j);
		return p;
	}
	if (jsonrpc_is_raw(j)) {
		jsonrpc_keep(j, "\\", 1);
		jsonrpc_keep(j, p, 1);
	}
	if (*p == 'u') {
		j->state = JSONRPC_STATE_HEX;
		j->progress = 0;
		j->code = 0;
	} else {
		keep_escaped(
		    j, *p == '"' || *p == '\\' || *p == '/' ? *p : '?');
	}
	return p + 1;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

const char *
jsonrpc_read_hex(struct jsonrpc *j, const char *p)
{
	int digit = hex_value(*p);

	if (digit < 0) {
		jsonrpc_set_invalid(j);
		return p;
	}
	if (jsonrpc_is_raw(j))
		jsonrpc_keep(j, p, 1);
	/* all beyond printable ASCII is one, and stays there */
	j->code = (uint8_t)MIN(j->code * 16 + digit, 0x7f);
	if (++j->progress == 4) {
		keep_escaped(
		    j, j->code >= 0x20 && j->code < 0x7f ? (char)j->code : '?');
		j->progress = 0;
		j->code = 0;
	}
	return p + 1;
}

/* Where a number is after `c`, NUMBER_COUNT if `c` is none of it. */
static enum number
number_next(enum number at, char c)
{
	bool digit = c >= '0' && c <= '9', e = c == 'e' || c == 'E';

	switch (at) {
	case NUMBER_MINUS:
		if (digit)
			return c == '0' ? NUMBER_ZERO : NUMBER_INT;
		break;
	case NUMBER_INT:
		if (digit)
			return NUMBER_INT;
		/* fall through */
	case NUMBER_ZERO:
		if (c == '.')
			return NUMBER_POINT;
		return e ? NUMBER_E : NUMBER_COUNT;
	case NUMBER_POINT:
		return digit ? NUMBER_FRACTION : NUMBER_COUNT;
	case NUMBER_FRACTION:
		if (digit)
			return NUMBER_FRACTION;
		return e ? NUMBER_E : NUMBER_COUNT;
	case NUMBER_E:
		if (c == '+' || c == '-')
			return NUMBER_E_SIGN;
		/* fall through */
	case NUMBER_E_SIGN:
	case NUMBER_EXPONENT:
		return digit ? NUMBER_EXPONENT : NUMBER_COUNT;
	case NUMBER_COUNT:
		break;
	}
	return NUMBER_COUNT;
}

const char *
jsonrpc_read_number(struct jsonrpc *j, const char *p, const char *end)
{
	const char *start = p;
	enum number at = (enum number)j->progress, next;

	for (; p < end; p++) {
		next = number_next(at, *p);
		if (next == NUMBER_COUNT)
			break;
		at = next;
	}
	if (j->target != JSONRPC_TARGET_NONE)
		jsonrpc_keep(j, start, (size_t)(p - start));
	j->progress = (uint8_t)at;
	if (p == end)
		return p;
	if (!(NUMBER_ENDS & 1u << at)) {
		jsonrpc_set_invalid(j);
		return end;
	}
	j->progress = 0;
	j->target = JSONRPC_TARGET_NONE;
	j->state = JSONRPC_STATE_AFTER_VALUE;
	return p;
}

const char *
jsonrpc_read_literal(struct jsonrpc *j, const char *p)
{
	const char *rest = literals[j->progress >> 3] + (j->progress & 7);

	if (*p != *rest) {
		jsonrpc_set_invalid(j);
		return p;
	}
	jsonrpc_keep(j, p, 1);
	j->progress++;
	if (rest[1] == '\0') {
		j->progress = 0;
		j->target = JSONRPC_TARGET_NONE;
		j->state = JSONRPC_STATE_AFTER_VALUE;
	}
	return p + 1;
}

const char *
jsonrpc_skip_string(struct jsonrpc *j, const char *p, const char *end)
{
	for (;;) {
		p += scan_either(p, (size_t)(end - p), '"', '\\');
		if (p == end) {
			j->state = JSONRPC_STATE_SKIP_STRING;
			return p;
		}
		if (*p++ == '"')
			break;
		if (p == end) {
			j->state = JSONRPC_STATE_SKIP_ESCAPE;
			return p;
		}
		p++;
	}
	j->state =
	    j->depth > 0 ? JSONRPC_STATE_SKIP : JSONRPC_STATE_AFTER_VALUE;
	return p;
}

const char *
jsonrpc_skip_brackets(struct jsonrpc *j, const char *p, const char *end)
{
	/* 0 for all bytes that change nothing */
	static const char kind[256] = {
		['"'] = '"', ['['] = '[', ['{'] = '[', [']'] = ']', ['}'] = ']'
	};
	unsigned plain = 0;
	char k;

	while (p < end) {
		k = kind[(unsigned char)*p++];
		if (k == 0) {
			if (++plain % PLAIN_MAX == 0)
				p += scan_json(p, (size_t)(end - p));
			continue;
		}
		if (k == '"') {
			p = jsonrpc_skip_string(j, p, end);
			if (j->state != JSONRPC_STATE_SKIP)
				return p;
		} else if (k == ']') {
			if (--j->depth > 0)
				continue;
			j->state = JSONRPC_STATE_AFTER_VALUE;
			return p;
		} else if (j->depth++ == JSONRPC_DEPTH_MAX) {
			jsonrpc_set_invalid(j);
			return end;
		}
	}
	return p;
}

void
jsonrpc_begin_literal(struct jsonrpc *j, char c)
{
	unsigned which = c == 't' ? 0 : c == 'f' ? 1 : 2;

	/* null is an id, if a bad one; nothing else here can be a literal */
	if (j->target != JSONRPC_TARGET_ID || c != 'n')
		jsonrpc_refuse_type(j);
	else
		jsonrpc_keep(j, "n", 1);
	j->state = JSONRPC_STATE_LITERAL;
	j->progress = (uint8_t)(which << 3 | 1);
}

void
jsonrpc_begin_number(struct jsonrpc *j, char c)
{
	if (j->target == JSONRPC_TARGET_METHOD)
		jsonrpc_refuse_type(j);
	if (j->target != JSONRPC_TARGET_NONE)
		jsonrpc_keep(j, &c, 1);
	j->state = JSONRPC_STATE_NUMBER;
	j->progress =
	    (uint8_t)(c == '-' ? NUMBER_MINUS : number_next(NUMBER_MINUS, c));
}

bool
jsonrpc_is_progress_valid(const struct jsonrpc *j)
{
	unsigned which = j->progress >> 3, at = j->progress & 7;

	switch ((enum jsonrpc_state)j->state) {
	case JSONRPC_STATE_HEX:
		return j->progress < 4;
	case JSONRPC_STATE_NUMBER:
		return j->progress < NUMBER_COUNT;
	case JSONRPC_STATE_LITERAL:
		return which < ARRAY_LEN(literals) && at > 0 &&
		       at < strlen(literals[which]);
	default:
		return j->progress == 0;
	}
}
