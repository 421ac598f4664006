/*
 * scan.c - search for either of two bytes, sixteen bytes at a time.
 *
 * The vectors are the compiler's own (GCC and clang), so that there is one
 * implementation for all machines; and another one for the processor that
 * most of them have, which takes a third of the time.
 */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/lanes.h"
#include "common/scan.h"

/* Which of the bytes at `p` are one of both. */
static inline lanes
lanes_match(const char *p, lanes a, lanes b)
{
	lanes v = lanes_load(p);

	return (v == a) | (v == b);
}

static size_t
scan_short(const char *buf, size_t len, char a, char b)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (buf[i] == a || buf[i] == b)
			break;
	return i;
}

/* Step over blocks of four vectors that hold neither. */
static size_t
scan_blocks(const char *buf, size_t len, lanes a, lanes b)
{
	size_t i;
	lanes hit;

	for (i = 0; len - i >= 4 * LANES; i += 4 * LANES) {
		hit = lanes_match(buf + i, a, b);
		hit |= lanes_match(buf + i + LANES, a, b);
		hit |= lanes_match(buf + i + 2 * LANES, a, b);
		hit |= lanes_match(buf + i + 3 * LANES, a, b);
		if (lanes_any(hit))
			break;
	}
	return i;
}

size_t
scan_either_anywhere(const char *buf, size_t len, char a, char b)
{
	lanes va = lanes_fill(a), vb = lanes_fill(b), hit;
	size_t i;

	if (len < LANES)
		return scan_short(buf, len, a, b);
	/* most texts are short, and end in the first vector */
	hit = lanes_match(buf, va, vb);
	if (lanes_any(hit))
		return lanes_first(hit);
	i = LANES + scan_blocks(buf + LANES, len - LANES, va, vb);
	for (; i < len; i += LANES) {
		/* the last vector overlaps the one before it */
		if (len - i < LANES)
			i = len - LANES;
		hit = lanes_match(buf + i, va, vb);
		if (lanes_any(hit))
			return i + lanes_first(hit);
	}
	return len;
}

#ifdef __x86_64__
#define WIDE 32

/* Which of the bytes at `p` are one of both. */
__attribute__((target("avx2"))) static inline __m256i
wide_match(const char *p, __m256i a, __m256i b)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);

	return _mm256_or_si256(
	    _mm256_cmpeq_epi8(v, a), _mm256_cmpeq_epi8(v, b));
}

/* Step over blocks of four vectors that hold neither. */
__attribute__((target("avx2"))) static inline size_t
wide_blocks(const char *buf, size_t len, __m256i a, __m256i b)
{
	__m256i hit;
	size_t i;

	for (i = 0; len - i >= 4 * WIDE; i += 4 * WIDE) {
		hit = wide_match(buf + i, a, b);
		hit = _mm256_or_si256(hit, wide_match(buf + i + WIDE, a, b));
		hit =
		    _mm256_or_si256(hit, wide_match(buf + i + 2 * WIDE, a, b));
		hit =
		    _mm256_or_si256(hit, wide_match(buf + i + 3 * WIDE, a, b));
		if (!_mm256_testz_si256(hit, hit))
			break;
	}
	return i;
}

/* For a processor with AVX2; at least one vector. */
__attribute__((target("avx2"))) static size_t
scan_wide(const char *buf, size_t len, char a, char b)
{
	__m256i va = _mm256_set1_epi8(a), vb = _mm256_set1_epi8(b);
	uint32_t hit;
	size_t i;

	/* most texts are short, and end in the first vector */
	hit = (uint32_t)_mm256_movemask_epi8(wide_match(buf, va, vb));
	if (hit != 0)
		return (size_t)__builtin_ctz(hit);
	i = WIDE + wide_blocks(buf + WIDE, len - WIDE, va, vb);
	for (; i < len; i += WIDE) {
		/* the last vector overlaps the one before it */
		if (len - i < WIDE)
			i = len - WIDE;
		hit =
		    (uint32_t)_mm256_movemask_epi8(wide_match(buf + i, va, vb));
		if (hit != 0)
			return i + (size_t)__builtin_ctz(hit);
	}
	return len;
}
#endif

size_t
scan_either(const char *buf, size_t len, char a, char b)
{
#ifdef __x86_64__
	if (len >= WIDE && __builtin_cpu_supports("avx2"))
		return scan_wide(buf, len, a, b);
#endif
	return scan_either_anywhere(buf, len, a, b);
}

/* Brackets and braces differ in one bit. */
#define BIT_OF_BRACES 0x20

static bool
is_json_mark(char c)
{
	return c == '"' || (c | BIT_OF_BRACES) == '{' ||
	       (c | BIT_OF_BRACES) == '}';
}

size_t
scan_json(const char *buf, size_t len)
{
	lanes quote = lanes_fill('"'), open = lanes_fill('{'),
	      close = lanes_fill('}'), bit = lanes_fill(BIT_OF_BRACES);
	size_t i;

	for (i = 0; len - i >= LANES; i += LANES) {
		lanes v = lanes_load(buf + i);
		lanes hit =
		    (v == quote) | ((v | bit) == open) | ((v | bit) == close);

		if (lanes_any(hit))
			return i + lanes_first(hit);
	}
	while (i < len && !is_json_mark(buf[i]))
		i++;
	return i;
}
