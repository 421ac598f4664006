/*
 * daemon.c - going to the background.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "supervisor/complain.h"
#include "supervisor/daemon.h"

/* Wait until the child serves or has ended: our exit status. */
static int
wait_for_child(pid_t child, int report)
{
	char byte;
	ssize_t n;
	int status;

	do
		n = read(report, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return EXIT_SUCCESS;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static void
become_leader(void)
{
	/* A fresh child is no group's leader, and / is there: both succeed. */
	(void)setsid();
	(void)!chdir("/");
}

int
daemon_begin(struct daemon *d, int *ret_status)
{
	int ends[2], r;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		r = -errno;
		complain("pipe: %s", strerror(-r));
		return r;
	}
	child = fork();
	if (child < 0) {
		r = -errno;
		complain("fork: %s", strerror(-r));
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return r;
	}
	if (child > 0) {
		fd_close(&ends[1]);
		*ret_status = wait_for_child(child, ends[0]);
		fd_close(&ends[0]);
		return 1;
	}
	fd_close(&ends[0]);
	d->report = ends[1];
	d->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	become_leader();
	return 0;
}

void
daemon_detach(const struct daemon *d)
{
	if (d->null < 0)
		return;
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		(void)dup2(d->null, i);
	log_stderr_changed();
}

void
daemon_serving(struct daemon *d)
{
	if (d->report < 0)
		return;
	daemon_detach(d);
	if (d->null > STDERR_FILENO)
		fd_close(&d->null);
	/* The parent may have been killed meanwhile: SIGPIPE is ignored. */
	(void)!write(d->report, "", 1);
	fd_close(&d->report);
}
