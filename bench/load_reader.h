/*
 * load_reader.h - reads an answer, however it is cut, and checks each event.
 */
#ifndef BENCH_LOAD_READER_H
#define BENCH_LOAD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum load_state {
	LOAD_HEAD,       /* the head is coming in */
	LOAD_BODY,       /* `left` bytes of a body with a length */
	LOAD_CHUNK_HEAD, /* a chunk's line, or the last one's empty line */
	LOAD_CHUNK,      /* `left` bytes of a chunk and its CR LF */
	LOAD_TRAILER,    /* the empty line after the last chunk */
	LOAD_DONE,
};

struct load_reader {
	enum load_state state;
	uint32_t events, size; /* what the answer is to be */
	uint32_t seq;          /* of the newest event */
	uint64_t left;
	char body[64];   /* what a JSON body begins with; "": anything */
	bool has_data;   /* the event has its line of data */
	uint64_t at;     /* of that event */
	size_t line_len; /* of the line that is coming in */
	size_t held;     /* bytes of it, or of a head, in text[] */
	char text[2048];
};

/*
 * Get ready for an answer: events, or where there are none, JSON that begins
 * like `body` (fewer than 64 bytes).
 */
void load_reader_begin(
    struct load_reader *r, uint32_t events, uint32_t size, const char *body);

/*
 * Read bytes; on_event(context, time when it left) for each whole event.
 * NULL, or what is wrong with them.
 */
const char *load_reader_feed(struct load_reader *r, const char *p, size_t len,
    void (*on_event)(void *context, uint64_t at), void *context);

#endif
