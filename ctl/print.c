/*
 * print.c - answers on the standard output.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/log_escape.h"
#include "ctl/cell.h"
#include "ctl/print.h"
#include "ctl/tap.h"
#include "ctl/value.h"

#define CLEAR_SCREEN "\033[H\033[2J\033[3J"
#define JSON_FLAGS (JSON_REAL_PRECISION(15) | JSON_ENSURE_ASCII)

static unsigned
terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int n = columns != NULL ? atoi(columns) : 0;

	if (n >= 20 && n <= 10000)
		return (unsigned)n;
	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

/* Colours are for terminals that have them, and people who want them. */
static bool
has_colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
	       term != NULL && strcmp(term, "dumb") != 0;
}

int
printer_init(struct printer *p, const struct ctl_options *options)
{
	memset(p, 0, sizeof(*p));
	p->options = options;
	p->is_terminal = isatty(STDOUT_FILENO);
	p->style.colours = has_colours();
	p->rows = json_array();
	p->text = json_object();
	if (p->rows != NULL && p->text != NULL)
		return 0;
	printer_fini(p);
	return -ENOMEM;
}

void
printer_fini(struct printer *p)
{
	json_decref(p->rows);
	json_decref(p->text);
	p->rows = p->text = NULL;
}

void
printer_begin(struct printer *p)
{
	/* The window may have another size by now. */
	p->style.width = terminal_width();
	if (p->options->watch && !p->options->json && p->is_terminal)
		(void)fputs(CLEAR_SCREEN, stdout);
	else if (p->options->watch && !p->options->json && p->asked > 0)
		(void)fputc('\n', stdout); /* between one time and the next */
	p->asked++;
	(void)json_array_clear(p->rows);
	(void)json_object_clear(p->text);
}

static int
finish_output(void)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -EIO;
}

static int
write_json(const json_t *value)
{
	if (json_dumpf(value, stdout, JSON_FLAGS) < 0)
		return -EIO;
	(void)fputc('\n', stdout);
	return finish_output();
}

/* --- tap
 * ------------------------------------------------------------------------ */

static const char *
text_member(const json_t *row, const char *key, char *buf)
{
	cell_format(json_object_get(row, key), COLUMN_TEXT, buf);
	return buf;
}

/* One line for an event, and its data on lines of their own. */
static void
write_event(const struct printer *p, const json_t *row)
{
	char kind[CELL_CAP], stream[CELL_CAP], id[CELL_CAP], method[CELL_CAP],
	    time[CELL_CAP], size[CELL_CAP], message[CELL_CAP];
	const json_t *data = json_object_get(row, "data");

	cell_format(json_object_get(row, "time"), COLUMN_TIME, time);
	cell_format(
	    json_object_get(row,
		json_object_get(row, "records") != NULL ? "records" : "size"),
	    COLUMN_NUMBER, size);
	(void)printf("%s  %-6s  %s%-12s%s  %8s  %s  %s  %s%s\n", time + 11,
	    text_member(row, "stream", stream),
	    p->style.colours ? CELL_BOLD : "", text_member(row, "kind", kind),
	    p->style.colours ? CELL_PLAIN : "", size,
	    text_member(row, "id", id), text_member(row, "method", method),
	    text_member(row, "message_id", message),
	    json_is_true(json_object_get(row, "cut")) ? "  (cut)" : "");
	if (data != NULL) {
		(void)fputs("    ", stdout);
		(void)json_dumpf(data, stdout, JSON_ENCODE_ANY | JSON_FLAGS);
		(void)fputc('\n', stdout);
	}
}

static int
take_live(struct printer *p, const msgpack_object_array *rows)
{
	json_t *list = json_array(), *row;
	size_t i;
	int r = list != NULL ? 0 : -ENOMEM;

	for (i = 0; r == 0 && i < rows->size; i++) {
		if (!tap_read(&rows->ptr[i], p->options->request.bodies, list))
			r = -ENOMEM;
	}
	for (i = 0; r == 0 && i < json_array_size(list); i++) {
		row = json_array_get(list, i);
		if (p->options->json)
			r = write_json(row);
		else
			write_event(p, row);
	}
	json_decref(list);
	return r != 0 ? r : finish_output();
}

/* --- metrics
 * -------------------------------------------------------------------- */

/* "name{labels} value" becomes a member; comments are left away. */
static int
take_sample(struct printer *p, char *line)
{
	char *value = strrchr(line, ' '), *end;
	double number;

	if (line[0] == '#' || value == NULL)
		return 0;
	*value++ = '\0';
	number = strtod(value, &end);
	if (end == value)
		return 0;
	return json_object_set_new(p->text, line, json_real(number)) == 0
		   ? 0
		   : -ENOMEM;
}

static int
take_samples(struct printer *p, const msgpack_object_str *text)
{
	char *copy = strndup(text->ptr, text->size), *rest = copy, *line;
	int r = copy != NULL ? 0 : -ENOMEM;

	while (r == 0 && (line = strsep(&rest, "\n")) != NULL)
		r = take_sample(p, line);
	free(copy);
	return r;
}

/* --- all forms
 * ------------------------------------------------------------------- */

static enum ctl_form
form_of(const struct printer *p)
{
	return ctl_command_row(p->options->request.command)->form;
}

static int
take_rows(struct printer *p, const msgpack_object_array *rows)
{
	for (uint32_t i = 0; i < rows->size; i++) {
		if (json_array_append_new(
			p->rows, value_to_json(&rows->ptr[i])) < 0)
			return -ENOMEM;
	}
	return 0;
}

int
printer_take(struct printer *p, const struct ctl_answer *answer)
{
	const msgpack_object_str *text = &answer->body.via.str;

	if (answer->kind == CTL_ANSWER_ROWS)
		return form_of(p) == CTL_FORM_LIVE
			   ? take_live(p, &answer->body.via.array)
			   : take_rows(p, &answer->body.via.array);
	if (p->options->json)
		return take_samples(p, text);
	(void)fwrite(text->ptr, 1, text->size, stdout);
	return ferror(stdout) ? -EIO : 0;
}

/* The last word, escaped, but for its line feeds. */
static int
write_word(const struct printer *p, const msgpack_object_str *text)
{
	json_t *word;
	int r;

	if (p->options->json) {
		word = json_pack(
		    "{s:o}", "done", value_of_text(text->ptr, text->size));
		if (word == NULL)
			return -ENOMEM;
		r = write_json(word);
		json_decref(word);
		return r;
	}
	(void)printf("%.*s\n", (int)text->size, text->ptr);
	return finish_output();
}

int
printer_end(struct printer *p, const struct ctl_answer *done)
{
	json_t *first = json_array_get(p->rows, 0);

	switch (form_of(p)) {
	case CTL_FORM_RECORD:
		if (p->options->json)
			return write_json(first);
		table_write_record(stdout, first, &p->style);
		break;
	case CTL_FORM_ROWS:
		if (p->options->json)
			return write_json(p->rows);
		if (!table_write(stdout, p->options->request.command, p->rows,
			&p->style))
			return -ENOMEM;
		break;
	case CTL_FORM_TEXT:
		if (p->options->json)
			return write_json(p->text);
		break;
	case CTL_FORM_WORD:
		return write_word(p, &done->body.via.str);
	case CTL_FORM_LIVE:
		if (!p->options->json)
			return write_word(p, &done->body.via.str);
		break;
	}
	return finish_output();
}
