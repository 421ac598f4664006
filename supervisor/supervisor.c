/*
 * supervisor.c - start, signals and stop of the daemon.
 *
 * Owns struct supervisor and the order of things: what is made first is
 * undone last, and half of it may be there when it is undone.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/sessions.h"
#include "common/tcp_self_test.h"
#include "supervisor/complain.h"
#include "supervisor/confine.h"
#include "supervisor/control_commands.h"
#include "supervisor/control_upgrade.h"
#include "supervisor/dispatch.h"
#include "supervisor/limits.h"
#include "supervisor/notify.h"
#include "supervisor/nursery.h"
#include "supervisor/reload.h"
#include "supervisor/start.h"
#include "supervisor/state.h"
#include "supervisor/supervisor.h"
#include "supervisor/takeover.h"

/* Workers that were told to leave in time get this much more. */
#define DRAIN_GRACE_MS 1000u

/* --- what the other files ask for -------------------------------------- */

void
supervisor_serving(struct supervisor *sv)
{
	sv->state = SUPERVISOR_RUNNING;
	listeners_announce(&sv->listeners, LISTENERS_CLIENTS);
	scrape_announce(&sv->scrape);
	daemon_serving(&sv->daemon);
	notify_ready("serving");
	if (sv->upgrade.is_replacement)
		takeover_serving(sv);
}

void
supervisor_drop(struct supervisor *sv, uint32_t kind, uint32_t slot)
{
	if (kind == SOCKET_CLIENT)
		atomic_store_explicit(
		    &sv->shm.client_owners[slot], 0, memory_order_release);
	vault_drop(&sv->vault, kind, slot);
	acceptor_room_made(&sv->acceptor);
}

void
supervisor_check_end(struct supervisor *sv)
{
	if (sv->state >= SUPERVISOR_DRAINING && nursery_is_empty(sv))
		ev_break(sv->loop, EVBREAK_ALL);
}

/* --- stopping ---------------------------------------------------------- */

/* New connections are refused from now on. */
static void
stop_listening(struct supervisor *sv)
{
	acceptor_stop(&sv->acceptor);
	listeners_close(&sv->listeners);
}

/* Stop at once. */
static void
stop_now(struct supervisor *sv)
{
	if (sv->state == SUPERVISOR_STOPPING)
		return;
	sv->state = SUPERVISOR_STOPPING;
	notify_stopping(0);
	stop_listening(sv);
	recycle_cancel(sv);
	upgrade_cancel(sv);
	nursery_cancel_all(sv);
	for (uint32_t i = 0; i < sv->workers.count; i++)
		nursery_kill(sv, &sv->workers.rows[i], WORKER_KILL_STOP);
	leaving_kill(&sv->leaving);
	supervisor_check_end(sv);
}

void
supervisor_fail(struct supervisor *sv)
{
	sv->exit_status = EXIT_FAILURE;
	stop_now(sv);
}

static void
on_deadline(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct supervisor *sv = timer->data;

	(void)loop;
	(void)revents;
	log_warning("stopping: %u workers have not left in time; killed",
	    worker_table_living(&sv->workers));
	stop_now(sv);
}

static void
drain_worker(struct supervisor *sv, struct worker_slot *w, uint32_t limit_ms)
{
	if (w->state == WORKER_STARTING || w->state == WORKER_READY)
		worker_slot_set_state(&sv->workers, w, WORKER_LEAVING);
	dispatch_drain(sv, w, limit_ms);
}

/* Stop when what runs is finished, or the time for it is over. */
static void
stop_in_peace(struct supervisor *sv)
{
	uint32_t limit_ms = (uint32_t)MIN(sv->conf->drain_timeout, UINT32_MAX);

	log_notice("stopping: workers have %u ms to finish", limit_ms);
	sv->state = SUPERVISOR_DRAINING;
	sv->deadline_ms = clock_ms() + limit_ms;
	notify_stopping(limit_ms);
	stop_listening(sv);
	recycle_cancel(sv);
	upgrade_cancel(sv);
	nursery_cancel_idle(sv);
	for (uint32_t i = 0; i < sv->workers.count; i++)
		drain_worker(sv, &sv->workers.rows[i], limit_ms);
	ev_now_update(sv->loop);
	ev_timer_set(
	    &sv->deadline, ((double)limit_ms + DRAIN_GRACE_MS) / 1000., 0);
	ev_timer_start(sv->loop, &sv->deadline);
	supervisor_check_end(sv);
}

void
supervisor_drain(struct supervisor *sv)
{
	if (sv->state < SUPERVISOR_DRAINING)
		stop_in_peace(sv);
}

void
supervisor_stop(struct supervisor *sv)
{
	log_notice("stopping at once");
	stop_now(sv);
}

/* --- signals ----------------------------------------------------------- */

static void
terminate(struct supervisor *sv, int number)
{
	if (number == SIGQUIT || sv->state >= SUPERVISOR_DRAINING)
		supervisor_stop(sv);
	else
		supervisor_drain(sv);
}

/*
 * Here, and in every worker: they may not be allowed to open the file, so
 * they are sent the descriptor.
 */
static void
reopen_logs(struct supervisor *sv)
{
	int r = log_reopen();

	if (r < 0) {
		log_error("reopen the log: %s", strerror(-r));
		return;
	}
	for (uint32_t i = 0; i < sv->workers.count; i++)
		dispatch_log(sv, &sv->workers.rows[i]);
}

static void
on_signal(void *context, int number)
{
	struct supervisor *sv = context;

	switch (number) {
	case SIGCHLD:
		nursery_reap(sv);
		break;
	case SIGTERM:
	case SIGINT:
	case SIGQUIT:
		terminate(sv, number);
		break;
	case SIGHUP:
		reload_begin(sv, NULL, NULL);
		break;
	case SIGUSR1:
		reopen_logs(sv);
		break;
	case SIGUSR2:
		upgrade_begin(sv, false, -1, NULL, NULL);
		break;
	}
}

static void
on_tick(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	notify_alive();
	log_tick();
	nursery_tick(timer->data);
}

static void
on_accepted(void *context, uint32_t worker, uint32_t slot, uint32_t generation)
{
	struct supervisor *sv = context;

	dispatch_client(sv, &sv->workers.rows[worker], slot, generation);
}

/* --- start ------------------------------------------------------------- */

int
start_loop(struct supervisor *sv)
{
	sv->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (sv->loop == NULL) {
		complain("event loop: %s", strerror(errno));
		return -ENOMEM;
	}
	sv->signals.on_signal = on_signal;
	sv->signals.context = sv;
	ev_timer_init(
	    &sv->tick, on_tick, PULSE_TICK_MS / 1000., PULSE_TICK_MS / 1000.);
	ev_timer_init(&sv->deadline, on_deadline, 0, 0);
	sv->tick.data = sv;
	sv->deadline.data = sv;
	return 0;
}

int
start_confined(const struct conf *conf)
{
	int r = confine_root(conf->worker_chroot[0] != '\0');

	if (r < 0)
		complain("capabilities: %s", strerror(-r));
	return r;
}

int
start_find_user(struct supervisor *sv)
{
	const char *name = sv->conf->worker_user;
	int r = priv_find_user(name, &sv->user);

	if (r == -ENOENT)
		complain("worker.user: there is no user %s",
		    name[0] != '\0' ? name : "shadowcat, nor nobody");
	else if (r < 0)
		complain("worker.user: %s", strerror(-r));
	else if (!sv->user.drop && name[0] != '\0')
		log_warning("worker.user: not started as root, workers run "
			    "as the same user");
	return r;
}

/* Whether the workers' directory is there, and can be had. */
int
start_check_chroot(const struct supervisor *sv)
{
	const char *path = sv->conf->worker_chroot;
	int r = priv_check_root(&sv->user, path);

	if (path[0] != '\0' && !sv->user.drop)
		log_warning("worker.chroot: not started as root, workers see "
			    "all files");
	if (r < 0)
		complain("worker.chroot: %s: %s", path, strerror(-r));
	return r;
}

/* Settle how many there can be of everything, and make room for them. */
int
start_tables(struct supervisor *sv, uint64_t files)
{
	uint32_t workers =
	    limits_workers(sv->conf, sysconf(_SC_NPROCESSORS_ONLN));
	struct shm_sizes sizes;
	int r;

	/* A reload may ask for any number of workers. */
	r = limits_sizes(sv->conf, files, SHM_WORKERS_MAX, &sizes);
	if (r < 0) {
		complain("limit of open files: %llu are too few",
		    (unsigned long long)files);
		return r;
	}
	r = shm_create(&sizes, &sv->shm);
	if (r == 0)
		r = sessions_create(&sv->shm);
	if (r == 0)
		r = vault_init(&sv->vault, sizes.clients, sizes.upstreams);
	if (r == 0)
		r = worker_table_init(&sv->workers, workers, sv->shm.workers);
	if (r == 0)
		nursery_init(sv);
	else
		complain("shared memory and tables for %u clients: %s",
		    sizes.clients, strerror(-r));
	return r;
}

int
start_accepting(struct supervisor *sv)
{
	struct acceptor *a = &sv->acceptor;
	int r;

	a->loop = sv->loop;
	a->vault = &sv->vault;
	a->shm = &sv->shm;
	a->workers = &sv->workers;
	a->deliver = on_accepted;
	a->context = sv;
	r = acceptor_start(a, &sv->listeners);
	if (r == 0)
		r = scrape_start(&sv->scrape, sv);
	if (r < 0)
		complain("accept: %s", strerror(-r));
	return r;
}

/* How many connections there can be: the first thing people ask. */
void
start_describe(const struct supervisor *sv)
{
	uint32_t clients = sv->shm.sizes.clients;
	uint64_t wanted = sv->conf->client_max_connections;

	log_info("room for %u client connections, %u workers", clients,
	    sv->workers.count);
	if (clients < (wanted == 0 ? LIMITS_CLIENTS_SMALL : wanted))
		log_warning("the limit of open files allows %u client "
			    "connections only",
		    clients);
}

/* Adoption is exact where the kernel counts as we think it does. */
static void
test_counters(void)
{
	int r = tcp_count_self_test();

	if (r == 0)
		log_info("byte counters of this kernel: as expected");
	else if (r == -ENOTSUP)
		log_warning("byte counters of this kernel can't be relied "
			    "on: connections will not survive a worker's "
			    "death unharmed");
	else
		log_warning("byte counters of this kernel: not tested: %s",
		    strerror(-r));
}

/*
 * What was left open by whoever started us is nobody's, but would count
 * against the limit, and stay open as long as we run.
 */
static void
close_strange_fds(void)
{
	int keep[] = { log_fd() };

	fd_close_all_but(keep, ARRAY_LEN(keep));
}

/* Everything up to the workers' birth: 0, or -errno with the reason logged. */
static int
start(struct supervisor *sv)
{
	/* While we may: start_confined() takes the right to raise it. */
	uint64_t files =
	    fd_raise_limit(limits_files(sv->conf, SHM_WORKERS_MAX));
	int r = start_loop(sv);

	/* First: from here on no signal kills us half-way. */
	if (r == 0)
		signals_start(&sv->signals, sv->loop);
	if (r == 0)
		r = start_confined(sv->conf);
	if (r == 0)
		r = start_find_user(sv);
	if (r == 0)
		r = start_check_chroot(sv);
	if (r == 0)
		r = pidfile_open(&sv->pidfile, sv->conf->pidfile);
	if (r == 0)
		r = listeners_open(&sv->conf->listen_address, &sv->listeners);
	if (r == 0)
		r = scrape_prepare(
		    &sv->scrape, sv->conf, &sv->scrape.listeners);
	if (r == 0)
		r = control_open(
		    &sv->control, sv->loop, sv->conf->control_path);
	if (r == 0)
		r = control_set_owner(&sv->control, sv->conf->control_owner,
		    sv->conf->control_group);
	if (r == 0)
		r = start_tables(sv, files);
	if (r == 0)
		r = pidfile_write(&sv->pidfile);
	if (r == 0)
		r = start_accepting(sv);
	return r;
}

/* Undo what start() did, or half of it. */
static void
finish(struct supervisor *sv)
{
	stop_listening(sv);
	control_close(&sv->control);
	scrape_close(&sv->scrape);
	pidfile_remove(&sv->pidfile);
	vault_fini(&sv->vault);
	worker_table_fini(&sv->workers);
	if (sv->shm.header != NULL)
		shm_fini(&sv->shm);
	free(sv->binary);
	if (sv->loop == NULL)
		return;
	ev_timer_stop(sv->loop, &sv->tick);
	ev_timer_stop(sv->loop, &sv->deadline);
	ev_timer_stop(sv->loop, &sv->upgrade.timer);
	ev_timer_stop(sv->loop, &sv->leaving.timer);
	signals_stop(&sv->signals);
	ev_loop_destroy(sv->loop);
	fd_close(&sv->daemon.report);
}

/* Until it is told to stop: the exit status. */
int
start_serving(struct supervisor *sv)
{
	ev_timer_start(sv->loop, &sv->tick);
	leaving_watch(sv);
	/* Some may have died before anybody listened. */
	ev_feed_signal_event(sv->loop, SIGCHLD);
	ev_run(sv->loop, 0);
	finish(sv);
	log_notice("stopped");
	return sv->exit_status;
}

static int
run(struct supervisor *sv)
{
	if (start(sv) < 0) {
		finish(sv);
		return EXIT_FAILURE;
	}
	start_describe(sv);
	test_counters();
	nursery_start(sv);
	return start_serving(sv);
}

void
start_init(
    struct supervisor *sv, const struct options *options, struct conf *conf)
{
	*sv = (struct supervisor){
		.state = SUPERVISOR_STARTING,
		.options = options,
		.conf = conf,
		.started_ms = clock_ms(),
		.reloads = { .success_wall_ms = clock_wall_ms() },
		.shm = { .fd = -1 },
		.control = { .fd = -1,
		    .on_request = control_commands_run,
		    .context = sv },
		.pidfile = { .fd = -1 },
		.daemon = { .report = -1, .null = -1 },
		.upgrade = { .answer = control_upgrade_answer },
	};
}

int
supervisor_run(const struct options *options, struct conf *conf)
{
	struct supervisor sv;
	int r, status;

	start_init(&sv, options, conf);
	close_strange_fds();
	/* Before daemon_begin() leaves the directory that argv[0] is in. */
	upgrade_init(&sv, options->argv[0]);
	if (options_has(options, OPTIONS_FLAG_DAEMON)) {
		r = daemon_begin(&sv.daemon, &status);
		if (r != 0) {
			free(sv.binary);
			return r < 0 ? EXIT_FAILURE : status;
		}
	}
	return run(&sv);
}
