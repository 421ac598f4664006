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

/* The value of an id line, until it is known whether it counts. */
struct value {
	char text[EVENT_ID_MAX];
	uint32_t len;
	bool fits;
};

/*
 * A piece of an id.  Of several lines the last one counts that has no NUL
 * (WHATWG HTML 9.2.6); a value that is too long is not kept.
 */
static void
take_id(struct event *e, const struct sse_step *step, struct value *v)
{
	if (step->piece & SSE_FIRST) {
		v->len = 0;
		v->fits = true;
	}
	v->fits = v->fits && step->len <= EVENT_ID_MAX - v->len;
	if (v->fits) {
		memcpy(v->text + v->len, step->text, step->len);
		v->len += (uint32_t)step->len;
	}
	if (!(step->piece & SSE_LAST) || step->piece & SSE_VOID)
		return;
	e->has_id = v->fits && v->len > 0;
	e->resets = v->fits && v->len == 0;
	e->id_len = v->fits ? v->len : 0;
	memcpy(e->id, v->text, e->id_len);
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
	struct value id;
	struct sse sse;
	const char *p;
	size_t used;

	memset(ret, 0, offsetof(struct event, id));
	ret->has_message = false;
	ret->is_empty = true;
	jsonrpc_init(&ret->message);
	sse_init(&sse);
	id.len = 0;
	id.fits = false;
	while ((p = journal_piece(&view, &left, &len)) != NULL) {
		for (; len > 0; p += used, len -= (uint32_t)used) {
			used = sse_next(&sse, p, len, &step);
			if (step.token == SSE_ID)
				take_id(ret, &step, &id);
			else if (step.token == SSE_DATA)
				take_data(ret, &step);
		}
	}
	if (ret->has_id)
		ret->id_sum =
		    event_id_sum((struct http_slice){ ret->id, ret->id_len });
}
