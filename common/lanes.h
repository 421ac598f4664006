/*
 * lanes.h - sixteen bytes at a time, for whom a search is the hot path: the
 * compiler's own vectors (GCC and clang), so that there is one implementation
 * for all machines.
 *
 * A comparison gives lanes that are 0 (no) or -1 (yes).
 */
#ifndef COMMON_LANES_H
#define COMMON_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes in a vector. */
#define LANES 16

typedef int8_t lanes __attribute__((vector_size(LANES)));

/* The bytes at `p`, which may be at any address. */
static inline lanes
lanes_load(const char *p)
{
	lanes v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The same byte in each. */
static inline lanes
lanes_fill(char c)
{
	/* a scalar operand is widened to all lanes */
	return (int8_t)c - (lanes){ 0 };
}

/* Whether any is not 0. */
static inline bool
lanes_any(lanes v)
{
	uint64_t half[2];

	memcpy(half, &v, sizeof(half));
	return (half[0] | half[1]) != 0;
}

/* The first lane that is not 0; one is. */
static inline size_t
lanes_first(lanes v)
{
	uint64_t half[2];

	memcpy(half, &v, sizeof(half));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (half[0] != 0)
		return (size_t)__builtin_ctzll(half[0]) / 8;
	return 8 + (size_t)__builtin_ctzll(half[1]) / 8;
#else
	if (half[0] != 0)
		return (size_t)__builtin_clzll(half[0]) / 8;
	return 8 + (size_t)__builtin_clzll(half[1]) / 8;
#endif
}

#endif
