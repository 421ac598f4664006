/*
 * priv.c - the user that workers run as.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/priv.h"

static int
look_up(const char *name, struct priv_user *ret)
{
	struct passwd passwd, *found = NULL;
	char buf[4096];
	int r;

	r = getpwnam_r(name, &passwd, buf, sizeof(buf), &found);
	if (found == NULL)
		return r == 0 ? -ENOENT : -r;
	ret->drop = true;
	ret->uid = found->pw_uid;
	ret->gid = found->pw_gid;
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	return 0;
}

int
priv_find_user(const char *name, struct priv_user *ret)
{
	int r;

	if (geteuid() != 0) {
		*ret = (struct priv_user){ .drop = false };
		return 0;
	}
	if (name[0] != '\0')
		return look_up(name, ret);
	r = look_up("shadowcat", ret);
	return r == -ENOENT ? look_up("nobody", ret) : r;
}

static int
look_up_group(const char *name, gid_t *ret)
{
	struct group group, *found = NULL;
	char buf[16384]; /* with all its members */
	int r;

	r = getgrnam_r(name, &group, buf, sizeof(buf), &found);
	if (found == NULL)
		return r == 0 ? -ENOENT : -r;
	*ret = found->gr_gid;
	return 0;
}

int
priv_find_owner(
    const char *user, const char *group, uid_t *ret_uid, gid_t *ret_gid)
{
	struct priv_user found = { .uid = (uid_t)-1 };
	gid_t gid = (gid_t)-1;
	int r = user[0] != '\0' ? look_up(user, &found) : 0;

	if (r == 0 && group[0] != '\0')
		r = look_up_group(group, &gid);
	if (r < 0)
		return r;
	*ret_uid = found.uid;
	*ret_gid = gid;
	return 0;
}

int
priv_check_root(const struct priv_user *user, const char *root)
{
	struct stat st;

	if (!user->drop || root[0] == '\0')
		return 0;
	if (stat(root, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* Whether root could be had again, which would make dropping a farce. */
static bool
can_return_to_root(const struct priv_user *user)
{
	return user->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0);
}

/*
 * A worker starts no process.  The limit counts all processes of the user,
 * and holds for those that are not root; sanitizers need to fork at the end.
 */
static int
forbid_fork(void)
{
#ifndef __SANITIZE_ADDRESS__
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_NPROC, &none) < 0)
		return -errno;
#endif
	return 0;
}

int
priv_drop(const struct priv_user *user, const char *root)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (!user->drop)
		return 0;
	if (root[0] != '\0' && (chroot(root) < 0 || chdir("/") < 0))
		return -errno;
	if (setgroups(1, &user->gid) < 0)
		return -errno;
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return -errno;
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	if (can_return_to_root(user))
		return -EPERM;
	return forbid_fork();
}
