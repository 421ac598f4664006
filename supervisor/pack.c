/*
 * pack.c - values in a row of bytes.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/pack.h"

/* --- writing -------------------------------------------------------------- */

void
pack_fini(struct pack *p)
{
	free(p->bytes);
	free(p->fds);
	*p = (struct pack){ 0 };
}

/* Room for `len` more bytes; false without memory. */
static bool
pack_reserve(struct pack *p, size_t len)
{
	size_t cap = p->cap == 0 ? 4096 : p->cap;
	char *grown;

	while (cap - p->len < len)
		cap *= 2;
	if (cap == p->cap)
		return true;
	grown = realloc(p->bytes, cap);
	if (grown == NULL) {
		p->failed = true;
		return false;
	}
	p->bytes = grown;
	p->cap = cap;
	return true;
}

void
pack_bytes(struct pack *p, const void *bytes, size_t len)
{
	if (len == 0 || !pack_reserve(p, len))
		return;
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

void
pack_u32(struct pack *p, uint32_t value)
{
	pack_bytes(p, &value, sizeof(value));
}

void
pack_u64(struct pack *p, uint64_t value)
{
	pack_bytes(p, &value, sizeof(value));
}

void
pack_text(struct pack *p, const char *text)
{
	size_t len = strlen(text);

	pack_u32(p, (uint32_t)len);
	pack_bytes(p, text, len);
}

/* Remember fd in a list: false without memory. */
static bool
note_fd(int **fds, size_t *count, size_t *cap, int fd)
{
	size_t larger = *cap == 0 ? 64 : *cap * 2;
	int *grown;

	if (*count == *cap) {
		grown = realloc(*fds, larger * sizeof(*grown));
		if (grown == NULL)
			return false;
		*fds = grown;
		*cap = larger;
	}
	(*fds)[(*count)++] = fd;
	return true;
}

void
pack_fd(struct pack *p, int fd)
{
	pack_u32(p, (uint32_t)fd);
	if (fd >= 0 && !note_fd(&p->fds, &p->fd_count, &p->fd_cap, fd))
		p->failed = true;
}

/* --- reading -------------------------------------------------------------- */

void
unpack_fini(struct unpack *u)
{
	free(u->fds);
	*u = (struct unpack){ 0 };
}

void
unpack_bytes(struct unpack *u, void *ret, size_t len)
{
	if (u->bad || len > u->left) {
		u->bad = true;
		memset(ret, 0, len);
		return;
	}
	memcpy(ret, u->at, len);
	u->at += len;
	u->left -= len;
}

uint32_t
unpack_u32(struct unpack *u)
{
	uint32_t value;

	unpack_bytes(u, &value, sizeof(value));
	return value;
}

uint64_t
unpack_u64(struct unpack *u)
{
	uint64_t value;

	unpack_bytes(u, &value, sizeof(value));
	return value;
}

char *
unpack_text(struct unpack *u)
{
	uint32_t len = unpack_u32(u);
	char *text;

	if (len > u->left)
		u->bad = true;
	if (u->bad)
		return NULL;
	text = malloc((size_t)len + 1);
	if (text == NULL) {
		u->bad = true;
		return NULL;
	}
	unpack_bytes(u, text, len);
	text[len] = '\0';
	return text;
}

int
unpack_fd(struct unpack *u)
{
	int fd = (int)unpack_u32(u);

	if (u->bad || fd == -1)
		return -1;
	if (fd < 0 || fcntl(fd, F_GETFD) < 0 ||
	    !note_fd(&u->fds, &u->fd_count, &u->fd_cap, fd)) {
		u->bad = true;
		return -1;
	}
	return fd;
}
