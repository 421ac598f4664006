/*
 * load.c - clients that stream and ask while something is done to the daemon.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/ask.h"
#include "tests/integration/load.h"

#define MEMBERS_MAX 128
#define STACK (256 * 1024)

struct member {
	pthread_t thread;
	unsigned number;
	bool streams;
	atomic_uint had; /* events, or answers */
	char wrong[200]; /* what went wrong first; "" nothing */
};

static struct member members[MEMBERS_MAX];
static unsigned member_count;
static unsigned asked_before; /* requests that the origin has had before */
static atomic_bool is_over;

static void
note(struct member *m, const struct client *c, const char *what)
{
	if (m->wrong[0] == '\0')
		snprintf(m->wrong, sizeof(m->wrong),
		    "client %u, after %u: %s (%s, status %d)", m->number,
		    atomic_load(&m->had), what, client_end_name(c->end),
		    c->status);
}

/* --- a client that streams ------------------------------------------------ */

static bool
begin_stream(struct client *c, unsigned number)
{
	static const char body[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}";

	if (client_sendf(c,
		"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n%s"
		"X-Script: head 200 text/event-stream chunked; "
		"events 1000000 4 id=e\r\nContent-Length: %zu\r\n\r\n%s",
		number % 2 == 0 ? MODERN : "", sizeof(body) - 1, body) != 0)
		return false;
	return client_read_head(c, false, SOON) == CLIENT_WAITING &&
	       c->status == 200;
}

/* The next event must be this one. */
static bool
check_event(const struct client_event *event, unsigned number)
{
	char id[24];

	snprintf(id, sizeof(id), "e%u", number);
	return event->id.len == strlen(id) &&
	       memcmp(event->id.data, id, strlen(id)) == 0;
}

static void
read_stream(struct member *m, struct client *c)
{
	struct client_event event;
	bool right, counts;

	while (!is_over && m->wrong[0] == '\0') {
		if (!client_read_event(c, &event, SOON)) {
			note(m, c, "no event");
			return;
		}
		counts = !event.is_comment && event.data.len > 0;
		right = !counts || check_event(&event, m->had + 1);
		event_fini(&event);
		if (!right)
			note(m, c, "not the next event");
		else if (counts)
			atomic_fetch_add(&m->had, 1);
	}
}

/* --- a client that asks --------------------------------------------------- */

static bool
ask_once(struct client *c, unsigned member, unsigned number)
{
	char body[100];

	snprintf(body, sizeof(body),
	    "{\"jsonrpc\":\"2.0\",\"id\":\"%u.%u\",\"method\":\"ping\"}",
	    member, number);
	if (client_sendf(c,
		"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n"
		"X-Script: echo\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(body), body) != 0)
		return false;
	return client_read_answer(c, SOON) == CLIENT_COMPLETE &&
	       c->status == 200 && c->body.len == strlen(body) &&
	       memcmp(c->body.data, body, strlen(body)) == 0;
}

static void
ask_on(struct member *m, struct client *c)
{
	while (!is_over) {
		if (!ask_once(c, m->number, m->had + 1)) {
			note(m, c, "not its answer");
			return;
		}
		atomic_fetch_add(&m->had, 1);
	}
}

/* --- all of them ---------------------------------------------------------- */

static void *
run_member(void *context)
{
	struct member *m = context;
	struct client c;

	if (client_open(&c, rig.proxy_port, SOON) != 0) {
		snprintf(m->wrong, sizeof(m->wrong), "no connection");
		return NULL;
	}
	if (!m->streams)
		ask_on(m, &c);
	else if (begin_stream(&c, m->number))
		read_stream(m, &c);
	else
		note(m, &c, "no stream");
	client_close(&c);
	return NULL;
}

static void
assert_nothing_wrong(void)
{
	for (unsigned i = 0; i < member_count; i++)
		ck_assert_msg(
		    members[i].wrong[0] == '\0', "%s", members[i].wrong);
}

void
load_wait(unsigned more)
{
	unsigned want[MEMBERS_MAX];

	for (unsigned i = 0; i < member_count; i++)
		want[i] = atomic_load(&members[i].had) + more;
	for (unsigned i = 0; i < member_count; i++)
		wait_for(
		    members[i].had >= want[i] || members[i].wrong[0] != '\0');
	assert_nothing_wrong();
}

void
load_start(unsigned streams, unsigned askers)
{
	pthread_attr_t attributes;

	ck_assert_uint_le(streams + askers, MEMBERS_MAX);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	is_over = false;
	asked_before = origin_log_count(rig.log, "request", NULL);
	member_count = streams + askers;
	for (unsigned i = 0; i < member_count; i++) {
		struct member *m = &members[i];

		memset(m, 0, sizeof(*m));
		m->number = i;
		m->streams = i < streams;
		ck_assert_int_eq(
		    pthread_create(&m->thread, &attributes, run_member, m), 0);
	}
	pthread_attr_destroy(&attributes);
	load_wait(1);
}

void
load_stop(void)
{
	unsigned asked = 0, streams = 0;

	is_over = true;
	for (unsigned i = 0; i < member_count; i++) {
		pthread_join(members[i].thread, NULL);
		streams += members[i].streams;
		asked += members[i].streams ? 0 : members[i].had;
	}
	assert_nothing_wrong();
	/* Each was executed once. */
	rig_assert_requests(asked_before + streams + asked);
}
