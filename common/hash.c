/*
 * hash.c - checksums and keyed hashes.
 */
#include "config.h"

#include <xxhash.h>
#ifdef HAVE_XXH_X86DISPATCH_H
#define XXH_DISPATCH_DISABLE_REPLACE
#include <xxh_x86dispatch.h>
#endif

#include "common/hash.h"

/*
 * The widest vectors pay for long texts only: on short ones, among which
 * other work lies, they take more time than they save.  The value is the
 * same.
 */
#define WIDE_FROM 1024

static uint64_t
hash_long(const void *bytes, size_t len, uint64_t key)
{
#ifdef HAVE_XXH_X86DISPATCH_H
	return XXH3_64bits_withSeed_dispatch(bytes, len, key);
#else
	return XXH3_64bits_withSeed(bytes, len, key);
#endif
}

uint64_t
hash_bytes64(const void *bytes, size_t len, uint64_t key)
{
	if (len >= WIDE_FROM)
		return hash_long(bytes, len, key);
	return XXH3_64bits_withSeed(len > 0 ? bytes : "", len, key);
}

uint32_t
hash_bytes32(const void *bytes, size_t len, uint64_t key)
{
	uint64_t hash = hash_bytes64(bytes, len, key);

	return (uint32_t)(hash ^ hash >> 32);
}
