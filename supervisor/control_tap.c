/*
 * control_tap.c - the events of a session or a stream, live.
 *
 * Rows hold the bytes of journal records as they are: what they say is read
 * by shadowcatctl, not here.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/journal_peek.h"
#include "supervisor/control_find.h"
#include "supervisor/control_tap.h"

/* Streams of a session that are watched at a time. */
#define STREAMS_MAX 32u
/* Records read in one slice, and bytes shown of each. */
#define SLICE 32u
#define SHOWN_MAX 4096u
#define SHOWN_WITH_BODIES_MAX (32u * 1024u)
/* Between two searches for a session's new streams. */
#define SEARCH_MS 200u

struct tapped {
	uint32_t index;
	uint64_t id; /* 0: this place is free */
	struct journal_peek peek;
};

struct tap_job {
	struct control_find find;
	bool is_found;
	bool is_session;
	bool is_first_search; /* its streams are shown from now on only */
	bool is_announced;
	size_t shown_max;
	uint64_t searched_ms;
	uint32_t position; /* of the search */
	struct tapped streams[STREAMS_MAX];
	char buf[SHOWN_WITH_BODIES_MAX];
};

/* --- which streams ----------------------------------------------------------
 */

static void
watch(struct tap_job *job, const struct look_stream *st)
{
	struct tapped *free_place = NULL;

	for (uint32_t i = 0; i < STREAMS_MAX; i++) {
		if (job->streams[i].id == st->id)
			return;
		if (job->streams[i].id == 0 && free_place == NULL)
			free_place = &job->streams[i];
	}
	if (free_place == NULL)
		return;
	*free_place = (struct tapped){ .index = st->index, .id = st->id };
	if (job->is_first_search)
		journal_peek_end(&free_place->peek, &st->state.answer);
}

static bool
is_of_session(const struct tap_job *job, const struct look_stream *st)
{
	return st->state.session_ref == job->find.session.index + 1;
}

/* Look for streams of the session, one slice of the table. */
static void
search(struct tap_job *job, const struct shm *shm)
{
	struct look_stream st;
	uint64_t now = clock_ms();
	uint32_t left;

	if (job->position == 0 && job->searched_ms != 0 &&
	    now - job->searched_ms < SEARCH_MS)
		return;
	job->searched_ms = now;
	for (left = 2048; left > 0 && job->position < shm->sizes.streams;
	     left--, job->position++) {
		if (look_stream(shm, job->position, &st) &&
		    is_of_session(job, &st))
			watch(job, &st);
	}
	if (job->position >= shm->sizes.streams) {
		job->position = 0;
		job->is_first_search = false;
	}
}

static bool
session_is_over(const struct tap_job *job, const struct shm *shm)
{
	struct look_session s;

	/* A copy that failed says nothing: the record is being changed. */
	return look_session(shm, job->find.session.index, &s)
		   ? s.generation != job->find.session.generation ||
			 s.phase == SESSION_ENDED
		   : atomic_load(
			 &shm->sessions[job->find.session.index].phase) ==
			 SESSION_FREE;
}

/* --- rows
 * --------------------------------------------------------------------- */

static const char *
record_word(unsigned type)
{
	static const char *const words[] = {
		[JOURNAL_HEAD] = "head",
		[JOURNAL_BODY] = "body",
		[JOURNAL_END] = "end",
		[JOURNAL_SKIP] = "skip",
	};

	return type > 0 && type < ARRAY_LEN(words) ? words[type] : "?";
}

static void
put_head(struct ctl_out *out, uint64_t stream, const char *kind)
{
	char id[17];

	(void)snprintf(id, sizeof(id), "%" PRIx64, stream);
	ctl_row_begin(out);
	ctl_put_number(out, "time", (double)clock_wall_ms() / 1e3);
	ctl_put_text(out, "stream", id);
	ctl_put_text(out, "kind", kind);
}

static bool
put_skipped(struct ctl_out *out, uint64_t stream, uint64_t count)
{
	put_head(out, stream, "skipped");
	ctl_put_uint(out, "records", count);
	return ctl_row_end(out);
}

static bool
put_record(struct ctl_out *out, const struct look_stream *st,
    const struct journal_peeked *p, const char *payload)
{
	char minted[64];

	put_head(out, st->id, record_word(p->record.type));
	ctl_put_uint(out, "seq", p->record.seq);
	ctl_put_uint(out, "size", p->record.len);
	ctl_put_bool(out, "events", st->state.events != 0);
	if ((p->record.flags & JOURNAL_MINT) != 0 && st->token[0] != '\0') {
		(void)snprintf(minted, sizeof(minted), "sc1.%s.%" PRIu64,
		    st->token, p->record.seq);
		ctl_put_text(out, "minted_id", minted);
	}
	ctl_put_bytes(out, "data", payload, p->len);
	return ctl_row_end(out);
}

/* --- the job
 * ------------------------------------------------------------------ */

enum tap_result { TAP_IDLE, TAP_FULL, TAP_OVER };

/* One record of a stream into the answer. */
static enum tap_result
show_record(struct control_conn *conn, struct tap_job *job, struct tapped *t,
    const struct look_stream *st)
{
	const struct supervisor *sv = conn->control->context;
	struct journal_peek before = t->peek;
	struct journal_peeked p;

	if (journal_peek_next(&t->peek, &sv->shm, &st->state.answer, job->buf,
		job->shown_max, &p) != 1)
		return TAP_IDLE;
	if (p.skipped > 0 && !put_skipped(&conn->out, t->id, p.skipped)) {
		t->peek = before;
		return TAP_FULL;
	}
	if (p.record.type != 0 && p.record.type != JOURNAL_SKIP &&
	    !put_record(&conn->out, st, &p, job->buf)) {
		/* What was skipped has been told. */
		t->peek = before;
		t->peek.seq += p.skipped;
		t->peek.ref = p.skipped > 0 ? 0 : before.ref;
		return TAP_FULL;
	}
	return TAP_OVER; /* this record */
}

/* Say that from here on nothing is missed untold. */
static void
announce(struct control_conn *conn, struct tap_job *job)
{
	char id[17];

	(void)snprintf(id, sizeof(id), "%" PRIx64, job->find.stream.id);
	ctl_row_begin(&conn->out);
	ctl_put_number(&conn->out, "time", (double)clock_wall_ms() / 1e3);
	ctl_put_text(&conn->out, "kind", "begin");
	ctl_put_text(
	    &conn->out, "id", job->is_session ? job->find.session.id : id);
	job->is_announced = ctl_row_end(&conn->out);
}

/* Records of one stream, until there is none or no room; *left counts. */
static enum tap_result
show_stream(struct control_conn *conn, struct tap_job *job, struct tapped *t,
    uint32_t *left)
{
	const struct supervisor *sv = conn->control->context;
	enum tap_result result = TAP_OVER;
	struct look_stream st;

	if (!look_stream(&sv->shm, t->index, &st) || st.id != t->id) {
		put_head(&conn->out, t->id, "gone");
		if (!ctl_row_end(&conn->out))
			return TAP_FULL;
		t->id = 0;
		return TAP_IDLE;
	}
	while (*left > 0 && result == TAP_OVER) {
		(*left)--;
		result = show_record(conn, job, t, &st);
	}
	return *left == 0 ? TAP_FULL : result;
}

static enum control_step
show(struct control_conn *conn, struct tap_job *job)
{
	enum tap_result result = TAP_IDLE;
	bool any = false;
	uint32_t left = SLICE;

	ctl_rows_begin(&conn->out);
	if (!job->is_announced && !(job->is_session && job->is_first_search))
		announce(conn, job);
	for (uint32_t i = 0; i < STREAMS_MAX && result != TAP_FULL; i++) {
		if (job->streams[i].id == 0)
			continue;
		result = show_stream(conn, job, &job->streams[i], &left);
		any |= job->streams[i].id != 0;
	}
	ctl_rows_end(&conn->out);
	if (result == TAP_FULL)
		return CONTROL_STEP_MORE;
	if (!any && !job->is_session && conn->out.len == 0)
		return control_step_done(conn, "the stream has ended");
	return CONTROL_STEP_LATER;
}

static enum control_step
find(struct control_conn *conn, struct tap_job *job)
{
	const struct supervisor *sv = conn->control->context;

	switch (control_find_step(&job->find, &sv->shm)) {
	case CONTROL_FOUND_NOT_YET:
		break;
	case CONTROL_FOUND_NONE:
		return control_step_refuse(
		    conn, "there is no session or stream %s", job->find.text);
	case CONTROL_FOUND_MANY:
		return control_step_refuse(conn,
		    "more than one session begins with %s", job->find.text);
	case CONTROL_FOUND_SESSION:
		job->is_session = true;
		job->is_found = true;
		break;
	case CONTROL_FOUND_STREAM:
		watch(job, &job->find.stream);
		job->is_found = true;
		break;
	}
	return CONTROL_STEP_MORE;
}

static enum control_step
step_tap(struct control_conn *conn)
{
	const struct supervisor *sv = conn->control->context;
	struct tap_job *job = conn->job;

	if (!job->is_found)
		return find(conn, job);
	if (job->is_session) {
		if (session_is_over(job, &sv->shm))
			return control_step_done(conn, "the session has ended");
		search(job, &sv->shm);
	}
	return show(conn, job);
}

/* Taps last: others must find a slot beside them. */
static bool
are_too_many(const struct control *control)
{
	const struct control_conn *conn = control->first;
	unsigned count = 0;

	for (; conn != NULL; conn = conn->next)
		count += conn->step == step_tap;
	return count >= CONTROL_CONNECTIONS_MAX / 2;
}

void
control_tap(struct supervisor *sv, struct control_conn *conn,
    const struct ctl_request *request)
{
	struct tap_job *job;

	(void)sv;
	if (are_too_many(conn->control)) {
		control_conn_refuse(conn, "too many taps at a time");
		return;
	}
	job = calloc(1, sizeof(*job));
	if (job == NULL) {
		control_conn_refuse(conn, "no memory");
		return;
	}
	control_find_init(&job->find, request->arguments[0], true);
	job->is_first_search = true;
	job->shown_max = request->bodies ? SHOWN_WITH_BODIES_MAX : SHOWN_MAX;
	control_conn_work(conn, step_tap, job, NULL);
}
