/*
 * scan.h - memchr(3) for two bytes at once: what ends a run of text that
 * the parsers need not look at.
 */
#ifndef COMMON_SCAN_H
#define COMMON_SCAN_H

#include <stddef.h>

/*
 * Offset of the first byte in buf[0..len) that is `a` or `b`, or `len` if
 * there is none.  Takes time in the offset found, not in `len`, unlike two
 * calls of memchr(3); and about as fast.
 */
size_t scan_either(const char *buf, size_t len, char a, char b);

/* The same on any processor: slower than where more is known of it. */
size_t scan_either_anywhere(const char *buf, size_t len, char a, char b);

/* The same for what JSON's values are passed over by: a quote or a bracket. */
size_t scan_json(const char *buf, size_t len);

#endif
