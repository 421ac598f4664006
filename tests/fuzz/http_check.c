/*
 * http_check.c - promises about heads.
 */
#include "config.h"

#include <http_parser.h>
#include <stdlib.h>

#include "tests/fuzz/http_check.h"

static int
scan(enum http_side side, const char *buf, size_t len, struct http_head *ret)
{
	return side == HTTP_SIDE_REQUEST ? http_head_scan_request(buf, len,
					       HTTP_CHECK_MAX_HEADER, ret)
					 : http_head_scan_answer(buf, len,
					       HTTP_CHECK_MAX_HEADER, ret);
}

/* Find the end in pieces, each in a copy of its exact size, and scan that. */
static int
scan_pieces(enum http_side side, const char *buf, size_t len, size_t step)
{
	struct http_scan state = { 0 };
	struct http_head head;
	size_t have = 0;
	int n = 0;

	while (n == 0 && have < len) {
		char *copy;

		have = MIN(have + step, len);
		copy = malloc(have);
		sc_assert(copy != NULL);
		memcpy(copy, buf, have);
		n = http_head_find_end(
		    &state, side, copy, have, HTTP_CHECK_MAX_HEADER);
		if (n > 0)
			n = scan(side, copy, (size_t)n, &head);
		free(copy);
	}
	return n;
}

int
http_check_scan(
    enum http_side side, const char *buf, size_t len, struct http_head *ret)
{
	const size_t steps[] = { 1, 7, 64, len };
	struct http_head head;
	int whole = scan(side, buf, len, ret);

	for (size_t i = 0; i < ARRAY_LEN(steps) && len > 0; i++) {
		int n = scan_pieces(side, buf, len, steps[i]);

		/* A fault of fields shows when the head is complete. */
		if (whole < 0)
			sc_assert(n <= 0);
		else
			sc_assert(n == whole);
	}
	for (int cut = 0; cut < whole; cut += 1 + whole / 16)
		sc_assert(scan(side, buf, (size_t)cut, &head) == 0);
	if (whole > 0) {
		sc_assert(scan(side, buf, (size_t)whole, &head) == whole);
		sc_assert(scan(side, buf, (size_t)whole - 1, &head) == 0);
	}
	return whole;
}

void
http_check_bytes(const struct http_head *head)
{
	const char *p = head->raw.p, *end = p + head->raw.len;

	sc_assert(head->raw.len <= HTTP_CHECK_MAX_HEADER);
	sc_assert(memcmp(end - 4, "\r\n\r\n", 4) == 0);
	for (; p < end; p++) {
		bool cr = *p == '\r', lf = *p == '\n';

		sc_assert(*p != '\0');
		sc_assert(!cr || (p + 1 < end && p[1] == '\n'));
		sc_assert(!lf || (p > head->raw.p && p[-1] == '\r'));
		sc_assert(!lf || p + 1 == end || (p[1] != ' ' && p[1] != '\t'));
	}
	for (uint32_t i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		sc_assert(field->name.len > 0);
		sc_assert(field->name.p[field->name.len] == ':');
		sc_assert(
		    memchr(field->value.p, '\n', field->value.len) == NULL);
		sc_assert(field->id == http_field_lookup(field->name));
	}
}

/* Stop at the end of the head: the digest is complete. */
static int
on_headers_complete(http_parser *parser)
{
	*(bool *)parser->data = true;
	http_parser_pause(parser, 1);
	return 0;
}

/*
 * http-parser takes every name that begins with Transfer-Encoding for that,
 * and forgets what the field itself said.
 */
static bool
is_misread(const struct http_head *head)
{
	struct http_slice known = http_field_name(HTTP_FIELD_TRANSFER_ENCODING);

	for (uint32_t i = 0; i < head->field_count; i++) {
		struct http_slice name = head->fields[i].name;

		if (name.len <= known.len)
			continue;
		name.len = known.len;
		if (http_slice_equals_nocase(name, known))
			return true;
	}
	return false;
}

void
http_check_parser(const struct http_head *head)
{
	http_parser_settings settings;
	http_parser parser;
	bool complete = false;
	size_t n;

	if (is_misread(head))
		return;
	http_parser_settings_init(&settings);
	settings.on_headers_complete = on_headers_complete;
	http_parser_init(&parser,
	    head->side == HTTP_SIDE_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE);
	parser.data = &complete;
	n = http_parser_execute(&parser, &settings, head->raw.p, head->raw.len);
	if (!complete)
		return;
	sc_assert(n + 1 >= head->raw.len);
	sc_assert(((parser.flags & F_CHUNKED) != 0) == head->chunked);
	sc_assert(parser.content_length ==
		  (head->content_length < 0 ? UINT64_MAX
					    : (uint64_t)head->content_length));
	sc_assert(parser.http_minor == head->minor);
	sc_assert(head->side == HTTP_SIDE_REQUEST ||
		  parser.status_code == head->status);
}

static bool
is_added(enum http_field_id id, const enum http_field_id *added)
{
	for (; *added != HTTP_FIELD_OTHER; added++) {
		if (*added == id)
			return true;
	}
	return false;
}

void
http_check_fields(const struct http_head *old, const struct http_head *anew,
    unsigned drop_flags, const enum http_field_id *added)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < old->field_count; i++) {
		const struct http_field *field = &old->fields[i];

		if (field->nominated ||
		    (http_field_flags(field->id) & drop_flags))
			continue;
		while (at < anew->field_count &&
		       !http_slice_equals(anew->fields[at].name, field->name)) {
			sc_assert(is_added(anew->fields[at].id, added));
			at++;
		}
		sc_assert(at < anew->field_count);
		sc_assert(
		    http_slice_equals(anew->fields[at].value, field->value));
		at++;
	}
	for (; at < anew->field_count; at++)
		sc_assert(is_added(anew->fields[at].id, added));
}
