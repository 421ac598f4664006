/*
 * worker_rig.c - a worker without processes around it.
 */
#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/chunked.h"
#include "common/fd.h"
#include "common/http_head.h"
#include "common/log.h"
#include "common/sessions.h"
#include "tests/unit/worker_rig.h"
#include "worker/adopt.h"
#include "worker/context.h"
#include "worker/worker.h"

struct worker_rig rig;

/* A connection within this process: the client's end, and ours. */
static void
unix_pair(int ends[2])
{
	ck_assert_int_eq(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
	    0);
}

static void
tcp_pair(int ends[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(
	    getsockname(listener, (struct sockaddr *)&address, &len), 0);
	ck_assert_int_eq(connect(ends[0], (struct sockaddr *)&address, len), 0);
	ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ck_assert_int_ge(ends[1], 0);
	fd_close(&listener);
}

static void
init_client(struct worker *w, void (*pair)(int ends[2]))
{
	static const uint8_t address[16] = {
		[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7
	};
	struct client_record *rec = &w->shm->clients[0];
	int ends[2];

	pair(ends);
	rig.peer = ends[0];
	memcpy(rec->address, address, sizeof(address));
	rec->generation = 1;
	rec->on_loopback = 1;
	client_new(w, 0, 1, ends[1]);
	rig.c = w->client_of[0];
	ck_assert_ptr_nonnull(rig.c);
}

void
rig_set(const char *key, const char *value)
{
	char error[CONF_ERROR_CAP];

	ck_assert_msg(
	    conf_set(&rig.conf, key, value, error, sizeof(error)) == 0, "%s",
	    error);
}

/* A process of this generation, and the supervisor's end of its channel. */
static void
init_worker(struct worker *w, uint32_t generation)
{
	struct worker_start start = {
		.generation = generation,
		.shm = &rig.shm,
		.conf = &rig.conf,
	};
	int ends[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, ends),
	    0);
	rig.supervisor = ends[0];
	start.channel = ends[1];
	memset(w, 0, sizeof(*w));
	ck_assert_int_eq(worker_init(w, &start), 0);
}

/* A memory, the first worker on it, and a client. */
static void
begin(uint32_t blocks, void (*pair)(int ends[2]))
{
	struct shm_sizes sizes = { 2, 2, 4, 4, blocks };

	log_set_level(LOG_LEVEL_ERROR);
	memset(&rig, 0, sizeof(rig));
	ck_assert_int_eq(conf_init(&rig.conf), 0);
	rig_set("upstream.url", "http://upstream.invalid:3000/mcp");
	ck_assert_int_eq(shm_create(&sizes, &rig.shm), 0);
	ck_assert_int_eq(sessions_create(&rig.shm), 0);
	rig.generation = 1;
	init_worker(&rig.w, rig.generation);
	init_client(&rig.w, pair);
}

void
rig_setup_with(uint32_t blocks)
{
	begin(blocks, unix_pair);
}

void
rig_setup(void)
{
	begin(RIG_BLOCKS, unix_pair);
}

void
rig_setup_tcp(void)
{
	begin(RIG_BLOCKS, tcp_pair);
}

/* The end of that process. */
static void
fini_worker(struct worker *w)
{
	if (w->client_of[0] != NULL)
		fd_close(&w->client_of[0]->io.fd);
	worker_fini(w);
	fd_close(&rig.supervisor);
}

void
rig_teardown(void)
{
	fini_worker(&rig.w);
	fd_close(&rig.peer);
	shm_fini(&rig.shm);
	conf_fini(&rig.conf);
}

void
rig_die(void)
{
	uint32_t dead = rig.w.self;
	struct worker_inheritance vault = {
		.kind = SOCKET_CLIENT,
		.generation = 1,
		.fd = fcntl(rig.c->io.fd, F_DUPFD_CLOEXEC, 0),
	};
	struct worker_start start = {
		.dead = &dead,
		.dead_count = 1,
		.inherited = &vault,
		.inherited_count = 1,
	};

	ck_assert_int_ge(vault.fd, 0);
	fini_worker(&rig.w);
	init_worker(&rig.w, ++rig.generation);
	adopt_all(&rig.w, &start);
	rig.c = rig.w.client_of[0];
}

/* In a copy of the exact size, for the memory checkers. */
static void
feed_copy(const char *bytes, size_t len)
{
	char *copy = malloc(len);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, len);
	client_feed(rig.c, copy, len);
	free(copy);
}

void
rig_feed(const char *bytes, size_t len, size_t step)
{
	size_t part;

	for (; len > 0; bytes += part, len -= part) {
		part = MIN(len, step);
		feed_copy(bytes, part);
	}
}

void
rig_ask(const char *request)
{
	rig_feed(request, strlen(request), SIZE_MAX);
	ck_assert_ptr_nonnull(rig.c->stream);
}

size_t
rig_receive(char *buf, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while (len < cap &&
	       (n = recv(rig.peer, buf + len, cap - len, MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	return len;
}

size_t
rig_wire(
    const struct journal *j, enum http_framing framing, char *buf, size_t cap)
{
	const struct journal_wire form = { .framing = framing };
	struct journal_cursor cur, end;
	struct iovec iov[64];
	char scratch[JOURNAL_SCRATCH];
	size_t len = 0, was;
	int i, n;

	ck_assert_int_eq(journal_verify(&rig.w.arena, j), 0);
	journal_cursor_init(&cur, &rig.w.arena, j, 0);
	while ((n = journal_gather(&rig.w.arena, j, &form, &cur, iov, 64,
		    scratch, &end)) > 0) {
		was = len;
		for (i = 0; i < n; i++) {
			ck_assert_uint_le(len + iov[i].iov_len, cap);
			memcpy(buf + len, iov[i].iov_base, iov[i].iov_len);
			len += iov[i].iov_len;
		}
		ck_assert_int_eq(
		    journal_sent(&rig.w.arena, j, &form, &cur, &end, len - was),
		    0);
	}
	ck_assert_int_eq(n, 0);
	return len;
}

static void
begin_body(struct chunked *body, const struct http_head *head)
{
	if (head->chunked)
		chunked_begin(body, BODY_CHUNKED, 0);
	else if (head->content_length > 0)
		chunked_begin(
		    body, BODY_LENGTH, (uint64_t)head->content_length);
	else if (head->side == HTTP_SIDE_REQUEST || head->content_length == 0)
		chunked_begin(body, BODY_NONE, 0);
	else
		chunked_begin(body, BODY_CLOSE, 0);
}

size_t
rig_decode(enum http_side side, const char *wire, size_t len,
    struct http_head *ret_head, char *buf, bool *ret_whole)
{
	struct chunked body;
	const char *piece;
	size_t got = 0, piece_len;
	ptrdiff_t n;
	int head_len;

	head_len = side == HTTP_SIDE_REQUEST
		       ? http_head_scan_request(wire, len, 65536, ret_head)
		       : http_head_scan_answer(wire, len, 65536, ret_head);
	ck_assert_int_gt(head_len, 0);
	wire += head_len;
	len -= (size_t)head_len;
	begin_body(&body, ret_head);
	while (len > 0 && !chunked_done(&body)) {
		n = chunked_next(&body, wire, len, &piece, &piece_len);
		ck_assert_int_gt(n, 0);
		memcpy(buf + got, piece, piece_len);
		got += piece_len;
		wire += n;
		len -= (size_t)n;
	}
	ck_assert_uint_eq(len, 0);
	*ret_whole = chunked_done(&body);
	return got;
}
