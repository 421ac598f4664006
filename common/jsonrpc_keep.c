/*
 * jsonrpc_keep.c - what the JSON-RPC scanner keeps of a message.
 */
#include "config.h"

#include <string.h>

#include "common/jsonrpc_keep.h"
#include "common/sc.h"

/* clang-format off */
const struct jsonrpc_name_row jsonrpc_names[JSONRPC_NAME_COUNT] = {
	[JSONRPC_NAME_UNKNOWN] = { "", 0, JSONRPC_WHERE_COUNT },
#define X(name, where, text) \
	[JSONRPC_NAME_##name] = { \
		text, sizeof(text) - 1, JSONRPC_WHERE_##where \
	},
	JSONRPC_NAMES(X)
#undef X
};
/* clang-format on */

static const uint8_t first_name[] = {
	[JSONRPC_WHERE_MESSAGE] = JSONRPC_NAME_ID,
	[JSONRPC_WHERE_PARAMS] = JSONRPC_NAME_REQUEST_ID,
	[JSONRPC_WHERE_META] = JSONRPC_NAME_META_TOKEN,
	[JSONRPC_WHERE_RESULT] = JSONRPC_NAME_RESULT_VERSION,
	[JSONRPC_WHERE_COUNT] = JSONRPC_NAME_COUNT,
};

void
jsonrpc_forget_extra(struct jsonrpc *j)
{
	j->extra_kind = JSONRPC_EXTRA_NONE;
	j->extra_len = 0;
}

void
jsonrpc_begin_message(struct jsonrpc *j)
{
	j->depth = 0;
	j->where = JSONRPC_WHERE_MESSAGE;
	j->key = JSONRPC_NAME_UNKNOWN;
	j->key_len = 0;
	j->target = JSONRPC_TARGET_NONE;
	j->progress = 0;
	j->code = 0;
	j->flags &= JSONRPC_FLAG_BATCH | JSONRPC_FLAG_SHALLOW;
	j->id_len = 0;
	j->method_len = 0;
	jsonrpc_forget_extra(j);
	j->state = JSONRPC_STATE_NAME_FIRST;
}

void
jsonrpc_set_invalid(struct jsonrpc *j)
{
	memset(j, 0, sizeof(*j));
	j->state = JSONRPC_STATE_INVALID;
}

/* Append to one of the texts; canonical: the same for any cuts. */
static void
text_add(char *text, size_t cap, uint8_t *text_len, const char *p, size_t len)
{
	size_t room;

	if (*text_len > cap)
		return;
	room = cap - *text_len;
	memcpy(text + *text_len, p, MIN(len, room));
	*text_len =
	    len > room ? JSONRPC_LEN_TOO_LONG : (uint8_t)(*text_len + len);
}

/*
 * Follow a name by one character: stay with the row, or go on to a later
 * one of the same object that begins alike.
 */
static void
name_add(struct jsonrpc *j, char c)
{
	const struct jsonrpc_name_row *now = &jsonrpc_names[j->key], *row;
	size_t len = j->key_len;
	unsigned i;

	for (i = j->key; i < JSONRPC_NAME_COUNT; i++) {
		row = &jsonrpc_names[i];
		if (row->where != now->where)
			break;
		if (len < row->len && row->text[len] == c &&
		    memcmp(row->text, now->text, len) == 0) {
			j->key = (uint8_t)i;
			j->key_len++;
			return;
		}
	}
	j->key = JSONRPC_NAME_UNKNOWN;
	j->key_len = 0;
}

void
jsonrpc_begin_name(struct jsonrpc *j)
{
	j->state = JSONRPC_STATE_STRING;
	j->target = JSONRPC_TARGET_NAME;
	j->key = first_name[j->where];
	j->key_len = 0;
}

enum jsonrpc_name
jsonrpc_find_name(const struct jsonrpc *j, const char *p, size_t len)
{
	const struct jsonrpc_name_row *row, *end;

	row = &jsonrpc_names[first_name[j->where]];
	end = &jsonrpc_names[first_name[j->where + 1]];
	for (; row < end; row++) {
		if (row->len == len && row->text[0] == p[0] &&
		    memcmp(row->text, p, len) == 0)
			return (enum jsonrpc_name)(row - jsonrpc_names);
	}
	return JSONRPC_NAME_UNKNOWN;
}

void
jsonrpc_end_name(struct jsonrpc *j)
{
	if (j->key_len != jsonrpc_names[j->key].len)
		j->key = JSONRPC_NAME_UNKNOWN;
	j->key_len = 0;
	j->target = JSONRPC_TARGET_NONE;
	j->state = JSONRPC_STATE_COLON;
}

void
jsonrpc_keep(struct jsonrpc *j, const char *p, size_t len)
{
	size_t i;

	switch ((enum jsonrpc_target)j->target) {
	case JSONRPC_TARGET_NAME:
		for (i = 0; i < len && j->key != JSONRPC_NAME_UNKNOWN; i++)
			name_add(j, p[i]);
		return;
	case JSONRPC_TARGET_ID:
		text_add(j->id, sizeof(j->id), &j->id_len, p, len);
		return;
	case JSONRPC_TARGET_METHOD:
		text_add(j->method, sizeof(j->method), &j->method_len, p, len);
		return;
	case JSONRPC_TARGET_EXTRA:
		text_add(j->extra, sizeof(j->extra), &j->extra_len, p, len);
		return;
	case JSONRPC_TARGET_NONE:
	case JSONRPC_TARGET_COUNT:
		return;
	}
}

bool
jsonrpc_is_raw(const struct jsonrpc *j)
{
	return j->target == JSONRPC_TARGET_ID ||
	       j->target == JSONRPC_TARGET_EXTRA;
}

void
jsonrpc_refuse_type(struct jsonrpc *j)
{
	if (j->target == JSONRPC_TARGET_ID)
		j->id_len = JSONRPC_LEN_OTHER;
	else if (j->target == JSONRPC_TARGET_METHOD)
		j->method_len = JSONRPC_LEN_OTHER;
	else if (j->target == JSONRPC_TARGET_EXTRA)
		j->extra_len = JSONRPC_LEN_OTHER;
	j->target = JSONRPC_TARGET_NONE;
}
