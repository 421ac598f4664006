/*
 * client_send.c - what goes to a client: the journals of its stream, or a
 * refusal.
 */
#include "config.h"

#include <sys/uio.h>

#include "worker/client.h"
#include "worker/refuse.h"
#include "worker/send.h"
#include "worker/stream.h"
#include "worker/work.h"

/* A window in blocks of which no two are neighbours, and what is around it. */
#define IOV_CAP (SHM_WINDOW_SIZE / SHM_BLOCK_SIZE + 8)

/* Send pieces; returns how many bytes went, or -1 where it closed c. */
static ssize_t
send_to(struct client *c, const struct iovec *iov, int count)
{
	ssize_t n = send_pieces(c->io.fd, iov, count, &c->is_blocked);

	if (n < 0) {
		client_close(c, END_CLIENT_LEFT, false);
		return -1;
	}
	worker_count(c->w, COUNTER_BYTES_DOWN, (uint64_t)n);
	return n;
}

/* Bytes went out: limits on pauses and on silence begin anew. */
static void
note_sent(struct client *c)
{
	struct stream *st = c->stream;

	client_retime(c, true);
	if (st == NULL)
		return;
	stream_note_way(st);
	if (st->legacy != NULL && st->legacy->quiet.next != NULL)
		deadline_set(&st->legacy->quiet, &c->w->stream_quiet);
}

/* Send what the answer's journals have; false where the client ended. */
static bool
flush_answer(struct client *c)
{
	static char scratch[JOURNAL_SCRATCH]; /* until it is sent */
	struct iovec iov[IOV_CAP];
	struct arena *a = &c->w->arena;
	struct stream *st = c->stream;
	const struct journal *journal;
	struct journal_cursor *cursor, end;
	struct journal_wire form;
	ssize_t sent;
	int n;

	do {
		stream_outgoing(st, &journal, &cursor, &form);
		n = journal_gather(
		    a, journal, &form, cursor, iov, IOV_CAP, scratch, &end);
		sent = n > 0 ? send_to(c, iov, n) : 0;
		if (c->is_closing)
			return false;
		/* Nothing sent: there may be records without bytes to pass. */
		if (n < 0 || journal_sent(a, journal, &form, cursor, &end,
				 (uint64_t)sent) != 0) {
			client_close(c, END_RECORD_BROKEN, true);
			return false;
		}
		if (sent > 0)
			note_sent(c);
		/* Notes may be left behind the last record, if all was full. */
	} while (!c->is_blocked && (n == IOV_CAP || !stream_is_all_sent(st)));
	return true;
}

/* Send what is left of a refusal, and go on when it is sent. */
static void
flush_refusal(struct client *c)
{
	char buf[REFUSAL_MAX];
	size_t len = refusal_write(client_state(c), buf);
	struct iovec iov;
	ssize_t n;

	while (c->refusal_sent < len) {
		iov.iov_base = buf + c->refusal_sent;
		iov.iov_len = len - c->refusal_sent;
		n = send_to(c, &iov, 1);
		if (c->is_closing)
			return;
		c->refusal_sent = (uint16_t)(c->refusal_sent + (size_t)n);
		if (c->is_blocked)
			return;
	}
	client_go_on(c, client_answered(c, client_state(c)->wire + len, true));
}

void
client_flush(struct client *c)
{
	const struct client_state *cs = client_state(c);

	if (c->is_closing)
		return;
	if (c->stream != NULL) {
		work_on_stream(c->stream, WORK_SEND_CLIENT);
		if (flush_answer(c))
			stream_progress(c->stream);
	} else if (cs->refusal != 0 && cs->phase != CLIENT_BODY) {
		work_on_client(c, WORK_SEND_CLIENT);
		flush_refusal(c);
	}
	if (!c->is_closing)
		client_rewatch(c);
}
