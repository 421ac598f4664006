/*
 * farewell.c - tells the supervisor which clients have left.
 */
#include "config.h"

#include "common/sc.h"
#include "worker/farewell.h"

/* Nobody waits for it but the next client, where every slot is taken. */
#define WAIT_S .005

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	farewell_flush(timer->data);
}

void
farewell_init(struct farewell *f, struct ev_loop *loop, struct channel *channel)
{
	f->loop = loop;
	f->channel = channel;
	msg_init(&f->msg, MSG_LEFT);
	ev_timer_init(&f->timer, on_timer, WAIT_S, 0.);
	f->timer.data = f;
}

void
farewell_flush(struct farewell *f)
{
	ev_timer_stop(f->loop, &f->timer);
	if (f->msg.body.LEFT.count > 0)
		(void)channel_send(f->channel, &f->msg, -1);
	f->msg.body.LEFT.count = 0;
}

void
farewell_say(struct farewell *f, uint32_t slot, uint32_t generation)
{
	struct msg_slots *left = &f->msg.body.LEFT;

	left->item[left->count++] = (struct msg_slot){ slot, generation };
	if (left->count == MSG_SLOTS_MAX) {
		farewell_flush(f);
	} else if (!ev_is_active(&f->timer)) {
		ev_timer_set(&f->timer, WAIT_S, 0.);
		ev_timer_start(f->loop, &f->timer);
	}
}
