/*
 * seen.h - which of a session's streams had the event with an id of this
 * hash: the newest SEEN_MAX of them, exactly, in constant time.
 *
 * It lives in one worker's own memory: what stands in the journals is what
 * counts, and a successor derives this from them.
 */
#ifndef WORKER_SEEN_H
#define WORKER_SEEN_H

#include <stdint.h>

#define SEEN_MAX 4096u

struct seen;

/* An empty window, or NULL where memory is short. */
struct seen *seen_new(void);

/* Free it and clear the caller's pointer; NULL is allowed. */
void seen_free(struct seen **seen);

/* Note an id's hash and its stream's slot; the oldest one may go for it. */
void seen_add(struct seen *seen, uint32_t id_sum, uint32_t slot);

/* Slot + 1 of the stream that had it, the newest if several; 0: none. */
uint32_t seen_find(const struct seen *seen, uint32_t id_sum);

#endif
