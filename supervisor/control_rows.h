/*
 * control_rows.h - the tables that the control socket shows, a slice at a
 * time.
 */
#ifndef SUPERVISOR_CONTROL_ROWS_H
#define SUPERVISOR_CONTROL_ROWS_H

#include "supervisor/control_conn.h"
#include "supervisor/look.h"
#include "supervisor/state.h"

/* Give the connection the job of making this table. */
void control_rows_status(struct supervisor *sv, struct control_conn *conn);
void control_rows_workers(struct supervisor *sv, struct control_conn *conn);
void control_rows_sessions(struct supervisor *sv, struct control_conn *conn);
void control_rows_streams(struct supervisor *sv, struct control_conn *conn);
void control_rows_upstreams(struct supervisor *sv, struct control_conn *conn);
void control_rows_crashes(struct supervisor *sv, struct control_conn *conn);

/* Write the row of one session. */
void control_rows_put_session(
    struct ctl_out *out, const struct look_session *s);

/* Milliseconds of clock_ms() that have passed since then, in seconds. */
double control_rows_since(uint64_t then_ms);

#endif
