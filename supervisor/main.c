/*
 * main.c - the shadowcat binary: from the command line to the supervisor.
 *
 * Exit status: 0 stopped as told, 1 failed, 2 bad configuration or usage.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "common/conf.h"
#include "common/log.h"
#include "supervisor/conf_local.h"
#include "supervisor/log_conf.h"
#include "supervisor/options.h"
#include "supervisor/options_help.h"
#include "supervisor/supervisor.h"
#include "supervisor/takeover.h"
#include "supervisor/upgrade.h"

#define EXIT_USAGE 2

/* What --help and --version write has to arrive: a full disk is a failure. */
static int
finish_output(void)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS
						      : EXIT_FAILURE;
}

/* Each line of text, with the program's name before it. */
static void
print_errors(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL)
		(void)fprintf(stderr, "shadowcat: %s\n", line);
}

static int
report_valid(const struct options *options)
{
	const char *file = options_text(options, OPTIONS_FLAG_CONFIG);

	printf("configuration %s%sis valid\n", file != NULL ? file : "",
	    file != NULL ? " " : "");
	return finish_output();
}

/* Begin to log as configured: 0 or -errno, with a line on stderr. */
static int
start_log(const struct conf *conf)
{
	int r;

	log_conf_apply(conf);
	r = log_set_target(conf->log_target);
	if (r < 0)
		(void)fprintf(stderr, "shadowcat: log.target: %s: %s\n",
		    conf->log_target, strerror(-r));
	return r;
}

/*
 * Load the configuration, and look whether this machine has what it names: 0
 * and *ret, to be freed, or -errno with the reasons in error.
 */
static int
load(const struct options *options, struct conf *ret,
    char error[OPTIONS_ERROR_CAP])
{
	int r = options_load(options, ret, error, OPTIONS_ERROR_CAP);

	if (r < 0)
		return r;
	r = conf_local_check(ret, error, OPTIONS_ERROR_CAP);
	if (r < 0)
		conf_fini(ret);
	return r;
}

/* Load the configuration, and run or check it. */
static int
run(const struct options *options)
{
	char error[OPTIONS_ERROR_CAP];
	struct conf conf;
	int status;

	if (load(options, &conf, error) < 0) {
		print_errors(error);
		return EXIT_USAGE;
	}
	if (options->action == OPTIONS_TEST)
		status = report_valid(options);
	else if (start_log(&conf) < 0)
		status = EXIT_FAILURE;
	else
		status = supervisor_run(options, &conf);
	conf_fini(&conf);
	return status;
}

/*
 * A daemon wants to go on as this binary: would that do?  argv is its command
 * line, the versions of what it has behind the first two words.
 */
static int
check_upgrade(int argc, char **argv)
{
	char error[OPTIONS_ERROR_CAP];
	struct options options;
	struct conf conf;
	int r;

	const char *versions = argv[2];

	argv[2] = argv[0];
	r = options_parse(argc - 2, argv + 2, &options, error, sizeof(error));
	if (r == 0) {
		r = options_load(&options, &conf, error, sizeof(error));
		if (r == 0)
			conf_fini(&conf);
		options_fini(&options);
	}
	if (r < 0) {
		print_errors(error);
		return EXIT_FAILURE;
	}
	return upgrade_check(versions) < 0 ? UPGRADE_EXIT_OTHER_LAYOUT
					   : EXIT_SUCCESS;
}

/* In the place of a daemon with another layout: the exit status. */
static int
replace(const struct upgrade_inheritance *in, const struct options *options,
    struct conf *conf, char *why)
{
	int r = options_load(options, conf, why, UPGRADE_TEXT_CAP);

	if (r < 0)
		return r;
	(void)snprintf(why, UPGRADE_TEXT_CAP, "the log can't be opened");
	if (start_log(conf) < 0)
		return -EIO;
	r = takeover_replace(options, conf, in->estate, in->fd);
	if (r < 0)
		(void)snprintf(why, UPGRADE_TEXT_CAP,
		    "the new binary can't take over by force: %s",
		    strerror(-r));
	return r;
}

/* Go on as the daemon that this process was: the exit status. */
static int
go_on(const struct upgrade_inheritance *in, const struct options *options,
    struct conf *conf, char *why)
{
	int r = conf_init(conf);

	(void)snprintf(why, UPGRADE_TEXT_CAP, "the take-over failed");
	if (r < 0)
		return r;
	r = takeover_run(options, conf, in->fd, in->why);
	if (r < 0)
		(void)snprintf(why, UPGRADE_TEXT_CAP,
		    "the new binary can't take over: %s", strerror(-r));
	return r;
}

static int
take_over(
    const struct upgrade_inheritance *in, int argc, char **argv, char *why)
{
	struct options options;
	struct conf conf;
	int r;

	r = options_parse(argc, argv, &options, why, UPGRADE_TEXT_CAP);
	if (r < 0)
		return r;
	r = in->estate >= 0 && in->why[0] == '\0'
		? replace(in, &options, &conf, why)
		: go_on(in, &options, &conf, why);
	if (r < 0)
		return r;
	conf_fini(&conf);
	options_fini(&options);
	return r;
}

/* The same; where it fails this process becomes the old binary again. */
static int
take_over_or_go_back(
    const struct upgrade_inheritance *in, int argc, char **argv)
{
	char why[UPGRADE_TEXT_CAP];
	int r;

	/* The old binary was started by its descriptor, and is called so. */
	(void)prctl(PR_SET_NAME, "shadowcat");
	r = take_over(in, argc, argv, why);
	if (r >= 0)
		return r;
	upgrade_go_back(in, argv, why);
	log_error("upgrade: %s, and there is no way back: stopped", why);
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	struct upgrade_inheritance inherited;
	char error[CONF_ERROR_CAP];
	struct options options;
	int status = EXIT_SUCCESS;

	log_init("shadowcat");
	if (upgrade_inherit(&inherited))
		return take_over_or_go_back(&inherited, argc, argv);
	if (argc > 2 && strcmp(argv[1], UPGRADE_CHECK_MODE) == 0)
		return check_upgrade(argc, argv);
	if (options_parse(argc, argv, &options, error, sizeof(error)) < 0) {
		(void)fprintf(
		    stderr, "shadowcat: %s (see shadowcat --help)\n", error);
		return EXIT_USAGE;
	}
	switch (options.action) {
	case OPTIONS_HELP:
		options_write_help(stdout);
		status = finish_output();
		break;
	case OPTIONS_VERSION:
		options_write_version(stdout);
		status = finish_output();
		break;
	case OPTIONS_TEST:
	case OPTIONS_RUN:
		status = run(&options);
		break;
	}
	options_fini(&options);
	return status;
}
