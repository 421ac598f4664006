/*
 * teller.c - an MCP server inside a test that tells known stories.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/teller.h"
#include "tests/peers/message.h"
#include "tests/peers/serve.h"

#define NAME_MAX_LEN 64
#define WRITE_MS 20000
/* How long a silent stream is held before the server gives up on it. */
#define SILENCE_MS 10000

/* --- chance -------------------------------------------------------------- */

struct chance
chance_of(uint64_t seed, const char *name, uint64_t number)
{
	struct chance c = { seed * 0x9e3779b97f4a7c15u + number + 1 };

	for (; *name != '\0'; name++)
		c.state =
		    (c.state ^ (unsigned char)*name) * 0x100000001b3u + 0x9e37;
	for (int i = 0; i < 4; i++)
		(void)chance_below(&c, 2);
	return c;
}

/* splitmix64 */
unsigned
chance_below(struct chance *c, unsigned n)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (unsigned)((z ^ (z >> 31)) % n);
}

/* --- stories ------------------------------------------------------------- */

/* Most events are short; now and then one takes many packets. */
static size_t
filling_of(const char *name, unsigned k)
{
	struct chance c = chance_of(0, name, k);

	if (chance_below(&c, 50) == 0)
		return 5000 + chance_below(&c, 20000);
	return chance_below(&c, 300);
}

void
story_data(struct bytes *out, const char *name, unsigned k, unsigned length)
{
	if (length == 0)
		bytes_addf(out,
		    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
		    "\"params\":{\"level\":\"info\",\"data\":\"%s %u ",
		    name, k);
	else if (k < length)
		bytes_addf(out,
		    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\""
		    ",\"params\":{\"progressToken\":\"%s\",\"progress\":%u,"
		    "\"message\":\"",
		    name, k);
	else
		bytes_addf(out,
		    "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{"
		    "\"content\":[{\"type\":\"text\",\"text\":\"%u ",
		    name, k);
	bytes_fill(out, (char)('a' + k % 26), filling_of(name, k));
	bytes_addf(out, length != 0 && k >= length ? "\"}]}}" : "\"}}");
}

/* --- one connection ------------------------------------------------------ */

struct telling {
	struct teller *t;
	struct wire *wire;
	struct message *request;
	struct chance chance;
	unsigned restarts; /* when the connection came */
	char session[NAME_MAX_LEN];
	unsigned session_number;
	bool with_ids;
};

/* One story on one connection. */
struct story {
	char name[NAME_MAX_LEN];
	unsigned length; /* 0: endless */
	unsigned next;
	bool is_own; /* the session's */
};

static int
send_text(struct telling *g, const char *text, size_t len)
{
	return wire_write(g->wire, text, len, wire_now_ms() + WRITE_MS);
}

static int
send_answer(
    struct telling *g, const char *status, const char *fields, const char *body)
{
	struct bytes out = { 0 };
	int err;

	bytes_addf(&out,
	    "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%s"
	    "Content-Length: %zu\r\n\r\n%s",
	    status, fields, strlen(body), body);
	err = send_text(g, out.data, out.len);
	bytes_fini(&out);
	return err;
}

static void
chunk(struct bytes *out, const struct bytes *text)
{
	bytes_addf(out, "%zx\r\n", text->len);
	bytes_add(out, text->data, text->len);
	bytes_add(out, "\r\n", 2);
}

static void
event_chunk(
    struct telling *g, struct bytes *out, const struct story *s, unsigned k)
{
	struct bytes event = { 0 };

	if (g->with_ids)
		bytes_addf(&event, "id: %s/%u/%u\n", s->name, k, s->length);
	bytes_addf(&event, "data: ");
	story_data(&event, s->name, k, s->length);
	bytes_addf(&event, "\n\n");
	chunk(out, &event);
	bytes_fini(&event);
}

/* How a connection ends before its story does. */
enum breaking {
	BREAK_IN_EVENT,
	BREAK_IN_EVENT_RESET,
	BREAK_AFTER_EVENT,
	BREAK_AFTER_EVENT_RESET,
	BREAK_IN_ORDER, /* the last chunk: the client may come and poll */
	BREAK_IN_ORDER_RETRY,
	BREAK_COUNT,
};

static int
break_off(struct telling *g, const struct bytes *event)
{
	enum breaking how = chance_below(&g->chance, BREAK_COUNT);
	size_t len = event->len;

	atomic_fetch_add(&g->t->cuts, 1);
	if (how <= BREAK_IN_EVENT_RESET)
		len = chance_below(&g->chance, (unsigned)event->len);
	if (send_text(g, event->data, len) == 0) {
		if (how == BREAK_IN_ORDER_RETRY)
			(void)send_text(g, "b\r\nretry: 20\n\n\r\n", 16);
		if (how >= BREAK_IN_ORDER)
			(void)send_text(g, "0\r\n\r\n", 5);
	}
	if (how == BREAK_IN_EVENT_RESET || how == BREAK_AFTER_EVENT_RESET)
		wire_reset(g->wire);
	else
		wire_close(g->wire);
	return -ECONNABORTED;
}

/* Whether the network has gone down under this connection. */
static bool
is_torn(const struct telling *g)
{
	return atomic_load(&g->t->restarts) != g->restarts;
}

/* The first event on a connection always gets through. */
static int
tell_event(struct telling *g, const struct story *s, bool first)
{
	struct teller *t = g->t;
	struct bytes out = { 0 };
	int err;

	event_chunk(g, &out, s, s->next);
	if (!first && g->with_ids && t->cut_one_in != 0 &&
	    chance_below(&g->chance, t->cut_one_in) == 0)
		err = break_off(g, &out);
	else
		err = send_text(g, out.data, out.len);
	bytes_fini(&out);
	if (err == 0 && is_torn(g)) {
		wire_reset(g->wire);
		err = -ECONNRESET;
	}
	if (err == 0 && t->pause_ms > 0)
		err = wire_watch(g->wire,
		    wire_now_ms() + 1 + chance_below(&g->chance, t->pause_ms));
	return err;
}

static int
send_stream_head(struct telling *g)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n"
				   "Content-Type: text/event-stream\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";

	return send_text(g, head, sizeof(head) - 1);
}

/* From s->next on to the end. */
static int
tell(struct telling *g, struct story *s)
{
	unsigned n = g->session_number;
	bool first = true;
	int err = 0;

	for (; err == 0 && (s->length == 0 || s->next <= s->length);
	     s->next++) {
		if (atomic_load(&g->t->ended[n]))
			break;
		if (s->is_own)
			atomic_store(&g->t->told[n], s->next);
		err = tell_event(g, s, first);
		first = false;
	}
	return err;
}

static int
send_stream_end(struct telling *g)
{
	return send_text(g, "0\r\n\r\n", 5);
}

/* A story from its beginning. */
static int
tell_all(struct telling *g, struct story *s)
{
	int err = send_stream_head(g);

	if (err == 0)
		err = tell(g, s);
	return err < 0 ? err : send_stream_end(g);
}

/* --- requests ------------------------------------------------------------ */

/* The text behind `key` up to the next quote; false where it is missing. */
static bool
text_behind(const struct bytes *body, const char *key, char *ret, size_t size)
{
	const char *at = body->data != NULL ? strstr(body->data, key) : NULL;
	size_t len;

	if (at == NULL)
		return false;
	at += strlen(key);
	len = strcspn(at, "\"");
	if (len >= size)
		return false;
	memcpy(ret, at, len);
	ret[len] = '\0';
	return true;
}

static int
begin_session(struct telling *g, const struct bytes *body)
{
	unsigned n = atomic_fetch_add(&g->t->sessions, 1);
	char field[NAME_MAX_LEN * 2], id[NAME_MAX_LEN];
	struct bytes out = { 0 };
	int err;

	if (n >= TELLER_SESSIONS_MAX ||
	    !text_behind(body, "\"id\":\"", id, sizeof(id)))
		return -EPROTO;
	snprintf(field, sizeof(field), "Mcp-Session-Id: %s-%u\r\n",
	    g->t->with_ids ? "with" : "none", n);
	bytes_addf(&out,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{"
	    "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}}}",
	    id);
	err = send_answer(g, "200 OK", field, out.data);
	bytes_fini(&out);
	return err;
}

static int
answer_post(struct telling *g, const struct bytes *body)
{
	struct story s = { .next = 1 };
	char length[16];

	if (!text_behind(body, "\"id\":\"", s.name, sizeof(s.name)))
		return send_answer(g, "202 Accepted", "", "");
	if (!text_behind(body, "\"length\":\"", length, sizeof(length)))
		return send_answer(g, "400 Bad Request", "", "{}");
	s.length = (unsigned)atoi(length);
	atomic_fetch_add(&g->t->calls, 1);
	g->chance = chance_of(g->t->seed, s.name, 0);
	return tell_all(g, &s);
}

/* What was told before, and what is another's, is told (again). */
static int
repeat(struct telling *g, const struct story *s)
{
	struct story own = { .is_own = true };
	struct bytes out = { 0 };
	unsigned k = s->next > 3 ? s->next - 3 : 1, had;
	int err = 0;

	if (chance_below(&g->chance, 3) != 0)
		return 0;
	for (; k < s->next; k++)
		event_chunk(g, &out, s, k);
	/* What the peer has shown to have had: it came back from there. */
	had = atomic_load(&g->t->had[g->session_number]);
	if (!s->is_own && had > 0) {
		snprintf(own.name, sizeof(own.name), "%s", g->session);
		event_chunk(g, &out, &own, had);
	}
	if (out.len > 0)
		err = send_text(g, out.data, out.len);
	atomic_fetch_add(&g->t->repeats, 1);
	bytes_fini(&out);
	return err;
}

static int
tell_on(struct telling *g, struct story *s)
{
	int err = send_stream_head(g);

	if (err == 0 && g->t->cut_one_in != 0 && s->length != 0 &&
	    chance_below(&g->chance, 100) == 0)
		return wire_watch(g->wire, wire_now_ms() + SILENCE_MS);
	if (err == 0)
		err = repeat(g, s);
	if (err == 0)
		err = tell(g, s);
	/* As the SDKs' servers do: a resumed stream stays open. */
	if (err == 0 && s->length != 0 && chance_below(&g->chance, 2) == 0)
		return wire_watch(g->wire, wire_now_ms() + SILENCE_MS);
	return err < 0 ? err : send_stream_end(g);
}

/* Something other than the stream; 0: go on, 1: answered, -errno. */
static int
refuse_resume(struct telling *g)
{
	static const char *const statuses[] = { "409 Conflict",
		"503 Service Unavailable", "502 Bad Gateway" };
	unsigned chosen = chance_below(&g->chance, 30);
	int err;

	if (g->t->cut_one_in == 0 || chosen > 3)
		return 0;
	atomic_fetch_add(&g->t->refusals, 1);
	if (chosen == 3) {
		wire_close(g->wire);
		return -ECONNABORTED;
	}
	err = send_answer(g, statuses[chosen], "", "{}");
	return err < 0 ? err : 1;
}

static int
answer_resume(struct telling *g, const char *id, size_t len)
{
	struct story s = { 0 };
	char text[NAME_MAX_LEN * 2];
	int err;

	if (len >= sizeof(text))
		return -EPROTO;
	memcpy(text, id, len);
	text[len] = '\0';
	if (sscanf(text, "%63[^/]/%u/%u", s.name, &s.next, &s.length) != 3)
		return -EPROTO;
	atomic_fetch_add(&g->t->resumes, 1);
	if (message_count(g->request, "X-Forwarded-For") > 0)
		atomic_fetch_add(&g->t->relayed, 1);
	s.is_own = s.length == 0;
	if (s.is_own)
		atomic_store(&g->t->had[g->session_number], s.next);
	g->chance =
	    chance_of(g->t->seed + atomic_load(&g->t->resumes), s.name, s.next);
	s.next++;
	err = refuse_resume(g);
	if (err != 0)
		return err < 0 ? err : 0;
	return tell_on(g, &s);
}

static int
answer_get(struct telling *g)
{
	struct story s = { .next = 1, .is_own = true };
	unsigned n = g->session_number;
	size_t len;
	const char *id = message_field(g->request, "Last-Event-ID", &len);

	if (id != NULL)
		return answer_resume(g, id, len);
	snprintf(s.name, sizeof(s.name), "%s", g->session);
	atomic_fetch_add(&g->t->own_streams[n], 1);
	if (!g->with_ids)
		s.next = atomic_load(&g->t->told[n]) + 1;
	g->chance = chance_of(g->t->seed, s.name, s.next);
	return tell_all(g, &s);
}

/* The session that the request names: 0, 1: none, or one that is gone. */
static int
find_session(struct telling *g)
{
	size_t len;
	const char *id = message_field(g->request, "Mcp-Session-Id", &len);

	if (id == NULL || len >= sizeof(g->session))
		return 1;
	memcpy(g->session, id, len);
	g->session[len] = '\0';
	g->with_ids = strncmp(g->session, "with-", 5) == 0;
	g->session_number = (unsigned)atoi(g->session + 5);
	return g->session_number >= atomic_load(&g->t->sessions) ||
	       atomic_load(&g->t->ended[g->session_number]);
}

static int
answer(struct telling *g, const struct bytes *body)
{
	const char *head = g->request->head.data;

	if (body->data != NULL && strstr(body->data, "\"initialize\"") != NULL)
		return begin_session(g, body);
	if (find_session(g) != 0) {
		atomic_fetch_add(&g->t->unknown, 1);
		return send_answer(g, "404 Not Found", "", "{}");
	}
	if (strncmp(head, "POST ", 5) == 0)
		return answer_post(g, body);
	if (strncmp(head, "GET ", 4) == 0)
		return answer_get(g);
	if (strncmp(head, "DELETE ", 7) != 0)
		return -EPROTO;
	atomic_store(&g->t->ended[g->session_number], 1);
	atomic_fetch_add(&g->t->deletes, 1);
	return send_answer(g, "200 OK", "", "");
}

/* --- connections --------------------------------------------------------- */

static int
serve_request(struct telling *g)
{
	struct message request;
	struct bytes body = { 0 };
	char buf[4096];
	int n, err = message_read_head(g->wire, &request, WIRE_NEVER);

	g->request = &request;
	if (err == 0)
		err = message_frame_request(&request);
	while (err == 0 && (n = message_read_body(g->wire, &request, buf,
				sizeof(buf), WIRE_NEVER)) != 0) {
		if (n < 0)
			err = n;
		else
			bytes_add(&body, buf, (size_t)n);
	}
	if (err == 0 && (is_torn(g) || atomic_load(&g->t->down)))
		err = -ECONNRESET;
	if (err == 0)
		err = answer(g, &body);
	if (err == -EPROTO)
		atomic_fetch_add(&g->t->faults, 1);
	bytes_fini(&body);
	message_fini(&request);
	return err;
}

static void
serve(void *context, int fd, unsigned number)
{
	struct teller *t = context;
	struct telling g = { .t = t };
	struct wire wire;
	int err = 0;

	(void)number;
	wire_init(&wire, fd);
	g.wire = &wire;
	g.restarts = atomic_load(&t->restarts);
	if (atomic_load(&t->down))
		err = -ECONNRESET;
	while (err == 0)
		err = serve_request(&g);
	if (err == -ECONNRESET)
		wire_reset(&wire);
	else
		wire_close(&wire);
}

struct listening {
	struct teller *t;
	int fd;
};

static void *
run(void *argument)
{
	struct listening *l = argument;

	(void)serve_run(l->fd, serve, l->t);
	return NULL;
}

void
teller_start(struct teller *t)
{
	static struct listening l;
	pthread_t thread;

	l.t = t;
	l.fd = wire_listen("127.0.0.1", t->port, 4096, &t->port);
	ck_assert_int_ge(l.fd, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, run, &l), 0);
	(void)pthread_detach(thread);
}

void
teller_restart(struct teller *t)
{
	atomic_store(&t->down, true);
	atomic_fetch_add(&t->restarts, 1);
}

void
teller_is_back(struct teller *t)
{
	atomic_store(&t->down, false);
}
