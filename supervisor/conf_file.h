/*
 * conf_file.h - the configuration file (libconfuse's syntax).
 *
 * A key's prefix is a section, and what has none stands at the top:
 *
 *	workers = 4
 *	session { idle_timeout = "5m" }
 *	listen { address = { "127.0.0.1:8080", "[::1]:8080" } }
 */
#ifndef SUPERVISOR_CONF_FILE_H
#define SUPERVISOR_CONF_FILE_H

#include <stddef.h>

#include "common/conf.h"
#include "common/sc.h"

/*
 * Set in conf what the file at path says, and leave the rest as it is.
 * Returns 0; -EINVAL where the file is wrong, or -errno where it can't be
 * read, with one line for each error in error ("FILE:LINE: KEY: ..."), and
 * conf changed in part.  Not to be called by two threads at a time.
 */
SC_MUST_CHECK int conf_file_load(
    const char *path, struct conf *conf, char *error, size_t cap);

#endif
