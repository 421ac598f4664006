/*
 * options.h - the command line of shadowcatctl.
 */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "common/control_path.h"
#include "common/ctl_proto.h"
#include "common/sc.h"

/*
 * TABLE of the options.  To add one: a row here, a case in options.c, a
 * paragraph in man/shadowcatctl.8, the word in contrib/completion/shadowcatctl.
 */
/* clang-format off */
#define CTL_OPTIONS(X)                                                       \
	/* name    long       short  argument     help */                    \
	X(SOCKET,  "socket",  's',   "PATH",      "the daemon's control socket") \
	X(JSON,    "json",    'j',   "",          "answer in JSON, for scripts") \
	X(WATCH,   "watch",   'w',   "[SECONDS]",                            \
	    "ask again and again, every 2 seconds if nothing else is said")  \
	X(BODIES,  "bodies",  'b',   "",                                     \
	    "tap: show the events' data, which may be secret")               \
	X(FORCE,   "force",   'f',   "",                                     \
	    "upgrade: leave the streams under way to the old workers, "      \
	    "if need be")                                                    \
	X(HELP,    "help",    'h',   "",          "show this")               \
	X(VERSION, "version", 'V',   "",          "show the version")
/* clang-format on */

enum ctl_action { CTL_ACTION_ASK, CTL_ACTION_HELP, CTL_ACTION_VERSION };

struct ctl_options {
	enum ctl_action action;
	bool json;
	bool watch;
	double watch_s;
	bool is_default_path;
	char path[CONTROL_PATH_CAP];
	struct ctl_request request;
};

/* Room for any message about a command line. */
#define CTL_ERROR_CAP 1024

/*
 * Read a command line.  Words may be shortened as long as they are not the
 * beginning of several.  0; or -EINVAL with what is wrong, and what would be
 * right, in error (CTL_ERROR_CAP bytes).
 */
SC_MUST_CHECK int ctl_options_parse(
    int argc, char **argv, struct ctl_options *ret, char *error);

/* How to call the program, its commands and options. */
void ctl_options_write_help(FILE *out);

#endif
