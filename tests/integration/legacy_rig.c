/*
 * legacy_rig.c - sessions and streams of MCP up to 2025-11-25.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/integration/legacy_rig.h"

#define INITIALIZE "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\"}"

void
legacy_begin(const char *id, const char *fields)
{
	char script[200];
	struct client c;

	snprintf(script, sizeof(script),
	    "field \"Mcp-Session-Id: %s\"; "
	    "answer 200 application/json \"{}\"",
	    id);
	ask(&c, "POST", script, fields, INITIALIZE, 200);
	client_close(&c);
}

void
legacy_hold(struct client *c, const char *id, const char *fields)
{
	char script[200];

	snprintf(script, sizeof(script),
	    "field \"Mcp-Session-Id: %s\"; " STREAM
	    "event data=begun; await release; response 0",
	    id);
	ask_open(c);
	ask_send(c, "POST", script, fields, INITIALIZE);
	(void)client_read_head(c, false, SOON);
	assert_event(c, NULL, "begun");
}

void
legacy_release(struct client *c)
{
	rig_open_gate("release");
	assert_response(c, "0");
	assert_stream_ends(c);
	client_close(c);
}

void
legacy_call(
    struct client *c, const char *id, const char *script, const char *fields)
{
	char body[300];

	snprintf(body, sizeof(body),
	    "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"tools/call\","
	    "\"params\":{\"_meta\":{\"progressToken\":%s}}}",
	    id, id);
	ask_open(c);
	ask_send(c, "POST", script, fields, body);
	(void)client_read_head(c, false, SOON);
	assert_end(c, CLIENT_WAITING);
	ck_assert_int_eq(c->status, 200);
}

void
legacy_get(struct client *c, const char *script, const char *fields, int status)
{
	ask_open(c);
	ask_send(c, "GET", script, fields, NULL);
	(void)client_read_head(c, false, SOON);
	ck_assert_msg(c->end == CLIENT_WAITING || c->end == CLIENT_COMPLETE,
	    "%s", client_end_name(c->end));
	ck_assert_int_eq(c->status, status);
}

void
legacy_return(struct client *c, const char *fields, const char *id,
    const char *script, int status)
{
	char all[600];

	snprintf(
	    all, sizeof(all), "%sLast-Event-ID: %s\r\n" EVENTS, fields, id);
	legacy_get(c, script, all, status);
}

void
assert_event(struct client *c, const char *id, const char *data)
{
	struct client_event event;

	for (;;) {
		ask_event(c, &event);
		if (event.has_data)
			break;
		event_fini(&event);
	}
	if (id != NULL)
		ck_assert_str_eq(event.id.data, id);
	ck_assert_str_eq(event.data.data, data);
	event_fini(&event);
}

void
assert_response(struct client *c, const char *id)
{
	struct client_event event;
	char wanted[200];

	ask_event(c, &event);
	snprintf(wanted, sizeof(wanted),
	    "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}", id);
	ck_assert_str_eq(event.data.data, wanted);
	event_fini(&event);
}

void
assert_stream_ends(struct client *c)
{
	struct client_event event;

	while (client_read_event(c, &event, SOON)) {
		ck_assert_msg(event.is_comment || event.data.len == 0,
		    "an event too many: %s", event.raw.data);
		event_fini(&event);
	}
	assert_end(c, CLIENT_COMPLETE);
}

void
assert_stream_fails(struct client *c, const char *id)
{
	struct client_event event;

	ask_event(c, &event);
	assert_rpc_error_event(&event, id);
	event_fini(&event);
	assert_stream_ends(c);
}

void
assert_asked(unsigned n, const char *method, const char *last_id)
{
	struct origin_request seen;

	rig_request(n, &seen);
	ck_assert_str_eq(seen.method.data, method);
	if (last_id == NULL)
		ck_assert_uint_eq(
		    message_count(&seen.message, "Last-Event-ID"), 0);
	else
		ck_assert_msg(
		    message_field_is(&seen.message, "Last-Event-ID", last_id),
		    "Last-Event-ID is not %s in:\n%s", last_id,
		    seen.message.head.data);
	origin_request_fini(&seen);
}

void
assert_ping(const char *fields, int status)
{
	struct client c;

	ask(&c, "POST", "answer 200 application/json \"{}\"", fields,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}", status);
	if (status != 200)
		assert_rpc_error(&c, "\"p\"");
	client_close(&c);
}

void
legacy_wait_requests(unsigned count)
{
	wait_for(origin_log_requests(rig.log) >= count);
}
