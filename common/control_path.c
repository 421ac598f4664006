/*
 * control_path.c - where the control socket is by default.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "common/control_path.h"

int
control_path_default(uid_t uid, const char *runtime_dir, char *buf, size_t cap)
{
	static const char name[] = "control.sock";
	char path[CONTROL_PATH_CAP + 1];
	int n;

	if (uid == 0)
		n = snprintf(path, sizeof(path), "/run/shadowcat/%s", name);
	else if (runtime_dir != NULL && runtime_dir[0] == '/')
		n = snprintf(
		    path, sizeof(path), "%s/shadowcat/%s", runtime_dir, name);
	else
		n = snprintf(path, sizeof(path), "/tmp/shadowcat-%u/%s",
		    (unsigned)uid, name);
	if (n < 0 || n >= CONTROL_PATH_CAP || (size_t)n >= cap)
		return -ENAMETOOLONG;
	(void)snprintf(buf, cap, "%s", path);
	return 0;
}
