/*
 * event.c - what one whole event says.
 */
#include "config.h"

#include <string.h>

#include "common/hash.h"
#include "common/sc.h"
#include "common/scan.h"
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
scan(struct event *e, enum event_depth depth, const char *p, size_t len)
{
	bool message;
	size_t used;

	if (!e->has_begun) {
		e->has_begun = true;
		e->is_notice = depth == EVENT_RESPONSE &&
			       jsonrpc_begins_with_method(p, len);
		if (!e->is_notice)
			jsonrpc_init(&e->message);
	}
	if (e->is_notice)
		return;
	while (len > 0 && !e->has_message) {
		used =
		    depth == EVENT_MESSAGE
			? jsonrpc_next(&e->message, p, len, &message)
			: jsonrpc_next_response(&e->message, p, len, &message);
		e->has_message = message;
		p += used;
		len -= used;
	}
}

static void
take_data(struct event *e, enum event_depth depth, const struct sse_step *step)
{
	e->has_data = true;
	e->is_empty = e->is_empty && step->len == 0;
	if (depth == EVENT_ID)
		return;
	if (step->piece & SSE_LF_BEFORE)
		scan(e, depth, "\n", 1);
	scan(e, depth, step->text, step->len);
}

static void
begin(struct event *e, struct value *id)
{
	memset(e, 0, offsetof(struct event, id));
	e->has_message = false;
	e->has_begun = false;
	e->is_empty = true;
	id->len = 0;
	id->fits = false;
}

static void
finish(struct event *e)
{
	if (e->has_id)
		e->id_sum =
		    event_id_sum((struct http_slice){ e->id, e->id_len });
}

void
event_read(struct journal_view view, enum event_depth depth, struct event *ret)
{
	uint32_t left = view.record.len, len;
	struct sse_step step;
	struct value id;
	struct sse sse;
	const char *p;
	size_t used;

	begin(ret, &id);
	sse_init_at_block(&sse);
	while ((p = journal_piece(&view, &left, &len)) != NULL) {
		for (; len > 0; p += used, len -= (uint32_t)used) {
			used = sse_next(&sse, p, len, &step);
			if (step.token == SSE_ID)
				take_id(ret, &step, &id);
			else if (step.token == SSE_DATA)
				take_data(ret, depth, &step);
		}
	}
	finish(ret);
}

/* --- whole events ----------------------------------------------------------
 */

/* Whether a line is a field of this name; its value is the step's text. */
static inline bool
is_field(const char *line, size_t len, const char *name, size_t name_len,
    struct sse_step *ret)
{
	if (len < name_len || memcmp(line, name, name_len) != 0)
		return false;
	if (len > name_len && line[name_len] != ':')
		return false;
	ret->text = line + MIN(len, name_len + 1);
	ret->len = len - (size_t)(ret->text - line);
	if (ret->len > 0 && *ret->text == ' ') {
		ret->text++;
		ret->len--;
	}
	ret->piece = SSE_FIRST | SSE_LAST;
	return true;
}

/* A line that is not blank; false where the parser is wanted. */
static bool
take_line(struct event *e, enum event_depth depth, struct value *id,
    const char *line, size_t len)
{
	struct sse_step step;

	if (is_field(line, len, "data", 4, &step)) {
		if (e->has_data)
			step.piece |= SSE_LF_BEFORE;
		take_data(e, depth, &step);
	} else if (is_field(line, len, "id", 2, &step)) {
		if (memchr(step.text, '\0', step.len) != NULL)
			step.piece |= SSE_VOID;
		take_id(e, &step, id);
	} else if (is_field(line, len, "retry", 5, &step)) {
		return false;
	}
	return true;
}

size_t
event_read_whole(
    const char *p, size_t len, enum event_depth depth, struct event *ret)
{
	const char *line = p, *end = p + len, *stop;
	struct value id;

	if (len == 0 || *p == ':' || *p == '\n')
		return 0;
	begin(ret, &id);
	for (;; line = stop + 1) {
		stop =
		    line + scan_either(line, (size_t)(end - line), '\n', '\r');
		if (stop == end || *stop != '\n')
			return 0;
		if (stop == line)
			break;
		if (!take_line(ret, depth, &id, line, (size_t)(stop - line)))
			return 0;
	}
	finish(ret);
	return (size_t)(stop + 1 - p);
}
