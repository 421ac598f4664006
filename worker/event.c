/*
 * event.c - what one whole event says.
 */
#include "config.h"

#include <string.h>

#include "common/hash.h"
#include "common/sse.h"
#include "worker/event.h"

uint32_t
event_id_sum(struct http_slice id)
{
	return hash_bytes32(id.p, id.len, 0);
}

/* A piece of an id; a value that is too long is not kept. */
static void
take_id(struct event *e, const struct sse_step *step, bool *ret_fits)
{
	if (step->piece & SSE_FIRST) {
		e->id_len = 0;
		*ret_fits = true;
	}
	if (step->len > EVENT_ID_MAX - e->id_len)
		*ret_fits = false;
	if (*ret_fits) {
		memcpy(e->id + e->id_len, step->text, step->len);
		e->id_len += (uint32_t)step->len;
	}
	if (!(step->piece & SSE_LAST) || step->piece & SSE_VOID)
		return;
	e->has_id = *ret_fits && e->id_len > 0;
	e->resets = *ret_fits && e->id_len == 0;
}

static void
scan(struct event *e, const char *p, size_t len)
{
	bool message;
	size_t used;

	while (len > 0 && !e->has_message) {
		used = jsonrpc_next(&e->message, p, len, &message);
		e->has_message = message;
		p += used;
		len -= used;
	}
}

static void
take_data(struct event *e, const struct sse_step *step)
{
	e->has_data = true;
	if (step->piece & SSE_LF_BEFORE)
		scan(e, "\n", 1);
	if (step->len == 0)
		return;
	e->is_empty = false;
	scan(e, step->text, step->len);
}

void
event_read(struct journal_view view, struct event *ret)
{
	uint32_t left = view.record.len, len;
	struct sse_step step;
	struct sse sse;
	const char *p;
	bool id_fits = false;
	size_t used;

	memset(ret, 0, offsetof(struct event, id));
	ret->has_message = false;
	ret->is_empty = true;
	jsonrpc_init(&ret->message);
	sse_init(&sse);
	while ((p = journal_piece(&view, &left, &len)) != NULL) {
		for (; len > 0; p += used, len -= (uint32_t)used) {
			used = sse_next(&sse, p, len, &step);
			if (step.token == SSE_ID)
				take_id(ret, &step, &id_fits);
			else if (step.token == SSE_DATA)
				take_data(ret, &step);
		}
	}
	if (ret->has_id)
		ret->id_sum =
		    event_id_sum((struct http_slice){ ret->id, ret->id_len });
}
