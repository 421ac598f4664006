/*
 * journal_wire.c - what records are on the wire: their framing, and the way
 * from there to bytes and back.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/journal_place.h"
#include "common/journal_wire.h"

#define NOTE ": keepalive\n\n"
#define NOTE_LEN (sizeof(NOTE) - 1)
#define NOTE_CHUNK "d\r\n" NOTE "\r\n"
#define NOTE_CHUNK_LEN (sizeof(NOTE_CHUNK) - 1)
#define LAST_CHUNK "0\r\n\r\n"
#define LAST_CHUNK_LEN (sizeof(LAST_CHUNK) - 1)
#define ID_BEGIN "sc1."
#define ID_LINE "id: " ID_BEGIN
/* Longer payloads are sent from where they are. */
#define COPY_MAX SHM_BLOCK_SIZE

/* --- one record --------------------------------------------------------- */

/* A record as the wire sees it. */
struct view {
	struct journal_record r;
	struct place body;
	uint64_t wire; /* its bytes on the wire, notes included */
	bool is_sent;  /* payload and framing are; notes may be even so */
	uint32_t notes;
	uint32_t id_len;   /* of the id line */
	uint32_t head_len; /* of the chunk's head */
};

/* A journal_wire, prepared for many records. */
struct dress {
	const char *token;  /* NULL: no id lines */
	uint32_t token_len; /* of a token in shared memory: it may be cut */
	uint32_t note_len;  /* of one note */
	uint64_t attach_seq;
	bool chunked;
};

static struct dress
dress_of(const struct journal_wire *form)
{
	bool chunked = form->framing == HTTP_FRAMING_CHUNKED;

	return (struct dress){
		.token = form->token,
		.token_len =
		    form->token == NULL
			? 0
			: (uint32_t)strnlen(form->token, STREAM_TOKEN_LEN),
		.note_len = chunked ? NOTE_CHUNK_LEN : NOTE_LEN,
		.attach_seq = form->attach_seq,
		.chunked = chunked,
	};
}

static uint32_t
count_hex(uint32_t n)
{
	return (35u - (uint32_t)__builtin_clz(n | 1)) / 4;
}

static uint32_t
count_decimals(uint64_t n)
{
	static const uint64_t powers[] = { 0, 10, 100, 1000, 10000, 100000,
		1000000, 10000000, 100000000, 1000000000, 10000000000,
		100000000000, 1000000000000, 10000000000000, 100000000000000,
		1000000000000000, 10000000000000000, 100000000000000000,
		1000000000000000000, 10000000000000000000u };
	/* 1233 / 4096 is a little more than log10(2) */
	uint32_t least = (64u - (uint32_t)__builtin_clzll(n | 1)) * 1233 >> 12;

	return least + (n >= powers[least]);
}

/* The head of a chunk: `digits` digits, CR, LF.  Returns its end. */
static char *
write_chunk_head(char *p, uint32_t len, uint32_t digits)
{
	char *end = p + digits;

	for (p = end; digits-- > 0; len >>= 4)
		*--p = "0123456789abcdef"[len & 0xf];
	*end++ = '\r';
	*end++ = '\n';
	return end;
}

/* By hand, not by printf: it is made for each event. */
static char *
write_number(char *p, uint64_t n)
{
	char *end = p + count_decimals(n);

	p = end;
	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	return end;
}

uint32_t
journal_write_id(char *buf, const char *token, uint64_t seq)
{
	char *p = buf;

	p = mempcpy(p, ID_BEGIN, sizeof(ID_BEGIN) - 1);
	p = mempcpy(p, token, strnlen(token, STREAM_TOKEN_LEN));
	*p++ = '.';
	return (uint32_t)(write_number(p, seq) - buf);
}

static uint32_t
id_line_len(const struct dress *d, uint64_t seq)
{
	return (uint32_t)sizeof(ID_LINE ".\n") - 1 + d->token_len +
	       count_decimals(seq);
}

static char *
write_id_line(char *p, const struct dress *d, uint64_t seq)
{
	p = mempcpy(p, ID_LINE, sizeof(ID_LINE) - 1);
	p = mempcpy(p, d->token, d->token_len);
	*p++ = '.';
	p = write_number(p, seq);
	*p++ = '\n';
	return p;
}

/* How it looks on the wire, replayed or not. */
static void
view_measure(struct view *v, const struct dress *d)
{
	bool replay = v->r.seq < d->attach_seq;

	v->notes = replay ? 0 : v->r.notes;
	v->head_len = 0;
	v->id_len = 0;
	v->is_sent = v->r.type == JOURNAL_BODY || v->r.type == JOURNAL_END ||
		     v->r.type == JOURNAL_HEAD;
	if (replay && (v->r.type == JOURNAL_HEAD || v->r.flags & JOURNAL_ONCE))
		v->is_sent = false;
	v->wire = (uint64_t)v->notes * d->note_len;
	if (!v->is_sent)
		return;
	if (v->r.type == JOURNAL_END) {
		v->wire += d->chunked ? LAST_CHUNK_LEN : 0;
		return;
	}
	v->wire += v->r.len;
	if (v->r.type != JOURNAL_BODY)
		return;
	if (v->r.flags & JOURNAL_MINT && d->token != NULL)
		v->id_len = id_line_len(d, v->r.seq);
	/* A chunk without bytes would be the last one. */
	if (d->chunked && v->r.len > 0)
		v->head_len = count_hex(v->id_len + v->r.len) + 2;
	v->wire += v->id_len + v->head_len + (v->head_len > 0 ? 2 : 0);
}

static int
view_read(const struct arena *a, struct place at, uint64_t seq,
    const struct dress *d, struct view *v)
{
	if (record_read(a, at, seq, &v->r, &v->body) != 0)
		return -EBADMSG;
	view_measure(v, d);
	return 0;
}

/* --- gathering ---------------------------------------------------------- */

struct gather {
	const struct arena *arena;
	struct dress dress;
	struct iovec *iov;
	int count, cap;
	uint64_t skip;
	uint64_t len;    /* bytes gathered */
	struct place at; /* behind the payload that was passed last */
	char *scratch, *scratch_end; /* what is left of it */
	const char *id_line;         /* the one before, of record id_seq */
	uint64_t id_seq;
};

/* Add a piece, joined to the one before where they touch. */
static bool
gather_add(struct gather *g, const char *p, size_t len)
{
	struct iovec *last;

	if (g->skip >= len) {
		g->skip -= len;
		return true;
	}
	p += g->skip;
	len -= g->skip;
	g->skip = 0;
	last = g->count > 0 ? &g->iov[g->count - 1] : NULL;
	if (last != NULL && (char *)last->iov_base + last->iov_len == p) {
		last->iov_len += len;
		g->len += len;
		return true;
	}
	if (g->count == g->cap)
		return false;
	g->len += len;
	g->iov[g->count].iov_base = (void *)(uintptr_t)p;
	g->iov[g->count].iov_len = len;
	g->count++;
	return true;
}

/* The payload: 0, -ENOSPC where no more fits, or -EBADMSG. */
static int
gather_payload(struct gather *g, const struct view *v)
{
	struct place at = v->body;
	uint32_t left, piece;

	FOR_EACH_PIECE(g->arena, at, v->r.len, left, piece)
	{
		if (piece == 0)
			return -EBADMSG;
		if (!gather_add(g, block_at(g->arena, at.ref) + at.off, piece))
			return -ENOSPC;
	}
	g->at = at;
	return 0;
}

/* A copy of the payload: its end, or NULL where it is broken. */
static char *
copy_payload(struct gather *g, const struct view *v, char *p)
{
	struct place at = v->body;
	uint32_t left, piece;

	FOR_EACH_PIECE(g->arena, at, v->r.len, left, piece)
	{
		if (piece == 0)
			return NULL;
		p = block_copy(p, block_at(g->arena, at.ref) + at.off, piece);
	}
	g->at = at;
	return p;
}

/*
 * The id line.  Most follow one that differs in the last digit alone.
 */
static char *
gather_id_line(struct gather *g, const struct view *v, char *p)
{
	const char *before = g->id_line;
	char *last = p + v->id_len - 2;

	g->id_line = p;
	if (before == NULL || v->r.seq != g->id_seq + 1 || v->r.seq % 10 == 0) {
		g->id_seq = v->r.seq;
		return write_id_line(p, &g->dress, v->r.seq);
	}
	g->id_seq = v->r.seq;
	memcpy(p, before, v->id_len);
	++*last;
	return last + 2;
}

/*
 * The payload with its chunk and the id line: what is not in the journal is
 * written to the scratch.  A short payload is copied to there, too, so that
 * many small records make one piece; the kernel takes that far more quickly.
 */
static int
gather_body(struct gather *g, const struct view *v)
{
	char *begin = g->scratch, *p = begin;
	bool copies = v->r.len <= COPY_MAX;
	size_t len = v->head_len + v->id_len + (v->head_len > 0 ? 2 : 0);
	int error;

	if ((size_t)(g->scratch_end - p) < len + (copies ? v->r.len : 0))
		return -ENOSPC;
	if (v->head_len > 0)
		p = write_chunk_head(p, v->id_len + v->r.len, v->head_len - 2);
	if (v->id_len > 0)
		p = gather_id_line(g, v, p);
	if (copies) {
		p = copy_payload(g, v, p);
		if (p == NULL)
			return -EBADMSG;
	} else {
		if (!gather_add(g, begin, (size_t)(p - begin)))
			return -ENOSPC;
		error = gather_payload(g, v);
		if (error != 0)
			return error;
		begin = p;
	}
	/* This line end touches the head of the next chunk. */
	if (v->head_len > 0)
		p = mempcpy(p, "\r\n", 2);
	g->scratch = p;
	return gather_add(g, begin, (size_t)(p - begin)) ? 0 : -ENOSPC;
}

static int
gather_notes(struct gather *g, uint32_t notes)
{
	const char *note = g->dress.chunked ? NOTE_CHUNK : NOTE;

	for (; notes > 0; notes--) {
		if (!gather_add(g, note, g->dress.note_len))
			return -ENOSPC;
	}
	return 0;
}

/* One record's bytes: 0, -ENOSPC where no more fits, or -EBADMSG. */
static int
gather_record(struct gather *g, const struct view *v)
{
	if (gather_notes(g, v->notes) != 0)
		return -ENOSPC;
	if (!v->is_sent)
		return payload_end(g->arena, v->body, v->r.len, &g->at);
	if (v->r.type != JOURNAL_END)
		return gather_body(g, v);
	if (g->dress.chunked && !gather_add(g, LAST_CHUNK, LAST_CHUNK_LEN))
		return -ENOSPC;
	return payload_end(g->arena, v->body, v->r.len, &g->at);
}

/* Behind a record that is passed whole, and ends at `at`. */
static void
cursor_pass(struct journal_cursor *cur, const struct view *v, struct place at)
{
	cur->wire += v->wire;
	cur->passed += v->r.len;
	cur->seq++;
	cur->ref = at.ref;
	cur->off = at.off;
}

static uint64_t
cursor_byte(const struct journal_cursor *cur)
{
	return cur->wire + cur->sent;
}

int
journal_gather(const struct arena *a, const struct journal *j,
    const struct journal_wire *form, const struct journal_cursor *cur,
    struct iovec *iov, int cap, char *scratch, struct journal_cursor *ret_end)
{
	struct gather g = {
		.arena = a,
		.dress = dress_of(form),
		.iov = iov,
		.cap = cap,
		.skip = cur->sent,
		.scratch = scratch,
		.scratch_end = scratch + JOURNAL_SCRATCH,
	};
	struct journal_cursor end = *cur;
	struct view v;
	int error = 0;

	g.at = cursor_place(j, cur);
	while (error == 0 && end.seq < j->next_seq) {
		if (view_read(a, g.at, end.seq, &g.dress, &v) != 0)
			return -EBADMSG;
		error = gather_record(&g, &v);
		if (error == 0)
			cursor_pass(&end, &v, g.at);
	}
	if (error == 0)
		(void)gather_notes(&g, j->notes);
	else if (error != -ENOSPC)
		return error;
	end.sent = cursor_byte(cur) + g.len - end.wire;
	*ret_end = end;
	return g.count;
}

int
journal_sent(const struct arena *a, const struct journal *j,
    const struct journal_wire *form, struct journal_cursor *cur,
    const struct journal_cursor *end, uint64_t n)
{
	if (n != cursor_byte(end) - cursor_byte(cur))
		return journal_advance(a, j, form, cur, n);
	*cur = *end;
	return 0;
}

int
journal_advance(const struct arena *a, const struct journal *j,
    const struct journal_wire *form, struct journal_cursor *cur, uint64_t n)
{
	struct place at = cursor_place(j, cur);
	struct dress dress = dress_of(form);
	struct view v;

	cur->sent += n;
	while (cur->seq < j->next_seq) {
		if (view_read(a, at, cur->seq, &dress, &v) != 0)
			return -EBADMSG;
		if (cur->sent < v.wire)
			return 0;
		if (payload_end(a, v.body, v.r.len, &at) != 0)
			return -EBADMSG;
		cur->sent -= v.wire;
		cursor_pass(cur, &v, at);
	}
	/* What is left can only be notes that no record follows yet. */
	return cur->sent <= (uint64_t)j->notes * dress.note_len ? 0 : -EBADMSG;
}

uint64_t
journal_wire_len(const struct arena *a, const struct journal *j,
    const struct journal_wire *form)
{
	struct dress dress = dress_of(form);
	struct journal_cursor cur;
	struct place at;
	struct view v;
	uint64_t len = 0;

	journal_cursor_init(&cur, a, j, 0);
	at = cursor_place(j, &cur);
	for (; cur.seq < j->next_seq; cur.seq++) {
		if (view_read(a, at, cur.seq, &dress, &v) != 0 ||
		    payload_end(a, v.body, v.r.len, &at) != 0)
			break;
		len += v.wire;
	}
	return len;
}

int
journal_cursor_find(struct journal_cursor *cur, const struct arena *a,
    const struct journal *j, const struct journal_wire *form, uint64_t seq,
    uint64_t wire, uint64_t sent)
{
	if (sent < wire || journal_cursor_seek(cur, a, j, seq, wire) != 0)
		return -EBADMSG;
	/* The place is exact only if the record is still there. */
	if (cur->seq != seq && sent != wire)
		return -EBADMSG;
	return journal_advance(a, j, form, cur, sent - wire);
}
