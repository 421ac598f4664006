/*
 * tap.c - what the rows of `tap` say.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/jsonrpc.h"
#include "common/sse.h"
#include "ctl/tap.h"
#include "ctl/value.h"

/* Text that grows. */
struct text {
	char *p;
	size_t len;
	size_t cap;
	bool failed;
};

/* One event, as far as it has been read. */
struct event {
	struct text id;
	struct text data;
	bool has_data;
	bool has_message;
	struct jsonrpc message;
	size_t begun; /* offset of its first byte */
};

static void
text_add(struct text *t, const char *p, size_t len)
{
	size_t cap = t->cap * 2 + len + 64;
	char *grown;

	if (t->len + len > t->cap) {
		grown = realloc(t->p, cap);
		if (grown == NULL) {
			t->failed = true;
			return;
		}
		t->p = grown;
		t->cap = cap;
	}
	if (len > 0)
		memcpy(t->p + t->len, p, len);
	t->len += len;
}

static void
event_begin(struct event *e, size_t offset)
{
	e->id.len = e->data.len = 0;
	e->has_data = e->has_message = false;
	e->begun = offset;
	jsonrpc_init(&e->message);
}

static void
event_fini(struct event *e)
{
	free(e->id.p);
	free(e->data.p);
}

static void
scan(struct event *e, const char *p, size_t len)
{
	bool message;
	size_t used;

	for (; len > 0 && !e->has_message; p += used, len -= used) {
		used = jsonrpc_next(&e->message, p, len, &message);
		e->has_message = message;
	}
}

static void
take_data(struct event *e, const char *p, size_t len)
{
	e->has_data = true;
	text_add(&e->data, p, len);
	scan(e, p, len);
}

static const char *
kind_of(const struct event *e)
{
	if (!e->has_data)
		return e->id.len > 0 ? "priming" : "comment";
	if (e->data.len == 0)
		return "priming";
	if (!e->has_message)
		return "message";
	switch (jsonrpc_kind(&e->message)) {
	case JSONRPC_REQUEST:
		return "request";
	case JSONRPC_NOTIFICATION:
		return "notification";
	case JSONRPC_RESPONSE:
		return "response";
	case JSONRPC_ERROR_RESPONSE:
		return "error";
	case JSONRPC_UNKNOWN:
		break;
	}
	return "message";
}

/* --- objects
 * -------------------------------------------------------------------- */

static bool
set(json_t *to, const char *key, json_t *value)
{
	return json_object_set_new(to, key, value) == 0;
}

static bool
copy_member(json_t *to, const msgpack_object *row, const char *key)
{
	const msgpack_object *o = value_member(row, key);

	return o == NULL || set(to, key, value_to_json(o));
}

/* A new object with what every one has; NULL without memory. */
static json_t *
begin_object(const msgpack_object *row, const char *kind)
{
	json_t *to = json_object();

	if (to != NULL && copy_member(to, row, "time") &&
	    copy_member(to, row, "stream") &&
	    set(to, "kind", json_string(kind)))
		return to;
	json_decref(to);
	return NULL;
}

static bool
set_message(json_t *to, const struct event *e)
{
	struct jsonrpc_text method, id;

	if (!e->has_message)
		return true;
	method = jsonrpc_method_text(&e->message);
	(void)jsonrpc_id(&e->message, &id);
	return (method.len == 0 ||
		   set(to, "method", value_of_text(method.text, method.len))) &&
	       (id.len == 0 ||
		   set(to, "message_id", value_of_text(id.text, id.len)));
}

static bool
set_event(json_t *to, const struct event *e, size_t size, bool bodies)
{
	return set(to, "size", json_integer((json_int_t)size)) &&
	       (e->id.len == 0 ||
		   set(to, "id", value_of_text(e->id.p, e->id.len))) &&
	       set_message(to, e) &&
	       (!bodies || e->data.len == 0 ||
		   set(to, "data", value_of_text(e->data.p, e->data.len)));
}

/* Append the event, which ends before `offset`. */
static bool
add_event(const msgpack_object *row, struct event *e, size_t offset, bool cut,
    bool bodies, json_t *list)
{
	const msgpack_object *minted = value_member(row, "minted_id");
	json_t *to;

	if (minted != NULL && minted->type == MSGPACK_OBJECT_STR &&
	    e->id.len == 0)
		text_add(&e->id, minted->via.str.ptr, minted->via.str.size);
	to = begin_object(row, kind_of(e));
	if (to == NULL)
		return false;
	if (e->id.failed || e->data.failed ||
	    !set_event(to, e, offset - e->begun, bodies) ||
	    (cut && !set(to, "cut", json_true()))) {
		json_decref(to);
		return false;
	}
	return json_array_append_new(list, to) == 0;
}

/* --- reading
 * -------------------------------------------------------------------- */

static void
take_step(struct event *e, const struct sse_step *step)
{
	if (step->token == SSE_ID) {
		if ((step->piece & SSE_FIRST) != 0)
			e->id.len = 0;
		text_add(&e->id, step->text, step->len);
	} else if (step->token == SSE_DATA) {
		if ((step->piece & SSE_LF_BEFORE) != 0)
			take_data(e, "\n", 1);
		take_data(e, step->text, step->len);
	}
}

/* The events of a record; the last one may be cut. */
static bool
read_events(const msgpack_object *row, const msgpack_object_str *data,
    size_t size, bool bodies, json_t *list)
{
	struct event e = { .begun = 0 };
	struct sse_step step;
	size_t at = 0;
	struct sse sse;
	bool ok = true;

	sse_init(&sse);
	event_begin(&e, 0);
	while (ok && at < data->size) {
		at += sse_next(&sse, data->ptr + at, data->size - at, &step);
		take_step(&e, &step);
		/* Comments go with what follows, if anything does. */
		if (step.token == SSE_DISPATCH ||
		    (step.token == SSE_COMMENT && at == size))
			ok = add_event(row, &e, at, false, bodies, list);
		else if (step.token < SSE_DISPATCH)
			continue;
		event_begin(&e, at);
	}
	if (ok && (size > data->size || at > e.begun))
		ok = add_event(row, &e, size, true, bodies, list);
	event_fini(&e);
	return ok;
}

/* A piece of a plain body: perhaps a whole JSON-RPC message. */
static bool
read_body(const msgpack_object *row, const msgpack_object_str *data,
    size_t size, bool bodies, json_t *list)
{
	struct event e = { .begun = 0 };
	json_t *to;
	bool ok;

	event_begin(&e, 0);
	take_data(&e, data->ptr, data->size);
	to = begin_object(row, e.has_message ? kind_of(&e) : "body");
	ok = to != NULL && !e.data.failed && set_event(to, &e, size, bodies) &&
	     (size <= data->size || set(to, "cut", json_true()));
	event_fini(&e);
	if (!ok) {
		json_decref(to);
		return false;
	}
	return json_array_append_new(list, to) == 0;
}

static bool
read_other(const msgpack_object *row, const char *kind, json_t *list)
{
	json_t *to = begin_object(row, kind);

	if (to == NULL || !copy_member(to, row, "id") ||
	    !copy_member(to, row, "size") || !copy_member(to, row, "records")) {
		json_decref(to);
		return false;
	}
	return json_array_append_new(list, to) == 0;
}

static bool
is_text(const msgpack_object *o, const char *text)
{
	return o != NULL && o->type == MSGPACK_OBJECT_STR &&
	       o->via.str.size == strlen(text) &&
	       memcmp(o->via.str.ptr, text, strlen(text)) == 0;
}

bool
tap_read(const msgpack_object *row, bool bodies, json_t *list)
{
	static const char *const others[] = { "begin", "head", "end", "skipped",
		"gone" };
	const msgpack_object *kind = value_member(row, "kind");
	const msgpack_object *data = value_member(row, "data");
	const msgpack_object *size = value_member(row, "size");
	const msgpack_object *events = value_member(row, "events");

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (is_text(kind, others[i]))
			return read_other(row, others[i], list);
	}
	if (data == NULL || data->type != MSGPACK_OBJECT_STR || size == NULL ||
	    size->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return true; /* a newer kind: not known here */
	if (events != NULL && events->type == MSGPACK_OBJECT_BOOLEAN &&
	    events->via.boolean)
		return read_events(
		    row, &data->via.str, size->via.u64, bodies, list);
	return read_body(row, &data->via.str, size->via.u64, bodies, list);
}
