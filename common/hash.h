/*
 * hash.h - checksums and keyed hashes (xxHash's XXH3).  They find accidents
 * and spread table entries; they are no proof against a forger.
 */
#ifndef COMMON_HASH_H
#define COMMON_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * Hash `len` bytes under a key.  The same bytes and key give the same value
 * in every process and every build.  `bytes` may be NULL where len is 0.
 * The short one is for checksums of journal records.
 */
uint64_t hash_bytes64(const void *bytes, size_t len, uint64_t key);
uint32_t hash_bytes32(const void *bytes, size_t len, uint64_t key);

#endif
