/*
 * ask.c - requests to the proxy of the rig, and what must hold of answers.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/ask.h"

void
ask_open(struct client *c)
{
	ck_assert_int_eq(client_open(c, rig.proxy_port, SOON), 0);
}

void
ask_send_to(struct client *c, const char *method, const char *target,
    const char *script, const char *fields, const char *body)
{
	char length[40] = "";

	if (body != NULL)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n",
		    strlen(body));
	ck_assert_int_eq(client_sendf(c,
			     "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
			     "X-Script: %s\r\n%s%s\r\n%s",
			     method, target, rig.proxy_port, script, fields,
			     length, body != NULL ? body : ""),
	    0);
}

void
ask_send(struct client *c, const char *method, const char *script,
    const char *fields, const char *body)
{
	ask_send_to(c, method, "/mcp", script, fields, body);
}

void
ask_answer(struct client *c, int status)
{
	(void)client_read_answer(c, SOON);
	assert_end(c, CLIENT_COMPLETE);
	ck_assert_int_eq(c->status, status);
}

void
ask(struct client *c, const char *method, const char *script,
    const char *fields, const char *body, int status)
{
	ask_open(c);
	ask_send(c, method, script, fields, body);
	ask_answer(c, status);
}

void
ask_stream(struct client *c, const char *method, const char *script,
    const char *fields, int status)
{
	ask_open(c);
	ask_send(c, method, script, fields,
	    strcmp(method, "POST") == 0
		? "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
		: NULL);
	(void)client_read_head(c, false, SOON);
	assert_end(c, CLIENT_WAITING);
	ck_assert_int_eq(c->status, status);
}

void
ask_event(struct client *c, struct client_event *ret)
{
	for (;;) {
		ck_assert_msg(client_read_event(c, ret, SOON),
		    "no event came: %s", client_end_name(c->end));
		if (!ret->is_comment && !(ret->has_id && ret->data.len == 0))
			return;
		event_fini(ret);
	}
}

/* Why text is no JSON-RPC error with this id, or NULL. */
static const char *
rpc_error_fault(const char *text, size_t len, const char *id)
{
	json_t *body = json_loadb(text, len, 0, NULL);
	json_t *wanted = json_loads(id, JSON_DECODE_ANY, NULL);
	json_t *error = json_object_get(body, "error");
	const char *fault = NULL;

	ck_assert_ptr_nonnull(wanted);
	if (!json_is_object(body))
		fault = "not a JSON object";
	else if (!json_is_integer(json_object_get(error, "code")) ||
		 !json_is_string(json_object_get(error, "message")))
		fault = "no error with code and message";
	else if (!json_equal(json_object_get(body, "id"), wanted))
		fault = "another id";
	json_decref(body);
	json_decref(wanted);
	return fault;
}

void
assert_rpc_error(const struct client *c, const char *id)
{
	const char *fault = rpc_error_fault(
	    c->body.data != NULL ? c->body.data : "", c->body.len, id);

	ck_assert_msg(fault == NULL, "%s where an error for %s should be: %s",
	    fault, id, c->body.data);
	ck_assert(
	    message_field_is(&c->message, "Content-Type", "application/json"));
}

void
assert_rpc_error_event(const struct client_event *event, const char *id)
{
	const char *fault =
	    rpc_error_fault(event->data.data, event->data.len, id);

	ck_assert_msg(fault == NULL, "%s where an error for %s should be: %s",
	    fault, id, event->data.data);
}
