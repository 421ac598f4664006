/*
 * options_help.c - what shadowcat --help and --version show.
 */
#include "config.h"

#include "common/conf_key.h"
#include "common/sc.h"
#include "supervisor/options.h"
#include "supervisor/options_help.h"

static const char usage[] =
    "usage: shadowcat reverse --bind HOST:PORT --upstream URL [OPTION]...\n"
    "       shadowcat -c FILE [-t] [OPTION]...\n"
    "\n"
    "A reverse proxy for MCP servers: no crash, reload or upgrade of it\n"
    "costs a client its connection, its session or an event.\n"
    "\n"
    "Options:\n";

static const char about_keys[] =
    "\n"
    "Keys for --set, and for FILE (there a.b = V is written a { b = V });\n"
    "flags win over --set, that over FILE.  With their defaults:\n";

/* One option, "  -c, --config FILE", and its help in a column of its own. */
static void
write_option(FILE *out, const char *long_name, int short_name,
    const char *argument, const char *help)
{
	char left[64];
	int n;

	if (short_name != 0)
		n = snprintf(
		    left, sizeof(left), "-%c, --%s", short_name, long_name);
	else
		n = snprintf(left, sizeof(left), "    --%s", long_name);
	if (argument != NULL && n > 0 && (size_t)n < sizeof(left))
		(void)snprintf(
		    left + n, sizeof(left) - (size_t)n, " %s", argument);
	(void)fprintf(out, "  %-23s %s\n", left, help);
}

static void
write_key(FILE *out, const struct conf_key *key)
{
	const char *text = key->default_text;

	(void)fprintf(out, "  %s%s%s\n        %s\n", key->name,
	    text[0] != '\0' ? " = " : "", text, key->help);
}

void
options_write_help(FILE *out)
{
	const struct conf_key *key;

	(void)fputs(usage, out);
#define X(name, long_name, short_name, argument, sets, help)                   \
	write_option(out, long_name, short_name, argument, help);
	OPTIONS(X)
#undef X
	(void)fputs(about_keys, out);
	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++)
		write_key(out, key);
	(void)fputs("\nSee shadowcat(8) and shadowcat.conf(5).\n", out);
}

void
options_write_version(FILE *out)
{
	(void)fprintf(out, "%s %s\n", PACKAGE_NAME, PACKAGE_VERSION);
}
