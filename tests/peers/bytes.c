/*
 * bytes.c - a growable run of bytes for the test peers.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/peers/bytes.h"

static void
reserve(struct bytes *b, size_t more)
{
	size_t need = b->len + more + 1;
	size_t cap = b->cap ? b->cap : 256;

	if (need <= b->cap)
		return;
	while (cap < need)
		cap *= 2;
	b->data = realloc(b->data, cap);
	if (b->data == NULL)
		abort();
	b->cap = cap;
}

void
bytes_add(struct bytes *b, const void *data, size_t len)
{
	reserve(b, len);
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
bytes_addf(struct bytes *b, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		abort();
	reserve(b, (size_t)len);
	va_start(args, fmt);
	vsnprintf(b->data + b->len, (size_t)len + 1, fmt, args);
	va_end(args);
	b->len += (size_t)len;
}

void
bytes_fill(struct bytes *b, char c, size_t count)
{
	reserve(b, count);
	memset(b->data + b->len, c, count);
	b->len += count;
	b->data[b->len] = '\0';
}

void
bytes_drop(struct bytes *b, size_t len)
{
	if (len == 0)
		return;
	if (len > b->len)
		abort();
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
}

void
bytes_fini(struct bytes *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

char *
bytes_find(const struct bytes *b, const char *needle)
{
	if (b->len == 0)
		return NULL;
	return memmem(b->data, b->len, needle, strlen(needle));
}

char
bytes_pattern(uint64_t at)
{
	return at % 64 == 63 ? '\n' : (char)('0' + at % 71);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The bytes that one escape takes after its backslash, or -1. */
static int
add_escape(struct bytes *b, const char *text, size_t len)
{
	static const char names[] = "rnt0\\\"'";
	static const char values[] = "\r\n\t\0\\\"'";
	const char *at;
	char c;

	if (len >= 3 && text[0] == 'x' && hex_digit(text[1]) >= 0 &&
	    hex_digit(text[2]) >= 0) {
		c = (char)(hex_digit(text[1]) * 16 + hex_digit(text[2]));
		bytes_add(b, &c, 1);
		return 3;
	}
	at = len > 0 ? memchr(names, text[0], sizeof(names) - 1) : NULL;
	if (at == NULL)
		return -1;
	bytes_add(b, &values[at - names], 1);
	return 1;
}

int
bytes_add_escaped(struct bytes *b, const char *text, size_t len)
{
	size_t i = 0;
	int used;

	while (i < len) {
		if (text[i] != '\\') {
			bytes_add(b, &text[i++], 1);
			continue;
		}
		used = add_escape(b, text + i + 1, len - i - 1);
		if (used < 0)
			return -1;
		i += (size_t)used + 1;
	}
	return 0;
}
