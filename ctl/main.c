/*
 * main.c - shadowcatctl: ask the daemon, show what it answers.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/link.h"
#include "ctl/options.h"
#include "ctl/print.h"

/* Scripts depend on them: shadowcatctl(8), EXIT STATUS. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_NOBODY = 3,
	EXIT_NOT_YET = -1, /* none of them: what was cut is asked again */
};

/* Why nobody could be asked, in words. */
static const char *
describe(int error)
{
	switch (error) {
	case -EPERM:
		return "its directory is not ours alone";
	case -ECONNREFUSED:
		return "nobody answers";
	case -ENOENT:
		return "there is no such socket: is shadowcat running?";
	case -ECONNRESET:
	case -EPIPE:
		return "it hung up without an answer";
	case -ETIMEDOUT:
		return "no answer in time";
	case -EPROTO:
		return "what answers is not shadowcat";
	case -EPROTONOSUPPORT:
		return "another version of shadowcat answers";
	default:
		return strerror(-error);
	}
}

static enum exit_code
complain(const struct ctl_options *options, int error)
{
	(void)fprintf(
	    stderr, "shadowcatctl: %s: %s\n", options->path, describe(error));
	return EXIT_NOBODY;
}

/* Nothing more can be printed. */
static enum exit_code
complain_output(int error)
{
	(void)fprintf(stderr, "shadowcatctl: %s\n",
	    error == -EIO ? "the output can't be written" : strerror(-error));
	return EXIT_REFUSED;
}

static bool
is_live(const struct ctl_options *options)
{
	return ctl_command_row(options->request.command)->form == CTL_FORM_LIVE;
}

/*
 * An upgrade ends the connections.  What has no end of its own goes on then,
 * if there is anybody; where nothing came since it was asked, it does not.
 */
static enum exit_code
go_on_or_complain(const struct ctl_options *options, unsigned pieces, int error)
{
	if (error != -ECONNRESET || pieces == 0 || !is_live(options))
		return complain(options, error);
	(void)fprintf(stderr,
	    "shadowcatctl: %s: the connection ended, as in an upgrade; asked "
	    "again: what came meanwhile is not shown\n",
	    options->path);
	return EXIT_NOT_YET;
}

/* Everything up to the last frame. */
static enum exit_code
receive(struct link *link, const struct ctl_options *options,
    struct printer *printer)
{
	struct ctl_answer answer;
	unsigned pieces = 0;
	int r = 0;

	for (; r == 0; pieces++) {
		r = link_receive(link, &answer);
		if (r != 0)
			return go_on_or_complain(options, pieces, r);
		if (answer.kind == CTL_ANSWER_DONE) {
			r = printer_end(printer, &answer);
			break;
		}
		if (answer.kind == CTL_ANSWER_ERROR) {
			(void)fflush(stdout);
			(void)fprintf(stderr, "shadowcatctl: %.*s\n",
			    (int)answer.body.via.str.size,
			    answer.body.via.str.ptr);
			return EXIT_REFUSED;
		}
		r = printer_take(printer, &answer);
	}
	return r == 0 ? EXIT_DONE : complain_output(r);
}

static enum exit_code
ask(const struct ctl_options *options, struct printer *printer)
{
	enum exit_code code;
	struct link link;
	int r = link_open(&link, options->path, options->is_default_path);

	if (r != 0)
		return complain(options, r);
	printer_begin(printer);
	r = link_send(&link, &options->request);
	/* Where it hung up at once it may have said why. */
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		code = receive(&link, options, printer);
	else
		code = complain(options, r);
	link_close(&link);
	return code;
}

static void
pause_for(double seconds)
{
	struct timespec left = { .tv_sec = (time_t)seconds };

	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

/*
 * What has no end of its own is ended so.  Lines are written whole, so nothing
 * is left half-way.
 */
static void
on_stop(int number)
{
	(void)number;
	_exit(EXIT_DONE);
}

static void
let_it_be_stopped(const struct ctl_options *options)
{
	struct sigaction action = { .sa_handler = on_stop };

	if (!options->watch && !is_live(options))
		return;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

static enum exit_code
run(const struct ctl_options *options)
{
	struct printer printer;
	enum exit_code code;

	if (printer_init(&printer, options) != 0)
		return complain_output(-ENOMEM);
	let_it_be_stopped(options);
	for (;;) {
		code = ask(options, &printer);
		if (code == EXIT_NOT_YET)
			continue;
		if (!options->watch || code != EXIT_DONE)
			break;
		pause_for(options->watch_s);
	}
	printer_fini(&printer);
	return code;
}

int
main(int argc, char **argv)
{
	char error[CTL_ERROR_CAP];
	struct ctl_options options;

	if (ctl_options_parse(argc, argv, &options, error) != 0) {
		(void)fprintf(stderr, "shadowcatctl: %s\n", error);
		return EXIT_USAGE;
	}
	switch (options.action) {
	case CTL_ACTION_HELP:
		ctl_options_write_help(stdout);
		break;
	case CTL_ACTION_VERSION:
		(void)printf("shadowcatctl %s\n", PACKAGE_VERSION);
		break;
	case CTL_ACTION_ASK:
		return run(&options);
	}
	return fflush(stdout) == 0 ? EXIT_DONE : complain_output(-EIO);
}
