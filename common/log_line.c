/*
 * log_line.c - one log line, put together piece by piece.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/log_escape.h"
#include "common/log_line.h"

/* Kept free until the end: an object's brace, a line feed. */
#define TAIL 4
/* A value with less room than this, beside its name, is left away. */
#define VALUE_ROOM 24

int
log_format_parse(const char *word, enum log_format *ret_format)
{
	static const char *const words[] = {
#define X(name, text) text,
		LOG_FORMATS(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			*ret_format = (enum log_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

size_t
log_id_len(size_t len)
{
	return MIN(len / 2, (size_t)LOG_ID_CAP - 1);
}

/* --- pieces ------------------------------------------------------------ */

static size_t
room(const struct log_line *line)
{
	return LOG_LINE_CAP - TAIL - line->len;
}

static void
put(struct log_line *line, const char *text, size_t len)
{
	len = MIN(len, room(line));
	memcpy(line->buf + line->len, text, len);
	line->len += len;
}

static void
put_word(struct log_line *line, const char *word)
{
	put(line, word, strlen(word));
}

static void
put_number(struct log_line *line, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	put(line, digits + at, sizeof(digits) - at);
}

/* Whether text may stand as it is, with quotes around it or without. */
static bool
is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '"' ||
		    text[i] == '=' || text[i] == '\\')
			return false;
	}
	return len > 0;
}

/* Text in quotes, cut where the room ends; there is room for two dozen. */
static void
put_quoted(struct log_line *line, const char *text, size_t len)
{
	put(line, "\"", 1);
	if (is_plain(text, len) && len + 1 < room(line))
		put(line, text, len);
	else
		line->len +=
		    log_quote(text, len, line->buf + line->len, room(line) - 1);
	put(line, "\"", 1);
}

/* The name of a value; false where there is no room for both. */
static bool
put_name(struct log_line *line, const char *name, size_t len)
{
	if (room(line) < len + VALUE_ROOM)
		return false;
	if (line->format == LOG_FORMAT_TEXT) {
		put(line, " ", 1);
		put(line, name, len);
		put(line, "=", 1);
		return true;
	}
	put(line, line->buf[line->len - 1] == '{' ? "\"" : ",\"",
	    line->buf[line->len - 1] == '{' ? 1 : 2);
	put(line, name, len);
	put(line, "\":", 2);
	return true;
}

/* --- values ------------------------------------------------------------ */

void
log_line_text(
    struct log_line *line, const char *name, const char *value, size_t len)
{
	if (!put_name(line, name, strlen(name)))
		return;
	if (line->format == LOG_FORMAT_TEXT && is_plain(value, len) &&
	    len < room(line))
		put(line, value, len);
	else
		put_quoted(line, value, len);
}

void
log_line_word(struct log_line *line, const char *name, const char *value)
{
	log_line_text(line, name, value, strlen(value));
}

void
log_line_number(struct log_line *line, const char *name, uint64_t value)
{
	if (put_name(line, name, strlen(name)))
		put_number(line, value);
}

/* --- the head, the message, the end -------------------------------------- */

/* "worker 2" as a member: its first word is the name. */
static void
put_who(struct log_line *line, const char *who)
{
	const char *value = strchr(who, ' ');

	if (who[0] == '\0')
		return;
	if (value == NULL) {
		log_line_word(line, "process", who);
	} else if (put_name(line, who, (size_t)(value - who))) {
		put_quoted(line, value + 1, strlen(value + 1));
	}
}

static void
begin_json(struct log_line *line, const struct log_head *head)
{
	if (head->syslog[0] != '\0') {
		put_word(line, head->syslog);
		put(line, " ", 1);
	}
	put(line, "{", 1);
	log_line_word(line, "time", head->when);
	log_line_word(line, "level", head->level);
	log_line_word(line, "program", head->program);
	log_line_number(line, "pid", (uint64_t)head->pid);
	put_who(line, head->prefix);
	put_who(line, head->subject);
}

static void
put_names(struct log_line *line, const struct log_head *head)
{
	if (head->prefix[0] != '\0') {
		put(line, " ", 1);
		put_word(line, head->prefix);
	}
	if (head->subject[0] != '\0') {
		put(line, " ", 1);
		put_word(line, head->subject);
	}
}

static void
begin_text(struct log_line *line, const struct log_head *head)
{
	if (head->syslog[0] != '\0') {
		put_word(line, head->syslog);
	} else {
		put_word(line, head->when);
		put(line, " ", 1);
		put_word(line, head->program);
		put(line, "[", 1);
		put_number(line, (uint64_t)head->pid);
		put(line, "]", 1);
	}
	put_names(line, head);
	if (head->syslog[0] == '\0' || head->prefix[0] != '\0' ||
	    head->subject[0] != '\0')
		put(line, ":", 1);
}

void
log_line_begin(
    struct log_line *line, enum log_format format, const struct log_head *head)
{
	line->format = format;
	line->is_urgent = true;
	line->len = 0;
	if (format == LOG_FORMAT_JSON)
		begin_json(line, head);
	else
		begin_text(line, head);
}

void
log_line_message(struct log_line *line, const char *text, size_t len)
{
	if (line->format == LOG_FORMAT_JSON) {
		log_line_text(line, "message", text, len);
		return;
	}
	put(line, " ", 1);
	line->len += log_escape(text, len, line->buf + line->len, room(line));
}

size_t
log_line_end(struct log_line *line)
{
	if (line->format == LOG_FORMAT_JSON)
		line->buf[line->len++] = '}';
	line->buf[line->len++] = '\n';
	return line->len;
}
