/*
 * request.c - from a request's bytes to a request in the client's journal.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/addr.h"
#include "common/http_origin.h"
#include "common/http_write.h"
#include "common/mcp.h"
#include "worker/replay.h"
#include "worker/request.h"
#include "worker/session.h"
#include "worker/stream.h"

/* --- refusals ----------------------------------------------------------- */

static void
refuse(struct client *c, struct client_state *next, int fault)
{
	if (fault != HTTP_FAULT_NONE && next->refusal == 0)
		worker_count(c->w, COUNTER_REFUSED + (enum http_fault)fault, 1);
	next->refusal = (uint8_t)fault;
	next->refused_s = (uint32_t)time(NULL);
	next->stream_ref = 0;
	next->out_wire = 0;
	if (next->minor == 0)
		next->keep_alive = 0; /* errors say nothing of staying */
	journal_clear(&c->w->arena, &next->out);
}

/* Whether bytes of another answer are on their way already. */
static bool
is_being_answered(const struct client *c)
{
	return c->stream != NULL &&
	       (stream_state(c->stream)->phase != STREAM_WAITING ||
		   !stream_is_all_sent(c->stream));
}

void
request_refuse(struct client *c, struct client_state *next, int fault)
{
	bool too_late = is_being_answered(c);

	if (c->stream != NULL)
		next->wire = c->stream->sent.wire;
	refuse(c, next, too_late ? HTTP_FAULT_NONE : fault);
	chain_clear(&c->w->arena, &next->in);
	next->keep_alive = 0;
	next->phase = CLIENT_LINGER;
}

void
request_refuse_later(struct client *c, struct client_state *next, int fault)
{
	refuse(c, next, fault);
}

/* --- the head ----------------------------------------------------------- */

/* The same as http_host_allowed(), which is not asked twice in a row. */
static bool
is_host_allowed(
    struct worker *w, const struct http_access *access, struct http_slice host)
{
	struct allowed_host *last = &w->allowed_host;

	if (host.len > 0 && host.len == last->len &&
	    access->loopback == last->on_loopback &&
	    memcmp(host.p, last->text, host.len) == 0)
		return true;
	if (!http_host_allowed(access, host))
		return false;
	last->len = host.len <= sizeof(last->text) ? (uint8_t)host.len : 0;
	last->on_loopback = access->loopback;
	if (last->len > 0)
		memcpy(last->text, host.p, last->len);
	return true;
}

/* What is wrong with a request that is well-formed; 0: nothing. */
static int
judge(const struct client *c, const struct http_head *head)
{
	struct worker *w = c->w;
	struct http_access access = w->access;
	uint64_t max_body = w->conf->client_max_body;

	access.loopback = c->is_on_loopback;

	if (head->method == HTTP_METHOD_CONNECT ||
	    head->method == HTTP_METHOD_TRACE)
		return HTTP_FAULT_METHOD_NOT_ALLOWED;
	if (!is_host_allowed(w, &access, head->host))
		return HTTP_FAULT_FOREIGN_HOST;
	if (!http_origin_allowed(
		&access, http_head_value(head, HTTP_FIELD_ORIGIN), head->host))
		return HTTP_FAULT_FOREIGN_ORIGIN;
	if (max_body != 0 && head->content_length > 0 &&
	    (uint64_t)head->content_length > max_body)
		return HTTP_FAULT_BODY_LONG;
	return 0;
}

static enum stream_era
era_of(const struct worker *w, const struct http_head *head)
{
	if (!http_slice_equals(head->path, http_slice_of(w->endpoint)))
		return ERA_PLAIN;
	return mcp_version_is_modern(
		   http_head_value(head, HTTP_FIELD_MCP_PROTOCOL_VERSION))
		   ? ERA_MODERN
		   : ERA_LEGACY;
}

static enum http_framing
framing_of(const struct http_head *head)
{
	if (head->chunked)
		return HTTP_FRAMING_CHUNKED;
	return head->content_length >= 0 ? HTTP_FRAMING_LENGTH
					 : HTTP_FRAMING_NONE;
}

/* Look for the request's id and method. */
static void
scan_message(
    struct client *c, struct client_state *next, const char *p, size_t len)
{
	struct jsonrpc json;
	bool message;
	size_t used;

	if (next->method != HTTP_METHOD_POST)
		return;
	json.place = next->json;
	json.texts = c->rec->texts;
	while (len > 0 && !jsonrpc_is_complete(&json)) {
		used = jsonrpc_next(&json, p, len, &message);
		if (used == 0)
			break;
		p += used;
		len -= used;
	}
	next->json = json.place;
	c->rec->texts = json.texts;
	KILL_POINT();
}

/*
 * What came of a plain body with its head: it is taken with it, to go out in
 * one record and one piece.
 */
static struct iovec
take_along(
    struct client *c, struct client_state *next, const struct http_head *head)
{
	struct http_slice rest = head->behind;
	size_t len = head->expect_continue
			 ? 0
			 : chunked_take_plain(&next->body, rest.len);

	scan_message(c, next, rest.p, len);
	next->body_len = len;
	if (chunked_done(&next->body))
		next->phase = CLIENT_WAIT;
	return (struct iovec){ (void *)(uintptr_t)rest.p, len };
}

/* Put the head for the upstream into the journal: 0 or -ENOMEM. */
static int
write_head(struct client *c, struct client_state *next,
    const struct http_head *head, enum stream_era era)
{
	struct worker *w = c->w;
	char address[INET6_ADDRSTRLEN];
	struct http_request_rewrite how = {
		.host = http_slice_of(w->upstream_host),
		.proto = HTTP_SLICE("http"),
		.framing = framing_of(head),
		.content_length = (uint64_t)MAX(head->content_length, 0),
		.drop_last_event_id = era == ERA_LEGACY &&
				      (head->method == HTTP_METHOD_POST ||
					  replay_is_minted(http_head_value(
					      head, HTTP_FIELD_LAST_EVENT_ID))),
	};
	struct iovec pieces[2];
	struct http_out out;

	addr_text(c->rec->address, address);
	how.client_address = http_slice_of(address);
	http_out_init(&out, w->scratch_out, w->scratch_size);
	if (http_request_write(&out, head, &how) != 0)
		return -ENOMEM;
	pieces[0] = (struct iovec){ out.p, out.len };
	pieces[1] = take_along(c, next, head);
	return journal_put_pieces(
	    &w->arena, &next->out, JOURNAL_HEAD, pieces, 2);
}

static enum stream_role
role_of(const struct http_head *head, const struct route *route)
{
	return head->method == HTTP_METHOD_GET && route->session != NULL &&
		       http_head_field(head, HTTP_FIELD_LAST_EVENT_ID) == NULL
		   ? ROLE_STANDALONE
		   : ROLE_REQUEST;
}

/* A new stream that will carry the answer; -ENOMEM where there is no room. */
static int
open_stream(struct client *c, struct client_state *next,
    const struct http_head *head, enum stream_era era,
    const struct route *route)
{
	struct stream_about about = {
		.era = era,
		.method = head->method,
		.framing = framing_of(head),
		.minor = head->minor,
		.expects_continue =
		    head->expect_continue && next->phase == CLIENT_BODY,
		.primes = replay_client_primes(head),
		.role = role_of(head, route),
		.session = route->session,
		.request = next->requests,
		.wire = next->wire,
	};

	if (write_head(c, next, head, era) != 0)
		return -ENOMEM;
	if (era == ERA_LEGACY)
		replay_owner_sum(c->w, head, about.owner_sum);
	if (route->session != NULL) {
		session_touch(route->session);
		session_save_fields(route->session, head);
	}
	c->stream = stream_new(c, &about);
	if (c->stream == NULL)
		return -ENOMEM;
	next->stream_ref = c->stream->slot + 1;
	return 0;
}

/* Go where the route leads: 0, or an enum http_fault. */
static int
follow(struct client *c, struct client_state *next,
    const struct http_head *head, enum stream_era era,
    const struct route *route)
{
	int error;

	if (route->kind == ROUTE_REFUSE)
		return route->fault;
	error = route->kind == ROUTE_ATTACH
		    ? replay_attach(c, next, head, route)
		    : open_stream(c, next, head, era, route);
	next->discards = route->kind == ROUTE_ATTACH;
	if (error == 0)
		return 0;
	worker_count(c->w, COUNTER_MEMORY_SHORT, 1);
	client_log(c, LOG_LEVEL_WARNING,
	    "no room for its request: journal.memory or stream.max_streams is "
	    "used up");
	return HTTP_FAULT_NO_ROOM;
}

/* The state of a request whose head is well-formed. */
static void
begin_state(struct worker *w, struct client_state *next,
    const struct http_head *head, enum stream_era era)
{
	if (head->chunked)
		chunked_begin(&next->body, BODY_CHUNKED, 0);
	else if (head->content_length > 0)
		chunked_begin(
		    &next->body, BODY_LENGTH, (uint64_t)head->content_length);
	else
		chunked_begin(&next->body, BODY_NONE, 0);
	next->requests++;
	next->begun_us = worker_now_us(w);
	next->body_len = 0;
	next->out_wire = 0;
	jsonrpc_place_init(&next->json,
	    era == ERA_LEGACY ? JSONRPC_LOOK_DEEP : JSONRPC_LOOK_SHALLOW);
	next->phase = chunked_done(&next->body) ? CLIENT_WAIT : CLIENT_BODY;
	next->method = (uint8_t)head->method;
	next->minor = head->minor;
	next->discards = 0;
	next->keep_alive = head->keep_alive && !w->draining;
	worker_count(w, COUNTER_REQUESTS, 1);
}

/* What the log shows of a path at most. */
#define PATH_SHOWN_MAX 71

static char *
cut_path(struct http_slice path)
{
	char *copy = strndup(path.p, MIN(path.len, (size_t)PATH_SHOWN_MAX));

	if (copy != NULL && path.len > PATH_SHOWN_MAX)
		memcpy(copy + PATH_SHOWN_MAX - 3, "...", 3);
	return copy;
}

/* What its log lines need; `head` is NULL where it can't be read. */
static void
note_request(
    struct client *c, const struct http_head *head, enum stream_era era)
{
	c->session[0] = '\0';
	free(c->path);
	c->path = NULL;
	c->is_at_endpoint = head != NULL && era != ERA_PLAIN;
	if (head != NULL && era == ERA_PLAIN && head->path.len > 0)
		c->path = cut_path(head->path);
}

void
request_refuse_head(struct client *c, struct client_state *next, int fault)
{
	/* Nothing of the request before may show in the answer. */
	note_request(c, NULL, ERA_PLAIN);
	next->requests++;
	next->begun_us = worker_now_us(c->w);
	next->method = HTTP_METHOD_OTHER;
	jsonrpc_place_init(&next->json, JSONRPC_LOOK_SHALLOW);
	request_refuse(c, next, fault);
}

/* What of a request is not allowed to it, in its own words. */
static void
report_foreign(const struct client *c, const struct http_head *head, int fault)
{
	struct http_slice origin = http_head_value(head, HTTP_FIELD_ORIGIN);

	if (fault == HTTP_FAULT_FOREIGN_ORIGIN)
		client_log(c, LOG_LEVEL_INFO,
		    "security.allowed_origins does not allow Origin %.*s",
		    (int)MIN(origin.len, 200), origin.p);
	if (fault == HTTP_FAULT_FOREIGN_HOST)
		client_log(c, LOG_LEVEL_INFO,
		    "security.allowed_hosts does not allow Host %.*s",
		    (int)MIN(head->host.len, 200), head->host.p);
}

/* Refuse a well-formed request, by what its framing allows. */
static void
refuse_request(struct client *c, struct client_state *next,
    const struct http_head *head, int fault)
{
	struct http_slice id = http_head_value(head, HTTP_FIELD_MCP_SESSION_ID);
	size_t shown = log_id_len(id.len);

	memcpy(c->session, shown > 0 ? id.p : "", shown);
	c->session[shown] = '\0';
	report_foreign(c, head, fault);
	/* A body that would be too long, or that waits for our word. */
	if (fault == HTTP_FAULT_BODY_LONG ||
	    (head->expect_continue && next->phase == CLIENT_BODY))
		request_refuse(c, next, fault);
	else
		request_refuse_later(c, next, fault);
}

/* The session that a route led to may end again. */
static void
unpin(struct session *s)
{
	if (s == NULL)
		return;
	s->pins--;
	session_forget_if_unused(s);
}

bool
request_begin(
    struct client *c, struct client_state *next, const struct http_head *head)
{
	enum stream_era era = era_of(c->w, head);
	struct route route = { .kind = ROUTE_RELAY };
	int fault = judge(c, head);

	note_request(c, head, era);
	if (fault == 0 && era == ERA_LEGACY) {
		replay_route(c, head, &route);
		if (route.kind == ROUTE_ELSEWHERE) {
			c->is_leaving = true;
			c->target = route.home;
			return false;
		}
		if (route.session != NULL)
			route.session->pins++;
		if (route.kind == ROUTE_PROBE) {
			fault = replay_probe(c, head, route.session) == 0
				    ? 0
				    : HTTP_FAULT_NO_ROOM;
			if (fault == 0) {
				unpin(route.session);
				return false;
			}
		}
	}
	c->probe_verdict = PROBE_NONE;
	begin_state(c->w, next, head, era);
	if (fault == 0)
		fault = follow(c, next, head, era, &route);
	if (fault != 0)
		refuse_request(c, next, head, fault);
	unpin(route.session);
	return true;
}

/* --- the body ----------------------------------------------------------- */

/* One piece of decoded body: 0, or -(enum http_fault). */
static int
take_piece(
    struct client *c, struct client_state *next, const char *piece, size_t len)
{
	uint64_t max_body = c->w->conf->client_max_body;
	struct arena *a = &c->w->arena;

	next->body_len += len;
	if (max_body != 0 && next->body_len > max_body)
		return -HTTP_FAULT_BODY_LONG;
	scan_message(c, next, piece, len);
	if (next->refusal != 0 || next->discards)
		return 0;
	if (journal_open(a, &next->out) != 0 ||
	    journal_add(a, &next->out, piece, len) != 0) {
		worker_count(c->w, COUNTER_MEMORY_SHORT, 1);
		return -HTTP_FAULT_NO_ROOM;
	}
	return 0;
}

/* What was received of the body is a record; chunks end with another one. */
static int
finish_pieces(struct client *c, struct client_state *next)
{
	struct arena *a = &c->w->arena;

	if (next->out.open_ref != 0)
		journal_finish(a, &next->out, JOURNAL_BODY, 0, 0);
	if (!chunked_done(&next->body))
		return 0;
	next->phase = CLIENT_WAIT;
	/* Only chunks need a word for their end. */
	if (next->refusal != 0 || next->discards ||
	    next->body.kind != BODY_CHUNKED ||
	    journal_put(a, &next->out, JOURNAL_END, "", 0) == 0)
		return 0;
	return -HTTP_FAULT_NO_ROOM;
}

size_t
request_body(
    struct client *c, struct client_state *next, const char *buf, size_t len)
{
	const char *piece;
	size_t used = 0, piece_len;
	ptrdiff_t n;
	int fault = 0;

	while (used < len && !chunked_done(&next->body) && fault == 0) {
		n = chunked_next(
		    &next->body, buf + used, len - used, &piece, &piece_len);
		if (n <= 0) {
			fault = -HTTP_FAULT_CHUNK;
			break;
		}
		used += (size_t)n;
		if (piece_len > 0)
			fault = take_piece(c, next, piece, piece_len);
	}
	if (fault == 0)
		fault = finish_pieces(c, next);
	if (fault == 0)
		return used;
	request_refuse(c, next, -fault);
	return len;
}
