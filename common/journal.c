/*
 * journal.c - records on chains of blocks.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "common/journal.h"
#include "common/journal_place.h"
#include "common/journal_sum.h"
#include "common/kill_point.h"

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

/* --- writing records ---------------------------------------------------- */

int
journal_open(struct arena *a, struct journal *j)
{
	if (j->open_ref != 0)
		return 0;
	if (j->chain.last_ref == 0 || !header_fits(j->chain.last_off)) {
		if (chain_grow(a, &j->chain) != 0)
			return -ENOMEM;
	}
	j->open_ref = j->chain.last_ref;
	j->open_off = j->chain.last_off;
	j->open_len = 0;
	j->chain.last_off += sizeof(struct journal_record);
	return 0;
}

int
journal_add(struct arena *a, struct journal *j, const void *bytes, size_t len)
{
	if (len > UINT32_MAX - j->open_len)
		return -ENOMEM;
	if (chain_append(a, &j->chain, bytes, len) != 0)
		return -ENOMEM;
	j->open_len += (uint32_t)len;
	return 0;
}

/* The place of the open record's payload. */
static struct place
open_body(const struct journal *j)
{
	struct place at = { j->open_ref,
		j->open_off + (uint32_t)sizeof(struct journal_record) };

	return at;
}

void
journal_peek_open(const struct arena *a, const struct journal *j, char *buf)
{
	struct place at = open_body(j);
	uint32_t left, piece;

	FOR_EACH_PIECE(a, at, j->open_len, left, piece)
	{
		if (piece == 0)
			return;
		memcpy(buf, block_at(a, at.ref) + at.off, piece);
		buf += piece;
	}
}

/*
 * The sum of a record whose payload is about to go to the end of the chain,
 * from where it comes: its blocks may not be in the cache yet.
 */
static uint32_t
sum_of_new(
    const struct journal *j, const struct journal_record *r, const char *from)
{
	uint64_t sum = journal_sum_begin(r);
	uint32_t room = SHM_BLOCK_SIZE - j->chain.last_off, left, piece;

	for (left = r->len; left > 0; left -= piece, from += piece) {
		piece = MIN(left, room > 0 ? room : SHM_BLOCK_SIZE);
		sum = journal_sum_add(sum, from, piece);
		room = 0;
	}
	return journal_sum_end(sum);
}

/* What the record's sum must be; where it is broken, another one. */
static uint32_t
record_sum(
    const struct arena *a, const struct journal_record *r, struct place at)
{
	uint64_t sum = journal_sum_begin(r);
	uint32_t left, piece;

	FOR_EACH_PIECE(a, at, r->len, left, piece)
	{
		if (piece == 0)
			return ~r->sum;
		sum = journal_sum_add(sum, block_at(a, at.ref) + at.off, piece);
	}
	return journal_sum_end(sum);
}

/* The header of the next record; its sum is still to come. */
static struct journal_record
new_header(const struct journal *j, enum journal_type type, unsigned flags,
    uint32_t id_sum, uint32_t len)
{
	return (struct journal_record){
		.len = len,
		.type = (uint8_t)type,
		.flags = (uint8_t)flags,
		.notes = (uint16_t)j->notes,
		.id_sum = id_sum,
		.seq = j->next_seq,
	};
}

/* The open record is finished, and this is its header. */
static void
finish(struct arena *a, struct journal *j, const struct journal_record *r)
{
	KILL_POINT();
	memcpy(block_at(a, j->open_ref) + j->open_off, r, sizeof(*r));
	KILL_POINT();
	j->kept += r->len;
	j->next_seq++;
	j->notes = 0;
	j->open_ref = 0;
	j->open_off = 0;
	j->open_len = 0;
}

void
journal_finish(struct arena *a, struct journal *j, enum journal_type type,
    unsigned flags, uint32_t id_sum)
{
	struct journal_record r =
	    new_header(j, type, flags, id_sum, j->open_len);

	sc_assert(j->open_ref != 0);
	r.sum = record_sum(a, &r, open_body(j));
	finish(a, j, &r);
}

/* One whole record with this header, but for length and sum. */
static int
put(struct arena *a, struct journal *j, struct journal_record r,
    const void *bytes, size_t len)
{
	struct chain was = j->chain;

	sc_assert(j->open_ref == 0);
	if (len > UINT32_MAX || journal_open(a, j) != 0)
		return -ENOMEM;
	r.len = (uint32_t)len;
	r.sum = sum_of_new(j, &r, bytes);
	if (journal_add(a, j, bytes, len) != 0) {
		j->open_ref = 0;
		chain_restore(a, &j->chain, &was);
		return -ENOMEM;
	}
	finish(a, j, &r);
	return 0;
}

int
journal_put_event(struct arena *a, struct journal *j, unsigned flags,
    uint32_t id_sum, const void *bytes, size_t len)
{
	return put(
	    a, j, new_header(j, JOURNAL_BODY, flags, id_sum, 0), bytes, len);
}

int
journal_put(struct arena *a, struct journal *j, enum journal_type type,
    const void *bytes, size_t len)
{
	return put(a, j, new_header(j, type, 0, 0, 0), bytes, len);
}

void
journal_abandon(struct arena *a, struct journal *j)
{
	if (j->open_ref != 0)
		journal_finish(a, j, JOURNAL_SKIP, 0, 0);
}

void
journal_clear(struct arena *a, struct journal *j)
{
	chain_clear(a, &j->chain);
	j->open_ref = 0;
	j->open_off = 0;
	j->open_len = 0;
	j->kept = 0;
}

/* --- reading records ---------------------------------------------------- */

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

/* The record at `at`, which must have this number. */
static int
record_read(const struct arena *a, struct place at, uint64_t seq,
    struct journal_record *ret, struct place *ret_body)
{
	if (!place_of_header(a, &at))
		return -EBADMSG;
	memcpy(ret, block_at(a, at.ref) + at.off, sizeof(*ret));
	if (ret->seq != seq || ret->type == 0 ||
	    ret->type >= JOURNAL_TYPE_COUNT ||
	    ret->len / SHM_BLOCK_SIZE > a->shm->sizes.blocks)
		return -EBADMSG;
	ret_body->ref = at.ref;
	ret_body->off = at.off + (uint32_t)sizeof(*ret);
	return 0;
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

/* The place behind a payload of `len` bytes: 0, or -EBADMSG. */
static int
payload_end(
    const struct arena *a, struct place at, uint32_t len, struct place *ret)
{
	uint32_t left, piece;

	FOR_EACH_PIECE(a, at, len, left, piece)
	{
		if (piece == 0)
			return -EBADMSG;
	}
	*ret = at;
	return 0;
}

/* The first kept record's place; the open one's where none is finished. */
static struct place
journal_start(const struct journal *j)
{
	struct place at = { j->chain.first_ref, j->chain.first_off };

	return at;
}

void
journal_cursor_init(struct journal_cursor *cur, const struct arena *a,
    const struct journal *j, uint64_t wire)
{
	struct place at = journal_start(j);
	struct journal_record r;

	memset(cur, 0, sizeof(*cur));
	cur->wire = wire;
	cur->seq = j->next_seq;
	if (!place_of_header(a, &at))
		return;
	if (at.ref == j->open_ref && at.off == j->open_off)
		return;
	memcpy(&r, block_at(a, at.ref) + at.off, sizeof(r));
	cur->ref = at.ref;
	cur->off = at.off;
	cur->seq = r.seq;
}

static struct place
cursor_place(const struct journal *j, const struct journal_cursor *cur)
{
	struct place at = { cur->ref, cur->off };

	return cur->ref != 0 ? at : journal_start(j);
}

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
		p = mempcpy(p, block_at(g->arena, at.ref) + at.off, piece);
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

int
journal_cursor_seek(struct journal_cursor *cur, const struct arena *a,
    const struct journal *j, uint64_t seq, uint64_t wire)
{
	struct journal_record r;
	struct place at, body;

	journal_cursor_init(cur, a, j, wire);
	at = cursor_place(j, cur);
	while (cur->seq < seq && cur->seq < j->next_seq) {
		if (record_read(a, at, cur->seq, &r, &body) != 0 ||
		    payload_end(a, body, r.len, &at) != 0)
			return -EBADMSG;
		cur->passed += r.len;
		cur->seq++;
		cur->ref = at.ref;
		cur->off = at.off;
	}
	return 0;
}

struct journal_mark
journal_mark(const struct journal_cursor *cur)
{
	return (struct journal_mark){
		.seq = cur->seq,
		.wire = cur->wire,
		.passed = cur->passed,
		.ref = cur->ref,
		.off = cur->off,
	};
}

int
journal_cursor_resume(struct journal_cursor *cur, const struct arena *a,
    const struct journal *j, const struct journal_mark *mark)
{
	struct journal_record r;
	struct place body;

	*cur = (struct journal_cursor){
		.seq = mark->seq,
		.wire = mark->wire,
		.passed = mark->passed,
		.ref = mark->ref,
		.off = mark->off,
	};
	if (mark->seq == 0 || mark->seq > j->next_seq)
		return -EBADMSG;
	if (mark->seq == j->next_seq)
		return 0;
	return record_read(a, cursor_place(j, cur), mark->seq, &r, &body);
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

bool
journal_all_sent(const struct journal *j, const struct journal_cursor *cur)
{
	return cur->seq == j->next_seq;
}

void
journal_drop(struct arena *a, struct journal *j, struct journal_cursor *cur)
{
	struct place at = cursor_place(j, cur);

	j->kept -= MIN(j->kept, cur->passed);
	cur->passed = 0;
	if (journal_all_sent(j, cur) && j->open_ref == 0) {
		chain_clear(a, &j->chain);
		cur->ref = 0;
		cur->off = 0;
		return;
	}
	if (!place_begin_there(a, j, &at))
		return;
	cur->ref = at.ref;
	cur->off = at.off;
}

uint64_t
journal_trim(struct arena *a, struct journal *j, struct journal_cursor *cur,
    uint64_t limit)
{
	uint64_t seq = journal_first_seq(a, j), dropped = 0;
	uint64_t end = cur != NULL ? cur->seq : j->next_seq;
	struct place at = journal_start(j), body;
	struct journal_record r;

	while (j->kept > limit && seq < end && seq + 1 < j->next_seq) {
		if (record_read(a, at, seq, &r, &body) != 0 ||
		    payload_end(a, body, r.len, &at) != 0)
			break;
		j->kept -= MIN(j->kept, r.len);
		if (cur != NULL)
			cur->passed -= MIN(cur->passed, r.len);
		seq++;
		dropped++;
	}
	if (dropped == 0 || !place_begin_there(a, j, &at))
		return 0;
	/* It may stand at the end of a block that has just been let go. */
	if (cur != NULL && cur->seq == seq) {
		cur->ref = at.ref;
		cur->off = at.off;
	}
	return dropped;
}

uint64_t
journal_unsent(const struct journal *j, const struct journal_cursor *cur)
{
	return j->kept - MIN(j->kept, cur->passed);
}

uint64_t
journal_first_seq(const struct arena *a, const struct journal *j)
{
	struct journal_cursor cur;

	journal_cursor_init(&cur, a, j, 0);
	return cur.seq;
}

int
journal_each(const struct arena *a, const struct journal *j, uint64_t seq,
    bool (*visit)(void *context, const struct journal_view *), void *context)
{
	struct journal_cursor cur;
	struct journal_view view = { .arena = a };
	struct place at, body;

	if (journal_cursor_seek(&cur, a, j, seq, 0) != 0)
		return -EBADMSG;
	at = cursor_place(j, &cur);
	for (; cur.seq < j->next_seq; cur.seq++) {
		if (record_read(a, at, cur.seq, &view.record, &body) != 0)
			return -EBADMSG;
		view.ref = body.ref;
		view.off = body.off;
		if (!visit(context, &view))
			return 0;
		if (payload_end(a, body, view.record.len, &at) != 0)
			return -EBADMSG;
	}
	return 0;
}

const char *
journal_piece(struct journal_view *view, uint32_t *left, uint32_t *ret_len)
{
	struct place at = { view->ref, view->off };
	const char *p;

	*ret_len = place_piece(view->arena, &at, *left);
	if (*left == 0 || *ret_len == 0)
		return NULL;
	p = block_at(view->arena, at.ref) + at.off;
	view->ref = at.ref;
	view->off = at.off + *ret_len;
	*left -= *ret_len;
	return p;
}

struct journal_view
journal_open_view(const struct arena *a, const struct journal *j)
{
	struct place at = open_body(j);

	return (struct journal_view){
		.arena = a,
		.record = { .len = j->open_len, .seq = j->next_seq },
		.ref = at.ref,
		.off = at.off,
	};
}

/* Whether the chain ends behind `at`, or behind the open record there. */
static bool
ends_at(const struct arena *a, const struct journal *j, struct place at)
{
	uint32_t left, piece;

	if (j->open_ref != 0) {
		if (!place_of_header(a, &at) || at.ref != j->open_ref ||
		    at.off != j->open_off)
			return false;
		at = open_body(j);
		FOR_EACH_PIECE(a, at, j->open_len, left, piece)
		{
			if (piece == 0)
				return false;
		}
	}
	return at.ref == j->chain.last_ref && at.off == j->chain.last_off;
}

/* Verify the records from `seq` on, which lies there; adds up payloads. */
static int
verify_from(const struct arena *a, const struct journal *j, uint64_t seq,
    struct place at, uint64_t *ret_len)
{
	struct journal_record r;
	struct place body;

	*ret_len = 0;
	for (; seq < j->next_seq; seq++) {
		if (record_read(a, at, seq, &r, &body) != 0 ||
		    record_sum(a, &r, body) != r.sum ||
		    payload_end(a, body, r.len, &at) != 0)
			return -EBADMSG;
		*ret_len += r.len;
	}
	return ends_at(a, j, at) ? 0 : -EBADMSG;
}

int
journal_verify(const struct arena *a, const struct journal *j)
{
	struct journal_cursor cur;
	uint64_t len;
	int error;

	journal_cursor_init(&cur, a, j, 0);
	error = verify_from(a, j, cur.seq, cursor_place(j, &cur), &len);
	return error == 0 && len != j->kept ? -EBADMSG : error;
}

int
journal_verify_rest(const struct arena *a, const struct journal *j,
    const struct journal_cursor *cur)
{
	uint64_t len;

	return verify_from(a, j, cur->seq, cursor_place(j, cur), &len);
}
