/*
 * conf_local.h - what a configuration names and this machine must have:
 * users, groups, directories.
 */
#ifndef SUPERVISOR_CONF_LOCAL_H
#define SUPERVISOR_CONF_LOCAL_H

#include <stddef.h>

#include "common/conf.h"
#include "common/sc.h"

/*
 * Look whether it is there; nothing is changed.  What only root would use is
 * looked for by root alone, and what we may not see counts as there.
 * Returns 0, or -EINVAL with a line in error for each that is not.
 */
SC_MUST_CHECK int conf_local_check(
    const struct conf *conf, char *error, size_t cap);

#endif
