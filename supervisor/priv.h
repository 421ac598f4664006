/*
 * priv.h - the user that workers run as.
 */
#ifndef SUPERVISOR_PRIV_H
#define SUPERVISOR_PRIV_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/sc.h"

#define PRIV_NAME_CAP 64

struct priv_user {
	bool drop; /* false: we are not root, there is nothing to drop */
	uid_t uid;
	gid_t gid;
	char name[PRIV_NAME_CAP];
};

/*
 * Find out whom to become: `name`, or where that is "" shadowcat if there is
 * such a user, else nobody.  Asks the user database, which may block: call
 * it at the start.  0; -ENOENT: no such user; or -errno.
 */
SC_MUST_CHECK int priv_find_user(const char *name, struct priv_user *ret);

/*
 * Whether this user's workers can have `root` as their root directory: 0 if
 * they can, or will not have it ("", or nothing is dropped); -ENOTDIR or
 * another -errno.
 */
SC_MUST_CHECK int priv_check_root(
    const struct priv_user *user, const char *root);

/*
 * The ids of a user and a group, each "" for none, which is -1.  As above:
 * 0; -ENOENT; or -errno.
 */
SC_MUST_CHECK int priv_find_owner(
    const char *user, const char *group, uid_t *ret_uid, gid_t *ret_gid);

/*
 * Become that user for ever, in a worker: groups, group, user, and no new
 * privileges by any exec; before that `root`, unless it is "", becomes its
 * root directory.  Where there is nothing to drop there is no other root
 * either.  0 or -errno, and then the process must end.
 */
SC_MUST_CHECK int priv_drop(const struct priv_user *user, const char *root);

#endif
