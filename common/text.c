/*
 * text.c - text of several lines, put together in a buffer of fixed size.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/text.h"

void
text_lines_init(struct text_lines *lines, char *buf, size_t cap)
{
	sc_assert(cap > 0);
	*lines = (struct text_lines){ .buf = buf, .cap = cap };
	buf[0] = '\0';
}

void
text_lines_add(struct text_lines *lines, const char *fmt, ...)
{
	size_t room;
	va_list ap;
	int n;

	if (lines->count++ > 0 && lines->used + 1 < lines->cap) {
		lines->buf[lines->used++] = '\n';
		lines->buf[lines->used] = '\0';
	}
	room = lines->cap - lines->used;
	va_start(ap, fmt);
	n = vsnprintf(lines->buf + lines->used, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		lines->used += MIN((size_t)n, room - 1);
}
