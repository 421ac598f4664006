/*
 * control_tap.h - the events of a session or a stream, live.
 *
 * The journals are looked at from time to time; the workers know nothing of
 * it and wait for nobody.  What a stream has dropped before it was seen, and
 * what is more than the asker takes, is told as skipped.
 */
#ifndef SUPERVISOR_CONTROL_TAP_H
#define SUPERVISOR_CONTROL_TAP_H

#include "supervisor/control_conn.h"
#include "supervisor/state.h"

/* Give the connection the job of showing what the request names. */
void control_tap(struct supervisor *sv, struct control_conn *conn,
    const struct ctl_request *request);

#endif
