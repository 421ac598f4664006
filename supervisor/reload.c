/*
 * reload.c - reading the configuration again.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/reload.h"

static void
log_lines(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line != '\0')
			log_error("reload: %s", line);
	}
}

/* Make *conf_text a copy of text; without memory it stays as it is. */
static void
replace_string(char **conf_text, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return;
	free(*conf_text);
	*conf_text = copy;
}

/* Send lines where the new configuration wants them: 0 or -errno. */
static int
apply_log(const struct conf *conf)
{
	enum log_level level;
	int r = log_level_parse(conf->log_level, &level);

	if (r == 0)
		r = log_set_target(conf->log_target);
	if (r == 0)
		log_set_level(level);
	else
		log_error("reload: log.target: %s: %s", conf->log_target,
		    strerror(-r));
	return r;
}

/* Say what was read and not put into force: the log's keys are. */
static void
log_rest(const struct conf *conf, const struct conf *fresh)
{
	char names[1024];

	log_notice("reload: log.level and log.target are in force");
	if (conf_changed_needing_restart(conf, fresh, names, sizeof(names)) > 0)
		log_warning("reload: a restart is needed for %s", names);
	if (!conf_equal(conf, fresh))
		log_warning("reload: what else has changed is not in force "
			    "before a restart");
}

int
reload_conf(const struct options *options, struct conf *conf)
{
	char error[OPTIONS_ERROR_CAP];
	struct conf fresh;
	int r;

	r = options_load(options, &fresh, error, sizeof(error));
	if (r < 0) {
		log_lines(error);
		log_error("reload: the old configuration stays in force");
		return r;
	}
	r = apply_log(&fresh);
	if (r == 0) {
		replace_string(&conf->log_level, fresh.log_level);
		replace_string(&conf->log_target, fresh.log_target);
		log_rest(conf, &fresh);
	}
	conf_fini(&fresh);
	return r;
}
