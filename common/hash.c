/*
 * hash.c - checksums and keyed hashes.
 */
#include "config.h"

#include <xxhash.h>
#ifdef HAVE_XXH_X86DISPATCH_H
#include <xxh_x86dispatch.h> /* the same functions under the same names */
#endif

#include "common/hash.h"

uint64_t
hash_bytes64(const void *bytes, size_t len, uint64_t key)
{
	return XXH3_64bits_withSeed(len > 0 ? bytes : "", len, key);
}

uint32_t
hash_bytes32(const void *bytes, size_t len, uint64_t key)
{
	uint64_t hash = hash_bytes64(bytes, len, key);

	return (uint32_t)(hash ^ hash >> 32);
}
