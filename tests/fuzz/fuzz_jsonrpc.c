/*
 * fuzz_jsonrpc.c - the JSON-RPC scanner against itself, in pieces, and
 * against a whole JSON parser.
 */
#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/sc.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/jsonrpc_run.h"

static enum jsonrpc_kind
kind_of(const json_t *message)
{
	json_t *error = json_object_get(message, "error");

	if (json_object_get(message, "method") != NULL)
		return json_object_get(message, "id") != NULL
			   ? JSONRPC_REQUEST
			   : JSONRPC_NOTIFICATION;
	if (error != NULL && !json_is_null(error))
		return JSONRPC_ERROR_RESPONSE;
	return json_object_get(message, "result") != NULL ? JSONRPC_RESPONSE
							  : JSONRPC_UNKNOWN;
}

static bool
id_agrees(const json_t *message, const struct jsonrpc *j)
{
	json_t *id = json_object_get(message, "id");
	struct jsonrpc_text text;
	enum jsonrpc_token token = jsonrpc_id(j, &text);

	if (id == NULL)
		return token == JSONRPC_TOKEN_ABSENT;
	if (json_is_null(id))
		return token == JSONRPC_TOKEN_NULL && text.len == 4;
	if (!json_is_string(id) && !json_is_number(id))
		return token == JSONRPC_TOKEN_OTHER && text.len == 0;
	if (token == JSONRPC_TOKEN_TOO_LONG)
		return text.len == 0;
	if (json_is_number(id))
		return token == JSONRPC_TOKEN_NUMBER && text.len > 0;
	return token == JSONRPC_TOKEN_STRING && text.text[0] == '"' &&
	       text.len >= 2 && text.text[text.len - 1] == '"';
}

static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

static bool
method_agrees(const json_t *message, const struct jsonrpc *j)
{
	json_t *method = json_object_get(message, "method");
	struct jsonrpc_text text = jsonrpc_method_text(j);
	const char *want;

	if (method == NULL)
		return jsonrpc_method(j) == JSONRPC_METHOD_NONE &&
		       text.len == 0;
	if (!json_is_string(method))
		return jsonrpc_method(j) == JSONRPC_METHOD_OTHER &&
		       text.len == 0;
	want = json_string_value(method);
	if (!is_printable(want))
		return jsonrpc_method(j) == JSONRPC_METHOD_OTHER;
	if (strlen(want) > JSONRPC_METHOD_MAX)
		return text.len == 0;
	return text.len == strlen(want) &&
	       memcmp(text.text, want, text.len) == 0;
}

/* The member that an extra value is taken from, NULL if there is none. */
static const json_t *
extra_of(const json_t *message, enum jsonrpc_extra extra)
{
	json_t *params = json_object_get(message, "params");
	json_t *meta = json_object_get(params, "_meta");

	switch (extra) {
	case JSONRPC_EXTRA_REQUEST_ID:
		return json_object_get(params, "requestId");
	case JSONRPC_EXTRA_PROGRESS_TOKEN:
		return json_object_get(params, "progressToken");
	case JSONRPC_EXTRA_PROTOCOL_VERSION:
		return json_object_get(params, "protocolVersion");
	case JSONRPC_EXTRA_META_PROGRESS_TOKEN:
		return json_object_get(meta, "progressToken");
	case JSONRPC_EXTRA_RESULT_VERSION:
		return json_object_get(
		    json_object_get(message, "result"), "protocolVersion");
	case JSONRPC_EXTRA_NONE:
		break;
	}
	return NULL;
}

static bool
extra_agrees(const json_t *message, const struct jsonrpc *j)
{
	struct jsonrpc_text text;
	enum jsonrpc_extra extra = jsonrpc_extra(j, &text);
	const json_t *want = extra_of(message, extra);

	if (extra == JSONRPC_EXTRA_NONE)
		return text.len == 0;
	if (want == NULL)
		return false;
	if (json_is_string(want))
		return text.len == 0 || text.text[0] == '"';
	if (json_is_number(want))
		return text.len == 0 || text.text[0] != '"';
	return text.len == 0;
}

static void
check_message(const json_t *message, const struct jsonrpc *j)
{
	sc_assert(jsonrpc_kind(j) == kind_of(message));
	sc_assert(id_agrees(message, j));
	sc_assert(method_agrees(message, j));
	sc_assert(extra_agrees(message, j));
}

/* What a whole parser accepts is found; what is no message, is not. */
static void
check_against_parser(const char *buf, size_t len)
{
	json_t *root = NULL;
	const json_t *message;
	struct jsonrpc j;
	size_t i = 0, n = 0, count;
	bool found;

	/* jansson overlooks a NUL behind a number */
	if (memchr(buf, '\0', len) == NULL)
		root = json_loadb(buf, len, 0, NULL);
	if (root == NULL)
		return;
	count = json_is_array(root) ? json_array_size(root) : 1;
	jsonrpc_init(&j);
	while (n < len) {
		n += jsonrpc_next(&j, buf + n, len - n, &found);
		if (!found)
			continue;
		sc_assert(i < count);
		message = json_is_array(root) ? json_array_get(root, i) : root;
		sc_assert(json_is_object(message));
		check_message(message, &j);
		i++;
	}
	sc_assert(jsonrpc_is_complete(&j) == (i == count));
	if (i < count) {
		sc_assert(jsonrpc_is_invalid(&j));
		sc_assert(!json_is_object(json_array_get(root, i)));
	}
	json_decref(root);
}

/*
 * Message by message, who passes over the params says the same of the rest,
 * up to where these are no JSON.
 */
static void
check_shallow(const char *buf, size_t len)
{
	struct jsonrpc deep, shallow = { 0 };
	struct jsonrpc_text a, b;
	size_t n = 0, step;
	bool found;

	jsonrpc_init(&deep);
	jsonrpc_place_init(&shallow.place, JSONRPC_LOOK_SHALLOW);
	while (n < len && !jsonrpc_is_complete(&deep)) {
		step = jsonrpc_next(&deep, buf + n, len - n, &found);
		if (!found)
			return;
		sc_assert(
		    jsonrpc_next(&shallow, buf + n, len - n, &found) == step);
		sc_assert(found && jsonrpc_is_valid(&shallow));
		sc_assert(jsonrpc_kind(&deep) == jsonrpc_kind(&shallow));
		sc_assert(jsonrpc_method(&deep) == jsonrpc_method(&shallow));
		sc_assert(jsonrpc_id(&deep, &a) == jsonrpc_id(&shallow, &b));
		sc_assert(a.len == b.len && memcmp(a.text, b.text, a.len) == 0);
		sc_assert(jsonrpc_extra(&shallow, &b) == JSONRPC_EXTRA_NONE);
		n += step;
	}
}

static void
run_in_pieces(struct jsonrpc_run *run, const char *buf, size_t len)
{
	uint32_t seed = fuzz_seed((const uint8_t *)buf, len);
	size_t n;

	while (len > 0) {
		n = fuzz_piece(&seed, len);
		jsonrpc_run_feed(run, buf, n);
		sc_assert(jsonrpc_is_valid(&run->scanner));
		buf += n;
		len -= n;
	}
}

static void
check_pieces(const char *buf, size_t len)
{
	struct jsonrpc_run whole, pieces;

	jsonrpc_run_begin(&whole);
	jsonrpc_run_feed(&whole, buf, len);
	jsonrpc_run_end(&whole);
	jsonrpc_run_begin(&pieces);
	run_in_pieces(&pieces, buf, len);
	jsonrpc_run_end(&pieces);
	sc_assert(memcmp(&pieces.scanner, &whole.scanner,
		      sizeof(whole.scanner)) == 0);
	sc_assert(pieces.text_len == whole.text_len);
	sc_assert(memcmp(pieces.text, whole.text, whole.text_len) == 0);
	jsonrpc_run_free(&whole);
	jsonrpc_run_free(&pieces);
}

/*
 * The input begins with a state, of which nothing is known: the bytes
 * ahead of the texts are the input's, the texts are arbitrary.
 */
static void
check_any_state(const char *buf, size_t len)
{
	size_t head = offsetof(struct jsonrpc, id);
	struct jsonrpc_run run;

	if (len < head)
		return;
	jsonrpc_run_begin(&run);
	memset(&run.scanner, 'x', sizeof(run.scanner));
	memcpy(&run.scanner, buf, head);
	jsonrpc_run_feed(&run, buf + head, len - head);
	jsonrpc_run_end(&run);
	jsonrpc_run_free(&run);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *buf = fuzz_copy(data, len);

	check_pieces(buf, len);
	check_shallow(buf, len);
	check_against_parser(buf, len);
	check_any_state(buf, len);
	free(buf);
	return 0;
}
