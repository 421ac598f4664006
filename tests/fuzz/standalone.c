/*
 * standalone.c - runs a fuzzer where there is no libFuzzer.
 *
 * With arguments: over these files.  Without: over the seeds that stand in
 * $srcdir/tests/fuzz/corpus/NAME, where NAME is what follows the last
 * underscore of the program's name, then over FUZZ_ROUNDS (20000) changes
 * of them, the same ones each time.
 */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sc.h"
#include "tests/fuzz/fuzz.h"

enum {
	INPUT_MAX = 64 * 1024,
	SEEDS_MAX = 256,
	ROUNDS = 20000,
};

struct input {
	size_t len;
	uint8_t *data;
};

static struct input seeds[SEEDS_MAX];
static size_t seed_count;

/* The bytes of a file, at most INPUT_MAX; exits if it can't be read. */
static struct input
input_read(const char *path)
{
	struct input in = { 0, malloc(INPUT_MAX) };
	FILE *f = fopen(path, "rb");

	sc_assert(in.data != NULL);
	if (f == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	in.len = fread(in.data, 1, INPUT_MAX, f);
	(void)fclose(f);
	return in;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
seeds_read(const char *program)
{
	const char *srcdir = getenv("srcdir"), *name = strrchr(program, '_');
	struct dirent **entries;
	char dir[2048], path[4096];
	int count, i;

	(void)snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s",
	    srcdir != NULL ? srcdir : ".", name != NULL ? name + 1 : "");
	count = scandir(dir, &entries, is_seed, by_name);
	if (count <= 0) {
		(void)fprintf(stderr, "%s: no seeds\n", dir);
		exit(EXIT_FAILURE);
	}
	for (i = 0; i < count; i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (seed_count < SEEDS_MAX)
			seeds[seed_count++] = input_read(path);
		free(entries[i]);
	}
	free(entries);
}

/* Put a part of a seed, or bytes of no meaning, into the input. */
static void
input_insert(struct input *in, uint32_t *random)
{
	const struct input *from = &seeds[fuzz_random(random) % seed_count];
	size_t at = fuzz_random(random) % (in->len + 1), start, len;
	uint8_t noise[4];

	start = fuzz_random(random) % (from->len + 1);
	len = fuzz_random(random) % (from->len - start + 1);
	if (fuzz_random(random) % 2 == 0)
		len = MIN(len, 4u);
	if (in->len + MAX(len, sizeof(noise)) > INPUT_MAX)
		return;
	memmove(in->data + at + len, in->data + at, in->len - at);
	if (len <= sizeof(noise) && fuzz_random(random) % 2 == 0) {
		uint32_t r = fuzz_random(random);

		memcpy(noise, &r, sizeof(noise));
		memcpy(in->data + at, noise, len);
	} else {
		memcpy(in->data + at, from->data + start, len);
	}
	in->len += len;
}

static void
input_change(struct input *in, uint32_t *random)
{
	static const uint8_t telling[] = "\r\n\":\\{}[],0e- \0d\xef";
	size_t at, len;

	if (in->len == 0 || fuzz_random(random) % 3 == 0) {
		input_insert(in, random);
		return;
	}
	at = fuzz_random(random) % in->len;
	if (fuzz_random(random) % 2 == 0) {
		in->data[at] =
		    telling[fuzz_random(random) % (sizeof(telling) - 1)];
		return;
	}
	len = 1 + fuzz_random(random) % 8;
	len = MIN(len, in->len - at);
	memmove(in->data + at, in->data + at + len, in->len - at - len);
	in->len -= len;
}

static void
run_changes(unsigned long rounds)
{
	struct input in = { 0, malloc(INPUT_MAX) };
	const struct input *from;
	uint32_t random = 2463534242u, changes;

	sc_assert(in.data != NULL);
	for (; rounds > 0; rounds--) {
		from = &seeds[fuzz_random(&random) % seed_count];
		memcpy(in.data, from->data, from->len);
		in.len = from->len;
		for (changes = fuzz_random(&random) % 8; changes > 0; changes--)
			input_change(&in, &random);
		(void)LLVMFuzzerTestOneInput(in.data, in.len);
	}
	free(in.data);
}

int
main(int argc, char **argv)
{
	const char *rounds = getenv("FUZZ_ROUNDS");
	struct input in;
	size_t i;

	for (int arg = 1; arg < argc; arg++) {
		in = input_read(argv[arg]);
		(void)LLVMFuzzerTestOneInput(in.data, in.len);
		free(in.data);
	}
	if (argc > 1)
		return EXIT_SUCCESS;
	seeds_read(argv[0]);
	for (i = 0; i < seed_count; i++)
		(void)LLVMFuzzerTestOneInput(seeds[i].data, seeds[i].len);
	run_changes(rounds != NULL ? strtoul(rounds, NULL, 10) : ROUNDS);
	for (i = 0; i < seed_count; i++)
		free(seeds[i].data);
	return EXIT_SUCCESS;
}
