/*
 * metrics.h - all metrics in Prometheus' text format.
 */
#ifndef SUPERVISOR_METRICS_H
#define SUPERVISOR_METRICS_H

#include <stddef.h>

#include "common/ctl_proto.h"
#include "supervisor/state.h"
#include "supervisor/tally.h"

/* Room for all metrics. */
#define METRICS_CAP CTL_TEXT_MAX

/*
 * Write every metric to buf (text format 0.0.4); `t` is a finished count.
 * Returns the length, less than cap, cut at a whole line where it does not
 * fit.
 */
size_t metrics_write(
    const struct supervisor *sv, const struct tally *t, char *buf, size_t cap);

#endif
