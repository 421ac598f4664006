/*
 * nursery.c - births and deaths of workers.
 *
 * After a death, in this order: reap, read the dead one's channel to its
 * end, and only then fork the successor.  What it had parked before it died
 * is in the vault by then, and so in the successor's inheritance.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "supervisor/blame.h"
#include "supervisor/complain.h"
#include "supervisor/dispatch.h"
#include "supervisor/nursery.h"
#include "supervisor/obituary.h"
#include "supervisor/respawn.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"

/* Wait before the next try where a fork fails. */
#define FORK_RETRY_MS 1000u

/* --- births ------------------------------------------------------------ */

static void
start_timer(struct supervisor *sv, struct worker_slot *w, unsigned delay_ms)
{
	ev_timer_set(&w->respawn, delay_ms / 1000., 0);
	ev_timer_start(sv->loop, &w->respawn);
}

/* In the child: leave nothing of the supervisor running. */
static void
leave_supervisor(void *context)
{
	struct supervisor *sv = context;

	signals_stop(&sv->signals);
	ev_loop_destroy(sv->loop);
	if (sv->daemon.report >= 0)
		daemon_detach(&sv->daemon);
}

/* A worker that is born while we drain is told so at once. */
static void
tell_newborn(struct supervisor *sv, struct worker_slot *w)
{
	uint64_t now = clock_ms();

	if (sv->state != SUPERVISOR_DRAINING)
		return;
	worker_slot_set_state(&sv->workers, w, WORKER_LEAVING);
	dispatch_drain(sv, w,
	    sv->deadline_ms > now ? (uint32_t)(sv->deadline_ms - now) : 0);
}

/* Fork a worker into an empty slot; false if it has to be tried later. */
static bool
give_birth(struct supervisor *sv, struct worker_slot *w)
{
	struct spawn_plan plan = {
		.vault = &sv->vault,
		.shm = &sv->shm,
		.conf = sv->conf,
		.user = &sv->user,
		.leave = leave_supervisor,
		.context = sv,
	};
	int channel, r;
	pid_t pid;

	w->generation++;
	r = spawn_worker(&plan, w, &pid, &channel);
	if (r < 0) {
		log_error("worker %u: can't be started: %s; next try in %u ms",
		    w->index, strerror(-r), FORK_RETRY_MS);
		start_timer(sv, w, FORK_RETRY_MS);
		return false;
	}
	worker_slot_born(&sv->workers, w, pid, clock_ms());
	dispatch_open(sv, w, channel);
	recycle_note_birth(sv, w);
	tell_newborn(sv, w);
	return true;
}

static void
on_respawn_due(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct worker_slot *w = timer->data;

	(void)loop;
	(void)revents;
	if (give_birth(w->supervisor, w))
		log_notice("worker %u: started, pid %d", w->index, (int)w->pid);
}

void
nursery_init(struct supervisor *sv)
{
	for (uint32_t i = 0; i < SHM_WORKERS_MAX; i++) {
		struct worker_slot *w = &sv->workers.rows[i];

		w->supervisor = sv;
		ev_timer_init(&w->respawn, on_respawn_due, 0, 0);
		w->respawn.data = w;
	}
}

void
nursery_fill(struct supervisor *sv)
{
	if (sv->state >= SUPERVISOR_DRAINING)
		return;
	for (uint32_t i = 0; i < sv->workers.wanted; i++) {
		struct worker_slot *w = &sv->workers.rows[i];

		if (w->state != WORKER_EMPTY || ev_is_active(&w->respawn) ||
		    worker_table_is_mourned(&sv->workers, i))
			continue;
		if (give_birth(sv, w))
			log_info("worker %u: started, pid %d", w->index,
			    (int)w->pid);
	}
}

void
nursery_start(struct supervisor *sv)
{
	nursery_fill(sv);
}

void
nursery_resume(struct supervisor *sv)
{
	for (uint32_t i = 0; i < sv->workers.wanted; i++) {
		struct worker_slot *w = &sv->workers.rows[i];

		if (w->state == WORKER_DEAD)
			start_timer(sv, w, respawn_delay_ms(w->fails));
	}
	nursery_fill(sv);
}

void
nursery_hasten(struct supervisor *sv, uint64_t slots)
{
	for (uint32_t i = 0; i < sv->workers.wanted; i++) {
		struct worker_slot *w = &sv->workers.rows[i];

		if ((slots & (uint64_t)1 << i) != 0 &&
		    ev_is_active(&w->respawn)) {
			ev_timer_stop(sv->loop, &w->respawn);
			(void)give_birth(sv, w);
		}
	}
}

int
nursery_ready(struct supervisor *sv, struct worker_slot *w)
{
	if (w->ready_ms != 0)
		return -EPROTO;
	w->ready_ms = clock_ms();
	if (w->state == WORKER_STARTING) {
		worker_slot_set_state(&sv->workers, w, WORKER_READY);
		log_debug("worker %u (pid %d): ready after %llu ms", w->index,
		    (int)w->pid,
		    (unsigned long long)(w->ready_ms - w->started_ms));
	}
	if (sv->state == SUPERVISOR_STARTING)
		supervisor_serving(sv);
	acceptor_workers_changed(&sv->acceptor);
	if (w->state == WORKER_READY)
		recycle_note_ready(sv, w);
	return 0;
}

/* --- deaths ------------------------------------------------------------ */

/* Let a signal end a worker; it gets no more connections. */
static void
doom(struct supervisor *sv, struct worker_slot *w, enum worker_kill why,
    int number)
{
	if (w->pid == 0)
		return;
	if (w->kill == WORKER_KILL_NONE) {
		w->kill = why;
		worker_slot_ended(&sv->workers, w, clock_us());
	}
	if (w->state == WORKER_STARTING || w->state == WORKER_READY) {
		worker_slot_set_state(&sv->workers, w, WORKER_LEAVING);
		acceptor_workers_changed(&sv->acceptor);
	}
	(void)kill(w->pid, number);
}

void
nursery_kill(struct supervisor *sv, struct worker_slot *w, enum worker_kill why)
{
	doom(sv, w, why, SIGKILL);
}

static bool
leaves_sockets(const struct supervisor *sv, const struct worker_slot *w)
{
	return vault_count(&sv->vault, SOCKET_CLIENT, w->index) > 0 ||
	       vault_count(&sv->vault, SOCKET_UPSTREAM, w->index) > 0;
}

/* Decide about a successor; the dead one is reaped, its channel read. */
static struct respawn_decision
decide(const struct supervisor *sv, const struct worker_slot *w, int status)
{
	struct respawn_case c = {
		.wait_status = status,
		.was_ready = w->ready_ms != 0,
		.killed_by_us = w->kill != WORKER_KILL_NONE,
		.recycled = w->kill == WORKER_KILL_RECYCLE,
		.stopping = sv->state >= SUPERVISOR_DRAINING,
		.leaves_sockets =
		    sv->state != SUPERVISOR_STOPPING && leaves_sockets(sv, w),
		.any_was_ready = sv->state != SUPERVISOR_STARTING,
		.served_ms = w->ready_ms != 0 ? clock_ms() - w->ready_ms : 0,
		.fails = w->fails,
	};

	return respawn_decide(&c);
}

static void
refill_at_once(struct supervisor *sv, struct worker_slot *w, pid_t dead,
    const char *obituary)
{
	bool born = give_birth(sv, w);

	if (born)
		log_notice("worker %u (pid %d) %s; successor pid %d", w->index,
		    (int)dead, obituary, (int)w->pid);
	else
		log_notice(
		    "worker %u (pid %d) %s", w->index, (int)dead, obituary);
}

static void
act(struct supervisor *sv, struct worker_slot *w, pid_t dead, int status,
    const struct respawn_decision *d)
{
	char obituary[OBITUARY_CAP];

	obituary_format(status, obituary, sizeof(obituary));
	w->fails = d->fails;
	switch (d->verdict) {
	case RESPAWN_NEVER:
		worker_slot_set_state(&sv->workers, w, WORKER_EMPTY);
		log_info(
		    "worker %u (pid %d) %s", w->index, (int)dead, obituary);
		break;
	case RESPAWN_GIVE_UP:
		worker_slot_set_state(&sv->workers, w, WORKER_EMPTY);
		complain("worker %u (pid %d) %s before any worker served: "
			 "giving up",
		    w->index, (int)dead, obituary);
		supervisor_fail(sv);
		break;
	case RESPAWN_AFTER:
		if (d->delay_ms == 0) {
			refill_at_once(sv, w, dead, obituary);
			break;
		}
		log_notice("worker %u (pid %d) %s; successor in %u ms",
		    w->index, (int)dead, obituary, d->delay_ms);
		start_timer(sv, w, d->delay_ms);
		break;
	}
}

/* Give all that a retired slot has to its heir, which has to be replaced. */
static void
bequeath(struct supervisor *sv, struct worker_slot *w)
{
	struct worker_slot *heir = worker_table_heir(&sv->workers, w->index);
	uint32_t slot;

	for (uint32_t kind = 0; kind < VAULT_KINDS; kind++) {
		while ((slot = vault_first(&sv->vault, kind, w->index)) !=
		       VAULT_NONE)
			vault_give(&sv->vault, kind, slot, heir->index);
	}
	worker_slot_bequeath(w, heir);
	worker_slot_set_state(&sv->workers, w, WORKER_EMPTY);
	log_info(
	    "worker %u is no more; worker %u inherits", w->index, heir->index);
	nursery_kill(sv, heir, WORKER_KILL_RECYCLE);
}

/* A death by our own fault: what it was doing, and how often it died of it. */
static void
say_blame(const struct worker_slot *w, pid_t dead, const struct blame *blame,
    uint32_t times)
{
	log_error("worker %u (pid %d) died while %s%s%s%s", w->index, (int)dead,
	    work_task_text(blame->task), blame->about[0] != '\0' ? ", " : "",
	    blame->about, times > 1 ? ": not the first at this place" : "");
	if (blame->trace[0] != '\0')
		log_error("worker %u (pid %d) was at %s; build id %s", w->index,
		    (int)dead, blame->trace, blame->build_id);
}

static void
bury(struct supervisor *sv, struct worker_slot *w, int status)
{
	struct respawn_decision d;
	pid_t dead = w->pid;
	struct blame blame;

	if (w->kill == WORKER_KILL_NONE)
		worker_slot_ended(&sv->workers, w, clock_us());
	/* First, so that no number of a process is used that is free. */
	worker_slot_died(&sv->workers, w);
	blame_read(&sv->shm, w->index, &blame);
	deaths_note(&sv->deaths, w, dead, status, &blame);
	/* It may say there that it has adopted, and ended what was poison. */
	worker_channel_drain(&w->channel);
	worker_channel_close(&w->channel);
	if (poison_is_fault(status, w->kill == WORKER_KILL_HANG))
		say_blame(w, dead, &blame,
		    poison_note(&w->poison, blame.task, &blame.place));
	if (w->index >= sv->workers.wanted && sv->state < SUPERVISOR_DRAINING) {
		bequeath(sv, w);
	} else {
		d = decide(sv, w, status);
		act(sv, w, dead, status, &d);
	}
	recycle_note_death(sv, w);
	acceptor_workers_changed(&sv->acceptor);
	supervisor_check_end(sv);
}

/* A slot that is too many: its worker goes, or the one that is awaited. */
static void
retire(struct supervisor *sv, struct worker_slot *w)
{
	ev_timer_stop(sv->loop, &w->respawn);
	if (w->pid != 0) {
		nursery_kill(sv, w, WORKER_KILL_RECYCLE);
	} else if (w->state == WORKER_DEAD) {
		bequeath(sv, w);
		recycle_note_death(sv, w);
	}
}

void
nursery_resize(struct supervisor *sv, uint32_t wanted)
{
	worker_table_resize(&sv->workers, wanted);
	for (uint32_t i = wanted; i < sv->workers.count; i++)
		retire(sv, &sv->workers.rows[i]);
	nursery_fill(sv);
}

void
nursery_reap(struct supervisor *sv)
{
	struct worker_slot *w;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) != 0) {
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			break; /* no children */
		w = worker_table_by_pid(&sv->workers, pid);
		if (w != NULL)
			bury(sv, w, status);
		else if (!leaving_note_exit(sv, pid, status) &&
			 !upgrade_note_exit(sv, pid, status))
			log_debug(
			    "reaped pid %d, which was no worker", (int)pid);
	}
}

/* --- the pulse --------------------------------------------------------- */

static void
look_at(struct supervisor *sv, struct worker_slot *w)
{
	uint64_t beat = atomic_load_explicit(
	    &sv->shm.workers[w->index].beat, memory_order_relaxed);

	/* It could not even say where it hangs. */
	if (w->kill == WORKER_KILL_HANG)
		nursery_kill(sv, w, WORKER_KILL_HANG);
	if (w->kill != WORKER_KILL_NONE)
		return;
	if (pulse_tick(&w->pulse, beat, sv->conf->worker_hang_timeout)) {
		log_error("worker %u (pid %d) hangs: no sign of life for "
			  "%llu ms; killed",
		    w->index, (int)w->pid,
		    (unsigned long long)sv->conf->worker_hang_timeout);
		doom(sv, w, WORKER_KILL_HANG, SIGABRT);
	} else if (!worker_channel_is_open(&w->channel)) {
		/* It lives, but nobody can talk to it. */
		log_error("worker %u (pid %d) closed its channel; killed",
		    w->index, (int)w->pid);
		nursery_kill(sv, w, WORKER_KILL_PROTOCOL);
	}
}

void
nursery_tick(struct supervisor *sv)
{
	for (uint32_t i = 0; i < sv->workers.count; i++) {
		if (sv->workers.rows[i].pid != 0)
			look_at(sv, &sv->workers.rows[i]);
	}
}

/* --- stopping ---------------------------------------------------------- */

bool
nursery_is_empty(const struct supervisor *sv)
{
	if (sv->leaving.count > 0)
		return false;
	for (uint32_t i = 0; i < sv->workers.count; i++) {
		const struct worker_slot *w = &sv->workers.rows[i];

		if (w->pid != 0 || ev_is_active(&w->respawn))
			return false;
	}
	return true;
}

static void
cancel(struct supervisor *sv, struct worker_slot *w)
{
	ev_timer_stop(sv->loop, &w->respawn);
	if (w->state == WORKER_DEAD)
		worker_slot_set_state(&sv->workers, w, WORKER_EMPTY);
}

void
nursery_cancel_idle(struct supervisor *sv)
{
	for (uint32_t i = 0; i < sv->workers.count; i++) {
		if (!leaves_sockets(sv, &sv->workers.rows[i]))
			cancel(sv, &sv->workers.rows[i]);
	}
}

void
nursery_cancel_all(struct supervisor *sv)
{
	for (uint32_t i = 0; i < sv->workers.count; i++)
		cancel(sv, &sv->workers.rows[i]);
}
