/*
 * text.h - text of several lines, put together in a buffer of fixed size.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stddef.h>

#include "common/sc.h"

/* Lines so far; those that don't fit are counted, but cut. */
struct text_lines {
	char *buf;
	size_t cap;
	size_t used;
	size_t count;
};

/* Begin with no line; buf is borrowed and has at least one byte. */
void text_lines_init(struct text_lines *lines, char *buf, size_t cap);

/* Add a line, with a line feed between it and the one before. */
void text_lines_add(struct text_lines *lines, const char *fmt, ...)
    SC_PRINTF(2, 3);

#endif
