/*
 * cell.h - one value as text for people.
 */
#ifndef CTL_CELL_H
#define CTL_CELL_H

#include <jansson.h>
#include <stdbool.h>

#include "ctl/columns.h"

/* Room for a cell: longer text is cut. */
#define CELL_CAP 600

/*
 * Write a value (NULL or null: a dash) to buf, CELL_CAP bytes.  Nothing that
 * a terminal would take for more than text comes through.
 */
void cell_format(const json_t *value, enum column_form form, char *buf);

/* Whether cells of this form are aligned to the right. */
bool cell_is_right(enum column_form form);

/* The escape sequence that colours a state's word, "" for none. */
const char *cell_colour(const char *word);

/* The one that ends it. */
#define CELL_PLAIN "\033[0m"
#define CELL_BOLD "\033[1m"

#endif
