/*
 * conf_validate.c - what concerns more than one key of the configuration.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/conf_validate.h"
#include "common/conf_value.h"

/* The errors so far, a line each. */
struct findings {
	char *text;
	size_t cap;
	size_t used;
	size_t count;
};

static void add(struct findings *found, const char *fmt, ...) SC_PRINTF(2, 3);

static void
add(struct findings *found, const char *fmt, ...)
{
	char line[CONF_ERROR_CAP];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (found->used < found->cap)
		found->used += (size_t)snprintf(found->text + found->used,
		    found->cap - found->used, "%s%s",
		    found->count > 0 ? "\n" : "", line);
	found->count++;
}

static void
check_presence(const struct conf *conf, struct findings *found)
{
	if (conf->listen_address.count == 0)
		add(found,
		    "listen.address: not set: give --bind HOST:PORT, or the "
		    "key in the configuration file");
	if (conf->upstream_url[0] == '\0')
		add(found,
		    "upstream.url: not set: give --upstream URL, or the key "
		    "in the configuration file");
}

static void
check_addresses(const struct conf *conf, struct findings *found)
{
	const struct conf_list *list = &conf->listen_address;

	for (size_t i = 1; i < list->count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(list->items[i], list->items[j]) == 0)
				add(found,
				    "listen.address: \"%s\" stands there "
				    "twice",
				    list->items[i]);
		}
	}
}

/* One size that may not exceed another. */
static void
check_sizes(struct findings *found, const char *small_key, uint64_t small,
    const char *large_key, uint64_t large)
{
	char small_text[CONF_VALUE_CAP], large_text[CONF_VALUE_CAP];

	if (small <= large)
		return;
	conf_format_size(small, small_text, sizeof(small_text));
	conf_format_size(large, large_text, sizeof(large_text));
	add(found, "%s: %s is more than %s, which is %s", small_key, small_text,
	    large_key, large_text);
}

static void
check_delays(const struct conf *conf, struct findings *found)
{
	char initial[CONF_VALUE_CAP], max[CONF_VALUE_CAP];

	if (conf->reconnect_initial_delay <= conf->reconnect_max_delay)
		return;
	conf_format_duration(
	    conf->reconnect_initial_delay, initial, sizeof(initial));
	conf_format_duration(conf->reconnect_max_delay, max, sizeof(max));
	add(found,
	    "reconnect.initial_delay: %s is more than reconnect.max_delay, "
	    "which is %s",
	    initial, max);
}

int
conf_validate(const struct conf *conf, char *error, size_t cap)
{
	struct findings found = { .text = error, .cap = cap };

	if (cap > 0)
		error[0] = '\0';
	check_presence(conf, &found);
	check_addresses(conf, &found);
	check_sizes(&found, "stream.max_event", conf->stream_max_event,
	    "journal.memory", conf->journal_memory);
	check_sizes(&found, "journal.stream_limit", conf->journal_stream_limit,
	    "journal.memory", conf->journal_memory);
	check_delays(conf, &found);
	return found.count > 0 ? -EINVAL : 0;
}
