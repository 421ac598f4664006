/*
 * conf_validate.h - what concerns more than one key of the configuration.
 */
#ifndef COMMON_CONF_VALIDATE_H
#define COMMON_CONF_VALIDATE_H

#include <stddef.h>

#include "common/conf.h"
#include "common/sc.h"

/*
 * Check what concerns more than one key, and that what has no default is
 * there.  Returns 0, or -EINVAL with one line for each error in error.
 */
SC_MUST_CHECK int conf_validate(
    const struct conf *conf, char *error, size_t cap);

#endif
