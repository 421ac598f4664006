/*
 * upgrade.c - another binary for a running daemon, in place.
 *
 * Until execve(2) has succeeded everything can be undone, and is: descriptors
 * close on exec again, and signals are let in.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "supervisor/estate.h"
#include "supervisor/force.h"
#include "supervisor/handover.h"
#include "supervisor/obituary.h"
#include "supervisor/state.h"
#include "supervisor/upgrade.h"

/* FD:BINARY:WHY, as in struct upgrade_inheritance. */
static const char variable[] = "SHADOWCAT_HANDOVER";
/* FD, in an upgrade by force. */
static const char estate_variable[] = "SHADOWCAT_ESTATE";

/* A binary that has not made up its mind by then is refused. */
#define TRIAL_MS 10000u

/* Workers that are being recycled are waited for: how long, how often. */
#define RECYCLING_MS 60000u
#define RECYCLING_LOOK_S 0.02

/* Workers that are let go have so much time to agree. */
#define FORCING_MS 10000u

/* --- which binary we are ---------------------------------------------------
 */

/* DIRECTORY/NAME if that can be executed; to be freed, or NULL. */
static char *
executable_in(const char *directory, size_t len, const char *name)
{
	char *path;

	if (asprintf(&path, "%.*s/%s", (int)len, directory, name) < 0)
		return NULL;
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* As the shell found it: in $PATH; to be freed, or NULL. */
static char *
search_path(const char *name)
{
	const char *at = getenv("PATH");
	char *path = NULL;
	size_t len;

	while (at != NULL && *at != '\0' && path == NULL) {
		len = strcspn(at, ":");
		if (len > 0 && *at == '/')
			path = executable_in(at, len, name);
		at += len + (at[len] == ':');
	}
	return path;
}

/*
 * The path of the installed binary.  Not what /proc/self/exe says: after the
 * installation of a new one that is "... (deleted)".
 */
static char *
find_binary(const char *program)
{
	char *directory, *path;

	if (program[0] == '/')
		return strdup(program);
	if (strchr(program, '/') == NULL)
		return search_path(program);
	directory = getcwd(NULL, 0);
	path = directory == NULL
		   ? NULL
		   : executable_in(directory, strlen(directory), program);
	free(directory);
	return path;
}

/* --- the end of an attempt --------------------------------------------------
 */

static void
forget(struct supervisor *sv)
{
	struct upgrade *u = &sv->upgrade;

	u->state = UPGRADE_NONE;
	u->trial = 0;
	u->refused = NULL;
	fd_close(&u->output);
	fd_close(&u->reply);
	ev_timer_stop(sv->loop, &u->timer);
}

static void
refuse(struct supervisor *sv, int error, const char *why)
{
	struct upgrade *u = &sv->upgrade;
	upgrade_refused *refused = u->refused;
	void *context = u->context;
	bool was_forcing = u->state == UPGRADE_FORCING;

	forget(sv);
	log_error("upgrade: %s; this binary goes on", why);
	if (was_forcing && sv->state == SUPERVISOR_RUNNING)
		force_take_back(sv);
	if (refused != NULL)
		refused(context, error, why);
}

void
upgrade_cancel(struct supervisor *sv)
{
	if (sv->upgrade.state == UPGRADE_NONE)
		return;
	if (sv->upgrade.trial > 0)
		(void)kill(sv->upgrade.trial, SIGKILL);
	refuse(sv, -ECANCELED, "the daemon is stopping");
}

/* --- exec -------------------------------------------------------------------
 */

/* A memfd with these bytes, or -errno. */
static int
make_memfd(const struct pack *p)
{
	int fd = memfd_create("shadowcat-handover", MFD_CLOEXEC);
	size_t done = 0;
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	while (done < p->len) {
		n = write(fd, p->bytes + done, p->len - done);
		if (n < 0 && errno != EINTR) {
			r = -errno;
			fd_close(&fd);
			return r;
		}
		done += (size_t)MAX(n, 0);
	}
	return fd;
}

static void
let_through(const struct pack *p, bool through)
{
	for (size_t i = 0; i < p->fd_count; i++)
		(void)!fd_set_cloexec(p->fds[i], !through);
}

/* A memfd with what is in p, named in the environment: or -errno. */
static int
leave_behind(const char *name, const struct pack *p, const char *more)
{
	char text[64];
	int fd = p->failed ? -ENOMEM : make_memfd(p);

	if (fd < 0)
		return fd;
	(void)snprintf(text, sizeof(text), "%d%s", fd, more);
	if (setenv(name, text, 1) < 0) {
		fd_close(&fd);
		return -ENOMEM;
	}
	(void)!fd_set_cloexec(fd, 0);
	return fd;
}

/*
 * Execute the new binary with what is in p, and in e if it is by force:
 * returns -errno if that fails.
 */
static int
execute(struct supervisor *sv, struct pack *p, struct pack *e, int binary)
{
	char more[16];
	int fd, estate = -1, r = 0;

	(void)snprintf(more, sizeof(more), ":%d:", binary);
	fd = leave_behind(variable, p, more);
	if (fd < 0)
		r = fd;
	if (r == 0 && e != NULL) {
		estate = leave_behind(estate_variable, e, "");
		r = MIN(estate, 0);
	}
	if (r == 0) {
		let_through(p, true);
		(void)execv(sv->binary, sv->options->argv);
		r = -errno;
		let_through(p, false);
	}
	(void)unsetenv(variable);
	(void)unsetenv(estate_variable);
	fd_close(&fd);
	fd_close(&estate);
	return r;
}

/* Become the new binary: returns only if that fails. */
static void
become(struct supervisor *sv)
{
	struct handover h = { .log_fd = log_fd(), .reply = sv->upgrade.reply };
	struct pack p = { .failed = false }, e = { .failed = false };
	bool is_forced = sv->upgrade.state == UPGRADE_FORCING;
	char why[UPGRADE_TEXT_CAP];
	sigset_t all, before;
	int r;

	/* A signal between here and the new handlers would kill us. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	h.binary = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (h.binary < 0) {
		r = -errno;
	} else {
		handover_write(sv, &h, &p);
		if (is_forced)
			estate_write(sv, h.binary, h.reply, &p, &e);
		r = execute(sv, &p, is_forced ? &e : NULL, h.binary);
	}
	pack_fini(&p);
	pack_fini(&e);
	fd_close(&h.binary);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)snprintf(
	    why, sizeof(why), "execute %s: %s", sv->binary, strerror(-r));
	refuse(sv, r, why);
}

/* Look again when a moment has passed. */
static void
look_again(struct upgrade *u, struct ev_loop *loop)
{
	ev_timer_set(&u->timer, RECYCLING_LOOK_S, 0.);
	ev_timer_start(loop, &u->timer);
}

/* Workers that are being replaced first become ready. */
static void
become_when_quiet(struct supervisor *sv)
{
	struct upgrade *u = &sv->upgrade;

	if (sv->recycle.requests == NULL ||
	    clock_ms() - u->begun_ms > RECYCLING_MS) {
		become(sv);
		return;
	}
	u->state = UPGRADE_WAITING;
	look_again(u, sv->loop);
}

/* The workers have let go of us, or are about to. */
static void
become_when_loose(struct supervisor *sv)
{
	struct upgrade *u = &sv->upgrade;

	if (force_is_ready(sv))
		become(sv);
	else if (clock_ms() - u->begun_ms > FORCING_MS)
		refuse(sv, -ETIMEDOUT, "the workers can't be let go");
	else
		look_again(u, sv->loop);
}

/* Only the layout is another one, and that is to be no obstacle. */
static void
force(struct supervisor *sv)
{
	struct upgrade *u = &sv->upgrade;

	log_warning("upgrade: %s has another layout: by force, without the "
		    "workers and what they have",
	    sv->binary);
	u->state = UPGRADE_FORCING;
	u->begun_ms = clock_ms();
	force_begin(sv);
	look_again(u, sv->loop);
}

/* --- the trial ---------------------------------------------------------------
 */

/* The command line of the trial; NULL at the end; to be freed. */
static char **
trial_argv(const struct supervisor *sv, char *mode, char *versions)
{
	char *const *own = sv->options->argv;
	size_t count = 0;
	char **argv;

	while (own[count] != NULL)
		count++;
	argv = calloc(count + 3, sizeof(*argv));
	if (argv == NULL)
		return NULL;
	argv[0] = own[0];
	argv[1] = mode;
	argv[2] = versions;
	for (size_t i = 1; i < count; i++)
		argv[i + 2] = own[i];
	return argv;
}

/* In the child; signals are blocked. */
SC_NORETURN static void
run_trial(const char *binary, char **argv, int output)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)dup2(output, STDOUT_FILENO);
	(void)dup2(output, STDERR_FILENO);
	fd_close_all_but(NULL, 0);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execv(binary, argv);
	(void)dprintf(STDERR_FILENO, "%s\n", strerror(errno));
	_exit(EXIT_FAILURE);
}

/* Start the child: 0 or -errno. */
static int
start_trial(struct supervisor *sv)
{
	char mode[] = UPGRADE_CHECK_MODE, versions[HANDOVER_VERSIONS_CAP];
	sigset_t all, before;
	int ends[2], r = 0;
	char **argv;
	pid_t pid;

	handover_versions(versions, sizeof(versions));
	argv = trial_argv(sv, mode, versions);
	if (argv == NULL)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(argv);
		return -errno;
	}
	/* No handler of ours may run in the child. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run_trial(sv->binary, argv, ends[1]);
	if (pid < 0)
		r = -errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	free(argv);
	fd_close(&ends[1]);
	sv->upgrade.output = ends[0];
	sv->upgrade.trial = pid;
	return r;
}

/* What the trial wrote: its first line, which may be empty. */
static void
read_verdict(const struct upgrade *u, char *buf, size_t cap)
{
	ssize_t n = read(u->output, buf, cap - 1);

	buf[MAX(n, 0)] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
}

/* Why it is not to be, told in buf: what the trial said, or how it ended. */
static void
explain(int wait_status, char *buf, size_t cap)
{
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
		(void)snprintf(buf, cap, "not a shadowcat that can go on here");
	else if (buf[0] == '\0')
		obituary_format(wait_status, buf, cap);
}

static bool
says(int wait_status, int exit_status, const char *verdict, const char *word)
{
	return WIFEXITED(wait_status) &&
	       WEXITSTATUS(wait_status) == exit_status &&
	       strncmp(verdict, word, strlen(word)) == 0;
}

bool
upgrade_note_exit(struct supervisor *sv, pid_t pid, int wait_status)
{
	struct upgrade *u = &sv->upgrade;
	char verdict[UPGRADE_TEXT_CAP / 2], why[UPGRADE_TEXT_CAP];

	if (u->state != UPGRADE_TRYING || pid != u->trial)
		return false;
	u->trial = 0;
	ev_timer_stop(sv->loop, &u->timer);
	read_verdict(u, verdict, sizeof(verdict));
	if (says(wait_status, EXIT_SUCCESS, verdict, UPGRADE_FIT)) {
		become_when_quiet(sv);
		return true;
	}
	if (u->may_force && says(wait_status, UPGRADE_EXIT_OTHER_LAYOUT,
				verdict, UPGRADE_OTHER_LAYOUT)) {
		force(sv);
		return true;
	}
	explain(wait_status, verdict, sizeof(verdict));
	(void)snprintf(why, sizeof(why), "%s: %s", sv->binary, verdict);
	refuse(sv, -EPROTO, why);
	return true;
}

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct supervisor *sv = timer->data;

	(void)loop;
	(void)revents;
	if (sv->upgrade.state == UPGRADE_WAITING) {
		become_when_quiet(sv);
		return;
	}
	if (sv->upgrade.state == UPGRADE_FORCING) {
		become_when_loose(sv);
		return;
	}
	(void)kill(sv->upgrade.trial, SIGKILL);
	refuse(sv, -ETIMEDOUT, "the trial of the new binary does not end");
}

/* --- beginning
 * ---------------------------------------------------------------- */

void
upgrade_init(struct supervisor *sv, const char *program)
{
	struct upgrade *u = &sv->upgrade;

	u->output = -1;
	u->reply = -1;
	ev_timer_init(&u->timer, on_timer, 0., 0.);
	u->timer.data = sv;
	if (sv->binary == NULL)
		sv->binary = find_binary(program);
}

/* Why there can be no upgrade at the moment; NULL: there can. */
static const char *
objection(const struct supervisor *sv)
{
	if (sv->state >= SUPERVISOR_DRAINING)
		return "the daemon is stopping";
	if (sv->state == SUPERVISOR_STARTING)
		return "the daemon is starting";
	if (sv->upgrade.state != UPGRADE_NONE)
		return "an upgrade is under way";
	if (sv->binary == NULL)
		return "where the binary is installed is not known";
	return NULL;
}

void
upgrade_begin(struct supervisor *sv, bool may_force, int reply,
    upgrade_refused *refused, void *context)
{
	struct upgrade *u = &sv->upgrade;
	const char *why = objection(sv);
	int r;

	if (why != NULL) {
		log_error("upgrade: %s", why);
		if (refused != NULL)
			refused(context, -EBUSY, why);
		return;
	}
	u->state = UPGRADE_TRYING;
	/* Who asked may go away, and the number become another's. */
	u->reply = reply < 0 ? -1 : fcntl(reply, F_DUPFD_CLOEXEC, 0);
	u->may_force = may_force;
	u->refused = refused;
	u->context = context;
	u->begun_ms = clock_ms();
	r = start_trial(sv);
	if (r < 0) {
		refuse(sv, r, strerror(-r));
		return;
	}
	ev_timer_set(&u->timer, TRIAL_MS / 1e3, 0.);
	ev_timer_start(sv->loop, &u->timer);
}

/* --- in the new binary -----------------------------------------------------
 */

int
upgrade_check(const char *versions)
{
	char own[HANDOVER_VERSIONS_CAP];

	handover_versions(own, sizeof(own));
	if (strcmp(own, versions) == 0)
		return puts(UPGRADE_FIT) < 0 ? -EIO : 0;
	(void)fprintf(stderr,
	    UPGRADE_OTHER_LAYOUT
	    " (%s, the daemon has %s): it takes a "
	    "restart, or shadowcatctl upgrade --force, which leaves the "
	    "streams under way to the old workers\n",
	    own, versions);
	return -EPROTO;
}

/* The descriptor of the estate, which no other program gets; -1: none. */
static int
inherit_estate(void)
{
	const char *text = getenv(estate_variable);
	int fd = text != NULL ? atoi(text) : -1;

	(void)unsetenv(estate_variable);
	return fd > STDERR_FILENO && fd_set_cloexec(fd, 1) == 0 ? fd : -1;
}

bool
upgrade_inherit(struct upgrade_inheritance *ret)
{
	const char *text = getenv(variable);
	int at = 0;

	if (text == NULL)
		return false;
	if (sscanf(text, "%d:%d:%n", &ret->fd, &ret->binary, &at) != 2 ||
	    at == 0)
		at = -1;
	else
		(void)snprintf(ret->why, sizeof(ret->why), "%s", text + at);
	(void)unsetenv(variable);
	ret->estate = inherit_estate();
	return at > 0;
}

void
upgrade_go_back(
    const struct upgrade_inheritance *in, char **argv, const char *why)
{
	char text[UPGRADE_TEXT_CAP];

	if (in->binary < 0)
		return; /* we are what would be gone back to */
	(void)snprintf(text, sizeof(text), "%d:-1:%s", in->fd, why);
	(void)setenv(variable, text, 1);
	/* It is what it is. */
	(void)unsetenv(HANDOVER_LAYOUT_VARIABLE);
	(void)!fd_set_cloexec(in->binary, 0);
	(void)syscall(
	    SYS_execveat, in->binary, "", argv, environ, AT_EMPTY_PATH);
}
