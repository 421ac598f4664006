/*
 * poison.c - bytes that workers die of.
 */
#include "config.h"

#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

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
	case SIGSEGV:
	case SIGBUS:
	case SIGABRT:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGSYS:
		return true;
	default:
		return false;
	}
}

static bool
same_place(const struct shm_hand *a, const struct shm_hand *b)
{
	return a->kind == b->kind && a->slot == b->slot &&
	       a->generation == b->generation && a->taken == b->taken;
}

void
poison_note(struct poison *p, const struct shm_hand *hand, bool fault)
{
	if (!fault)
		return;
	if (p->deaths > 0 && same_place(&p->hand, hand)) {
		if (p->deaths < DEATHS_ENOUGH)
			p->deaths++;
		return;
	}
	p->hand = *hand;
	p->deaths = 1;
}

const struct shm_hand *
poison_verdict(const struct poison *p)
{
	return p->deaths >= DEATHS_ENOUGH ? &p->hand : NULL;
}
