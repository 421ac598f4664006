/*
 * recycle.c - replacing workers that are in good health.
 *
 * A request is done with a slot as soon as a process that was born after the
 * request is ready there, whoever killed the one before.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/nursery.h"
#include "supervisor/recycle.h"
#include "supervisor/state.h"

/* A successor that dies so often before it serves ends the request. */
#define FAILS_MAX 3u

static uint64_t
bit(uint32_t index)
{
	return (uint64_t)1 << index;
}

/* --- ending ------------------------------------------------------------- */

/* Take the request out of the list, say how it went, and free it. */
static void
finish(struct supervisor *sv, struct recycle_request *request, int error,
    const char *text)
{
	struct recycle_request **p = &sv->recycle.requests;

	while (*p != request)
		p = &(*p)->next;
	*p = request->next;
	if (error == 0)
		log_info("recycle: %s", text);
	else
		log_error("recycle: %s", text);
	if (request->done != NULL)
		request->done(request->context, error, text);
	free(request);
}

static void
finish_well(struct supervisor *sv, struct recycle_request *request)
{
	char text[80];

	(void)snprintf(text, sizeof(text), "%u worker%s replaced in %llu ms",
	    request->count, request->count == 1 ? "" : "s",
	    (unsigned long long)(clock_ms() - request->begun_ms));
	finish(sv, request, 0, text);
}

void
recycle_cancel(struct supervisor *sv)
{
	while (sv->recycle.requests != NULL)
		finish(sv, sv->recycle.requests, -ECANCELED,
		    "the daemon is stopping");
}

/* --- going on ----------------------------------------------------------- */

static uint64_t
todo_of_all(const struct supervisor *sv)
{
	const struct recycle_request *request = sv->recycle.requests;
	uint64_t todo = 0;

	for (; request != NULL; request = request->next)
		todo |= request->todo;
	return todo;
}

/* The next worker to be replaced; NULL: none, or one is on its way. */
static struct worker_slot *
choose(struct supervisor *sv)
{
	struct worker_slot *w, *found = NULL;
	uint64_t todo = todo_of_all(sv);

	for (uint32_t i = 0; i < sv->workers.count; i++) {
		w = &sv->workers.rows[i];
		if ((todo & bit(i)) == 0)
			continue;
		if (w->state != WORKER_READY)
			return NULL;
		if (found == NULL)
			found = w;
	}
	return found;
}

static void
go_on(struct supervisor *sv)
{
	struct worker_slot *w;

	w = choose(sv);
	if (w == NULL)
		return;
	log_debug("worker %u (pid %d): recycled", w->index, (int)w->pid);
	nursery_kill(sv, w, WORKER_KILL_RECYCLE);
}

/* Requests that have nothing left to do are done. */
static void
finish_done(struct supervisor *sv)
{
	struct recycle_request *request = sv->recycle.requests;

	while (request != NULL) {
		if (request->todo != 0) {
			request = request->next;
			continue;
		}
		finish_well(sv, request);
		request = sv->recycle.requests; /* done() may add others */
	}
}

void
recycle_note_birth(struct supervisor *sv, const struct worker_slot *w)
{
	struct recycle_request *request = sv->recycle.requests;

	for (; request != NULL; request = request->next)
		request->born |= request->todo & bit(w->index);
}

void
recycle_note_ready(struct supervisor *sv, const struct worker_slot *w)
{
	struct recycle_request *request = sv->recycle.requests;

	for (; request != NULL; request = request->next) {
		request->todo &= ~(request->born & bit(w->index));
		request->born &= ~bit(w->index);
	}
	finish_done(sv);
	go_on(sv);
}

/* End the requests that wait for a worker which does not start. */
static void
give_up(struct supervisor *sv, uint32_t index)
{
	struct recycle_request *request = sv->recycle.requests, *next;
	char text[80];

	(void)snprintf(
	    text, sizeof(text), "worker %u does not start: see the log", index);
	for (; request != NULL; request = next) {
		next = request->next;
		if ((request->todo & bit(index)) != 0)
			finish(sv, request, -ECHILD, text);
	}
}

void
recycle_note_death(struct supervisor *sv, const struct worker_slot *w)
{
	struct recycle_request *request = sv->recycle.requests;

	if (w->state == WORKER_EMPTY) {
		/* Retired: there will be none. */
		for (; request != NULL; request = request->next)
			request->todo &= ~bit(w->index);
		finish_done(sv);
	} else if (w->fails >= FAILS_MAX) {
		give_up(sv, w->index);
	}
	go_on(sv);
}

/* --- beginning ----------------------------------------------------------- */

/* Those of the slots that have, or are to have, a worker. */
static uint64_t
existing(const struct supervisor *sv, uint64_t slots)
{
	uint64_t found = 0;

	for (uint32_t i = 0; i < sv->workers.wanted; i++) {
		if (sv->workers.rows[i].state != WORKER_EMPTY)
			found |= bit(i);
	}
	return found & slots;
}

int
recycle_begin(
    struct supervisor *sv, uint64_t slots, recycle_done *done, void *context)
{
	struct recycle_request *request;

	if (sv->state >= SUPERVISOR_DRAINING)
		return -ESHUTDOWN;
	slots = existing(sv, slots);
	if (slots == 0)
		return -ENOENT;
	request = calloc(1, sizeof(*request));
	if (request == NULL)
		return -ENOMEM;
	*request = (struct recycle_request){
		.next = sv->recycle.requests,
		.todo = slots,
		.count = (unsigned)__builtin_popcountll(slots),
		.begun_ms = clock_ms(),
		.done = done,
		.context = context,
	};
	sv->recycle.requests = request;
	nursery_hasten(sv, slots);
	go_on(sv);
	return 0;
}
