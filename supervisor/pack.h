/*
 * pack.h - values in a row of bytes, from one image of the daemon to the
 * next: numbers as this machine has them, texts with their length.
 */
#ifndef SUPERVISOR_PACK_H
#define SUPERVISOR_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sc.h"

/* What is being written.  All zero: empty. */
struct pack {
	char *bytes; /* heap; pack_fini() */
	size_t len;
	size_t cap;
	bool failed; /* no memory: what is there is not whole */
	int *fds;    /* every descriptor that was written, -1 left out */
	size_t fd_count;
	size_t fd_cap;
};

void pack_fini(struct pack *p);

void pack_u32(struct pack *p, uint32_t value);
void pack_u64(struct pack *p, uint64_t value);
void pack_bytes(struct pack *p, const void *bytes, size_t len);
void pack_text(struct pack *p, const char *text);
void pack_fd(struct pack *p, int fd);

/*
 * What is being read (borrowed).  What is not there, or too long, sets `bad`
 * and reads as 0 or "".
 */
struct unpack {
	const char *at;
	size_t left;
	bool bad;
	int *fds; /* every descriptor that was read; unpack_fini() */
	size_t fd_count;
	size_t fd_cap;
};

/* Frees `fds`, and closes nothing. */
void unpack_fini(struct unpack *u);

uint32_t unpack_u32(struct unpack *u);
uint64_t unpack_u64(struct unpack *u);
void unpack_bytes(struct unpack *u, void *ret, size_t len);

/* A text, in heap memory that is the caller's; never NULL unless `bad`. */
char *unpack_text(struct unpack *u);

/* A descriptor that is open here, or -1; anything else is bad. */
int unpack_fd(struct unpack *u);

#endif
