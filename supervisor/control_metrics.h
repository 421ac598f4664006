/*
 * control_metrics.h - counters and gauges in Prometheus' text format.
 */
#ifndef SUPERVISOR_CONTROL_METRICS_H
#define SUPERVISOR_CONTROL_METRICS_H

#include <stddef.h>

#include "supervisor/control_conn.h"
#include "supervisor/state.h"
#include "supervisor/tally.h"

/* Room for all metrics. */
#define CONTROL_METRICS_CAP CTL_TEXT_MAX

/*
 * Write every metric to buf; `t` is a finished count.  Returns the length,
 * less than cap, cut at a whole line where it does not fit.
 */
size_t control_metrics_write(
    const struct supervisor *sv, const struct tally *t, char *buf, size_t cap);

/* Give the connection the job of answering with them. */
void control_metrics(struct supervisor *sv, struct control_conn *conn);

#endif
