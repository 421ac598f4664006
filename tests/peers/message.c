/*
 * message.c - one HTTP/1.1 request or answer, read from a wire, strictly.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/peers/message.h"

#define HEAD_MAX (1u << 20)

static bool
is_token(const char *at, size_t len)
{
	static const char more[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < len; i++)
		if (!(at[i] >= '0' && at[i] <= '9') &&
		    !((at[i] | 32) >= 'a' && (at[i] | 32) <= 'z') &&
		    memchr(more, at[i], sizeof(more) - 1) == NULL)
			return false;
	return len > 0;
}

/* One line without its CRLF: no control but a tab may stand in it. */
static bool
line_is_clean(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)at[i] < 32 && at[i] != '\t') ||
		    at[i] == 127)
			return false;
	return true;
}

static bool
head_is_strict(const struct bytes *head)
{
	const char *line = head->data, *end, *colon;
	size_t len;

	for (unsigned n = 0;; n++, line = end + 2) {
		end = strstr(line, "\r\n");
		if (end == NULL)
			return false;
		len = (size_t)(end - line);
		if (len == 0)
			return n > 0 && end + 2 == head->data + head->len;
		if (!line_is_clean(line, len))
			return false;
		if (n == 0)
			continue;
		colon = memchr(line, ':', len);
		if (colon == NULL || !is_token(line, (size_t)(colon - line)))
			return false;
	}
}

int
message_read_head(struct wire *w, struct message *m, int64_t deadline)
{
	const char *end;
	size_t len;
	int n;

	memset(m, 0, sizeof(*m));
	while ((end = bytes_find(&w->in, "\r\n\r\n")) == NULL) {
		if (w->in.len > HEAD_MAX)
			return -EPROTO;
		n = wire_fill(w, deadline);
		if (n < 0)
			return n;
		if (n == 0)
			return w->in.len == 0 ? -ENOTCONN : -ECONNABORTED;
	}
	len = (size_t)(end - w->in.data) + 4;
	bytes_add(&m->head, w->in.data, len);
	bytes_drop(&w->in, len);
	if (memchr(m->head.data, '\0', len) != NULL)
		return -EPROTO;
	return head_is_strict(&m->head) ? 0 : -EPROTO;
}

/* The next field line after `line`, or NULL after the last one. */
static const char *
next_field(const char *line)
{
	const char *next = strstr(line, "\r\n") + 2;

	return *next == '\r' ? NULL : next;
}

static bool
has_name(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(line, name, len) == 0 && line[len] == ':';
}

unsigned
message_count(const struct message *m, const char *name)
{
	const char *line = m->head.data;
	unsigned count = 0;

	while (line != NULL && (line = next_field(line)) != NULL)
		count += has_name(line, name);
	return count;
}

const char *
message_field(const struct message *m, const char *name, size_t *ret_len)
{
	const char *line = m->head.data, *end;

	while (line != NULL && (line = next_field(line)) != NULL) {
		if (!has_name(line, name))
			continue;
		line += strlen(name) + 1;
		line += strspn(line, " \t");
		end = strstr(line, "\r\n");
		while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		*ret_len = (size_t)(end - line);
		return line;
	}
	return NULL;
}

bool
message_field_is(const struct message *m, const char *name, const char *value)
{
	size_t len;
	const char *at = message_field(m, name, &len);

	return at != NULL && len == strlen(value) &&
	       memcmp(at, value, len) == 0;
}

int
message_status(const struct message *m)
{
	if (m->head.len < 13 || strncmp(m->head.data, "HTTP/1.", 7) != 0)
		return 0;
	return atoi(m->head.data + 9);
}

int
message_version(const struct message *m)
{
	const char *at = m->head.len > 0 ? strstr(m->head.data, "HTTP/1.") : 0;

	if (at == NULL || at > strstr(m->head.data, "\r\n"))
		return 0;
	return at[7] == '1' ? 11 : 10;
}

/* Content-Length: digits only.  0, -ENOENT without one, or -EPROTO. */
static int
content_length(const struct message *m, uint64_t *ret_length)
{
	size_t len;
	const char *at = message_field(m, "Content-Length", &len);

	if (at == NULL)
		return -ENOENT;
	if (message_count(m, "Content-Length") != 1 || len == 0 || len > 18 ||
	    strspn(at, "0123456789") != len)
		return -EPROTO;
	*ret_length = strtoull(at, NULL, 10);
	return 0;
}

static int
frame(struct message *m, enum message_framing without)
{
	int err = content_length(m, &m->left);

	m->place = MESSAGE_IN_BODY;
	if (message_count(m, "Transfer-Encoding") > 0) {
		if (err != -ENOENT ||
		    message_count(m, "Transfer-Encoding") != 1 ||
		    !message_field_is(m, "Transfer-Encoding", "chunked"))
			return -EPROTO;
		m->framing = MESSAGE_CHUNKED;
		m->place = MESSAGE_IN_CHUNK_SIZE;
		return 0;
	}
	m->framing = err == 0 ? MESSAGE_LENGTH : without;
	if (m->framing == MESSAGE_EMPTY ||
	    (m->framing == MESSAGE_LENGTH && m->left == 0))
		m->place = MESSAGE_AT_END;
	return err == -EPROTO ? err : 0;
}

int
message_frame_request(struct message *m)
{
	return frame(m, MESSAGE_EMPTY);
}

int
message_frame_answer(struct message *m, bool for_head)
{
	int status = message_status(m);
	int err = frame(m, MESSAGE_CLOSE);

	if (err < 0 || status == 0)
		return -EPROTO;
	if (for_head || status / 100 == 1 || status == 204 || status == 304) {
		m->framing = MESSAGE_EMPTY;
		m->place = MESSAGE_AT_END;
	}
	return 0;
}

/* Take one line off the wire: its length without CRLF, or -errno. */
static int
take_line(struct wire *w, char *line, size_t cap, int64_t deadline)
{
	char *end;
	size_t len;
	int n;

	while ((end = bytes_find(&w->in, "\r\n")) == NULL) {
		if (w->in.len > cap)
			return -EPROTO;
		n = wire_fill(w, deadline);
		if (n <= 0)
			return n < 0 ? n : -ECONNABORTED;
	}
	len = (size_t)(end - w->in.data);
	if (len >= cap)
		return -EPROTO;
	memcpy(line, w->in.data, len);
	line[len] = '\0';
	bytes_drop(&w->in, len + 2);
	return (int)len;
}

static int
read_chunk_size(struct wire *w, struct message *m, int64_t deadline)
{
	char line[1024];
	int len = take_line(w, line, sizeof(line), deadline);
	size_t digits;

	if (len < 0)
		return len;
	digits = strspn(line, "0123456789abcdefABCDEF");
	if (digits == 0 || digits > 15 ||
	    (line[digits] != '\0' && line[digits] != ';'))
		return -EPROTO;
	m->left = strtoull(line, NULL, 16);
	if (m->left > 0) {
		m->chunks++;
		m->place = MESSAGE_IN_BODY;
		return 0;
	}
	do /* trailers */
		len = take_line(w, line, sizeof(line), deadline);
	while (len > 0);
	m->place = MESSAGE_AT_END;
	return len;
}

static int
read_chunk_end(struct wire *w, struct message *m, int64_t deadline)
{
	int n;

	while (w->in.len < 2) {
		n = wire_fill(w, deadline);
		if (n <= 0)
			return n < 0 ? n : -ECONNABORTED;
	}
	if (memcmp(w->in.data, "\r\n", 2) != 0)
		return -EPROTO;
	bytes_drop(&w->in, 2);
	m->place = MESSAGE_IN_CHUNK_SIZE;
	return 0;
}

static int
read_piece(
    struct wire *w, struct message *m, char *buf, size_t cap, int64_t deadline)
{
	size_t take;
	int n;

	if (w->in.len == 0) {
		n = wire_fill(w, deadline);
		if (n == 0 && m->framing == MESSAGE_CLOSE)
			m->place = MESSAGE_AT_END;
		if (n <= 0)
			return n < 0 || m->framing == MESSAGE_CLOSE
				   ? n
				   : -ECONNABORTED;
	}
	take = w->in.len < cap ? w->in.len : cap;
	if (m->framing != MESSAGE_CLOSE && take > m->left)
		take = (size_t)m->left;
	memcpy(buf, w->in.data, take);
	bytes_drop(&w->in, take);
	if (m->framing != MESSAGE_CLOSE)
		m->left -= take;
	if (m->framing == MESSAGE_LENGTH && m->left == 0)
		m->place = MESSAGE_AT_END;
	if (m->framing == MESSAGE_CHUNKED && m->left == 0)
		m->place = MESSAGE_IN_CHUNK_END;
	return (int)take;
}

int
message_read_body(
    struct wire *w, struct message *m, char *buf, size_t cap, int64_t deadline)
{
	int n = 0;

	while (n == 0) {
		switch (m->place) {
		case MESSAGE_IN_HEAD:
			return -EINVAL;
		case MESSAGE_IN_CHUNK_SIZE:
			n = read_chunk_size(w, m, deadline);
			break;
		case MESSAGE_IN_BODY:
			n = read_piece(w, m, buf, cap, deadline);
			break;
		case MESSAGE_IN_CHUNK_END:
			n = read_chunk_end(w, m, deadline);
			break;
		case MESSAGE_AT_END:
			return 0;
		}
	}
	return n;
}

void
message_fini(struct message *m)
{
	bytes_fini(&m->head);
}
