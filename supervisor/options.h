/*
 * options.h - the command line of shadowcat(8).
 *
 * What was given is kept, so that a reload can put it over the file again,
 * and an upgrade can hand it to the next binary.
 */
#ifndef SUPERVISOR_OPTIONS_H
#define SUPERVISOR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/conf.h"
#include "common/sc.h"

/* Room for the errors of options_load(), a line each. */
#define OPTIONS_ERROR_CAP 8192

/*
 * Every option.  To add one: a row, a paragraph in man/shadowcat.8, and
 * where it sets no key, a case in options.c.
 *
 * X(name, long, short or 0, argument or NULL, key that it sets or NULL, help)
 */
/* clang-format off */
#define OPTIONS(X)                                                      \
	X(BIND, "bind", 0, "HOST:PORT", "listen.address",               \
	    "listen there; may be given several times")                 \
	X(UPSTREAM, "upstream", 0, "URL", "upstream.url",               \
	    "the MCP server, http://HOST[:PORT][/PATH]")                \
	X(WORKERS, "workers", 0, "N", "workers",                        \
	    "worker processes (default: one for each core)")            \
	X(CONTROL, "control", 0, "PATH", "control.path",                \
	    "control socket of shadowcatctl(8)")                        \
	X(CONFIG, "config", 'c', "FILE", NULL,                          \
	    "read the configuration from FILE")                         \
	X(SET, "set", 0, "KEY=VALUE", NULL,                             \
	    "set a key; may be given several times") \
	X(TEST, "test", 't', NULL, NULL,                                \
	    "check the configuration and exit")                         \
	X(DAEMON, "daemon", 0, NULL, NULL,                              \
	    "run in the background")                                    \
	X(PIDFILE, "pidfile", 0, "PATH", "pidfile",                     \
	    "write the supervisor's process id there")                  \
	X(HELP, "help", 'h', NULL, NULL,                                \
	    "show this text and exit")                                  \
	X(VERSION, "version", 'V', NULL, NULL,                          \
	    "show the version and exit")
/* clang-format on */

enum options_flag {
#define X(name, ...) OPTIONS_FLAG_##name,
	OPTIONS(X)
#undef X
	    OPTIONS_FLAG_COUNT,
};

/* What the command line asks for. */
enum options_action {
	OPTIONS_RUN,
	OPTIONS_TEST,
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

/* One option as it was given. */
struct options_given {
	enum options_flag flag;
	char *text; /* its argument, NULL where it takes none */
};

struct options {
	enum options_action action;
	struct options_given *given; /* in the order of the command line */
	size_t given_count;
	/*
	 * The command line over again, NULL at the end: one element for
	 * each option, with paths made absolute, so that it means the same
	 * wherever the process has gone since.
	 */
	char **argv;
};

/*
 * Parse a command line (argv[0] is the program).  Paths are taken to be
 * relative to the working directory of now.
 * Returns 0 and *ret, to be freed with options_fini(); or -EINVAL (usage)
 * or -errno with one line in error and *ret untouched.
 */
SC_MUST_CHECK int options_parse(
    int argc, char *const *argv, struct options *ret, char *error, size_t cap);

/* Free what options owns; a zeroed struct is allowed. */
void options_fini(struct options *options);

/* Whether an option was given. */
bool options_has(const struct options *options, enum options_flag flag);

/* The argument it was given with last, borrowed; NULL if it was not. */
const char *options_text(const struct options *options, enum options_flag flag);

/*
 * Build the configuration: defaults, then the file, --set, and the flags,
 * each over the one before; then look at the whole.  The file is read anew
 * each time, which is what a reload needs.  With --daemon the default of
 * log.target is syslog; where control.path is not set it becomes the
 * default for this user.
 * Returns 0 and *ret, to be freed with conf_fini(); or -errno with one line
 * for each error in error (OPTIONS_ERROR_CAP is enough for many).
 */
SC_MUST_CHECK int options_load(
    const struct options *options, struct conf *ret, char *error, size_t cap);

#endif
