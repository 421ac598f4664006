/*
 * log_conf.c - the log as the configuration wants it.
 */
#include "config.h"

#include "common/log.h"
#include "common/sc.h"
#include "supervisor/log_conf.h"

void
log_conf_apply(const struct conf *conf)
{
	enum log_format format;
	enum log_level level;
	/* conf_set() has checked both. */
	int no_level = log_level_parse(conf->log_level, &level);
	int no_format = log_format_parse(conf->log_format, &format);

	sc_assert(no_level == 0 && no_format == 0);
	log_set_level(level);
	log_set_format(format);
}
