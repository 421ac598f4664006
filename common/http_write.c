/*
 * http_write.c - heads from what was read, and answers of our own.
 */
#include "config.h"

#include <errno.h>

#include "common/http_write.h"

static const struct http_slice none;

/* --- pieces ------------------------------------------------------------ */

void
http_out_init(struct http_out *out, char *p, size_t cap)
{
	*out = (struct http_out){ .p = p, .cap = cap };
}

void
http_out_number(struct http_out *out, uint64_t number)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	http_out_bytes(out, p, (size_t)(digits + sizeof(digits) - p));
}

void
http_out_request_line(
    struct http_out *out, const char *method, struct http_slice target)
{
	http_out_text(out, method);
	http_out_text(out, " ");
	http_out_slice(out, target);
	http_out_text(out, " HTTP/1.1\r\n");
}

void
http_out_status_line(
    struct http_out *out, unsigned status, struct http_slice reason)
{
	if (reason.p == NULL)
		reason = http_slice_of(http_status_reason(status));
	http_out_text(out, "HTTP/1.1 ");
	http_out_number(out, status);
	http_out_text(out, " ");
	http_out_slice(out, reason);
	http_out_text(out, "\r\n");
}

void
http_out_field(
    struct http_out *out, enum http_field_id id, struct http_slice value)
{
	http_out_slice(out, http_field_name(id));
	http_out_text(out, ": ");
	http_out_slice(out, value);
	http_out_text(out, "\r\n");
}

/* The field, unless the value is empty. */
static void
out_field_if(
    struct http_out *out, enum http_field_id id, struct http_slice value)
{
	if (value.len > 0)
		http_out_field(out, id, value);
}

void
http_out_framing(
    struct http_out *out, enum http_framing framing, uint64_t length)
{
	switch (framing) {
	case HTTP_FRAMING_NONE:
	case HTTP_FRAMING_CLOSE:
		break;
	case HTTP_FRAMING_LENGTH:
		http_out_text(out, "Content-Length: ");
		http_out_number(out, length);
		http_out_text(out, "\r\n");
		break;
	case HTTP_FRAMING_CHUNKED:
		http_out_text(out, "Transfer-Encoding: chunked\r\n");
		break;
	}
}

void
http_out_persistence(struct http_out *out, enum http_persistence persistence)
{
	switch (persistence) {
	case HTTP_PERSIST_IMPLIED:
		break;
	case HTTP_PERSIST_CLOSE:
		http_out_text(out, "Connection: close\r\n");
		break;
	case HTTP_PERSIST_KEEP:
		http_out_text(out, "Connection: keep-alive\r\n");
		break;
	}
}

int
http_out_end(struct http_out *out)
{
	http_out_text(out, "\r\n");
	return out->overflow ? -ENOSPC : 0;
}

/* --- fields that pass -------------------------------------------------- */

/* Where the line of field i ends: where the next one starts. */
static const char *
line_end(const struct http_head *head, uint32_t i)
{
	if (i + 1 < head->field_count)
		return head->fields[i + 1].name.p;
	return head->raw.p + head->raw.len - 2; /* the empty line */
}

/* Lines that pass come in runs: one copy a run. */
static void
out_passing_fields(struct http_out *out, const struct http_head *head,
    unsigned drop_flags, enum http_field_id drop_id)
{
	struct http_slice run = { 0 };

	for (uint32_t i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		if (field->nominated ||
		    (field->id != HTTP_FIELD_OTHER &&
			(field->id == drop_id ||
			    (http_field_flags(field->id) & drop_flags)))) {
			http_out_slice(out, run);
			run = none;
			continue;
		}
		if (run.p == NULL)
			run.p = field->name.p;
		run.len = (uint32_t)(line_end(head, i) - run.p);
	}
	http_out_slice(out, run);
}

/* --- requests ---------------------------------------------------------- */

/* The request line in origin-form (RFC 9112 3.2.1), or "*". */
static void
out_request_line(struct http_out *out, const struct http_head *request)
{
	http_out_slice(out, request->method_name);
	http_out_text(out, " ");
	http_out_slice(out, request->path);
	http_out_slice(out, request->query);
	http_out_text(out, " HTTP/1.1\r\n");
}

/* X-Forwarded-For: what the client sent, in order, and the client. */
static void
out_forwarded_for(struct http_out *out, const struct http_head *request,
    struct http_slice client_address)
{
	uint32_t i = request->first[HTTP_FIELD_X_FORWARDED_FOR];

	http_out_text(out, "X-Forwarded-For: ");
	for (i = i == 0 ? request->field_count : i - 1;
	     i < request->field_count; i++) {
		const struct http_field *field = &request->fields[i];

		if (field->id != HTTP_FIELD_X_FORWARDED_FOR ||
		    field->nominated || field->value.len == 0)
			continue;
		http_out_slice(out, field->value);
		http_out_text(out, ", ");
	}
	http_out_slice(out, client_address);
	http_out_text(out, "\r\n");
}

int
http_request_write(struct http_out *out, const struct http_head *request,
    const struct http_request_rewrite *how)
{
	sc_assert(request->side == HTTP_SIDE_REQUEST && request->path.len > 0);
	out_request_line(out, request);
	http_out_field(out, HTTP_FIELD_HOST, how->host);
	out_passing_fields(out, request,
	    HTTP_FIELD_HOP | HTTP_FIELD_DROP_REQUEST,
	    how->drop_last_event_id ? HTTP_FIELD_LAST_EVENT_ID
				    : HTTP_FIELD_OTHER);
	out_forwarded_for(out, request, how->client_address);
	http_out_field(out, HTTP_FIELD_X_FORWARDED_PROTO, how->proto);
	out_field_if(out, HTTP_FIELD_X_FORWARDED_HOST, request->host);
	http_out_text(out, "Accept-Encoding: identity\r\n");
	http_out_framing(out, how->framing, how->content_length);
	return http_out_end(out);
}

/* --- answers ----------------------------------------------------------- */

/* Has the answer for the client no such field? */
static bool
lacks(const struct http_head *answer, enum http_field_id id)
{
	const struct http_field *field = http_head_field(answer, id);

	return field == NULL || field->nominated;
}

/* What tells the proxies on the way not to hold an event stream back. */
static void
out_unbuffered(struct http_out *out, const struct http_head *answer)
{
	if (lacks(answer, HTTP_FIELD_CACHE_CONTROL))
		http_out_text(out, "Cache-Control: no-cache, no-transform\r\n");
	if (lacks(answer, HTTP_FIELD_X_ACCEL_BUFFERING))
		http_out_text(out, "X-Accel-Buffering: no\r\n");
}

int
http_answer_write(struct http_out *out, const struct http_head *answer,
    const struct http_answer_rewrite *how)
{
	sc_assert(answer->side == HTTP_SIDE_ANSWER && answer->reason.p != NULL);
	http_out_status_line(out, answer->status, answer->reason);
	out_passing_fields(out, answer, HTTP_FIELD_HOP | HTTP_FIELD_DROP_ANSWER,
	    HTTP_FIELD_OTHER);
	if (how->event_stream)
		out_unbuffered(out, answer);
	http_out_framing(out, how->framing, how->content_length);
	http_out_persistence(out, how->framing == HTTP_FRAMING_CLOSE
				      ? HTTP_PERSIST_CLOSE
				      : how->persistence);
	return http_out_end(out);
}

/* May an answer with this status have a body (RFC 9110 15)? */
static bool
status_has_body(unsigned status)
{
	return status >= 200 && status != 204 && status != 304;
}

/* Content-Type and the body's length. */
static void
out_body_fields(struct http_out *out, struct http_slice body)
{
	if (body.len > 0)
		http_out_text(out, "Content-Type: application/json\r\n");
	http_out_framing(out, HTTP_FRAMING_LENGTH, body.len);
}

int
http_error_write(struct http_out *out, const struct http_error *error)
{
	bool has_body = status_has_body(error->status);
	int rc;

	http_out_status_line(out, error->status, none);
	out_field_if(out, HTTP_FIELD_DATE, error->date);
	if (has_body)
		out_body_fields(out, error->body);
	out_field_if(out, HTTP_FIELD_ALLOW, error->allow);
	if (error->retry_after_s >= 0) {
		http_out_text(out, "Retry-After: ");
		http_out_number(out, (uint64_t)error->retry_after_s);
		http_out_text(out, "\r\n");
	}
	http_out_persistence(out, error->persistence);
	rc = http_out_end(out);
	if (rc < 0 || !has_body || error->without_body)
		return rc;
	http_out_slice(out, error->body);
	return out->overflow ? -ENOSPC : 0;
}
