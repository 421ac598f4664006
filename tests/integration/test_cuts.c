/*
 * test_cuts.c - thousands of cuts on both sides, and every client gets
 * exactly the events of its stories: none lost, none twice, none of others.
 *
 * Many sessions, each with callers and one that listens to the session's own
 * stream, before four workers.  Clients cut and come back as the SDKs' do;
 * the teller breaks off, repeats itself, refuses, falls silent; and now and
 * then the network goes down on both sides.
 *
 * Environment: CUTS_SEED (a number; printed, so that a run can be done again)
 * and CUTS_SECONDS (20).
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/ask.h"
#include "tests/integration/teller.h"

#define SESSIONS 10
#define CALLERS 3 /* a session */
#define LENGTH_MAX 60
#define GIVE_UP_MS 40000
#define SLICE_MS 50 /* how soon a network that is down is noticed */

static struct teller teller;
static uint64_t seed;
static atomic_bool stopping;
static atomic_uint network; /* how often it went down */
static atomic_uint cuts, returns, stories, events, errors, abandoned;

/* --- failures: the first one counts -------------------------------------- */

static pthread_mutex_t failure_lock = PTHREAD_MUTEX_INITIALIZER;
static char failure[2000];

static void note_failure(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

static void
note_failure(const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&failure_lock);
	if (failure[0] == '\0') {
		va_start(ap, fmt);
		vsnprintf(failure, sizeof(failure), fmt, ap);
		va_end(ap);
	}
	pthread_mutex_unlock(&failure_lock);
	atomic_store(&stopping, true);
}

/* --- one that listens ---------------------------------------------------- */

struct listener {
	pthread_t thread;
	struct chance chance;
	char session[32];
	bool with_ids;
	bool primes;
	bool is_own; /* it listens to the session's own story */
	unsigned number;
	unsigned attempts;
	/* The story that it hears. */
	char story[64];
	unsigned length;
	unsigned heard; /* the last event */
	unsigned network_then;
	char last_id[128];
	int64_t deadline;
	/*
	 * It came without an id to the session's own story: what reached its
	 * kernel before, unread, is lost to it.
	 */
	bool is_blind;
	/* Its connection, the one before it, and one that only stands there. */
	struct client client;
	struct client before;
	struct wire idle;
	unsigned network;
	size_t budget; /* bytes of the body that it hears before a cut */
};

enum outcome {
	HEARD_ALL,
	HEARD_CUT,   /* come back */
	HEARD_ERROR, /* a JSON-RPC error that may be; the story is over */
	HEARD_WRONG, /* failed */
};

static unsigned
below(struct listener *l, unsigned n)
{
	return chance_below(&l->chance, n);
}

/* A new connection; where it lands depends on the others. */
static bool
connect_anew(struct listener *l)
{
	if (below(l, 3) == 0) {
		wire_close(&l->idle);
		if (wire_connect(
			&l->idle, rig.proxy_port, 0, wire_now_ms() + SOON) != 0)
			l->idle.fd = -1;
	}
	l->network = atomic_load(&network);
	l->is_blind = l->is_own && l->last_id[0] == '\0';
	l->budget = below(l, 5) == 0 ? SIZE_MAX : 1 + below(l, 6000);
	if (client_open(&l->client, rig.proxy_port, SOON) == 0)
		return true;
	note_failure("%s: no connection to the proxy", l->story);
	return false;
}

/* Leave, in one way or the other; now and then the old one stays half open. */
static void
leave(struct listener *l)
{
	atomic_fetch_add(&cuts, 1);
	client_close(&l->before);
	memset(&l->before, 0, sizeof(l->before));
	l->before.wire.fd = -1;
	switch (below(l, 3)) {
	case 0:
		client_close(&l->client);
		break;
	case 1:
		client_reset(&l->client);
		break;
	default:
		l->before = l->client;
		break;
	}
	memset(&l->client, 0, sizeof(l->client));
	l->client.wire.fd = -1;
}

static bool
send_request(struct listener *l, const char *method, const char *body)
{
	struct bytes out = { 0 };
	int err;

	bytes_addf(&out,
	    "%s /mcp HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
	    "Accept: application/json, text/event-stream\r\n"
	    "Mcp-Session-Id: %s\r\nMCP-Protocol-Version: %s\r\n",
	    method, rig.proxy_port, l->session,
	    l->primes ? "2025-11-25" : "2025-06-18");
	if (strcmp(method, "GET") == 0 && l->last_id[0] != '\0')
		bytes_addf(&out, "Last-Event-ID: %s\r\n", l->last_id);
	if (body != NULL)
		bytes_addf(&out,
		    "Content-Type: application/json\r\nContent-Length: %zu\r\n",
		    strlen(body));
	bytes_addf(&out, "\r\n%s", body != NULL ? body : "");
	err = client_send(&l->client, out.data, out.len, SOON);
	bytes_fini(&out);
	return err == 0;
}

/* Whether an upstream connection may have been cut under this story. */
static bool
may_be_lost(const struct listener *l)
{
	bool torn = atomic_load(&network) != l->network_then ||
		    atomic_load(&teller.down);

	return l->with_ids ? l->heard == 0 : torn;
}

/* Whether some events of the session's own story may be missing. */
static bool
may_skip(const struct listener *l)
{
	if (!l->is_own)
		return false;
	/* Without ids a torn network costs what was under way. */
	return l->is_blind || (!l->with_ids && atomic_load(&network) > 0);
}

/* Whether it is a later event of the story; then that one is the last. */
static bool
skips_to(struct listener *l, const struct client_event *e)
{
	const char *at = strstr(e->data.data, l->story);
	unsigned k;

	if (at == NULL || sscanf(at + strlen(l->story), " %u", &k) != 1 ||
	    k <= l->heard)
		return false;
	l->heard = k;
	l->is_blind = false;
	return true;
}

static enum outcome
hear_event(struct listener *l, const struct client_event *e)
{
	struct bytes wanted = { 0 };
	bool right;

	if (e->has_id && e->id.len < sizeof(l->last_id))
		memcpy(l->last_id, e->id.data, e->id.len + 1);
	if (e->is_comment || !e->has_data || e->data.len == 0)
		return HEARD_CUT;
	story_data(&wanted, l->story, l->heard + 1, l->length);
	right = wanted.len == e->data.len &&
		memcmp(wanted.data, e->data.data, wanted.len) == 0;
	bytes_fini(&wanted);
	if (right) {
		l->is_blind = false;
		l->heard++;
		l->deadline = wire_now_ms() + rig_ms(GIVE_UP_MS);
		atomic_fetch_add(&events, 1);
		return l->length != 0 && l->heard == l->length ? HEARD_ALL
							       : HEARD_CUT;
	}
	if (strstr(e->data.data, "\"error\"") != NULL &&
	    strstr(e->data.data, l->story) != NULL && may_be_lost(l)) {
		atomic_fetch_add(&errors, 1);
		return HEARD_ERROR;
	}
	if (may_skip(l) && skips_to(l, e))
		return HEARD_CUT;
	note_failure("%s: after event %u of %u came\n%.300s", l->story,
	    l->heard, l->length, e->raw.data);
	return HEARD_WRONG;
}

/* Hear what is there, until the budget is used up. */
static enum outcome
hear_events(struct listener *l)
{
	struct client_event e;
	enum outcome outcome = HEARD_CUT;

	if (l->client.body.len > l->budget)
		l->client.body.len = l->budget;
	/* No more is read: only whole events that are in the body. */
	while (
	    outcome == HEARD_CUT &&
	    memmem(l->client.body.data + l->client.events_at,
		l->client.body.len - l->client.events_at, "\n\n", 2) != NULL &&
	    client_read_event(&l->client, &e, 0)) {
		outcome = hear_event(l, &e);
		event_fini(&e);
	}
	return outcome;
}

/* Hear the connection to its end, or to where this one cuts. */
static enum outcome
hear(struct listener *l)
{
	enum outcome outcome;
	enum client_end end;

	for (;;) {
		end = client_read_more(&l->client, SLICE_MS);
		if (end == CLIENT_BROKEN) {
			note_failure(
			    "%s: an answer that is not HTTP", l->story);
			return HEARD_WRONG;
		}
		outcome = l->client.body.len > 0 ? hear_events(l) : HEARD_CUT;
		if (outcome != HEARD_CUT)
			return outcome;
		if (end != CLIENT_WAITING && end != CLIENT_TIMED_OUT)
			return HEARD_CUT;
		if (l->client.body.len >= l->budget ||
		    l->network != atomic_load(&network))
			return HEARD_CUT;
		if (atomic_load(&stopping) && l->is_own)
			return HEARD_ALL;
		if (wire_now_ms() > l->deadline) {
			note_failure("%s: nothing after event %u of %u (id %s)",
			    l->story, l->heard, l->length, l->last_id);
			return HEARD_WRONG;
		}
	}
}

/* Read the answer's head: its status, 0 for none. */
static int
read_status(struct listener *l)
{
	enum client_end end =
	    client_read_head(&l->client, false, rig_ms(GIVE_UP_MS));

	if (end == CLIENT_WAITING || end == CLIENT_COMPLETE)
		return l->client.status;
	if (end == CLIENT_BROKEN || end == CLIENT_TIMED_OUT ||
	    l->network == atomic_load(&network))
		note_failure("%s: %s instead of an answer after event %u",
		    l->story, client_end_name(end), l->heard);
	return 0;
}

/* Come back until the story is over. */
static enum outcome
follow(struct listener *l, enum outcome outcome)
{
	int status;

	while (outcome == HEARD_CUT) {
		leave(l);
		if (l->last_id[0] == '\0' && !l->is_own) {
			/* As the SDKs: what has no id is lost. */
			atomic_fetch_add(&abandoned, 1);
			return HEARD_ERROR;
		}
		usleep(below(l, 20) * 1000);
		atomic_fetch_add(&returns, 1);
		if (!connect_anew(l) || !send_request(l, "GET", NULL))
			continue;
		status = read_status(l);
		if (atomic_load(&stopping) && (l->is_own || failure[0] != 0))
			return HEARD_ALL;
		if (status == 200) {
			outcome = hear(l);
		} else if (status != 0 && status != 502 && status != 503 &&
			   status != 504) {
			note_failure(
			    "%s: %d for a return with %s after event %u of "
			    "%u:\n%.300s",
			    l->story, status, l->last_id, l->heard, l->length,
			    l->client.wire.in.len > 0 ? l->client.wire.in.data
						      : "");
			return HEARD_WRONG;
		}
		if (wire_now_ms() > l->deadline) {
			note_failure("%s: no way back to event %u (id %s)",
			    l->story, l->heard, l->last_id);
			return HEARD_WRONG;
		}
	}
	return outcome;
}

static void
begin_story(struct listener *l)
{
	l->heard = 0;
	l->last_id[0] = '\0';
	l->network_then = atomic_load(&network);
	l->deadline = wire_now_ms() + rig_ms(GIVE_UP_MS);
	if (l->is_own) {
		snprintf(l->story, sizeof(l->story), "%s", l->session);
		l->length = 0;
		return;
	}
	snprintf(l->story, sizeof(l->story), "%s.%u.%u", l->session, l->number,
	    ++l->attempts);
	l->length = 1 + below(l, LENGTH_MAX);
}

/* One call, or the session's own stream. */
static void
hear_story(struct listener *l)
{
	enum outcome outcome = HEARD_CUT;
	char body[300];
	int status;

	begin_story(l);
	snprintf(body, sizeof(body),
	    "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"tools/call\","
	    "\"params\":{\"name\":\"tell\",\"arguments\":{\"length\":\"%u\"},"
	    "\"_meta\":{\"progressToken\":\"%s\"}}}",
	    l->story, l->length, l->story);
	if (!connect_anew(l) || !send_request(l, l->is_own ? "GET" : "POST",
				    l->is_own ? NULL : body))
		return;
	status = read_status(l);
	if (status == 502 || status == 503 || status == 504 || status == 0) {
		client_close(&l->client);
		return; /* the network was down */
	}
	if (status != 200) {
		note_failure("%s: %d for a call", l->story, status);
		return;
	}
	outcome = follow(l, hear(l));
	atomic_fetch_add(&stories, outcome == HEARD_ALL);
	client_close(&l->client);
}

static void *
listen_on(void *argument)
{
	struct listener *l = argument;

	while (!atomic_load(&stopping))
		hear_story(l);
	client_close(&l->before);
	wire_close(&l->idle);
	return NULL;
}

/* --- sessions ------------------------------------------------------------ */

static void
begin_session(struct listener *l)
{
	static unsigned count;
	struct client c;
	size_t len;
	const char *id;
	char body[160];

	snprintf(body, sizeof(body),
	    "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"method\":\"initialize\"}");
	teller.with_ids = ++count % 3 != 0;
	ask(&c, "POST", "-", "", body, 200);
	id = message_field(&c.message, "Mcp-Session-Id", &len);
	ck_assert_ptr_nonnull(id);
	snprintf(l->session, sizeof(l->session), "%.*s", (int)len, id);
	l->with_ids = teller.with_ids;
	client_close(&c);
}

static void
end_session(const struct listener *l)
{
	struct client c;
	char field[128];

	snprintf(field, sizeof(field), "Mcp-Session-Id: %s\r\n", l->session);
	ask(&c, "DELETE", "-", field, NULL, 200);
	client_close(&c);
	ask(&c, "POST", "-", field,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}", 404);
	assert_rpc_error(&c, "\"p\"");
	client_close(&c);
}

static struct listener listeners[SESSIONS][CALLERS + 1];

static void
start_listeners(void)
{
	for (unsigned s = 0; s < SESSIONS; s++) {
		for (unsigned n = 0; n <= CALLERS; n++) {
			struct listener *l = &listeners[s][n];

			l->idle.fd = l->client.wire.fd = -1;
			l->before.wire.fd = -1;
			l->number = n;
			l->is_own = n == CALLERS;
			l->primes = (s + n) % 2 == 0;
			if (n == 0) {
				begin_session(l);
			} else {
				memcpy(l->session, listeners[s][0].session,
				    sizeof(l->session));
				l->with_ids = listeners[s][0].with_ids;
			}
			l->chance = chance_of(seed, l->session, n);
			ck_assert_int_eq(
			    pthread_create(&l->thread, NULL, listen_on, l), 0);
		}
	}
}

/* The network goes down, on both sides, and comes back. */
static void
restart_network(struct chance *chance)
{
	atomic_fetch_add(&network, 1);
	teller_restart(&teller);
	usleep((20 + chance_below(chance, 130)) * 1000);
	teller_is_back(&teller);
}

static void
report(int seconds)
{
	printf("seed %" PRIu64 ", %d s: %u client cuts, %u upstream cuts, %u "
	       "times no network; %u stories told in %u events, %u ended with "
	       "an error, %u given up; %u returns, %u resumes (%u refused, %u "
	       "with repeats)\n",
	    seed, seconds, cuts, teller.cuts, network, stories, events, errors,
	    abandoned, returns, teller.resumes, teller.refusals,
	    teller.repeats);
	fflush(stdout);
}

static uint64_t
number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

START_TEST(every_client_hears_its_story)
{
	int seconds = (int)number_from("CUTS_SECONDS", 20);
	int64_t until;
	struct chance chance;

	seed = number_from("CUTS_SEED", (uint64_t)wire_now_ms());
	printf("CUTS_SEED=%" PRIu64 "\n", seed);
	fflush(stdout);
	teller.seed = seed;
	teller.cut_one_in = 15;
	teller.pause_ms = 10;
	teller_start(&teller);
	rig_start_proxy_to(teller.port, "--set", "workers=4", "--set",
	    "reconnect.initial_delay=5ms", "--set", "reconnect.max_delay=60ms",
	    "--set", "reconnect.max_attempts=30", NULL);
	chance = chance_of(seed, "network", 0);
	start_listeners();
	until = wire_now_ms() + (int64_t)seconds * 1000;
	while (!atomic_load(&stopping) && wire_now_ms() < until) {
		usleep((1000 + chance_below(&chance, 2000)) * 1000);
		restart_network(&chance);
	}
	atomic_store(&stopping, true);
	for (unsigned s = 0; s < SESSIONS; s++)
		for (unsigned n = 0; n <= CALLERS; n++)
			pthread_join(listeners[s][n].thread, NULL);
	report(seconds);
	ck_assert_msg(failure[0] == '\0', "%s", failure);
	ck_assert_uint_eq(teller.faults, 0);
	/* No return was left to the upstream. */
	ck_assert_uint_eq(teller.relayed, 0);
	ck_assert_uint_gt(cuts, 0);
	for (unsigned s = 0; s < SESSIONS; s++)
		end_session(&listeners[s][0]);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "cuts");

	tcase_set_timeout(tc, (double)number_from("CUTS_SECONDS", 20) + 150);
	tcase_add_test(tc, every_client_hears_its_story);
}

int
main(void)
{
	return harness_main("cuts", add_cases);
}
