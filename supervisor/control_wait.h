/*
 * control_wait.h - an answer that comes when something else is over.
 *
 * Between who asked and what runs stands a promise, which outlives either:
 * one may go away before the other is done.
 */
#ifndef SUPERVISOR_CONTROL_WAIT_H
#define SUPERVISOR_CONTROL_WAIT_H

#include "supervisor/control_conn.h"

struct control_promise;

/*
 * Let the connection wait, and answer when control_wait_over() is called
 * with the promise that this returns, which must happen once; NULL where
 * there is no memory, and the connection has been refused.
 */
struct control_promise *control_wait_begin(struct control_conn *conn);

/*
 * It is over: error is 0, or -errno; `text` (copied) is for people, in one or
 * more lines.  Fits the callbacks of recycle.h, reload.h and upgrade.h.
 * Ends the promise.
 */
void control_wait_over(void *promise, int error, const char *text);

#endif
