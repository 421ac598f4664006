/*
 * jsonrpc_member.c - what a member means for the message it stands in.
 */
#include "config.h"

#include "common/jsonrpc_member.h"

enum jsonrpc_extra
jsonrpc_extra_of_method(const struct jsonrpc *j)
{
	switch (jsonrpc_method(j)) {
	case JSONRPC_METHOD_CANCELLED:
		return JSONRPC_EXTRA_REQUEST_ID;
	case JSONRPC_METHOD_PROGRESS:
		return JSONRPC_EXTRA_PROGRESS_TOKEN;
	case JSONRPC_METHOD_INITIALIZE:
		return JSONRPC_EXTRA_PROTOCOL_VERSION;
	case JSONRPC_METHOD_OTHER:
		return JSONRPC_EXTRA_META_PROGRESS_TOKEN;
	case JSONRPC_METHOD_NONE:
		break;
	}
	return JSONRPC_EXTRA_RESULT_VERSION;
}

/* Whether to keep a value of this kind rather than what is kept already. */
static bool
wants_extra(const struct jsonrpc *j, enum jsonrpc_extra kind)
{
	if (j->flags & JSONRPC_FLAG_METHOD)
		return kind == jsonrpc_extra_of_method(j);
	return kind >= j->extra_kind;
}

static enum jsonrpc_target
begin_extra(struct jsonrpc *j, enum jsonrpc_extra kind)
{
	if (!wants_extra(j, kind))
		return JSONRPC_TARGET_NONE;
	j->extra_kind = (uint8_t)kind;
	j->extra_len = 0;
	return JSONRPC_TARGET_EXTRA;
}

enum jsonrpc_target
jsonrpc_begin_member(struct jsonrpc *j, enum jsonrpc_name name, char c)
{
	switch (name) {
	case JSONRPC_NAME_ID:
		j->id_len = 0;
		return JSONRPC_TARGET_ID;
	case JSONRPC_NAME_METHOD:
		j->flags |= JSONRPC_FLAG_METHOD;
		j->method_len = 0;
		return JSONRPC_TARGET_METHOD;
	case JSONRPC_NAME_RESULT:
		j->flags |= JSONRPC_FLAG_RESULT;
		jsonrpc_forget_extra(j);
		break;
	case JSONRPC_NAME_PARAMS:
		jsonrpc_forget_extra(j);
		break;
	case JSONRPC_NAME_ERROR:
		j->flags &= (uint8_t)~JSONRPC_FLAG_ERROR;
		if (c != 'n')
			j->flags |= JSONRPC_FLAG_ERROR;
		break;
	case JSONRPC_NAME_META:
		if (j->extra_kind == JSONRPC_EXTRA_META_PROGRESS_TOKEN)
			jsonrpc_forget_extra(j);
		break;
	case JSONRPC_NAME_REQUEST_ID:
		return begin_extra(j, JSONRPC_EXTRA_REQUEST_ID);
	case JSONRPC_NAME_PROGRESS_TOKEN:
		return begin_extra(j, JSONRPC_EXTRA_PROGRESS_TOKEN);
	case JSONRPC_NAME_VERSION:
		return begin_extra(j, JSONRPC_EXTRA_PROTOCOL_VERSION);
	case JSONRPC_NAME_META_TOKEN:
		return begin_extra(j, JSONRPC_EXTRA_META_PROGRESS_TOKEN);
	case JSONRPC_NAME_RESULT_VERSION:
		return begin_extra(j, JSONRPC_EXTRA_RESULT_VERSION);
	case JSONRPC_NAME_UNKNOWN:
	case JSONRPC_NAME_COUNT:
		break;
	}
	return JSONRPC_TARGET_NONE;
}
