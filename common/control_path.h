/*
 * control_path.h - where the control socket is if nobody says otherwise;
 * the same for the daemon and for shadowcatctl.
 */
#ifndef COMMON_CONTROL_PATH_H
#define COMMON_CONTROL_PATH_H

#include <stddef.h>
#include <sys/types.h>

#include "common/sc.h"

/* Room for any path of a socket (sun_path). */
#define CONTROL_PATH_CAP 108

/*
 * The default path for a user, written to buf: for root
 * /run/shadowcat/control.sock; for others shadowcat/control.sock in
 * runtime_dir ($XDG_RUNTIME_DIR; NULL, "" or relative where there is none),
 * or else /tmp/shadowcat-UID/control.sock.
 * Others can write to /tmp: before the socket is bound or connected to, its
 * directory has to be found owned by the user, with no rights for others.
 * Returns 0, or -ENAMETOOLONG.
 */
SC_MUST_CHECK int control_path_default(
    uid_t uid, const char *runtime_dir, char *buf, size_t cap);

#endif
