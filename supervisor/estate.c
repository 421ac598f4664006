/*
 * estate.c - what is left to an image that knows nothing of our memory.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/estate.h"
#include "supervisor/state.h"

#define MAGIC 0x53454353u /* "SCES" */

/*
 * TABLE of the items.  Names are never used for something else; to add one: a
 * row here, a line in estate_write(), a case in take().
 */
/* clang-format off */
#define ITEMS(X)                                                        \
	/* id         name          number       text               */  \
	X(LISTENER,   "listener")   /* descriptor  listen.address  */   \
	X(METRICS,    "metrics")    /* descriptor  metrics.address */   \
	X(CONTROL,    "control")    /* descriptor  path            */   \
	X(PIDFILE,    "pidfile")    /* descriptor  path            */   \
	X(PATH,       "path")       /* -           of the binary   */   \
	X(BINARY,     "binary")     /* descriptor                  */   \
	X(REPLY,      "reply")      /* descriptor                  */   \
	X(LEAVING,    "leaving")    /* process id                  */   \
	X(LEAVING_MS, "leaving_ms") /* from now on                 */   \
	X(REST,       "rest")       /* descriptor                  */   \
	X(END,        "end")
/* clang-format on */

enum item {
#define X(id, name) ITEM_##id,
	ITEMS(X)
#undef X
	    ITEM_COUNT
};

static const char *const names[] = {
#define X(id, name) [ITEM_##id] = name,
	ITEMS(X)
#undef X
};

/* --- writing -------------------------------------------------------------- */

static void
write_number(struct pack *p, enum item item, uint32_t number, const char *text)
{
	pack_text(p, names[item]);
	pack_u32(p, number);
	pack_text(p, text);
}

static void
write_fd(struct pack *p, enum item item, int fd, const char *text)
{
	if (fd < 0)
		return;
	pack_text(p, names[item]);
	pack_fd(p, fd);
	pack_text(p, text);
}

static void
write_listeners(struct pack *p, enum item item, const struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		write_fd(p, item, l->items[i].fd, l->items[i].origin);
}

static void
write_leaving(struct pack *p, const struct supervisor *sv)
{
	/* Before those whom it is for. */
	write_number(p, ITEM_LEAVING_MS,
	    (uint32_t)MIN(sv->conf->worker_orphan_timeout, UINT32_MAX), "");
	for (uint32_t i = 0; i < sv->workers.count; i++) {
		if (sv->workers.rows[i].pid != 0)
			write_number(p, ITEM_LEAVING,
			    (uint32_t)sv->workers.rows[i].pid, "");
	}
	for (uint32_t i = 0; i < sv->leaving.count; i++)
		write_number(
		    p, ITEM_LEAVING, (uint32_t)sv->leaving.pids[i], "");
}

static bool
has_fd(const struct pack *p, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++) {
		if (p->fds[i] == fd)
			return true;
	}
	return false;
}

void
estate_write(const struct supervisor *sv, int binary, int reply,
    const struct pack *rest, struct pack *p)
{
	size_t own;

	pack_u32(p, MAGIC);
	write_listeners(p, ITEM_LISTENER, &sv->listeners);
	write_listeners(p, ITEM_METRICS, &sv->scrape.listeners);
	write_fd(p, ITEM_CONTROL, sv->control.fd, sv->conf->control_path);
	write_fd(p, ITEM_PIDFILE, sv->pidfile.fd, sv->conf->pidfile);
	write_number(p, ITEM_PATH, 0, sv->binary);
	write_fd(p, ITEM_BINARY, binary, "");
	write_fd(p, ITEM_REPLY, reply, "");
	write_leaving(p, sv);
	own = p->fd_count;
	for (size_t i = 0; i < rest->fd_count; i++) {
		if (!has_fd(p, own, rest->fds[i]))
			write_fd(p, ITEM_REST, rest->fds[i], "");
	}
	write_number(p, ITEM_END, 0, "");
}

/* --- reading -------------------------------------------------------------- */

static enum item
find_item(const char *name)
{
	for (unsigned i = 0; i < ITEM_COUNT; i++) {
		if (strcmp(names[i], name) == 0)
			return (enum item)i;
	}
	return ITEM_COUNT;
}

/* Room for as many descriptors as bytes are left for, at most. */
static int
note_rest(struct estate *e, int fd)
{
	int *grown;

	/* A power of two: it is full. */
	if ((e->rest_count & (e->rest_count - 1)) == 0) {
		grown = realloc(
		    e->rest, MAX(2 * e->rest_count, 1) * sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		e->rest = grown;
	}
	e->rest[e->rest_count++] = fd;
	return 0;
}

static int
take_path(char **path, const char *text)
{
	free(*path);
	*path = strdup(text);
	return *path != NULL ? 0 : -ENOMEM;
}

static int
take(struct estate *e, enum item item, uint32_t number, const char *text)
{
	int fd = (int)number;

	switch (item) {
	case ITEM_LISTENER:
		return listeners_add(&e->listeners, fd, text);
	case ITEM_METRICS:
		return listeners_add(&e->metrics, fd, text);
	case ITEM_CONTROL:
		e->control = fd;
		return take_path(&e->control_path, text);
	case ITEM_PIDFILE:
		e->pidfile = fd;
		return take_path(&e->pidfile_path, text);
	case ITEM_PATH:
		return take_path(&e->binary_path, text);
	case ITEM_BINARY:
		e->binary = fd;
		return 0;
	case ITEM_REPLY:
		e->reply = fd;
		return 0;
	case ITEM_LEAVING_MS:
		e->leaving_ms = number;
		return 0;
	case ITEM_LEAVING:
		leaving_add(&e->leaving, (pid_t)number, e->leaving_ms);
		return 0;
	case ITEM_REST:
		return note_rest(e, fd);
	case ITEM_END:
	case ITEM_COUNT:
		break;
	}
	return 0;
}

int
estate_read(struct unpack *u, struct estate *ret)
{
	enum item item = ITEM_COUNT;
	uint32_t number;
	char *name, *text;
	int r = 0;

	*ret = (struct estate){
		.control = -1, .pidfile = -1, .binary = -1, .reply = -1
	};
	if (unpack_u32(u) != MAGIC)
		return -EPROTO;
	while (r == 0 && item != ITEM_END && !u->bad) {
		name = unpack_text(u);
		number = unpack_u32(u);
		text = unpack_text(u);
		if (!u->bad) {
			item = find_item(name);
			r = take(ret, item, number, text);
		}
		free(name);
		free(text);
	}
	return u->bad ? -EPROTO : r;
}

void
estate_fini(struct estate *e)
{
	free(e->control_path);
	free(e->pidfile_path);
	free(e->rest);
}
