/*
 * report.c - what the log says of clients, requests, streams and sessions.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/http_names.h"
#include "worker/client.h"
#include "worker/report.h"
#include "worker/session.h"
#include "worker/stream.h"

static const char *const era_words[] = {
	[ERA_PLAIN] = "plain",
	[ERA_LEGACY] = "legacy",
	[ERA_MODERN] = "modern",
};

/* --- who it is about ----------------------------------------------------- */

static void
put_session(struct log_line *line, const struct session *s)
{
	size_t len = MIN((size_t)s->rec->id_len, (size_t)SESSION_ID_MAX);

	log_line_text(line, "session", s->rec->id, log_id_len(len));
}

static void
put_client(struct log_line *line, const struct client *c)
{
	char address[INET6_ADDRSTRLEN], text[ADDR_TEXT_CAP];

	addr_text(c->rec->address, address);
	addr_format_host(address, c->rec->port, text, sizeof(text));
	log_line_word(line, "client", text);
}

static void
put_stream(struct log_line *line, const struct stream *st)
{
	if (st->session != NULL)
		put_session(line, st->session);
	if (st->client != NULL) {
		put_client(line, st->client);
		log_line_number(line, "request", stream_state(st)->request);
	}
}

/* "stream 83f1", or NULL without an id. */
static const char *
subject_of(uint64_t id, char buf[32])
{
	if (id == 0)
		return NULL;
	(void)snprintf(buf, 32, "stream %" PRIx64, id);
	return buf;
}

void
stream_log(const struct stream *st, enum log_level level, const char *fmt, ...)
{
	struct log_line line;
	char subject[32];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	if (log_vbegin(
		&line, level, subject_of(st->rec->id, subject), fmt, ap)) {
		put_stream(&line, st);
		log_end(&line);
	}
	va_end(ap);
}

void
client_log(const struct client *c, enum log_level level, const char *fmt, ...)
{
	struct log_line line;
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	if (log_vbegin(&line, level, NULL, fmt, ap)) {
		put_client(&line, c);
		log_end(&line);
	}
	va_end(ap);
}

/* --- a request ----------------------------------------------------------- */

static void
put_method(struct log_line *line, uint8_t method, const struct jsonrpc *json)
{
	const char *name = http_method_name(method);
	struct jsonrpc_text rpc = jsonrpc_method_text(json);

	log_line_word(line, "method", name != NULL ? name : "other");
	if (rpc.len > 0)
		log_line_text(line, "rpc", rpc.text, rpc.len);
}

static void
put_times(struct log_line *line, const struct client *c)
{
	const struct stream *st = c->stream;
	uint64_t begun = client_state(c)->begun_us;

	if (begun == 0)
		return; /* not even its head came */
	log_line_number(line, "ms", (worker_now_us(c->w) - begun) / 1000);
	/* Not known where another process had it then. */
	if (st != NULL && st->answered_us >= begun)
		log_line_number(
		    line, "upstream_ms", (st->answered_us - begun) / 1000);
}

static void
put_refusal(struct log_line *line, enum http_fault fault)
{
	log_line_number(line, "status", http_fault_status(fault));
	log_line_word(line, "fault", http_fault_name(fault));
	log_line_word(line, "why", http_fault_text(fault));
}

static void
put_request(struct log_line *line, const struct client *c, uint64_t bytes,
    enum end_reason why)
{
	const struct client_state *cs = client_state(c);
	struct jsonrpc json = client_message(c);
	const struct stream *st = c->stream;

	put_client(line, c);
	log_line_number(line, "request", cs->requests);
	if (st != NULL && st->session != NULL)
		put_session(line, st->session);
	else if (c->session[0] != '\0')
		log_line_word(line, "session", c->session);
	put_method(line, cs->method, &json);
	if (c->path != NULL)
		log_line_word(line, "path", c->path);
	else if (c->is_at_endpoint || (st != NULL && st->rec->era != ERA_PLAIN))
		log_line_word(line, "path", c->w->endpoint);
	if (st != NULL) {
		log_line_word(line, "era", era_words[st->rec->era % 3]);
		log_line_number(line, "status", stream_state(st)->status);
	} else {
		put_refusal(line, cs->refusal);
	}
	log_line_number(line, "bytes", bytes);
	put_times(line, c);
	log_line_word(line, "reason", end_reason_word(why));
}

void
report_request(const struct client *c, uint64_t bytes, enum end_reason why)
{
	const struct stream *st = c->stream;
	bool all = c->w->conf->log_access;
	struct log_line line;
	const char *subject;
	char buf[32];

	if (!log_enabled(LOG_LEVEL_INFO) || (!all && st != NULL))
		return;
	subject = subject_of(st != NULL ? st->rec->id : c->refused_stream, buf);
	/* Where only refusals are told they may be many. */
	if (all ? log_begin(&line, LOG_LEVEL_INFO, subject, "request")
		: log_begin_repeated(&line, LOG_LEVEL_INFO, subject,
		      http_fault_name(client_state(c)->refusal), "request")) {
		put_request(&line, c, bytes, why);
		log_end(&line);
	}
}

/* --- a stream, a session ------------------------------------------------- */

/*
 * Event streams are told of; the end of another answer is the end of its
 * request, and told there.
 */
static enum log_level
level_for(const struct stream *st, enum end_reason why)
{
	if (stream_state(st)->events ||
	    (end_reason_is_fault(why) && !st->w->conf->log_access))
		return LOG_LEVEL_INFO;
	return LOG_LEVEL_DEBUG;
}

void
report_stream(const struct stream *st, enum end_reason why)
{
	const struct stream_state *ss = stream_state(st);
	enum log_level level = level_for(st, why);
	struct jsonrpc request;
	struct log_line line;
	char subject[32];

	/* Asked first: the subject of a line costs more than the rest here. */
	if (!log_enabled(level) ||
	    !log_begin(&line, level, subject_of(st->rec->id, subject), "end"))
		return;
	log_line_word(&line, "reason", end_reason_word(why));
	put_stream(&line, st);
	request = stream_message(st);
	put_method(&line, st->rec->method, &request);
	log_line_word(&line, "era", era_words[st->rec->era % 3]);
	log_line_number(&line, "status", ss->status);
	log_line_number(&line, "body", ss->body_len);
	log_line_number(&line, "ms", clock_ms() - st->rec->begun_ms);
	if (ss->resumes > 0)
		log_line_number(&line, "resumes", ss->resumes);
	log_end(&line);
}

void
report_session(const struct session *s, enum end_reason why)
{
	struct log_line line;

	if (!log_begin(&line, LOG_LEVEL_INFO, NULL, "session end"))
		return;
	log_line_word(&line, "reason", end_reason_word(why));
	put_session(&line, s);
	log_line_number(&line, "ms", clock_ms() - s->rec->begun_ms);
	log_end(&line);
}
