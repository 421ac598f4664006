/*
 * dispatch.c - what workers say, and what is said to them.
 *
 * Everything in a message is checked against the vault and the worker table
 * before it is acted upon.  A message about a slot that has changed hands
 * meanwhile is not a fault, but stale, and ignored.
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "common/fd.h"
#include "common/log.h"
#include "supervisor/dispatch.h"
#include "supervisor/nursery.h"
#include "supervisor/supervisor.h"

/* Messages that may wait for a worker beside one for each of its slots. */
#define QUEUE_RESERVE 64u

/* --- to workers -------------------------------------------------------- */

/*
 * What became of sending: a worker that does not read what it is sent is
 * killed, its successor inherits what the message was about.
 */
static void
note_sent(
    struct supervisor *sv, struct worker_slot *w, enum msg_type type, int r)
{
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		return; /* sent, or it is dying */
	log_error("worker %u (pid %d): message %s: %s; killed", w->index,
	    (int)w->pid, msg_type_name(type), strerror(-r));
	nursery_kill(sv, w, WORKER_KILL_PROTOCOL);
}

static void
send_to(struct supervisor *sv, struct worker_slot *w, const struct msg *m)
{
	if (worker_slot_reachable(w))
		note_sent(sv, w, (enum msg_type)m->head.type,
		    worker_channel_send(&w->channel, m));
}

void
dispatch_client(struct supervisor *sv, struct worker_slot *w, uint32_t slot,
    uint32_t generation)
{
	if (worker_slot_reachable(w))
		note_sent(sv, w, MSG_CLIENTS,
		    worker_channel_send_client(&w->channel, slot, generation));
}

void
dispatch_drain(struct supervisor *sv, struct worker_slot *w, uint32_t limit_ms)
{
	struct msg m;

	msg_init(&m, MSG_DRAIN);
	m.body.DRAIN.limit_ms = limit_ms;
	send_to(sv, w, &m);
}

void
dispatch_log(struct supervisor *sv, struct worker_slot *w)
{
	struct msg m;

	msg_init(&m, MSG_LOG);
	send_to(sv, w, &m);
}

void
dispatch_log_level(
    struct supervisor *sv, struct worker_slot *w, enum log_level level)
{
	struct msg m;

	msg_init(&m, MSG_LOG_LEVEL);
	m.body.LOG_LEVEL.level = level;
	send_to(sv, w, &m);
}

void
dispatch_end_session(struct supervisor *sv, struct worker_slot *w,
    uint32_t slot, uint32_t generation)
{
	struct msg m;

	msg_init(&m, MSG_END_SESSION);
	m.body.END_SESSION.slot = slot;
	m.body.END_SESSION.generation = generation;
	send_to(sv, w, &m);
}

static void
send_closed(
    struct supervisor *sv, struct worker_slot *w, const struct msg_slot *body)
{
	struct msg m;

	msg_init(&m, MSG_CLOSED);
	m.body.CLOSED = *body;
	send_to(sv, w, &m);
}

/* --- from workers ------------------------------------------------------ */

/* The entry that a worker speaks of, or NULL if it is not its own. */
static const struct vault_entry *
find_own(const struct supervisor *sv, const struct worker_slot *w,
    uint32_t kind, uint32_t slot, uint32_t generation)
{
	const struct vault_entry *entry =
	    vault_find(&sv->vault, kind, slot, generation);

	return entry != NULL && entry->worker == w->index ? entry : NULL;
}

/* Takes fd in any case. */
static int
handle_park(struct supervisor *sv, struct worker_slot *w,
    const struct msg_slot *body, int fd)
{
	int r;

	r = vault_park_upstream(
	    &sv->vault, body->slot, body->generation, fd, w->index);
	if (r == 0)
		return 0;
	fd_close(&fd);
	return -EPROTO;
}

/*
 * An upstream whose PARK was lost (-EMFILE) has no entry: there is nothing
 * to close, but the worker still waits for the word.
 */
static bool
was_never_parked(const struct supervisor *sv, const struct msg_slot *body)
{
	const struct vault_table *t = &sv->vault.tables[SOCKET_UPSTREAM];

	return body->slot >= t->touched || t->entries[body->slot].fd < 0;
}

static int
handle_unpark(
    struct supervisor *sv, struct worker_slot *w, const struct msg_slot *body)
{
	if (body->slot >= sv->vault.tables[SOCKET_UPSTREAM].capacity)
		return -EPROTO;
	if (find_own(sv, w, SOCKET_UPSTREAM, body->slot, body->generation) !=
	    NULL)
		supervisor_drop(sv, SOCKET_UPSTREAM, body->slot);
	else if (!was_never_parked(sv, body))
		return 0; /* stale */
	send_closed(sv, w, body);
	return 0;
}

static int
handle_left(
    struct supervisor *sv, struct worker_slot *w, const struct msg_slots *body)
{
	if (body->count > MSG_SLOTS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < body->count; i++) {
		const struct msg_slot *left = &body->item[i];

		if (left->slot >= sv->vault.tables[SOCKET_CLIENT].capacity)
			return -EPROTO;
		if (find_own(sv, w, SOCKET_CLIENT, left->slot,
			left->generation) != NULL)
			supervisor_drop(sv, SOCKET_CLIENT, left->slot);
	}
	return 0;
}

static int
handle_release(struct supervisor *sv, struct worker_slot *w,
    const struct msg_release *body)
{
	struct worker_slot *target;

	if (body->target >= sv->workers.count)
		return -EPROTO;
	if (find_own(sv, w, SOCKET_CLIENT, body->slot, body->generation) ==
	    NULL)
		return 0; /* stale */
	target = worker_table_heir(&sv->workers, body->target);
	vault_give(&sv->vault, SOCKET_CLIENT, body->slot, target->index);
	atomic_store_explicit(&sv->shm.client_owners[body->slot],
	    worker_slot_owner_id(target), memory_order_release);
	dispatch_client(sv, target, body->slot, body->generation);
	return 0;
}

static int
handle_adopted(struct supervisor *sv, struct worker_slot *w,
    const struct msg_adopted *body)
{
	if (!worker_slot_adopted(w, body->owner))
		log_debug("worker %u: adopted %#x, which was not to be",
		    w->index, body->owner);
	else
		nursery_fill(sv);
	poison_settled(&w->poison);
	return 0;
}

/* Takes fd, which only PARK has (msg_check()).  0 or -EPROTO. */
static int
handle(
    struct supervisor *sv, struct worker_slot *w, const struct msg *m, int fd)
{
	switch ((enum msg_type)m->head.type) {
	case MSG_READY:
		return nursery_ready(sv, w);
	case MSG_PARK:
		return handle_park(sv, w, &m->body.PARK, fd);
	case MSG_UNPARK:
		return handle_unpark(sv, w, &m->body.UNPARK);
	case MSG_LEFT:
		return handle_left(sv, w, &m->body.LEFT);
	case MSG_RELEASE:
		return handle_release(sv, w, &m->body.RELEASE);
	case MSG_ADOPTED:
		return handle_adopted(sv, w, &m->body.ADOPTED);
	case MSG_LET_GO:
		w->bond = BOND_LOOSE;
		return 0;
	case MSG_CLIENTS:
	case MSG_CLOSED:
	case MSG_DRAIN:
	case MSG_ALONE:
	case MSG_LOG:
	case MSG_LOG_LEVEL:
	case MSG_END_SESSION:
	case MSG_TYPE_COUNT:
		break; /* refused by msg_check() */
	}
	fd_close(&fd);
	return -EPROTO;
}

/* --- the channel's handler --------------------------------------------- */

static void
punish(struct supervisor *sv, struct worker_slot *w, const char *what)
{
	if (w->kill == WORKER_KILL_NONE)
		log_error("worker %u (pid %d): broke the protocol: %s; killed",
		    w->index, (int)w->pid, what);
	nursery_kill(sv, w, WORKER_KILL_PROTOCOL);
}

static void
on_message(void *context, const struct msg *m, int fd)
{
	struct worker_slot *w = context;
	char what[32] = "message ";

	if (handle(w->supervisor, w, m, fd) == 0)
		return;
	(void)strncat(
	    what, msg_type_name(m->head.type), sizeof(what) - strlen(what) - 1);
	punish(w->supervisor, w, what);
}

static void
on_fault(void *context, int error)
{
	struct worker_slot *w = context;

	switch (error) {
	case -EPROTO:
		punish(w->supervisor, w, "not a message");
		break;
	case -EMFILE:
		log_error("worker %u (pid %d): no descriptor free for an "
			  "upstream connection: it would not survive a crash",
		    w->index, (int)w->pid);
		break;
	default:
		punish(w->supervisor, w, strerror(-error));
		break;
	}
}

/*
 * Those of clients.  One may have left the vault, or changed hands, while its
 * message waited; then the descriptor is another's.
 */
static int
clients_descriptors(
    const struct worker_slot *w, struct msg_slots *clients, struct msg_fds *ret)
{
	const struct vault_entry *entry;

	for (uint32_t i = 0; i < clients->count; i++) {
		struct msg_slot client = clients->item[i];

		entry = find_own(w->supervisor, w, SOCKET_CLIENT, client.slot,
		    client.generation);
		if (entry == NULL)
			continue;
		clients->item[ret->count] = client;
		ret->fd[ret->count++] = entry->fd;
	}
	clients->count = ret->count;
	return ret->count > 0 ? 0 : -ESTALE;
}

static int
descriptors(void *context, struct msg *m, struct msg_fds *ret)
{
	if (m->head.type == MSG_CLIENTS)
		return clients_descriptors(context, &m->body.CLIENTS, ret);
	if (m->head.type == MSG_LOG)
		ret->fd[ret->count++] = log_fd();
	return 0;
}

void
dispatch_open(struct supervisor *sv, struct worker_slot *w, int fd)
{
	static const struct worker_channel_handler handler = {
		.on_message = on_message,
		.on_fault = on_fault,
		.descriptors = descriptors,
	};
	uint32_t limit = sv->vault.tables[SOCKET_CLIENT].capacity +
			 sv->vault.tables[SOCKET_UPSTREAM].capacity +
			 QUEUE_RESERVE;

	w->supervisor = sv;
	worker_channel_open(&w->channel, sv->loop, fd, limit, &handler, w);
}
