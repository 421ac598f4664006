/*
 * log_conf.h - the log as the configuration wants it.
 */
#ifndef SUPERVISOR_LOG_CONF_H
#define SUPERVISOR_LOG_CONF_H

#include "common/conf.h"

/* Level and form of the lines from now on; conf has been checked. */
void log_conf_apply(const struct conf *conf);

#endif
