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
};

/* Read the event that a view of a record shows. */
void event_read(struct journal_view view, struct event *ret);

/* What journal records keep of an id. */
uint32_t event_id_sum(struct http_slice id);

#endif
