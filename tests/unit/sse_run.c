/*
 * sse_run.c - what the event-stream parser tells, written down.
 */
#include "config.h"

#include <stdlib.h>

#include "common/sc.h"
#include "tests/unit/sse_run.h"

void
sse_run_begin(struct sse_run *r)
{
	*r = (struct sse_run){ 0 };
	sse_init(&r->parser);
	r->out = open_memstream(&r->text, &r->text_len);
	sc_assert(r->out != NULL);
}

static void
write_piece(FILE *out, char letter, const struct sse_step *step)
{
	if (step->piece & SSE_LF_BEFORE)
		(void)putc('+', out);
	if (step->piece & SSE_FIRST)
		(void)fprintf(out, "%c:", letter);
	(void)fwrite(step->text, 1, step->len, out);
	if (step->piece & SSE_LAST)
		(void)putc(step->piece & SSE_VOID ? '!' : '$', out);
}

static void
write_block(FILE *out, unsigned has)
{
	static const char letters[] = "dierco";
	unsigned i;

	(void)putc('[', out);
	for (i = 0; letters[i] != '\0'; i++)
		if (has & 1u << i)
			(void)putc(letters[i], out);
	(void)putc(']', out);
}

static void
write_step(FILE *out, const struct sse_step *step)
{
	switch (step->token) {
	case SSE_MORE:
	case SSE_BLANK: /* depends on the cuts */
		return;
	case SSE_DATA:
		write_piece(out, 'D', step);
		return;
	case SSE_ID:
		write_piece(out, 'I', step);
		return;
	case SSE_EVENT:
		write_piece(out, 'E', step);
		return;
	case SSE_RETRY:
		(void)fprintf(out, "R%u", (unsigned)step->retry_ms);
		return;
	case SSE_COMMENT:
		(void)putc('C', out);
		return;
	case SSE_DISPATCH:
		write_block(out, step->block);
		return;
	case SSE_BOM:
		(void)putc('B', out);
		return;
	}
}

void
sse_run_feed(struct sse_run *r, const char *buf, size_t len)
{
	struct sse_step step;
	size_t used = 0, n;

	while (used < len) {
		n = sse_next(&r->parser, buf + used, len - used, &step);
		sc_assert(n > 0 && n <= len - used);
		sc_assert(step.text >= buf && step.text <= buf + len);
		sc_assert(step.len <= (size_t)(buf + len - step.text));
		used += n;
		write_step(r->out, &step);
		if (step.token == SSE_DISPATCH && step.block & SSE_HAS_DATA)
			r->events++;
		if (step.token >= SSE_COMMENT)
			r->safe = r->pos + used;
	}
	r->pos += len;
}

void
sse_run_end(struct sse_run *r)
{
	sc_assert(fclose(r->out) == 0);
}

void
sse_run_free(struct sse_run *r)
{
	free(r->text);
}
