/*
 * act.c - what a client in a scene can do, and how it is written down.
 */
#include "config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/crash/act.h"

/* --- the transcript ------------------------------------------------------ */

void
act_tell(struct play *p, const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	bytes_addf(&p->transcript, "%s\n", line);
}

void
act_tell_wrong(struct play *p, const char *what)
{
	act_tell(p, "WRONG: %s", what);
	p->wrong++;
}

/* The head, without what depends on the time of day. */
static void
tell_head(struct play *p, const struct bytes *head)
{
	const char *at = head->data, *end = at + head->len, *next;

	for (; at < end; at = next) {
		next = memchr(at, '\n', (size_t)(end - at));
		next = next != NULL ? next + 1 : end;
		if (strncasecmp(at, "Date:", 5) != 0 &&
		    strncasecmp(at, "Mcp-Session-Id:", 15) != 0)
			bytes_add(&p->transcript, at, (size_t)(next - at));
	}
}

/* --- what a proxy may add to legacy event streams ------------------------- */

#define MINTED "id: sc1."
#define TOKEN_LEN 22

/* The length of a minted id's line at the start of the text, or 0. */
static size_t
minted_len(const char *at, size_t len)
{
	static const char digits[] = "0123456789";
	const size_t dot = sizeof(MINTED) - 1 + TOKEN_LEN;
	size_t i;

	if (len <= dot || strncmp(at, MINTED, sizeof(MINTED) - 1) != 0 ||
	    at[dot] != '.')
		return 0;
	for (i = sizeof(MINTED) - 1; i < dot; i++)
		if (!isalnum((unsigned char)at[i]) && at[i] != '-' &&
		    at[i] != '_')
			return 0;
	i = dot + 1 + strspn(at + dot + 1, digits);
	return i > dot + 1 && at[i] == '\n' ? i + 1 : 0;
}

/*
 * Append the events without minted ids and without comments, and nothing
 * else changed.  The ids must be those of one stream, and go up; false
 * where they don't.
 */
static bool
add_normal(struct bytes *out, const char *at, size_t len)
{
	static const char comment[] = ": keepalive\n\n";
	const char *token = NULL, *end = at + len, *next;
	unsigned long long seq = 0, last = 0;
	bool ok = true, fresh = true;
	size_t n;

	for (; at < end; at += n) {
		n = fresh ? minted_len(at, (size_t)(end - at)) : 0;
		if (n > 0) {
			seq =
			    strtoull(at + sizeof(MINTED) + TOKEN_LEN, NULL, 10);
			ok = ok && seq > last &&
			     (token == NULL ||
				 strncmp(token, at,
				     sizeof(MINTED) - 1 + TOKEN_LEN) == 0);
			token = at;
			last = seq;
			fresh = false;
			continue;
		}
		if (fresh && strncmp(at, comment, sizeof(comment) - 1) == 0) {
			n = sizeof(comment) - 1;
			continue;
		}
		next = memchr(at, '\n', (size_t)(end - at));
		n = next != NULL ? (size_t)(next - at) + 1 : (size_t)(end - at);
		bytes_add(out, at, n);
		fresh = n == 1;
	}
	return ok;
}

/* The body as the upstream made it. */
void
act_normalise(struct play *p, struct bytes *out)
{
	const struct client *c = &p->client;
	size_t len;
	const char *type = message_field(&c->message, "Content-Type", &len);

	bytes_add(out, "", 0);
	if (p->is_modern || type == NULL ||
	    strncmp(type, "text/event-stream", 17) != 0)
		bytes_add(out, c->body.data, c->body.len);
	else if (!add_normal(out, c->body.data, c->body.len))
		act_tell_wrong(p, "the minted ids");
}

static void
tell_body(struct play *p, const struct bytes *want)
{
	const struct client *c = &p->client;
	struct bytes body = { 0 };

	act_normalise(p, &body);
	act_tell(p, "body %zu %016" PRIx64 " %s", body.len,
	    (uint64_t)XXH64(body.data, body.len, 0), client_end_name(c->end));
	if (body.len > 0 && body.len < 400)
		act_tell(p, "%s", body.data);
	if (want != NULL && (want->len != body.len ||
				(want->len > 0 && memcmp(want->data, body.data,
						      want->len) != 0)))
		act_tell_wrong(p, "the body");
	bytes_fini(&body);
}

/* --- chance -------------------------------------------------------------- */

/* The next of a sequence that the seed decides; 1 to max. */
unsigned
act_pick(struct play *p, unsigned max)
{
	p->chance = p->chance * 1664525u + 1013904223u;
	return (p->chance >> 8) % max + 1;
}

/* A size: small where every call is gone through. */
size_t
act_size(struct play *p, size_t small, size_t large)
{
	size_t most = p->is_small ? small : large;

	return most / 2 + act_pick(p, (unsigned)(most / 2));
}

/* --- the client's side --------------------------------------------------- */

bool
act_enter(struct play *p)
{
	int err = client_open(&p->client, p->port, PATIENCE_MS);

	if (err < 0)
		act_tell_wrong(p, "no connection");
	return err == 0;
}

/* A request's head without the empty line. */
void
act_add_head(struct play *p, struct bytes *out, const char *method,
    const char *fields, enum request_times times, const struct bytes *body,
    const char *script)
{
	p->is_modern = strstr(fields, MODERN) != NULL;
	bytes_addf(out,
	    "%s /mcp HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-Id: %u\r\n"
	    "X-Script: %s\r\n%s",
	    method, p->port, request_new(p->label, times, body), script,
	    fields);
	if (p->session[0] != '\0')
		bytes_addf(out,
		    "Mcp-Session-Id: %s\r\nX-Delete: answer 200 - bye\r\n",
		    p->session);
	if (p->resume != NULL)
		bytes_addf(out, "X-Resume: %s\r\n", p->resume);
}

/* A whole request with a body of known length. */
void
act_add_post(struct play *p, struct bytes *out, const char *fields,
    const struct bytes *body, const char *script)
{
	act_add_head(p, out, "POST", fields, REQUEST_ONCE, body, script);
	bytes_addf(out, "Content-Length: %zu\r\n\r\n", body->len);
	bytes_add(out, body->data, body->len);
}

void
act_send(struct play *p, struct bytes *out)
{
	int err = client_send(&p->client, out->data, out->len, PATIENCE_MS);

	if (err < 0)
		act_tell(p, "sending failed: %s", strerror(-err));
	bytes_fini(out);
}

/* Send in pieces with a breath between them. */
void
act_drip(struct play *p, struct bytes *out, size_t piece)
{
	int err = client_drip(&p->client, out->data, out->len, piece, 1);

	if (err < 0)
		act_tell(p, "sending failed: %s", strerror(-err));
	bytes_fini(out);
}

/* The next head that is none of an interim answer; false: there is none. */
bool
act_read_head(struct play *p, bool for_head)
{
	struct client *c = &p->client;

	do {
		(void)client_read_head(c, for_head, PATIENCE_MS);
		if (c->status == 0) {
			act_tell(p, "no answer: %s", client_end_name(c->end));
			return false;
		}
		tell_head(p, &c->message.head);
	} while (c->status < 200);
	return true;
}

/* The next answer; `want` is NULL where any body will do. */
void
act_read_answer(struct play *p, const struct bytes *want)
{
	if (!act_read_head(p, false))
		return;
	(void)client_read_rest(&p->client, PATIENCE_MS);
	tell_body(p, want);
}

/* The same by a client that takes its time. */
void
act_read_slowly(struct play *p, const struct bytes *want)
{
	struct client *c = &p->client;

	if (!act_read_head(p, false))
		return;
	while (c->end == CLIENT_WAITING &&
	       client_read_more(c, PATIENCE_MS) == CLIENT_WAITING)
		(void)wire_watch(&c->wire, wire_now_ms() + 1);
	tell_body(p, want);
}

void
act_pause(struct play *p, unsigned ms)
{
	int err = wire_watch(&p->client.wire, wire_now_ms() + ms);

	if (err != 0)
		act_tell(p, "the proxy left: %s", strerror(-err));
}

/* The connection must be usable still: one more request. */
void
act_ask_again(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };

	bytes_addf(
	    &body, "{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"ping\"}");
	act_add_post(p, &out, JSON, &body, "echo 200 application/json");
	act_send(p, &out);
	act_read_answer(p, &body);
	bytes_fini(&body);
}

void
act_leave_open(struct play *p)
{
	act_tell(p, "open %d", client_is_open(&p->client));
}

void
act_leave_closed(struct play *p)
{
	int err = client_wait_closed(&p->client, PATIENCE_MS);

	act_tell(p, "closed: %s", err == 0 ? "FIN" : strerror(-err));
}

/* --- bodies -------------------------------------------------------------- */

void
act_fill_body(struct bytes *body, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = bytes_pattern(i);

		bytes_add(body, &c, 1);
	}
}

void
act_json_body(struct bytes *body, unsigned id)
{
	bytes_addf(body,
	    "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/call\","
	    "\"params\":{\"name\":\"x\"}}",
	    id);
}

/* What the origin's `events COUNT MS id=PREFIX` makes. */
void
act_add_events(struct bytes *out, unsigned count, const char *prefix)
{
	for (unsigned i = 1; i <= count; i++)
		bytes_addf(out,
		    "id: %s%u\ndata: {\"jsonrpc\":\"2.0\",\"method\":"
		    "\"notifications/message\",\"params\":{\"n\":%u}}\n\n",
		    prefix, i, i);
}

/* What `events COUNT MS` makes. */
void
act_add_bare_events(struct bytes *out, unsigned count)
{
	for (unsigned i = 1; i <= count; i++)
		bytes_addf(out,
		    "data: {\"jsonrpc\":\"2.0\",\"method\":"
		    "\"notifications/message\",\"params\":{\"n\":%u}}\n\n",
		    i);
}

/* What `fillevent SIZE id=ID` makes. */
void
act_add_fillevent(struct bytes *out, size_t size, const char *id)
{
	if (id != NULL)
		bytes_addf(out, "id: %s\n", id);
	bytes_addf(out, "data: ");
	bytes_fill(out, 'x', size);
	bytes_addf(out, "\n\n");
}

/* What `response REQUEST id=ID` makes. */
void
act_add_response(struct bytes *out, unsigned request, const char *id)
{
	if (id != NULL)
		bytes_addf(out, "id: %s\n", id);
	bytes_addf(out,
	    "data: {\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":{}}\n\n", request);
}
