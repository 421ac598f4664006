/*
 * complain.c - why the daemon does not start.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "common/log.h"
#include "supervisor/complain.h"

void
complain(const char *fmt, ...)
{
	char text[LOG_LINE_CAP / 2];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("%s", text);
	if (!log_is_on_stderr())
		(void)dprintf(STDERR_FILENO, "shadowcat: %s\n", text);
}
