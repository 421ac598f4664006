/*
 * load.c - the client of the measurements: requests one after the other on
 * each of many connections, answered by JSON or by events, each of which is
 * checked: its number, its length, its end.
 *
 *	bench-load --port N [--connections N] [--requests N] [--events N]
 *	    [--size N] [--interval US] [--legacy] [--reconnect] [--hold]
 *	    [--watch PID,PID,...] [--seconds N] [--ids FIRST]
 *
 * The figures are those of a window, which opens when each connection has
 * received something and closes when the first has nothing left to do (where
 * each has one request for events as fast as they come: the last); the
 * processor time in it is that of the processes to be watched.  Prints one
 * line of name=value.  --hold says "ready" when the window opens and ends
 * with standard input.  --seconds lets no request begin later.  --ids numbers
 * them from there on, so that the origin counts how often each was executed,
 * and each JSON answer must have its number.  Exit code 1: something was lost,
 * doubled or wrong.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load_net.h"
#include "bench/load_reader.h"
#include "bench/load_times.h"

#define USAGE                                                                  \
	"usage: bench-load --port N [--connections N] [--requests N]\n"        \
	"    [--events N] [--size N] [--interval US] [--legacy]\n"             \
	"    [--reconnect] [--hold] [--watch PID,PID,...]\n"                   \
	"    [--seconds N] [--ids FIRST]\n"

#define EVENTS_MAX 256
#define READ_CAP 131072
/* No measurement takes longer than it is to, and this. */
#define DEADLINE_NS (60 * 1000000000ull)

struct conn {
	int fd;
	uint32_t number;
	uint32_t left; /* requests, beside the one under way */
	bool is_asking;
	bool has_answer; /* a byte of one came, ever */
	uint64_t asked_ns;
	struct load_reader reader;
};

static struct {
	uint16_t port;
	uint32_t connections, requests, events, size, interval;
	uint32_t seconds; /* no new request after so many; 0: no limit */
	uint32_t ids;     /* the first request's number; 0: they have none */
	bool legacy, reconnect, hold;
	const char *watch;
} opt = { .connections = 1, .requests = 1, .size = 256 };

static int epoll_fd;
static struct conn *conns;
static uint32_t waiting; /* connections without a byte so far */
static uint32_t asking;  /* connections with something to do */
static uint64_t bad;
static uint64_t last_ns = UINT64_MAX; /* no request begins later */
static uint64_t requests_done, events_done;
static struct load_times times;
static struct window {
	bool is_open, is_closed;
	uint64_t ns, cpu_ns, requests, events;
} begin, end;
static char buf[READ_CAP];

/* --- the window --------------------------------------------------------- */

static void
note(struct window *w)
{
	w->ns = load_now_ns();
	w->cpu_ns = load_cpu_ns(opt.watch);
	w->requests = requests_done;
	w->events = events_done;
	w->is_open = true;
}

static void
open_window(void)
{
	note(&begin);
	load_times_clear(&times);
	if (opt.hold) {
		printf("ready\n");
		fflush(stdout);
	}
}

/*
 * A connection has nothing left to do.  Streams that hurry are never equally
 * fast: their window ends with the last one.
 */
static void
close_window(void)
{
	bool hurried = opt.requests == 1 && opt.interval == 0;

	if (begin.is_open && !end.is_open && (!hurried || asking == 0))
		note(&end);
}

static void
note_time(uint64_t ns)
{
	if (begin.is_open && !end.is_open)
		load_times_add(&times, ns);
}

/* --- a connection ------------------------------------------------------- */

static void
complain(struct conn *c, const char *what)
{
	if (bad++ < 10)
		fprintf(stderr, "connection %u: %s (event %u)\n", c->number,
		    what, c->reader.seq);
}

static void
open_conn(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	c->fd = load_connect(opt.port);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		load_die("epoll_ctl");
}

static void
give_up(struct conn *c, const char *what)
{
	complain(c, what);
	close(c->fd);
	c->fd = -1;
	if (!c->has_answer && --waiting == 0)
		open_window();
	if (c->is_asking)
		asking--;
	c->is_asking = false;
	close_window();
}

/* The next number, as a field of the request and as the answer has it. */
static void
number_request(char field[64], char answer[64])
{
	*field = *answer = '\0';
	if (opt.ids == 0)
		return;
	(void)snprintf(field, 64, "X-Id: %u\r\n", opt.ids);
	(void)snprintf(answer, 64, LOAD_JSON, opt.ids);
	opt.ids++;
}

static void
ask(struct conn *c)
{
	static const char body[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
	    "\"params\":{\"name\":\"load\",\"arguments\":{\"a\":1,\"b\":2}}}";
	char text[1024], session[64] = "", id[64], answer[64];
	int len;

	number_request(id, answer);
	if (opt.legacy)
		(void)snprintf(session, sizeof(session),
		    "Mcp-Session-Id: load-%d-%u\r\n", getpid(), c->number);
	len = snprintf(text, sizeof(text),
	    "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
	    "Content-Type: application/json\r\n"
	    "Accept: application/json, text/event-stream\r\n"
	    "MCP-Protocol-Version: %s\r\n%s%s"
	    "X-Load: %u %u %u\r\nContent-Length: %zu\r\n\r\n%s",
	    opt.port, opt.legacy ? "2025-06-18" : "2026-07-28", session, id,
	    opt.events, opt.size, opt.interval, strlen(body), body);
	load_reader_begin(&c->reader, opt.events, opt.size, answer);
	c->asked_ns = load_now_ns();
	if (send(c->fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		give_up(c, "the request could not be sent");
}

/* Connected: the first request. */
static void
begin_conn(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLOUT, .data.ptr = c };

	open_conn(c);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) != 0)
		load_die("epoll_ctl");
}

static void
answered(struct conn *c)
{
	requests_done++;
	if (opt.events == 0)
		note_time(load_now_ns() - c->asked_ns);
	if (c->left == 0 || load_now_ns() > last_ns) {
		c->is_asking = false;
		asking--;
		close_window();
		return;
	}
	c->left--;
	if (!opt.reconnect) {
		ask(c);
		return;
	}
	close(c->fd);
	begin_conn(c);
}

static void
on_load_event(void *context, uint64_t at)
{
	struct conn *c = context;

	(void)c;
	events_done++;
	note_time(load_now_ns() - at);
}

static void
read_answer(struct conn *c)
{
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);
	const char *why;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		give_up(c, n == 0 ? "closed" : strerror(errno));
		return;
	}
	if (!c->has_answer) {
		c->has_answer = true;
		if (--waiting == 0)
			open_window();
	}
	why = load_reader_feed(&c->reader, buf, (size_t)n, on_load_event, c);
	if (why != NULL)
		give_up(c, why);
	else if (c->reader.state == LOAD_DONE)
		answered(c);
}

static void
on_event(struct conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	if (c->fd < 0)
		return;
	if (events & EPOLLOUT) {
		if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) != 0)
			load_die("epoll_ctl");
		ask(c);
	} else if (c->is_asking) {
		read_answer(c);
	} else {
		close(c->fd);
		c->fd = -1;
	}
}

/* --- the run ------------------------------------------------------------ */

static void
prepare(void)
{
	uint32_t i;

	conns = calloc(opt.connections, sizeof(*conns));
	if (conns == NULL)
		load_die("calloc");
	waiting = asking = opt.connections;
	for (i = 0; i < opt.connections; i++) {
		conns[i].number = i;
		conns[i].left = opt.requests - 1;
		conns[i].is_asking = true;
		begin_conn(&conns[i]);
	}
}

static void
run(void)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t deadline = load_now_ns() + DEADLINE_NS +
			    (uint64_t)opt.seconds * 1000000000u +
			    (uint64_t)opt.events * opt.interval * 1000u;
	int i, n;

	if (opt.seconds != 0)
		last_ns = load_now_ns() + (uint64_t)opt.seconds * 1000000000u;
	while (asking > 0) {
		n = epoll_wait(epoll_fd, events, EVENTS_MAX, 1000);
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				return; /* standard input */
			on_event(events[i].data.ptr, events[i].events);
		}
		if (load_now_ns() > deadline) {
			fprintf(stderr, "not done in time\n");
			bad++;
			return;
		}
	}
}

static void
report(void)
{
	double seconds = (double)(end.ns - begin.ns) / 1e9;
	double requests = (double)(end.requests - begin.requests);
	double events = (double)(end.events - begin.events);
	double work = opt.events > 0 ? events : requests;
	double cpu_us = (double)(end.cpu_ns - begin.cpu_ns) / 1e3;

	printf("requests=%.0f events=%.0f seconds=%.3f rate=%.0f "
	       "cpu_us=%.3f p50_us=%.1f p99_us=%.1f max_us=%.1f "
	       "answers=%llu bad=%llu\n",
	    requests, events, seconds, seconds > 0 ? work / seconds : 0,
	    work > 0 ? cpu_us / (opt.requests > 1 ? requests : work) : 0,
	    load_times_at(&times, .5) / 1e3, load_times_at(&times, .99) / 1e3,
	    (double)times.most / 1e3, (unsigned long long)requests_done,
	    (unsigned long long)bad);
}

static void
parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "connections", required_argument, NULL, 'c' },
		{ "requests", required_argument, NULL, 'r' },
		{ "events", required_argument, NULL, 'e' },
		{ "size", required_argument, NULL, 's' },
		{ "interval", required_argument, NULL, 'i' },
		{ "legacy", no_argument, NULL, 'l' },
		{ "reconnect", no_argument, NULL, 'R' },
		{ "hold", no_argument, NULL, 'h' },
		{ "watch", required_argument, NULL, 'w' },
		{ "seconds", required_argument, NULL, 't' },
		{ "ids", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'H' },
		{ NULL, 0, NULL, 0 },
	};
	uint32_t *number[128] = { ['c'] = &opt.connections,
		['r'] = &opt.requests,
		['e'] = &opt.events,
		['s'] = &opt.size,
		['i'] = &opt.interval,
		['t'] = &opt.seconds,
		['n'] = &opt.ids };
	int o;

	while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (o == 'p')
			opt.port = (uint16_t)load_number(optarg, UINT16_MAX);
		else if (o == 'l')
			opt.legacy = true;
		else if (o == 'R')
			opt.reconnect = true;
		else if (o == 'h')
			opt.hold = true;
		else if (o == 'w')
			opt.watch = optarg;
		else if (number[o] != NULL)
			*number[o] = (uint32_t)load_number(optarg, INT32_MAX);
		else
			load_usage(USAGE, o == 'H');
	}
	if (optind != argc || opt.port == 0 || opt.connections == 0 ||
	    opt.requests == 0)
		load_usage(USAGE, false);
}

int
main(int argc, char **argv)
{
	parse(argc, argv);
	epoll_fd = load_epoll(opt.hold ? STDIN_FILENO : -1);
	prepare();
	run();
	if (!end.is_open)
		note(&end);
	report();
	return bad == 0 ? 0 : 1;
}
