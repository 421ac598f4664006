/*
 * respawn.c - whether and when a worker that died gets a successor.
 */
#include "config.h"

#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include "common/backoff.h"
#include "common/sc.h"
#include "supervisor/respawn.h"

static bool
exited_with(int wait_status, int code)
{
	return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == code;
}

/* Somebody shot a worker, which is not its fault. */
static bool
killed_from_outside(const struct respawn_case *c)
{
	return !c->killed_by_us && WIFSIGNALED(c->wait_status) &&
	       WTERMSIG(c->wait_status) == SIGKILL;
}

/*
 * Shot before it served, perhaps for want of memory: its connections wait, so
 * it never takes long; but the supervisor must not spin.
 */
static void
decide_shot_early(const struct respawn_case *c, struct respawn_decision *d)
{
	d->delay_ms = respawn_delay_ms(MIN(c->fails, 1));
	d->fails = MAX(c->fails, 1);
}

struct respawn_decision
respawn_decide(const struct respawn_case *c)
{
	struct respawn_decision d = { .verdict = RESPAWN_AFTER };
	bool hopeless =
	    !c->was_ready && exited_with(c->wait_status, RESPAWN_EXIT_HOPELESS);

	if (c->stopping &&
	    (exited_with(c->wait_status, 0) || !c->leaves_sockets)) {
		d.verdict = RESPAWN_NEVER;
		return d;
	}
	if (hopeless && !c->any_was_ready) {
		d.verdict = RESPAWN_GIVE_UP;
		return d;
	}
	if (c->recycled) {
		d.fails = c->fails;
		return d;
	}
	if (killed_from_outside(c)) {
		if (!c->was_ready)
			decide_shot_early(c, &d);
		return d;
	}
	d.fails = c->served_ms >= RESPAWN_SERVED_MS ? 0 : c->fails;
	d.delay_ms = respawn_delay_ms(hopeless ? UINT_MAX : d.fails);
	if (d.fails < UINT_MAX)
		d.fails++;
	return d;
}
