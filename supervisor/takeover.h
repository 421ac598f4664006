/*
 * takeover.h - this image takes the place of another one, in its process.
 */
#ifndef SUPERVISOR_TAKEOVER_H
#define SUPERVISOR_TAKEOVER_H

#include "common/conf.h"
#include "common/sc.h"
#include "supervisor/options.h"

struct supervisor;

/*
 * Go on as the daemon whose handover `fd` (taken on success) holds; conf has
 * the defaults.  `why` is "" in a new binary, else the reason why the old one
 * is back.  The log is as the handover says.  Signals are blocked before, and
 * let in when everything stands.  Returns the exit status, or -errno where
 * nothing has happened yet, so that the image before can be gone back to.
 */
SC_MUST_CHECK int takeover_run(
    const struct options *options, struct conf *conf, int fd, const char *why);

/*
 * Go on in the place of a daemon with another layout, whose estate (estate.h)
 * `fd` holds: same addresses, control socket and process, new memory and
 * workers; conf as for supervisor_run().  Closes fd and `handover`, which is
 * for the way back, when there is none any more.  The log is set up, signals
 * are blocked.  Returns as takeover_run().
 */
SC_MUST_CHECK int takeover_replace(
    const struct options *options, struct conf *conf, int fd, int handover);

/* The first worker is ready in an image that came by force: who asked is told.
 */
void takeover_serving(struct supervisor *sv);

#endif
