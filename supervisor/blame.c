/*
 * blame.c - what a dead worker was doing, and where.
 *
 * Nothing here is trusted: every number is checked before it is used, and
 * what is shown to people holds printable characters only.
 */
#include "config.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/record.h"
#include "common/sc.h"
#include "supervisor/blame.h"

/* As much of a session's id is shown, and never more than half of it. */
#define SESSION_ID_SHOWN 8u

/* --- the record --------------------------------------------------------- */

/* Copy at most len bytes of text from a peer; to holds len + 1. */
static void
copy_printable(char *to, const char *from, size_t len)
{
	size_t i;

	for (i = 0; i < len && from[i] != '\0'; i++)
		to[i] = from[i] > ' ' && from[i] <= '~' ? from[i] : '?';
	to[i] = '\0';
}

static bool
find_client(const struct shm *shm, struct blame *b)
{
	const struct client_record *rec = &shm->clients[b->place.slot];

	if (b->place.slot >= shm->sizes.clients ||
	    rec->generation != b->place.generation)
		return false;
	b->place.position = RECORD_STATE(rec)->taken;
	(void)snprintf(
	    b->about, sizeof(b->about), "client %" PRIu32, b->place.slot);
	return true;
}

static bool
find_stream(const struct shm *shm, struct blame *b)
{
	const struct stream_record *rec = &shm->streams[b->place.slot];

	if (b->place.slot >= shm->sizes.streams ||
	    rec->generation != b->place.generation)
		return false;
	b->place.position = RECORD_STATE(rec)->up_taken;
	(void)snprintf(b->about, sizeof(b->about), "stream %" PRIx64, rec->id);
	return true;
}

static bool
find_session(const struct shm *shm, struct blame *b)
{
	const struct session_record *rec = &shm->sessions[b->place.slot];
	char id[SESSION_ID_SHOWN + 1];

	if (b->place.slot >= shm->sizes.sessions ||
	    rec->generation != b->place.generation)
		return false;
	b->place.position = atomic_load(&rec->used_ms);
	copy_printable(
	    id, rec->id, MIN(SESSION_ID_SHOWN, (size_t)rec->id_len / 2));
	(void)snprintf(b->about, sizeof(b->about), "session %s", id);
	return true;
}

/* Whether the record is there, and the one that the worker meant. */
static bool
find_record(const struct shm *shm, struct blame *b)
{
	switch (b->place.kind) {
	case WORK_ON_CLIENT:
		return find_client(shm, b);
	case WORK_ON_STREAM:
		return find_stream(shm, b);
	case WORK_ON_SESSION:
		return find_session(shm, b);
	default:
		return false;
	}
}

/* --- the trace ---------------------------------------------------------- */

static void
format_trace(const struct shm_trace *trace, struct blame *b)
{
	uint32_t count = MIN(trace->count, SHM_FRAMES_MAX);
	char module[SHM_MODULE_CAP];
	size_t used = 0;

	if (trace->signal == 0)
		return;
	for (uint32_t i = 0; i < count; i++) {
		copy_printable(
		    module, trace->frames[i].module, SHM_MODULE_CAP - 1);
		used += (size_t)snprintf(b->trace + used,
		    sizeof(b->trace) - used, "%s%s+0x%" PRIx64,
		    i > 0 ? " " : "", module, trace->frames[i].offset);
	}
}

static void
format_build_id(const struct shm_trace *trace, struct blame *b)
{
	uint32_t len = MIN(trace->build_id_len, SHM_BUILD_ID_MAX);

	for (uint32_t i = 0; i < len; i++)
		(void)snprintf(b->build_id + 2 * i, 3, "%02x",
		    (unsigned)trace->build_id[i]);
}

void
blame_read(const struct shm *shm, uint32_t index, struct blame *ret)
{
	const struct shm_worker *slot = &shm->workers[index];
	const struct shm_work *work = &slot->work;

	*ret = (struct blame){
		.task = work->task < WORK_TASK_COUNT ? work->task : WORK_IDLE,
		.place = { .kind = work->kind,
		    .slot = work->slot,
		    .generation = work->generation },
	};
	if (!find_record(shm, ret))
		ret->place = (struct work_place){ .kind = WORK_ON_NOTHING };
	format_trace(&slot->trace, ret);
	format_build_id(&slot->trace, ret);
}
