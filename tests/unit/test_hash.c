/*
 * test_hash.c - hashes tell bytes, lengths and keys apart, and stay what
 * they are: checksums in shared memory outlive the program.
 */
#include "config.h"

#include <check.h>
#include <string.h>
#include <xxhash.h>

#include "common/hash.h"
#include "common/sc.h"
#include "tests/unit/unit.h"

static const struct {
	const char *bytes;
	uint64_t key;
	uint64_t want; /* what XXH3 is defined to give */
} rows[] = {
	{ "", 0, 0x2d06800538d394c2 },
	{ "a", 0, 0xe6c632b61e964e1f },
	{ "abc", 0, 0x78af5f94892f3950 },
};

START_TEST(values_are_those_of_xxh3)
{
	uint64_t want = rows[_i].want;
	const char *bytes = rows[_i].bytes;

	ck_assert(hash_bytes64(bytes, strlen(bytes), rows[_i].key) == want);
	ck_assert_uint_eq(hash_bytes32(bytes, strlen(bytes), rows[_i].key),
	    (uint32_t)(want ^ want >> 32));
}
END_TEST

START_TEST(every_bit_and_the_key_count)
{
	unsigned char bytes[300] = { 0 };
	uint32_t before = hash_bytes32(bytes, sizeof(bytes), 7);

	ck_assert_uint_ne(before, hash_bytes32(bytes, sizeof(bytes), 8));
	ck_assert_uint_ne(before, hash_bytes32(bytes, sizeof(bytes) - 1, 7));
	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		ck_assert_uint_ne(
		    before, hash_bytes32(bytes, sizeof(bytes), 7));
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	ck_assert_uint_eq(before, hash_bytes32(bytes, sizeof(bytes), 7));
}
END_TEST

/* Whatever the processor has for long ones, and we for short ones. */
START_TEST(every_length_is_hashed_alike)
{
	unsigned char bytes[2100];
	size_t len;

	for (len = 0; len < sizeof(bytes); len++)
		bytes[len] = (unsigned char)(len * 7 + (len >> 8));
	for (len = 0; len < sizeof(bytes); len++)
		ck_assert(hash_bytes64(bytes, len, len % 3) ==
			  XXH3_64bits_withSeed(bytes, len, len % 3));
}
END_TEST

START_TEST(nothing_can_be_hashed)
{
	ck_assert(hash_bytes64(NULL, 0, 0) == hash_bytes64("x", 0, 0));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("hash");
	TCase *tc = tcase_create("hash");

	tcase_add_loop_test(tc, values_are_those_of_xxh3, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, every_bit_and_the_key_count);
	tcase_add_test(tc, every_length_is_hashed_alike);
	tcase_add_test(tc, nothing_can_be_hashed);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
