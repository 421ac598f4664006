/*
 * worker.c - a worker process: its start, its messages, its end.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "worker/adopt.h"
#include "worker/client.h"
#include "worker/context.h"
#include "worker/drain.h"
#include "worker/fault.h"
#include "worker/legacy.h"
#include "worker/memory.h"
#include "worker/resume.h"
#include "worker/session.h"
#include "worker/stream.h"
#include "worker/upstream.h"
#include "worker/work.h"
#include "worker/worker.h"

#define EXIT_DONE 0
#define EXIT_AGAIN 1
#define EXIT_HOPELESS 2

/* The heart beats at least this often, also when nothing happens. */
#define PULSE_S 1.
#define PULSE_US 1000000u

/* A session that is too old and busy is looked at again after this. */
#define SESSION_AGAIN_MS 1000
#define SESSION_LATER_MS 50
/* A request of our own that is not answered for so long is given up. */
#define ERRAND_MS 30000
/* To send the last words, less than the supervisor's patience. */
#define FAREWELL_S .5
#define STONE_MIN_MS 5000u
#define STONE_MAX_MS 300000u
#define NEVER_MS (20 * 366 * 86400000ull)

/* --- leaving ------------------------------------------------------------ */

/* Nothing is left to do for a worker that was told to go. */
static void
leave_if_done(struct worker *w)
{
	if ((w->draining || w->orphaned) && w->client_count == 0)
		ev_break(w->loop, EVBREAK_ALL);
}

void
worker_client_closed(struct worker *w)
{
	leave_if_done(w);
}

static void
on_farewell_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

/* Time is up: what has not ended is ended, and gets a moment for that. */
static void
on_leave(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct worker *w = timer->data;

	(void)revents;
	work_on_nothing(w, WORK_TIMER);
	ev_set_cb(timer, on_farewell_over);
	ev_timer_set(timer, FAREWELL_S, 0.);
	ev_timer_start(loop, timer);
	drain_all(w);
}

/* Take nothing new, let go what is idle, and leave within the limit. */
static void
begin_leaving(struct worker *w, uint64_t limit_ms)
{
	uint32_t i;

	ev_timer_stop(w->loop, &w->leave);
	ev_set_cb(&w->leave, on_leave);
	ev_timer_set(&w->leave, (double)limit_ms / 1e3, 0.);
	ev_timer_start(w->loop, &w->leave);
	for (i = 0; i < w->shm->sizes.clients; i++) {
		if (w->client_of[i] != NULL)
			client_drain(w->client_of[i]);
	}
	if (w->draining)
		drain_standalone(w);
	while (w->idle != NULL)
		upstream_close(w->idle);
	leave_if_done(w);
}

/* --- messages ----------------------------------------------------------- */

/*
 * Another image is about to take the supervisor's place, and will not know of
 * us: what is said after LET_GO nobody hears.
 */
static void
be_alone(struct worker *w)
{
	struct msg m;

	w->orphaned = true;
	msg_init(&m, MSG_LET_GO);
	(void)channel_send(&w->channel, &m, -1);
}

/* Clients that came with a message. */
static void
take_clients(struct worker *w, const struct msg_slots *clients,
    const struct msg_fds *fds)
{
	for (uint32_t i = 0; i < fds->count; i++) {
		const struct msg_slot *client = &clients->item[i];
		int fd = fds->fd[i];

		if (client->slot < w->shm->sizes.clients &&
		    w->client_of[client->slot] == NULL)
			client_take(w, client->slot, client->generation, fd);
		else
			fd_close(&fd);
	}
	if (fds->count == clients->count)
		return;
	log_warning("no descriptor free for %u connections",
	    clients->count - fds->count);
	for (uint32_t i = fds->count; i < clients->count; i++)
		farewell_say(&w->farewell, clients->item[i].slot,
		    clients->item[i].generation);
}

static void
on_message(void *context, const struct msg *m, const struct msg_fds *fds)
{
	struct worker *w = context;

	work_on_nothing(w, WORK_MESSAGE);
	switch ((enum msg_type)m->head.type) {
	case MSG_CLIENTS:
		take_clients(w, &m->body.CLIENTS, fds);
		break;
	case MSG_CLOSED:
		if (m->body.CLOSED.slot < w->shm->sizes.upstreams)
			upstream_closed(w, m->body.CLOSED.slot);
		break;
	case MSG_DRAIN:
		w->draining = true;
		begin_leaving(w, m->body.DRAIN.limit_ms);
		break;
	case MSG_ALONE:
		be_alone(w);
		break;
	case MSG_LOG:
		log_replace_fd(fds->fd[0]);
		break;
	case MSG_LOG_LEVEL:
		if (m->body.LOG_LEVEL.level <= LOG_LEVEL_DEBUG)
			log_set_level((enum log_level)m->body.LOG_LEVEL.level);
		break;
	case MSG_END_SESSION:
		session_end_told(w, m->body.END_SESSION.slot,
		    m->body.END_SESSION.generation);
		break;
	case MSG_READY:
	case MSG_PARK:
	case MSG_UNPARK:
	case MSG_LEFT:
	case MSG_RELEASE:
	case MSG_ADOPTED:
	case MSG_LET_GO:
	case MSG_TYPE_COUNT:
		break; /* refused by msg_check() */
	}
}

static void
on_flushed(void *context)
{
	upstream_parked(context);
}

/* The supervisor is gone: finish what runs, within a limit. */
static void
on_closed(void *context)
{
	struct worker *w = context;
	uint32_t i;

	work_on_nothing(w, WORK_MESSAGE);
	if (w->orphaned)
		log_notice("another image serves now: finishing the streams "
			   "under way");
	else if (!w->draining)
		log_warning("the supervisor is gone: finishing the streams "
			    "under way");
	w->orphaned = true;
	/* Nobody answers an UNPARK any more. */
	for (i = 0; i < w->shm->sizes.upstreams; i++)
		upstream_closed(w, i);
	upstream_parked(w);
	begin_leaving(w, w->conf->worker_orphan_timeout);
}

static void
on_resolved(void *context, const char *why)
{
	stream_resolved(context, why);
}

/* --- the loop ----------------------------------------------------------- */

static void
beat(struct worker *w)
{
	atomic_store_explicit(&w->slot->beat,
	    atomic_load_explicit(&w->slot->beat, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

/*
 * What is held in reserve keeps memory from being given back: let go of it
 * when nothing has happened for a pulse.
 */
static void
let_reserves_go(struct worker *w)
{
	uint64_t events =
	    atomic_load_explicit(&w->slot->beat, memory_order_relaxed);

	/* One turn is the pulse itself. */
	if (events <= w->last_beat + 2)
		claim_flush(&w->arena.claim);
	w->last_beat = events;
}

/* How late the pulse is, every event was that came at the same time. */
static void
note_lag(struct worker *w)
{
	uint64_t late = lag_note(&w->lag, clock_us(), PULSE_US);

	histogram_observe(&w->slot->histograms[HISTOGRAM_LOOP_LAG], late);
	atomic_store_explicit(
	    &w->slot->lag_us, lag_worst(&w->lag), memory_order_relaxed);
}

static void
on_pulse(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct worker *w = timer->data;

	(void)loop;
	(void)revents;
	work_on_nothing(w, WORK_TIMER);
	memory_on_pulse(w);
	note_lag(w);
	let_reserves_go(w);
	log_tick();
	beat(w);
}

/* Free what ended in this turn. */
static void
free_dead(struct worker *w)
{
	struct grave *g;

	while ((g = w->dead) != NULL) {
		w->dead = g->next;
		free(g);
	}
}

/* Before the loop sleeps. */
static void
on_turn(struct ev_loop *loop, ev_prepare *turn, int revents)
{
	struct worker *w = turn->data;

	(void)loop;
	(void)revents;
	work_on_nothing(w, WORK_IDLE);
	memory_on_turn(w);
	log_flush();
	free_dead(w);
	w->now_us = 0;
	work_on_nothing(w, WORK_IDLE);
	beat(w);
}

/* --- starting ----------------------------------------------------------- */

static void
init_access(struct worker *w)
{
	const struct conf *conf = w->conf;

	w->access.origins =
	    (const char *const *)conf->security_allowed_origins.items;
	w->access.origin_count = conf->security_allowed_origins.count;
	w->access.hosts =
	    (const char *const *)conf->security_allowed_hosts.items;
	w->access.host_count = conf->security_allowed_hosts.count;
}

static int
init_upstream(struct worker *w)
{
	struct addr_url url;
	const char *why;

	if (addr_parse_url(w->conf->upstream_url, &url, &why) != 0)
		return -EINVAL;
	if (url.port == 80) {
		(void)snprintf(w->upstream_host, sizeof(w->upstream_host),
		    strchr(url.host, ':') != NULL ? "[%s]" : "%s", url.host);
	} else {
		addr_format_host(url.host, url.port, w->upstream_host,
		    sizeof(w->upstream_host));
	}
	(void)snprintf(w->endpoint, sizeof(w->endpoint), "%s", url.path);
	return resolver_init(&w->resolver, w->loop, &url,
	    w->conf->upstream_resolve_interval, on_resolved, w);
}

/* Lists that are walked by age need their members also without a limit. */
static uint64_t
or_never(uint64_t limit_ms)
{
	return limit_ms != 0 ? limit_ms : NEVER_MS;
}

/* How long an ended session is known as one: late requests get a 404. */
static uint64_t
stone_ms(uint64_t idle_timeout_ms)
{
	return idle_timeout_ms == 0 ? STONE_MAX_MS
				    : MAX(idle_timeout_ms, STONE_MIN_MS);
}

static void
init_deadlines(struct worker *w)
{
	const struct conf *conf = w->conf;

	deadline_list_init(&w->client_head, w->loop, conf->client_head_timeout,
	    client_on_head_due);
	deadline_list_init(&w->client_idle, w->loop, conf->client_idle_timeout,
	    client_on_idle_due);
	deadline_list_init(&w->client_body, w->loop, conf->client_body_timeout,
	    client_on_body_due);
	deadline_list_init(&w->client_send, w->loop, conf->client_send_timeout,
	    client_on_send_due);
	deadline_list_init(
	    &w->client_linger, w->loop, LINGER_MS, client_on_linger_due);
	deadline_list_init(&w->session_idle, w->loop,
	    or_never(conf->session_idle_timeout), session_on_idle_due);
	deadline_list_init(&w->session_stone, w->loop,
	    stone_ms(conf->session_idle_timeout), session_on_idle_due);
	deadline_list_init(&w->session_age, w->loop,
	    or_never(conf->session_max_age), session_on_age_due);
	deadline_list_init(
	    &w->session_again, w->loop, SESSION_AGAIN_MS, session_on_age_due);
	deadline_list_init(
	    &w->session_later, w->loop, SESSION_LATER_MS, session_on_idle_due);
	deadline_list_init(
	    &w->errands, w->loop, ERRAND_MS, legacy_on_errand_due);
	deadline_list_init(&w->stream_detach, w->loop,
	    conf->stream_detach_timeout, legacy_on_detach_due);
	deadline_list_init(&w->stream_quiet, w->loop,
	    conf->stream_keepalive_interval, legacy_on_quiet_due);
	deadline_list_init(&w->stream_silent, w->loop,
	    conf->health_idle_timeout, resume_on_silent_due);
	deadline_list_init(&w->upstream_connect, w->loop,
	    conf->upstream_connect_timeout, upstream_on_connect_due);
	deadline_list_init(&w->upstream_response, w->loop,
	    conf->upstream_response_timeout, upstream_on_response_due);
	deadline_list_init(&w->upstream_idle, w->loop,
	    conf->upstream_idle_timeout, upstream_on_idle_due);
}

static int
init_memory(struct worker *w)
{
	struct shm *shm = w->shm;

	memory_init(w);
	claim_init(
	    &w->streams, shm->stream_owners, shm->sizes.streams, w->self);
	claim_init(
	    &w->upstreams, shm->upstream_owners, shm->sizes.upstreams, w->self);
	claim_init(
	    &w->sessions, shm->session_owners, shm->sizes.sessions, w->self);
	w->stream_of = calloc(shm->sizes.streams, sizeof(struct stream *));
	w->session_of = calloc(shm->sizes.sessions, sizeof(struct session *));
	w->client_of = calloc(shm->sizes.clients, sizeof(struct client *));
	w->upstream_of =
	    calloc(shm->sizes.upstreams, sizeof(struct upstream *));
	/* A whole head, and behind it what one recv brings. */
	w->scratch_size =
	    MAX((size_t)w->conf->client_max_header, (size_t)SHM_WINDOW_SIZE) +
	    SHM_WINDOW_SIZE + 2 * (size_t)HTTP_WRITE_SLACK;
	w->scratch = malloc(w->scratch_size);
	w->scratch_in = malloc(w->scratch_size);
	w->scratch_out = malloc(w->scratch_size);
	w->scratch_own = malloc(w->scratch_size);
	return w->client_of == NULL || w->upstream_of == NULL ||
		       w->stream_of == NULL || w->session_of == NULL ||
		       w->scratch_own == NULL || w->scratch == NULL ||
		       w->scratch_in == NULL || w->scratch_out == NULL
		   ? -ENOMEM
		   : 0;
}

static void
init_watchers(struct worker *w, int channel)
{
	w->channel.on_message = on_message;
	w->channel.on_flushed = on_flushed;
	w->channel.on_closed = on_closed;
	w->channel.context = w;
	channel_init(&w->channel, w->loop, channel);
	farewell_init(&w->farewell, w->loop, &w->channel);
	ev_timer_init(&w->pulse, on_pulse, PULSE_S, PULSE_S);
	w->pulse.data = w;
	ev_timer_start(w->loop, &w->pulse);
	ev_prepare_init(&w->turn, on_turn);
	w->turn.data = w;
	ev_prepare_start(w->loop, &w->turn);
	ev_timer_init(&w->leave, on_leave, 0., 0.);
	w->leave.data = w;
}

/*
 * A loop, and the descriptor of its epoll set, which libev does not tell: the
 * lowest free number becomes it.  -1 where that is not so.
 */
static struct ev_loop *
new_loop(int *ret_epoll_fd)
{
	int lowest = dup(STDERR_FILENO);
	struct ev_loop *loop;

	fd_close(&(int){ lowest });
	loop = ev_loop_new(EVFLAG_AUTO);
	*ret_epoll_fd = fd_is_epoll(lowest) ? lowest : -1;
	return loop;
}

int
worker_init(struct worker *w, const struct worker_start *start)
{
	w->index = start->index;
	w->self = owner_id(start->index, start->generation);
	w->shm = start->shm;
	w->conf = start->conf;
	w->slot = &start->shm->workers[start->index];
	work_on_nothing(w, WORK_START);
	w->window = shm_window(start->shm, start->index);
	w->waiting_last = &w->waiting;
	w->loop = new_loop(&w->epoll_fd);
	if (w->loop == NULL || init_memory(w) != 0)
		return -ENOMEM;
	init_access(w);
	init_deadlines(w);
	init_watchers(w, start->channel);
	return init_upstream(w);
}

void
worker_fini(struct worker *w)
{
	uint32_t i;

	resolver_fini(&w->resolver);
	channel_fini(&w->channel);
	for (i = 0; i < w->shm->sizes.clients; i++)
		client_discard(w->client_of[i]);
	for (i = 0; i < w->shm->sizes.upstreams; i++)
		free(w->upstream_of[i]);
	for (i = 0; i < w->shm->sizes.streams; i++)
		stream_discard(w->stream_of[i]);
	for (i = 0; i < w->shm->sizes.sessions; i++)
		session_discard(w->session_of[i]);
	free_dead(w);
	free(w->client_of);
	free(w->upstream_of);
	free(w->scratch);
	free(w->scratch_in);
	free(w->scratch_out);
	free(w->scratch_own);
	free(w->stream_of);
	free(w->session_of);
	ev_loop_destroy(w->loop);
}

void
worker_main(const struct worker_start *start)
{
	static struct worker worker;
	struct worker *w = &worker;
	struct msg ready;
	char prefix[32];
	int error;

	(void)snprintf(prefix, sizeof(prefix), "worker %u", start->index);
	log_set_prefix(prefix);
	log_gather(true);
	fault_catch(&start->shm->workers[start->index].trace);
	error = worker_init(w, start);
	if (error != 0) {
		log_error("start: %s", strerror(-error));
		exit(error == -EINVAL ? EXIT_HOPELESS : EXIT_AGAIN);
	}
	adopt_all(w, start);
	work_on_nothing(w, WORK_IDLE);
	msg_init(&ready, MSG_READY);
	(void)channel_send(&w->channel, &ready, -1);
	(void)ev_run(w->loop, 0);
	farewell_flush(&w->farewell);
	log_gather(false);
	worker_fini(w);
	exit(EXIT_DONE);
}
