/*
 * event.h - what one whole event of an event stream says: its id, and the
 * JSON-RPC message in its data.  Pure.
 */
#ifndef WORKER_EVENT_H
#define WORKER_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/http_slice.h"
#include "common/journal.h"
#include "common/jsonrpc.h"

/* Longer ids are relayed, but can't be resumed from. */
#define EVENT_ID_MAX 1024

struct event {
	bool has_data;   /* a data line, empty or not */
	bool is_empty;   /* its data is empty: a priming event */
	bool has_id;     /* an id that counts and is not empty */
	bool resets;     /* an empty id: the client forgets the last one */
	uint32_t id_sum; /* of the id, see event_id_sum() */
	uint32_t id_len; /* 0 where it is longer than EVENT_ID_MAX */
	char id[EVENT_ID_MAX];
	struct jsonrpc message; /* meaningful if has_message */
	bool has_message;
	bool has_begun; /* event.c: the message has, and it is */
	bool is_notice; /* no response, which is all that was asked */
};

/* What is asked about an event; each asks for more than the one before. */
enum event_depth {
	EVENT_ID,       /* its id, and whether it has data */
	EVENT_RESPONSE, /* its message if that is a response, or perhaps not */
	EVENT_MESSAGE,  /* its message */
};

/* Read the event that a view of a record shows. */
void event_read(
    struct journal_view view, enum event_depth depth, struct event *ret);

/*
 * Read the event that begins at `p`, where a block begins, and ends within
 * `len` bytes, all lines in LF.  Returns its length, with the blank line; or
 * 0 for one that is cut or has something rarer in it (a CR, a retry line, a
 * comment at its beginning), which is for sse_next() and event_read().  Says
 * the same as these do.
 */
size_t event_read_whole(
    const char *p, size_t len, enum event_depth depth, struct event *ret);

/* What journal records keep of an id. */
uint32_t event_id_sum(struct http_slice id);

#endif
