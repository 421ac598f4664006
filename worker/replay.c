/*
 * replay.c - clients that come back.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/hash.h"
#include "common/http_write.h"
#include "common/log.h"
#include "worker/ask.h"
#include "worker/event.h"
#include "worker/legacy.h"
#include "worker/replay.h"
#include "worker/stream.h"
#include "worker/upstream.h"

#define MINTED_PREFIX "sc1."
/* The first version whose clients take an event with empty data. */
#define FIRST_PRIMING_VERSION "2025-11-25"

/* --- tokens ------------------------------------------------------------- */

/*
 * 13 random bytes, and the slot of the stream's record hidden in 3 more, so
 * that any worker finds the record; the whole token has to fit.
 */
#define RANDOM_LEN 13
#define TOKEN_BYTES 16

static const char base64url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void
encode(const uint8_t in[TOKEN_BYTES], char out[STREAM_TOKEN_LEN + 1])
{
	uint32_t bits = 0, have = 0, i, n = 0;

	for (i = 0; i < TOKEN_BYTES; i++) {
		bits = bits << 8 | in[i];
		for (have += 8; have >= 6; have -= 6)
			out[n++] = base64url[bits >> (have - 6) & 63];
	}
	out[n++] = base64url[bits << (6 - have) & 63];
	out[n] = '\0';
}

static bool
decode(const char *in, uint8_t out[TOKEN_BYTES])
{
	uint32_t bits = 0, have = 0, i, n = 0;
	const char *digit;

	for (i = 0; i < STREAM_TOKEN_LEN; i++) {
		digit = in[i] != '\0' ? strchr(base64url, in[i]) : NULL;
		if (digit == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(digit - base64url);
		have += 6;
		if (have >= 8 && n < TOKEN_BYTES) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return n == TOKEN_BYTES;
}

static uint32_t
slot_mask(const struct worker *w, const uint8_t *random)
{
	return (uint32_t)hash_bytes64(
		   random, RANDOM_LEN, w->shm->header->secret[1]) &
	       0xffffff;
}

/*
 * Random bytes, those of many tokens from one system call.  No process that
 * has made a token forks, so none has another's.
 */
static void
take_random(uint8_t ret[RANDOM_LEN])
{
	static uint8_t
	    store[16 * RANDOM_LEN]; /* 256 come whole: getrandom(2) */
	static size_t left;

	if (left == 0) {
		if (getrandom(store, sizeof(store), 0) != sizeof(store))
			memset(store, 0, sizeof(store)); /* no such kernel */
		left = sizeof(store);
	}
	left -= RANDOM_LEN;
	memcpy(ret, store + left, RANDOM_LEN);
	memset(store + left, 0, RANDOM_LEN);
}

void
replay_make_token(
    const struct worker *w, uint32_t slot, char ret[STREAM_TOKEN_LEN + 1])
{
	uint8_t bytes[TOKEN_BYTES];
	uint32_t hidden;

	take_random(bytes);
	hidden = slot ^ slot_mask(w, bytes);
	bytes[RANDOM_LEN] = (uint8_t)(hidden >> 16);
	bytes[RANDOM_LEN + 1] = (uint8_t)(hidden >> 8);
	bytes[RANDOM_LEN + 2] = (uint8_t)hidden;
	encode(bytes, ret);
}

/* An id of ours: the slot it names and the sequence; false: not of ours. */
static bool
parse_minted(const struct worker *w, struct http_slice id, uint32_t *ret_slot,
    uint64_t *ret_seq)
{
	const size_t prefix = sizeof(MINTED_PREFIX) - 1;
	const char *token = id.p + prefix;
	uint8_t bytes[TOKEN_BYTES];
	struct http_slice digits;
	int64_t seq;

	if (id.len < prefix + STREAM_TOKEN_LEN + 2 ||
	    memcmp(id.p, MINTED_PREFIX, prefix) != 0 ||
	    token[STREAM_TOKEN_LEN] != '.' || !decode(token, bytes))
		return false;
	digits.p = token + STREAM_TOKEN_LEN + 1;
	digits.len = id.len - (uint32_t)(digits.p - id.p);
	if (http_number_parse(digits, &seq) != 0)
		return false;
	*ret_slot =
	    ((uint32_t)bytes[RANDOM_LEN] << 16 |
		(uint32_t)bytes[RANDOM_LEN + 1] << 8 | bytes[RANDOM_LEN + 2]) ^
	    slot_mask(w, bytes);
	*ret_seq = (uint64_t)seq;
	return true;
}

bool
replay_is_minted(struct http_slice id)
{
	const size_t prefix = sizeof(MINTED_PREFIX) - 1;

	return id.len >= prefix && memcmp(id.p, MINTED_PREFIX, prefix) == 0;
}

/* --- what a head says --------------------------------------------------- */

void
replay_owner_sum(
    const struct worker *w, const struct http_head *head, uint64_t ret[2])
{
	struct http_slice who = http_head_value(head, HTTP_FIELD_AUTHORIZATION);

	ret[0] = hash_bytes64(who.p, who.len, w->shm->header->secret[0]);
	ret[1] = hash_bytes64(who.p, who.len, w->shm->header->secret[1]);
}

bool
replay_client_primes(const struct http_head *head)
{
	struct http_slice version =
	    http_head_value(head, HTTP_FIELD_MCP_PROTOCOL_VERSION);
	const struct http_slice first = HTTP_SLICE(FIRST_PRIMING_VERSION);

	return version.len == first.len &&
	       memcmp(version.p, first.p, first.len) >= 0;
}

static bool
wants_events(const struct http_head *head)
{
	struct http_slice accept = http_head_value(head, HTTP_FIELD_ACCEPT);
	struct http_slice element;

	while (http_list_next(&accept, &element)) {
		if (http_media_type_is(element, "text/event-stream"))
			return true;
	}
	return false;
}

/* --- where a return leads ----------------------------------------------- */

struct id_search {
	struct http_slice id;
	uint32_t sum;
	bool found;
	uint64_t seq;
};

static bool
is_sought(void *context, const struct journal_view *view)
{
	struct id_search *search = context;
	struct event event;

	if (!(view->record.flags & JOURNAL_HAS_ID) ||
	    view->record.id_sum != search->sum)
		return true;
	event_read(*view, EVENT_ID, &event);
	search->found = event.id_len == search->id.len &&
			memcmp(event.id, search->id.p, event.id_len) == 0;
	search->seq = view->record.seq;
	return !search->found;
}

/* The stream of the session that holds the event with this id. */
static struct stream *
find_by_id(struct session *s, struct http_slice id, uint64_t *ret_seq)
{
	struct id_search search = { .id = id, .sum = event_id_sum(id) };
	struct stream *st;

	for (st = s->streams; st != NULL; st = st->legacy->session_next) {
		if (!stream_state(st)->resumable ||
		    journal_each(&s->w->arena, &stream_state(st)->answer, 0,
			is_sought, &search) != 0 ||
		    !search.found)
			continue;
		*ret_seq = search.seq;
		return st;
	}
	return NULL;
}

struct rest {
	bool any;
};

static bool
is_worth_sending(void *context, const struct journal_view *view)
{
	struct rest *rest = context;

	rest->any = view->record.type == JOURNAL_BODY &&
		    !(view->record.flags & JOURNAL_ONCE);
	return !rest->any;
}

/* Whether nothing will ever come after record seq - 1. */
static bool
is_over(struct stream *st, uint64_t seq)
{
	const struct stream_state *ss = stream_state(st);
	struct rest rest = { false };

	if (ss->phase != STREAM_ENDING)
		return false;
	return journal_each(&st->w->arena, &ss->answer, seq, is_worth_sending,
		   &rest) == 0 &&
	       !rest.any;
}

static void
refuse(struct route *ret, int fault)
{
	ret->kind = ROUTE_REFUSE;
	ret->fault = fault;
}

/*
 * Whether an error event can name what waits for this stream.  It can't where
 * the stream was begun before we knew it.
 */
static bool
names_request(const struct stream *st)
{
	const struct jsonrpc *request = &st->legacy->rec->request;

	return jsonrpc_is_batch(request) ||
	       jsonrpc_kind(request) == JSONRPC_REQUEST;
}

/* The client's own stream is here: go on behind event `seq` of it. */
static void
route_to_stream(struct client *c, const struct http_head *head,
    struct stream *st, uint64_t seq, struct route *ret)
{
	const struct stream_state *ss = stream_state(st);
	uint64_t owner[2];

	replay_owner_sum(c->w, head, owner);
	if (owner[0] != st->legacy->rec->owner_sum[0] ||
	    owner[1] != st->legacy->rec->owner_sum[1]) {
		if (c->probe_verdict == PROBE_NONE && st->session != NULL) {
			ret->kind = ROUTE_PROBE;
			return;
		}
		if (c->probe_verdict == PROBE_REFUSED)
			return; /* its own 401 or 403 is the best answer */
		if (st->session == NULL) {
			refuse(ret, HTTP_FAULT_FOREIGN_STREAM);
			return;
		}
		memcpy(st->legacy->rec->owner_sum, owner, sizeof(owner));
	}
	ret->stream = st;
	ret->seq = seq + 1;
	if (is_over(st, seq + 1)) {
		refuse(ret, HTTP_FAULT_NOTHING_LEFT);
		return;
	}
	if (seq + 1 < journal_first_seq(&c->w->arena, &ss->answer)) {
		worker_count(c->w, COUNTER_GAPS, 1);
		stream_log(st, LOG_LEVEL_INFO,
		    "its client is back, but events after %" PRIu64
		    " are not kept any more",
		    seq);
		if (ss->role == ROLE_REQUEST && !names_request(st)) {
			refuse(ret, HTTP_FAULT_GAP);
			return;
		}
		/* Nobody waits for a particular event of the others. */
		ret->is_gap = ss->role == ROLE_REQUEST;
	}
	ret->kind = ROUTE_ATTACH;
}

/* An id of ours: its stream here, in another worker, or gone. */
static void
route_minted(struct client *c, const struct http_head *head,
    struct http_slice id, struct route *ret)
{
	struct worker *w = c->w;
	struct stream *st;
	uint32_t slot, owner;
	uint64_t seq;

	if (!parse_minted(w, id, &slot, &seq) ||
	    slot >= w->shm->sizes.streams ||
	    memcmp(w->shm->legacies[slot].token,
		id.p + sizeof(MINTED_PREFIX) - 1, STREAM_TOKEN_LEN) != 0) {
		worker_count(w, COUNTER_GAPS, 1);
		refuse(ret, HTTP_FAULT_GAP);
		return;
	}
	st = w->stream_of[slot];
	owner = atomic_load(&w->shm->stream_owners[slot]);
	if (st == NULL && ret->session == NULL && owner != 0 &&
	    owner_worker(owner) != w->index &&
	    owner_worker(owner) < SHM_WORKERS_MAX && !w->orphaned) {
		ret->kind = ROUTE_ELSEWHERE;
		ret->home = owner_worker(owner);
		return;
	}
	if (st == NULL || !stream_state(st)->resumable ||
	    st->session != ret->session) {
		worker_count(w, COUNTER_GAPS, 1);
		refuse(ret, HTTP_FAULT_GAP);
		return;
	}
	route_to_stream(c, head, st, seq, ret);
}

/* A GET for what the server says by itself, where one is there already. */
static void
route_standalone(struct client *c, const struct http_head *head,
    struct session *s, struct route *ret)
{
	struct stream *st = s->standalone;

	if (st->client != NULL && !session_may_steal(s)) {
		refuse(ret, HTTP_FAULT_STREAM_TAKEN);
		return;
	}
	route_to_stream(c, head, st, stream_first_unacked(st) - 1, ret);
	if (ret->kind == ROUTE_REFUSE && ret->fault == HTTP_FAULT_NOTHING_LEFT)
		ret->kind = ROUTE_RELAY; /* it has ended: a new one */
}

static void
route_get(struct client *c, const struct http_head *head, struct route *ret)
{
	const struct http_field *last =
	    http_head_field(head, HTTP_FIELD_LAST_EVENT_ID);
	struct session *s = ret->session;
	struct stream *st;
	uint64_t seq;

	if (last != NULL && replay_is_minted(last->value)) {
		route_minted(c, head, last->value, ret);
	} else if (last != NULL && s != NULL) {
		st = find_by_id(s, last->value, &seq);
		if (st != NULL)
			route_to_stream(c, head, st, seq, ret);
	} else if (last == NULL && s != NULL && s->standalone != NULL) {
		route_standalone(c, head, s, ret);
	}
}

/*
 * Whether following the route gives the session one connection more.  That of
 * a DELETE doesn't count: nobody else could make room in a full session.
 */
static bool
adds_connection(const struct route *route, const struct http_head *head)
{
	if (route->kind == ROUTE_RELAY)
		return head->method != HTTP_METHOD_DELETE;
	return route->kind == ROUTE_ATTACH && route->stream->client == NULL;
}

/* Whether one more connection would be one too many. */
static bool
is_crowded(const struct session *s)
{
	uint64_t most = s->w->conf->session_max_connections;

	return most != 0 && s->connections >= most;
}

void
replay_route(struct client *c, const struct http_head *head, struct route *ret)
{
	struct http_slice id = http_head_value(head, HTTP_FIELD_MCP_SESSION_ID);
	struct worker *w = c->w;

	memset(ret, 0, sizeof(*ret));
	if (id.p != NULL && id.len > 0) {
		switch (session_find(w, id, &ret->session, &ret->home)) {
		case SESSION_IS_HERE:
			break;
		case SESSION_IS_ELSEWHERE:
			ret->kind = ROUTE_ELSEWHERE;
			return;
		case SESSION_IS_ENDED:
			refuse(ret, HTTP_FAULT_SESSION_ENDED);
			return;
		case SESSION_IS_UNKNOWN:
			ret->session = session_new(w, id, SESSION_ASKED);
			break;
		}
	}
	if (head->method == HTTP_METHOD_GET && wants_events(head))
		route_get(c, head, ret);
	if (ret->session != NULL && adds_connection(ret, head) &&
	    is_crowded(ret->session)) {
		worker_count(w, COUNTER_CONNECTIONS_REFUSED, 1);
		refuse(ret, HTTP_FAULT_CROWDED);
	}
}

/* --- who is it? ---------------------------------------------------------- */

int
replay_probe(struct client *c, const struct http_head *head, struct session *s)
{
	struct stream *st = stream_new_errand(s);

	if (st == NULL)
		return -ENOMEM;
	if (ask_write_ping(st, RECORD_NEXT(st->rec), head) != 0) {
		stream_drop(st, END_MEMORY_SHORT);
		return -ENOMEM;
	}
	RECORD_COMMIT(st->rec);
	st->legacy->prober = c;
	c->probe = st;
	return 0;
}

/* --- attaching ---------------------------------------------------------- */

/* The head of the answer to a client that returned. */
static int
put_head(struct stream *st, struct stream_state *next,
    const struct http_head *head, const struct client_state *cs)
{
	struct worker *w = st->w;
	struct http_slice origin = http_head_value(head, HTTP_FIELD_ORIGIN);
	struct http_out out;

	http_out_init(&out, w->scratch_out, w->scratch_size);
	http_out_status_line(&out, 200, (struct http_slice){ NULL, 0 });
	http_out_field(
	    &out, HTTP_FIELD_CONTENT_TYPE, http_slice_of("text/event-stream"));
	http_out_field(&out, HTTP_FIELD_CACHE_CONTROL,
	    http_slice_of("no-cache, no-transform"));
	http_out_field(&out, HTTP_FIELD_X_ACCEL_BUFFERING, http_slice_of("no"));
	if (st->session != NULL)
		http_out_field(&out, HTTP_FIELD_MCP_SESSION_ID,
		    sessions_id(w->shm, st->session->slot));
	if (next->cors && origin.p != NULL) {
		http_out_text(&out, "Access-Control-Allow-Origin: ");
		http_out_slice(&out, origin);
		http_out_text(&out,
		    "\r\nAccess-Control-Expose-Headers: Mcp-Session-Id\r\n"
		    "Vary: Origin\r\n");
	}
	http_out_framing(&out, next->framing, 0);
	http_out_persistence(
	    &out, cs->keep_alive && next->framing == HTTP_FRAMING_CHUNKED
		      ? HTTP_PERSIST_IMPLIED
		      : HTTP_PERSIST_CLOSE);
	if (http_out_end(&out) != 0)
		return -ENOMEM;
	return journal_put(&w->arena, &stream_legacy(st, next)->prelude,
	    JOURNAL_HEAD, out.p, out.len);
}

/*
 * Prime it again with the id that it has: a client that sees no event with
 * an id on the new connection would forget where it was (PROTOCOL, 4.1).
 */
static int
put_priming(
    struct stream *st, struct stream_state *next, const struct http_head *head)
{
	struct http_slice id = http_head_value(head, HTTP_FIELD_LAST_EVENT_ID);
	struct http_out out;

	if (id.len == 0 || !replay_client_primes(head))
		return 0;
	http_out_init(&out, st->w->scratch_out, st->w->scratch_size);
	http_out_text(&out, "id: ");
	http_out_slice(&out, id);
	http_out_text(&out, "\ndata: \n\n");
	if (out.overflow)
		return 0;
	return journal_put(&st->w->arena, &stream_legacy(st, next)->prelude,
	    JOURNAL_BODY, out.p, out.len);
}

/*
 * Events that the client missed are gone: an error for the request that
 * waits, and the end; a part of the rest would be worse than nothing.
 */
static void
end_with_gap(struct stream *st, struct stream_state *next)
{
	journal_clear(&st->w->arena, &next->answer);
	next->responded = 0;
	stream_write_end(st, next, END_GAP);
}

/* The stream's state with this client on it: 0 or -ENOMEM. */
static int
attach_state(struct stream *st, struct stream_state *next, struct client *c,
    const struct client_state *cs, const struct http_head *head,
    const struct route *route, bool is_gap)
{
	struct legacy_state *ls = stream_legacy(st, next);
	struct journal old = ls->prelude;
	uint64_t first;

	memset(&ls->prelude, 0, sizeof(ls->prelude));
	next->framing =
	    head->minor == 0 ? HTTP_FRAMING_CLOSE : HTTP_FRAMING_CHUNKED;
	if (put_head(st, next, head, cs) != 0 ||
	    put_priming(st, next, head) != 0) {
		journal_clear(&st->w->arena, &ls->prelude);
		return -ENOMEM;
	}
	journal_clear(&st->w->arena, &old);
	next->client_ref = c->slot + 1;
	next->client_generation = c->rec->generation;
	next->request = cs->requests;
	next->rooted = 1;
	next->returned = 1;
	ls->attach_seq = next->answer.next_seq;
	if (is_gap)
		end_with_gap(st, next);
	first = journal_first_seq(&st->w->arena, &next->answer);
	stream_set_start(st, next, cs->wire,
	    MIN(MAX(route->seq, first), next->answer.next_seq));
	ls->unacked_seq = next->wire_seq;
	next->answer.notes = 0;
	return 0;
}

/*
 * What a dead worker wrote is verified before it is sent again (DESIGN, 3.4):
 * where it is damaged, its events are lost.
 */
static bool
is_sound(struct stream *st)
{
	if (!st->legacy->is_sound &&
	    journal_verify(&st->w->arena, &stream_state(st)->answer) != 0) {
		stream_log(st, LOG_LEVEL_ERROR, "its record is damaged");
		return false;
	}
	st->legacy->is_sound = true;
	return true;
}

int
replay_attach(struct client *c, struct client_state *next,
    const struct http_head *head, const struct route *route)
{
	struct stream *st = route->stream;
	struct client *before = st->client;
	bool is_gap = route->is_gap || !is_sound(st);
	struct stream_change change = stream_begin(st);

	if (attach_state(st, change.next, c, next, head, route, is_gap) != 0) {
		stream_cancel(&change);
		return -ENOMEM;
	}
	if (before != NULL)
		legacy_take_request_along(st, change.next);
	stream_commit(&change);
	deadline_cancel(&st->legacy->kept);
	if (before != NULL)
		client_request_over(before, END_TAKEN_OVER);
	st->client = c;
	c->stream = st;
	next->stream_ref = st->slot + 1;
	if (before != NULL) {
		before->stream = NULL;
		worker_count(c->w, COUNTER_TAKEOVERS, 1);
		client_close(before, END_TAKEN_OVER, false);
	}
	if (is_gap && st->upstream != NULL)
		upstream_release(st->upstream, false);
	stream_rewind(st);
	stream_recount(st);
	client_bound_queue(c, st->w->conf->journal_stream_limit / 2);
	deadline_set(&st->legacy->quiet, &st->w->stream_quiet);
	worker_count(c->w, COUNTER_REPLAYS, 1);
	stream_log(st, LOG_LEVEL_INFO,
	    "its client is back, from event %" PRIu64, route->seq);
	return 0;
}
