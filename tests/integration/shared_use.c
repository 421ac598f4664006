/*
 * shared_use.c - a daemon's shared memory from outside.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/claim.h"
#include "common/shm_layout.h"
#include "tests/integration/process.h"
#include "tests/integration/shared_use.h"

/* The daemon's shared memory, or -1. */
static int
open_memory(pid_t supervisor, int flags)
{
	char target[128], path[64];

	for (int fd = 3; fd < 64; fd++) {
		if (!proc_fd_target(supervisor, fd, target, sizeof(target)) ||
		    strstr(target, "memfd:shadowcat") == NULL)
			continue;
		snprintf(
		    path, sizeof(path), "/proc/%d/fd/%d", (int)supervisor, fd);
		return open(path, flags | O_CLOEXEC);
	}
	return -1;
}

/* How many elements of a table somebody uses; false: it can't be read. */
static bool
count_used(int fd, const struct shm_table *owners, unsigned *ret)
{
	uint32_t words[4096], n, i, done;
	ssize_t got;

	*ret = 0;
	for (done = 0; done < owners->count; done += n) {
		n = owners->count - done;
		if (n > 4096)
			n = 4096;
		got = pread(fd, words, n * sizeof(words[0]),
		    (off_t)(owners->offset + done * sizeof(words[0])));
		if (got != (ssize_t)(n * sizeof(words[0])))
			return false;
		for (i = 0; i < n; i++)
			*ret += words[i] != 0 && (words[i] & CLAIM_IDLE) == 0;
	}
	return true;
}

static bool
look(int fd, struct shared_use *ret)
{
	struct shm_header h;
	struct stat st;

	if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    h.magic != SHM_MAGIC || fstat(fd, &st) < 0)
		return false;
	ret->memory = (uint64_t)st.st_blocks * 512;
	return count_used(fd, &h.client_owners, &ret->clients) &&
	       count_used(fd, &h.upstream_owners, &ret->upstreams) &&
	       count_used(fd, &h.stream_owners, &ret->streams) &&
	       count_used(fd, &h.session_owners, &ret->sessions) &&
	       count_used(fd, &h.block_owners, &ret->blocks);
}

bool
shared_use_look(pid_t supervisor, struct shared_use *ret)
{
	int fd = open_memory(supervisor, O_RDONLY);
	bool ok = fd >= 0 && look(fd, ret);

	if (fd >= 0)
		close(fd);
	return ok;
}

bool
shared_use_is_none(const struct shared_use *use)
{
	return use->clients == 0 && use->upstreams == 0 && use->streams == 0 &&
	       use->sessions == 0 && use->blocks == 0;
}

/* The same in the bytes of a buffer that came from this place. */
static unsigned
damage_piece(int fd, char *buf, size_t len, off_t at, const char *text)
{
	unsigned count = 0;
	char *p = buf;

	while ((p = memmem(p, len - (size_t)(p - buf), text, strlen(text))) !=
	       NULL) {
		*p ^= 1;
		count += pwrite(fd, p, 1, at + (p - buf)) == 1;
		p++;
	}
	return count;
}

unsigned
shared_use_damage(pid_t supervisor, const char *text)
{
	int fd = open_memory(supervisor, O_RDWR);
	static char buf[1 << 20];
	unsigned count = 0;
	off_t at = 0;
	ssize_t n;

	/* Holes are not touched: reading them would take memory. */
	while (fd >= 0 && (at = lseek(fd, at, SEEK_DATA)) >= 0 &&
	       (n = pread(fd, buf, sizeof(buf), at)) > 0) {
		count += damage_piece(fd, buf, (size_t)n, at, text);
		/* It may stand across the border. */
		at += n < (ssize_t)sizeof(buf) ? n : n - (ssize_t)strlen(text);
	}
	if (fd >= 0)
		close(fd);
	return count;
}
