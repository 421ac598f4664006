/*
 * conf_local.c - what a configuration names and this machine must have.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log_sink.h"
#include "common/text.h"
#include "supervisor/conf_local.h"
#include "supervisor/priv.h"

static void
check_worker(const struct conf *conf, struct text_lines *found)
{
	const char *name = conf->worker_user, *root = conf->worker_chroot;
	struct priv_user user;
	int r = priv_find_user(name, &user);

	if (r == -ENOENT)
		text_lines_add(found, "worker.user: there is no user %s",
		    name[0] != '\0' ? name : "shadowcat, nor nobody");
	if (r < 0)
		return;
	r = priv_check_root(&user, root);
	if (r == -ENOENT || r == -ENOTDIR)
		text_lines_add(
		    found, "worker.chroot: %s: %s", root, strerror(-r));
}

static void
check_control(const struct conf *conf, struct text_lines *found)
{
	const char *user = conf->control_owner, *group = conf->control_group;
	uid_t uid;
	gid_t gid;

	if (priv_find_owner(user, group, &uid, &gid) == -ENOENT)
		text_lines_add(found,
		    "control.owner \"%s\", control.group \"%s\": there is no "
		    "such user or group",
		    user, group);
}

/* Why the file can't be opened: its directory is not made.  Changes path. */
static int
check_file(char *path)
{
	char *slash = strrchr(path, '/');
	struct stat st;

	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode) ? -EISDIR : 0;
	slash[slash == path ? 1 : 0] = '\0';
	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	return errno == ENOENT || errno == ENOTDIR ? -errno : 0;
}

static void
check_log(const struct conf *conf, struct text_lines *found)
{
	struct log_sink sink;
	int r = log_sink_parse(conf->log_target, &sink);

	if (r < 0 || sink.kind != LOG_SINK_FILE)
		return;
	r = check_file(sink.path);
	if (r < 0)
		text_lines_add(found, "log.target: %s: %s", conf->log_target,
		    strerror(-r));
}

int
conf_local_check(const struct conf *conf, char *error, size_t cap)
{
	struct text_lines found;

	text_lines_init(&found, error, cap);
	check_worker(conf, &found);
	check_control(conf, &found);
	check_log(conf, &found);
	return found.count > 0 ? -EINVAL : 0;
}
