/*
 * journal_sum.h - the checksum of a journal record.
 */
#ifndef COMMON_JOURNAL_SUM_H
#define COMMON_JOURNAL_SUM_H

#include <stddef.h>
#include <stdint.h>

#include "common/hash.h"
#include "common/shm_layout.h"

/*
 * The checksum of a record (whose own `sum` is not in it): its header, then
 * each piece of its payload, as it lies in blocks.  The hash of a piece takes
 * no key: one with a key costs as much as the hash of 300 bytes.
 */
#define JOURNAL_SUM_FACTOR UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t
journal_sum_mix(uint64_t sum, uint64_t value)
{
	sum = (sum ^ value) * JOURNAL_SUM_FACTOR;
	return sum ^ sum >> 32;
}

static inline uint64_t
journal_sum_begin(const struct journal_record *r)
{
	uint64_t marks = (uint64_t)r->type | (uint64_t)r->flags << 8 |
			 (uint64_t)r->notes << 16 | (uint64_t)r->id_sum << 32;
	uint64_t sum = journal_sum_mix((uint64_t)r->len << 32, r->seq);

	return journal_sum_mix(sum, marks);
}

static inline uint64_t
journal_sum_add(uint64_t sum, const void *piece, size_t len)
{
	return journal_sum_mix(sum, hash_bytes64(piece, len, 0));
}

static inline uint32_t
journal_sum_end(uint64_t sum)
{
	return (uint32_t)(sum ^ sum >> 32);
}

#endif
