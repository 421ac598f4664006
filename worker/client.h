/*
 * client.h - a client's connection: requests in, answers out.
 *
 * The supervisor accepted it and keeps a copy of the socket; the record says
 * how far its bytes are processed.  A client is made by client_new() and
 * ends in client_close(); nothing else closes the socket.
 */
#ifndef WORKER_CLIENT_H
#define WORKER_CLIENT_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/end_reasons.h"
#include "common/record.h"
#include "worker/context.h"
#include "worker/report.h"

/* Which time limit runs for a client. */
enum client_limit {
	LIMIT_NONE,
	LIMIT_HEAD,
	LIMIT_IDLE,
	LIMIT_BODY,
	LIMIT_SEND,
	LIMIT_LINGER,
};

/* What the upstream says of a client that names another's stream. */
enum probe_verdict { PROBE_NONE, PROBE_ACCEPTED, PROBE_REFUSED };

struct client {
	struct grave grave;
	struct worker *w;
	struct client_record *rec;
	struct stream *stream; /* the answer under way, NULL: none */
	ev_io io;              /* io.fd is the socket */
	struct deadline deadline;
	struct stream *probe; /* the upstream is being asked */
	char *path; /* of the request, cut, if not is_at_endpoint; or NULL */
	uint64_t refused_stream; /* the id of the one it had; 0: none */
	uint32_t slot;
	uint32_t target;          /* the worker that its request belongs to */
	uint16_t refusal_sent;    /* bytes of the refusal that are sent */
	uint8_t refused_why;      /* enum end_reason; 0: REFUSED */
	uint8_t limit;            /* enum client_limit */
	uint8_t probe_verdict;    /* enum probe_verdict, of this request */
	bool is_blocked;          /* the socket took less than there was */
	bool is_closing;          /* it has ended, or was handed on */
	bool is_resuming;         /* client_resume() is at work further up */
	bool is_shut;             /* our FIN is out */
	bool request_taken;       /* the stream that it left has its `out` */
	bool is_settled;          /* adopt.c has come to it */
	bool is_bounded;          /* client_bound_queue() was here */
	bool is_leaving;          /* its request belongs to worker `target` */
	bool is_on_loopback;      /* the address it came in on is */
	bool is_at_endpoint;      /* its request is for the endpoint's path */
	char session[LOG_ID_CAP]; /* of a refused request: what is shown */
};

/* The committed state. */
static inline const struct client_state *
client_state(const struct client *c)
{
	return RECORD_STATE(c->rec);
}

/* The message of the request under way, as far as it is known. */
static inline struct jsonrpc
client_message(const struct client *c)
{
	return (struct jsonrpc){
		.place = client_state(c)->json,
		.texts = c->rec->texts,
	};
}

/*
 * A connection from the supervisor: the record `slot`, the socket `fd`
 * (taken, closed on failure too).  Its record is set up for a new use.
 */
void client_new(struct worker *w, uint32_t slot, uint32_t generation, int fd);

/* The same, and what the client has sent by now is read at once. */
void client_take(struct worker *w, uint32_t slot, uint32_t generation, int fd);

/*
 * This process's share in a connection whose record was another's: nothing
 * is counted, watched or sent yet.  Takes `fd`.  NULL: no memory.
 */
struct client *client_revive(struct worker *w, uint32_t slot, int fd);

/*
 * Process bytes that were received into a window and commit; the caller goes
 * on with client_act().
 */
void client_feed(struct client *c, const char *buf, size_t len);

/*
 * Do what the committed state asks for.  Everything here is derived, so that
 * it may be called at any time and any number of times.
 */
void client_act(struct client *c);

/*
 * Let the kernel queue no more than about `bytes`: what is kept of a stream
 * has to reach back to what the client's TCP has not confirmed.
 */
void client_bound_queue(struct client *c, uint64_t bytes);

/* The probe has ended: the request is routed again. */
void client_probed(struct client *c, enum probe_verdict verdict);

/* Send what the answer's journal has; ends in client_rewatch(). */
void client_flush(struct client *c);

/* Bytes of the request were sent upstream: there may be room for more. */
void client_rewatch(struct client *c);

/*
 * The answer is sent, up to byte `wire` of the connection: commit that, and
 * whether the connection can carry another (`usable`).  Returns what
 * client_go_on() is to be told once the answer's stream is let go: whether
 * nothing of the client is left unread.
 */
bool client_answered(struct client *c, uint64_t wire, bool usable);

/* Take up the next request, or let the connection go. */
void client_go_on(struct client *c, bool clean);

/*
 * The stream can't be answered by the upstream, and nothing of an answer is
 * out: drop it for the reason `why`, and answer with `fault`, as soon as the
 * request is in.
 */
void client_refuse(
    struct client *c, enum http_fault fault, enum end_reason why);

/*
 * The request under way, if there is one, is over: its answer is sent, it was
 * refused, or cut off.  Each request comes here once, in the process that has
 * it then; what is to be counted or logged of whole requests belongs here.
 */
void client_request_over(struct client *c, enum end_reason why);

/*
 * Close the connection and free its record.  Drops the stream, if any, for
 * this reason.  With `reset` the peer sees a reset, not an orderly end.
 */
void client_close(struct client *c, enum end_reason why, bool reset);

/* The process ends: free the memory and end nothing.  NULL is allowed. */
void client_discard(struct client *c);

/* A client's time limit has passed. */
void client_on_head_due(struct deadline *d);
void client_on_idle_due(struct deadline *d);
void client_on_body_due(struct deadline *d);
void client_on_send_due(struct deadline *d);
void client_on_linger_due(struct deadline *d);

/* The worker drains: let go what is idle; see HACKING. */
void client_drain(struct client *c);

/* --- for the files of the client alone ----------------------------------- */

/*
 * Let the right time limit run.  One that runs already is not prolonged,
 * unless there was `progress` and the limit is one on pauses.
 */
void client_retime(struct client *c, bool progress);

/*
 * Receive what there is, commit it and act on it; it may have left.  Its
 * socket is readable, or is tried.
 */
void client_read(struct client *c);

/* Take up what the client sent while an answer was under way. */
void client_resume(struct client *c);

/* Close our copy, and free this process's share. */
void client_free(struct client *c);

/*
 * Hand the connection, with the head that was read, to the worker that has
 * its session (c->target).  Until the supervisor has the message it is still
 * ours: a successor finds it in the vault as it finds the others.
 */
void client_release(struct client *c);

/* A connection that another worker handed over: its record goes on. */
void client_welcome(struct worker *w, uint32_t slot, int fd);

#endif
