/*
 * conf_check.c - which texts a STRING key, or an item of a LIST key, takes.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "common/addr.h"
#include "common/conf_check.h"
#include "common/log.h"
#include "common/sc.h"

#define PATH_CAP 4096
#define USER_CAP 64

static const char *
check_none(const char *text)
{
	(void)text;
	return NULL;
}

/* Absolute, for a daemon changes its directory and a reload comes later. */
static const char *
check_path(const char *text)
{
	size_t len = strlen(text);

	if (text[0] != '/')
		return "use one that begins with /";
	if (text[len - 1] == '/')
		return "it names a directory";
	return len < PATH_CAP ? NULL : "it is too long";
}

static const char *
check_socket(const char *text)
{
	struct sockaddr_un sun;
	const char *why = check_path(text);

	if (why != NULL)
		return why;
	return strlen(text) < sizeof(sun.sun_path)
		   ? NULL
		   : "a socket's path has at most 107 characters";
}

static const char *
check_endpoint(const char *text)
{
	struct addr_endpoint endpoint;
	const char *why;

	return addr_parse_endpoint(text, &endpoint, &why) < 0 ? why : NULL;
}

/* The same, or a port alone. */
static const char *
check_metrics(const char *text)
{
	char with_host[ADDR_TEXT_CAP];

	if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
		return check_endpoint(text);
	(void)snprintf(with_host, sizeof(with_host), ":%s", text);
	return check_endpoint(with_host);
}

static const char *
check_url(const char *text)
{
	struct addr_url url;
	const char *why;

	return addr_parse_url(text, &url, &why) < 0 ? why : NULL;
}

/* A name of passwd(5) or group(5): NULL, or what is wrong with it. */
static const char *
check_name(const char *text, const char *right)
{
	if (strlen(text) >= USER_CAP)
		return "it is too long";
	for (; *text != '\0'; text++) {
		if (!isgraph((unsigned char)*text) || *text == ':' ||
		    *text == '/')
			return right;
	}
	return NULL;
}

/* That there is such a user, or group, is looked up at the start. */
static const char *
check_user(const char *text)
{
	return check_name(text, "use a name of passwd(5)");
}

static const char *
check_group(const char *text)
{
	return check_name(text, "use a name of group(5)");
}

static const char *
check_level(const char *text)
{
	enum log_level level;

	return log_level_parse(text, &level) < 0
		   ? "use error, warning, notice, info or debug"
		   : NULL;
}

static const char *
check_format(const char *text)
{
	enum log_format format;

	return log_format_parse(text, &format) < 0 ? "use text or json" : NULL;
}

static const char *
check_target(const char *text)
{
	static const char syslog_path[] = "syslog:";

	if (strcmp(text, "stderr") == 0 || strcmp(text, "syslog") == 0)
		return NULL;
	if (strncmp(text, syslog_path, strlen(syslog_path)) == 0)
		text += strlen(syslog_path);
	if (text[0] != '/')
		return "use stderr, syslog, syslog:SOCKET or a path that "
		       "begins with /";
	/* What log_set_target() has room for. */
	return strlen(text) < 256 ? check_path(text) : "it is too long";
}

/* A host and perhaps a port, as a Host field has it, or "*". */
static const char *
check_host(const char *text)
{
	static const char right[] = "use NAME, NAME:PORT, [IPV6] or *";
	char with_port[ADDR_TEXT_CAP];
	struct addr_endpoint endpoint;
	const char *why, *after_v6 = strchr(text, ']');
	size_t len = strlen(text);

	if (strcmp(text, "*") == 0)
		return NULL;
	if (len >= ADDR_HOST_CAP || text[0] == ':')
		return right;
	strcpy(with_port, text);
	if (strchr(after_v6 != NULL ? after_v6 : text, ':') == NULL)
		strcpy(with_port + len, ":1");
	return addr_parse_endpoint(with_port, &endpoint, &why) < 0 ? right
								   : NULL;
}

/* An Origin field's value (RFC 6454 7): scheme://host[:port], or "null". */
static const char *
check_origin(const char *text)
{
	static const char right[] = "use SCHEME://HOST[:PORT], null or *";
	const char *host = strstr(text, "://");

	if (strcmp(text, "*") == 0 || strcmp(text, "null") == 0)
		return NULL;
	if (host == NULL || host == text || !isalpha((unsigned char)text[0]))
		return right;
	for (const char *at = text; at < host; at++) {
		if (!isalnum((unsigned char)*at) && strchr("+-.", *at) == NULL)
			return right;
	}
	host += strlen("://");
	if (host[0] == '\0' || host[0] == '*' || check_host(host) != NULL)
		return right;
	return NULL;
}

static const struct {
	const char *(*function)(const char *text);
	const char *noun;
} checks[] = {
#define X(name, function, noun) { check_##function, noun },
	CONF_CHECKS(X)
#undef X
};

const char *
conf_check_text(enum conf_check check, const char *text)
{
	sc_assert(check < ARRAY_LEN(checks));
	return checks[check].function(text);
}

const char *
conf_check_noun(enum conf_check check)
{
	sc_assert(check < ARRAY_LEN(checks));
	return checks[check].noun;
}
