/*
 * returns.c - scenes of legacy sessions.
 *
 * What a client gets of a stream over all its connections is collected in a
 * tale, as a client would do it: only whole events count, and the last id is
 * what it returns with.  The whole tale must be what the upstream told.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/crash/act.h"
#include "tests/crash/returns.h"

#define PRIMED "MCP-Protocol-Version: 2025-11-25\r\n"
#define ACCEPT "Accept: application/json, text/event-stream\r\n"
#define GET_ACCEPT "Accept: text/event-stream\r\n"
#define ID_CAP 100
#define EVENTS_HEAD "head 200 text/event-stream chunked; "

struct tale {
	const char *version; /* the client's MCP-Protocol-Version field */
	struct bytes got;    /* the events, normalised */
	char last_id[ID_CAP];
	bool is_over; /* the stream has ended in order */
};

/* --- tales --------------------------------------------------------------- */

static void
note_last_id(struct tale *t, const char *at, const char *end)
{
	const char *next;

	for (; at < end; at = next) {
		next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
		if (strncmp(at, "id: ", 4) == 0 && next - at - 5 < ID_CAP)
			snprintf(t->last_id, sizeof(t->last_id), "%.*s",
			    (int)(next - at - 5), at + 4);
	}
}

/* Where the last whole event of the body ends. */
static size_t
whole_len(const struct bytes *body)
{
	size_t len = body->len;

	while (len > 1 &&
	       (body->data[len - 1] != '\n' || body->data[len - 2] != '\n'))
		len--;
	return len > 1 ? len : 0;
}

/* A client since 2025-11-25 is primed, at a return with the id that it had. */
static void
drop_priming(const struct tale *t, struct bytes *got, const char *id_before)
{
	char want[ID_CAP + 20];

	if (strcmp(t->version, PRIMED) != 0)
		return;
	if (strncmp(id_before, "sc1.", 4) == 0 || id_before[0] == '\0')
		snprintf(want, sizeof(want), "data: \n\n");
	else
		snprintf(want, sizeof(want), "id: %s\ndata: \n\n", id_before);
	if (got->len >= strlen(want) &&
	    memcmp(got->data, want, strlen(want)) == 0)
		bytes_drop(got, strlen(want));
}

/* Take the whole events of the connection that is about to end. */
static void
collect(struct play *p, struct tale *t)
{
	struct client *c = &p->client;
	struct bytes got = { 0 };
	char id_before[ID_CAP];

	t->is_over = c->end == CLIENT_COMPLETE;
	if (c->body.len == 0)
		return;
	c->body.len = whole_len(&c->body);
	strcpy(id_before, t->last_id);
	note_last_id(t, c->body.data, c->body.data + c->body.len);
	act_normalise(p, &got);
	drop_priming(t, &got, id_before);
	bytes_add(&t->got, got.data, got.len);
	bytes_fini(&got);
}

/* Write down what was told in all. */
static void
tell_tale(struct play *p, struct tale *t, const struct bytes *want)
{
	act_tell(p, "tale %zu %016" PRIx64 " over %d", t->got.len,
	    (uint64_t)XXH64(t->got.data, t->got.len, 0), t->is_over);
	if (want->len != t->got.len ||
	    memcmp(want->data, t->got.data, want->len) != 0) {
		act_tell_wrong(p, "the tale");
		act_tell(p, "%.400s", t->got.data != NULL ? t->got.data : "");
		if (t->got.len > 400)
			act_tell(p, "... %s",
			    t->got.data + t->got.len -
				(t->got.len > 800 ? 400 : t->got.len - 400));
	}
	bytes_fini(&t->got);
}

/* --- steps --------------------------------------------------------------- */

/* Initialize: the answer makes a session. */
static void
begin_session(struct play *p)
{
	struct bytes out = { 0 }, body = { 0 }, want = { 0 };
	char script[200], id[SESSION_CAP];

	request_new_session(id);
	bytes_addf(&body,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\","
	    "\"params\":{}}");
	bytes_addf(&want, "[1]");
	snprintf(script, sizeof(script),
	    "field \"Mcp-Session-Id: %s\"; answer 200 application/json [1]",
	    id);
	act_add_post(p, &out, JSON, &body, script);
	act_send(p, &out);
	act_read_answer(p, &want);
	strcpy(p->session, id);
	bytes_fini(&body);
	bytes_fini(&want);
}

/* Another connection, or the same again. */
static void
reconnect(struct play *p)
{
	if (act_pick(p, 3) == 1)
		client_reset(&p->client);
	else
		client_close(&p->client);
	(void)act_enter(p);
}

static void
ask_for_stream(struct play *p, struct tale *t, const char *script)
{
	struct bytes out = { 0 }, body = { 0 };
	char fields[200];

	snprintf(fields, sizeof(fields), JSON ACCEPT "%s", t->version);
	act_json_body(&body, 7);
	act_add_post(p, &out, fields, &body, script);
	act_send(p, &out);
	bytes_fini(&body);
}

/* Ask for what was missed; false: nothing was. */
static bool
return_for(struct play *p, struct tale *t)
{
	struct bytes out = { 0 };
	char fields[400];

	snprintf(fields, sizeof(fields), GET_ACCEPT "%sLast-Event-ID: %s\r\n",
	    t->version, t->last_id);
	act_add_head(
	    p, &out, "GET", fields, REQUEST_NEVER, NULL, "answer 500 - x");
	bytes_addf(&out, "\r\n");
	act_send(p, &out);
	(void)client_read_head(&p->client, false, PATIENCE_MS);
	if (p->client.status == 200)
		return true;
	t->is_over = true;
	if (p->client.status != 204)
		act_tell(p, "a return was answered %d: %s, body %s",
		    p->client.status, client_end_name(p->client.end),
		    client_read_rest(&p->client, PATIENCE_MS) ==
				CLIENT_COMPLETE &&
			    p->client.body.len > 0
			? p->client.body.data
			: "");
	return false;
}

/* The first head, which never differs. */
static void
read_first_head(struct play *p)
{
	(void)client_read_head(&p->client, false, PATIENCE_MS);
	act_tell(p, "status %d", p->client.status);
}

/* Read until this event is there, or the stream is over. */
static void
read_until_event(struct play *p, unsigned n)
{
	char needle[40];

	snprintf(needle, sizeof(needle), "\"n\":%u}}\n\n", n);
	(void)client_read_until(&p->client, needle, PATIENCE_MS);
}

/* Leave after the events at `stops` (0 ends them), return each time. */
static void
read_with_leaves(
    struct play *p, struct tale *t, const unsigned *stops, unsigned away_ms)
{
	bool more = true;

	for (; more && *stops != 0; stops++) {
		read_until_event(p, *stops);
		collect(p, t);
		if (t->is_over)
			return;
		reconnect(p);
		if (away_ms > 0)
			act_pause(p, away_ms);
		more = return_for(p, t);
	}
	if (!more)
		return;
	(void)client_read_rest(&p->client, PATIENCE_MS);
	collect(p, t);
}

/* --- scenes -------------------------------------------------------------- */

void
play_session(struct play *p)
{
	begin_session(p);
	act_ask_again(p);
	act_ask_again(p);
	act_leave_open(p);
}

/* A stream whose client leaves twice. */
static void
play_return(
    struct play *p, const char *version, const char *prefix, unsigned away_ms)
{
	unsigned n = p->is_small ? 8 : 20 + act_pick(p, 40);
	unsigned stops[3] = { 2, n / 2, 0 };
	struct tale t = { .version = version };
	struct bytes want = { 0 };
	char script[200];

	if (prefix != NULL)
		act_add_events(&want, n, prefix);
	else
		act_add_bare_events(&want, n);
	act_add_response(&want, 7, prefix != NULL ? "z" : NULL);
	snprintf(script, sizeof(script),
	    EVENTS_HEAD "events %u %u %s%s; response 7 %s", n,
	    act_pick(p, 4) - 1, prefix != NULL ? "id=" : "",
	    prefix != NULL ? prefix : "", prefix != NULL ? "id=z" : "");
	begin_session(p);
	ask_for_stream(p, &t, script);
	read_first_head(p);
	read_with_leaves(p, &t, stops, away_ms);
	tell_tale(p, &t, &want);
	act_ask_again(p);
	act_leave_open(p);
	bytes_fini(&want);
}

void
play_return_minted(struct play *p)
{
	play_return(p, LEGACY, NULL, 0);
}

void
play_return_own(struct play *p)
{
	play_return(p, LEGACY, "e", 0);
}

void
play_return_primed(struct play *p)
{
	play_return(p, PRIMED, act_pick(p, 2) == 1 ? "e" : NULL, 0);
}

/* Events arrive while nobody is there. */
void
play_return_late(struct play *p)
{
	play_return(p, LEGACY, NULL, p->is_small ? 15 : 40);
}

/* Large events, and a client whose socket is full. */
void
play_return_slow(struct play *p)
{
	unsigned i, n = 4;
	size_t size = act_size(p, 20 << 10, 50 << 10);
	struct tale t = { .version = LEGACY };
	struct bytes want = { 0 }, script = { 0 };

	bytes_addf(&script, EVENTS_HEAD "events 2 0");
	act_add_bare_events(&want, 2);
	for (i = 0; i < n; i++) {
		act_add_fillevent(&want, size, NULL);
		bytes_addf(&script, "; fillevent %zu", size);
	}
	act_add_response(&want, 7, NULL);
	bytes_addf(&script, "; response 7");
	begin_session(p);
	ask_for_stream(p, &t, script.data);
	read_first_head(p);
	read_until_event(p, 1);
	collect(p, &t);
	client_close(&p->client);
	if (client_open_small(&p->client, p->port, PATIENCE_MS) < 0)
		act_tell_wrong(p, "no connection");
	if (!t.is_over && return_for(p, &t)) {
		while (
		    p->client.end == CLIENT_WAITING &&
		    client_read_more(&p->client, PATIENCE_MS) == CLIENT_WAITING)
			(void)wire_watch(&p->client.wire, wire_now_ms() + 1);
		collect(p, &t);
	}
	tell_tale(p, &t, &want);
	bytes_fini(&want);
	bytes_fini(&script);
}

/* The upstream is lost again and again; the client may leave meanwhile. */
static void
play_cut(struct play *p, const char *how, bool retry, bool leaves)
{
	unsigned n = p->is_small ? 7 : 20, every = p->is_small ? 3 : 5;
	unsigned stops[3] = { 2, n - 2, 0 }, none = 0;
	struct tale t = { .version = LEGACY };
	struct bytes want = { 0 };
	char serial[200], resume[300], script[400];

	bytes_addf(&want, "%s", retry ? "retry: 30\n\n" : "");
	act_add_events(&want, n, "e");
	act_add_response(&want, 7, "z");
	snprintf(serial, sizeof(serial),
	    "serial %u %u e %s=%u; response 7 id=z", n, act_pick(p, 3) - 1, how,
	    every);
	snprintf(resume, sizeof(resume), EVENTS_HEAD "%s", serial);
	snprintf(script, sizeof(script), EVENTS_HEAD "%s%s",
	    retry ? "event retry=30; " : "", serial);
	p->resume = resume;
	begin_session(p);
	ask_for_stream(p, &t, script);
	read_first_head(p);
	read_with_leaves(p, &t, leaves ? stops : &none, p->is_small ? 5 : 20);
	tell_tale(p, &t, &want);
	act_ask_again(p);
	act_leave_open(p);
	bytes_fini(&want);
	p->resume = NULL;
}

void
play_cut_between(struct play *p)
{
	play_cut(p, "cut", false, false);
}

void
play_cut_in_event(struct play *p)
{
	play_cut(p, "half", false, false);
}

void
play_cut_reset(struct play *p)
{
	play_cut(p, "reset", false, act_pick(p, 2) == 1);
}

/* A server that begins anew each time. */
void
play_cut_again(struct play *p)
{
	play_cut(p, "again", false, act_pick(p, 2) == 1);
}

void
play_cut_retry(struct play *p)
{
	play_cut(p, "cut", true, false);
}

void
play_cut_detached(struct play *p)
{
	play_cut(p, act_pick(p, 2) == 1 ? "half" : "cut", false, true);
}

/* Swap the play's connection with another one. */
static void
swap(struct play *p, struct client *other)
{
	struct client c = p->client;

	p->client = *other;
	*other = c;
}

/* Two streams of one session at a time, both lost, both left. */
void
play_two_streams(struct play *p)
{
	unsigned n = p->is_small ? 5 : 15;
	unsigned stops[2] = { n / 2, 0 };
	struct tale a = { .version = LEGACY }, b = { .version = LEGACY };
	struct bytes want_a = { 0 }, want_b = { 0 };
	struct client other;
	char script[200];

	act_add_events(&want_a, n, "a");
	act_add_response(&want_a, 7, NULL);
	act_add_bare_events(&want_b, n);
	act_add_response(&want_b, 7, NULL);
	begin_session(p);
	snprintf(script, sizeof(script),
	    EVENTS_HEAD "events %u 2 id=a; response 7", n);
	ask_for_stream(p, &a, script);
	read_first_head(p);
	other = p->client;
	if (!act_enter(p))
		return;
	snprintf(
	    script, sizeof(script), EVENTS_HEAD "events %u 3; response 7", n);
	ask_for_stream(p, &b, script);
	read_first_head(p);
	read_with_leaves(p, &b, stops, 3);
	tell_tale(p, &b, &want_b);
	swap(p, &other);
	read_with_leaves(p, &a, stops, 3);
	tell_tale(p, &a, &want_a);
	client_close(&other);
	bytes_fini(&want_a);
	bytes_fini(&want_b);
}

/* A GET for what the server says by itself. */
static void
open_standalone(struct play *p, const char *script, enum request_times times)
{
	struct bytes out = { 0 };

	act_add_head(p, &out, "GET", GET_ACCEPT LEGACY, times, NULL, script);
	bytes_addf(&out, "\r\n");
	act_send(p, &out);
	(void)client_read_head(&p->client, false, PATIENCE_MS);
	act_tell(p, "standalone %d", p->client.status);
}

/*
 * Put the second client's events behind those of the first: what the first
 * had not acknowledged may come again, but nothing may be missing.
 */
static void
append_tale(struct tale *t, const struct tale *more)
{
	const char *at = more->got.data, *end = at + more->got.len, *next;
	struct bytes event = { 0 };

	for (; at < end; at = next) {
		next = memmem(at, (size_t)(end - at), "\n\n", 2);
		next = next != NULL ? next + 2 : end;
		event.len = 0;
		bytes_add(&event, at, (size_t)(next - at));
		if (t->got.len == 0 || memmem(t->got.data, t->got.len,
					   event.data, event.len) == NULL)
			bytes_add(&t->got, at, (size_t)(next - at));
	}
	bytes_fini(&event);
}

/* A second GET takes over while the first client still reads. */
void
play_takeover(struct play *p)
{
	unsigned n = p->is_small ? 8 : 30;
	struct tale first = { .version = LEGACY }, second = first;
	struct bytes want = { 0 };
	struct client other;
	char script[200];

	act_add_events(&want, n, "t");
	snprintf(
	    script, sizeof(script), EVENTS_HEAD "events %u 4 id=t; never", n);
	begin_session(p);
	open_standalone(p, script, REQUEST_ONCE);
	read_until_event(p, 2);
	other = p->client;
	if (!act_enter(p))
		return;
	open_standalone(p, script, REQUEST_NEVER);
	read_until_event(p, n);
	collect(p, &second);
	swap(p, &other);
	(void)client_read_rest(&p->client, PATIENCE_MS);
	act_tell(p, "the first one: %s", client_end_name(p->client.end));
	collect(p, &first);
	append_tale(&first, &second);
	first.is_over = true;
	tell_tale(p, &first, &want);
	bytes_fini(&second.got);
	client_close(&other);
	bytes_fini(&want);
}

/* The client ends the session while a stream of it is open elsewhere. */
void
play_delete(struct play *p)
{
	struct tale t = { .version = LEGACY };
	struct bytes out = { 0 }, want = { 0 };
	struct client other;

	act_add_events(&want, 3, "d");
	begin_session(p);
	other = p->client;
	if (!act_enter(p))
		return;
	open_standalone(p, EVENTS_HEAD "events 3 1 id=d; never", REQUEST_ONCE);
	read_until_event(p, 3);
	swap(p, &other);
	act_add_head(p, &out, "DELETE", LEGACY, REQUEST_DELETE, NULL, "never");
	bytes_addf(&out, "\r\n");
	act_send(p, &out);
	act_read_answer(p, NULL);
	swap(p, &other);
	(void)client_read_rest(&p->client, PATIENCE_MS);
	act_tell(p, "the stream: %s", client_end_name(p->client.end));
	collect(p, &t);
	tell_tale(p, &t, &want);
	swap(p, &other);
	act_add_head(p, &out, "GET", GET_ACCEPT LEGACY, REQUEST_NEVER, NULL,
	    "answer 500 - x");
	bytes_addf(&out, "\r\n");
	act_send(p, &out);
	(void)client_read_answer(&p->client, PATIENCE_MS);
	act_tell(p, "afterwards %d", p->client.status);
	client_close(&other);
	bytes_fini(&want);
}

/* Requests of one session on connections that land on any worker. */
void
play_anywhere(struct play *p)
{
	unsigned i, n = p->is_small ? 3 : 8;

	begin_session(p);
	for (i = 0; i < n; i++) {
		reconnect(p);
		act_ask_again(p);
		act_ask_again(p);
	}
	act_leave_open(p);
}

/* The session ends by itself: its stream's client has left. */
void
play_expiry(struct play *p)
{
	int64_t until = wire_now_ms() + PATIENCE_MS;
	struct tale t = { .version = LEGACY };
	bool ended = false;

	begin_session(p);
	ask_for_stream(p, &t, EVENTS_HEAD "events 3 1; response 7; never");
	read_first_head(p);
	read_until_event(p, 3);
	reconnect(p);
	while (!ended && wire_now_ms() < until) {
		act_pause(p, 10);
		p->wrong += requests_check(p->log, false);
		ended = request_session_ended(p->session);
	}
	act_tell(p, "ended %d", ended);
}
