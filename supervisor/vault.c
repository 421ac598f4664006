/*
 * vault.c - the originals of every connection.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "common/fd.h"
#include "supervisor/vault.h"

static int
table_init(struct vault_table *t, uint32_t capacity)
{
	/* Not all of it is touched: that would cost memory for nothing. */
	t->entries = calloc(capacity, sizeof(*t->entries));
	if (t->entries == NULL)
		return -ENOMEM;
	t->capacity = capacity;
	t->touched = 0;
	t->free = VAULT_NONE;
	t->used = 0;
	for (size_t i = 0; i < ARRAY_LEN(t->lists); i++)
		t->lists[i] = (struct vault_list){ .first = VAULT_NONE };
	return 0;
}

static void
table_fini(struct vault_table *t)
{
	for (uint32_t i = 0; i < t->touched; i++)
		fd_close(&t->entries[i].fd);
	free(t->entries);
	*t = (struct vault_table){ 0 };
}

int
vault_init(struct vault *v, uint32_t clients, uint32_t upstreams)
{
	int r;

	*v = (struct vault){ 0 };
	r = table_init(&v->tables[SOCKET_CLIENT], clients);
	if (r == 0)
		r = table_init(&v->tables[SOCKET_UPSTREAM], upstreams);
	if (r < 0)
		vault_fini(v);
	return r;
}

void
vault_fini(struct vault *v)
{
	for (size_t i = 0; i < VAULT_KINDS; i++)
		table_fini(&v->tables[i]);
}

/* Slots below `touched` are initialised; make it so up to this one. */
static void
table_touch(struct vault_table *t, uint32_t slot)
{
	while (t->touched <= slot)
		t->entries[t->touched++] = (struct vault_entry){ .fd = -1 };
}

static void
list_add(struct vault_table *t, uint32_t slot, uint32_t worker)
{
	struct vault_entry *entry = &t->entries[slot];
	struct vault_list *list = &t->lists[worker];

	entry->worker = worker;
	entry->previous = VAULT_NONE;
	entry->next = list->first;
	if (list->first != VAULT_NONE)
		t->entries[list->first].previous = slot;
	list->first = slot;
	list->count++;
}

static void
list_remove(struct vault_table *t, uint32_t slot)
{
	struct vault_entry *entry = &t->entries[slot];
	struct vault_list *list = &t->lists[entry->worker];

	if (entry->previous != VAULT_NONE)
		t->entries[entry->previous].next = entry->next;
	else
		list->first = entry->next;
	if (entry->next != VAULT_NONE)
		t->entries[entry->next].previous = entry->previous;
	list->count--;
}

/* A free client slot, or VAULT_NONE. */
static uint32_t
take_free_slot(struct vault_table *t)
{
	uint32_t slot = t->free;

	if (slot != VAULT_NONE) {
		t->free = t->entries[slot].next;
		return slot;
	}
	if (t->touched == t->capacity)
		return VAULT_NONE;
	slot = t->touched;
	table_touch(t, slot);
	return slot;
}

int
vault_add_client(struct vault *v, int fd, uint32_t worker, uint32_t *ret_slot,
    uint32_t *ret_generation)
{
	struct vault_table *t = &v->tables[SOCKET_CLIENT];
	struct vault_entry *entry;
	uint32_t slot;

	sc_assert(fd >= 0 && worker < SHM_WORKERS_MAX);
	slot = take_free_slot(t);
	if (slot == VAULT_NONE)
		return -ENOSPC;
	entry = &t->entries[slot];
	entry->fd = fd;
	if (++entry->generation == 0)
		entry->generation = 1;
	list_add(t, slot, worker);
	t->used++;
	*ret_slot = slot;
	*ret_generation = entry->generation;
	return 0;
}

int
vault_park_upstream(struct vault *v, uint32_t slot, uint32_t generation, int fd,
    uint32_t worker)
{
	struct vault_table *t = &v->tables[SOCKET_UPSTREAM];

	sc_assert(fd >= 0 && worker < SHM_WORKERS_MAX);
	if (slot >= t->capacity)
		return -ERANGE;
	table_touch(t, slot);
	if (t->entries[slot].fd >= 0)
		return -EBUSY;
	t->entries[slot].fd = fd;
	t->entries[slot].generation = generation;
	list_add(t, slot, worker);
	t->used++;
	return 0;
}

const struct vault_entry *
vault_find(
    const struct vault *v, uint32_t kind, uint32_t slot, uint32_t generation)
{
	const struct vault_table *t;
	const struct vault_entry *entry;

	if (kind >= VAULT_KINDS)
		return NULL;
	t = &v->tables[kind];
	if (slot >= t->touched)
		return NULL;
	entry = &t->entries[slot];
	if (entry->fd < 0 || entry->generation != generation)
		return NULL;
	return entry;
}

/* The entry of a slot that must be taken. */
static struct vault_entry *
taken_entry(const struct vault *v, uint32_t kind, uint32_t slot)
{
	sc_assert(kind < VAULT_KINDS && slot < v->tables[kind].touched);
	sc_assert(v->tables[kind].entries[slot].fd >= 0);
	return &v->tables[kind].entries[slot];
}

void
vault_drop(struct vault *v, uint32_t kind, uint32_t slot)
{
	struct vault_entry *entry = taken_entry(v, kind, slot);
	struct vault_table *t = &v->tables[kind];

	list_remove(t, slot);
	fd_close(&entry->fd);
	t->used--;
	if (kind == SOCKET_CLIENT) {
		entry->next = t->free;
		t->free = slot;
	}
}

void
vault_give(struct vault *v, uint32_t kind, uint32_t slot, uint32_t worker)
{
	sc_assert(worker < SHM_WORKERS_MAX);
	(void)taken_entry(v, kind, slot);
	list_remove(&v->tables[kind], slot);
	list_add(&v->tables[kind], slot, worker);
}

int
vault_restore(struct vault *v, uint32_t kind, uint32_t slot,
    const struct vault_entry *entry)
{
	struct vault_table *t = &v->tables[kind];

	if (slot >= t->capacity ||
	    (entry->fd >= 0 && entry->worker >= SHM_WORKERS_MAX))
		return -ERANGE;
	table_touch(t, slot);
	t->entries[slot].fd = entry->fd;
	t->entries[slot].generation = entry->generation;
	if (entry->fd >= 0) {
		list_add(t, slot, entry->worker);
		t->used++;
	} else if (kind == SOCKET_CLIENT) {
		t->entries[slot].next = t->free;
		t->free = slot;
	}
	return 0;
}

uint32_t
vault_count(const struct vault *v, uint32_t kind, uint32_t worker)
{
	return v->tables[kind].lists[worker].count;
}

uint32_t
vault_room(const struct vault *v, uint32_t kind)
{
	return v->tables[kind].capacity - v->tables[kind].used;
}

uint32_t
vault_first(const struct vault *v, uint32_t kind, uint32_t worker)
{
	return v->tables[kind].lists[worker].first;
}

uint32_t
vault_next(const struct vault *v, uint32_t kind, uint32_t slot)
{
	return taken_entry(v, kind, slot)->next;
}

const struct vault_entry *
vault_entry(const struct vault *v, uint32_t kind, uint32_t slot)
{
	return taken_entry(v, kind, slot);
}
