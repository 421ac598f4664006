/*
 * client.c - a raw HTTP and SSE client for tests.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/peers/client.h"

#define SMALL_BUFFER 8192
#define SEND_TIMEOUT_MS 10000

static int64_t
in_ms(int timeout_ms)
{
	return wire_now_ms() + timeout_ms;
}

int
client_open(struct client *c, uint16_t port, int timeout_ms)
{
	memset(c, 0, sizeof(*c));
	c->wire.fd = -1;
	return wire_connect(&c->wire, port, 0, in_ms(timeout_ms));
}

int
client_open_small(struct client *c, uint16_t port, int timeout_ms)
{
	memset(c, 0, sizeof(*c));
	c->wire.fd = -1;
	return wire_connect(&c->wire, port, SMALL_BUFFER, in_ms(timeout_ms));
}

int
client_send(struct client *c, const void *data, size_t len, int timeout_ms)
{
	return wire_write(&c->wire, data, len, in_ms(timeout_ms));
}

int
client_sendf(struct client *c, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len, err;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		abort();
	err = client_send(c, text, (size_t)len, SEND_TIMEOUT_MS);
	free(text);
	return err;
}

int
client_drip(
    struct client *c, const void *data, size_t len, size_t piece, int pause_ms)
{
	const char *at = data;
	int err = 0;

	while (len > 0 && err == 0) {
		size_t n = len < piece ? len : piece;

		err = client_send(c, at, n, SEND_TIMEOUT_MS);
		if (err == 0 && pause_ms > 0)
			err = wire_watch(&c->wire, in_ms(pause_ms));
		at += n;
		len -= n;
	}
	return err;
}

int
client_send_filling(struct client *c, uint64_t len, int quiet_ms)
{
	uint64_t from = c->wire.sent, at, before;
	char piece[16384];
	int err = 0;

	while ((at = c->wire.sent - from) < len) {
		size_t n = 0;

		before = c->wire.sent;
		while (n < sizeof(piece) && at + n < len) {
			piece[n] = bytes_pattern(at + n);
			n++;
		}
		err = client_send(c, piece, n, quiet_ms);
		if (err < 0 && (err != -ETIMEDOUT || before == c->wire.sent))
			return err;
	}
	return 0;
}

static enum client_end
end_of_error(int err)
{
	switch (err) {
	case -ETIMEDOUT:
		return CLIENT_TIMED_OUT;
	case -ENOTCONN:
		return CLIENT_CLOSED;
	case -ECONNABORTED:
		return CLIENT_CUT;
	case -EPROTO:
		return CLIENT_BROKEN;
	default:
		return CLIENT_RESET;
	}
}

enum client_end
client_read_head(struct client *c, bool for_head, int timeout_ms)
{
	int err;

	message_fini(&c->message);
	bytes_fini(&c->body);
	c->events_at = 0;
	c->status = 0;
	err = message_read_head(&c->wire, &c->message, in_ms(timeout_ms));
	if (err == 0)
		err = message_frame_answer(&c->message, for_head);
	if (err < 0)
		return c->end = end_of_error(err);
	c->status = message_status(&c->message);
	return c->end = c->message.place == MESSAGE_AT_END ? CLIENT_COMPLETE
							   : CLIENT_WAITING;
}

enum client_end
client_read_more(struct client *c, int timeout_ms)
{
	char buf[65536];
	int n;

	n = message_read_body(
	    &c->wire, &c->message, buf, sizeof(buf), in_ms(timeout_ms));
	if (n < 0)
		return c->end = end_of_error(n);
	if (n == 0)
		return c->end = CLIENT_COMPLETE;
	bytes_add(&c->body, buf, (size_t)n);
	return c->end = CLIENT_WAITING;
}

enum client_end
client_read_rest(struct client *c, int timeout_ms)
{
	int64_t deadline = in_ms(timeout_ms);

	while (c->end == CLIENT_WAITING || c->end == CLIENT_TIMED_OUT) {
		int64_t left = deadline - wire_now_ms();

		if (client_read_more(c, left > 0 ? (int)left : 0) ==
		    CLIENT_TIMED_OUT)
			break;
	}
	return c->end;
}

enum client_end
client_read_answer(struct client *c, int timeout_ms)
{
	if (client_read_head(c, false, timeout_ms) != CLIENT_WAITING)
		return c->end;
	return client_read_rest(c, timeout_ms);
}

bool
client_read_until(struct client *c, const char *needle, int timeout_ms)
{
	int64_t deadline = in_ms(timeout_ms);
	size_t looked_at = 0, len = strlen(needle);

	while (c->body.len < looked_at + len ||
	       memmem(c->body.data + looked_at, c->body.len - looked_at, needle,
		   len) == NULL) {
		int64_t left = deadline - wire_now_ms();

		if (c->body.len >= len)
			looked_at = c->body.len - len + 1;
		if (client_read_more(c, left > 0 ? (int)left : 0) !=
		    CLIENT_WAITING)
			return false;
	}
	return true;
}

/* The value behind a field's colon and its one blank. */
static const char *
field_value(const char *colon, const char *line_end)
{
	colon++;
	return colon < line_end && *colon == ' ' ? colon + 1 : colon;
}

static void
take_field(struct client_event *event, const char *line, const char *end)
{
	const char *colon = memchr(line, ':', (size_t)(end - line));
	const char *value = field_value(colon ? colon : end - 1, end);
	size_t name = (size_t)((colon ? colon : end) - line);
	size_t len = colon ? (size_t)(end - value) : 0;

	if (name == 0)
		return;
	event->is_comment = false;
	if (name == 2 && memcmp(line, "id", 2) == 0) {
		event->has_id = true;
		event->id.len = 0;
		bytes_add(&event->id, value, len);
	} else if (name == 5 && memcmp(line, "event", 5) == 0) {
		bytes_add(&event->type, value, len);
	} else if (name == 4 && memcmp(line, "data", 4) == 0) {
		if (event->has_data)
			bytes_add(&event->data, "\n", 1);
		event->has_data = true;
		bytes_add(&event->data, value, len);
	}
}

static void
parse_event(struct client_event *event, const char *at, size_t len)
{
	const char *end = at + len, *stop;

	memset(event, 0, sizeof(*event));
	bytes_add(&event->raw, at, len);
	bytes_add(&event->id, "", 0);
	bytes_add(&event->type, "", 0);
	bytes_add(&event->data, "", 0);
	event->is_comment = true;
	for (; at < end; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		if (stop == NULL)
			break;
		if (stop > at)
			take_field(
			    event, at, stop[-1] == '\r' ? stop - 1 : stop);
	}
}

/* The length of the whole block at the start of the text, 0 if none is. */
static size_t
block_length(const char *at, size_t len)
{
	const char *lf = memmem(at, len, "\n\n", 2);
	const char *crlf = memmem(at, len, "\r\n\r\n", 4);

	if (lf != NULL && (crlf == NULL || lf < crlf))
		return (size_t)(lf - at) + 2;
	return crlf != NULL ? (size_t)(crlf - at) + 4 : 0;
}

bool
client_read_event(struct client *c, struct client_event *ret, int timeout_ms)
{
	int64_t deadline = in_ms(timeout_ms);

	for (;;) {
		int64_t left = deadline - wire_now_ms();
		size_t len = 0;

		if (c->body.len > c->events_at)
			len = block_length(c->body.data + c->events_at,
			    c->body.len - c->events_at);
		if (len > 0) {
			parse_event(ret, c->body.data + c->events_at, len);
			c->events_at += len;
			return true;
		}
		if (client_read_more(c, left > 0 ? (int)left : 0) !=
		    CLIENT_WAITING)
			return false;
	}
}

void
event_fini(struct client_event *event)
{
	bytes_fini(&event->raw);
	bytes_fini(&event->id);
	bytes_fini(&event->type);
	bytes_fini(&event->data);
}

bool
client_is_open(struct client *c)
{
	struct pollfd p = { .fd = c->wire.fd, .events = POLLIN | POLLRDHUP };

	return c->wire.fd >= 0 && poll(&p, 1, 0) == 0;
}

int
client_wait_closed(struct client *c, int timeout_ms)
{
	int64_t deadline = in_ms(timeout_ms);
	int n;

	while ((n = wire_fill(&c->wire, deadline)) > 0)
		bytes_drop(&c->wire.in, c->wire.in.len);
	return n;
}

void
client_finish(struct client *c)
{
	wire_finish(&c->wire);
}

static void
forget(struct client *c)
{
	message_fini(&c->message);
	bytes_fini(&c->body);
}

void
client_close(struct client *c)
{
	wire_close(&c->wire);
	forget(c);
}

void
client_reset(struct client *c)
{
	wire_reset(&c->wire);
	forget(c);
}

const char *
client_end_name(enum client_end end)
{
	static const char *const names[] = { "complete", "waiting", "timed out",
		"cut", "reset", "closed", "broken" };

	return names[end];
}
