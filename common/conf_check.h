/*
 * conf_check.h - which texts a STRING key, or an item of a LIST key, takes.
 */
#ifndef COMMON_CONF_CHECK_H
#define COMMON_CONF_CHECK_H

#include <stddef.h>

/*
 * The checks that rows of conf_keys.h name, and what a text that passes is.
 * To add one: a row here and a function in conf_check.c.
 */
/* clang-format off */
#define CONF_CHECKS(X)                                                  \
	X(NONE,     none,     "a text")                                 \
	X(PATH,     path,     "an absolute path")                       \
	X(SOCKET,   socket,   "the path of a socket")                   \
	X(ENDPOINT, endpoint, "an address to listen on")                \
	X(METRICS,  metrics,  "an address to serve metrics at")         \
	X(URL,      url,      "the URL of an upstream")                 \
	X(USER,     user,     "a user's name")                          \
	X(GROUP,    group,    "a group's name")                         \
	X(LEVEL,    level,    "a level")                                \
	X(TARGET,   target,   "a target")                               \
	X(FORMAT,   format,   "a format")                               \
	X(ORIGIN,   origin,   "an origin")                              \
	X(HOST,     host,     "a host")
/* clang-format on */

enum conf_check {
#define X(name, function, noun) CONF_CHECK_##name,
	CONF_CHECKS(X)
#undef X
};

/*
 * NULL if text passes; else what is wrong with it or would be right, a
 * string constant.  The empty text never comes here: it means "not set".
 */
const char *conf_check_text(enum conf_check check, const char *text);

/* What a text that passes is, "an absolute path": a string constant. */
const char *conf_check_noun(enum conf_check check);

#endif
