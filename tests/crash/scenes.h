/*
 * scenes.h - what clients do while workers are killed.
 *
 * A scene plays one client from connect to close and writes a transcript of
 * all that the proxy can be held to: heads, bodies, whether the connection
 * stayed open.  The transcript of a scene depends on its seed alone, so one
 * that was played through kills is compared with one that was not.
 */
#ifndef CRASH_SCENES_H
#define CRASH_SCENES_H

#include <stdint.h>

#include "tests/crash/requests.h"
#include "tests/peers/client.h"

struct play {
	/* Set by the caller. */
	uint16_t port;     /* the proxy's */
	uint32_t seed;     /* of sizes and cuts */
	bool is_small;     /* few bytes, for those who go through every call */
	const char *log;   /* the origin's */
	const char *label; /* kept for as long as requests are checked */

	struct client client;
	uint32_t chance; /* goes on from the seed */
	bool is_modern;  /* the last request: its answer is never touched */
	char session[SESSION_CAP]; /* "": its requests belong to none */
	const char *resume; /* the origin's script when it is asked to go on */
	struct bytes transcript;
	unsigned wrong; /* things that are wrong whatever the reference */
};

struct scene {
	const char *name;
	void (*play)(struct play *);
	/* It spoils connections to the origin that others would use. */
	bool is_alone;
	/* --set for the daemon, NULL: nothing special. */
	const char *setting;
};

extern const struct scene scenes[];
extern const unsigned scene_count;

/* Play it; what it left of an earlier play is forgotten. */
void scene_play(const struct scene *scene, struct play *p);

void play_fini(struct play *p);

/* The scene of this name, or NULL. */
const struct scene *scene_find(const char *name);

#endif
