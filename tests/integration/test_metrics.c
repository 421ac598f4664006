/*
 * test_metrics.c - metrics and health, from outside: traffic of a known count
 * and the numbers that must come of it, also where workers die; and those who
 * ask for them badly.
 */
#include "config.h"

#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/integration/legacy_rig.h"
#include "tests/unit/exposition.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define SERVED "serving metrics on 127.0.0.1:"
#define METRICS "--set", "metrics.address=0"

/* --- asking ----------------------------------------------------------------
 */

/* The port of the newest line that says where metrics are served. */
static uint16_t
metrics_port(void)
{
	struct bytes all;
	const char *at;
	uint16_t port = 0;

	wait_for(file_has(rig.proxy.err, SERVED));
	file_read(rig.proxy.err, &all);
	for (at = all.data; (at = strstr(at, SERVED)) != NULL;) {
		at += strlen(SERVED);
		port = (uint16_t)atoi(at);
	}
	bytes_fini(&all);
	return port;
}

/* Send a request as it stands; the whole answer must have this status. */
static void
fetch(struct client *c, const char *request, int status)
{
	ck_assert_int_eq(client_open(c, metrics_port(), SOON), 0);
	ck_assert_int_eq(client_send(c, request, strlen(request), SOON), 0);
	(void)client_read_answer(c, SOON);
	assert_end(c, CLIENT_COMPLETE);
	ck_assert_int_eq(c->status, status);
}

static int
status_of(const char *path)
{
	char request[100];
	struct client c;
	int status;

	snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", path);
	ck_assert_int_eq(client_open(&c, metrics_port(), SOON), 0);
	ck_assert_int_eq(client_send(&c, request, strlen(request), SOON), 0);
	(void)client_read_answer(&c, SOON);
	status = c.status;
	client_close(&c);
	return status;
}

/* All metrics, which must be well-formed; the caller frees them. */
static char *
scrape(void)
{
	struct client c;
	const char *why;
	char *text;

	fetch(&c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 200);
	text = strdup(c.body.data);
	client_close(&c);
	why = exposition_check(text);
	ck_assert_msg(why == NULL, "%s", why);
	return text;
}

static double
value(const char *sample)
{
	char name[200], *text = scrape();
	double number;

	snprintf(name, sizeof(name), "shadowcat_%s", sample);
	number = exposition_value(text, name);
	free(text);
	return number;
}

/* What is counted behind the client's back comes a moment later. */
#define expect(sample, number)                                                 \
	do {                                                                   \
		wait_for(value(sample) >= (number));                           \
		ck_assert_double_eq(value(sample), number);                    \
	} while (0)

/* A request that is answered with this status. */
static void
request(const char *method, const char *path, int status)
{
	char script[100];
	struct client c;

	snprintf(script, sizeof(script), "answer %d text/plain ok", status);
	ask_open(&c);
	ask_send_to(&c, method, path, script, "",
	    strcmp(method, "POST") == 0 ? CALL : NULL);
	ask_answer(&c, status);
	client_close(&c);
}

/* --- numbers -----------------------------------------------------------------
 */

START_TEST(requests_are_counted_by_method_and_status)
{
	struct client c;

	rig_start(METRICS, NULL);
	for (int i = 0; i < 3; i++)
		request("POST", "/mcp", 200);
	request("POST", "/mcp", 500);
	request("GET", "/other", 404);
	request("DELETE", "/other", 200);
	request("PUT", "/other", 302);
	ask_open(&c);
	client_sendf(&c, "GET /mcp HTTP/1.1\r\nHost: evil.example\r\n\r\n");
	ask_answer(&c, 403);
	client_close(&c);
	ask_open(&c);
	client_sendf(&c, "garbage\r\n\r\n");
	ask_answer(&c, 400);
	client_close(&c);
	expect("requests_total{method=\"POST\",status=\"2xx\"}", 3);
	expect("requests_total{method=\"POST\",status=\"5xx\"}", 1);
	expect("requests_total{method=\"GET\",status=\"4xx\"}", 2);
	expect("requests_total{method=\"DELETE\",status=\"2xx\"}", 1);
	expect("requests_total{method=\"other\",status=\"3xx\"}", 1);
	expect("requests_total{method=\"other\",status=\"4xx\"}", 1);
	expect("requests_refused_total{reason=\"FOREIGN_HOST\"}", 1);
	expect("requests_begun_total", 8);
	expect("request_seconds_count", 9);
	expect("request_first_byte_seconds_count", 7);
	expect("streams_ended_total{reason=\"ANSWERED\"}", 7);
	expect("client_connections_total", 9);
	expect("client_connections_closed_total", 9);
	wait_for(value("client_connections") == 0);
	ck_assert_double_eq(
	    value("upstream_connects_total") + value("upstream_reuses_total"),
	    7);
	expect(
	    "upstream_connect_seconds_count", value("upstream_connects_total"));
}
END_TEST

START_TEST(bytes_are_counted_on_both_sides)
{
	static const char get[] = "GET /x HTTP/1.1\r\nHost: localhost\r\n"
				  "X-Script: head 200 text/plain chunked; "
				  "fill 100KiB\r\n\r\n";
	struct client c;

	rig_start(METRICS, NULL);
	ask_open(&c);
	ck_assert_int_eq(client_send(&c, get, strlen(get), SOON), 0);
	ask_answer(&c, 200);
	ck_assert_uint_eq(c.body.len, 100 * 1024);
	client_close(&c);
	expect("client_received_bytes_total", (double)strlen(get));
	wait_for(value("client_sent_bytes_total") > 100. * 1024);
	ck_assert_double_gt(value("upstream_received_bytes_total"), 100 * 1024);
	ck_assert_double_gt(value("upstream_sent_bytes_total"), strlen(get));
	ck_assert_double_lt(value("client_sent_bytes_total"), 110 * 1024);
}
END_TEST

START_TEST(who_leaves_before_an_answer_is_counted)
{
	struct client c;

	rig_start(METRICS, NULL);
	ask_open(&c);
	ask_send(&c, "POST", "never", MODERN, CALL);
	wait_for(value("streams{state=\"waiting\",era=\"modern\"}") == 1);
	client_close(&c);
	expect("requests_total{method=\"POST\",status=\"none\"}", 1);
	expect("streams_ended_total{reason=\"CLIENT_LEFT\"}", 1);
	ck_assert_double_eq(value("request_seconds_count"), 0);
}
END_TEST

START_TEST(failures_of_the_upstream_are_counted)
{
	struct client c;

	rig_start_proxy_to(rig_closed_port(), METRICS, NULL);
	ask(&c, "POST", "never", "", CALL, 502);
	client_close(&c);
	expect("upstream_failures_total{reason=\"refused\"}", 1);
	expect("requests_refused_total{reason=\"UPSTREAM_UNREACHED\"}", 1);
	expect("streams_ended_total{reason=\"UPSTREAM_UNREACHED\"}", 1);
	expect("requests_total{method=\"POST\",status=\"5xx\"}", 1);
}
END_TEST

static const struct {
	const char *script;
	const char *timeout;
	const char *reason;
} breakages[] = {
	{ "body; cut", "1h", "lost" },
	{ "body; bytes \"nonsense\\r\\n\\r\\n\"", "1h", "garbled" },
	{ "never", "300ms", "silent" },
};

START_TEST(broken_answers_are_counted)
{
	char sample[100], set[100];
	struct client c;

	snprintf(set, sizeof(set), "upstream.response_timeout=%s",
	    breakages[_i].timeout);
	rig_start(METRICS, "--set", set, NULL);
	ask_open(&c);
	ask_send(&c, "POST", breakages[_i].script, "", CALL);
	(void)client_read_answer(&c, SOON);
	ck_assert_int_ge(c.status, 502);
	client_close(&c);
	snprintf(sample, sizeof(sample),
	    "upstream_failures_total{reason=\"%s\"}", breakages[_i].reason);
	expect(sample, 1);
}
END_TEST

/* Comments, an id alone, and what no blank line ends, are none. */
START_TEST(events_of_modern_streams_are_counted)
{
	struct client c;

	rig_start(METRICS, NULL);
	ask_stream(&c, "POST",
	    STREAM "comment hello; event id=a data=one; text \"id: b\\r\\n\"; "
		   "text \"\\r\\n\"; text \"da\"; text \"ta: two\\r\\n\"; "
		   "text \"\\r\\n\"; events 10 0; response 1; "
		   "text \"data: not whole\"",
	    MODERN EVENTS, 200);
	ck_assert_int_eq(client_read_rest(&c, SOON), CLIENT_COMPLETE);
	client_close(&c);
	expect("events_total", 13);
}
END_TEST

START_TEST(a_resume_and_its_duplicates_are_counted)
{
	struct client c;

	rig_start(METRICS, "--set", "reconnect.initial_delay=5ms", NULL);
	rig_prepare("resume",
	    STREAM "event id=b data=two; event id=c data=three; "
		   "response 1 id=d");
	legacy_begin("s1", "");
	legacy_call(&c, "1",
	    STREAM "event id=a data=one; event id=b data=two; cut", MINE);
	assert_event(&c, "a", "one");
	assert_event(&c, "b", "two");
	assert_event(&c, "c", "three");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
	expect("events_total", 4);
	expect("events_duplicate_total", 1);
	expect("upstream_resumes_total", 1);
	expect("upstream_resume_attempts_total", 1);
	expect("upstream_failures_total{reason=\"lost\"}", 1);
	expect("requests_total{method=\"POST\",status=\"2xx\"}", 2);
	expect("sessions_begun_total", 1);
	ck_assert_double_eq(value("sessions"), 1);
	ck_assert_double_eq(value("stream_replays_total"), 0);
}
END_TEST

START_TEST(a_replay_and_a_gap_are_counted)
{
	struct client c;

	rig_start(METRICS, NULL);
	legacy_begin("s1", "");
	legacy_call(&c, "1",
	    STREAM "event id=a data=one; await go; event id=b data=two; "
		   "response 1 id=c",
	    MINE);
	assert_event(&c, "a", "one");
	client_close(&c);
	expect("stream_detaches_total", 1);
	ck_assert_double_eq(value("streams_detached"), 1);
	legacy_return(&c, MINE, "a", "never", 200);
	rig_open_gate("go");
	assert_event(&c, "b", "two");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
	legacy_return(&c, MINE, "sc1.AAAAAAAAAAAAAAAAAAAAAA.1", "never", 400);
	client_close(&c);
	expect("stream_replays_total", 1);
	expect("stream_gaps_total", 1);
	expect("events_total", 3);
	/* One of them left in the middle of its answer. */
	expect("requests_total{method=\"POST\",status=\"2xx\"}", 2);
	expect("requests_total{method=\"GET\",status=\"2xx\"}", 1);
	expect("requests_total{method=\"GET\",status=\"4xx\"}", 1);
	/* An event stream of a GET has no length to wait for. */
	expect("request_seconds_count", 2);
}
END_TEST

START_TEST(an_expiry_is_counted)
{
	rig_start(METRICS, "--set", "session.idle_timeout=200ms", NULL);
	legacy_begin("s1", "");
	expect("session_expiries_total", 1);
	expect("sessions_begun_total", 1);
	expect("sessions_ended_total", 1);
	wait_for(value("sessions") == 0);
}
END_TEST

/* --- deaths ------------------------------------------------------------------
 */

/* Nothing that is counted in one page is less in a later one. */
static void
assert_grown(const char *before, const char *after)
{
	char line[300], *blank;

	for (; *before != '\0'; before = strchr(before, '\n') + 1) {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(before, "\n"),
		    before);
		blank = strrchr(line, ' ');
		if (line[0] == '#' || (strstr(line, "_total") == NULL &&
					  strstr(line, "_bucket") == NULL &&
					  strstr(line, "_count") == NULL))
			continue;
		*blank = '\0';
		ck_assert_msg(
		    exposition_value(after, line) >= strtod(blank + 1, NULL),
		    "%s was %s", line, blank + 1);
	}
}

static void
kill_worker(void)
{
	pid_t before[1], now[1];

	wait_for(rig_workers(before, 1) == 1);
	ck_assert_int_eq(kill(before[0], SIGKILL), 0);
	wait_for(rig_workers(now, 1) == 1 && now[0] != before[0]);
}

START_TEST(no_death_loses_a_count)
{
	char *before, *after;
	struct client c;

	rig_start(METRICS, NULL);
	request("POST", "/mcp", 200);
	legacy_begin("s1", "");
	legacy_call(&c, "1",
	    STREAM "event id=a data=one; await go; event id=b data=two; "
		   "response 1 id=c",
	    MINE);
	assert_event(&c, "a", "one");
	before = scrape();
	kill_worker();
	expect("worker_deaths_total{kind=\"killed\"}", 1);
	expect("adoptions_total", 1);
	expect("adopted_connections_total", 1);
	expect("adoption_pause_seconds_count", 1);
	process_signal(&rig.proxy, SIGHUP);
	expect("worker_deaths_total{kind=\"recycle\"}", 1);
	expect("reloads_total", 1);
	expect("adoptions_total", 2);
	process_signal(&rig.proxy, SIGUSR2);
	wait_for(file_has(rig.proxy.err, "upgrade: done"));
	expect("upgrades_total", 1);
	expect("worker_deaths_total{kind=\"killed\"}", 1);
	after = scrape();
	assert_grown(before, after);
	free(before);
	free(after);
	rig_open_gate("go");
	assert_event(&c, "b", "two");
	assert_response(&c, "1");
	assert_stream_ends(&c);
	client_close(&c);
	expect("requests_total{method=\"POST\",status=\"2xx\"}", 3);
	expect("events_total", 3);
	expect("request_seconds_count", 3);
	expect("adopted_damaged_total", 0);
}
END_TEST

/* --- health ------------------------------------------------------------------
 */

START_TEST(the_supervisor_answers_for_workers_that_hang)
{
	pid_t worker[1];

	rig_start(METRICS, NULL);
	wait_for(rig_workers(worker, 1) == 1);
	ck_assert_int_eq(kill(worker[0], SIGSTOP), 0);
	ck_assert_int_eq(status_of("/healthz"), 200);
	ck_assert_double_eq(value("workers"), 1);
	ck_assert_int_eq(kill(worker[0], SIGCONT), 0);
}
END_TEST

START_TEST(who_drains_is_healthy_and_not_ready)
{
	struct client c;

	rig_start(METRICS, NULL);
	ck_assert_int_eq(status_of("/readyz"), 200);
	ask_stream(&c, "POST", STREAM "event data=one; await go", MODERN, 200);
	process_signal(&rig.proxy, SIGTERM);
	wait_for(status_of("/readyz") == 503);
	ck_assert_int_eq(status_of("/healthz"), 200);
	rig_open_gate("go");
	ck_assert_int_eq(process_wait(&rig.proxy, SOON), 0);
	client_close(&c);
	rig_forget_proxy();
}
END_TEST

/* --- those who ask badly
 * ------------------------------------------------------ */

static const struct {
	const char *request;
	int status;
} odd_requests[] = {
	{ "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 200 },
	{ "GET /healthz HTTP/1.0\r\n\r\n", 200 },
	{ "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403 },
	{ "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 404 },
	{ "POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405 },
	{ "GET /metrics HTTP/9.9\r\n\r\n", 505 },
	{ "\x16\x03\x01\r\n\r\n", 400 },
};

START_TEST(odd_requests_get_a_status)
{
	struct client c;

	rig_start(METRICS, NULL);
	fetch(&c, odd_requests[_i].request, odd_requests[_i].status);
	assert_field(&c, "Connection", "close");
	client_close(&c);
}
END_TEST

START_TEST(a_head_request_gets_a_head)
{
	static const char head[] = "HEAD /metrics HTTP/1.1\r\n\r\n";
	struct client c;

	rig_start(METRICS, NULL);
	ck_assert_int_eq(client_open(&c, metrics_port(), SOON), 0);
	ck_assert_int_eq(client_send(&c, head, strlen(head), SOON), 0);
	(void)client_read_head(&c, true, SOON);
	ck_assert_int_eq(c.status, 200);
	assert_field(
	    &c, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	ck_assert_int_eq(client_wait_closed(&c, SOON), 0);
	client_close(&c);
}
END_TEST

START_TEST(more_than_it_reads_is_refused)
{
	static char much[100000];
	struct client c;

	rig_start(METRICS, NULL);
	memset(much, 'a', sizeof(much) - 1);
	ck_assert_int_eq(client_open(&c, metrics_port(), SOON), 0);
	/* It may close before it has all. */
	(void)client_send(&c, much, strlen(much), SOON);
	(void)client_read_answer(&c, SOON);
	ck_assert_int_eq(c.status, 431);
	client_close(&c);
	ck_assert_int_eq(status_of("/healthz"), 200);
}
END_TEST

#define MANY 100
#define PLACES 12 /* connections that it has at a time */
#define PATIENCE_MS 100

START_TEST(silent_clients_keep_nobody_out)
{
	static struct client silent[MANY];

	rig_start(METRICS, NULL);
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(
		    client_open(&silent[i], metrics_port(), SOON), 0);
		if (i % 2 == 0)
			ck_assert_int_eq(
			    client_send(&silent[i], "G", 1, SOON), 0);
	}
	ck_assert_int_eq(status_of("/healthz"), 200);
	ck_assert_double_ge(value("descriptors_used"), 2);
	request("POST", "/mcp", 200);
	for (int i = 0; i < MANY; i++)
		client_close(&silent[i]);
	ck_assert_int_eq(status_of("/readyz"), 200);
}
END_TEST

/* All places are taken by silent ones, who speak before it has time to look. */
START_TEST(who_has_asked_is_not_pushed_out)
{
	static struct client c[PLACES + 1];
	int before, status;
	int64_t then;

	rig_start(METRICS, NULL);
	before = proc_count_fds(rig.proxy.pid);
	for (int i = 0; i < PLACES; i++)
		ck_assert_int_eq(client_open(&c[i], metrics_port(), SOON), 0);
	wait_for(proc_count_fds(rig.proxy.pid) == before + PLACES);
	process_signal(&rig.proxy, SIGSTOP);
	ck_assert_int_eq(
	    waitpid(rig.proxy.pid, &status, WUNTRACED), rig.proxy.pid);
	/* One more comes last, and is seen first. */
	for (int i = 0; i <= PLACES; i++) {
		if (i == PLACES)
			ck_assert_int_eq(
			    client_open(&c[i], metrics_port(), SOON), 0);
		ck_assert_int_eq(
		    client_sendf(&c[i], "GET /metrics HTTP/1.1\r\n\r\n"), 0);
	}
	then = wire_now_ms() + 2 * PATIENCE_MS;
	wait_for(wire_now_ms() > then);
	process_signal(&rig.proxy, SIGCONT);
	for (int i = 0; i <= PLACES; i++) {
		(void)client_read_answer(&c[i], SOON);
		ck_assert_int_eq(c[i].status, 200);
		client_close(&c[i]);
	}
}
END_TEST

/* It may come late, and never early. */
START_TEST(who_takes_too_long_is_let_go)
{
	int64_t begun = wire_now_ms();
	struct client c;

	rig_start(METRICS, NULL);
	ck_assert_int_eq(client_open(&c, metrics_port(), SOON), 0);
	ck_assert_int_eq(client_send(&c, "GET /", 5, SOON), 0);
	ck_assert_int_eq(status_of("/healthz"), 200);
	ck_assert_int_eq(client_wait_closed(&c, rig_ms(60000)), 0);
	ck_assert_int_ge(wire_now_ms() - begun, 9900);
	client_close(&c);
}
END_TEST

START_TEST(many_who_ask_at_once_are_all_answered)
{
	static struct client c[MANY];

	rig_start(METRICS, NULL);
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(client_open(&c[i], metrics_port(), SOON), 0);
		ck_assert_int_eq(
		    client_sendf(&c[i], "GET /metrics HTTP/1.1\r\n\r\n"), 0);
	}
	for (int i = 0; i < MANY; i++) {
		(void)client_read_answer(&c[i], SOON);
		ck_assert_int_eq(c[i].status, 200);
		ck_assert_ptr_null(exposition_check(c[i].body.data));
		client_close(&c[i]);
	}
}
END_TEST

/* --- addresses
 * ---------------------------------------------------------------- */

static char conf_path[400];

static void
write_conf(const char *more)
{
	FILE *f = fopen(conf_path, "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f,
	    "listen { address = \"127.0.0.1:0\" }\n"
	    "upstream { url = \"http://127.0.0.1:%u/mcp\" }\n%s",
	    rig.origin_port, more);
	ck_assert_int_eq(fclose(f), 0);
}

static void
reload_to(const char *more, const char *line)
{
	unsigned before = file_count(rig.proxy.err, line);

	write_conf(more);
	process_signal(&rig.proxy, SIGHUP);
	wait_for(file_count(rig.proxy.err, line) > before);
}

START_TEST(addresses_change_at_a_reload)
{
	struct client c;
	char busy[100];
	uint16_t port, first;

	snprintf(conf_path, sizeof(conf_path), "%s/conf", rig.dir);
	rig_start_origin(NULL);
	write_conf("metrics { address = \"0\" }\n");
	rig_run(&rig.proxy, "shadowcat", "-c", conf_path, "--control",
	    rig.control, "--pidfile", rig.pidfile, NULL);
	wait_for(file_has(rig.proxy.err, SERVED));
	first = metrics_port();
	/* One that is taken is refused as a whole, and nothing changes. */
	ck_assert_int_ge(wire_listen("127.0.0.1", 0, 1, &port), 0);
	snprintf(busy, sizeof(busy), "metrics { address = \":%u\" }\n", port);
	reload_to(busy, "the old configuration stays in force");
	ck_assert_double_eq(value("reload_failures_total"), 1);
	ck_assert_double_eq(value("reload_last_successful"), 0);
	reload_to("metrics { address = \"0\" }\nworkers = 2\n",
	    "the new configuration is in force");
	ck_assert_uint_eq(metrics_port(), first);
	ck_assert_double_eq(value("reload_last_successful"), 1);
	ck_assert_double_eq(value("workers_wanted"), 2);
	reload_to("", "no longer serving metrics on 127.0.0.1:");
	ck_assert_int_ne(client_open(&c, first, SOON), 0);
	client_close(&c);
	reload_to(
	    "metrics { address = { \":0\", \"127.0.0.1:0\" } }\n", SERVED);
	/* The first, its end, and these two. */
	wait_for(file_count(rig.proxy.err, SERVED) == 4);
	ck_assert_int_eq(status_of("/readyz"), 200);
}
END_TEST

/* --- who uses them -----------------------------------------------------------
 */

/* A file of the sources, in which this one is tests/integration/... */
static void
source_path(const char *name, char *ret, size_t cap)
{
	const char *here = strstr(__FILE__, "tests/integration/");

	snprintf(ret, cap, "%.*s%s", (int)(here - __FILE__), __FILE__, name);
}

static bool
is_in_name(char c)
{
	return c == '_' || (c >= 'a' && c <= 'z');
}

/* The metric that begins at `at` is on the page, perhaps with other words. */
static void
assert_on_page(const char *at, const char *page)
{
	static const char *const parts[] = { "", "_bucket", "_sum", "_count" };
	char line[200];
	size_t len = 0, part;

	while (is_in_name(at[len]))
		len++;
	for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
		part = strlen(parts[i]);
		if (len < part || strncmp(at + len - part, parts[i], part) != 0)
			continue;
		snprintf(line, sizeof(line), "# TYPE %.*s %s",
		    (int)(len - part), at, part > 0 ? "histogram" : "");
		if (strstr(page, line) != NULL)
			return;
	}
	ck_abort_msg("there is no %.*s", (int)len, at);
}

/* How many names of metrics stand in the file; all of them are real. */
static unsigned
check_names(const char *name, const char *page)
{
	char path[1024];
	struct bytes text;
	const char *at;
	unsigned count = 0;

	source_path(name, path, sizeof(path));
	file_read(path, &text);
	for (at = text.data; (at = strstr(at, "shadowcat_")) != NULL; at++) {
		assert_on_page(at, page);
		count++;
	}
	bytes_fini(&text);
	return count;
}

START_TEST(dashboard_and_rules_name_what_there_is)
{
	char path[1024], *page;
	json_error_t error;
	json_t *dashboard;

	rig_start(METRICS, NULL);
	page = scrape();
	ck_assert_uint_gt(
	    check_names("contrib/grafana/shadowcat.json", page), 50);
	ck_assert_uint_gt(
	    check_names("contrib/prometheus/shadowcat.rules.yml", page), 10);
	free(page);
	source_path("contrib/grafana/shadowcat.json", path, sizeof(path));
	dashboard = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(dashboard != NULL, "line %d: %s", error.line, error.text);
	ck_assert(json_is_array(json_object_get(dashboard, "panels")));
	json_decref(dashboard);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *tc = harness_case(suite, "numbers");

	tcase_add_test(tc, requests_are_counted_by_method_and_status);
	tcase_add_test(tc, bytes_are_counted_on_both_sides);
	tcase_add_test(tc, who_leaves_before_an_answer_is_counted);
	tcase_add_test(tc, failures_of_the_upstream_are_counted);
	tcase_add_loop_test(
	    tc, broken_answers_are_counted, 0, ARRAY_LEN(breakages));
	tcase_add_test(tc, events_of_modern_streams_are_counted);
	tcase_add_test(tc, a_resume_and_its_duplicates_are_counted);
	tcase_add_test(tc, a_replay_and_a_gap_are_counted);
	tcase_add_test(tc, an_expiry_is_counted);
	tcase_add_test(tc, no_death_loses_a_count);
	tc = harness_case(suite, "health");
	tcase_add_test(tc, the_supervisor_answers_for_workers_that_hang);
	tcase_add_test(tc, who_drains_is_healthy_and_not_ready);
	tc = harness_case(suite, "listener");
	tcase_add_loop_test(
	    tc, odd_requests_get_a_status, 0, ARRAY_LEN(odd_requests));
	tcase_add_test(tc, a_head_request_gets_a_head);
	tcase_add_test(tc, more_than_it_reads_is_refused);
	tcase_add_test(tc, silent_clients_keep_nobody_out);
	tcase_add_test(tc, who_has_asked_is_not_pushed_out);
	tcase_add_test(tc, who_takes_too_long_is_let_go);
	tcase_add_test(tc, many_who_ask_at_once_are_all_answered);
	tcase_add_test(tc, addresses_change_at_a_reload);
	tc = harness_case(suite, "users");
	tcase_add_test(tc, dashboard_and_rules_name_what_there_is);
}

int
main(void)
{
	return harness_main("metrics", add_cases);
}
