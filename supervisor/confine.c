/*
 * confine.c - what a supervisor that runs as root keeps of that.
 *
 * The bounding set goes as well, so that a binary that is executed in place
 * has no more than the one before.
 */
#include "config.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/confine.h"

/*
 * TABLE of what is kept, and for what.
 */
/* clang-format off */
#define CONFINE_KEPT(X)                                                 \
	X(CAP_NET_BIND_SERVICE) /* ports below 1024 */                  \
	X(CAP_SETUID)           /* the workers' user */                 \
	X(CAP_SETGID)           /* and group */                         \
	X(CAP_KILL)             /* workers, which are another user's */ \
	X(CAP_CHOWN)            /* the control socket's group */        \
	X(CAP_DAC_OVERRIDE)     /* logs and pid files in directories */ \
	X(CAP_FOWNER)           /* that belong to the workers' user */
/* clang-format on */

uint64_t
confine_kept(bool chroots)
{
	uint64_t kept = chroots ? (uint64_t)1 << CAP_SYS_CHROOT : 0;

#define X(capability) kept |= (uint64_t)1 << capability;
	CONFINE_KEPT(X)
#undef X
	return kept;
}

/* Let nothing beyond `kept` be had again: 0 or -errno. */
static int
bound(uint64_t kept)
{
	for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++) {
		if (i < 64 && (kept >> i & 1) != 0)
			continue;
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return -errno;
	}
	return 0;
}

/* What of `kept` we have, and nothing else, is in force: 0 or -errno. */
static int
reduce(uint64_t kept)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		uint32_t part = (uint32_t)(kept >> (32 * i));

		data[i].permitted &= part;
		data[i].effective &= part;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int
confine_root(bool chroots)
{
	uint64_t kept = confine_kept(chroots);
	int r;

	if (geteuid() != 0)
		return 0;
	r = bound(kept);
	/* In a container we may not be allowed to, and have less anyway. */
	if (r < 0 && r != -EPERM)
		return r;
	return reduce(kept);
}
