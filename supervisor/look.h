/*
 * look.h - copies of the workers' records in shared memory, for people.
 *
 * Workers write while we read, and may be wild: what is copied out is
 * bounded and terminated here, means nothing beyond what is shown, and
 * decides nothing.  Only records that a worker has claimed are touched, so
 * that looking takes no memory.
 */
#ifndef SUPERVISOR_LOOK_H
#define SUPERVISOR_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/shm.h"

/* A text that came from a peer: any bytes, no longer than they may be. */
struct look_session {
	uint32_t index;
	uint32_t generation;
	uint32_t phase; /* enum session_phase */
	uint32_t home;  /* worker slot, perhaps none that there is */
	uint32_t connections;
	uint32_t streams;
	uint64_t begun_ms; /* clock_ms() */
	uint64_t used_ms;
	uint32_t id_len;
	char id[SESSION_ID_MAX + 1];
	char last_event_id[sizeof(((struct session_record *)0)->last_event_id)];
};

struct look_stream {
	uint32_t index;
	uint32_t worker; /* slot, perhaps none that there is */
	uint64_t id;
	uint64_t begun_ms;
	uint32_t generation;
	uint8_t era;    /* enum stream_era */
	uint8_t method; /* enum http_method_id */
	char token[STREAM_TOKEN_LEN + 1];
	struct stream_state state; /* unchecked */
};

/*
 * The session in a slot, LIVE, ASKED or ENDED: false where there is none, or
 * it changed while it was copied.
 */
bool look_session(
    const struct shm *shm, uint32_t index, struct look_session *ret);

/* The stream in a slot; false where there is none. */
bool look_stream(
    const struct shm *shm, uint32_t index, struct look_stream *ret);

/* Whether an owner word is that of a worker which uses the element. */
bool look_is_used(uint32_t owner);

/* Words for people; "?" for what is none. */
const char *look_session_phase(uint32_t phase);
const char *look_stream_phase(unsigned phase);
const char *look_stream_era(unsigned era);
const char *look_stream_role(unsigned role);
const char *look_method(unsigned method);

/* The sum of a counter (its index) over all workers, the dead too. */
uint64_t look_counter(const struct shm *shm, unsigned which);

/* The same of a histogram. */
struct look_histogram {
	uint64_t bucket[HISTOGRAM_BUCKETS]; /* not cumulative */
	uint64_t sum_us;
};

void look_histogram(const struct shm *shm, enum histogram_name which,
    struct look_histogram *ret);

#endif
