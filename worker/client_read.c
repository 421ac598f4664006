/*
 * client_read.c - a client's bytes, from the socket or kept from before, become
 * requests.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "worker/client.h"
#include "worker/request.h"
#include "worker/work.h"

/* A whole head, of which `held` bytes were gathered before. */
static size_t
take_whole_head(struct client *c, struct client_state *next,
    const struct http_head *head, size_t held, const char *buf, size_t len)
{
	struct arena *a = &c->w->arena;
	uint32_t mark = arena_hold(a);
	bool begun = request_begin(c, next, head);

	arena_unhold(a, mark);
	if (begun) {
		/* The gathered part is of no more use. */
		chain_consume(a, &next->in, held);
		/* Of the body, what is counted was taken along. */
		return head->raw.len - held + next->body_len;
	}
	/* It travels as it came. */
	if (chain_append(a, &next->in, buf, len) != 0) {
		c->is_leaving = false;
		request_refuse(c, next, HTTP_FAULT_NO_ROOM);
	}
	return len;
}

/*
 * Bytes for a head: gathered in `in` until it is complete.  Returns how many
 * of `buf` were taken.
 */
static size_t
take_head(
    struct client *c, struct client_state *next, const char *buf, size_t len)
{
	struct worker *w = c->w;
	size_t held = 0, part = len;
	const char *bytes = buf;
	struct http_head head;
	int n;

	if (!chain_is_empty(&next->in)) {
		held = chain_peek(
		    &w->arena, &next->in, w->scratch, w->scratch_size);
		part = MIN(len, w->scratch_size - held);
		memcpy(w->scratch + held, buf, part);
		bytes = w->scratch;
	}
	n = http_head_take(&next->scan, HTTP_SIDE_REQUEST, bytes, held + part,
	    w->conf->client_max_header, &head);
	if (n == 0 && chain_append(&w->arena, &next->in, buf, part) != 0)
		n = -HTTP_FAULT_NO_ROOM;
	if (n == 0)
		return part;
	if (n > 0)
		return take_whole_head(c, next, &head, held, buf, len);
	memset(&next->scan, 0, sizeof(next->scan));
	request_refuse_head(c, next, -n);
	return len;
}

/* Process bytes of the client into `next`. */
static void
take(struct client *c, struct client_state *next, const char *buf, size_t len)
{
	size_t used;

	while (len > 0) {
		used = len;
		switch ((enum client_phase)next->phase) {
		case CLIENT_HEAD:
			used = take_head(c, next, buf, len);
			break;
		case CLIENT_BODY:
			used = request_body(c, next, buf, len);
			break;
		case CLIENT_WAIT:
			if (chain_append(&c->w->arena, &next->in, buf, len) !=
			    0)
				next->keep_alive = 0; /* it will be closed */
			break;
		case CLIENT_LINGER:
		case CLIENT_FREE:
		case CLIENT_CLOSING:
		case CLIENT_PHASE_COUNT:
			break;
		}
		buf += used;
		len -= used;
	}
}

void
client_resume(struct client *c)
{
	struct client_state *next;
	struct worker *w = c->w;
	size_t len;

	if (c->is_resuming)
		return;
	c->is_resuming = true;
	work_on_client(c, WORK_RECEIVE_CLIENT);
	while (!c->is_closing && !c->is_leaving && c->probe == NULL &&
	       client_state(c)->phase == CLIENT_HEAD &&
	       !chain_is_empty(&client_state(c)->in) &&
	       client_state(c)->scan.seen == 0) {
		next = RECORD_BEGIN(c->rec);
		len = chain_peek(
		    &w->arena, &next->in, w->scratch_in, w->scratch_size);
		chain_clear(&w->arena, &next->in);
		take(c, next, w->scratch_in, len);
		RECORD_COMMIT(c->rec);
		arena_settle(&w->arena);
		client_act(c);
	}
	c->is_resuming = false;
}

/* How many bytes may be received at once: what has a place to go. */
static size_t
receive_cap(const struct client *c, const struct client_state *cs)
{
	if (cs->phase != CLIENT_WAIT)
		return SHM_WINDOW_SIZE;
	return MIN((size_t)SHM_WINDOW_SIZE,
	    (size_t)(c->w->conf->client_max_header -
		     chain_len(&c->w->arena, &cs->in)));
}

static void
client_left(struct client *c)
{
	/*
	 * A client's FIN means that it left (DESIGN, 5).  Nobody can tell one
	 * that only shut down its sending side from one that is gone.
	 */
	client_close(c, END_CLIENT_LEFT, false);
}

void
client_feed(struct client *c, const char *buf, size_t len)
{
	struct client_state *next = RECORD_BEGIN(c->rec);

	POISON_POINT(buf, len);
	next->taken += len;
	take(c, next, buf, len);
	RECORD_COMMIT(c->rec);
	arena_settle(&c->w->arena);
	worker_count(c->w, COUNTER_CLIENT_RECEIVED, len);
}

void
client_read(struct client *c)
{
	const struct client_state *cs = client_state(c);
	struct worker *w = c->w;
	ssize_t n;

	work_on_client(c, WORK_RECEIVE_CLIENT);
	worker_note_hand(
	    w, HAND_CLIENT, c->slot, c->rec->generation, cs->taken);
	n = recv(c->io.fd, w->window, receive_cap(c, cs), 0);
	KILL_POINT();
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_left(c);
		return;
	}
	w->slot->hand.got = (int32_t)n;
	KILL_POINT();
	client_feed(c, w->window, (size_t)n);
	client_retime(c, true);
	client_act(c);
}
