/*
 * origin_log.c - reads what the scripted origin wrote.
 */
#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/origin_log.h"
#include "tests/integration/process.h"

typedef void line_function(void *context, json_t *line);

/* Call f for each whole line of the log. */
static void
each_line(const char *path, line_function *f, void *context)
{
	struct bytes log;
	char *at, *end;

	file_read(path, &log);
	for (at = log.data; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);

		if (line == NULL)
			abort();
		f(context, line);
		json_decref(line);
	}
	bytes_fini(&log);
}

static const char *
text_of(json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));

	return text != NULL ? text : "";
}

static unsigned
number_of(json_t *line, const char *key)
{
	return (unsigned)json_integer_value(json_object_get(line, key));
}

struct counting {
	const char *event;
	const char *name;    /* NULL: any */
	unsigned connection; /* 0: any */
	unsigned count;
};

static void
count_line(void *context, json_t *line)
{
	struct counting *c = context;

	if (strcmp(text_of(line, "event"), c->event) != 0)
		return;
	if (c->name != NULL && strcmp(text_of(line, "name"), c->name) != 0)
		return;
	if (c->connection != 0 &&
	    number_of(line, "connection") != c->connection)
		return;
	c->count++;
}

unsigned
origin_log_count(const char *path, const char *event, const char *name)
{
	struct counting c = { .event = event, .name = name };

	each_line(path, count_line, &c);
	return c.count;
}

unsigned
origin_log_requests(const char *path)
{
	return origin_log_count(path, "request", NULL);
}

unsigned
origin_log_connections(const char *path)
{
	return origin_log_count(path, "connection", NULL);
}

bool
origin_log_closed(const char *path, unsigned connection)
{
	struct counting c = { .event = "closed", .connection = connection };

	each_line(path, count_line, &c);
	return c.count > 0;
}

/* The bytes that a string of code points below 256 stands for. */
static void
add_byte_string(struct bytes *b, json_t *string)
{
	const unsigned char *at =
	    (const unsigned char *)json_string_value(string);
	size_t len = json_string_length(string);

	bytes_add(b, "", 0);
	for (size_t i = 0; i < len; i++) {
		char c = (char)at[i];

		if (at[i] >= 0x80 && i + 1 < len) {
			c = (char)((at[i] & 0x1f) << 6 | (at[i + 1] & 0x3f));
			i++;
		}
		bytes_add(b, &c, 1);
	}
}

struct finding {
	unsigned wanted;
	unsigned seen;
	struct origin_request *ret;
};

static void
find_request(void *context, json_t *line)
{
	struct finding *f = context;
	struct origin_request *r = f->ret;

	if (strcmp(text_of(line, "event"), "request") == 0 &&
	    ++f->seen == f->wanted) {
		r->connection = number_of(line, "connection");
		r->number = number_of(line, "number");
		r->ms = json_integer_value(json_object_get(line, "ms"));
		add_byte_string(
		    &r->message.head, json_object_get(line, "head"));
		add_byte_string(&r->method, json_object_get(line, "method"));
		add_byte_string(&r->target, json_object_get(line, "target"));
	}
	if (strcmp(text_of(line, "event"), "body") == 0 && r->number > 0 &&
	    number_of(line, "number") == r->number) {
		r->has_body = true;
		r->complete = json_is_true(json_object_get(line, "complete"));
		r->body_length = (uint64_t)json_integer_value(
		    json_object_get(line, "length"));
		snprintf(r->body_hash, sizeof(r->body_hash), "%s",
		    text_of(line, "hash"));
		add_byte_string(&r->body, json_object_get(line, "text"));
	}
}

bool
origin_log_request(const char *path, unsigned n, struct origin_request *ret)
{
	struct finding f = { .wanted = n, .ret = ret };

	memset(ret, 0, sizeof(*ret));
	each_line(path, find_request, &f);
	return f.seen >= n;
}

void
origin_request_fini(struct origin_request *request)
{
	message_fini(&request->message);
	bytes_fini(&request->method);
	bytes_fini(&request->target);
	bytes_fini(&request->body);
}
