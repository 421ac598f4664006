/*
 * conf_validate.c - what concerns more than one key of the configuration.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/conf_validate.h"
#include "common/conf_value.h"
#include "common/text.h"

static void
check_presence(const struct conf *conf, struct text_lines *found)
{
	if (conf->listen_address.count == 0)
		text_lines_add(found,
		    "listen.address: not set: give --bind HOST:PORT, or the "
		    "key in the configuration file");
	if (conf->upstream_url[0] == '\0')
		text_lines_add(found,
		    "upstream.url: not set: give --upstream URL, or the key "
		    "in the configuration file");
}

static void
check_addresses(const struct conf *conf, struct text_lines *found)
{
	const struct conf_list *list = &conf->listen_address;

	for (size_t i = 1; i < list->count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(list->items[i], list->items[j]) == 0)
				text_lines_add(found,
				    "listen.address: \"%s\" stands there "
				    "twice",
				    list->items[i]);
		}
	}
}

/* One size that may not exceed another. */
static void
check_sizes(struct text_lines *found, const char *small_key, uint64_t small,
    const char *large_key, uint64_t large)
{
	char small_text[CONF_VALUE_CAP], large_text[CONF_VALUE_CAP];

	if (small <= large)
		return;
	conf_format_size(small, small_text, sizeof(small_text));
	conf_format_size(large, large_text, sizeof(large_text));
	text_lines_add(found, "%s: %s is more than %s, which is %s", small_key,
	    small_text, large_key, large_text);
}

static void
check_delays(const struct conf *conf, struct text_lines *found)
{
	char initial[CONF_VALUE_CAP], max[CONF_VALUE_CAP];

	if (conf->reconnect_initial_delay <= conf->reconnect_max_delay)
		return;
	conf_format_duration(
	    conf->reconnect_initial_delay, initial, sizeof(initial));
	conf_format_duration(conf->reconnect_max_delay, max, sizeof(max));
	text_lines_add(found,
	    "reconnect.initial_delay: %s is more than reconnect.max_delay, "
	    "which is %s",
	    initial, max);
}

int
conf_validate(const struct conf *conf, char *error, size_t cap)
{
	struct text_lines found;

	text_lines_init(&found, error, cap);
	check_presence(conf, &found);
	check_addresses(conf, &found);
	check_sizes(&found, "stream.max_event", conf->stream_max_event,
	    "journal.memory", conf->journal_memory);
	check_sizes(&found, "journal.stream_limit", conf->journal_stream_limit,
	    "journal.memory", conf->journal_memory);
	check_delays(conf, &found);
	return found.count > 0 ? -EINVAL : 0;
}
