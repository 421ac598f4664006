/*
 * table.c - rows as an aligned table.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/sc.h"
#include "ctl/cell.h"
#include "ctl/columns.h"
#include "ctl/table.h"

/* A column of text is not cut to less. */
#define TEXT_MIN 8u
#define GAP 2u

struct column {
	const char *key;
	const char *title;
	enum column_form form;
};

#define X(key, title, form) { key, title, COLUMN_##form },
static const struct column worker_columns[] = { COLUMNS_WORKERS(X) };
static const struct column session_columns[] = { COLUMNS_SESSIONS(X) };
static const struct column stream_columns[] = { COLUMNS_STREAMS(X) };
static const struct column upstream_columns[] = { COLUMNS_UPSTREAMS(X) };
static const struct column crash_columns[] = { COLUMNS_CRASHES(X) };
static const struct column record_columns[] = { COLUMNS_RECORD(X) };
#undef X

#define COLUMNS_MAX 16u

struct table {
	const struct column *columns;
	unsigned count;
	const json_t *rows;
	const struct table_style *style;
	size_t widths[COLUMNS_MAX];
	size_t id_len; /* of ids */
};

#define USE(t, list)                                                           \
	do {                                                                   \
		(t)->columns = (list);                                         \
		(t)->count = ARRAY_LEN(list);                                  \
		_Static_assert(ARRAY_LEN(list) <= COLUMNS_MAX, "few");         \
	} while (0)

static void
choose_columns(struct table *t, enum ctl_command command)
{
	switch (command) {
	case CTL_WORKERS:
		USE(t, worker_columns);
		break;
	case CTL_SESSIONS:
		USE(t, session_columns);
		break;
	case CTL_STREAMS:
		USE(t, stream_columns);
		break;
	case CTL_UPSTREAMS:
		USE(t, upstream_columns);
		break;
	case CTL_CRASHES:
		USE(t, crash_columns);
		break;
	default:
		break; /* they have no rows */
	}
}

/* --- ids
 * ---------------------------------------------------------------------- */

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t
common_len(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != '\0' && a[n] == b[n])
		n++;
	return n;
}

size_t
table_id_len(const char **ids, size_t count)
{
	size_t len = TABLE_ID_MIN, n;

	qsort(ids, count, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(ids[i - 1], ids[i]) == 0)
			continue;
		n = common_len(ids[i - 1], ids[i]) + 1;
		len = MAX(len, n);
	}
	return len;
}

static const char *
id_key(const struct table *t)
{
	for (unsigned i = 0; i < t->count; i++) {
		if (t->columns[i].form == COLUMN_ID)
			return t->columns[i].key;
	}
	return NULL;
}

static bool
measure_ids(struct table *t)
{
	const char *key = id_key(t), *id, **ids;
	size_t rows = json_array_size(t->rows), count = 0;

	t->id_len = TABLE_ID_MIN;
	if (key == NULL || rows == 0)
		return true;
	ids = calloc(rows, sizeof(*ids));
	if (ids == NULL)
		return false;
	for (size_t i = 0; i < rows; i++) {
		id = json_string_value(
		    json_object_get(json_array_get(t->rows, i), key));
		if (id != NULL)
			ids[count++] = id;
	}
	t->id_len = table_id_len(ids, count);
	free(ids);
	return true;
}

/* --- cells
 * --------------------------------------------------------------------- */

/* The number of characters in UTF-8: what a terminal makes of them. */
static size_t
width_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Cut text to so many characters; the last one becomes '~'. */
static void
cut(char *text, size_t width)
{
	size_t n = 0;

	if (width_of(text) <= width)
		return;
	for (; *text != '\0'; text++) {
		if (((unsigned char)*text & 0xc0) != 0x80 && ++n == width)
			break;
	}
	strcpy(text, "~");
}

static void
make_cell(const struct table *t, size_t row, unsigned column, char *buf)
{
	const struct column *c = &t->columns[column];
	const json_t *value =
	    json_object_get(json_array_get(t->rows, row), c->key);

	if (c->form == COLUMN_FLAG) {
		strcpy(buf, json_is_true(value) ? "yes" : "-");
		return;
	}
	cell_format(value, c->form, buf);
	if (c->form == COLUMN_ID && strlen(buf) > t->id_len)
		buf[t->id_len] = '\0';
}

static void
measure(struct table *t)
{
	char cell[CELL_CAP];
	size_t rows = json_array_size(t->rows), width;

	for (unsigned c = 0; c < t->count; c++) {
		t->widths[c] = strlen(t->columns[c].title);
		for (size_t r = 0; r < rows; r++) {
			make_cell(t, r, c, cell);
			width = width_of(cell);
			t->widths[c] = MAX(t->widths[c], width);
		}
	}
}

static size_t
total_width(const struct table *t)
{
	size_t total = 0;

	for (unsigned c = 0; c < t->count; c++)
		total += t->widths[c] + (c > 0 ? GAP : 0);
	return total;
}

/* Take from the widest column of text until the line fits, or none can. */
static void
squeeze(struct table *t)
{
	while (t->style->width > 0 && total_width(t) > t->style->width) {
		unsigned widest = t->count;

		for (unsigned c = 0; c < t->count; c++) {
			if (t->columns[c].form == COLUMN_TEXT &&
			    t->widths[c] > TEXT_MIN &&
			    (widest == t->count ||
				t->widths[c] > t->widths[widest]))
				widest = c;
		}
		if (widest == t->count)
			return;
		t->widths[widest]--;
	}
}

/* --- writing
 * -------------------------------------------------------------------- */

/*
 * Write one cell at column *at of the line, no further than the line goes;
 * false when it is full.
 */
static bool
write_cell(FILE *out, const struct table *t, unsigned column, char *text,
    const char *colour, size_t *at)
{
	size_t room = t->widths[column], blanks, width;
	bool is_last = column + 1 == t->count;
	bool right = cell_is_right(t->columns[column].form);

	if (column > 0) {
		if (t->style->width > 0 && *at + GAP + room > t->style->width &&
		    *at + GAP + TEXT_MIN / 2 > t->style->width)
			return false;
		(void)fprintf(out, "%*s", (int)GAP, "");
		*at += GAP;
	}
	if (t->style->width > 0)
		room = MIN(room, t->style->width - MIN(*at, t->style->width));
	cut(text, room);
	width = width_of(text);
	blanks = room > width ? room - width : 0;
	if (right)
		(void)fprintf(out, "%*s", (int)blanks, "");
	(void)fprintf(
	    out, "%s%s%s", colour, text, colour[0] != '\0' ? CELL_PLAIN : "");
	if (!right && !is_last)
		(void)fprintf(out, "%*s", (int)blanks, "");
	*at += room;
	return t->style->width == 0 || *at < t->style->width;
}

static void
write_titles(FILE *out, const struct table *t)
{
	char title[CELL_CAP];
	size_t at = 0;

	for (unsigned c = 0; c < t->count; c++) {
		(void)snprintf(title, sizeof(title), "%s", t->columns[c].title);
		if (!write_cell(out, t, c, title,
			t->style->colours ? CELL_BOLD : "", &at))
			break;
	}
	(void)fputc('\n', out);
}

static void
write_row(FILE *out, const struct table *t, size_t row)
{
	char cell[CELL_CAP];
	const char *colour;
	size_t at = 0;

	for (unsigned c = 0; c < t->count; c++) {
		make_cell(t, row, c, cell);
		colour = t->style->colours && t->columns[c].form == COLUMN_STATE
			     ? cell_colour(cell)
			     : "";
		if (!write_cell(out, t, c, cell, colour, &at))
			break;
	}
	(void)fputc('\n', out);
}

bool
table_write(FILE *out, enum ctl_command command, const json_t *rows,
    const struct table_style *style)
{
	struct table t = { .rows = rows, .style = style };

	choose_columns(&t, command);
	if (!measure_ids(&t))
		return false;
	measure(&t);
	squeeze(&t);
	write_titles(out, &t);
	for (size_t r = 0; r < json_array_size(rows); r++)
		write_row(out, &t, r);
	return true;
}

static enum column_form
record_form(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(record_columns); i++) {
		if (strcmp(record_columns[i].key, key) == 0)
			return record_columns[i].form;
	}
	return COLUMN_TEXT;
}

void
table_write_record(FILE *out, json_t *record, const struct table_style *style)
{
	void *it = json_object_iter(record);
	char cell[CELL_CAP];

	for (; it != NULL; it = json_object_iter_next(record, it)) {
		const char *key = json_object_iter_key(it), *colour;
		enum column_form form = record_form(key);

		cell_format(json_object_iter_value(it), form, cell);
		colour = style->colours && form == COLUMN_STATE
			     ? cell_colour(cell)
			     : "";
		(void)fprintf(out, "%-18s %s%s%s\n", key, colour, cell,
		    colour[0] != '\0' ? CELL_PLAIN : "");
	}
}
