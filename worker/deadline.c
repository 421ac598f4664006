/*
 * deadline.c - lists of time limits in order of expiry.
 */
#include "config.h"

#include <time.h>

#include "worker/deadline.h"

/* The coarse clock's step, so that no deadline comes early. */
#define CLOCK_STEP_MS 10

/* Cheap, and not moved by an administrator (ev_now() is). */
static uint64_t
coarse_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Wait for the list's first deadline. */
static void
arm(struct deadline_list *list)
{
	struct deadline *first = list->head.next;
	uint64_t now = coarse_ms();

	if (first == &list->head || ev_is_active(&list->timer))
		return;
	ev_timer_set(&list->timer,
	    first->due_ms > now ? (double)(first->due_ms - now) / 1e3 : 0., 0.);
	ev_timer_start(list->loop, &list->timer);
}

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct deadline_list *list = timer->data;
	struct deadline *first;
	uint64_t now = coarse_ms();

	(void)loop;
	(void)revents;
	while (
	    (first = list->head.next) != &list->head && first->due_ms <= now) {
		deadline_cancel(first);
		list->on_due(first);
	}
	arm(list);
}

void
deadline_list_init(struct deadline_list *list, struct ev_loop *loop,
    uint64_t length_ms, void (*on_due)(struct deadline *))
{
	list->head.next = &list->head;
	list->head.prev = &list->head;
	list->loop = loop;
	list->length_ms = length_ms;
	list->on_due = on_due;
	ev_timer_init(&list->timer, on_timer, 0., 0.);
	ev_set_priority(&list->timer, -1);
	list->timer.data = list;
}

void
deadline_list_set_length(struct deadline_list *list, uint64_t length_ms)
{
	list->length_ms = length_ms;
}

/* Put it behind all that are due before it. */
static void
insert(struct deadline *d, struct deadline_list *list)
{
	struct deadline *before = list->head.prev;

	while (before != &list->head && before->due_ms > d->due_ms)
		before = before->prev;
	d->prev = before;
	d->next = before->next;
	d->prev->next = d;
	d->next->prev = d;
	if (before == &list->head)
		ev_timer_stop(list->loop, &list->timer);
	arm(list);
}

void
deadline_set_since(
    struct deadline *d, struct deadline_list *list, uint64_t since_ms)
{
	deadline_cancel(d);
	if (list->length_ms == 0)
		return;
	d->due_ms = since_ms + list->length_ms + CLOCK_STEP_MS;
	insert(d, list);
}

void
deadline_set(struct deadline *d, struct deadline_list *list)
{
	deadline_cancel(d);
	if (list->length_ms == 0)
		return;
	d->due_ms = coarse_ms() + list->length_ms + CLOCK_STEP_MS;
	d->prev = list->head.prev;
	d->next = &list->head;
	d->prev->next = d;
	d->next->prev = d;
	arm(list);
}

void
deadline_cancel(struct deadline *d)
{
	if (d->next == NULL)
		return;
	d->next->prev = d->prev;
	d->prev->next = d->next;
	d->next = NULL;
	d->prev = NULL;
}
