/*
 * table.h - rows as an aligned table, a record as a list.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/ctl_commands.h"

struct table_style {
	unsigned width; /* of a line, 0: as wide as needed */
	bool colours;
};

/* Ids are never cut to less. */
#define TABLE_ID_MIN 8u

/*
 * Write an array of objects, with the columns of the command.  Where it would
 * be wider than the style allows, the widest columns of text are cut, with a
 * '~' at their end, and then the lines.  False without memory.
 */
bool table_write(FILE *out, enum ctl_command command, const json_t *rows,
    const struct table_style *style);

/* Write an object, a member a line. */
void table_write_record(
    FILE *out, json_t *record, const struct table_style *style);

/*
 * How many bytes of each of these ids are needed to tell it from all others,
 * at least TABLE_ID_MIN.  The array is sorted.
 */
size_t table_id_len(const char **ids, size_t count);

#endif
