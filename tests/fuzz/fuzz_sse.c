/*
 * fuzz_sse.c - the event-stream parser against itself, in pieces, and
 * against a plain reading of the standard.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/sc.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/sse_run.h"

/* Both readings of one block, bit by bit as in enum sse_has. */
struct reader {
	FILE *out;
	unsigned has;
};

static void
read_retry(struct reader *r, const char *value, size_t len)
{
	unsigned long long ms = 0;
	size_t i;

	for (i = 0; i < len && value[i] >= '0' && value[i] <= '9'; i++)
		if (ms <= UINT32_MAX)
			ms = ms * 10 + (unsigned)(value[i] - '0');
	if (len == 0 || i < len) {
		r->has |= SSE_HAS_OTHER;
		return;
	}
	(void)fprintf(r->out, "R%llu", MIN(ms, UINT32_MAX));
	r->has |= SSE_HAS_RETRY;
}

static void
read_field(struct reader *r, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name_len = colon != NULL ? (size_t)(colon - line) : len;
	const char *value = colon != NULL ? colon + 1 : line + len;
	size_t value_len = len - (size_t)(value - line);
	bool is_void;

	if (value_len > 0 && *value == ' ') {
		value++;
		value_len--;
	}
	if (name_len == 4 && memcmp(line, "data", 4) == 0) {
		(void)fputs(r->has & SSE_HAS_DATA ? "+D:" : "D:", r->out);
		(void)fwrite(value, 1, value_len, r->out);
		(void)putc('$', r->out);
		r->has |= SSE_HAS_DATA;
	} else if (name_len == 2 && memcmp(line, "id", 2) == 0) {
		is_void = memchr(value, '\0', value_len) != NULL;
		(void)fputs("I:", r->out);
		(void)fwrite(value, 1, value_len, r->out);
		(void)putc(is_void ? '!' : '$', r->out);
		r->has |= is_void ? SSE_HAS_OTHER : SSE_HAS_ID;
	} else if (name_len == 5 && memcmp(line, "event", 5) == 0) {
		(void)fputs("E:", r->out);
		(void)fwrite(value, 1, value_len, r->out);
		(void)putc('$', r->out);
		r->has |= SSE_HAS_EVENT;
	} else if (name_len == 5 && memcmp(line, "retry", 5) == 0) {
		read_retry(r, value, value_len);
	} else {
		r->has |= SSE_HAS_OTHER;
	}
}

static void
read_line(struct reader *r, const char *line, size_t len)
{
	static const char letters[] = "dierco";

	if (len > 0 && line[0] == ':') {
		r->has |= SSE_HAS_COMMENT;
		if (r->has == SSE_HAS_COMMENT)
			(void)putc('C', r->out);
	} else if (len > 0) {
		read_field(r, line, len);
	} else if (r->has != 0) {
		(void)putc('[', r->out);
		for (unsigned i = 0; i < 6; i++)
			if (r->has & 1u << i)
				(void)putc(letters[i], r->out);
		(void)putc(']', r->out);
		r->has = 0;
	}
}

/* Read whole lines, as the standard has it; the text as in sse_run.h. */
static void
read_plainly(FILE *out, const char *buf, size_t len)
{
	struct reader r = { out, 0 };
	size_t from = 0, at;

	if (len >= 3 && memcmp(buf, "\xEF\xBB\xBF", 3) == 0) {
		(void)putc('B', out);
		from = 3;
	}
	for (at = from; at < len; at++) {
		if (buf[at] != '\n' && buf[at] != '\r')
			continue;
		read_line(&r, buf + from, at - from);
		if (buf[at] == '\r' && at + 1 < len && buf[at + 1] == '\n')
			at++;
		from = at + 1;
	}
}

static void
check_against_standard(const char *buf, size_t len)
{
	struct sse_run run;
	char *text = NULL;
	size_t text_len = 0;
	FILE *out;

	while (len > 0 && buf[len - 1] != '\n' && buf[len - 1] != '\r')
		len--;
	out = open_memstream(&text, &text_len);
	sc_assert(out != NULL);
	read_plainly(out, buf, len);
	sc_assert(fclose(out) == 0);
	sse_run_begin(&run);
	sse_run_feed(&run, buf, len);
	sse_run_end(&run);
	sc_assert(run.text_len == text_len);
	sc_assert(memcmp(run.text, text, text_len) == 0);
	sse_run_free(&run);
	free(text);
}

/* Feed pieces to both ways of reading; `run` goes on with the pieces. */
static void
run_in_pieces(struct sse_run *run, const char *buf, size_t len)
{
	uint32_t seed = fuzz_seed((const uint8_t *)buf, len);
	struct sse fast = run->parser;
	size_t n, safe, from;
	uint32_t events;

	while (len > 0) {
		n = fuzz_piece(&seed, len);
		from = run->pos;
		safe = sse_boundary(&fast, buf, n, &events);
		events += run->events;
		sse_run_feed(run, buf, n);
		sc_assert(safe <= n);
		sc_assert(events == run->events);
		sc_assert(safe == (run->safe > from ? run->safe - from : 0));
		sc_assert(memcmp(&fast, &run->parser, sizeof(fast)) == 0);
		sc_assert(sse_is_valid(&fast));
		buf += n;
		len -= n;
	}
}

static void
check_pieces(const char *buf, size_t len)
{
	struct sse_run whole, pieces;
	struct sse fast;
	uint32_t events;

	sse_run_begin(&whole);
	sse_run_feed(&whole, buf, len);
	sse_run_end(&whole);
	sse_run_begin(&pieces);
	run_in_pieces(&pieces, buf, len);
	sse_run_end(&pieces);
	sse_init(&fast);
	sc_assert(sse_boundary(&fast, buf, len, &events) == whole.safe);
	sc_assert(events == whole.events);
	sc_assert(pieces.safe == whole.safe);
	sc_assert(memcmp(&fast, &whole.parser, sizeof(fast)) == 0);
	sc_assert(memcmp(&fast, &pieces.parser, sizeof(fast)) == 0);
	sc_assert(pieces.text_len == whole.text_len);
	sc_assert(memcmp(pieces.text, whole.text, whole.text_len) == 0);
	sse_run_free(&whole);
	sse_run_free(&pieces);
}

/* The input begins with a state, of which nothing is known. */
static void
check_any_state(const char *buf, size_t len)
{
	struct sse_run run;
	struct sse fast;
	uint32_t events;

	if (len < sizeof(fast))
		return;
	memcpy(&fast, buf, sizeof(fast));
	buf += sizeof(fast);
	len -= sizeof(fast);
	sse_run_begin(&run);
	run.parser = fast;
	sse_run_feed(&run, buf, len);
	sse_run_end(&run);
	sse_run_free(&run);
	sc_assert(sse_boundary(&fast, buf, len, &events) <= len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *buf = fuzz_copy(data, len);

	check_pieces(buf, len);
	check_against_standard(buf, len);
	check_any_state(buf, len);
	free(buf);
	return 0;
}
