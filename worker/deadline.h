/*
 * deadline.h - time limits, many of the same length.
 *
 * All deadlines of one list have the same length, so a list that is only
 * appended to stays in order of expiry: setting, moving and cancelling one
 * costs a few stores, and one libev timer serves the list.
 *
 * What has come in comes first: a request that waited while its worker was
 * dead is read before the time limit of its session is looked at.
 */
#ifndef WORKER_DEADLINE_H
#define WORKER_DEADLINE_H

#include <ev.h>
#include <stdint.h>

struct deadline {
	struct deadline *next, *prev; /* NULL: not set */
	uint64_t due_ms;
};

struct deadline_list {
	struct deadline head; /* a ring */
	struct ev_loop *loop;
	ev_timer timer;
	uint64_t length_ms;
	void (*on_due)(struct deadline *);
};

/* A list whose deadlines expire after `length_ms`; 0: never. */
void deadline_list_init(struct deadline_list *list, struct ev_loop *loop,
    uint64_t length_ms, void (*on_due)(struct deadline *));

/* Another length, from the next deadline_set() on. */
void deadline_list_set_length(struct deadline_list *list, uint64_t length_ms);

/*
 * Let `d` expire one length from now, whether or not it stood in a list.
 * on_due() is called once, with `d` cancelled.
 */
void deadline_set(struct deadline *d, struct deadline_list *list);

/*
 * The same, counted from `since_ms` (clock_ms()), which may be long ago: for
 * what another process had begun to wait for.  Cheap where many are set in
 * the order of their times.
 */
void deadline_set_since(
    struct deadline *d, struct deadline_list *list, uint64_t since_ms);

/* Forget it; allowed for one that is not set. */
void deadline_cancel(struct deadline *d);

#endif
