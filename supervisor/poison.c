/*
 * poison.c - records that workers die of.
 */
#include "config.h"

#include <sys/wait.h>

#include "common/fault_signals.h"
#include "supervisor/poison.h"

#define DEATHS_ENOUGH 2u

bool
poison_is_fault(int wait_status, bool hung)
{
	if (hung)
		return true;
	if (!WIFSIGNALED(wait_status))
		return false;
	switch (WTERMSIG(wait_status)) {
#define X(signal) case signal:
		FAULT_SIGNALS(X)
#undef X
		return true;
	default:
		return false;
	}
}

/* Whether the worker was at something that can be ended. */
static bool
can_be_blamed(uint32_t task, const struct work_place *place)
{
	return place->kind != WORK_ON_NOTHING || task == WORK_ADOPT;
}

static bool
is_same(const struct work_place *a, const struct work_place *b)
{
	return a->kind == b->kind && a->slot == b->slot &&
	       a->generation == b->generation && a->position == b->position;
}

/* The suspect at this place, or one that is forgotten for it. */
static struct poison_suspect *
find_suspect(struct poison *p, const struct work_place *place)
{
	struct poison_suspect *s;

	for (uint32_t i = 0; i < POISON_SUSPECTS; i++) {
		s = &p->suspects[i];
		if (s->deaths > 0 && is_same(&s->place, place))
			return s;
	}
	s = &p->suspects[p->next];
	p->next = (p->next + 1) % POISON_SUSPECTS;
	*s = (struct poison_suspect){ .place = *place };
	return s;
}

uint32_t
poison_note(struct poison *p, uint32_t task, const struct work_place *place)
{
	struct poison_suspect *s;

	if (!can_be_blamed(task, place))
		return 0;
	s = find_suspect(p, place);
	s->task = task;
	return ++s->deaths;
}

/*
 * Where it can't be ended in good order: an error would have to be sent, or
 * the record to be read.
 */
static bool
is_final(const struct poison_suspect *s)
{
	return s->deaths > DEATHS_ENOUGH || s->task == WORK_ADOPT ||
	       s->task == WORK_SEND_CLIENT;
}

uint32_t
poison_verdicts(
    const struct poison *p, struct work_verdict ret[POISON_SUSPECTS])
{
	const struct poison_suspect *s = p->suspects;
	uint32_t count = 0;

	for (; s < p->suspects + POISON_SUSPECTS; s++) {
		if (s->deaths >= DEATHS_ENOUGH)
			ret[count++] = (struct work_verdict){
				.place = s->place,
				.is_final = is_final(s),
			};
	}
	return count;
}

void
poison_settled(struct poison *p)
{
	for (uint32_t i = 0; i < POISON_SUSPECTS; i++) {
		if (p->suspects[i].deaths >= DEATHS_ENOUGH)
			p->suspects[i] = (struct poison_suspect){ .deaths = 0 };
	}
}
