/*
 * client_release.c - a connection goes to the worker that has its session,
 * with the bytes that were read from it.
 */
#include "config.h"

#include <sys/socket.h>

#include "common/fd.h"
#include "worker/client.h"
#include "worker/work.h"

static void
pass_block(void *context, uint32_t index)
{
	struct client *c = context;

	claim_pass(&c->w->arena.claim, index, owner_of_travelling(c->slot));
}

static void
take_block(void *context, uint32_t index)
{
	struct client *c = context;

	(void)claim_inherit(
	    &c->w->arena.claim, index, owner_of_travelling(c->slot));
}

void
client_release(struct client *c)
{
	struct msg m;

	if (chain_visit(&c->w->arena, &client_state(c)->in, pass_block, c) !=
	    0) {
		client_close(c, END_RECORD_BROKEN, true);
		return;
	}
	msg_init(&m, MSG_RELEASE);
	m.body.RELEASE.slot = c->slot;
	m.body.RELEASE.generation = c->rec->generation;
	m.body.RELEASE.target = c->target;
	c->is_closing = true;
	client_rewatch(c);
	worker_count(c->w, COUNTER_RELEASES, 1);
	if (channel_send(&c->w->channel, &m, -1) == 0)
		(void)shutdown(c->io.fd, SHUT_RDWR); /* nobody is left */
	client_free(c);
}

void
client_welcome(struct worker *w, uint32_t slot, int fd)
{
	struct client *c = client_revive(w, slot, fd);

	if (c == NULL) {
		farewell_say(
		    &w->farewell, slot, w->shm->clients[slot].generation);
		fd_close(&fd);
		return;
	}
	work_on_client(c, WORK_MESSAGE);
	if (chain_visit(&w->arena, &client_state(c)->in, take_block, c) == 0)
		client_act(c);
	else
		client_close(c, END_RECORD_BROKEN, true);
}
