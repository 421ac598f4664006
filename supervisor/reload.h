/*
 * reload.h - reading the configuration again.
 */
#ifndef SUPERVISOR_RELOAD_H
#define SUPERVISOR_RELOAD_H

#include "common/conf.h"
#include "common/sc.h"
#include "supervisor/options.h"

/*
 * Read the configuration again and put log.level and log.target into force,
 * here and in conf; what else has changed is logged and left for a restart.
 * 0; or -errno with the reasons logged and nothing changed.
 */
SC_MUST_CHECK int reload_conf(const struct options *options, struct conf *conf);

#endif
