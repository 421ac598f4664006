/*
 * control_find.h - the session that somebody means, a slice at a time.
 */
#ifndef SUPERVISOR_CONTROL_FIND_H
#define SUPERVISOR_CONTROL_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ctl_proto.h"
#include "supervisor/look.h"

/* What a text names. */
enum control_found {
	CONTROL_FOUND_NOT_YET, /* call again */
	CONTROL_FOUND_NONE,
	CONTROL_FOUND_MANY, /* the beginning of several ids */
	CONTROL_FOUND_SESSION,
	CONTROL_FOUND_STREAM,
};

struct control_find {
	char text[CTL_ARGUMENT_CAP];
	bool streams_too; /* a stream's id, whole, is looked for first */
	bool streams_done;
	uint32_t position;
	uint32_t matches;
	struct look_session session;
	struct look_stream stream;
};

/* Begin with zeroes. */
void control_find_init(
    struct control_find *find, const char *text, bool streams_too);

/*
 * Look on for one slice.  A session is named by its id, or a beginning of it
 * that no other has; ended ones are not found.  SESSION and STREAM: a copy
 * of it is in *find.
 */
enum control_found control_find_step(
    struct control_find *find, const struct shm *shm);

#endif
