/*
 * bytes.h - a growable run of bytes for the test peers.
 *
 * The peers share no code with the proxy: a bug in a common parser or
 * buffer would hide from the tests that should find it.  They run for
 * seconds and abort when memory is short, so nothing here returns an error.
 */
#ifndef PEERS_BYTES_H
#define PEERS_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* All zero is an empty run.  data, if set, has a NUL behind its last byte. */
struct bytes {
	char *data;
	size_t len;
	size_t cap;
};

/* Append len bytes. */
void bytes_add(struct bytes *b, const void *data, size_t len);

/* Append formatted text. */
void bytes_addf(struct bytes *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Append count times the byte c. */
void bytes_fill(struct bytes *b, char c, size_t count);

/* Remove the first len bytes (len <= b->len). */
void bytes_drop(struct bytes *b, size_t len);

/* Give the memory back and leave an empty run. */
void bytes_fini(struct bytes *b);

/* Where needle (a string) first stands in b, or NULL. */
char *bytes_find(const struct bytes *b, const char *needle);

/*
 * The deterministic filling of big bodies: byte number `at` of the pattern,
 * a printable character or, every 64th, a line feed.
 */
char bytes_pattern(uint64_t at);

/*
 * Append the bytes that text stands for: \r \n \t \0 \\ \" \' and \xHH are
 * escapes, anything else stands for itself.  Returns 0, or -1 for an unknown
 * escape (b then holds what came before it).
 */
int bytes_add_escaped(struct bytes *b, const char *text, size_t len);

#endif
