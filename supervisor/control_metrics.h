/*
 * control_metrics.h - all metrics, for shadowcatctl.
 */
#ifndef SUPERVISOR_CONTROL_METRICS_H
#define SUPERVISOR_CONTROL_METRICS_H

#include "supervisor/control_conn.h"
#include "supervisor/state.h"

/* Give the connection the job of answering with them. */
void control_metrics(struct supervisor *sv, struct control_conn *conn);

#endif
