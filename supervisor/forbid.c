/*
 * forbid.c - system calls that a worker has no use for.
 *
 * A list of what is forbidden, not of what is allowed: the libraries of
 * another system make other calls, and a worker that is killed for one of
 * these would be the greater harm.
 */
#include "config.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/sc.h"
#include "supervisor/forbid.h"

#if defined(SC_SANITIZED)
#define MACHINE 0 /* it starts another program to name functions */
#elif defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
/* Numbers from here on are those of another calling convention. */
#define OTHER_NUMBERS 0x40000000u
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#define OTHER_NUMBERS UINT32_MAX
#else
#define MACHINE 0 /* not tried there */
#endif

#if MACHINE != 0

/*
 * TABLE of what is forbidden.  To add one: a row here; one that not every
 * machine has, below.
 */
/* clang-format off */
#define FORBIDDEN(X)                                                    \
	/* other programs and processes */                              \
	X(execve) X(execveat) X(ptrace) X(kcmp)                         \
	X(process_vm_readv) X(process_vm_writev)                        \
	X(unshare) X(setns) X(personality)                              \
	/* the system */                                                \
	X(mount) X(umount2) X(pivot_root) X(chroot) X(reboot)           \
	X(swapon) X(swapoff) X(acct) X(quotactl) X(syslog)              \
	X(sethostname) X(setdomainname) X(settimeofday) X(adjtimex)     \
	X(clock_settime) X(clock_adjtime) X(mknodat)                    \
	X(init_module) X(finit_module) X(delete_module)                 \
	X(kexec_load) X(kexec_file_load)                                \
	/* files by other ways than their names */                      \
	X(name_to_handle_at) X(open_by_handle_at) X(fanotify_init)      \
	/* what has had the most holes in the kernel */                 \
	X(bpf) X(perf_event_open) X(userfaultfd)                        \
	X(keyctl) X(add_key) X(request_key)                             \
	X(io_uring_setup) X(io_uring_enter) X(io_uring_register)        \
	X(pidfd_open) X(pidfd_getfd)                                    \
	X(open_tree) X(move_mount) X(fsopen) X(fsconfig) X(fsmount)     \
	X(fspick)
/* clang-format on */

#define LOAD(member)                                                           \
	BPF_STMT(                                                              \
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
/* The next statement holds for this value alone. */
#define IF_EQUAL(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1)
#define UNLESS_EQUAL(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 1, 0)
#define IF_AT_LEAST(value) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (value), 0, 1)

#define FAIL(error) (SECCOMP_RET_ERRNO | (error))

static struct sock_filter statements[] = {
	LOAD(arch),
	UNLESS_EQUAL(MACHINE),
	RETURN(FAIL(EPERM)),
	LOAD(nr),
	IF_AT_LEAST(OTHER_NUMBERS),
	RETURN(FAIL(EPERM)),
#define X(call) IF_EQUAL(SYS_##call), RETURN(FAIL(EPERM)),
	FORBIDDEN(X)
#undef X
	    UNLESS_EQUAL(SYS_socket),
	RETURN(SECCOMP_RET_ALLOW),
	/* The low half of its first argument, on machines of this kind. */
	LOAD(args[0]),
	IF_EQUAL(AF_INET),
	RETURN(SECCOMP_RET_ALLOW),
	IF_EQUAL(AF_INET6),
	RETURN(SECCOMP_RET_ALLOW),
	IF_EQUAL(AF_UNIX),
	RETURN(SECCOMP_RET_ALLOW),
	RETURN(FAIL(EAFNOSUPPORT)),
};

int
forbid_system_calls(void)
{
	const struct sock_fprog program = {
		.len = ARRAY_LEN(statements),
		.filter = statements,
	};

	/* Not slower than need be: nothing of another runs in a worker. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0)
		return 0;
	return errno == ENOSYS || errno == EINVAL ? -ENOTSUP : -errno;
}

#else

int
forbid_system_calls(void)
{
	return -ENOTSUP;
}

#endif
