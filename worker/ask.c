/*
 * ask.c - requests of our own.
 */
#include "config.h"

#include <errno.h>

#include "common/http_write.h"
#include "common/sessions.h"
#include "worker/ask.h"
#include "worker/event.h"
#include "worker/session.h"

static void
out_line(struct http_out *out, const struct worker *w, const char *method)
{
	http_out_request_line(out, method, http_slice_of(w->endpoint));
	http_out_field(out, HTTP_FIELD_HOST, http_slice_of(w->upstream_host));
}

/* The fields that all of them have. */
static void
out_fields(struct http_out *out, const struct session *s)
{
	http_out_field(out, HTTP_FIELD_ACCEPT,
	    http_slice_of("application/json, text/event-stream"));
	http_out_field(
	    out, HTTP_FIELD_ACCEPT_ENCODING, http_slice_of("identity"));
	http_out_field(
	    out, HTTP_FIELD_MCP_SESSION_ID, sessions_id(s->w->shm, s->slot));
}

/* It is to be sent as it stands. */
static int
put(struct stream *st, struct stream_state *next, const struct http_out *out)
{
	struct legacy_state *ls = stream_legacy(st, next);
	struct arena *a = &st->w->arena;

	if (out->overflow)
		return -ENOMEM;
	journal_clear(a, &ls->ask);
	if (journal_put(a, &ls->ask, JOURNAL_HEAD, out->p, out->len) != 0)
		return -ENOMEM;
	next->asks = 1;
	ls->ask_wire = 0;
	next->ask_framing = HTTP_FRAMING_NONE;
	return 0;
}

int
ask_write(struct stream *st, struct stream_state *next, const char *method,
    const struct event *after)
{
	struct session *s = st->session;
	struct worker *w = s->w;
	size_t half = w->scratch_size / 2;
	size_t len = chain_peek(
	    &w->arena, &RECORD_STATE(s->rec)->saved, w->scratch_own, half);
	struct http_out out;

	http_out_init(&out, w->scratch_own + half, half);
	out_line(&out, w, method);
	http_out_bytes(&out, w->scratch_own, len);
	out_fields(&out, s);
	if (after != NULL && after->has_id)
		http_out_field(&out, HTTP_FIELD_LAST_EVENT_ID,
		    (struct http_slice){ after->id, after->id_len });
	return http_out_end(&out) != 0 ? -ENOMEM : put(st, next, &out);
}

int
ask_write_ping(struct stream *st, struct stream_state *next,
    const struct http_head *request)
{
	static const char ping[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":\"sc1\",\"method\":\"ping\"}";
	struct worker *w = st->w;
	struct http_out out;

	http_out_init(&out, w->scratch_own, w->scratch_size);
	out_line(&out, w, "POST");
	session_write_fields(&out, request);
	out_fields(&out, st->session);
	http_out_field(
	    &out, HTTP_FIELD_CONTENT_TYPE, http_slice_of("application/json"));
	http_out_framing(&out, HTTP_FRAMING_LENGTH, sizeof(ping) - 1);
	if (http_out_end(&out) != 0)
		return -ENOMEM;
	http_out_bytes(&out, ping, sizeof(ping) - 1);
	return put(st, next, &out);
}
