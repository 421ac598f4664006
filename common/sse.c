/*
 * sse.c - the text/event-stream grammar, read as it comes.
 *
 * A line is read in states: its name against the four known ones, then its
 * value; comments and lines with another name are run over.  All that a
 * line has left behind is put away when it ends, so that at the start of a
 * line only `block` is left, and after a blank line nothing at all.  That
 * is what sse_boundary() rests on.
 */
#include "config.h"

#include <string.h>

#include "common/sc.h"
#include "common/scan.h"
#include "common/sse.h"

enum sse_state {
	SSE_STATE_START,       /* first byte of the stream */
	SSE_STATE_BOM_1,       /* one byte of a byte order mark seen */
	SSE_STATE_BOM_2,       /* two */
	SSE_STATE_LINE_START,  /* first byte of a line */
	SSE_STATE_NAME,        /* in what may be a known field's name */
	SSE_STATE_VALUE_START, /* behind the colon: one space is not value */
	SSE_STATE_VALUE,       /* in the value of a known field */
	SSE_STATE_COMMENT,     /* behind a colon at the start of the line */
	SSE_STATE_OTHER,       /* in a line that means nothing */
	SSE_STATE_COUNT,
};

/* Bits of struct sse's `line`. */
enum {
	LINE_AFTER_CR = 1 << 0,    /* at a line start: a LF may yet belong to
				      the line end before */
	LINE_PIECE_GIVEN = 1 << 1, /* the first piece of the value was told */
	LINE_HAS_NUL = 1 << 2,     /* id: a NUL was in the value */
	LINE_HAS_DIGIT = 1 << 3,   /* retry */
	LINE_BAD_NUMBER = 1 << 4,  /* retry: not only digits */
};

enum {
	SSE_HAS_ALL = (SSE_HAS_OTHER << 1) - 1,
};

/* The fields that mean something; the token of a value's piece. */
enum sse_field {
	SSE_FIELD_DATA,
	SSE_FIELD_ID,
	SSE_FIELD_EVENT,
	SSE_FIELD_RETRY,
	SSE_FIELD_COUNT, /* a power of two: see sse_field_of() */
};

static const struct {
	const char *name;
	uint8_t len;
	uint8_t has;
	enum sse_token token;
} fields[] = {
	[SSE_FIELD_DATA] = { "data", 4, SSE_HAS_DATA, SSE_DATA },
	[SSE_FIELD_ID] = { "id", 2, SSE_HAS_ID, SSE_ID },
	[SSE_FIELD_EVENT] = { "event", 5, SSE_HAS_EVENT, SSE_EVENT },
	[SSE_FIELD_RETRY] = { "retry", 5, SSE_HAS_RETRY, SSE_RETRY },
};
_Static_assert(ARRAY_LEN(fields) == SSE_FIELD_COUNT, "a row a field");

/* An index that stays in the table whatever the state holds. */
static inline unsigned
sse_field_of(const struct sse *s)
{
	return s->field % SSE_FIELD_COUNT;
}

void
sse_init(struct sse *s)
{
	memset(s, 0, sizeof(*s));
	s->state = SSE_STATE_START;
}

void
sse_init_at_block(struct sse *s)
{
	memset(s, 0, sizeof(*s));
	s->state = SSE_STATE_LINE_START;
}

bool
sse_is_at_start(const struct sse *s)
{
	return s->state <= SSE_STATE_BOM_2;
}

bool
sse_is_between(const struct sse *s)
{
	if (s->state == SSE_STATE_START)
		return true;
	return s->state == SSE_STATE_LINE_START &&
	       (s->block & ~SSE_HAS_COMMENT) == 0;
}

bool
sse_is_at_block(const struct sse *s)
{
	return s->state == SSE_STATE_LINE_START && s->block == 0 &&
	       s->line == 0;
}

/* The line is over, and `has` is what it was. */
static void
line_end(struct sse *s, unsigned has)
{
	s->block |= (uint8_t)has;
	s->state = SSE_STATE_LINE_START;
	s->field = 0;
	s->matched = 0;
	s->line = 0;
	s->retry_ms = 0;
}

/*
 * Consume the CR, LF or CRLF at `p`; to be called after line_end().  The LF
 * of a CRLF that is cut here is left for the start of the next line.
 */
static const char *
eat_line_end(struct sse *s, const char *p, const char *end)
{
	if (*p++ == '\n')
		return p;
	if (p == end)
		s->line = LINE_AFTER_CR;
	else if (*p == '\n')
		p++;
	return p;
}

static const char *
find_line_end(const char *p, const char *end)
{
	return p + scan_either(p, (size_t)(end - p), '\n', '\r');
}

/* A byte order mark is EF BB BF, and only at the start of the stream. */
static const char *
read_bom(struct sse *s, const char *p, struct sse_step *ret)
{
	static const char bom[] = { '\xEF', '\xBB', '\xBF' };

	if (*p == bom[s->state - SSE_STATE_START]) {
		s->state++;
		if (s->state == SSE_STATE_LINE_START)
			ret->token = SSE_BOM;
		return p + 1;
	}
	/* What looked like a mark is the name of a field nobody knows. */
	s->state = s->state == SSE_STATE_START ? SSE_STATE_LINE_START
					       : SSE_STATE_OTHER;
	return p;
}

static const char *
read_blank_line(
    struct sse *s, const char *p, const char *end, struct sse_step *ret)
{
	ret->token = s->block != 0 ? SSE_DISPATCH : SSE_BLANK;
	ret->block = s->block;
	s->block = 0;
	return eat_line_end(s, p, end);
}

static const char *
read_late_lf(struct sse *s, const char *p, struct sse_step *ret)
{
	s->line = 0;
	if (*p != '\n')
		return p;
	if (sse_is_between(s)) {
		ret->token = SSE_BLANK;
		ret->block = s->block;
	}
	return p + 1;
}

static void
begin_field(struct sse *s, enum sse_field field)
{
	s->state = SSE_STATE_NAME;
	s->field = (uint8_t)field;
}

static const char *
read_line_start(
    struct sse *s, const char *p, const char *end, struct sse_step *ret)
{
	if (s->line & LINE_AFTER_CR)
		return read_late_lf(s, p, ret);
	switch (*p) {
	case '\n':
	case '\r':
		return read_blank_line(s, p, end, ret);
	case ':':
		s->state = SSE_STATE_COMMENT;
		return p + 1;
	case 'd':
		begin_field(s, SSE_FIELD_DATA);
		return p;
	case 'i':
		begin_field(s, SSE_FIELD_ID);
		return p;
	case 'e':
		begin_field(s, SSE_FIELD_EVENT);
		return p;
	case 'r':
		begin_field(s, SSE_FIELD_RETRY);
		return p;
	default:
		s->state = SSE_STATE_OTHER;
		return p;
	}
}

/*
 * Names are exact and case-sensitive.  A line without a colon is a name
 * with an empty value.
 */
static const char *
read_name(struct sse *s, const char *p, const char *end)
{
	const char *name = fields[sse_field_of(s)].name;
	size_t len = fields[sse_field_of(s)].len;

	while (s->matched < len && p < end && *p == name[s->matched]) {
		s->matched++;
		p++;
	}
	if (p == end)
		return p;
	if (s->matched != len)
		s->state = SSE_STATE_OTHER;
	else if (*p == ':')
		s->state = SSE_STATE_VALUE_START;
	else if (*p == '\n' || *p == '\r')
		s->state = SSE_STATE_VALUE;
	else
		s->state = SSE_STATE_OTHER;
	s->matched = 0;
	if (s->state == SSE_STATE_OTHER)
		s->field = 0;
	return s->state == SSE_STATE_VALUE_START ? p + 1 : p;
}

/* Take one digit into a number that stays at the largest it can be. */
static void
retry_digit(struct sse *s, char c)
{
	unsigned digit = (unsigned char)c - (unsigned)'0';

	if (digit > 9) {
		s->line |= LINE_BAD_NUMBER;
		return;
	}
	s->line |= LINE_HAS_DIGIT;
	if (__builtin_mul_overflow(s->retry_ms, 10u, &s->retry_ms) ||
	    __builtin_add_overflow(s->retry_ms, digit, &s->retry_ms))
		s->retry_ms = UINT32_MAX;
}

static const char *
read_retry(struct sse *s, const char *p, const char *end, struct sse_step *ret)
{
	bool good;

	for (; p < end && *p != '\n' && *p != '\r'; p++)
		retry_digit(s, *p);
	if (p == end)
		return p;
	good = (s->line & LINE_HAS_DIGIT) && !(s->line & LINE_BAD_NUMBER);
	if (good) {
		ret->token = SSE_RETRY;
		ret->retry_ms = s->retry_ms;
	}
	line_end(s, good ? SSE_HAS_RETRY : SSE_HAS_OTHER);
	ret->block = s->block;
	return eat_line_end(s, p, end);
}

/* Tell about the piece of a value at `p`, and end the line if it ends. */
static const char *
read_value(struct sse *s, const char *p, const char *end, struct sse_step *ret)
{
	const char *stop = find_line_end(p, end);
	enum sse_field field = (enum sse_field)sse_field_of(s);
	size_t len = (size_t)(stop - p);

	ret->token = fields[field].token;
	ret->text = p;
	ret->len = len;
	if (!(s->line & LINE_PIECE_GIVEN)) {
		ret->piece = SSE_FIRST;
		if (field == SSE_FIELD_DATA && (s->block & SSE_HAS_DATA))
			ret->piece |= SSE_LF_BEFORE;
	}
	s->line |= LINE_PIECE_GIVEN;
	if (field == SSE_FIELD_ID && memchr(p, '\0', len) != NULL)
		s->line |= LINE_HAS_NUL;
	ret->block = s->block;
	if (stop == end)
		return end;

	ret->piece |= SSE_LAST;
	if (s->line & LINE_HAS_NUL)
		ret->piece |= SSE_VOID;
	line_end(s, s->line & LINE_HAS_NUL ? (unsigned)SSE_HAS_OTHER
					   : fields[field].has);
	ret->block = s->block;
	return eat_line_end(s, stop, end);
}

static const char *
read_comment(
    struct sse *s, const char *p, const char *end, struct sse_step *ret)
{
	p = find_line_end(p, end);
	if (p == end)
		return p;
	line_end(s, SSE_HAS_COMMENT);
	if (s->block == SSE_HAS_COMMENT)
		ret->token = SSE_COMMENT;
	ret->block = s->block;
	return eat_line_end(s, p, end);
}

static const char *
read_other(struct sse *s, const char *p, const char *end)
{
	p = find_line_end(p, end);
	if (p == end)
		return p;
	line_end(s, SSE_HAS_OTHER);
	return eat_line_end(s, p, end);
}

/*
 * Read on in the state the parser is in.  Returns how far: at `p` still if
 * only the state has changed, which can't happen for ever, since states
 * only follow each other in the order of their enum until a byte is read.
 */
static const char *
read_some(struct sse *s, const char *p, const char *end, struct sse_step *ret)
{
	switch ((enum sse_state)s->state) {
	case SSE_STATE_START:
	case SSE_STATE_BOM_1:
	case SSE_STATE_BOM_2:
		return read_bom(s, p, ret);
	case SSE_STATE_LINE_START:
		return read_line_start(s, p, end, ret);
	case SSE_STATE_NAME:
		return read_name(s, p, end);
	case SSE_STATE_VALUE_START:
		s->state = SSE_STATE_VALUE;
		return *p == ' ' ? p + 1 : p;
	case SSE_STATE_VALUE:
		if (sse_field_of(s) == SSE_FIELD_RETRY)
			return read_retry(s, p, end, ret);
		return read_value(s, p, end, ret);
	case SSE_STATE_COMMENT:
		return read_comment(s, p, end, ret);
	case SSE_STATE_OTHER:
	case SSE_STATE_COUNT:
		break;
	}
	/* and where a state is none of these, the line means nothing */
	return read_other(s, p, end);
}

size_t
sse_next(struct sse *s, const char *buf, size_t len, struct sse_step *ret)
{
	const char *p = buf, *end = buf + len;

	*ret = (struct sse_step){ .token = SSE_MORE, .text = end };
	while (p < end && ret->token == SSE_MORE)
		p = read_some(s, p, end, ret);
	if (ret->token == SSE_MORE)
		ret->block = s->block;
	return (size_t)(p - buf);
}

/* --- without looking at values ------------------------------------------ */

static bool
is_named(const char *line, size_t len, const char *name, size_t name_len)
{
	return len >= name_len && memcmp(line, name, name_len) == 0 &&
	       (len == name_len || line[name_len] == ':');
}

/* What a line is that is not blank; 0 where the parser has to say it. */
static unsigned
kind_of_line(const char *line, size_t len)
{
	if (is_named(line, len, "data", 4))
		return SSE_HAS_DATA;
	if (is_named(line, len, "event", 5))
		return SSE_HAS_EVENT;
	return *line == ':' ? (unsigned)SSE_HAS_COMMENT : 0;
}

/* What was found on the way. */
struct pass {
	const char *safe; /* behind the last safe place */
	uint32_t events;
};

/* The block ended, with a blank line before `p`. */
static void
pass_block(struct pass *pass, unsigned block, const char *p)
{
	pass->events += (block & SSE_HAS_DATA) != 0;
	pass->safe = p;
}

/*
 * From the beginning of a line on, over whole lines that end in LF and are
 * what nearly all are.  Returns where another one begins, or `end`.
 */
static const char *
pass_lines(struct sse *s, const char *p, const char *end, struct pass *pass)
{
	unsigned block = s->block, kind;
	const char *stop;

	while (p < end) {
		if (*p == '\n') {
			pass_block(pass, block, ++p);
			block = 0;
			continue;
		}
		stop = find_line_end(p, end);
		if (stop == end || *stop != '\n')
			break;
		kind = kind_of_line(p, (size_t)(stop - p));
		if (kind == 0)
			break;
		block |= kind;
		p = stop + 1;
		if (block == SSE_HAS_COMMENT)
			pass->safe = p;
	}
	s->block = (uint8_t)block;
	return p;
}

size_t
sse_boundary(struct sse *s, const char *buf, size_t len, uint32_t *ret_events)
{
	struct pass pass = { buf, 0 };
	const char *p = buf, *end = buf + len;
	struct sse_step step;

	for (;;) {
		if (s->state == SSE_STATE_LINE_START && s->line == 0)
			p = pass_lines(s, p, end, &pass);
		if (p == end)
			break;
		p += sse_next(s, p, (size_t)(end - p), &step);
		if (step.token == SSE_DISPATCH)
			pass_block(&pass, step.block, p);
		else if (step.token >= SSE_COMMENT)
			pass.safe = p;
	}
	*ret_events = pass.events;
	return (size_t)(pass.safe - buf);
}

/* --- checking -------------------------------------------------------------
 */

/* The bits of `line` that may be set in a state. */
static unsigned
line_bits_of(const struct sse *s)
{
	if (s->state == SSE_STATE_LINE_START)
		return LINE_AFTER_CR;
	if (s->state != SSE_STATE_VALUE)
		return 0;
	switch ((enum sse_field)s->field) {
	case SSE_FIELD_DATA:
	case SSE_FIELD_EVENT:
		return LINE_PIECE_GIVEN;
	case SSE_FIELD_ID:
		return LINE_PIECE_GIVEN | LINE_HAS_NUL;
	case SSE_FIELD_RETRY:
		return LINE_HAS_DIGIT | LINE_BAD_NUMBER;
	case SSE_FIELD_COUNT:
		break;
	}
	return 0;
}

bool
sse_is_valid(const struct sse *s)
{
	static const uint8_t zero[sizeof(s->unused)];

	if (s->state >= SSE_STATE_COUNT || s->field >= SSE_FIELD_COUNT)
		return false;
	if ((s->block & ~SSE_HAS_ALL) || (s->line & ~line_bits_of(s)))
		return false;
	if (s->retry_ms != 0 && !(s->line & LINE_HAS_DIGIT))
		return false;
	if (s->matched != 0 && s->state != SSE_STATE_NAME)
		return false;
	if (s->matched > fields[s->field].len)
		return false;
	if (s->field != 0 &&
	    (s->state < SSE_STATE_NAME || s->state > SSE_STATE_VALUE))
		return false;
	if (s->state < SSE_STATE_LINE_START && s->block != 0)
		return false;
	return memcmp(s->unused, zero, sizeof(zero)) == 0;
}
