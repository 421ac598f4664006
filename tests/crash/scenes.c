/*
 * scenes.c - what clients do while workers are killed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/crash/act.h"
#include "tests/crash/returns.h"

/*
 * Ask with a small body, and without one; the answer's body is `want` unless
 * that is NULL.
 */
static void
post(struct play *p, unsigned id, const char *fields, const char *script,
    const struct bytes *want)
{
	struct bytes out = { 0 }, body = { 0 };

	act_json_body(&body, id);
	act_add_post(p, &out, fields, &body, script);
	act_send(p, &out);
	act_read_answer(p, want);
	bytes_fini(&body);
}

static void
get(struct play *p, const char *fields, const char *script,
    const struct bytes *want)
{
	struct bytes out = { 0 };

	act_add_head(p, &out, "GET", fields, REQUEST_ONCE, NULL, script);
	bytes_addf(&out, "\r\n");
	act_send(p, &out);
	act_read_answer(p, want);
}

/* --- requests ------------------------------------------------------------ */

static void
play_json(struct play *p)
{
	struct bytes want = { 0 };

	bytes_addf(&want, "[1,2,3]");
	post(p, 1, JSON LEGACY, "answer 200 application/json [1,2,3]", &want);
	act_ask_again(p);
	act_leave_open(p);
	bytes_fini(&want);
}

static void
play_idle(struct play *p)
{
	act_ask_again(p);
	act_pause(p, p->is_small ? 20 : 20 + act_pick(p, 200));
	act_ask_again(p);
	act_leave_open(p);
}

/* Many small requests: the pool of connections to the origin at work. */
static void
play_many(struct play *p)
{
	unsigned i, n = p->is_small ? 3 : 12;

	for (i = 0; i < n; i++)
		act_ask_again(p);
	act_leave_open(p);
}

static void
play_slow_head(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };

	act_json_body(&body, 2);
	act_add_post(p, &out, JSON MODERN, &body, "echo");
	act_drip(p, &out, p->is_small ? 60 : act_pick(p, 40));
	act_read_answer(p, &body);
	act_leave_open(p);
	bytes_fini(&body);
}

/* A chunked body whose chunks are cut anywhere. */
static void
play_dribble(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };
	size_t len = act_size(p, 1500, 20000), at, n;

	act_fill_body(&body, len);
	act_add_head(
	    p, &out, "POST", JSON CHUNKED LEGACY, REQUEST_ONCE, &body, "echo");
	bytes_addf(&out, "\r\n");
	for (at = 0; at < len; at += n) {
		n = act_pick(p, 900);
		if (n > len - at)
			n = len - at;
		bytes_addf(&out, "%zx\r\n", n);
		bytes_add(&out, body.data + at, n);
		bytes_addf(&out, "\r\n");
	}
	bytes_addf(&out, "0\r\n\r\n");
	act_drip(p, &out, p->is_small ? 250 : 50 + act_pick(p, 500));
	act_read_answer(p, &body);
	act_ask_again(p);
	act_leave_open(p);
	bytes_fini(&body);
}

/* A large body for an origin that reads slowly. */
static void
play_upload(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };

	act_fill_body(&body, act_size(p, 300 << 10, 4 << 20));
	act_add_post(p, &out, JSON LEGACY, &body, "sip 32768 1; echo");
	act_send(p, &out);
	act_read_answer(p, &body);
	act_leave_open(p);
	bytes_fini(&body);
}

static void
play_pipeline(struct play *p)
{
	struct bytes out = { 0 }, body[6] = { { 0 } };
	unsigned i, n = p->is_small ? 3 : 6;

	for (i = 0; i < n; i++) {
		act_json_body(&body[i], i);
		if (i % 2 == 1)
			act_fill_body(&body[i], act_pick(p, 3000));
		act_add_post(
		    p, &out, JSON, &body[i], "echo 200 application/json");
	}
	act_drip(p, &out, act_pick(p, (unsigned)out.len));
	for (i = 0; i < n; i++) {
		act_read_answer(p, &body[i]);
		bytes_fini(&body[i]);
	}
	act_ask_again(p);
	act_leave_open(p);
}

static void
play_expect(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };

	act_fill_body(&body, act_size(p, 500, 50000));
	act_add_head(p, &out, "POST", JSON "Expect: 100-continue\r\n",
	    REQUEST_ONCE, &body, "echo");
	bytes_addf(&out, "Content-Length: %zu\r\n\r\n", body.len);
	act_send(p, &out);
	(void)client_read_head(&p->client, false, PATIENCE_MS);
	act_tell(p, "interim %d", p->client.status);
	bytes_add(&out, body.data, body.len);
	act_send(p, &out);
	act_read_answer(p, &body);
	act_ask_again(p);
	act_leave_open(p);
	bytes_fini(&body);
}

/* --- answers ------------------------------------------------------------- */

/* Numbered events, cut anywhere on their way to the proxy. */
static void
play_events(struct play *p, const char *fields)
{
	unsigned n = p->is_small ? 6 : 20 + act_pick(p, 100);
	unsigned piece = p->is_small ? 90 : act_pick(p, 700);
	struct bytes want = { 0 };
	char script[200];

	act_add_events(&want, n, "e");
	act_add_response(&want, 7, "z");
	snprintf(script, sizeof(script),
	    "drip %u %u; head 200 text/event-stream chunked; "
	    "events %u %u id=e; response 7 id=z",
	    piece, act_pick(p, 2) - 1, n, act_pick(p, 3) - 1);
	post(p, 7, fields, script, &want);
	act_leave_open(p);
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
	size_t large = act_size(p, 150 << 10, 900 << 10);
	size_t small = act_pick(p, 5000);
	struct bytes want = { 0 };
	char script[300];

	act_add_fillevent(&want, large, "a");
	act_add_fillevent(&want, small, "b");
	act_add_fillevent(&want, large, "c");
	snprintf(script, sizeof(script),
	    "head 200 text/event-stream chunked; fillevent %zu id=a; "
	    "fillevent %zu id=b; fillevent %zu id=c",
	    large, small, large);
	post(p, 7, JSON MODERN, script, &want);
	act_leave_open(p);
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
		size_t size = 984 + act_pick(p, 5);

		act_add_fillevent(&want, size, "i");
		bytes_addf(&script, "; fillevent %zu id=i", size);
		if (act_pick(p, 3) == 1)
			bytes_addf(&script, "; wait 1");
	}
	act_add_response(&want, 7, NULL);
	bytes_addf(&script, "; response 7");
	post(p, 7, JSON LEGACY, script.data, &want);
	act_leave_open(p);
	bytes_fini(&script);
	bytes_fini(&want);
}

/* The client's socket is full most of the time. */
static void
play_slow_client(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 }, want = { 0 }, script = { 0 };
	size_t size = act_size(p, 60 << 10, 200 << 10);
	unsigned i, n = p->is_small ? 5 : 12;

	client_close(&p->client);
	if (client_open_small(&p->client, p->port, PATIENCE_MS) < 0)
		act_tell_wrong(p, "no connection");
	act_json_body(&body, 8);
	bytes_addf(&script, "head 200 text/event-stream chunked");
	for (i = 0; i < n; i++) {
		act_add_fillevent(&want, size, "s");
		bytes_addf(&script, "; fillevent %zu id=s", size);
	}
	act_add_response(&want, 8, "r");
	bytes_addf(&script, "; response 8 id=r");
	act_add_post(p, &out, JSON LEGACY, &body, script.data);
	act_send(p, &out);
	act_read_slowly(p, &want);
	act_ask_again(p);
	act_leave_open(p);
	bytes_fini(&body);
	bytes_fini(&want);
	bytes_fini(&script);
}

static void
play_get_events(struct play *p)
{
	struct bytes want = { 0 };

	act_add_events(&want, 9, "g");
	get(p, "Accept: text/event-stream\r\n" LEGACY,
	    "head 200 text/event-stream chunked; events 9 3 id=g", &want);
	act_leave_open(p);
	bytes_fini(&want);
}

/* A body without a length, and one that ends with the connection. */
static void
play_plain(struct play *p)
{
	static const char *const framings[] = { "chunked", "close" };
	size_t size = act_size(p, 70 << 10, 700 << 10);
	struct bytes want = { 0 };
	char script[200];

	act_fill_body(&want, size);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(script, sizeof(script),
		    "head 200 text/plain %s; fill %zu", framings[i], size);
		get(p, "", script, &want);
	}
	act_leave_open(p);
	bytes_fini(&want);
}

static void
play_no_body(struct play *p)
{
	struct bytes out = { 0 };

	act_add_head(
	    p, &out, "HEAD", "", REQUEST_ONCE, NULL, "answer 200 text/plain x");
	bytes_addf(&out, "\r\n");
	act_send(p, &out);
	if (act_read_head(p, true))
		act_tell(p, "end %s", client_end_name(p->client.end));
	get(p, "", "head 204", NULL);
	act_ask_again(p);
	act_leave_open(p);
}

/* HTTP/1.0: the answer ends with the connection. */
static void
play_http10(struct play *p)
{
	struct bytes out = { 0 }, want = { 0 };

	act_add_events(&want, 12, "o");
	bytes_addf(&out,
	    "GET /mcp HTTP/1.0\r\nHost: 127.0.0.1\r\nX-Id: %u\r\nX-Script: "
	    "head 200 text/event-stream chunked; events 12 2 id=o\r\n\r\n",
	    request_new(p->label, REQUEST_ONCE, NULL));
	act_send(p, &out);
	act_read_answer(p, &want);
	bytes_fini(&want);
}

/* --- trouble ------------------------------------------------------------- */

/* The origin answers before it has read the request. */
static void
play_early(struct play *p)
{
	struct bytes out = { 0 };

	act_add_head(p, &out, "POST", JSON CHUNKED, REQUEST_ONCE, NULL,
	    "early; answer 413 text/plain no; never");
	bytes_addf(&out, "\r\n5\r\nhello\r\n");
	act_send(p, &out);
	act_read_answer(p, NULL);
	act_leave_closed(p);
}

static void
play_not_http(struct play *p)
{
	struct bytes out = { 0 };

	act_ask_again(p);
	bytes_addf(&out, "GET /mcp HTTP/1.1\r\nHost : x\r\n\r\n");
	act_send(p, &out);
	act_read_answer(p, NULL);
	act_leave_closed(p);
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
	act_drip(p, &out, 70);
	act_read_answer(p, NULL);
	act_ask_again(p);
	act_leave_open(p);
}

/* The body turns out to be malformed when half of it is forwarded. */
static void
play_bad_chunk(struct play *p)
{
	struct bytes out = { 0 };

	act_add_head(p, &out, "POST", JSON CHUNKED, REQUEST_AT_MOST_ONCE, NULL,
	    "body; answer 200 text/plain never-seen");
	bytes_addf(&out, "\r\n5\r\nhello\r\n");
	act_send(p, &out);
	act_pause(p, 5);
	bytes_addf(&out, "5\r\nworldXX\r\n0\r\n\r\n");
	act_send(p, &out);
	act_read_answer(p, NULL);
	act_leave_closed(p);
}

static void
play_not_found(struct play *p)
{
	struct bytes want = { 0 };

	bytes_addf(&want, "no such session");
	post(p, 4, JSON "Mcp-Session-Id: gone\r\n" LEGACY,
	    "answer 404 text/plain \"no such session\"", &want);
	act_ask_again(p);
	act_leave_open(p);
	bytes_fini(&want);
}

/* The origin leaves without a word, or with the wrong one. */
static void
play_bad_gateway(struct play *p)
{
	static const char *const scripts[] = { "body; cut",
		"body; bytes \"What?\\r\\n\\r\\n\"; never" };

	for (unsigned i = 0; i < 2; i++)
		post(p, 5, JSON LEGACY, scripts[i], NULL);
	act_ask_again(p);
	act_leave_open(p);
}

/* Modern: a stream that the origin breaks off is broken off. */
static void
play_broken_off(struct play *p)
{
	struct bytes want = { 0 };

	act_add_events(&want, 5, "b");
	post(p, 6, JSON MODERN,
	    "head 200 text/event-stream chunked; events 5 1 id=b; "
	    "bytes \"9\\r\\ndata: \"; cut",
	    &want);
	bytes_fini(&want);
}

/* The origin resets the connection behind its answer. */
static void
play_reset(struct play *p)
{
	struct bytes want = { 0 };

	act_fill_body(&want, 3000);
	post(p, 9, JSON LEGACY,
	    "head 200 application/json length=3000; fill 3000; reset", &want);
	act_pause(p, 30); /* until the pool has noticed */
	act_ask_again(p);
	act_leave_open(p);
	bytes_fini(&want);
}

/* A body that ends with its connection, and that is reset: it has no end. */
static void
play_reset_body(struct play *p)
{
	struct bytes want = { 0 };

	act_fill_body(&want, 3000);
	get(p, "", "head 200 text/plain close; fill 3000; wait 20; reset",
	    &want);
	bytes_fini(&want);
}

/* The client leaves in the middle; nothing may be left of it. */
static void
play_leaver(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 };

	act_json_body(&body, 10);
	act_add_post(p, &out, JSON MODERN, &body,
	    "head 200 text/event-stream chunked; events 3 1 id=l; never");
	act_send(p, &out);
	if (act_read_head(p, false))
		act_tell(p, "third event: %d",
		    client_read_until(&p->client, "\"n\":3", PATIENCE_MS));
	if (act_pick(p, 2) == 1)
		client_reset(&p->client);
	bytes_fini(&body);
}

/* --- the table ----------------------------------------------------------- */

const struct scene scenes[] = {
	{ "json", play_json, false, NULL },
	{ "idle", play_idle, false, NULL },
	{ "many", play_many, false, NULL },
	{ "slow-head", play_slow_head, false, NULL },
	{ "dribble", play_dribble, false, NULL },
	{ "upload", play_upload, false, NULL },
	{ "pipeline", play_pipeline, false, NULL },
	{ "expect", play_expect, false, NULL },
	{ "legacy", play_legacy, false, NULL },
	{ "modern", play_modern, false, NULL },
	{ "large-events", play_large_events, false, NULL },
	{ "block-events", play_block_events, false, NULL },
	{ "slow-client", play_slow_client, false, NULL },
	{ "get-events", play_get_events, false, NULL },
	{ "plain", play_plain, false, NULL },
	{ "no-body", play_no_body, false, NULL },
	{ "http10", play_http10, false, NULL },
	{ "early", play_early, false, NULL },
	{ "not-http", play_not_http, false, NULL },
	{ "foreign", play_foreign, false, NULL },
	{ "bad-chunk", play_bad_chunk, false, NULL },
	{ "not-found", play_not_found, false, NULL },
	{ "bad-gateway", play_bad_gateway, false, NULL },
	{ "broken-off", play_broken_off, false, NULL },
	{ "reset", play_reset, true, NULL },
	{ "reset-body", play_reset_body, true, NULL },
	{ "leaver", play_leaver, false, NULL },
	{ "session", play_session, false, NULL },
	{ "return-minted", play_return_minted, false, NULL },
	{ "return-own", play_return_own, false, NULL },
	{ "return-primed", play_return_primed, false, NULL },
	{ "return-late", play_return_late, false, NULL },
	{ "return-slow", play_return_slow, false, NULL },
	{ "cut-between", play_cut_between, false, NULL },
	{ "cut-in-event", play_cut_in_event, false, NULL },
	{ "cut-reset", play_cut_reset, true, NULL },
	{ "cut-again", play_cut_again, false, NULL },
	{ "cut-retry", play_cut_retry, false, NULL },
	{ "cut-detached", play_cut_detached, false, NULL },
	{ "two-streams", play_two_streams, false, NULL },
	{ "takeover", play_takeover, false, NULL },
	{ "delete", play_delete, false, NULL },
	{ "anywhere", play_anywhere, false, NULL },
	{ "expiry", play_expiry, true, "session.idle_timeout=150ms" },
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
	if (act_enter(p))
		scene->play(p);
	client_close(&p->client);
}

void
play_fini(struct play *p)
{
	bytes_fini(&p->transcript);
}
