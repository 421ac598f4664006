/*
 * session.c - the sessions that are at home in this worker.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/hash.h"
#include "common/http_write.h"
#include "worker/legacy.h"
#include "worker/report.h"
#include "worker/session.h"
#include "worker/stream.h"
#include "worker/work.h"

/*
 * Sessions that expire together are ended a few at a time: each costs a
 * request to the upstream, and none shall go untold for want of connections.
 */
#define ERRANDS_MAX 64

/* --- finding ------------------------------------------------------------ */

enum session_verdict
session_find(struct worker *w, struct http_slice id, struct session **ret,
    uint32_t *ret_home)
{
	struct session_found found;

	if (id.len > SESSION_ID_MAX ||
	    sessions_find(w->shm, w->self, id, &found) != 0)
		return SESSION_IS_UNKNOWN;
	if (found.phase == SESSION_ENDED)
		return SESSION_IS_ENDED;
	if (found.home == w->index) {
		*ret = w->session_of[found.index];
		return *ret != NULL ? SESSION_IS_HERE : SESSION_IS_UNKNOWN;
	}
	if (found.home >= SHM_WORKERS_MAX || w->orphaned)
		return SESSION_IS_UNKNOWN;
	*ret_home = found.home;
	return SESSION_IS_ELSEWHERE;
}

/* --- coming ------------------------------------------------------------- */

static struct session *
session_alloc(struct worker *w, uint32_t slot)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->w = w;
	s->slot = slot;
	s->rec = &w->shm->sessions[slot];
	w->session_of[slot] = s;
	deadline_set(&s->age, &w->session_age);
	deadline_set(&s->idle, &w->session_idle);
	return s;
}

struct session *
session_new(struct worker *w, struct http_slice id, enum session_phase phase)
{
	struct session *s;
	uint32_t slot;

	if (id.len > SESSION_ID_MAX)
		return NULL;
	while (claim_take(&w->sessions, &slot) != 0) {
		worker_count(w, COUNTER_SESSION_EVICTIONS, 1);
		if (!session_evict(w))
			return NULL;
	}
	if (sessions_link(w->shm, w->self, slot, id, phase, clock_ms()) != 0) {
		(void)claim_give(&w->sessions, slot);
		return NULL;
	}
	s = session_alloc(w, slot);
	if (s != NULL && phase == SESSION_LIVE)
		worker_count(w, COUNTER_SESSIONS_BEGUN, 1);
	return s;
}

struct session *
session_revive(struct worker *w, uint32_t slot)
{
	struct session *s = w->session_of[slot];

	if (s != NULL)
		return s;
	s = session_alloc(w, slot);
	if (s == NULL)
		return NULL;
	s->is_unsettled = true;
	return s;
}

static int
by_age(const void *a, const void *b)
{
	const struct session *one = *(struct session *const *)a;
	const struct session *two = *(struct session *const *)b;

	return (one->rec->begun_ms > two->rec->begun_ms) -
	       (one->rec->begun_ms < two->rec->begun_ms);
}

static int
by_use(const void *a, const void *b)
{
	const struct session *one = *(struct session *const *)a;
	const struct session *two = *(struct session *const *)b;
	uint64_t mine = atomic_load(&one->rec->used_ms);
	uint64_t its = atomic_load(&two->rec->used_ms);

	return (mine > its) - (mine < its);
}

void
session_go_on(struct worker *w, struct session **sessions, size_t count)
{
	size_t i;

	/* Each would have to pass those that still stand as new ones. */
	for (i = 0; i < count; i++) {
		deadline_cancel(&sessions[i]->age);
		deadline_cancel(&sessions[i]->idle);
	}
	qsort(sessions, count, sizeof(*sessions), by_age);
	for (i = 0; i < count; i++)
		deadline_set_since(&sessions[i]->age, &w->session_age,
		    sessions[i]->rec->begun_ms);
	qsort(sessions, count, sizeof(*sessions), by_use);
	for (i = 0; i < count; i++) {
		if (atomic_load(&sessions[i]->rec->phase) == SESSION_ENDED)
			deadline_set(&sessions[i]->idle, &w->session_stone);
		else
			deadline_set_since(&sessions[i]->idle, &w->session_idle,
			    atomic_load(&sessions[i]->rec->used_ms));
	}
}

void
session_confirm(struct session *s)
{
	if (atomic_load(&s->rec->phase) != SESSION_ASKED)
		return;
	atomic_store(&s->rec->phase, SESSION_LIVE);
	worker_count(s->w, COUNTER_SESSIONS_BEGUN, 1);
}

void
session_touch(struct session *s)
{
	if (atomic_load_explicit(&s->rec->phase, memory_order_relaxed) ==
	    SESSION_ENDED)
		return;
	atomic_store_explicit(
	    &s->rec->used_ms, clock_ms(), memory_order_relaxed);
	deadline_set(&s->idle, &s->w->session_idle);
}

/* Whether a field belongs to the session, not to this one request. */
static bool
is_lasting(const struct http_field *field)
{
	switch (field->id) {
	case HTTP_FIELD_ACCEPT:
	case HTTP_FIELD_CONTENT_TYPE:
	case HTTP_FIELD_CONTENT_ENCODING:
	case HTTP_FIELD_LAST_EVENT_ID:
	case HTTP_FIELD_MCP_SESSION_ID:
	case HTTP_FIELD_MCP_METHOD:
	case HTTP_FIELD_MCP_NAME:
		return false;
	default:
		return !field->nominated &&
		       !(http_field_flags(field->id) &
			   (HTTP_FIELD_HOP | HTTP_FIELD_DROP_REQUEST));
	}
}

static uint64_t
lasting_sum(const struct http_head *head)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < head->field_count; i++) {
		const struct http_field *f = &head->fields[i];

		if (is_lasting(f))
			sum = hash_bytes64(f->name.p,
			    (size_t)(f->value.p + f->value.len - f->name.p),
			    sum);
	}
	return sum;
}

void
session_write_fields(struct http_out *out, const struct http_head *head)
{
	uint32_t i;

	for (i = 0; i < head->field_count; i++) {
		if (!is_lasting(&head->fields[i]))
			continue;
		http_out_slice(out, head->fields[i].name);
		http_out_bytes(out, ": ", 2);
		http_out_slice(out, head->fields[i].value);
		http_out_bytes(out, "\r\n", 2);
	}
}

void
session_save_fields(struct session *s, const struct http_head *head)
{
	uint64_t sum = lasting_sum(head);
	struct session_state *next;
	struct http_out out;

	if (RECORD_STATE(s->rec)->saved_sum == sum)
		return;
	http_out_init(&out, s->w->scratch_own, s->w->scratch_size);
	session_write_fields(&out, head);
	next = RECORD_BEGIN(s->rec);
	chain_clear(&s->w->arena, &next->saved);
	next->saved_sum = sum;
	if (out.overflow ||
	    chain_append(&s->w->arena, &next->saved, out.p, out.len) != 0)
		next->saved_sum = 0;
	RECORD_COMMIT(s->rec);
	arena_settle(&s->w->arena);
}

/* --- its streams -------------------------------------------------------- */

/* For people, who look from other processes. */
static void
publish_counts(struct session *s)
{
	atomic_store_explicit(
	    &s->rec->connections, s->connections, memory_order_relaxed);
	atomic_store_explicit(&s->rec->streams, s->count, memory_order_relaxed);
}

/* What this stream is to its session, in place of what it was. */
static void
count_stream(struct session *s, struct stream *st, bool client, bool flight)
{
	bool left = st->legacy->counted_client && !client;

	s->connections +=
	    (uint32_t)client - (uint32_t)st->legacy->counted_client;
	s->in_flight += (uint32_t)flight - (uint32_t)st->legacy->counted_flight;
	st->legacy->counted_client = client;
	st->legacy->counted_flight = flight;
	publish_counts(s);
	/* Idle from now on, and not since its last event. */
	if (left && s->connections == 0)
		session_touch(s);
}

void
session_join(struct session *s, struct stream *st)
{
	st->session = s;
	st->legacy->session_next = s->streams;
	st->legacy->session_prev = NULL;
	if (s->streams != NULL)
		s->streams->legacy->session_prev = st;
	s->streams = st;
	s->count++;
	stream_recount(st);
}

void
session_leave(struct session *s, struct stream *st)
{
	if (st->legacy->session_prev != NULL)
		st->legacy->session_prev->legacy->session_next =
		    st->legacy->session_next;
	else
		s->streams = st->legacy->session_next;
	if (st->legacy->session_next != NULL)
		st->legacy->session_next->legacy->session_prev =
		    st->legacy->session_prev;
	if (s->standalone == st)
		s->standalone = NULL;
	st->session = NULL;
	st->legacy->session_next = NULL;
	st->legacy->session_prev = NULL;
	s->count--;
	count_stream(s, st, false, false);
	session_forget_if_unused(s);
}

void
stream_recount(struct stream *st)
{
	if (st->session != NULL)
		count_stream(st->session, st, st->client != NULL,
		    stream_is_in_flight(st));
}

/* --- ids that were seen --------------------------------------------------- */

void
session_note_seen(struct session *s, const struct stream *st, uint32_t id_sum)
{
	if (s->seen != NULL)
		seen_add(s->seen, id_sum, st->slot);
}

static bool
remember_record(void *context, const struct journal_view *view)
{
	struct stream *st = context;

	if (view->record.flags & JOURNAL_HAS_ID)
		seen_add(st->session->seen, view->record.id_sum, st->slot);
	return true;
}

/* What the journals of the session's streams hold. */
static void
derive_seen(struct session *s)
{
	struct stream *st;

	s->seen = seen_new();
	if (s->seen == NULL)
		return;
	for (st = s->streams; st != NULL; st = st->legacy->session_next)
		/* A broken journal shows what it can. */
		(void)!journal_each(&s->w->arena, &stream_state(st)->answer, 0,
		    remember_record, st);
}

struct stream *
session_find_seen(struct session *s, uint32_t id_sum)
{
	uint32_t ref;

	if (s->seen == NULL)
		derive_seen(s);
	if (s->seen == NULL)
		return NULL;
	ref = seen_find(s->seen, id_sum);
	return ref != 0 ? s->w->stream_of[ref - 1] : NULL;
}

bool
session_may_steal(struct session *s)
{
	uint64_t now = clock_ms(), oldest = s->steals[STEALS_MAX - 1];

	if (oldest != 0 && now - oldest < STEALS_MS)
		return false;
	memmove(&s->steals[1], &s->steals[0],
	    sizeof(s->steals) - sizeof(s->steals[0]));
	s->steals[0] = now;
	return true;
}

/* --- going -------------------------------------------------------------- */

/* Forget the record; its id is unknown from now on. */
static void
session_free(struct session *s)
{
	struct worker *w = s->w;
	struct session_state *next;

	if (sessions_unlink(w->shm, w->self, s->slot) != 0) {
		/* Its shard is stuck: try again with the next deadline. */
		deadline_set(&s->idle, &w->session_stone);
		return;
	}
	next = RECORD_BEGIN(s->rec);
	chain_clear(&w->arena, &next->saved);
	RECORD_COMMIT(s->rec);
	arena_settle(&w->arena);
	deadline_cancel(&s->idle);
	deadline_cancel(&s->age);
	w->session_of[s->slot] = NULL;
	(void)claim_give(&w->sessions, s->slot);
	seen_free(&s->seen);
	worker_bury(w, &s->grave);
}

void
session_discard(struct session *s)
{
	if (s != NULL)
		seen_free(&s->seen);
	free(s);
}

static bool
is_used(const struct session *s)
{
	return s->connections > 0 || s->in_flight > 0 || s->pins > 0;
}

static void
end_streams(struct session *s, enum end_reason why)
{
	struct stream *st, *next;

	for (st = s->streams; st != NULL; st = next) {
		next = st->legacy->session_next;
		legacy_session_ended(st, why);
	}
}

void
session_end(struct session *s, enum end_reason why, bool tell)
{
	struct worker *w = s->w;
	uint32_t phase = atomic_load(&s->rec->phase);

	if (phase == SESSION_ENDED || phase == SESSION_FREE)
		return;
	if (phase == SESSION_ASKED)
		return; /* it goes with its last stream */
	/*
	 * The errand's commit is the first that says it: a successor that
	 * finds an errand ends the session (session_settle()).
	 */
	if (tell)
		legacy_tell_end(s);
	KILL_POINT();
	atomic_store(&s->rec->phase, SESSION_ENDED);
	KILL_POINT();
	deadline_cancel(&s->age);
	report_session(s, why);
	worker_count(w, COUNTER_SESSIONS_ENDED, 1);
	/* Streams of a dead worker that are not settled can't be ended yet. */
	if (!s->is_unsettled)
		end_streams(s, why);
	/* Its stone stays for a while, so that a late request gets a 404. */
	deadline_set(&s->idle, &w->session_stone);
}

/* Why the session has ended, or is about to: the streams tell. */
static enum end_reason
reason_of(const struct session *s)
{
	const struct conf *conf = s->w->conf;
	const struct stream_state *ss;
	const struct stream *st;
	uint64_t age = clock_ms() - s->rec->begun_ms;

	for (st = s->streams; st != NULL; st = st->legacy->session_next) {
		ss = stream_state(st);
		if (ss->role == ROLE_ERRAND)
			return conf->session_max_age != 0 &&
				       age >= conf->session_max_age
				   ? END_SESSION_AGE
				   : END_SESSION_IDLE;
		if (ss->status == 404 || ss->reason == END_SESSION_LOST)
			return END_SESSION_LOST;
	}
	return END_SESSION_DELETED;
}

/* Whether a request of our own tells the upstream of its end. */
static bool
has_errand(const struct session *s)
{
	const struct stream *st;

	for (st = s->streams; st != NULL; st = st->legacy->session_next) {
		if (stream_state(st)->role == ROLE_ERRAND)
			return true;
	}
	return false;
}

void
session_settle(struct session *s)
{
	struct stream *st, *next;

	s->is_unsettled = false;
	for (st = s->streams; st != NULL; st = next) {
		next = st->legacy->session_next;
		legacy_observe(st);
	}
	if (has_errand(s))
		session_end(s, reason_of(s), false);
	if (atomic_load(&s->rec->phase) == SESSION_ENDED)
		end_streams(s, reason_of(s));
	else
		session_forget_if_unused(s);
}

void
session_end_told(struct worker *w, uint32_t slot, uint32_t generation)
{
	struct session *s;

	if (slot >= w->shm->sizes.sessions)
		return;
	s = w->session_of[slot];
	if (s == NULL || s->rec->generation != generation)
		return;
	work_on_session(s, WORK_MESSAGE);
	session_end(s, END_SESSION_ENDED, true);
}

void
session_note_event_id(struct session *s, const char *id, uint32_t len)
{
	char *to = s->rec->last_event_id;
	uint32_t kept = MIN(len, (uint32_t)sizeof(s->rec->last_event_id) - 1);

	memcpy(to, id, kept);
	to[kept] = '\0';
}

void
session_forget_if_unused(struct session *s)
{
	if (s->streams == NULL && s->pins == 0 &&
	    atomic_load(&s->rec->phase) == SESSION_ASKED)
		session_free(s);
}

/* End the first session of the list that nobody uses. */
static bool
evict_from(struct deadline_list *list)
{
	struct deadline *d = list->head.next;
	struct session *s;

	for (; d != &list->head; d = d->next) {
		s = container_of(d, struct session, idle);
		if (is_used(s))
			continue;
		s->pins++;
		session_end(s, END_EVICTED, false);
		while (s->streams != NULL)
			stream_drop(s->streams, END_EVICTED);
		s->pins--;
		session_free(s);
		return true;
	}
	return false;
}

bool
session_evict(struct worker *w)
{
	/* Those that have ended are of the least use. */
	return evict_from(&w->session_stone) || evict_from(&w->session_idle);
}

void
session_on_idle_due(struct deadline *d)
{
	struct session *s = container_of(d, struct session, idle);

	work_on_session(s, WORK_TIMER);
	if (atomic_load(&s->rec->phase) != SESSION_LIVE) {
		if (s->streams == NULL && s->pins == 0)
			session_free(s);
		else
			deadline_set(d, &s->w->session_stone);
		return;
	}
	if (is_used(s)) {
		/* A living client on an open stream holds its session. */
		deadline_set(d, &s->w->session_idle);
		return;
	}
	if (s->w->errand_count >= ERRANDS_MAX) {
		deadline_set(d, &s->w->session_later);
		return;
	}
	worker_count(s->w, COUNTER_SESSION_EXPIRIES, 1);
	session_end(s, END_SESSION_IDLE, true);
}

void
session_on_age_due(struct deadline *d)
{
	struct session *s = container_of(d, struct session, age);

	work_on_session(s, WORK_TIMER);
	if (s->in_flight > 0 || s->w->errand_count >= ERRANDS_MAX ||
	    clock_ms() - s->rec->begun_ms < s->w->conf->session_max_age) {
		deadline_set(d, &s->w->session_again);
		return;
	}
	worker_count(s->w, COUNTER_SESSION_EXPIRIES, 1);
	session_end(s, END_SESSION_AGE, true);
}
