/*
 * stream_place.c - where on its client's connection a stream is: what is sent
 * of it, what comes next, and how it looks there.
 */
#include "config.h"

#include <stdlib.h>

#include "common/tcp_count.h"
#include "worker/client.h"
#include "worker/stream.h"

/* Sent bytes are dropped when all are sent, or this many. */
#define DROP_AT (64u * 1024u)

/* --- what it is --------------------------------------------------------- */

struct journal_wire
stream_wire(const struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	struct journal_wire form = { .framing = ss->framing };

	if (ss->resumable) {
		form.token = st->legacy->rec->token;
		form.attach_seq = stream_legacy(st, ss)->attach_seq;
	}
	return form;
}

/* What goes before the answer; NULL: nothing. */
static const struct journal *
prelude_of(const struct stream *st)
{
	const struct journal *prelude;

	if (st->legacy == NULL)
		return NULL;
	prelude = &stream_legacy(st, stream_state(st))->prelude;
	return chain_is_empty(&prelude->chain) ? NULL : prelude;
}

bool
stream_prelude_is_sent(const struct stream *st)
{
	const struct journal *prelude = prelude_of(st);

	return prelude == NULL ||
	       journal_all_sent(prelude, &st->legacy->prelude_sent);
}

uint64_t
stream_place(const struct stream *st)
{
	const struct journal_cursor *at =
	    stream_prelude_is_sent(st) ? &st->sent : &st->legacy->prelude_sent;

	return at->wire + at->sent;
}

bool
stream_is_all_sent(const struct stream *st)
{
	return stream_prelude_is_sent(st) &&
	       journal_all_sent(&stream_state(st)->answer, &st->sent);
}

/* --- setting the cursors ------------------------------------------------ */

void
stream_forget_marks(struct stream *st)
{
	if (st->legacy != NULL && st->legacy->marks != NULL)
		journal_marks_clear(st->legacy->marks);
}

/* Set the prelude's cursor to its first byte. */
static void
rewind_prelude(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);

	if (st->legacy != NULL)
		journal_cursor_init(&st->legacy->prelude_sent, &st->w->arena,
		    &stream_legacy(st, ss)->prelude, ss->wire);
}

void
stream_rewind(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	struct arena *a = &st->w->arena;

	stream_forget_marks(st);
	rewind_prelude(st);
	if (journal_cursor_seek(
		&st->sent, a, &ss->answer, ss->wire_seq, ss->wire) != 0)
		st->sent.seq = ss->answer.next_seq;
}

void
stream_set_start(const struct stream *st, struct stream_state *next,
    uint64_t wire, uint64_t seq)
{
	next->wire = wire;
	next->wire_seq = seq;
	if (st->legacy != NULL)
		stream_legacy(st, next)->sent_mark.seq = 0;
}

void
stream_mark_sent(const struct stream *st, struct stream_state *next)
{
	struct legacy_state *ls;

	if (!next->resumable || st->client == NULL)
		return;
	ls = stream_legacy(st, next);
	if (chain_is_empty(&ls->prelude.chain))
		ls->sent_mark = journal_mark(&st->sent);
}

/* Set the cursors to the mark, if that is on the way to byte `sent`. */
static bool
go_to_mark(struct stream *st, uint64_t sent)
{
	const struct stream_state *ss = stream_state(st);
	const struct journal_mark *mark;

	if (st->legacy == NULL)
		return false;
	mark = &stream_legacy(st, ss)->sent_mark;
	if (mark->seq == 0 || sent < mark->wire)
		return false;
	rewind_prelude(st);
	return journal_cursor_resume(
		   &st->sent, &st->w->arena, &ss->answer, mark) == 0;
}

/* Set them to where the prelude ends, or to a byte of it. */
static bool
pass_prelude(struct stream *st, uint64_t sent)
{
	const struct stream_state *ss = stream_state(st);
	const struct journal *prelude = prelude_of(st);
	struct arena *a = &st->w->arena;
	struct journal_wire form = { .framing = ss->framing };
	uint64_t len;

	if (sent < ss->wire)
		return false;
	stream_rewind(st);
	st->sent.wire = ss->wire;
	if (prelude == NULL)
		return true;
	len = journal_wire_len(a, prelude, &form);
	st->sent.wire += len;
	return journal_advance(a, prelude, &form, &st->legacy->prelude_sent,
		   MIN(sent - ss->wire, len)) == 0;
}

bool
stream_go_on_at(struct stream *st, uint64_t sent)
{
	const struct stream_state *ss = stream_state(st);
	struct arena *a = &st->w->arena;
	struct journal_wire form = stream_wire(st);

	if (!go_to_mark(st, sent) && !pass_prelude(st, sent))
		return false;
	if (sent >= st->sent.wire && journal_advance(a, &ss->answer, &form,
					 &st->sent, sent - st->sent.wire) != 0)
		return false;
	return journal_verify_rest(a, &ss->answer, &st->sent) == 0;
}

uint64_t
stream_first_unacked(struct stream *st)
{
	const struct stream_state *ss = stream_state(st);
	uint64_t known = stream_legacy(st, ss)->unacked_seq;
	struct journal_wire form = stream_wire(st);
	struct journal_cursor cur;
	struct tcp_count count;

	if (st->client == NULL)
		return known;
	if (tcp_count(st->client->io.fd, TCP_ACCEPTED, &count) != 0 ||
	    !stream_prelude_is_sent(st) ||
	    journal_cursor_find(&cur, &st->w->arena, &ss->answer, &form,
		ss->wire_seq, ss->wire, count.acked) != 0)
		/* Not known: from what was known when that was last asked. */
		return known;
	return cur.seq;
}

/* --- going on ----------------------------------------------------------- */

void
stream_note_way(struct stream *st)
{
	uint64_t every = st->w->conf->journal_stream_limit / 8;
	struct journal_marks **marks;

	if (!stream_state(st)->resumable || st->sent.passed < every)
		return;
	marks = &st->legacy->marks;
	if (*marks == NULL)
		*marks = calloc(1, sizeof(**marks));
	if (*marks != NULL)
		journal_marks_note(*marks, &st->sent, every);
}

void
stream_drop_sent(struct stream *st)
{
	struct stream_state *next;

	if (stream_state(st)->resumable || st->sent.passed == 0 ||
	    (st->sent.passed < DROP_AT && !stream_is_all_sent(st)))
		return;
	next = stream_next(st);
	journal_drop(&st->w->arena, &next->answer, &st->sent);
	stream_set_start(st, next, st->sent.wire, st->sent.seq);
	RECORD_COMMIT(st->rec);
	arena_settle(&st->w->arena);
}

/* The prelude is out: the answer's records come next. */
static void
drop_prelude(struct stream *st)
{
	struct stream_state *next = stream_next(st);
	uint64_t end = st->legacy->prelude_sent.wire;

	stream_set_start(st, next, end, next->wire_seq);
	journal_clear(&st->w->arena, &stream_legacy(st, next)->prelude);
	RECORD_COMMIT(st->rec);
	arena_settle(&st->w->arena);
	rewind_prelude(st);
	st->sent.wire = end;
}

void
stream_outgoing(struct stream *st, const struct journal **ret_journal,
    struct journal_cursor **ret_cursor, struct journal_wire *ret_form)
{
	const struct journal *prelude = prelude_of(st);

	*ret_form = stream_wire(st);
	if (!stream_prelude_is_sent(st)) {
		*ret_journal = prelude;
		*ret_cursor = &st->legacy->prelude_sent;
		ret_form->token = NULL;
		ret_form->attach_seq = 0;
		return;
	}
	if (prelude != NULL)
		drop_prelude(st);
	*ret_journal = &stream_state(st)->answer;
	*ret_cursor = &st->sent;
}
