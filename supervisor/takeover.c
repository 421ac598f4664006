/*
 * takeover.c - this image takes the place of another one, in its process:
 * with its workers and their memory, or, by force, without them.
 *
 * Nothing changes until all that can fail has succeeded: up to then the image
 * before can be gone back to.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "supervisor/estate.h"
#include "supervisor/force.h"
#include "supervisor/handover.h"
#include "supervisor/limits.h"
#include "supervisor/log_conf.h"
#include "supervisor/nursery.h"
#include "supervisor/recycle.h"
#include "supervisor/reload.h"
#include "supervisor/start.h"
#include "supervisor/state.h"
#include "supervisor/takeover.h"

/* --- taking over -------------------------------------------------------- */

/* Lines go where those of the image before went. */
static int
resume_log(const struct conf *conf, int fd)
{
	log_conf_apply(conf);
	return log_set_target_fd(conf->log_target, fd);
}

/* In developer builds a take-over can be made to fail, for the tests. */
static int
fail_as_told(const char *why)
{
#ifdef SC_DEVELOPER
	if (why[0] == '\0' && getenv("SHADOWCAT_FAIL_TAKE_OVER") != NULL)
		return -ECANCELED;
#endif
	(void)why;
	return 0;
}

/* Everything that can fail; nothing that is seen from outside. */
static int
resume(struct supervisor *sv, struct unpack *u, struct handover *h,
    const char *why)
{
	int r = start_loop(sv);

	if (r == 0)
		r = handover_read(u, sv, h);
	if (r == 0)
		r = resume_log(sv->conf, h->log_fd);
	if (r == 0)
		r = start_confined(sv->conf);
	if (r == 0)
		r = start_find_user(sv);
	if (r < 0)
		return r;
	nursery_init(sv);
	r = handover_read_channels(u, sv);
	if (r == 0)
		r = start_accepting(sv);
	if (r == 0)
		r = fail_as_told(why);
	return r;
}

/* The new image stands: what it has is its own again. */
static void
settle_in(struct supervisor *sv, struct unpack *u, struct handover *h)
{
	for (size_t i = 0; i < u->fd_count; i++) {
		if (u->fds[i] > STDERR_FILENO)
			(void)!fd_set_cloexec(u->fds[i], 1);
	}
	fd_close(&h->binary);
	sv->pidfile.path = sv->conf->pidfile;
	control_resume(&sv->control, sv->loop, sv->conf->control_path);
	sv->state = SUPERVISOR_RUNNING;
}

/* What to do when the workers have followed. */
static void
on_upgraded(void *context, int error, const char *text)
{
	struct supervisor *sv = context;
	int reply = sv->upgrade.reply;
	char result[UPGRADE_TEXT_CAP];

	sv->upgrade.reply = -1;
	if (error == 0) {
		log_notice("upgrade: done");
		(void)snprintf(
		    result, sizeof(result), "now %s; %s", PACKAGE_STRING, text);
		text = result;
	}
	if (reply >= 0 && sv->upgrade.answer != NULL)
		sv->upgrade.answer(sv, reply, error, text);
	else
		fd_close(&reply);
}

void
takeover_serving(struct supervisor *sv)
{
	char text[80];

	sv->upgrade.is_replacement = false;
	(void)snprintf(text, sizeof(text),
	    "old workers that finish what they have: %u", sv->leaving.count);
	on_upgraded(sv, 0, text);
}

/* The configuration was read again, and the workers follow; or it is bad. */
static void
on_reloaded(void *context, int error, const char *text)
{
	struct supervisor *sv = context;

	if (error != 0 && error != -ECHILD && error != -ECANCELED)
		error = recycle_begin(sv, RECYCLE_ALL, on_upgraded, sv);
	else
		on_upgraded(sv, error, text);
}

/* Serve as what the image before was. */
static int
go_on(struct supervisor *sv, const char *why)
{
	acceptor_workers_changed(&sv->acceptor);
	signals_start(&sv->signals, sv->loop);
	nursery_resume(sv);
	force_take_back(sv);
	if (why[0] != '\0') {
		log_error("upgrade: %s; the old binary is back", why);
		on_upgraded(sv, -EPROTO, why);
	} else {
		sv->upgrades++;
		log_notice(
		    "upgrade: version %s has taken over", PACKAGE_VERSION);
		reload_begin(sv, on_reloaded, sv);
	}
	return start_serving(sv);
}

/* The bytes of a handover, while they are read. */
struct reading {
	void *bytes; /* mapped */
	size_t len;
	struct unpack u;
};

static int
reading_begin(int fd, struct reading *ret)
{
	struct stat st;
	void *bytes;

	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return -EPROTO;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -EPROTO;
	*ret = (struct reading){ .bytes = bytes,
		.len = (size_t)st.st_size,
		.u = { .at = bytes, .left = (size_t)st.st_size } };
	return 0;
}

/* All is read, and stands: nobody needs the bytes again. */
static void
reading_end(struct reading *reading, int fd)
{
	unpack_fini(&reading->u);
	(void)munmap(reading->bytes, reading->len);
	fd_close(&fd);
}

int
takeover_run(
    const struct options *options, struct conf *conf, int fd, const char *why)
{
	struct handover h = { .binary = -1 };
	struct supervisor sv;
	struct reading reading;
	int r = reading_begin(fd, &reading);

	if (r < 0)
		return r;
	start_init(&sv, options, conf);
	r = resume(&sv, &reading.u, &h, why);
	if (r < 0)
		return r; /* the image before needs all of it */
	settle_in(&sv, &reading.u, &h);
	upgrade_init(&sv, options->argv[0]);
	sv.upgrade.reply = h.reply;
	reading_end(&reading, fd);
	return go_on(&sv, why);
}

/* --- replacing ---------------------------------------------------------- */

/* They are where they are, until a restart. */
static int
keep_paths(struct conf *conf, const struct estate *e)
{
	char error[CONF_ERROR_CAP];
	int r = 0;

	if (e->control_path != NULL)
		r = conf_set(conf, "control.path", e->control_path, error,
		    sizeof(error));
	if (r == 0)
		r = conf_set(conf, "pidfile",
		    e->pidfile_path != NULL ? e->pidfile_path : "", error,
		    sizeof(error));
	return r;
}

/*
 * The sockets that the configuration wants, new ones beside those that the
 * image before had; what it had stays in the estate until all is settled.
 */
static int
take_listeners(struct supervisor *sv, struct estate *e)
{
	struct listeners metrics;
	int r;

	r = listeners_change(
	    &e->listeners, &sv->conf->listen_address, &sv->listeners);
	if (r < 0)
		return r;
	sv->scrape.listeners = e->metrics;
	r = scrape_prepare(&sv->scrape, sv->conf, &metrics);
	if (r == 0)
		sv->scrape.listeners = metrics;
	return r;
}

/* Everything that can fail; nothing that is seen from outside. */
static int
begin_anew(struct supervisor *sv, struct estate *e)
{
	uint64_t files =
	    fd_raise_limit(limits_files(sv->conf, SHM_WORKERS_MAX));
	int r = start_loop(sv);

	if (r == 0)
		r = start_confined(sv->conf);
	if (r == 0)
		r = start_find_user(sv);
	if (r == 0)
		r = start_check_chroot(sv);
	if (r == 0)
		r = keep_paths(sv->conf, e);
	if (r == 0)
		r = start_tables(sv, files);
	if (r == 0)
		r = fail_as_told("");
	if (r == 0)
		r = take_listeners(sv, e);
	if (r == 0)
		r = start_accepting(sv);
	return r;
}

/* Sockets that are not wanted any more are closed. */
static void
settle_listeners(struct listeners *old, struct listeners *own, const char *what)
{
	listeners_replace(old, own, what);
	*own = *old;
	for (size_t i = 0; i < own->count; i++)
		(void)!fd_set_cloexec(own->items[i].fd, 1);
}

/* The workers find themselves alone: from here on there is no way back. */
static void
close_rest(struct estate *e)
{
	for (size_t i = 0; i < e->rest_count; i++) {
		if (e->rest[i] > STDERR_FILENO && e->rest[i] != log_fd())
			fd_close(&e->rest[i]);
	}
	fd_close(&e->binary);
}

static void
enter_upon(struct supervisor *sv, struct estate *e)
{
	int *own[] = { &e->control, &e->pidfile, &e->reply };

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		if (*own[i] >= 0)
			(void)!fd_set_cloexec(*own[i], 1);
	}
	settle_listeners(&e->listeners, &sv->listeners, LISTENERS_CLIENTS);
	settle_listeners(&e->metrics, &sv->scrape.listeners, LISTENERS_METRICS);
	close_rest(e);
	sv->binary = e->binary_path;
	sv->leaving = e->leaving;
	sv->control.fd = e->control;
	sv->pidfile.fd = e->pidfile;
	sv->pidfile.path = sv->conf->pidfile;
	control_resume(&sv->control, sv->loop, sv->conf->control_path);
	upgrade_init(sv, sv->options->argv[0]);
	sv->upgrade.reply = e->reply;
	sv->upgrade.is_replacement = true;
	sv->upgrades++;
}

int
takeover_replace(
    const struct options *options, struct conf *conf, int fd, int handover)
{
	struct reading reading;
	struct supervisor sv;
	struct estate e;
	int r = reading_begin(fd, &reading);

	if (r < 0)
		return r;
	start_init(&sv, options, conf);
	r = estate_read(&reading.u, &e);
	if (r == 0)
		r = begin_anew(&sv, &e);
	if (r < 0)
		return r; /* the image before needs all of it */
	enter_upon(&sv, &e);
	estate_fini(&e);
	reading_end(&reading, fd);
	fd_close(&handover);
	log_warning("upgrade: version %s has taken over by force: %u workers "
		    "of the image before finish what they have; sessions and "
		    "kept events of theirs are not known here",
	    PACKAGE_VERSION, sv.leaving.count);
	signals_start(&sv.signals, sv.loop);
	start_describe(&sv);
	nursery_start(&sv);
	return start_serving(&sv);
}
