/*
 * exchange.c - one request at the origin, and the script that answers it.
 *
 * Each verb is a function do_<verb>() that returns 0, or a negative errno
 * when the peer left; exchange_run() is the only one that acts on that.
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/peers/exchange.h"

#define BLOCKED_MS 300
#define GATE_POLL_MS 5
#define FILL_PIECE 16384

typedef int verb_function(struct exchange *, const struct script_statement *);

/* --- sending ------------------------------------------------------------- */

/* Send, and note in the log when the peer takes nothing for a while. */
static int
send_all(struct exchange *x, const char *data, size_t len)
{
	uint64_t from = x->wire->sent, mark = UINT64_MAX;
	size_t done = 0;
	int err;

	do {
		err = wire_write(x->wire, data + done, len - done,
		    wire_now_ms() + BLOCKED_MS);
		if (err == -ETIMEDOUT && mark != x->wire->sent &&
		    done == x->wire->sent - from) {
			mark = x->wire->sent;
			diary_blocked(x->place, mark);
		}
		done = (size_t)(x->wire->sent - from);
	} while (err == -ETIMEDOUT);
	return err;
}

/* Send raw bytes, in pieces if the script said so. */
static int
send_raw(struct exchange *x, const char *data, size_t len)
{
	size_t piece;
	int err = 0;

	if (x->drip_piece == 0)
		return send_all(x, data, len);
	while (len > 0 && err == 0) {
		piece = len < x->drip_piece ? len : x->drip_piece;
		err = send_all(x, data, piece);
		data += piece;
		len -= piece;
		if (err == 0 && x->drip_ms > 0)
			err = wire_watch(x->wire, wire_now_ms() + x->drip_ms);
	}
	return err;
}

/* Send a piece of the answer's body in the framing of its head. */
static int
send_body(struct exchange *x, const char *data, size_t len)
{
	struct bytes out = { 0 };
	int err;

	if (len == 0)
		return 0;
	if (x->framing != MESSAGE_CHUNKED)
		return send_raw(x, data, len);
	bytes_addf(&out, "%zx\r\n", len);
	bytes_add(&out, data, len);
	bytes_add(&out, "\r\n", 2);
	err = send_raw(x, out.data, out.len);
	bytes_fini(&out);
	return err;
}

static void
close_wire(struct exchange *x, void (*how)(struct wire *))
{
	how(x->wire);
	x->state = EXCHANGE_CLOSED;
}

/* --- the request's body -------------------------------------------------- */

static int
read_body(struct exchange *x, size_t piece, int64_t pause_ms)
{
	char buf[65536];
	int n;

	if (x->state != EXCHANGE_READING || x->request == NULL)
		return 0;
	x->state = EXCHANGE_ANSWERING;
	if (piece == 0 || piece > sizeof(buf))
		piece = sizeof(buf);
	while ((n = message_read_body(
		    x->wire, x->request, buf, piece, WIRE_NEVER)) > 0) {
		bytes_add(&x->body, buf, (size_t)n);
		if (pause_ms > 0)
			usleep((useconds_t)pause_ms * 1000);
	}
	diary_body(x->place, &x->body, n == 0);
	return n;
}

static int
do_body(struct exchange *x, const struct script_statement *s)
{
	(void)s;
	return read_body(x, 0, 0);
}

static int
do_sip(struct exchange *x, const struct script_statement *s)
{
	return read_body(x, (size_t)script_number(s->words[0].data),
	    (int64_t)script_number(s->words[1].data));
}

static int
do_early(struct exchange *x, const struct script_statement *s)
{
	(void)s;
	x->state = EXCHANGE_ANSWERING;
	return 0;
}

/* --- the answer ---------------------------------------------------------- */

static int
do_field(struct exchange *x, const struct script_statement *s)
{
	bytes_add(&x->fields, s->words[0].data, s->words[0].len);
	bytes_add(&x->fields, "\r\n", 2);
	return 0;
}

static int
send_head(struct exchange *x, const char *status, const char *type,
    const char *framing)
{
	struct bytes out = { 0 };
	int err;

	bytes_addf(&out, "HTTP/1.1 %s Scripted\r\n", status);
	if (strcmp(type, "-") != 0)
		bytes_addf(&out, "Content-Type: %s\r\n", type);
	x->framing = MESSAGE_EMPTY;
	if (strcmp(framing, "chunked") == 0) {
		x->framing = MESSAGE_CHUNKED;
		bytes_addf(&out, "Transfer-Encoding: chunked\r\n");
	} else if (strncmp(framing, "length=", 7) == 0) {
		x->framing = MESSAGE_LENGTH;
		bytes_addf(&out, "Content-Length: %llu\r\n",
		    (unsigned long long)script_number(framing + 7));
	} else if (strcmp(framing, "close") == 0) {
		x->framing = MESSAGE_CLOSE;
		bytes_addf(&out, "Connection: close\r\n");
	}
	bytes_add(&out, x->fields.data, x->fields.len);
	bytes_add(&out, "\r\n", 2);
	bytes_fini(&x->fields);
	err = read_body(x, 0, 0);
	if (err == 0)
		err = send_raw(x, out.data, out.len);
	bytes_fini(&out);
	return err;
}

static int
do_head(struct exchange *x, const struct script_statement *s)
{
	return send_head(x, s->words[0].data,
	    s->word_count > 1 ? s->words[1].data : "-",
	    s->word_count > 2 ? s->words[2].data : "none");
}

static int
send_answer(struct exchange *x, const char *status, const char *type,
    const struct bytes *body)
{
	char framing[40];
	int err;

	snprintf(framing, sizeof(framing), "length=%zu", body->len);
	err = send_head(x, status, type, framing);
	if (err == 0 && (x->request == NULL ||
			    strncmp(x->request->head.data, "HEAD ", 5) != 0))
		err = send_body(x, body->data, body->len);
	return err;
}

static int
do_answer(struct exchange *x, const struct script_statement *s)
{
	return send_answer(x, s->words[0].data, s->words[1].data, &s->words[2]);
}

static int
do_echo(struct exchange *x, const struct script_statement *s)
{
	int err = read_body(x, 0, 0);

	if (err < 0)
		return err;
	return send_answer(x, s->word_count > 0 ? s->words[0].data : "200",
	    s->word_count > 1 ? s->words[1].data : "application/octet-stream",
	    &x->body);
}

static int
do_info(struct exchange *x, const struct script_statement *s)
{
	struct bytes out = { 0 };
	int err;

	bytes_addf(&out, "HTTP/1.1 %s Interim\r\n%s%s\r\n", s->words[0].data,
	    s->word_count > 1 ? s->words[1].data : "",
	    s->word_count > 1 ? "\r\n" : "");
	err = send_raw(x, out.data, out.len);
	bytes_fini(&out);
	return err;
}

static int
do_event(struct exchange *x, const struct script_statement *s)
{
	static const char *const names[] = { "id", "event", "retry", "data" };
	struct bytes out = { 0 };
	int err;

	for (unsigned i = 0; i < 4; i++) {
		size_t len;
		const char *value = script_value(s, names[i], &len);

		if (value == NULL)
			continue;
		bytes_addf(&out, "%s: ", names[i]);
		bytes_add(&out, value, len);
		bytes_add(&out, "\n", 1);
	}
	bytes_add(&out, "\n", 1);
	err = send_body(x, out.data, out.len);
	bytes_fini(&out);
	return err;
}

/* A numbered notification; the id is PREFIX and the number, or absent. */
static void
add_numbered(
    struct bytes *out, const char *prefix, size_t prefix_len, unsigned number)
{
	if (prefix != NULL)
		bytes_addf(
		    out, "id: %.*s%u\n", (int)prefix_len, prefix, number);
	bytes_addf(out,
	    "data: {\"jsonrpc\":\"2.0\",\"method\":"
	    "\"notifications/message\",\"params\":{\"n\":%u}}\n\n",
	    number);
}

static int
do_events(struct exchange *x, const struct script_statement *s)
{
	unsigned count = (unsigned)script_number(s->words[0].data);
	int64_t pause_ms = (int64_t)script_number(s->words[1].data);
	size_t len;
	const char *prefix = script_value(s, "id", &len);
	int err = 0;

	for (unsigned i = 1; i <= count && err == 0; i++) {
		struct bytes out = { 0 };

		add_numbered(&out, prefix, len, i);
		err = send_body(x, out.data, out.len);
		bytes_fini(&out);
		if (err == 0 && pause_ms > 0)
			err = wire_watch(x->wire, wire_now_ms() + pause_ms);
	}
	return err;
}

/* The number of the last event that the peer has: PREFIX behind it. */
static unsigned
last_number(const struct exchange *x, const struct bytes *prefix)
{
	size_t len;
	const char *last = NULL;

	if (x->request != NULL)
		last = message_field(x->request, "Last-Event-ID", &len);
	if (last == NULL || len <= prefix->len ||
	    memcmp(last, prefix->data, prefix->len) != 0)
		return 0;
	return (unsigned)strtoul(last + prefix->len, NULL, 10);
}

/* Behind event number `i`: whether, and where, the connection ends. */
static int
break_serial(struct exchange *x, const struct script_statement *s, unsigned i)
{
	static const char *const ways[] = { "cut", "again", "half", "reset" };
	const struct bytes *prefix = &s->words[2];
	struct bytes out = { 0 };
	const char *every = NULL;
	unsigned way;
	size_t len;
	int err = 0;

	for (way = 0; way < 4 && every == NULL; way++)
		every = script_value(s, ways[way], &len);
	if (every == NULL || i % (unsigned)script_number(every) != 0)
		return 0;
	if (way > 2) {
		add_numbered(&out, prefix->data, prefix->len, i + 1);
		err = send_body(x, out.data, out.len / 2);
		bytes_fini(&out);
	}
	close_wire(x, way == 4 ? wire_reset : wire_close);
	return err;
}

static int
do_serial(struct exchange *x, const struct script_statement *s)
{
	unsigned count = (unsigned)script_number(s->words[0].data), i, last;
	int64_t pause_ms = (int64_t)script_number(s->words[1].data);
	const struct bytes *prefix = &s->words[2];
	int err = 0;
	size_t len;

	last = last_number(x, prefix);
	i = script_value(s, "again", &len) != NULL ? 1 : last + 1;
	for (; i <= count && err == 0 && x->state != EXCHANGE_CLOSED; i++) {
		struct bytes out = { 0 };

		add_numbered(&out, prefix->data, prefix->len, i);
		err = send_body(x, out.data, out.len);
		bytes_fini(&out);
		if (err == 0 && pause_ms > 0)
			err = wire_watch(x->wire, wire_now_ms() + pause_ms);
		if (err == 0 && i > last)
			err = break_serial(x, s, i);
	}
	return err;
}

static int
do_fillevent(struct exchange *x, const struct script_statement *s)
{
	struct bytes out = { 0 };
	size_t len, size = (size_t)script_number(s->words[0].data);
	const char *id = script_value(s, "id", &len);
	int err;

	if (id != NULL)
		bytes_addf(&out, "id: %s\n", id);
	bytes_addf(&out, "data: ");
	bytes_fill(&out, 'x', size);
	bytes_addf(&out, "\n\n");
	err = send_body(x, out.data, out.len);
	bytes_fini(&out);
	return err;
}

static int
do_response(struct exchange *x, const struct script_statement *s)
{
	struct bytes out = { 0 };
	size_t len;
	const char *id = script_value(s, "id", &len);
	int err;

	if (id != NULL)
		bytes_addf(&out, "id: %s\n", id);
	bytes_addf(&out,
	    "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}\n\n",
	    s->words[0].data);
	err = send_body(x, out.data, out.len);
	bytes_fini(&out);
	return err;
}

static int
do_comment(struct exchange *x, const struct script_statement *s)
{
	struct bytes out = { 0 };
	int err;

	bytes_addf(&out, ": %s\n\n", s->words[0].data);
	err = send_body(x, out.data, out.len);
	bytes_fini(&out);
	return err;
}

static int
do_text(struct exchange *x, const struct script_statement *s)
{
	return send_body(x, s->words[0].data, s->words[0].len);
}

static int
do_fill(struct exchange *x, const struct script_statement *s)
{
	uint64_t at = 0, size = script_number(s->words[0].data);
	char piece[FILL_PIECE];
	int err = 0;

	while (at < size && err == 0) {
		size_t len = 0;

		while (len < sizeof(piece) && at < size)
			piece[len++] = bytes_pattern(at++);
		err = send_body(x, piece, len);
	}
	return err;
}

static int
do_bytes(struct exchange *x, const struct script_statement *s)
{
	int err = read_body(x, 0, 0);

	return err < 0 ? err : send_raw(x, s->words[0].data, s->words[0].len);
}

static int
do_drip(struct exchange *x, const struct script_statement *s)
{
	x->drip_piece = (size_t)script_number(s->words[0].data);
	x->drip_ms = (int64_t)script_number(s->words[1].data);
	return 0;
}

/* --- time and log -------------------------------------------------------- */

static int
do_wait(struct exchange *x, const struct script_statement *s)
{
	return wire_watch(
	    x->wire, wire_now_ms() + (int64_t)script_number(s->words[0].data));
}

/* Many that wait look less often: together they never keep a core busy. */
static int
do_await(struct exchange *x, const struct script_statement *s)
{
	static atomic_uint waiting;
	char path[4096];
	int err = 0;

	if (x->gate_dir == NULL)
		return wire_watch(x->wire, WIRE_NEVER);
	snprintf(path, sizeof(path), "%s/%s", x->gate_dir, s->words[0].data);
	atomic_fetch_add(&waiting, 1);
	while (err == 0 && access(path, F_OK) < 0)
		err = wire_watch(
		    x->wire, wire_now_ms() + GATE_POLL_MS + waiting / 2);
	atomic_fetch_sub(&waiting, 1);
	return err;
}

static int
do_mark(struct exchange *x, const struct script_statement *s)
{
	diary_mark(x->place, s->words[0].data);
	return 0;
}

static int
do_never(struct exchange *x, const struct script_statement *s)
{
	(void)s;
	return wire_watch(x->wire, WIRE_NEVER);
}

/* --- endings ------------------------------------------------------------- */

static int
do_end(struct exchange *x, const struct script_statement *s)
{
	enum message_framing framing = x->framing;
	int err = read_body(x, 0, 0);

	(void)s;
	x->framing = MESSAGE_EMPTY;
	if (err == 0 && framing == MESSAGE_CHUNKED)
		err = send_raw(x, "0\r\n\r\n", 5);
	if (framing == MESSAGE_CLOSE)
		close_wire(x, wire_close);
	return err;
}

static int
do_close(struct exchange *x, const struct script_statement *s)
{
	int err = do_end(x, s);

	close_wire(x, wire_close);
	return err;
}

static int
do_cut(struct exchange *x, const struct script_statement *s)
{
	(void)s;
	close_wire(x, wire_close);
	diary_mark(x->place, "cut");
	return 0;
}

static int
do_finish(struct exchange *x, const struct script_statement *s)
{
	(void)s;
	wire_finish(x->wire);
	return 0;
}

static int
do_reset(struct exchange *x, const struct script_statement *s)
{
	(void)s;
	close_wire(x, wire_reset);
	return 0;
}

static verb_function *const functions[] = {
#define SCRIPT_FUNCTION(verb, min, max, help) do_##verb,
	SCRIPT_VERBS(SCRIPT_FUNCTION)
#undef SCRIPT_FUNCTION
};

void
exchange_run(struct exchange *x, const struct script *script)
{
	int err = 0;

	for (unsigned i = 0; i < script->count && err == 0; i++) {
		err = functions[script->statements[i].verb](
		    x, &script->statements[i]);
		if (x->state == EXCHANGE_CLOSED)
			return;
	}
	if (err == 0)
		err = do_end(x, NULL);
	if (x->state == EXCHANGE_CLOSED)
		return;
	if (err < 0) {
		diary_closed(x->place.connection, err);
		close_wire(x, wire_close);
		return;
	}
	x->state = EXCHANGE_DONE;
}

void
exchange_fini(struct exchange *x)
{
	bytes_fini(&x->body);
	bytes_fini(&x->fields);
}
