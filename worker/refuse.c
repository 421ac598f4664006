/*
 * refuse.c - the answers that the proxy makes itself.
 */
#include "config.h"

#include <string.h>
#include <time.h>

#include "common/http_head.h"
#include "common/http_write.h"
#include "common/jsonrpc.h"
#include "common/jsonrpc_error.h"
#include "worker/refuse.h"

/* JSON-RPC 2.0, 5.1: an invalid request; a server's own error. */
#define CODE_INVALID_REQUEST (-32600)
#define CODE_SERVER_ERROR (-32000)
/* What MCP servers say of a session that they do not know. */
#define CODE_SESSION_NOT_FOUND (-32001)
/* Seconds after which it may be worth trying again. */
#define RETRY_AFTER_S 1
#define RETRY_AFTER_TAKEN_S 5

static size_t
error_body_write(const struct client_state *cs, int code, const char *text,
    char *buf, size_t cap)
{
	struct jsonrpc json = { .place = cs->json };
	struct jsonrpc_text id = { NULL, 0 };

	/* A batch has many ids, and null is none of them. */
	if (!jsonrpc_is_batch(&json))
		(void)jsonrpc_id(&json, &id);
	return jsonrpc_error_write(buf, cap, id.text, id.len, code, text);
}

static struct http_slice
date_write(uint32_t when_s, char *buf, size_t cap)
{
	time_t when = (time_t)when_s;
	struct tm tm;

	(void)gmtime_r(&when, &tm);
	return (
	    struct http_slice){ buf, (uint32_t)strftime(buf, cap,
					 "%a, %d %b %Y %H:%M:%S GMT", &tm) };
}

static int
code_for(enum http_fault fault)
{
	if (fault == HTTP_FAULT_SESSION_ENDED)
		return CODE_SESSION_NOT_FOUND;
	return http_fault_status(fault) < 500 ? CODE_INVALID_REQUEST
					      : CODE_SERVER_ERROR;
}

/* Seconds for Retry-After, -1: trying again does not help. */
static int64_t
retry_after_for(enum http_fault fault)
{
	switch (fault) {
	case HTTP_FAULT_NO_ROOM:
	case HTTP_FAULT_UPSTREAM_UNREACHED:
	case HTTP_FAULT_CROWDED:
		return RETRY_AFTER_S;
	case HTTP_FAULT_STREAM_TAKEN:
		return RETRY_AFTER_TAKEN_S;
	default:
		return -1;
	}
}

size_t
refusal_write(const struct client_state *cs, char buf[REFUSAL_MAX])
{
	char body[512], date[40];
	struct http_error error = {
		.status = http_fault_status(cs->refusal),
		.date = date_write(cs->refused_s, date, sizeof(date)),
		.retry_after_s = retry_after_for(cs->refusal),
		.without_body = cs->method == HTTP_METHOD_HEAD,
		.persistence =
		    cs->keep_alive ? HTTP_PERSIST_IMPLIED : HTTP_PERSIST_CLOSE,
	};
	struct http_out out;

	error.body.p = body;
	error.body.len = (uint32_t)error_body_write(cs, code_for(cs->refusal),
	    http_fault_text(cs->refusal), body, sizeof(body));
	if (cs->refusal == HTTP_FAULT_METHOD_NOT_ALLOWED)
		error.allow = http_slice_of(
		    "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	http_out_init(&out, buf, REFUSAL_MAX);
	if (http_error_write(&out, &error) != 0)
		return 0;
	return out.len;
}

size_t
refusal_event_write(
    const struct jsonrpc *request, const char *text, char buf[REFUSAL_MAX])
{
	static const char head[] = "event: message\ndata: ";
	struct jsonrpc_text id = { NULL, 0 };
	size_t len;

	if (jsonrpc_is_batch(request) ||
	    jsonrpc_kind(request) != JSONRPC_REQUEST)
		return 0;
	(void)jsonrpc_id(request, &id);
	memcpy(buf, head, sizeof(head) - 1);
	len = jsonrpc_error_write(buf + sizeof(head) - 1,
	    REFUSAL_MAX - sizeof(head) - 2, id.text, id.len, CODE_SERVER_ERROR,
	    text);
	if (len == 0)
		return 0;
	len += sizeof(head) - 1;
	memcpy(buf + len, "\n\n", 2);
	return len + 2;
}
