/*
 * leaving.c - workers of an image before this one.
 */
#include "config.h"

#include <signal.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sc.h"
#include "supervisor/leaving.h"
#include "supervisor/obituary.h"
#include "supervisor/state.h"
#include "supervisor/supervisor.h"

/* They go by themselves; one that hangs does not. */
#define GRACE_MS 5000u

void
leaving_add(struct leaving *l, pid_t pid, uint64_t limit_ms)
{
	if (l->count == LEAVING_MAX)
		return;
	l->pids[l->count++] = pid;
	l->until_ms = MAX(l->until_ms, clock_ms() + limit_ms + GRACE_MS);
}

void
leaving_kill(struct leaving *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		(void)kill(l->pids[i], SIGKILL);
}

static void
on_time_up(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct leaving *l = timer->data;

	(void)loop;
	(void)revents;
	log_warning("%u workers of the image before have not left in time; "
		    "killed",
	    l->count);
	leaving_kill(l);
}

void
leaving_watch(struct supervisor *sv)
{
	struct leaving *l = &sv->leaving;
	uint64_t now = clock_ms();

	ev_timer_init(&l->timer, on_time_up, 0., 0.);
	l->timer.data = l;
	if (l->count == 0)
		return;
	ev_timer_set(&l->timer,
	    l->until_ms > now ? (double)(l->until_ms - now) / 1e3 : 0., 0.);
	ev_timer_start(sv->loop, &l->timer);
}

bool
leaving_note_exit(struct supervisor *sv, pid_t pid, int wait_status)
{
	struct leaving *l = &sv->leaving;
	char obituary[OBITUARY_CAP];
	uint32_t i;

	for (i = 0; i < l->count && l->pids[i] != pid; i++)
		;
	if (i == l->count)
		return false;
	l->pids[i] = l->pids[--l->count];
	obituary_format(wait_status, obituary, sizeof(obituary));
	log_info("worker of the image before (pid %d) %s; %u are left",
	    (int)pid, obituary, l->count);
	if (l->count == 0)
		ev_timer_stop(sv->loop, &l->timer);
	supervisor_check_end(sv);
	return true;
}

void
leaving_write(const struct leaving *l, struct pack *p)
{
	pack_u64(p, l->until_ms);
	pack_u32(p, l->count);
	for (uint32_t i = 0; i < l->count; i++)
		pack_u32(p, (uint32_t)l->pids[i]);
}

void
leaving_read(struct unpack *u, struct leaving *l)
{
	uint32_t count;

	l->until_ms = unpack_u64(u);
	count = unpack_u32(u);
	if (count > LEAVING_MAX)
		u->bad = true;
	for (uint32_t i = 0; i < count && !u->bad; i++)
		l->pids[l->count++] = (pid_t)unpack_u32(u);
}
