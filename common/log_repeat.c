/*
 * log_repeat.c - lines that come again and again.
 */
#include "config.h"

#include <stddef.h>

#include "common/log_repeat.h"
#include "common/sc.h"

struct log_repeat *
log_repeat_find(struct log_repeats *all, const char *site)
{
	struct log_repeat *oldest = &all->row[0];

	for (size_t i = 0; i < LOG_REPEAT_SITES; i++) {
		struct log_repeat *r = &all->row[i];

		if (r->site == site)
			return r;
		/* A free row is older than all others. */
		if (oldest->site != NULL &&
		    (r->site == NULL || r->since_ms < oldest->since_ms))
			oldest = r;
	}
	return oldest;
}

static bool
is_over(const struct log_repeat *r, const char *site, uint64_t now_ms)
{
	return r->site != site || now_ms - r->since_ms >= LOG_REPEAT_WINDOW_MS;
}

uint32_t
log_repeat_sum(const struct log_repeat *r, const char *site, uint64_t now_ms)
{
	return is_over(r, site, now_ms) ? r->hidden : 0;
}

void
log_repeat_begin(struct log_repeat *r, const char *site, uint64_t now_ms)
{
	r->site = site;
	r->since_ms = now_ms;
	r->written = 0;
	r->hidden = 0;
}

bool
log_repeat_admit(struct log_repeat *r, const char *site, uint64_t now_ms)
{
	if (is_over(r, site, now_ms))
		log_repeat_begin(r, site, now_ms);
	if (r->written >= LOG_REPEAT_MAX) {
		r->hidden++;
		return false;
	}
	r->written++;
	return true;
}
