/*
 * fuzz.h - what a fuzzer and whoever runs it agree on, and a way to cut
 * inputs into pieces.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/sc.h"

/*
 * Run the parser over one input; aborts on what should not be.  Called by
 * libFuzzer, or by standalone.c where there is none.  Returns 0.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A copy of its own length, so that a read beyond it is seen; the caller's. */
static inline char *
fuzz_copy(const uint8_t *data, size_t len)
{
	char *copy = calloc(1, len + (len == 0));

	sc_assert(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

/* A sequence of numbers that depends on the seed alone. */
static inline uint32_t
fuzz_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* A seed, never 0, out of an input. */
static inline uint32_t
fuzz_seed(const uint8_t *data, size_t len)
{
	uint32_t seed = 2166136261u;

	for (size_t i = 0; i < len; i++)
		seed = (seed ^ data[i]) * 16777619u;
	return seed | 1;
}

/* The length of the next piece, 1 to `left`; mostly a few bytes. */
static inline size_t
fuzz_piece(uint32_t *seed, size_t left)
{
	uint32_t r = fuzz_random(seed);
	size_t len = r % 8 != 0 ? 1 + r / 8 % 7 : 1 + r / 8 % 300;

	return len < left ? len : left;
}

#endif
