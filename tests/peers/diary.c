/*
 * diary.c - the origin's log: one JSON object a line, for tests to read.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "tests/peers/diary.h"
#include "tests/peers/wire.h"

#define TEXT_MAX 4096

static int diary_fd = -1;

int
diary_open(const char *path)
{
	diary_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return diary_fd < 0 ? -errno : 0;
}

/* Write one line at once, so that lines of threads don't mix.  Takes line. */
static void
write_line(json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	struct bytes out = { 0 };

	if (text == NULL)
		abort();
	bytes_addf(&out, "%s\n", text);
	if (diary_fd >= 0 && write(diary_fd, out.data, out.len) < 0)
		abort();
	bytes_fini(&out);
	free(text);
	json_decref(line);
}

/* Bytes as a JSON string: each byte is the code point of its value. */
static json_t *
byte_string(const char *at, size_t len)
{
	struct bytes utf8 = { 0 };
	json_t *string;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)at[i];
		unsigned char two[2] = { 0xc0 | c >> 6, 0x80 | (c & 0x3f) };

		bytes_add(&utf8, c < 0x80 ? &c : two, c < 0x80 ? 1 : 2);
	}
	string = json_stringn(utf8.len > 0 ? utf8.data : "", utf8.len);
	bytes_fini(&utf8);
	return string;
}

static json_t *
new_line(const char *event, struct diary_place at)
{
	json_t *line = json_pack(
	    "{s:s, s:i}", "event", event, "connection", (int)at.connection);

	json_object_set_new(line, "ms", json_integer(wire_now_ms()));
	if (at.number > 0)
		json_object_set_new(
		    line, "number", json_integer((json_int_t)at.number));
	return line;
}

void
diary_connection(unsigned connection)
{
	write_line(
	    new_line("connection", (struct diary_place){ connection, 0 }));
}

void
diary_request(struct diary_place at, const struct message *request)
{
	json_t *line = new_line("request", at);
	const char *head = request->head.data;
	size_t method = strcspn(head, " ");
	size_t target = strcspn(head + method + 1, " ");

	json_object_set_new(line, "method", byte_string(head, method));
	json_object_set_new(
	    line, "target", byte_string(head + method + 1, target));
	json_object_set_new(line, "head", byte_string(head, request->head.len));
	write_line(line);
}

void
diary_body(struct diary_place at, const struct bytes *body, bool complete)
{
	json_t *line = new_line("body", at);
	char hash[17];

	snprintf(hash, sizeof(hash), "%016llx",
	    (unsigned long long)XXH64(body->data, body->len, 0));
	json_object_set_new(
	    line, "length", json_integer((json_int_t)body->len));
	json_object_set_new(line, "hash", json_string(hash));
	if (body->len <= TEXT_MAX)
		json_object_set_new(
		    line, "text", byte_string(body->data, body->len));
	json_object_set_new(line, "complete", json_boolean(complete));
	write_line(line);
}

void
diary_mark(struct diary_place at, const char *name)
{
	json_t *line = new_line("mark", at);

	json_object_set_new(line, "name", json_string(name));
	write_line(line);
}

void
diary_blocked(struct diary_place at, uint64_t sent)
{
	json_t *line = new_line("blocked", at);

	json_object_set_new(line, "sent", json_integer((json_int_t)sent));
	write_line(line);
}

void
diary_closed(unsigned connection, int err)
{
	json_t *line =
	    new_line("closed", (struct diary_place){ connection, 0 });
	const char *how = err == 0 || err == -EPIPE ? "FIN"
			  : err == -ECONNRESET      ? "RST"
						    : strerror(-err);

	json_object_set_new(line, "how", json_string(how));
	write_line(line);
}

void
diary_bad(unsigned connection, const char *why)
{
	json_t *line = new_line("bad", (struct diary_place){ connection, 0 });

	json_object_set_new(line, "why", json_string(why));
	write_line(line);
}
