/*
 * control_find.c - the session that somebody means.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/control_find.h"

/* Records looked at in one slice. */
#define SLICE 4096u

void
control_find_init(struct control_find *find, const char *text, bool streams_too)
{
	memset(find, 0, sizeof(*find));
	(void)snprintf(find->text, sizeof(find->text), "%s", text);
	find->streams_too = streams_too;
	find->streams_done = !streams_too;
}

static bool
is_this_stream(const struct control_find *find, const struct look_stream *st)
{
	char id[17];

	(void)snprintf(id, sizeof(id), "%" PRIx64, st->id);
	return strcmp(id, find->text) == 0;
}

static enum control_found
find_stream(struct control_find *find, const struct shm *shm)
{
	uint32_t left = SLICE;

	for (; left > 0 && find->position < shm->sizes.streams;
	     left--, find->position++) {
		if (look_stream(shm, find->position, &find->stream) &&
		    is_this_stream(find, &find->stream))
			return CONTROL_FOUND_STREAM;
	}
	if (find->position >= shm->sizes.streams) {
		find->streams_done = true;
		find->position = 0;
	}
	return CONTROL_FOUND_NOT_YET;
}

/* Note a session that the text may mean; true where it means no other. */
static bool
consider(struct control_find *find, const struct look_session *s)
{
	size_t len = strlen(find->text);

	if (s->phase == SESSION_ENDED || s->id_len < len ||
	    memcmp(s->id, find->text, len) != 0)
		return false;
	find->matches++;
	find->session = *s;
	return s->id_len == len;
}

enum control_found
control_find_step(struct control_find *find, const struct shm *shm)
{
	struct look_session s;
	uint32_t left = SLICE;

	if (find->text[0] == '\0')
		return CONTROL_FOUND_NONE;
	if (!find->streams_done)
		return find_stream(find, shm);
	for (; left > 0 && find->position < shm->sizes.sessions;
	     left--, find->position++) {
		if (look_session(shm, find->position, &s) && consider(find, &s))
			return CONTROL_FOUND_SESSION;
	}
	if (find->position < shm->sizes.sessions)
		return CONTROL_FOUND_NOT_YET;
	return find->matches == 0   ? CONTROL_FOUND_NONE
	       : find->matches == 1 ? CONTROL_FOUND_SESSION
				    : CONTROL_FOUND_MANY;
}
