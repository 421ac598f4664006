/*
 * jsonrpc_error.c - error responses of our own.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/jsonrpc_error.h"

/* Bytes written so far; len > cap: they did not fit. */
struct out {
	char *buf;
	size_t cap;
	size_t len;
};

static void
out_add(struct out *o, const char *text, size_t len)
{
	if (o->len > o->cap || len > o->cap - o->len) {
		o->len = o->cap + 1;
		return;
	}
	memcpy(o->buf + o->len, text, len);
	o->len += len;
}

static void
out_add_escaped(struct out *o, const char *text)
{
	char escape[8];

	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			out_add(o, "\\", 1);
		if ((unsigned char)*text >= 0x20) {
			out_add(o, text, 1);
			continue;
		}
		(void)snprintf(escape, sizeof(escape), "\\u%04x",
		    (unsigned)(unsigned char)*text);
		out_add(o, escape, 6);
	}
}

size_t
jsonrpc_error_write(char *buf, size_t cap, const char *id, size_t id_len,
    int code, const char *message)
{
	struct out o = { buf, cap, 0 };
	char number[64];
	int len;

	out_add(&o, "{\"jsonrpc\":\"2.0\",\"id\":", 22);
	if (id_len > 0)
		out_add(&o, id, id_len);
	else
		out_add(&o, "null", 4);
	len = snprintf(number, sizeof(number),
	    ",\"error\":{\"code\":%d,\"message\":\"", code);
	out_add(&o, number, (size_t)len);
	out_add_escaped(&o, message);
	out_add(&o, "\"}}", 3);
	return o.len <= cap ? o.len : 0;
}
