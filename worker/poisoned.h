/*
 * poisoned.h - ending what workers died of: the verdicts that a successor is
 * given (work.h, and supervisor/poison.h for the rule).
 *
 * In good order where that is possible: the client gets an error.  A final
 * verdict is carried out by force: a reset, and nothing of the record is
 * read or written but what frees it.
 */
#ifndef WORKER_POISONED_H
#define WORKER_POISONED_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/context.h"
#include "worker/worker.h"

/* How a record is to be ended. */
enum poisoned { POISONED_NOT, POISONED_GENTLY, POISONED_FINALLY };

/* What the verdicts say of this record, as it is committed. */
enum poisoned poisoned_client(
    const struct worker_start *start, const struct shm *shm, uint32_t slot);
enum poisoned poisoned_stream(
    const struct worker_start *start, const struct shm *shm, uint32_t slot);
enum poisoned poisoned_session(
    const struct worker_start *start, const struct shm *shm, uint32_t slot);

/* Whether adoption as such is fatal: all of it is to be given up. */
bool poisoned_adoption(const struct worker_start *start);

/* Say that a record ends by force. */
void poisoned_log_end(enum work_kind kind, uint32_t slot);

/*
 * Reset this inherited connection and let the supervisor free it, without a
 * look at its record.  Takes in->fd.
 */
void poisoned_discard(struct worker *w, const struct worker_inheritance *in);

struct client;
struct stream;
struct session;

/*
 * Answer with an error where an answer has not begun, or reset the connection;
 * `taken` bytes were received on it, of which the rest is not looked at.
 */
void poisoned_end_client(struct client *c, uint64_t taken);

/* End the answer with an error, or break it off. */
void poisoned_end_stream(struct stream *st);

/* End the session and its streams; the upstream is not told. */
void poisoned_end_session(struct session *s);

#endif
