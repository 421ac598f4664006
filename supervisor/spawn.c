/*
 * spawn.c - the birth of a worker.
 *
 * What the child needs is put together before the fork, so that between the
 * fork and worker_main() nothing can fail for want of memory.
 */
#include "config.h"

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/claim.h"
#include "common/fd.h"
#include "common/log.h"
#include "supervisor/complain.h"
#include "supervisor/forbid.h"
#include "supervisor/respawn.h"
#include "supervisor/spawn.h"
#include "worker/worker.h"

/* Descriptors that a worker keeps beside its inheritance. */
#define OWN_FDS 3

/* What the child takes along. */
struct luggage {
	struct worker_inheritance *inherited;
	uint32_t count;
	int *keep;       /* room for count + OWN_FDS */
	int channels[2]; /* ours, the child's */
};

/* --- before the fork --------------------------------------------------- */

static void
luggage_fini(struct luggage *l)
{
	free(l->inherited);
	free(l->keep);
	fd_close(&l->channels[0]);
	fd_close(&l->channels[1]);
}

/* List a worker's entries of one kind. */
static void
pack_kind(
    struct luggage *l, const struct vault *v, uint32_t kind, uint32_t worker)
{
	const struct vault_entry *entry;
	uint32_t slot;

	for (slot = vault_first(v, kind, worker); slot != VAULT_NONE;
	     slot = vault_next(v, kind, slot)) {
		entry = vault_entry(v, kind, slot);
		l->keep[l->count] = entry->fd;
		l->inherited[l->count++] = (struct worker_inheritance){
			.kind = kind,
			.slot = slot,
			.generation = entry->generation,
			.fd = entry->fd,
		};
	}
}

static int
luggage_init(struct luggage *l, const struct vault *v, uint32_t worker)
{
	size_t count = (size_t)vault_count(v, SOCKET_CLIENT, worker) +
		       vault_count(v, SOCKET_UPSTREAM, worker);

	*l = (struct luggage){ .channels = { -1, -1 } };
	l->inherited = calloc(count + 1, sizeof(*l->inherited));
	l->keep = calloc(count + OWN_FDS, sizeof(*l->keep));
	if (l->inherited == NULL || l->keep == NULL)
		return -ENOMEM;
	pack_kind(l, v, SOCKET_CLIENT, worker);
	pack_kind(l, v, SOCKET_UPSTREAM, worker);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, l->channels) < 0)
		return -errno;
	return 0;
}

/* The client records that are inherited belong to the new process. */
static void
own_clients(struct shm *shm, const struct luggage *l, uint32_t owner)
{
	for (uint32_t i = 0; i < l->count; i++) {
		if (l->inherited[i].kind != SOCKET_CLIENT)
			continue;
		atomic_store_explicit(&shm->client_owners[l->inherited[i].slot],
		    owner, memory_order_release);
	}
}

/* --- in the child ------------------------------------------------------ */

static void
reset_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGHUP, SIGINT, SIGUSR1,
		SIGUSR2 };
	/* Faults stay as they are: a sanitizer may want to report them. */
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	struct sigaction kept[ARRAY_LEN(faults)];
	sigset_t none;

	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		(void)sigaction(faults[i], NULL, &kept[i]);
	/* Two numbers can't be caught, some belong to libc: no matter. */
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		(void)sigaction(faults[i], &kept[i], NULL);
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
close_what_is_not_ours(struct luggage *l, const struct shm *shm)
{
	l->keep[l->count] = l->channels[1];
	l->keep[l->count + 1] = shm->fd;
	l->keep[l->count + 2] = log_fd();
	fd_close_all_but(l->keep, l->count + OWN_FDS);
}

static void
drop_privileges(const struct priv_user *user, const struct conf *conf)
{
	const char *root = conf->worker_chroot;
	void *frame;
	int r;

	if (root[0] != '\0')
		(void)backtrace(
		    &frame, 1); /* its library is loaded from here */
	r = priv_drop(user, root);
	if (r == 0)
		return;
	complain("become user %s, root %s: %s",
	    user->drop ? user->name : "(none)", root[0] != '\0' ? root : "/",
	    strerror(-r));
	_exit(RESPAWN_EXIT_HOPELESS);
}

/* The last step: what was needed to come here is forbidden, too. */
static void
forbid(const struct conf *conf)
{
	int r = conf->worker_seccomp ? forbid_system_calls() : 0;

	if (r < 0)
		log_warning("worker.seccomp: system calls can't be forbidden "
			    "here: %s",
		    strerror(-r));
}

SC_NORETURN static void
run_child(const struct spawn_plan *plan, const struct worker_slot *slot,
    struct luggage *l)
{
	struct work_verdict verdicts[POISON_SUSPECTS];
	struct worker_start start = {
		.index = slot->index,
		.generation = slot->generation,
		.channel = l->channels[1],
		.shm = plan->shm,
		.conf = plan->conf,
		.dead = slot->dead,
		.dead_count = slot->dead_count,
		.inherited = l->inherited,
		.inherited_count = l->count,
		.verdicts = verdicts,
		.verdict_count = poison_verdicts(&slot->poison, verdicts),
	};
	char prefix[32];

	(void)snprintf(prefix, sizeof(prefix), "worker %u", slot->index);
	log_set_prefix(prefix);
	drop_privileges(plan->user, plan->conf);
	plan->leave(plan->context); /* it may let go of stderr */
	reset_signals();
	close_what_is_not_ours(l, plan->shm);
	forbid(plan->conf);
	worker_main(&start);
}

/* --- the fork ---------------------------------------------------------- */

int
spawn_worker(const struct spawn_plan *plan, const struct worker_slot *slot,
    pid_t *ret_pid, int *ret_channel)
{
	sigset_t all, before;
	struct luggage l;
	pid_t pid;
	int r;

	r = luggage_init(&l, plan->vault, slot->index);
	if (r < 0)
		goto done;
	own_clients(plan->shm, &l, worker_slot_owner_id(slot));
	/* No handler of ours may run in the child. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run_child(plan, slot, &l);
	if (pid < 0)
		r = -errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		goto done;
	*ret_pid = pid;
	*ret_channel = l.channels[0];
	l.channels[0] = -1;
done:
	luggage_fini(&l);
	return r;
}
