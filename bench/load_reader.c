/*
 * load_reader.c - reads an answer, however it is cut, and checks each event.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load_net.h"
#include "bench/load_reader.h"

/* What of a line is looked at. */
#define LINE_HEAD 128

void
load_reader_begin(
    struct load_reader *r, uint32_t events, uint32_t size, const char *body)
{
	memset(r, 0, offsetof(struct load_reader, text));
	(void)snprintf(r->body, sizeof(r->body), "%s", body);
	r->state = LOAD_HEAD;
	r->events = events;
	r->size = size;
}

/* --- lines of the event stream ------------------------------------------ */

static uint64_t
hex(const char *p, int digits)
{
	uint64_t n = 0;

	while (digits-- > 0) {
		n = n << 4 |
		    (uint64_t)(*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
		p++;
	}
	return n;
}

/* A line of data: `head` has its first bytes, len is all of it. */
static const char *
take_data(struct load_reader *r, const char *head, size_t len)
{
	bool is_last = r->seq + 1 == r->events;
	const char *begin = is_last ? LOAD_RESPONSE : LOAD_NOTE;
	size_t n = is_last ? strlen(LOAD_RESPONSE) : strlen(LOAD_NOTE);

	if (len + 2 != r->size || memcmp(head, begin, n) != 0)
		return "not the event that was due";
	if (r->has_data)
		return "two lines of data in one event";
	if (hex(head + n, LOAD_SEQ_LEN) != r->seq + 1)
		return "an event was lost or doubled";
	n += LOAD_SEQ_LEN + strlen(LOAD_AT);
	r->at = hex(head + n, LOAD_AT_LEN);
	r->has_data = true;
	return NULL;
}

static const char *
take_line(struct load_reader *r, const char *head, size_t len,
    void (*on_event)(void *, uint64_t), void *context)
{
	if (len > 5 && memcmp(head, "data:", 5) == 0)
		return len > 6 ? take_data(r, head, len) : NULL;
	if (len > 0)
		return *head == ':' || memcmp(head, "id:", 3) == 0
			   ? NULL
			   : "a line that nobody sent";
	if (r->has_data) {
		r->has_data = false;
		r->seq++;
		on_event(context, r->at);
	}
	return NULL;
}

static const char *
take_text(struct load_reader *r, const char *p, size_t len,
    void (*on_event)(void *, uint64_t), void *context)
{
	const char *end, *why = NULL, *head;
	size_t n, part;

	while (len > 0 && why == NULL) {
		end = memchr(p, '\n', len);
		n = end == NULL ? len : (size_t)(end - p);
		head = p;
		if (end == NULL || r->line_len > 0) {
			part = r->held >= LINE_HEAD ? 0 : LINE_HEAD - r->held;
			part = n < part ? n : part;
			memcpy(r->text + r->held, p, part);
			r->held += part;
			head = r->text;
		}
		r->line_len += n;
		if (end == NULL)
			return NULL;
		why = take_line(r, head, r->line_len, on_event, context);
		r->line_len = r->held = 0;
		p += n + 1;
		len -= n + 1;
	}
	return why;
}

/* --- the answer --------------------------------------------------------- */

/* The head is in text[], with a NUL: what body follows. */
static const char *
take_head(struct load_reader *r)
{
	const char *length = strcasestr(r->text, "\r\nContent-Length:");

	if (strncmp(r->text, "HTTP/1.1 200 ", 13) != 0)
		return "not status 200";
	if (strcasestr(r->text, "\r\nTransfer-Encoding: chunked") != NULL) {
		r->state = LOAD_CHUNK_HEAD;
	} else if (length != NULL) {
		r->state = LOAD_BODY;
		r->left = strtoull(length + 17, NULL, 10);
		if (r->left != r->size)
			return "a body of another size";
	} else {
		return "neither a length nor chunks";
	}
	r->held = 0;
	return NULL;
}

/* Gather bytes up to and with `end`; 0 where it is not there yet. */
static size_t
gather(struct load_reader *r, const char *p, size_t len, const char *end)
{
	size_t i;

	for (i = 0; i < len && r->held < sizeof(r->text) - 1; i++) {
		r->text[r->held++] = p[i];
		if (r->held >= strlen(end) &&
		    memcmp(r->text + r->held - strlen(end), end, strlen(end)) ==
			0) {
			r->text[r->held] = '\0';
			return i + 1;
		}
	}
	return 0;
}

/* A chunk's line: it is gathered apart from lines of events. */
static size_t
take_chunk_head(struct load_reader *r, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i] == '\n') {
			r->state = r->left == 0 ? LOAD_TRAILER : LOAD_CHUNK;
			r->left += 2;
			return i + 1;
		}
		if (p[i] != '\r')
			r->left = r->left << 4 | hex(&p[i], 1);
	}
	return len;
}

static const char *
finish(struct load_reader *r)
{
	r->state = LOAD_DONE;
	return r->seq == r->events ? NULL : "the end came before the events";
}

/* Whether bytes of a JSON body are what it was to begin with. */
static bool
is_expected(const struct load_reader *r, const char *p, size_t len)
{
	size_t at = r->size - r->left, want = strlen(r->body);

	if (at >= want)
		return true;
	len = len < want - at ? len : want - at;
	return memcmp(p, r->body + at, len) == 0;
}

/* Bytes in a state that only counts them; returns how many were taken. */
static size_t
skip(struct load_reader *r, size_t len)
{
	size_t n = len < r->left ? len : r->left;

	r->left -= n;
	return n;
}

static size_t
take_chunk(struct load_reader *r, const char *p, size_t len,
    void (*on_event)(void *, uint64_t), void *context, const char **why)
{
	size_t payload = r->left > 2 ? r->left - 2 : 0;
	size_t n = skip(r, len);

	*why = take_text(r, p, n < payload ? n : payload, on_event, context);
	if (r->left == 0)
		r->state = LOAD_CHUNK_HEAD;
	return n;
}

const char *
load_reader_feed(struct load_reader *r, const char *p, size_t len,
    void (*on_event)(void *, uint64_t), void *context)
{
	const char *why = NULL;
	size_t n = 0;

	for (; len > 0 && why == NULL; p += n, len -= n) {
		switch (r->state) {
		case LOAD_HEAD:
			n = gather(r, p, len, "\r\n\r\n");
			if (n == 0)
				return r->held < sizeof(r->text) - 1
					   ? NULL
					   : "a head that is too long";
			why = take_head(r);
			break;
		case LOAD_BODY:
			if (!is_expected(r, p, len < r->left ? len : r->left))
				why = "the answer to another request";
			n = skip(r, len);
			break;
		case LOAD_CHUNK_HEAD:
			n = take_chunk_head(r, p, len);
			break;
		case LOAD_CHUNK:
			n = take_chunk(r, p, len, on_event, context, &why);
			break;
		case LOAD_TRAILER:
			n = skip(r, len);
			break;
		case LOAD_DONE:
			return "bytes after the end";
		}
		if (why == NULL && r->left == 0 &&
		    (r->state == LOAD_BODY || r->state == LOAD_TRAILER))
			why = finish(r);
	}
	return why;
}
