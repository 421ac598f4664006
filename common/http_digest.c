/*
 * http_digest.c - framing, connection, host and expectation of a head.
 */
#include "config.h"

#include "common/http_digest.h"
#include "common/http_origin.h"

#define FAULT(id) (-(int)HTTP_FAULT_##id)

/*
 * Is there a tab behind the value?  It would be white space, but there are
 * parsers, http-parser among them, that read "chunked" and a tab as another
 * coding: whoever sends it wants to be read in two ways.
 */
static bool
tab_follows(struct http_slice value)
{
	const char *p = value.p + value.len;

	while (*p == ' ')
		p++;
	return *p == '\t';
}

/* RFC 9112 6.1 to 6.3, with an error wherever there is a choice. */
static int
read_framing(struct http_head *ret)
{
	static const struct http_slice chunked = HTTP_SLICE("chunked");
	struct http_slice length, coding, first;

	length = http_head_value(ret, HTTP_FIELD_CONTENT_LENGTH);
	coding = http_head_value(ret, HTTP_FIELD_TRANSFER_ENCODING);
	if (length.p != NULL &&
	    (tab_follows(length) ||
		http_number_parse(length, &ret->content_length) < 0))
		return FAULT(CONTENT_LENGTH);
	if (coding.p == NULL)
		return 0;
	if (length.p != NULL)
		return FAULT(LENGTH_AND_CHUNKED);
	if (ret->minor == 0)
		return FAULT(CHUNKED_ON_1_0);
	ret->chunked =
	    http_slice_equals_nocase(coding, chunked) && !tab_follows(coding);
	if (ret->chunked)
		return 0;
	if (!http_list_next(&coding, &first) ||
	    http_slice_equals_nocase(first, chunked))
		return FAULT(TRANSFER_ENCODING);
	return FAULT(TRANSFER_CODING);
}

/* Mark the fields of this name: they concern this connection alone. */
static int
nominate(struct http_head *ret, struct http_slice name)
{
	enum http_field_id id = http_field_lookup(name);
	unsigned flags = http_field_flags(id);

	if (flags & HTTP_FIELD_END_TO_END)
		return FAULT(NOMINATED);
	if (flags & HTTP_FIELD_HOP)
		return 0; /* goes anyway */
	for (uint32_t i = 0; i < ret->field_count; i++) {
		struct http_field *field = &ret->fields[i];

		if (field->id == id &&
		    http_slice_equals_nocase(field->name, name))
			field->nominated = true;
	}
	return 0;
}

/* One name of a Connection field. */
static int
read_connection_option(struct http_head *ret, struct http_slice option,
    bool *ret_close, bool *ret_keep)
{
	static const struct http_slice close = HTTP_SLICE("close");
	static const struct http_slice keep = HTTP_SLICE("keep-alive");

	if (http_slice_equals_nocase(option, close))
		*ret_close = true;
	else if (http_slice_equals_nocase(option, keep))
		*ret_keep = true;
	else
		return nominate(ret, option);
	return 0;
}

/* RFC 9110 7.6.1 and RFC 9112 9.3. */
static int
read_connection(struct http_head *ret)
{
	uint32_t i = ret->first[HTTP_FIELD_CONNECTION];
	bool close = false, keep = false;
	int options = 0;

	for (i = i == 0 ? ret->field_count : i - 1; i < ret->field_count; i++) {
		struct http_slice list = ret->fields[i].value, option;

		if (ret->fields[i].id != HTTP_FIELD_CONNECTION)
			continue;
		while (http_list_next(&list, &option)) {
			int rc;

			if (++options > HTTP_CONNECTION_OPTIONS_MAX)
				return FAULT(TOO_MANY_OPTIONS);
			rc = read_connection_option(ret, option, &close, &keep);
			if (rc != 0)
				return rc;
		}
	}
	ret->keep_alive = !close && (keep || ret->minor == 1);
	return 0;
}

/* RFC 9112 3.2: exactly one Host, but for HTTP/1.0. */
static int
read_host(struct http_head *ret)
{
	struct http_slice host = http_head_value(ret, HTTP_FIELD_HOST), name;
	int port;

	if (host.p == NULL)
		return ret->minor == 0 ? 0 : FAULT(HOST_MISSING);
	if (http_authority_parse(host, &name, &port) < 0)
		return FAULT(HOST);
	if (ret->host.p == NULL)
		ret->host = host;
	return 0;
}

/* RFC 9110 10.1.1: 100-continue, which HTTP/1.0 doesn't know. */
static int
read_expect(struct http_head *ret)
{
	static const struct http_slice known = HTTP_SLICE("100-continue");
	struct http_slice expect = http_head_value(ret, HTTP_FIELD_EXPECT);

	if (expect.p == NULL)
		return 0;
	if (!http_slice_equals_nocase(expect, known))
		return FAULT(EXPECT);
	ret->expect_continue = ret->minor == 1;
	return 0;
}

int
http_digest_answer(struct http_head *head)
{
	int rc = read_framing(head);

	return rc != 0 ? rc : read_connection(head);
}

int
http_digest_request(struct http_head *head)
{
	int rc = http_digest_answer(head);

	if (rc == 0)
		rc = read_host(head);
	if (rc == 0)
		rc = read_expect(head);
	return rc;
}
