/*
 * origin.c - the server behind the proxies.  Each request says in a field
 * what the answer is to be:
 *
 *	X-Load: 0 SIZE INTERVAL        a JSON body of SIZE bytes, after
 *	                               INTERVAL microseconds
 *	X-Load: COUNT SIZE INTERVAL    COUNT events of SIZE bytes each, one
 *	                               every INTERVAL microseconds; 0: as fast
 *	                               as they are taken.  The last one is the
 *	                               response.  One chunk an event.
 *
 * Events are numbered from 1 and carry the time when they left.  A request
 * may have a number of its own, X-Id: then its JSON has that number as id.
 * At the end (TERM) it says how many requests had a number, and how many of
 * these had one that was there before: "executed=N repeated=N".
 *
 *	bench-origin
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/load_net.h"

#define HEAD_CAP 8192
#define BATCH_CAP 65536
#define SIZE_MOST 60000
#define EVENTS_MAX 256
/* Longer intervals are for streams that are to be quiet. */
#define SPREAD_MOST_NS 1000000000u
#define EVENTS_HEAD                                                            \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"               \
	"Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"                 \
	"Transfer-Encoding: chunked\r\n\r\n"

#define USAGE                                                                  \
	"usage: bench-origin\n"                                                \
	"It says where it listens, and answers each request as its field\n"    \
	"X-Load says: COUNT SIZE INTERVAL-US.\n"

struct conn {
	int fd;
	uint32_t events; /* in the epoll set */
	/* The request. */
	char in[HEAD_CAP];
	size_t in_len;
	/* The answer under way. */
	uint32_t count, size, seq; /* events: in all, of bytes, sent */
	uint32_t id;               /* of the request; 0: it has none */
	uint64_t interval_ns, due_ns;
	bool is_over; /* the last chunk is written */
	/* Paced streams, in a heap by due_ns: index + 1, 0 where not in it. */
	size_t place;
	/* Bytes that the socket did not take. */
	char *kept;
	size_t off, len;
	bool is_dead;
	struct conn *next_dead;
};

static int epoll_fd;
static struct conn *dead;
static struct conn **heap;
static size_t heap_len, heap_cap;
static char batch[BATCH_CAP + 512];
static bool *executed; /* by number */
static uint32_t executed_cap;
static uint64_t executed_count, repeated_count;
static volatile sig_atomic_t is_told_to_end;

/* --- the heap of paced streams ------------------------------------------ */

static void
heap_put(size_t i, struct conn *c)
{
	heap[i] = c;
	c->place = i + 1;
}

static void
heap_up(size_t i)
{
	struct conn *c = heap[i];

	for (; i > 0 && heap[(i - 1) / 2]->due_ns > c->due_ns; i = (i - 1) / 2)
		heap_put(i, heap[(i - 1) / 2]);
	heap_put(i, c);
}

static void
heap_down(size_t i)
{
	struct conn *c = heap[i];
	size_t kid;

	while ((kid = 2 * i + 1) < heap_len) {
		if (kid + 1 < heap_len &&
		    heap[kid + 1]->due_ns < heap[kid]->due_ns)
			kid++;
		if (heap[kid]->due_ns >= c->due_ns)
			break;
		heap_put(i, heap[kid]);
		i = kid;
	}
	heap_put(i, c);
}

static void
heap_insert(struct conn *c)
{
	if (heap_len == heap_cap) {
		heap_cap = heap_cap * 2 + 64;
		heap = realloc(heap, heap_cap * sizeof(struct conn *));
		if (heap == NULL)
			load_die("realloc");
	}
	heap[heap_len] = c;
	heap_up(heap_len++);
}

static void
heap_remove(struct conn *c)
{
	size_t i = c->place - 1;

	if (c->place == 0)
		return;
	c->place = 0;
	if (i == --heap_len)
		return;
	heap_put(i, heap[heap_len]);
	heap_up(i);
	heap_down(heap[i]->place - 1);
}

/* --- bytes out ---------------------------------------------------------- */

static void
watch(struct conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (c->events == events)
		return;
	c->events = events;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) != 0)
		load_die("epoll_ctl");
}

static void
end_conn(struct conn *c)
{
	if (c->is_dead)
		return;
	c->is_dead = true;
	heap_remove(c);
	close(c->fd);
	c->next_dead = dead;
	dead = c;
}

static void
put(struct conn *c, const char *p, size_t len)
{
	ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		end_conn(c);
		return;
	}
	n = n < 0 ? 0 : n;
	if ((size_t)n == len)
		return;
	c->len = len - (size_t)n;
	c->off = 0;
	c->kept = malloc(c->len);
	if (c->kept == NULL)
		load_die("malloc");
	memcpy(c->kept, p + n, c->len);
}

static void
flush(struct conn *c)
{
	ssize_t n = send(c->fd, c->kept + c->off, c->len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		end_conn(c);
		return;
	}
	n = n < 0 ? 0 : n;
	c->off += (size_t)n;
	c->len -= (size_t)n;
	if (c->len == 0) {
		free(c->kept);
		c->kept = NULL;
	}
}

/* --- events ------------------------------------------------------------- */

static void
put_hex(char *p, uint64_t n, int digits)
{
	while (digits-- > 0) {
		p[digits] = "0123456789abcdef"[n & 15];
		n >>= 4;
	}
}

/*
 * Write a chunk with one event of `size` bytes; returns the end.  The parts
 * that don't change are copied from one that was made before.
 */
static char *
write_event(char *p, uint32_t size, uint32_t seq, bool is_last, uint64_t now)
{
	static struct {
		char chunk[SIZE_MOST + 32];
		size_t len, seq_at;
		uint32_t size;
	} made[2];
	const char *begin = is_last ? LOAD_RESPONSE : LOAD_NOTE;
	size_t head, fixed;
	char *to;

	if (made[is_last].size != size) {
		made[is_last].size = size;
		to = made[is_last].chunk;
		head = (size_t)sprintf(to, "%x\r\n", size);
		made[is_last].seq_at = head + strlen(begin);
		sprintf(to + head, "%s00000000%s0123456789abcdef%s", begin,
		    LOAD_AT, LOAD_PAD);
		fixed = strlen(to);
		memset(to + fixed, 'x', head + size - fixed);
		to += head + size;
		memcpy(to - 2 - strlen(LOAD_TAIL), LOAD_TAIL "\n\n\r\n",
		    strlen(LOAD_TAIL) + 4);
		made[is_last].len = head + size + 2;
	}
	memcpy(p, made[is_last].chunk, made[is_last].len);
	to = p + made[is_last].seq_at;
	put_hex(to, seq, LOAD_SEQ_LEN);
	put_hex(to + LOAD_SEQ_LEN + strlen(LOAD_AT), now, LOAD_AT_LEN);
	return p + made[is_last].len;
}

/* Send the head, up to `most` events, and the end after the last one. */
static void
put_events(struct conn *c, uint32_t most)
{
	uint64_t now = load_now_ns();
	char *p = batch;

	if (c->seq == 0)
		p = stpcpy(p, EVENTS_HEAD);
	while (most-- > 0 && c->seq < c->count &&
	       (size_t)(p - batch) + c->size + 32 <= sizeof(batch)) {
		c->seq++;
		p = write_event(p, c->size, c->seq, c->seq == c->count, now);
	}
	if (c->seq == c->count && !c->is_over) {
		memcpy(p, "0\r\n\r\n", 5);
		p += 5;
		c->is_over = true;
	}
	put(c, batch, (size_t)(p - batch));
}

/* --- requests ----------------------------------------------------------- */

/* A request with a number is executed. */
static void
note_execution(uint32_t id)
{
	uint32_t cap = executed_cap;

	if (id >= cap) {
		executed_cap = id * 2 + 1024;
		executed = realloc(executed, executed_cap);
		if (executed == NULL)
			load_die("realloc");
		memset(executed + cap, 0, executed_cap - cap);
	}
	executed_count++;
	repeated_count += executed[id];
	executed[id] = true;
}

static void
answer_json(struct conn *c)
{
	size_t size = c->size;
	int n = sprintf(batch,
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    size);
	char *p = batch + n;

	memset(p, 'x', size);
	n += sprintf(p, LOAD_JSON, c->id != 0 ? c->id : 1);
	batch[n] = 'x';
	memcpy(p + size - 3, "\"}}", 3);
	c->is_over = true;
	put(c, batch, (size_t)(p - batch) + size);
}

/*
 * The head and the first event at once; what follows is spread over the
 * interval, so that streams that began together don't go on so.
 */
static void
begin_paced(struct conn *c)
{
	static uint64_t spread;

	spread = (spread + 618) % 1000;
	put_events(c, 1);
	if (c->is_dead || c->is_over)
		return;
	c->due_ns = load_now_ns() + c->interval_ns;
	if (c->interval_ns <= SPREAD_MOST_NS)
		c->due_ns -= c->interval_ns / 1000 * spread;
	heap_insert(c);
}

static void
refuse(struct conn *c)
{
	static const char no[] =
	    "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n";

	c->count = 0;
	c->is_over = true;
	put(c, no, strlen(no));
}

/* JSON that takes its time. */
static void
begin_waiting(struct conn *c)
{
	c->due_ns = load_now_ns() + c->interval_ns;
	heap_insert(c);
}

/* The value of a field of the head, which ends with NUL; or NULL. */
static const char *
field(const char *head, const char *name)
{
	const char *p = strcasestr(head, name);

	return p == NULL ? NULL : p + strlen(name);
}

/* A whole request: take it, and begin its answer.  False: not whole yet. */
static bool
take_request(struct conn *c)
{
	char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
	const char *load, *length, *id;
	unsigned count, size, interval;
	size_t whole;

	if (end == NULL)
		return false;
	*end = '\0';
	length = field(c->in, "\r\nContent-Length:");
	load = field(c->in, "\r\nX-Load:");
	id = field(c->in, "\r\nX-Id:");
	whole = (size_t)(end - c->in) + 4 +
		(length == NULL ? 0 : strtoul(length, NULL, 10));
	if (whole > c->in_len) {
		*end = '\r';
		return false;
	}
	c->seq = 0;
	c->is_over = false;
	c->id = id != NULL ? (uint32_t)strtoul(id, NULL, 10) : 0;
	if (c->id != 0)
		note_execution(c->id);
	if (load == NULL ||
	    sscanf(load, "%u %u %u", &count, &size, &interval) != 3 ||
	    size < LOAD_EVENT_MIN || size > SIZE_MOST) {
		refuse(c);
	} else {
		c->count = count;
		c->size = size;
		c->interval_ns = (uint64_t)interval * 1000;
		if (count == 0 && interval == 0)
			answer_json(c);
		else if (count == 0)
			begin_waiting(c);
		else if (interval != 0)
			begin_paced(c);
	}
	memmove(c->in, c->in + whole, c->in_len - whole);
	c->in_len -= whole;
	return true;
}

static bool
is_hurried(const struct conn *c)
{
	return !c->is_over && c->interval_ns == 0;
}

/* One batch of what is under way, or the next request and its first one. */
static void
answer(struct conn *c)
{
	if (c->len == 0 && c->is_over)
		(void)take_request(c);
	if (!c->is_dead && c->len == 0 && is_hurried(c))
		put_events(c, UINT32_MAX);
	if (!c->is_dead)
		watch(c,
		    c->len > 0 || is_hurried(c) ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void
read_request(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, HEAD_CAP - c->in_len, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end_conn(c);
		return;
	}
	c->in_len += (size_t)n;
	answer(c);
}

static void
take_connection(int listener)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct conn *c;
	int fd = load_accept(listener);

	if (fd < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		load_die("calloc");
	c->fd = fd;
	c->events = EPOLLIN;
	c->is_over = true;
	ev.data.ptr = c;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
		load_die("epoll_ctl");
}

static void
on_event(struct conn *c, uint32_t events)
{
	if (!c->is_dead && events & EPOLLOUT) {
		if (c->len > 0)
			flush(c);
		if (!c->is_dead)
			answer(c);
	}
	if (!c->is_dead && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_request(c);
}

/* Send the events and the answers that are due. */
static void
serve_heap(void)
{
	uint64_t now = load_now_ns();
	struct conn *c;

	while (heap_len > 0 && heap[0]->due_ns <= now) {
		c = heap[0];
		c->due_ns += c->interval_ns;
		if (c->count == 0)
			answer_json(c);
		else if (c->len == 0)
			put_events(c, 1);
		if (c->is_dead)
			continue;
		if (c->is_over) {
			heap_remove(c);
			answer(c);
		} else {
			heap_down(0);
		}
	}
}

static struct timespec *
until_due(struct timespec *ts)
{
	uint64_t now = load_now_ns(), wait;

	if (heap_len == 0)
		return NULL;
	wait = heap[0]->due_ns > now ? heap[0]->due_ns - now : 0;
	ts->tv_sec = (time_t)(wait / 1000000000u);
	ts->tv_nsec = (long)(wait % 1000000000u);
	return ts;
}

static void
on_term(int signal)
{
	(void)signal;
	is_told_to_end = 1;
}

/* TERM is taken in the wait alone. */
static void
init_signals(sigset_t *ret_waiting)
{
	struct sigaction action = { .sa_handler = on_term };
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &term, ret_waiting) != 0 ||
	    sigaction(SIGTERM, &action, NULL) != 0)
		load_die("signals");
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS_MAX];
	int listener, i, n;
	struct timespec ts;
	struct conn *c;
	sigset_t waiting;

	(void)load_arguments(argc, argv, 0, USAGE);
	listener = load_listen(0);
	init_signals(&waiting);
	epoll_fd = load_epoll(listener);
	printf("listening on 127.0.0.1:%u\n", load_port_of(listener));
	fflush(stdout);
	while (!is_told_to_end) {
		n = epoll_pwait2(
		    epoll_fd, events, EVENTS_MAX, until_due(&ts), &waiting);
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				take_connection(listener);
			else
				on_event(events[i].data.ptr, events[i].events);
		}
		serve_heap();
		while ((c = dead) != NULL) {
			dead = c->next_dead;
			free(c->kept);
			free(c);
		}
	}
	printf("executed=%llu repeated=%llu\n",
	    (unsigned long long)executed_count,
	    (unsigned long long)repeated_count);
	return 0;
}
