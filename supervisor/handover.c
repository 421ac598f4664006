/*
 * handover.c - what one image of the daemon leaves to the next.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_key.h"
#include "common/log.h"
#include "common/msg.h"
#include "supervisor/dispatch.h"
#include "supervisor/handover.h"
#include "supervisor/state.h"

#define MAGIC 0x4f484353u /* "SCHO" */
#define ITEMS_MAX 4096u   /* of one key */

/* In developer builds another one can be pretended, for the tests. */
static unsigned
layout_version(void)
{
#ifdef SC_DEVELOPER
	const char *pretended = getenv(HANDOVER_LAYOUT_VARIABLE);

	if (pretended != NULL)
		return (unsigned)atoi(pretended);
#endif
	return SHM_LAYOUT_VERSION;
}

void
handover_versions(char *buf, size_t cap)
{
	(void)snprintf(buf, cap, "%u.%u.%u.%zu.%zu", HANDOVER_VERSION,
	    layout_version(), MSG_VERSION, sizeof(struct msg),
	    sizeof(struct shm_header));
}

/* --- the configuration ---------------------------------------------------- */

static void
write_key(const struct conf *conf, const struct conf_key *key, struct pack *p)
{
	struct conf_list items;

	if (conf_get_items(conf, key->name, &items) < 0) {
		p->failed = true;
		return;
	}
	pack_text(p, key->name);
	pack_u32(p, (uint32_t)items.count);
	for (size_t i = 0; i < items.count; i++)
		pack_text(p, items.items[i]);
	conf_list_fini(&items);
}

static void
write_conf(const struct conf *conf, struct pack *p)
{
	const struct conf_key *key;
	uint32_t count = 0;

	while (conf_key_at(count) != NULL)
		count++;
	pack_u32(p, count);
	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++)
		write_key(conf, key, p);
}

/* One key.  One that this version does not know is passed over. */
static int
read_key(struct unpack *u, struct conf *conf)
{
	char error[CONF_ERROR_CAP];
	char *name = unpack_text(u);
	uint32_t count = unpack_u32(u), got = 0;
	char **items = NULL;
	int r = -EPROTO;

	if (!u->bad && count <= ITEMS_MAX)
		items = calloc(count + 1, sizeof(*items));
	while (items != NULL && got < count && !u->bad)
		items[got++] = unpack_text(u);
	if (items != NULL && !u->bad) {
		r = 0;
		if (conf_key_find(name) != NULL)
			r = conf_set_items(conf, name,
			    (const char *const *)items, count, error,
			    sizeof(error));
	}
	for (uint32_t i = 0; i < got; i++)
		free(items[i]);
	free(items);
	free(name);
	return r;
}

static int
read_conf(struct unpack *u, struct conf *conf)
{
	uint32_t count = unpack_u32(u);
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count && !u->bad; i++)
		r = read_key(u, conf);
	return u->bad ? -EPROTO : r;
}

/* --- listeners ------------------------------------------------------------ */

static void
write_listeners(const struct listeners *l, struct pack *p)
{
	pack_u32(p, (uint32_t)l->count);
	for (size_t i = 0; i < l->count; i++) {
		pack_fd(p, l->items[i].fd);
		pack_text(p, l->items[i].origin);
	}
}

static int
read_listeners(struct unpack *u, struct listeners *l)
{
	uint32_t count = unpack_u32(u);
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count && !u->bad; i++) {
		int fd = unpack_fd(u);
		char *origin = unpack_text(u);

		r = origin != NULL && fd >= 0 ? listeners_add(l, fd, origin)
					      : -EPROTO;
		free(origin);
	}
	return u->bad ? -EPROTO : r;
}

/* --- the vault ------------------------------------------------------------ */

static void
write_vault(const struct vault *v, struct pack *p)
{
	for (uint32_t kind = 0; kind < VAULT_KINDS; kind++) {
		const struct vault_table *t = &v->tables[kind];

		pack_u32(p, t->capacity);
		pack_u32(p, t->touched);
		for (uint32_t slot = 0; slot < t->touched; slot++) {
			pack_fd(p, t->entries[slot].fd);
			pack_u32(p, t->entries[slot].generation);
			pack_u32(p, t->entries[slot].worker);
		}
	}
}

static void
read_entries(struct unpack *u, struct vault *v, uint32_t kind)
{
	uint32_t touched = unpack_u32(u);

	for (uint32_t slot = 0; slot < touched && !u->bad; slot++) {
		struct vault_entry entry = { .fd = unpack_fd(u) };

		entry.generation = unpack_u32(u);
		entry.worker = unpack_u32(u);
		if (u->bad || vault_restore(v, kind, slot, &entry) < 0)
			u->bad = true;
	}
}

static int
read_vault(struct unpack *u, struct supervisor *sv)
{
	const struct shm_sizes *sizes = &sv->shm.sizes;
	int r = vault_init(&sv->vault, sizes->clients, sizes->upstreams);

	if (r < 0)
		return r;
	for (uint32_t kind = 0; kind < VAULT_KINDS; kind++) {
		if (unpack_u32(u) != sv->vault.tables[kind].capacity)
			u->bad = true;
		read_entries(u, &sv->vault, kind);
	}
	return u->bad ? -EPROTO : 0;
}

/* --- workers -------------------------------------------------------------- */

static void
write_worker(const struct worker_slot *w, struct pack *p)
{
	pack_u32(p, w->generation);
	pack_u32(p, w->state);
	pack_u32(p, w->kill);
	pack_u32(p, w->bond);
	pack_u32(p, (uint32_t)w->pid);
	pack_u64(p, w->started_ms);
	pack_u64(p, w->ready_ms);
	pack_u32(p, w->fails);
	pack_u64(p, w->restarts);
	pack_u32(p, w->dead_count);
	pack_bytes(p, w->dead, w->dead_count * sizeof(*w->dead));
	pack_bytes(p, &w->poison, sizeof(w->poison));
}

static void
write_workers(const struct worker_table *t, struct pack *p)
{
	pack_u32(p, t->count);
	pack_u32(p, t->wanted);
	for (uint32_t i = 0; i < t->count; i++)
		write_worker(&t->rows[i], p);
}

static int
read_worker(struct unpack *u, struct worker_table *t, struct worker_slot *w)
{
	w->generation = unpack_u32(u);
	w->state = unpack_u32(u);
	w->kill = unpack_u32(u);
	w->bond = unpack_u32(u);
	w->pid = (pid_t)unpack_u32(u);
	w->started_ms = unpack_u64(u);
	w->ready_ms = unpack_u64(u);
	w->fails = unpack_u32(u);
	w->restarts = unpack_u64(u);
	w->dead_count = unpack_u32(u);
	if (u->bad || w->state > WORKER_DEAD ||
	    w->dead_count > u->left / sizeof(*w->dead)) {
		w->dead_count = 0;
		return -EPROTO;
	}
	if (w->dead_count > 0) {
		w->dead = calloc(w->dead_count, sizeof(*w->dead));
		if (w->dead == NULL)
			return -ENOMEM;
		w->dead_cap = w->dead_count;
		unpack_bytes(u, w->dead, w->dead_count * sizeof(*w->dead));
	}
	unpack_bytes(u, &w->poison, sizeof(w->poison));
	pulse_start(&w->pulse, atomic_load(&t->mirror[w->index].beat));
	return 0;
}

static int
read_workers(struct unpack *u, struct supervisor *sv)
{
	uint32_t count = unpack_u32(u), wanted = unpack_u32(u);
	int r;

	if (u->bad || count == 0 || count > SHM_WORKERS_MAX || wanted == 0 ||
	    wanted > count)
		return -EPROTO;
	r = worker_table_init(&sv->workers, count, sv->shm.workers);
	if (r < 0)
		return r;
	worker_table_resize(&sv->workers, wanted);
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = read_worker(u, &sv->workers, &sv->workers.rows[i]);
	return r;
}

/* --- channels ------------------------------------------------------------- */

static void
write_channel(const struct worker_channel *ch, struct pack *p)
{
	bool there = ch->state != CHANNEL_CLOSED;
	const struct msg *m;

	pack_fd(p, there ? ch->fd : -1);
	pack_u32(p, there ? channel_queue_count(&ch->queue) : 0);
	if (!there)
		return;
	for (uint32_t i = 0; (m = channel_queue_at(&ch->queue, i)) != NULL; i++)
		pack_bytes(p, m, sizeof(*m));
}

static void
write_channels(const struct worker_table *t, struct pack *p)
{
	for (uint32_t i = 0; i < t->count; i++)
		write_channel(&t->rows[i].channel, p);
}

int
handover_read_channels(struct unpack *u, struct supervisor *sv)
{
	for (uint32_t i = 0; i < sv->workers.count && !u->bad; i++) {
		struct worker_slot *w = &sv->workers.rows[i];
		int fd = unpack_fd(u);
		uint32_t count = unpack_u32(u);
		struct msg m;

		if (fd >= 0)
			dispatch_open(sv, w, fd);
		else if (w->pid != 0 || count > 0)
			return -EPROTO;
		for (uint32_t n = 0; n < count && !u->bad; n++) {
			unpack_bytes(u, &m, sizeof(m));
			/* One that closed its end is dying. */
			if (!u->bad)
				(void)!worker_channel_send(&w->channel, &m);
		}
	}
	return u->bad || u->left > 0 ? -EPROTO : 0;
}

/* --- all of it ------------------------------------------------------------ */

void
handover_write(
    const struct supervisor *sv, const struct handover *h, struct pack *p)
{
	char versions[HANDOVER_VERSIONS_CAP];

	handover_versions(versions, sizeof(versions));
	pack_u32(p, MAGIC);
	pack_text(p, versions);
	pack_text(p, sv->binary);
	pack_fd(p, h->log_fd);
	pack_fd(p, h->binary);
	pack_fd(p, h->reply);
	pack_fd(p, sv->control.fd);
	pack_fd(p, sv->pidfile.fd);
	pack_fd(p, sv->shm.fd);
	pack_u64(p, sv->started_ms);
	pack_bytes(p, &sv->deaths, sizeof(sv->deaths));
	pack_bytes(p, &sv->reloads, sizeof(sv->reloads));
	pack_u64(p, sv->upgrades);
	leaving_write(&sv->leaving, p);
	write_conf(sv->conf, p);
	write_listeners(&sv->listeners, p);
	write_listeners(&sv->scrape.listeners, p);
	write_vault(&sv->vault, p);
	write_workers(&sv->workers, p);
	write_channels(&sv->workers, p);
}

static bool
is_this_version(struct unpack *u)
{
	char want[HANDOVER_VERSIONS_CAP];
	bool same = unpack_u32(u) == MAGIC;
	char *versions = same ? unpack_text(u) : NULL;

	handover_versions(want, sizeof(want));
	same = versions != NULL && strcmp(versions, want) == 0;
	free(versions);
	return same;
}

int
handover_read(struct unpack *u, struct supervisor *sv, struct handover *ret)
{
	int r;

	if (!is_this_version(u))
		return -EPROTO;
	sv->binary = unpack_text(u);
	ret->log_fd = unpack_fd(u);
	ret->binary = unpack_fd(u);
	ret->reply = unpack_fd(u);
	sv->control.fd = unpack_fd(u);
	sv->pidfile.fd = unpack_fd(u);
	sv->shm.fd = unpack_fd(u);
	sv->started_ms = unpack_u64(u);
	unpack_bytes(u, &sv->deaths, sizeof(sv->deaths));
	unpack_bytes(u, &sv->reloads, sizeof(sv->reloads));
	sv->upgrades = unpack_u64(u);
	leaving_read(u, &sv->leaving);
	if (u->bad)
		return -EPROTO;
	r = shm_attach(sv->shm.fd, &sv->shm);
	if (r == 0)
		r = read_conf(u, sv->conf);
	if (r == 0)
		r = read_listeners(u, &sv->listeners);
	if (r == 0)
		r = read_listeners(u, &sv->scrape.listeners);
	if (r == 0)
		r = read_vault(u, sv);
	if (r == 0)
		r = read_workers(u, sv);
	return r;
}
