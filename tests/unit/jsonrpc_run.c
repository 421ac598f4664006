/*
 * jsonrpc_run.c - what the JSON-RPC scanner finds, written down.
 */
#include "config.h"

#include <stdlib.h>

#include "common/sc.h"
#include "tests/unit/jsonrpc_run.h"

void
jsonrpc_run_begin(struct jsonrpc_run *r)
{
	*r = (struct jsonrpc_run){ 0 };
	jsonrpc_init(&r->scanner);
	r->out = open_memstream(&r->text, &r->text_len);
	sc_assert(r->out != NULL);
}

static const char *
kind_word(enum jsonrpc_kind kind)
{
	switch (kind) {
	case JSONRPC_UNKNOWN:
		return "unknown";
	case JSONRPC_REQUEST:
		return "request";
	case JSONRPC_NOTIFICATION:
		return "notification";
	case JSONRPC_RESPONSE:
		return "response";
	case JSONRPC_ERROR_RESPONSE:
		return "error";
	}
	return "?";
}

static const char *
method_word(enum jsonrpc_method method)
{
	switch (method) {
#define X(name, text)                                                          \
	case JSONRPC_METHOD_##name:                                            \
		return #name;
		JSONRPC_METHODS(X)
#undef X
	case JSONRPC_METHOD_NONE:
		return "none";
	case JSONRPC_METHOD_OTHER:
		return "";
	}
	return "?";
}

static const char *
extra_word(enum jsonrpc_extra extra)
{
	switch (extra) {
	case JSONRPC_EXTRA_NONE:
		return "none";
	case JSONRPC_EXTRA_RESULT_VERSION:
		return "result.version";
	case JSONRPC_EXTRA_META_PROGRESS_TOKEN:
		return "meta.token";
	case JSONRPC_EXTRA_PROGRESS_TOKEN:
		return "token";
	case JSONRPC_EXTRA_PROTOCOL_VERSION:
		return "version";
	case JSONRPC_EXTRA_REQUEST_ID:
		return "request";
	}
	return "?";
}

static void
write_token(FILE *out, const char *word, struct jsonrpc_text text)
{
	(void)fprintf(out, " %s=", word);
	(void)fwrite(text.text, 1, text.len, out);
}

static void
write_message(FILE *out, const struct jsonrpc *j)
{
	static const char *const id_words[] = {
		[JSONRPC_TOKEN_NULL] = "id.null",
		[JSONRPC_TOKEN_STRING] = "id.string",
		[JSONRPC_TOKEN_NUMBER] = "id.number",
		[JSONRPC_TOKEN_TOO_LONG] = "id.long",
		[JSONRPC_TOKEN_OTHER] = "id.other",
	};
	enum jsonrpc_method method = jsonrpc_method(j);
	struct jsonrpc_text text;
	enum jsonrpc_token id;
	enum jsonrpc_extra extra;

	(void)fprintf(out, "%s%s", jsonrpc_is_batch(j) ? "+" : "",
	    kind_word(jsonrpc_kind(j)));
	text = jsonrpc_method_text(j);
	if (method != JSONRPC_METHOD_NONE)
		(void)fprintf(out, " %s(%.*s)", method_word(method),
		    (int)text.len, text.text);
	id = jsonrpc_id(j, &text);
	if (id != JSONRPC_TOKEN_ABSENT)
		write_token(out, id_words[id], text);
	extra = jsonrpc_extra(j, &text);
	if (extra != JSONRPC_EXTRA_NONE)
		write_token(out, extra_word(extra), text);
	(void)putc(';', out);
}

void
jsonrpc_run_feed(struct jsonrpc_run *r, const char *buf, size_t len)
{
	bool message;
	size_t n;

	while (len > 0) {
		n = jsonrpc_next(&r->scanner, buf, len, &message);
		sc_assert(n > 0 && n <= len);
		buf += n;
		len -= n;
		if (!message) {
			sc_assert(len == 0);
			continue;
		}
		r->messages++;
		write_message(r->out, &r->scanner);
	}
}

void
jsonrpc_run_end(struct jsonrpc_run *r)
{
	if (jsonrpc_is_complete(&r->scanner))
		(void)putc('.', r->out);
	if (jsonrpc_is_invalid(&r->scanner))
		(void)putc('!', r->out);
	sc_assert(fclose(r->out) == 0);
}

void
jsonrpc_run_free(struct jsonrpc_run *r)
{
	free(r->text);
}
