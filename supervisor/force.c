/*
 * force.c - letting the workers go, for an image that can't have them.
 */
#include "config.h"

#include "common/log.h"
#include "supervisor/channel.h"
#include "supervisor/dispatch.h"
#include "supervisor/force.h"
#include "supervisor/recycle.h"
#include "supervisor/state.h"
#include "supervisor/supervisor.h"

static void
tell(struct worker_slot *w)
{
	struct msg m;

	if (w->bond != BOND_FIRM || !worker_slot_reachable(w))
		return;
	msg_init(&m, MSG_ALONE);
	if (worker_channel_send(&w->channel, &m) == 0)
		w->bond = BOND_TOLD;
}

void
force_begin(struct supervisor *sv)
{
	acceptor_stop(&sv->acceptor);
	for (uint32_t i = 0; i < sv->workers.count; i++)
		tell(&sv->workers.rows[i]);
}

/* Whether nothing is open between us and the worker of a row. */
static bool
is_loose(const struct worker_slot *w)
{
	if (w->state == WORKER_EMPTY)
		return true;
	/* What a dead one had is to be adopted first. */
	return w->pid != 0 && w->bond == BOND_LOOSE &&
	       worker_slot_reachable(w) &&
	       channel_queue_is_empty(&w->channel.queue);
}

bool
force_is_ready(struct supervisor *sv)
{
	bool ready = true;

	for (uint32_t i = 0; i < sv->workers.count; i++) {
		tell(&sv->workers.rows[i]);
		ready = is_loose(&sv->workers.rows[i]) && ready;
	}
	return ready;
}

void
force_take_back(struct supervisor *sv)
{
	uint64_t told = 0;

	if (sv->acceptor.state == ACCEPT_OFF &&
	    acceptor_start(&sv->acceptor, &sv->listeners) < 0) {
		log_error("accept: no memory");
		supervisor_fail(sv);
		return;
	}
	for (uint32_t i = 0; i < sv->workers.count; i++) {
		if (sv->workers.rows[i].bond != BOND_FIRM)
			told |= (uint64_t)1 << i;
	}
	if (told != 0 && recycle_begin(sv, told, NULL, NULL) < 0)
		log_error("workers that were to be let go can't be replaced");
}
