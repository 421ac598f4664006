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

static bool
is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/*
 * Whether the LF at buf[i] ends a blank line.  What is ahead of it in the
 * buffer must show that: at its beginning, the answer is no.
 */
static bool
lf_ends_blank_line(const char *buf, size_t i)
{
	if (i >= 1 && buf[i - 1] == '\n')
		return true;
	return i >= 2 && buf[i - 1] == '\r' && is_line_end(buf[i - 2]);
}

/*
 * Offset behind the last blank line in buf[0..len) that ends in a LF, 0 if
 * none can be told.  Two line ends in a row are a blank line whatever came
 * before them, so this needs no state.
 */
static size_t
after_last_blank_lf(const char *buf, size_t len)
{
	const char *lf;

	while ((lf = memrchr(buf, '\n', len)) != NULL) {
		len = (size_t)(lf - buf);
		if (lf_ends_blank_line(buf, len))
			return len + 1;
	}
	return 0;
}

/* The same for blank lines that end in a CR, or else `from`. */
static size_t
after_last_blank_cr(const char *buf, size_t from, size_t len)
{
	const char *cr;
	size_t end = len, i;

	while ((cr = memrchr(buf + from, '\r', end - from)) != NULL) {
		i = (size_t)(cr - buf);
		if (i > from && is_line_end(buf[i - 1])) {
			i++;
			return i < len && buf[i] == '\n' ? i + 1 : i;
		}
		end = i;
	}
	return from;
}

/*
 * Most reads end with a block, or a little behind one.  So look for the
 * last blank line from the end; behind it the parser is as good as new,
 * and only the rest has to be read.
 */
size_t
sse_boundary(struct sse *s, const char *buf, size_t len)
{
	struct sse_step step;
	size_t safe, pos;

	safe = after_last_blank_lf(buf, len);
	if (safe < len)
		safe = after_last_blank_cr(buf, safe, len);
	if (safe > 0) {
		line_end(s, 0);
		s->block = 0;
		if (safe == len && buf[len - 1] == '\r')
			s->line = LINE_AFTER_CR;
	}
	for (pos = safe; pos < len;) {
		pos += sse_next(s, buf + pos, len - pos, &step);
		if (step.token >= SSE_COMMENT)
			safe = pos;
	}
	return safe;
}

static bool
is_data_line(const char *line, size_t len)
{
	return len >= 4 && memcmp(line, "data", 4) == 0 &&
	       (len == 4 || line[4] == ':');
}

/* From the beginning of a line on, in a block that has data, or has not. */
static uint32_t
count_from_line(const char *line, size_t len, bool has_data)
{
	const char *end = line + len, *stop;
	uint32_t n = 0;

	for (; line < end; line = stop + 1) {
		stop =
		    line + scan_either(line, (size_t)(end - line), '\n', '\r');
		if (stop == end)
			break;
		if (stop == line) {
			n += has_data;
			has_data = false;
		} else if (is_data_line(line, (size_t)(stop - line))) {
			has_data = true;
		}
		if (*stop == '\r' && stop + 1 < end && stop[1] == '\n')
			stop++;
	}
	return n;
}

uint32_t
sse_count_events(const struct sse *before, const char *buf, size_t len)
{
	struct sse s = *before;
	struct sse_step step;
	uint32_t n = 0;

	while (len > 0 && (s.state != SSE_STATE_LINE_START || s.line != 0)) {
		size_t used = sse_next(&s, buf, len, &step);

		n += step.token == SSE_DISPATCH && step.block & SSE_HAS_DATA;
		buf += used;
		len -= used;
	}
	return n + count_from_line(buf, len, s.block & SSE_HAS_DATA);
}

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
