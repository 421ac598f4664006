/*
 * reload.c - a new configuration for a running daemon.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/limits.h"
#include "supervisor/log_conf.h"
#include "supervisor/notify.h"
#include "supervisor/nursery.h"
#include "supervisor/recycle.h"
#include "supervisor/reload.h"
#include "supervisor/state.h"
#include "supervisor/supervisor.h"

/* A reload that waits for the workers. */
struct reload {
	struct supervisor *sv;
	reload_done *done;
	void *context;
	char text[RELOAD_TEXT_CAP]; /* how it went so far */
};

/* --- the end ------------------------------------------------------------ */

static void
log_lines(enum log_level level, const char *text)
{
	size_t len;

	for (; *text != '\0'; text += len + (text[len] != '\0')) {
		len = strcspn(text, "\n");
		log_at(level, "reload: %.*s", (int)len, text);
	}
}

static void
note_result(struct reload_history *history, int error)
{
	history->last_failed = error != 0;
	if (error != 0) {
		history->refused++;
		return;
	}
	history->done++;
	history->success_wall_ms = clock_wall_ms();
}

/* Say how it went, and free it. */
static void
finish(struct reload *r, int error)
{
	note_result(&r->sv->reloads, error);
	log_lines(error == 0 ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, r->text);
	if (r->sv->state == SUPERVISOR_RUNNING)
		notify_ready(error == 0
				 ? "serving"
				 : "serving; the last reload failed: see the "
				   "log");
	if (r->done != NULL)
		r->done(r->context, error, r->text);
	free(r);
}

static void
refuse(struct reload *r, int error)
{
	size_t len = strlen(r->text);

	(void)snprintf(r->text + len, sizeof(r->text) - len,
	    "%sthe old configuration stays in force", len > 0 ? "\n" : "");
	finish(r, error);
}

static void
on_recycled(void *context, int error, const char *text)
{
	struct reload *r = context;
	char before[OPTIONS_ERROR_CAP];

	(void)snprintf(
	    before, sizeof(before), "%.*s", OPTIONS_ERROR_CAP - 1, r->text);
	(void)snprintf(r->text, sizeof(r->text),
	    "the new configuration is in force%s%.128s%s%.*s",
	    error == 0 ? "" : ", but not in every worker: ",
	    error == 0 ? "" : text, before[0] != '\0' ? "\n" : "",
	    OPTIONS_ERROR_CAP - 1, before);
	finish(r, error);
}

/* --- putting into force --------------------------------------------------- */

/* Send lines where the new configuration wants them: 0 or -errno. */
static int
apply_log(struct reload *r, const struct conf *old, const struct conf *fresh)
{
	int error = 0;

	/* A target that stays is not opened again: USR1 is for that. */
	if (strcmp(old->log_target, fresh->log_target) != 0)
		error = log_set_target(fresh->log_target);
	if (error == 0)
		log_conf_apply(fresh);
	else
		(void)snprintf(r->text, sizeof(r->text), "log.target: %s: %s",
		    fresh->log_target, strerror(-error));
	return error;
}

/* Sockets for the new configuration; those that stay are in there, too. */
struct sockets {
	struct listeners clients;
	struct listeners metrics;
};

static int
bind_sockets(struct reload *r, const struct conf *fresh, struct sockets *ret)
{
	struct supervisor *sv = r->sv;
	const char *key = "listen.address";
	int error;

	error = listeners_change(
	    &sv->listeners, &fresh->listen_address, &ret->clients);
	if (error == 0) {
		key = "metrics.address";
		error = scrape_prepare(&sv->scrape, fresh, &ret->metrics);
		if (error < 0)
			listeners_forget(&sv->listeners, &ret->clients);
	}
	if (error < 0)
		(void)snprintf(r->text, sizeof(r->text), "%s: %s: see the log",
		    key, strerror(-error));
	return error;
}

static void
forget_sockets(struct supervisor *sv, struct sockets *sockets)
{
	listeners_forget(&sv->listeners, &sockets->clients);
	listeners_forget(&sv->scrape.listeners, &sockets->metrics);
}

/* Accept on these sockets from now on. */
static void
apply_sockets(struct supervisor *sv, struct sockets *fresh)
{
	acceptor_stop(&sv->acceptor);
	listeners_replace(&sv->listeners, &fresh->clients, LISTENERS_CLIENTS);
	if (acceptor_start(&sv->acceptor, &sv->listeners) == 0 &&
	    scrape_restart(&sv->scrape, &fresh->metrics) == 0)
		return;
	log_error("accept: no memory");
	supervisor_fail(sv);
}

static void
name_restart_keys(
    struct reload *r, const struct conf *old, const struct conf *fresh)
{
	char names[1024];

	if (conf_changed_needing_restart(old, fresh, names, sizeof(names)) > 0)
		(void)snprintf(r->text, sizeof(r->text),
		    "a restart is needed for %s", names);
}

/* Nothing can fail any more.  Takes what is in `fresh` and `sockets`. */
static void
put_into_force(struct reload *r, struct conf *fresh, struct sockets *sockets)
{
	struct supervisor *sv = r->sv;
	struct conf old;

	name_restart_keys(r, sv->conf, fresh);
	conf_keep_until_restart(sv->conf, fresh);
	old = *sv->conf;
	*sv->conf = *fresh;
	apply_sockets(sv, sockets);
	nursery_resize(
	    sv, limits_workers(sv->conf, sysconf(_SC_NPROCESSORS_ONLN)));
	conf_fini(&old);
}

/* Try what can fail, then do it: 0, or -errno with the reason in r->text. */
static int
apply(struct reload *r, struct conf *fresh)
{
	struct supervisor *sv = r->sv;
	struct sockets sockets;
	int error;

	error = bind_sockets(r, fresh, &sockets);
	if (error < 0)
		return error;
	error = apply_log(r, sv->conf, fresh);
	if (error < 0) {
		forget_sockets(sv, &sockets);
		return error;
	}
	put_into_force(r, fresh, &sockets);
	return 0;
}

/* --- beginning ------------------------------------------------------------ */

/* Read, try, and put into force: 0, or -errno with the reasons in r->text. */
static int
load_and_apply(struct reload *r)
{
	struct conf fresh;
	int error;

	error =
	    options_load(r->sv->options, &fresh, r->text, OPTIONS_ERROR_CAP);
	if (error < 0)
		return error;
	error = apply(r, &fresh);
	if (error < 0)
		conf_fini(&fresh);
	return error;
}

void
reload_begin(struct supervisor *sv, reload_done *done, void *context)
{
	struct reload *r = calloc(1, sizeof(*r));
	int error;

	if (r == NULL || sv->state >= SUPERVISOR_DRAINING) {
		if (done != NULL)
			done(context, r == NULL ? -ENOMEM : -ESHUTDOWN,
			    r == NULL ? "no memory" : "the daemon is stopping");
		free(r);
		return;
	}
	*r = (struct reload){ .sv = sv, .done = done, .context = context };
	notify_reloading();
	error = load_and_apply(r);
	if (error < 0) {
		refuse(r, error);
		return;
	}
	error = recycle_begin(sv, RECYCLE_ALL, on_recycled, r);
	if (error < 0)
		on_recycled(r, error == -ENOENT ? 0 : error, strerror(-error));
}
