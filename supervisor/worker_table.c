/*
 * worker_table.c - what the supervisor knows of its workers.
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/claim.h"
#include "common/log.h"
#include "supervisor/worker_table.h"

/* TABLE: state, its word, and the states that may follow it. */
#define TO(s) (1u << WORKER_##s)
/* clang-format off */
#define WORKER_STATES(X)                                                \
	X(EMPTY,    "empty",    TO(STARTING))                           \
	X(STARTING, "starting", TO(READY) | TO(LEAVING) | TO(DEAD))     \
	X(READY,    "ready",    TO(LEAVING) | TO(DEAD))                 \
	X(LEAVING,  "leaving",  TO(DEAD))                               \
	X(DEAD,     "dead",     TO(STARTING) | TO(EMPTY))
/* clang-format on */

static const struct {
	const char *name;
	unsigned next;
} worker_states[] = {
#define X(state, name, next) [WORKER_##state] = { name, next },
	WORKER_STATES(X)
#undef X
};

const char *
worker_slot_state_name(enum worker_state state)
{
	sc_assert(state < ARRAY_LEN(worker_states));
	return worker_states[state].name;
}

int
worker_table_init(
    struct worker_table *t, uint32_t count, struct shm_worker *mirror)
{
	sc_assert(count > 0 && count <= SHM_WORKERS_MAX);
	t->rows = calloc(SHM_WORKERS_MAX, sizeof(*t->rows));
	if (t->rows == NULL)
		return -ENOMEM;
	t->count = count;
	t->wanted = count;
	t->mirror = mirror;
	for (uint32_t i = 0; i < SHM_WORKERS_MAX; i++) {
		t->rows[i].index = i;
		t->rows[i].state = WORKER_EMPTY;
	}
	return 0;
}

void
worker_table_fini(struct worker_table *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		free(t->rows[i].dead);
	free(t->rows);
	*t = (struct worker_table){ 0 };
}

void
worker_table_resize(struct worker_table *t, uint32_t wanted)
{
	sc_assert(wanted > 0 && wanted <= SHM_WORKERS_MAX);
	t->wanted = wanted;
	t->count = MAX(t->count, wanted);
}

struct worker_slot *
worker_table_heir(struct worker_table *t, uint32_t index)
{
	return &t->rows[index < t->wanted ? index : index % t->wanted];
}

bool
worker_table_is_mourned(const struct worker_table *t, uint32_t index)
{
	const struct worker_slot *w;

	for (uint32_t i = 0; i < t->count; i++) {
		w = &t->rows[i];
		for (uint32_t n = 0; n < w->dead_count; n++) {
			if (i != index && owner_worker(w->dead[n]) == index)
				return true;
		}
	}
	return false;
}

struct worker_slot *
worker_table_by_pid(struct worker_table *t, pid_t pid)
{
	for (uint32_t i = 0; i < t->count; i++) {
		if (t->rows[i].pid == pid)
			return &t->rows[i];
	}
	return NULL;
}

uint32_t
worker_table_living(const struct worker_table *t)
{
	uint32_t living = 0;

	for (uint32_t i = 0; i < t->count; i++)
		living += t->rows[i].pid != 0;
	return living;
}

uint32_t
worker_table_in_state(const struct worker_table *t, enum worker_state state)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < t->count; i++)
		found += t->rows[i].state == state;
	return found;
}

static void
mirror_worker(struct worker_table *t, const struct worker_slot *w)
{
	struct shm_worker *m = &t->mirror[w->index];

	atomic_store(&m->generation, w->generation);
	atomic_store(&m->pid, (uint32_t)w->pid);
	atomic_store(&m->started_ms, w->started_ms);
	atomic_store(&m->state, (uint32_t)w->state);
}

void
worker_slot_set_state(
    struct worker_table *t, struct worker_slot *w, enum worker_state state)
{
	sc_assert(worker_states[w->state].next & (1u << state));
	w->state = state;
	mirror_worker(t, w);
}

void
worker_slot_born(
    struct worker_table *t, struct worker_slot *w, pid_t pid, uint64_t now_ms)
{
	if (w->restarts > 0 || w->state == WORKER_DEAD)
		w->restarts++;
	w->pid = pid;
	w->kill = WORKER_KILL_NONE;
	w->bond = BOND_FIRM;
	w->started_ms = now_ms;
	w->ready_ms = 0;
	pulse_start(&w->pulse, atomic_load(&t->mirror[w->index].beat));
	worker_slot_set_state(t, w, WORKER_STARTING);
}

/*
 * Without memory the id is lost, and what the dead one had claimed stays
 * claimed until the daemon is restarted; the connections are not touched.
 */
static void
remember_dead(struct worker_slot *w, uint32_t owner)
{
	if (w->dead_count == w->dead_cap) {
		uint32_t cap = w->dead_cap == 0 ? 8 : w->dead_cap * 2;
		uint32_t *grown = realloc(w->dead, cap * sizeof(*grown));

		if (grown == NULL) {
			log_error("worker %u: no memory to note a death: what "
				  "it held in shared memory is lost",
			    w->index);
			return;
		}
		w->dead = grown;
		w->dead_cap = cap;
	}
	w->dead[w->dead_count++] = owner;
}

void
worker_slot_ended(
    struct worker_table *t, const struct worker_slot *w, uint64_t now_us)
{
	for (uint32_t n = 0; n < w->dead_count; n++) {
		if (owner_worker(w->dead[n]) == w->index)
			return;
	}
	atomic_store(&t->mirror[w->index].ended_us, now_us);
}

void
worker_slot_died(struct worker_table *t, struct worker_slot *w)
{
	w->pid = 0;
	remember_dead(w, worker_slot_owner_id(w));
	worker_slot_set_state(t, w, WORKER_DEAD);
}

void
worker_slot_bequeath(struct worker_slot *w, struct worker_slot *heir)
{
	for (uint32_t i = 0; i < w->dead_count; i++)
		remember_dead(heir, w->dead[i]);
	w->dead_count = 0;
}

uint32_t
worker_slot_owner_id(const struct worker_slot *w)
{
	return owner_id(w->index, w->generation);
}

bool
worker_slot_adopted(struct worker_slot *w, uint32_t owner)
{
	for (uint32_t i = 0; i < w->dead_count; i++) {
		if (w->dead[i] != owner)
			continue;
		for (w->dead_count--; i < w->dead_count; i++)
			w->dead[i] = w->dead[i + 1];
		return true;
	}
	return false;
}

bool
worker_slot_reachable(const struct worker_slot *w)
{
	return w->pid != 0 && worker_channel_is_open(&w->channel);
}
