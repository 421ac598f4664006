/*
 * scenes.c - what clients do while workers are killed.
 */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/crash/scenes.h"

#define PATIENCE_MS 30000

#define JSON "Content-Type: application/json\r\n"
#define LEGACY "MCP-Protocol-Version: 2025-06-18\r\n"
#define MODERN "MCP-Protocol-Version: 2026-07-28\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

/* --- the transcript ------------------------------------------------------ */

static void tell(struct play *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
tell(struct play *p, const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	bytes_addf(&p->transcript, "%s\n", line);
}

static void
tell_wrong(struct play *p, const char *what)
{
	tell(p, "WRONG: %s", what);
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
		if (strncasecmp(at, "Date:", 5) != 0)
			bytes_add(&p->transcript, at, (size_t)(next - at));
	}
}

static void
tell_body(struct play *p, const struct bytes *want)
{
	const struct client *c = &p->client;

	tell(p, "body %zu %016" PRIx64 " %s", c->body.len,
	    (uint64_t)XXH64(c->body.data, c->body.len, 0),
	    client_end_name(c->end));
	if (c->body.len > 0 && c->body.len < 400)
		tell(p, "%s", c->body.data);
	if (want != NULL &&
	    (want->len != c->body.len ||
		(want->len > 0 &&
		    memcmp(want->data, c->body.data, want->len) != 0)))
		tell_wrong(p, "the body");
}

/* --- chance -------------------------------------------------------------- */

/* The next of a sequence that the seed decides; 1 to max. */
static unsigned
pick(struct play *p, unsigned max)
{
	p->chance = p->chance * 1664525u + 1013904223u;
	return (p->chance >> 8) % max + 1;
}

/* A size: small where every call is gone through. */
static size_t
size_of(struct play *p, size_t small, size_t large)
{
	size_t most = p->is_small ? small : large;

	return most / 2 + pick(p, (unsigned)(most / 2));
}

/* --- the client's side --------------------------------------------------- */

static bool
enter(struct play *p)
{
	int err = client_open(&p->client, p->port, PATIENCE_MS);

	if (err < 0)
		tell_wrong(p, "no connection");
	return err == 0;
}

/* A request's head without the empty line. */
static void
add_head(struct play *p, struct bytes *out, const char *method,
    const char *fields, enum request_times times, const struct bytes *body,
    const char *script)
{
	bytes_addf(out,
	    "%s /mcp HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-Id: %u\r\n"
	    "X-Script: %s\r\n%s",
	    method, p->port, request_new(p->label, times, body), script,
	    fields);
}

/* A whole request with a body of known length. */
static void
add_post(struct play *p, struct bytes *out, const char *fields,
    const struct bytes *body, const char *script)
{
	add_head(p, out, "POST", fields, REQUEST_ONCE, body, script);
	bytes_addf(out, "Content-Length: %zu\r\n\r\n", body->len);
	bytes_add(out, body->data, body->len);
}

static void
send_out(struct play *p, struct bytes *out)
{
	int err = client_send(&p->client, out->data, out->len, PATIENCE_MS);

	if (err < 0)
		tell(p, "sending failed: %s", strerror(-err));
	bytes_fini(out);
}

/* Send in pieces with a breath between them. */
static void
drip_out(struct play *p, struct bytes *out, size_t piece)
{
	int err = client_drip(&p->client, out->data, out->len, piece, 1);

	if (err < 0)
		tell(p, "sending failed: %s", strerror(-err));
	bytes_fini(out);
}

/* The next head that is none of an interim answer; false: there is none. */
static bool
read_head(struct play *p, bool for_head)
{
	struct client *c = &p->client;

	do {
		(void)client_read_head(c, for_head, PATIENCE_MS);
		if (c->status == 0) {
			tell(p, "no answer: %s", client_end_name(c->end));
			return false;
		}
		tell_head(p, &c->message.head);
	} while (c->status < 200);
	return true;
}

/* The next answer; `want` is NULL where any body will do. */
static void
read_answer(struct play *p, const struct bytes *want)
{
	if (!read_head(p, false))
		return;
	(void)client_read_rest(&p->client, PATIENCE_MS);
	tell_body(p, want);
}

/* The same by a client that takes its time. */
static void
read_slowly(struct play *p, const struct bytes *want)
{
	struct client *c = &p->client;

	if (!read_head(p, false))
		return;
	while (c->end == CLIENT_WAITING &&
	       client_read_more(c, PATIENCE_MS) == CLIENT_WAITING)
		(void)wire_watch(&c->wire, wire_now_ms() + 1);
	tell_body(p, want);
}

static void
pause_a_while(struct play *p, unsigned ms)
{
	int err = wire_watch(&p->client.wire, wire_now_ms() + ms);

	if (err != 0)
		tell(p, "the proxy left: %s", strerror(-err));
}

/* The connection must be usable still: one more request. */
static void
ask_again(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };

	bytes_addf(
	    &body, "{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"ping\"}");
	add_post(p, &out, JSON, &body, "echo 200 application/json");
	send_out(p, &out);
	read_answer(p, &body);
	bytes_fini(&body);
}

static void
leave_open(struct play *p)
{
	tell(p, "open %d", client_is_open(&p->client));
}

static void
leave_closed(struct play *p)
{
	int err = client_wait_closed(&p->client, PATIENCE_MS);

	tell(p, "closed: %s", err == 0 ? "FIN" : strerror(-err));
}

/* --- bodies -------------------------------------------------------------- */

static void
fill_body(struct bytes *body, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = bytes_pattern(i);

		bytes_add(body, &c, 1);
	}
}

static void
json_body(struct bytes *body, unsigned id)
{
	bytes_addf(body,
	    "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/call\","
	    "\"params\":{\"name\":\"x\"}}",
	    id);
}

/* What the origin's `events COUNT MS id=PREFIX` makes. */
static void
add_events(struct bytes *out, unsigned count, const char *prefix)
{
	for (unsigned i = 1; i <= count; i++)
		bytes_addf(out,
		    "id: %s%u\ndata: {\"jsonrpc\":\"2.0\",\"method\":"
		    "\"notifications/message\",\"params\":{\"n\":%u}}\n\n",
		    prefix, i, i);
}

/* What `fillevent SIZE id=ID` makes. */
static void
add_fillevent(struct bytes *out, size_t size, const char *id)
{
	bytes_addf(out, "id: %s\ndata: ", id);
	bytes_fill(out, 'x', size);
	bytes_addf(out, "\n\n");
}

/* --- requests ------------------------------------------------------------ */

static void
play_json(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 }, want = { 0 };

	json_body(&body, 1);
	bytes_addf(&want, "[1,2,3]");
	add_post(
	    p, &out, JSON LEGACY, &body, "answer 200 application/json [1,2,3]");
	send_out(p, &out);
	read_answer(p, &want);
	ask_again(p);
	leave_open(p);
	bytes_fini(&body);
	bytes_fini(&want);
}

static void
play_idle(struct play *p)
{
	ask_again(p);
	pause_a_while(p, p->is_small ? 20 : 20 + pick(p, 200));
	ask_again(p);
	leave_open(p);
}

/* Many small requests: the pool of connections to the origin at work. */
static void
play_many(struct play *p)
{
	unsigned i, n = p->is_small ? 3 : 12;

	for (i = 0; i < n; i++)
		ask_again(p);
	leave_open(p);
}

static void
play_slow_head(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };

	json_body(&body, 2);
	add_post(p, &out, JSON MODERN, &body, "echo");
	drip_out(p, &out, p->is_small ? 60 : pick(p, 40));
	read_answer(p, &body);
	leave_open(p);
	bytes_fini(&body);
}

/* A chunked body whose chunks are cut anywhere. */
static void
play_dribble(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };
	size_t len = size_of(p, 1500, 20000), at, n;

	fill_body(&body, len);
	add_head(
	    p, &out, "POST", JSON CHUNKED LEGACY, REQUEST_ONCE, &body, "echo");
	bytes_addf(&out, "\r\n");
	for (at = 0; at < len; at += n) {
		n = pick(p, 900);
		if (n > len - at)
			n = len - at;
		bytes_addf(&out, "%zx\r\n", n);
		bytes_add(&out, body.data + at, n);
		bytes_addf(&out, "\r\n");
	}
	bytes_addf(&out, "0\r\n\r\n");
	drip_out(p, &out, p->is_small ? 250 : 50 + pick(p, 500));
	read_answer(p, &body);
	ask_again(p);
	leave_open(p);
	bytes_fini(&body);
}

/* A large body for an origin that reads slowly. */
static void
play_upload(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };

	fill_body(&body, size_of(p, 300 << 10, 4 << 20));
	add_post(p, &out, JSON LEGACY, &body, "sip 32768 1; echo");
	send_out(p, &out);
	read_answer(p, &body);
	leave_open(p);
	bytes_fini(&body);
}

static void
play_pipeline(struct play *p)
{
	struct bytes out = { 0 }, body[6] = { { 0 } };
	unsigned i, n = p->is_small ? 3 : 6;

	for (i = 0; i < n; i++) {
		json_body(&body[i], i);
		if (i % 2 == 1)
			fill_body(&body[i], pick(p, 3000));
		add_post(p, &out, JSON, &body[i], "echo 200 application/json");
	}
	drip_out(p, &out, pick(p, (unsigned)out.len));
	for (i = 0; i < n; i++) {
		read_answer(p, &body[i]);
		bytes_fini(&body[i]);
	}
	ask_again(p);
	leave_open(p);
}

static void
play_expect(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };

	fill_body(&body, size_of(p, 500, 50000));
	add_head(p, &out, "POST", JSON "Expect: 100-continue\r\n", REQUEST_ONCE,
	    &body, "echo");
	bytes_addf(&out, "Content-Length: %zu\r\n\r\n", body.len);
	send_out(p, &out);
	(void)client_read_head(&p->client, false, PATIENCE_MS);
	tell(p, "interim %d", p->client.status);
	bytes_add(&out, body.data, body.len);
	send_out(p, &out);
	read_answer(p, &body);
	ask_again(p);
	leave_open(p);
	bytes_fini(&body);
}

/* --- answers ------------------------------------------------------------- */

/* Ask with a script that makes an event stream. */
static void
ask_events(struct play *p, const char *fields, const struct bytes *want,
    const char *script)
{
	struct bytes out = { 0 }, body = { 0 };

	json_body(&body, 7);
	add_post(p, &out, fields, &body, script);
	send_out(p, &out);
	read_answer(p, want);
	leave_open(p);
	bytes_fini(&body);
}

/* Numbered events, cut anywhere on their way to the proxy. */
static void
play_events(struct play *p, const char *fields)
{
	unsigned n = p->is_small ? 6 : 20 + pick(p, 100);
	unsigned piece = p->is_small ? 90 : pick(p, 700);
	struct bytes want = { 0 };
	char script[200];

	add_events(&want, n, "e");
	snprintf(script, sizeof(script),
	    "drip %u %u; head 200 text/event-stream chunked; "
	    "events %u %u id=e",
	    piece, pick(p, 2) - 1, n, pick(p, 3) - 1);
	ask_events(p, fields, &want, script);
	bytes_fini(&want);
}

static void
play_legacy(struct play *p)
{
	play_events(p, JSON LEGACY);
}

static void
play_modern(struct play *p)
{
	play_events(p, JSON MODERN);
}

static void
play_large_events(struct play *p)
{
	size_t large = size_of(p, 150 << 10, 900 << 10);
	size_t small = pick(p, 5000);
	struct bytes want = { 0 };
	char script[300];

	add_fillevent(&want, large, "a");
	add_fillevent(&want, small, "b");
	add_fillevent(&want, large, "c");
	snprintf(script, sizeof(script),
	    "head 200 text/event-stream chunked; fillevent %zu id=a; "
	    "fillevent %zu id=b; fillevent %zu id=c",
	    large, small, large);
	ask_events(p, JSON MODERN, &want, script);
	bytes_fini(&want);
}

/* Events that fill blocks of the journal exactly, and one byte around. */
static void
play_block_events(struct play *p)
{
	struct bytes want = { 0 }, script = { 0 };
	unsigned i, n = p->is_small ? 4 : 30;

	bytes_addf(&script, "head 200 text/event-stream chunked");
	for (i = 0; i < n; i++) {
		/* 1024 - 24 of the record's header - 14 around the data. */
		size_t size = 984 + pick(p, 5);

		add_fillevent(&want, size, "i");
		bytes_addf(&script, "; fillevent %zu id=i", size);
		if (pick(p, 3) == 1)
			bytes_addf(&script, "; wait 1");
	}
	ask_events(p, JSON LEGACY, &want, script.data);
	bytes_fini(&script);
	bytes_fini(&want);
}

/* The client's socket is full most of the time. */
static void
play_slow_client(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 }, want = { 0 }, script = { 0 };
	size_t size = size_of(p, 60 << 10, 200 << 10);
	unsigned i, n = p->is_small ? 5 : 12;

	client_close(&p->client);
	if (client_open_small(&p->client, p->port, PATIENCE_MS) < 0)
		tell_wrong(p, "no connection");
	json_body(&body, 8);
	bytes_addf(&script, "head 200 text/event-stream chunked");
	for (i = 0; i < n; i++) {
		add_fillevent(&want, size, "s");
		bytes_addf(&script, "; fillevent %zu id=s", size);
	}
	add_post(p, &out, JSON LEGACY, &body, script.data);
	send_out(p, &out);
	read_slowly(p, &want);
	ask_again(p);
	leave_open(p);
	bytes_fini(&body);
	bytes_fini(&want);
	bytes_fini(&script);
}

static void
play_get_events(struct play *p)
{
	struct bytes out = { 0 }, want = { 0 };

	add_events(&want, 9, "g");
	add_head(p, &out, "GET", "Accept: text/event-stream\r\n" LEGACY,
	    REQUEST_ONCE, NULL,
	    "head 200 text/event-stream chunked; events 9 3 id=g");
	bytes_addf(&out, "\r\n");
	send_out(p, &out);
	read_answer(p, &want);
	leave_open(p);
	bytes_fini(&want);
}

/* A body without a length, and one that ends with the connection. */
static void
play_plain(struct play *p)
{
	static const char *const framings[] = { "chunked", "close" };
	size_t size = size_of(p, 70 << 10, 700 << 10);
	struct bytes out = { 0 }, want = { 0 };
	char script[200];

	fill_body(&want, size);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(script, sizeof(script),
		    "head 200 text/plain %s; fill %zu", framings[i], size);
		add_head(p, &out, "GET", "", REQUEST_ONCE, NULL, script);
		bytes_addf(&out, "\r\n");
		send_out(p, &out);
		read_answer(p, &want);
	}
	leave_open(p);
	bytes_fini(&want);
}

static void
play_no_body(struct play *p)
{
	struct bytes out = { 0 };

	add_head(
	    p, &out, "HEAD", "", REQUEST_ONCE, NULL, "answer 200 text/plain x");
	bytes_addf(&out, "\r\n");
	send_out(p, &out);
	if (read_head(p, true))
		tell(p, "end %s", client_end_name(p->client.end));
	add_head(p, &out, "GET", "", REQUEST_ONCE, NULL, "head 204");
	bytes_addf(&out, "\r\n");
	send_out(p, &out);
	read_answer(p, NULL);
	ask_again(p);
	leave_open(p);
}

/* HTTP/1.0: the answer ends with the connection. */
static void
play_http10(struct play *p)
{
	struct bytes out = { 0 }, want = { 0 };

	add_events(&want, 12, "o");
	bytes_addf(&out,
	    "GET /mcp HTTP/1.0\r\nHost: 127.0.0.1\r\nX-Id: %u\r\nX-Script: "
	    "head 200 text/event-stream chunked; events 12 2 id=o\r\n\r\n",
	    request_new(p->label, REQUEST_ONCE, NULL));
	send_out(p, &out);
	read_answer(p, &want);
	bytes_fini(&want);
}

/* --- trouble ------------------------------------------------------------- */

/* The origin answers before it has read the request. */
static void
play_early(struct play *p)
{
	struct bytes out = { 0 };

	add_head(p, &out, "POST", JSON CHUNKED, REQUEST_ONCE, NULL,
	    "early; answer 413 text/plain no; never");
	bytes_addf(&out, "\r\n5\r\nhello\r\n");
	send_out(p, &out);
	read_answer(p, NULL);
	leave_closed(p);
}

static void
play_not_http(struct play *p)
{
	struct bytes out = { 0 };

	ask_again(p);
	bytes_addf(&out, "GET /mcp HTTP/1.1\r\nHost : x\r\n\r\n");
	send_out(p, &out);
	read_answer(p, NULL);
	leave_closed(p);
}

/* A request that is refused, and a connection that goes on. */
static void
play_foreign(struct play *p)
{
	struct bytes out = { 0 };

	bytes_addf(&out,
	    "POST /mcp HTTP/1.1\r\nHost: evil.example\r\n" JSON
	    "Content-Length: 45\r\n\r\n"
	    "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"tools/l\"}");
	drip_out(p, &out, 70);
	read_answer(p, NULL);
	ask_again(p);
	leave_open(p);
}

/* The body turns out to be malformed when half of it is forwarded. */
static void
play_bad_chunk(struct play *p)
{
	struct bytes out = { 0 };

	add_head(p, &out, "POST", JSON CHUNKED, REQUEST_AT_MOST_ONCE, NULL,
	    "body; answer 200 text/plain never-seen");
	bytes_addf(&out, "\r\n5\r\nhello\r\n");
	send_out(p, &out);
	pause_a_while(p, 5);
	bytes_addf(&out, "5\r\nworldXX\r\n0\r\n\r\n");
	send_out(p, &out);
	read_answer(p, NULL);
	leave_closed(p);
}

static void
play_not_found(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 }, want = { 0 };

	json_body(&body, 4);
	bytes_addf(&want, "no such session");
	add_post(p, &out, JSON "Mcp-Session-Id: gone\r\n" LEGACY, &body,
	    "answer 404 text/plain \"no such session\"");
	send_out(p, &out);
	read_answer(p, &want);
	ask_again(p);
	leave_open(p);
	bytes_fini(&body);
	bytes_fini(&want);
}

/* The origin leaves without a word, or with the wrong one. */
static void
play_bad_gateway(struct play *p)
{
	static const char *const scripts[] = { "body; cut",
		"body; bytes \"What?\\r\\n\\r\\n\"; never" };
	struct bytes out = { 0 }, body = { 0 };

	json_body(&body, 5);
	for (unsigned i = 0; i < 2; i++) {
		add_post(p, &out, JSON LEGACY, &body, scripts[i]);
		send_out(p, &out);
		read_answer(p, NULL);
	}
	ask_again(p);
	leave_open(p);
	bytes_fini(&body);
}

/* Modern: a stream that the origin breaks off is broken off. */
static void
play_broken_off(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 }, want = { 0 };

	json_body(&body, 6);
	add_events(&want, 5, "b");
	add_post(p, &out, JSON MODERN, &body,
	    "head 200 text/event-stream chunked; events 5 1 id=b; "
	    "bytes \"9\\r\\ndata: \"; cut");
	send_out(p, &out);
	read_answer(p, &want);
	bytes_fini(&body);
	bytes_fini(&want);
}

/* The origin resets the connection behind its answer. */
static void
play_reset(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 }, want = { 0 };

	json_body(&body, 9);
	fill_body(&want, 3000);
	add_post(p, &out, JSON LEGACY, &body,
	    "head 200 application/json length=3000; fill 3000; reset");
	send_out(p, &out);
	read_answer(p, &want);
	pause_a_while(p, 30); /* until the pool has noticed */
	ask_again(p);
	leave_open(p);
	bytes_fini(&body);
	bytes_fini(&want);
}

/* The client leaves in the middle; nothing may be left of it. */
static void
play_leaver(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };

	json_body(&body, 10);
	add_post(p, &out, JSON MODERN, &body,
	    "head 200 text/event-stream chunked; events 3 1 id=l; never");
	send_out(p, &out);
	if (read_head(p, false))
		tell(p, "third event: %d",
		    client_read_until(&p->client, "\"n\":3", PATIENCE_MS));
	if (pick(p, 2) == 1)
		client_reset(&p->client);
	bytes_fini(&body);
}

/* --- the table ----------------------------------------------------------- */

const struct scene scenes[] = {
	{ "json", play_json, false },
	{ "idle", play_idle, false },
	{ "many", play_many, false },
	{ "slow-head", play_slow_head, false },
	{ "dribble", play_dribble, false },
	{ "upload", play_upload, false },
	{ "pipeline", play_pipeline, false },
	{ "expect", play_expect, false },
	{ "legacy", play_legacy, false },
	{ "modern", play_modern, false },
	{ "large-events", play_large_events, false },
	{ "block-events", play_block_events, false },
	{ "slow-client", play_slow_client, false },
	{ "get-events", play_get_events, false },
	{ "plain", play_plain, false },
	{ "no-body", play_no_body, false },
	{ "http10", play_http10, false },
	{ "early", play_early, false },
	{ "not-http", play_not_http, false },
	{ "foreign", play_foreign, false },
	{ "bad-chunk", play_bad_chunk, false },
	{ "not-found", play_not_found, false },
	{ "bad-gateway", play_bad_gateway, false },
	{ "broken-off", play_broken_off, false },
	{ "reset", play_reset, true },
	{ "leaver", play_leaver, false },
};

const unsigned scene_count = sizeof(scenes) / sizeof(scenes[0]);

const struct scene *
scene_find(const char *name)
{
	for (unsigned i = 0; i < scene_count; i++)
		if (strcmp(scenes[i].name, name) == 0)
			return &scenes[i];
	return NULL;
}

void
scene_play(const struct scene *scene, struct play *p)
{
	p->wrong = 0;
	p->chance = p->seed;
	bytes_fini(&p->transcript);
	if (enter(p))
		scene->play(p);
	client_close(&p->client);
}

void
play_fini(struct play *p)
{
	bytes_fini(&p->transcript);
}
