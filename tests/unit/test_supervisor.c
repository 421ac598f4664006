/*
 * test_supervisor.c - the whole supervisor, with workers of our own.
 *
 * The worker here (worker_main() below) echoes what clients send, and does
 * on demand what workers should not do.  The supervisor runs in a process
 * of its own; what it did is seen from outside.
 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/claim.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/msg.h"
#include "supervisor/confine.h"
#include "supervisor/options.h"
#include "supervisor/supervisor.h"
#include "worker/worker.h"

#define DEADLINE_MS 20000u
#define POLL_MS 2

/* --- a worker ---------------------------------------------------------- */

#define HELD_MAX 512

struct held {
	int fd;
	uint32_t kind;
	uint32_t slot;
	uint32_t generation;
};

static struct {
	const struct worker_start *start;
	struct held held[HELD_MAX];
	int count;
	int upstreams; /* inherited */
} self;

static void
hold(int fd, uint32_t kind, uint32_t slot, uint32_t generation)
{
	if (self.count < HELD_MAX)
		self.held[self.count++] =
		    (struct held){ fd, kind, slot, generation };
}

static void
say(const struct msg *m, int fd)
{
	struct pollfd p = { .fd = self.start->channel, .events = POLLOUT };

	while (msg_send(self.start->channel, m, fd) == -EAGAIN)
		(void)poll(&p, 1, 1);
}

static void
say_gone(const struct held *h)
{
	const struct msg_slot slot = { h->slot, h->generation };
	struct msg m;

	if (h->kind == SOCKET_CLIENT) {
		msg_init(&m, MSG_LEFT);
		m.body.LEFT.count = 1;
		m.body.LEFT.item[0] = slot;
	} else {
		msg_init(&m, MSG_UNPARK);
		m.body.UNPARK = slot;
	}
	say(&m, -1);
}

static void
say_release(const struct held *h, uint32_t target)
{
	struct msg m;

	msg_init(&m, MSG_RELEASE);
	m.body.RELEASE.slot = h->slot;
	m.body.RELEASE.generation = h->generation;
	m.body.RELEASE.target = target;
	say(&m, -1);
}

static void
say_park(uint32_t slot)
{
	struct msg m;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	msg_init(&m, MSG_PARK);
	m.body.PARK.slot = slot;
	m.body.PARK.generation = 1;
	say(&m, fd);
	hold(fd, SOCKET_UPSTREAM, slot, 1);
}

/*
 * The descriptors that are open here, but for the one that lists them and
 * those above the limit, which are a debugger's.
 */
static int
list_fds(char *buf, size_t cap)
{
	DIR *d = opendir("/proc/self/fd");
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };
	struct dirent *entry;
	int count = 0, fd;
	size_t len = 0;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	buf[0] = '\0';
	while (d != NULL && (entry = readdir(d)) != NULL) {
		fd = atoi(entry->d_name);
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    fd == dirfd(d) || (rlim_t)fd >= limit.rlim_cur)
			continue;
		len += (size_t)snprintf(buf + len, cap - len, " %d", fd);
		count++;
	}
	if (d != NULL)
		(void)closedir(d);
	return count;
}

/* How many of these must be open: 0 to 2, ours, and what we hold. */
static int
expected_fds(void)
{
	int log = log_fd() > STDERR_FILENO;

	return 3 + 2 + log + self.count;
}

static void
answer(const struct held *h, const char *text)
{
	char buf[1024], fds[512];
	int open_count = list_fds(fds, sizeof(fds));
	int len =
	    snprintf(buf, sizeof(buf), "w%u g%u u%d fds%s uid%d owner%d %s\n",
		self.start->index, self.start->generation, self.upstreams,
		open_count == expected_fds() ? "ok" : fds, (int)getuid(),
		atomic_load(&self.start->shm->client_owners[h->slot]) ==
		    owner_id(self.start->index, self.start->generation),
		text);

	(void)send(h->fd, buf, (size_t)len, MSG_NOSIGNAL);
}

static void
forget(int i)
{
	fd_close(&self.held[i].fd);
	self.held[i] = self.held[--self.count];
}

/* Do what a client says; i is where its connection is held. */
static void
obey(int i, const char *text)
{
	struct held *h = &self.held[i];

	if (strcmp(text, "abort") == 0)
		abort();
	if (strcmp(text, "stop") == 0)
		(void)raise(SIGSTOP);
	if (strcmp(text, "nonsense") == 0)
		(void)send(self.start->channel, "xx", 2, MSG_NOSIGNAL);
	if (strcmp(text, "deaf") == 0)
		(void)shutdown(self.start->channel, SHUT_WR);
	if (strcmp(text, "park") == 0)
		say_park(5);
	if (strcmp(text, "park far") == 0)
		say_park(UINT32_MAX);
	if (strcmp(text, "park and die") == 0) {
		say_park(6);
		say_park(7);
		(void)raise(SIGKILL);
	}
	if (strcmp(text, "flood") == 0) {
		/* Unread answers, until the supervisor has enough. */
		struct held far = { -1, SOCKET_UPSTREAM, 9, 1 };

		for (;;)
			say_gone(&far);
	}
	if (strncmp(text, "release ", 8) == 0) {
		struct held copy = *h;

		answer(h, text);
		forget(i);
		say_release(&copy, (uint32_t)atoi(text + 8));
		return;
	}
	answer(h, text);
}

static void
serve(int i)
{
	char buf[256];
	ssize_t n = recv(self.held[i].fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		(void)shutdown(self.held[i].fd, SHUT_RDWR);
		say_gone(&self.held[i]);
		forget(i);
		return;
	}
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	obey(i, buf);
}

/* The first of a slot does not heed a drain of 77 s. */
static bool
is_stubborn(const struct msg *m)
{
	return m->body.DRAIN.limit_ms == 77000 && self.start->generation == 1;
}

static void
listen_to_supervisor(void)
{
	struct msg m;
	int fd, r;

	while ((r = msg_receive(
		    self.start->channel, FROM_SUPERVISOR, &m, &fd)) == 1) {
		if (m.head.type == MSG_CLIENT)
			hold(fd, SOCKET_CLIENT, m.body.CLIENT.slot,
			    m.body.CLIENT.generation);
		if (m.head.type == MSG_DRAIN && !is_stubborn(&m))
			_exit(0);
	}
	if (r == 0)
		_exit(0); /* the supervisor is gone */
}

static void
turn(void)
{
	struct pollfd p[HELD_MAX + 1] = { { .fd = self.start->channel,
	    .events = POLLIN } };
	int count = self.count;

	for (int i = 0; i < count; i++)
		p[i + 1] = (struct pollfd){
			.fd = self.held[i].kind == SOCKET_CLIENT
				  ? self.held[i].fd
				  : -1,
			.events = POLLIN,
		};
	(void)poll(p, (nfds_t)count + 1, 200);
	atomic_fetch_add(&self.start->shm->workers[self.start->index].beat, 1);
	for (int i = count - 1; i >= 0; i--) {
		if (p[i + 1].revents != 0)
			serve(i);
	}
	if (p[0].revents != 0)
		listen_to_supervisor();
}

void
worker_main(const struct worker_start *start)
{
	struct msg m;

	if (getenv("WORKER_EXITS") != NULL)
		_exit(atoi(getenv("WORKER_EXITS")));
	self.start = start;
	for (uint32_t i = 0; i < start->inherited_count; i++) {
		const struct worker_inheritance *in = &start->inherited[i];

		self.upstreams += in->kind == SOCKET_UPSTREAM;
		hold(in->fd, in->kind, in->slot, in->generation);
	}
	for (uint32_t i = 0; i < start->dead_count; i++) {
		msg_init(&m, MSG_ADOPTED);
		m.body.ADOPTED.owner = start->dead[i];
		say(&m, -1);
	}
	msg_init(&m, MSG_READY);
	say(&m, -1);
	for (;;)
		turn();
}

/* --- the rig ----------------------------------------------------------- */

static struct {
	pid_t pid;
	char dir[32];
	char log[64], pidfile[64], control[64];
	int alive; /* a pipe that ends with this test */
	unsigned port;
} rig;

/* Kill the daemon that holds the lock of the pid file, if there is one. */
static void
kill_holder(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(rig.pidfile, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 &&
	    lock.l_type != F_UNLCK && lock.l_pid > 1)
		(void)kill(lock.l_pid, SIGKILL);
	fd_close(&fd);
}

/*
 * A process that cleans up when this test has ended, however it ended; a
 * daemon leaves the process group that Check would kill.
 */
static void
start_janitor(void)
{
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	if (fork() != 0) {
		fd_close(&ends[0]);
		rig.alive = ends[1];
		return;
	}
	(void)setsid();
	(void)signal(SIGTERM, SIG_DFL);
	fd_close(&ends[1]);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
		continue;
	kill_holder();
	(void)unlink(rig.log);
	(void)unlink(rig.pidfile);
	(void)unlink(rig.control);
	(void)rmdir(rig.dir);
	_exit(0);
}

static void
setup(void)
{
	strcpy(rig.dir, "/tmp/sc-super-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig.dir));
	(void)snprintf(rig.log, sizeof(rig.log), "%s/log", rig.dir);
	(void)snprintf(rig.pidfile, sizeof(rig.pidfile), "%s/pid", rig.dir);
	(void)snprintf(rig.control, sizeof(rig.control), "%s/control", rig.dir);
	rig.pid = 0;
	start_janitor();
}

static void
teardown(void)
{
	if (rig.pid != 0) {
		(void)kill(rig.pid, SIGKILL);
		(void)waitpid(rig.pid, NULL, 0);
	}
	fd_close(&rig.alive);
}

/* Wait until the condition holds. */
#define wait_for(cond)                                                         \
	do {                                                                   \
		uint64_t end_ = clock_ms() + DEADLINE_MS;                      \
		while (!(cond)) {                                              \
			ck_assert_msg(clock_ms() < end_, "deadline: %s\n%s",   \
			    #cond, log_text());                                \
			(void)poll(NULL, 0, POLL_MS);                          \
		}                                                              \
	} while (0)

static const char *
log_text(void)
{
	static char buf[256 * 1024];
	int fd = open(rig.log, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);

	fd_close(&fd);
	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

static unsigned
log_count(const char *text)
{
	unsigned count = 0;
	const char *at = log_text();

	while ((at = strstr(at, text)) != NULL) {
		at += strlen(text);
		count++;
	}
	return count;
}

SC_NORETURN static void
run_supervisor(char *const *argv, int argc)
{
	char error[OPTIONS_ERROR_CAP];
	struct options options;
	struct conf conf;
	enum log_level level;
	int fd = open(rig.log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	(void)dup2(fd, STDERR_FILENO);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGTERM, SIG_DFL); /* Check has one of its own */
	(void)signal(SIGINT, SIG_DFL);
	log_init("shadowcat");
	if (options_parse(argc, argv, &options, error, sizeof(error)) < 0 ||
	    options_load(&options, &conf, error, sizeof(error)) < 0) {
		(void)dprintf(STDERR_FILENO, "%s\n", error);
		_exit(2);
	}
	(void)!log_set_target(conf.log_target);
	if (log_level_parse(conf.log_level, &level) == 0)
		log_set_level(level);
	_exit(supervisor_run(&options, &conf));
}

/* Start it; more arguments, ended by NULL, follow. */
static void
start_supervisor(const char *first, ...)
{
	char *argv[32];
	int argc = 0;
	va_list ap;
	char words[][64] = { "shadowcat", "reverse", "--bind", "127.0.0.1:0",
		"--upstream", "http://127.0.0.1:9/", "--workers", "2",
		"--control", "", "--pidfile", "" };

	strcpy(words[9], rig.control);
	strcpy(words[11], rig.pidfile);
	for (; argc < (int)ARRAY_LEN(words); argc++)
		argv[argc] = words[argc];
	va_start(ap, first);
	for (const char *word = first; word != NULL;
	     word = va_arg(ap, const char *))
		argv[argc++] = strdup(word);
	va_end(ap);
	argv[argc] = NULL;
	rig.pid = fork();
	if (rig.pid == 0)
		run_supervisor(argv, argc);
	for (int i = (int)ARRAY_LEN(words); i < argc; i++)
		free(argv[i]);
}

static void
expect_serving(void)
{
	const char *at;

	wait_for(log_count("listening on ") > 0);
	at = strstr(log_text(), "listening on 127.0.0.1:");
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(sscanf(at, "listening on 127.0.0.1:%u", &rig.port), 1);
}

/* Wait for its end: the exit status. */
static int
end_status(void)
{
	int status = -1;
	pid_t pid = 0;

	wait_for((pid = waitpid(rig.pid, &status, WNOHANG)) != 0);
	ck_assert_int_eq(pid, rig.pid);
	rig.pid = 0;
	ck_assert_msg(WIFEXITED(status), "%s", log_text());
	return WEXITSTATUS(status);
}

static int
fd_count(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	int count = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(d);
	return count;
}

static bool
is_running(pid_t pid)
{
	char path[64], buf[256], *state;
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	fd_close(&fd);
	buf[n < 0 ? 0 : n] = '\0';
	state = strrchr(buf, ')');
	return state != NULL && state[2] != 'Z' && state[2] != 'X';
}

/* The workers, as the supervisor's children: how many. */
static int
workers_of(pid_t pid, pid_t *ret, int cap)
{
	char path[64], buf[256], *at = buf, *end;
	ssize_t n;
	int fd, count = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)pid, (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	n = read(fd, buf, sizeof(buf) - 1);
	fd_close(&fd);
	buf[n < 0 ? 0 : n] = '\0';
	for (;;) {
		long worker = strtol(at, &end, 10);

		if (end == at || count == cap)
			return count;
		ret[count++] = (pid_t)worker;
		at = end;
	}
}

/* --- clients ----------------------------------------------------------- */

static int
dial(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)rig.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { .tv_sec = DEADLINE_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(
	    connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	return fd;
}

static void
tell(int fd, const char *text)
{
	ck_assert_int_eq(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Ask for an answer line; in it the worker, its generation, and so on. */
static const char *
ask(int fd, const char *text)
{
	static char buf[1024];
	ssize_t n;

	tell(fd, text);
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	ck_assert_msg(n > 0, "no answer to %s\n%s", text, log_text());
	buf[n] = '\0';
	ck_assert_msg(
	    strstr(buf, "fdsok") != NULL && strstr(buf, "owner1") != NULL, "%s",
	    buf);
	return buf;
}

static unsigned
worker_in(const char *line)
{
	return (unsigned)atoi(line + 1);
}

static unsigned
generation_in(const char *line)
{
	return (unsigned)atoi(strchr(line, 'g') + 1);
}

static unsigned
upstreams_in(const char *line)
{
	return (unsigned)atoi(strchr(line, 'u') + 1);
}

/* A connection that the supervisor gave to this worker. */
static int
dial_worker(unsigned worker)
{
	int fd = -1;

	wait_for(worker_in(ask(fd = dial(), "x")) == worker);
	return fd;
}

/* --- tests ------------------------------------------------------------- */

START_TEST(connections_are_spread_over_the_workers)
{
	int on[2] = { 0 };

	start_supervisor("--set", "log.level=debug", NULL);
	expect_serving();
	wait_for(log_count(": ready after ") == 2);
	for (int i = 0; i < 6; i++)
		on[worker_in(ask(dial(), "x"))]++;
	ck_assert_int_eq(on[0], 3);
	ck_assert_int_eq(on[1], 3);
}
END_TEST

#define DEATHS 50

/* Clients stay, nothing leaks, and a child holds just what it should. */
START_TEST(fifty_deaths_change_nothing)
{
	pid_t workers[2];
	int fds[5], before;

	start_supervisor(NULL);
	expect_serving();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial();
		(void)ask(fds[i], "x");
	}
	before = fd_count(rig.pid);
	for (int death = 0; death < DEATHS; death++) {
		wait_for(workers_of(rig.pid, workers, 2) == 2);
		(void)ask(fds[0], "x"); /* nobody is half born */
		ck_assert_int_eq(kill(workers[death % 2], SIGKILL), 0);
		wait_for(!is_running(workers[death % 2]));
		for (size_t i = 0; i < ARRAY_LEN(fds); i++)
			(void)ask(fds[i], "x");
	}
	wait_for(fd_count(rig.pid) == before);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_close(&fds[i]);
	wait_for(fd_count(rig.pid) == before - (int)ARRAY_LEN(fds));
}
END_TEST

START_TEST(fault_is_logged_with_its_successor)
{
	int fd;

	start_supervisor("--workers", "1", NULL);
	expect_serving();
	fd = dial();
	ck_assert_uint_eq(generation_in(ask(fd, "x")), 1);
	tell(fd, "abort");
	wait_for(log_count(") killed by SIGABRT") == 1);
	wait_for(log_count("; successor pid ") == 1);
	ck_assert_uint_eq(generation_in(ask(fd, "x")), 2);
}
END_TEST

/* A worker that breaks the protocol dies, and nothing else happens. */
static const char *const offences[] = { "nonsense", "park far", "deaf", "flood",
	"release 2", "release 4294967295" };

START_TEST(offender_is_killed_and_adopted)
{
	int fd, other;

	start_supervisor(NULL);
	expect_serving();
	fd = dial_worker(0);
	other = dial_worker(1);
	tell(fd, offences[_i]);
	wait_for(log_count("; killed") + log_count("its channel; killed") > 0);
	wait_for(log_count("killed by SIGKILL; successor pid ") == 1);
	ck_assert_uint_eq(generation_in(ask(other, "x")), 1);
	/* The first one may have answered before it died. */
	wait_for(generation_in(ask(fd, "x")) == 2);
}
END_TEST

START_TEST(slot_that_is_taken_is_not_parked_twice)
{
	int fd;

	start_supervisor("--workers", "1", NULL);
	expect_serving();
	fd = dial();
	(void)ask(fd, "park");
	(void)ask(fd, "x");
	tell(fd, "park");
	wait_for(log_count("broke the protocol: message PARK; killed") == 1);
	wait_for(generation_in(ask(fd, "x")) == 2);
	ck_assert_uint_eq(upstreams_in(ask(fd, "x")), 1);
}
END_TEST

/* What it parked right before it died is in the inheritance. */
START_TEST(channel_of_the_dead_is_read_before_the_successor_is_born)
{
	int fd;

	start_supervisor("--workers", "1", NULL);
	expect_serving();
	fd = dial();
	(void)ask(fd, "park");
	tell(fd, "park and die");
	wait_for(log_count("; successor pid ") == 1);
	ck_assert_uint_eq(upstreams_in(ask(fd, "x")), 3);
}
END_TEST

START_TEST(hanging_worker_is_replaced)
{
	int fd;

	start_supervisor(
	    "--workers", "1", "--set", "worker.hang_timeout=1s", NULL);
	expect_serving();
	fd = dial();
	(void)ask(fd, "x");
	tell(fd, "stop");
	wait_for(log_count("hangs: no sign of life for 1000 ms; killed") == 1);
	ck_assert_uint_eq(generation_in(ask(fd, "x")), 2);
}
END_TEST

START_TEST(released_client_goes_to_its_target)
{
	static const char *const orders[] = { "release 0", "release 1" };
	int fd;

	start_supervisor(NULL);
	expect_serving();
	(void)dial_worker(1); /* both are ready */
	fd = dial_worker(0);
	for (unsigned i = 1; i <= 20; i++) {
		(void)ask(fd, orders[i % 2]);
		ck_assert_uint_eq(worker_in(ask(fd, "x")), i % 2);
	}
}
END_TEST

START_TEST(full_table_lets_clients_wait)
{
	int fds[8], late;
	char buf[8];

	start_supervisor("--set", "client.max_connections=8", NULL);
	expect_serving();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial();
		(void)ask(fds[i], "x");
	}
	late = dial();
	tell(late, "x");
	wait_for(log_count("every client slot is taken") == 1);
	ck_assert_int_lt(recv(late, buf, sizeof(buf), MSG_DONTWAIT), 0);
	fd_close(&fds[3]);
	ck_assert_int_gt(recv(late, buf, sizeof(buf), 0), 0);
	ck_assert_uint_eq(log_count("every client slot is taken"), 1);
}
END_TEST

static const int stop_signals[] = { SIGTERM, SIGINT, SIGQUIT };

START_TEST(stop_leaves_nothing)
{
	pid_t workers[2];

	start_supervisor(NULL);
	expect_serving();
	(void)ask(dial(), "x");
	ck_assert_int_eq(workers_of(rig.pid, workers, 2), 2);
	ck_assert_int_eq(access(rig.pidfile, F_OK), 0);
	ck_assert_int_eq(access(rig.control, F_OK), 0);
	ck_assert_int_eq(kill(rig.pid, stop_signals[_i]), 0);
	ck_assert_int_eq(end_status(), 0);
	ck_assert_int_ne(access(rig.pidfile, F_OK), 0);
	ck_assert_int_ne(access(rig.control, F_OK), 0);
	ck_assert(!is_running(workers[0]) && !is_running(workers[1]));
}
END_TEST

/* A worker that has connections and dies while we stop is replaced. */
START_TEST(death_while_draining_is_adopted)
{
	int fd;

	start_supervisor("--workers", "1", "--set", "drain.timeout=77s", NULL);
	expect_serving();
	fd = dial();
	(void)ask(fd, "x");
	ck_assert_int_eq(kill(rig.pid, SIGTERM), 0);
	wait_for(log_count("stopping: workers have 77000 ms") == 1);
	ck_assert_uint_eq(generation_in(ask(fd, "x")), 1);
	/* The successor is told of the drain, too, and leaves. */
	tell(fd, "abort");
	ck_assert_int_eq(end_status(), 0);
	ck_assert_uint_eq(log_count("; successor pid "), 1);
}
END_TEST

START_TEST(limit_of_draining_holds)
{
	start_supervisor("--set", "worker.hang_timeout=0", "--set",
	    "drain.timeout=100ms", NULL);
	expect_serving();
	tell(dial(), "stop");
	wait_for(log_count("listening on") == 1);
	ck_assert_int_eq(kill(rig.pid, SIGTERM), 0);
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

START_TEST(second_signal_stops_at_once)
{
	int fd;

	start_supervisor("--set", "drain.timeout=77s", NULL);
	expect_serving();
	fd = dial();
	(void)ask(fd, "x");
	ck_assert_int_eq(kill(rig.pid, SIGTERM), 0);
	wait_for(log_count("stopping: workers have") == 1);
	(void)ask(fd, "x");
	ck_assert_int_eq(kill(rig.pid, SIGTERM), 0);
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

START_TEST(workers_notice_the_supervisors_death)
{
	pid_t workers[2];

	start_supervisor(NULL);
	expect_serving();
	/* One is a successor, born with its sibling's channel about. */
	wait_for(workers_of(rig.pid, workers, 2) == 2);
	ck_assert_int_eq(kill(workers[0], SIGKILL), 0);
	wait_for(log_count("; successor") == 1);
	wait_for(workers_of(rig.pid, workers, 2) == 2);
	(void)ask(dial(), "x");
	ck_assert_int_eq(kill(rig.pid, SIGKILL), 0);
	wait_for(!is_running(workers[0]) && !is_running(workers[1]));
}
END_TEST

START_TEST(hopeless_workers_end_the_daemon)
{
	ck_assert_int_eq(setenv("WORKER_EXITS", "2", 1), 0);
	start_supervisor(NULL);
	ck_assert_int_eq(end_status(), 1);
	ck_assert_uint_ge(
	    log_count("exited with code 2 before any worker served"), 1);
	ck_assert_int_ne(access(rig.pidfile, F_OK), 0);
	ck_assert_int_ne(access(rig.control, F_OK), 0);
}
END_TEST

START_TEST(workers_that_fail_are_tried_later_and_later)
{
	ck_assert_int_eq(setenv("WORKER_EXITS", "1", 1), 0);
	start_supervisor("--workers", "1", NULL);
	wait_for(log_count("exited with code 1; successor in 200 ms") == 1);
	ck_assert_uint_eq(log_count("exited with code 1; successor pid"), 1);
	ck_assert_int_eq(kill(rig.pid, SIGTERM), 0);
	ck_assert_int_eq(end_status(), 0);
}
END_TEST

/* Listen on a port, once it is free. */
static void
squat(unsigned port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	wait_for(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	ck_assert_int_eq(listen(fd, 1), 0);
}

START_TEST(port_in_use_ends_with_one_line)
{
	char address[32];
	const char *end;

	start_supervisor(NULL);
	expect_serving();
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", rig.port);
	ck_assert_int_eq(kill(rig.pid, SIGKILL), 0);
	(void)waitpid(rig.pid, NULL, 0);
	rig.pid = 0;
	(void)unlink(rig.log);
	squat(rig.port);
	start_supervisor("--bind", address, NULL);
	ck_assert_int_eq(end_status(), 1);
	end = strstr(log_text(), "Address already in use\n");
	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end, "Address already in use\n");
	ck_assert_ptr_eq(strchr(log_text(), '\n'), end + strlen(end) - 1);
}
END_TEST

START_TEST(background_returns_when_it_serves)
{
	FILE *f;
	int pid = 0, fd;

	start_supervisor("--daemon", "--set", "log.target=stderr", "--set",
	    "log.level=debug", NULL);
	ck_assert_int_eq(end_status(), 0);
	expect_serving();
	f = fopen(rig.pidfile, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
	(void)fclose(f);
	ck_assert_int_gt(pid, 1);
	ck_assert_int_eq(getsid(pid), pid);
	fd = dial();
	(void)ask(fd, "x");
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	wait_for(!is_running(pid));
	ck_assert_int_ne(access(rig.pidfile, F_OK), 0);
}
END_TEST

START_TEST(background_fails_if_it_does_not_serve)
{
	ck_assert_int_eq(setenv("WORKER_EXITS", "2", 1), 0);
	start_supervisor("--daemon", "--set", "log.target=stderr", NULL);
	ck_assert_int_eq(end_status(), 1);
	ck_assert_uint_ge(log_count("giving up"), 1);
}
END_TEST

START_TEST(workers_of_root_are_not_root)
{
	bool root = getuid() == 0;
	const char *line;

	start_supervisor("--workers", "1", NULL);
	expect_serving();
	line = ask(dial(), "x");
	if (root)
		ck_assert_ptr_null(strstr(line, " uid0 "));
	else
		ck_assert_int_eq(atoi(strstr(line, " uid") + 4), (int)getuid());
}
END_TEST

/* The line of /proc/PID/status with this name, as a number. */
static unsigned long long
status_bits(pid_t pid, const char *name)
{
	char path[40], line[256];
	unsigned long long bits = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			bits = strtoull(line + strlen(name) + 1, NULL, 16);
	}
	(void)fclose(f);
	return bits;
}

START_TEST(root_keeps_what_it_needs)
{
	start_supervisor("--workers", "1", NULL);
	expect_serving();
	ck_assert_uint_eq(
	    status_bits(rig.pid, "CapEff:") & ~confine_kept(false), 0);
	ck_assert_uint_eq(
	    status_bits(rig.pid, "CapPrm:") & ~confine_kept(false), 0);
	if (getuid() == 0)
		ck_assert_uint_eq(
		    status_bits(rig.pid, "CapEff:") >> CAP_KILL & 1, 1);
}
END_TEST

START_TEST(reload_replaces_the_workers_and_says_so)
{
	start_supervisor(NULL);
	expect_serving();
	ck_assert_int_eq(kill(rig.pid, SIGHUP), 0);
	wait_for(log_count("reload: the new configuration is in force") == 1);
	ck_assert_int_eq(kill(rig.pid, SIGUSR2), 0);
	wait_for(log_count("upgrade: ") == 1);
	(void)ask(dial(), "x");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("supervisor");
	TCase *tc = tcase_create("supervisor");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, connections_are_spread_over_the_workers);
	tcase_add_test(tc, fifty_deaths_change_nothing);
	tcase_add_test(tc, fault_is_logged_with_its_successor);
	tcase_add_loop_test(
	    tc, offender_is_killed_and_adopted, 0, ARRAY_LEN(offences));
	tcase_add_test(tc, slot_that_is_taken_is_not_parked_twice);
	tcase_add_test(
	    tc, channel_of_the_dead_is_read_before_the_successor_is_born);
	tcase_add_test(tc, hanging_worker_is_replaced);
	tcase_add_test(tc, released_client_goes_to_its_target);
	tcase_add_test(tc, full_table_lets_clients_wait);
	tcase_add_loop_test(
	    tc, stop_leaves_nothing, 0, ARRAY_LEN(stop_signals));
	tcase_add_test(tc, death_while_draining_is_adopted);
	tcase_add_test(tc, limit_of_draining_holds);
	tcase_add_test(tc, second_signal_stops_at_once);
	tcase_add_test(tc, workers_notice_the_supervisors_death);
	tcase_add_test(tc, hopeless_workers_end_the_daemon);
	tcase_add_test(tc, workers_that_fail_are_tried_later_and_later);
	tcase_add_test(tc, port_in_use_ends_with_one_line);
	tcase_add_test(tc, background_returns_when_it_serves);
	tcase_add_test(tc, background_fails_if_it_does_not_serve);
	tcase_add_test(tc, workers_of_root_are_not_root);
	tcase_add_test(tc, root_keeps_what_it_needs);
	tcase_add_test(tc, reload_replaces_the_workers_and_says_so);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
