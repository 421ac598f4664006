/*
 * test_channel.c - the supervisor's end of the channel to one worker.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "supervisor/channel.h"
#include "tests/unit/unit.h"

#define LIMIT 100000u
#define DEADLINE_S 10.0

/* What the handler saw. */
static struct {
	struct worker_channel channel;
	struct ev_loop *loop;
	ev_timer deadline;
	int peer;
	int sample; /* the descriptor that goes with a client */
	unsigned messages, faults, stale;
	int last_fault;
	uint32_t last_slot;
} rig;

static void
on_message(void *context, const struct msg *m, int fd)
{
	ck_assert_ptr_eq(context, &rig);
	rig.messages++;
	if (m->head.type == MSG_PARK)
		rig.last_slot = m->body.PARK.slot;
	fd_close(&fd);
}

static void
on_fault(void *context, int error)
{
	ck_assert_ptr_eq(context, &rig);
	rig.faults++;
	rig.last_fault = error;
}

/* Odd slots have left the vault meanwhile, if `stale` says so. */
static int
descriptors(void *context, struct msg *m, struct msg_fds *ret)
{
	struct msg_slots *clients = &m->body.CLIENTS;

	(void)context;
	if (m->head.type != MSG_CLIENTS)
		return 0;
	for (uint32_t i = 0; i < clients->count; i++) {
		if (rig.stale && clients->item[i].slot % 2 == 1)
			continue;
		clients->item[ret->count] = clients->item[i];
		ret->fd[ret->count++] = rig.sample;
	}
	clients->count = ret->count;
	return ret->count > 0 ? 0 : -ESTALE;
}

static const struct worker_channel_handler handler = {
	.on_message = on_message,
	.on_fault = on_fault,
	.descriptors = descriptors,
};

static void
on_deadline(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
	ck_abort_msg("deadline");
}

static void
setup(void)
{
	int ends[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, ends),
	    0);
	rig.peer = ends[1];
	rig.sample = open("/dev/null", O_RDONLY | O_CLOEXEC);
	rig.loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer_init(&rig.deadline, on_deadline, DEADLINE_S, 0);
	ev_timer_start(rig.loop, &rig.deadline);
	worker_channel_open(
	    &rig.channel, rig.loop, ends[0], LIMIT, &handler, &rig);
}

static void
teardown(void)
{
	worker_channel_close(&rig.channel);
	ev_loop_destroy(rig.loop);
	fd_close(&rig.peer);
	fd_close(&rig.sample);
}

/* A message of its own. */
static int
send_client(uint32_t slot)
{
	struct msg m;

	msg_init(&m, MSG_CLIENTS);
	m.body.CLIENTS.count = 1;
	m.body.CLIENTS.item[0].slot = slot;
	return worker_channel_send(&rig.channel, &m);
}

/* Take everything that the peer has: the slots must go on from `next`. */
static uint32_t
take_clients(uint32_t next, uint32_t step)
{
	struct msg_fds fds;
	struct msg m;

	while (msg_receive_with(rig.peer, FROM_SUPERVISOR, &m, &fds) == 1) {
		ck_assert_uint_eq(fds.count, m.body.CLIENTS.count);
		for (uint32_t i = 0; i < fds.count; i++) {
			ck_assert_uint_eq(m.body.CLIENTS.item[i].slot, next);
			next += step;
			fd_close(&fds.fd[i]);
		}
	}
	return next;
}

/* Send until some wait: how many were sent in all. */
static uint32_t
jam(void)
{
	uint32_t sent = 0;

	while (channel_queue_is_empty(&rig.channel.queue) && sent < LIMIT)
		ck_assert_int_eq(send_client(sent++), 0);
	ck_assert_uint_lt(sent, LIMIT);
	for (int i = 0; i < 1001; i++)
		ck_assert_int_eq(send_client(sent++), 0);
	return sent;
}

START_TEST(full_socket_loses_nothing_and_keeps_the_order)
{
	uint32_t sent = jam(), taken = 0;

	while (taken < sent) {
		taken = take_clients(taken, 1);
		if (taken < sent)
			ev_run(rig.loop, EVRUN_ONCE);
	}
	ck_assert(channel_queue_is_empty(&rig.channel.queue));
	ck_assert(!ev_is_active(&rig.channel.writer));
	ck_assert(!ev_is_active(&rig.channel.retry));
}
END_TEST

START_TEST(void_messages_are_dropped_when_their_turn_comes)
{
	uint32_t sent = jam(), before, next;

	before = sent - rig.channel.queue.count;
	rig.stale = 1;
	ck_assert_uint_eq(take_clients(0, 1), before);
	next = before + before % 2;
	while (next < sent) {
		ev_run(rig.loop, EVRUN_ONCE);
		next = take_clients(next, 2);
	}
	ck_assert(channel_queue_is_empty(&rig.channel.queue));
}
END_TEST

/* So many clients in one turn of the loop, from this slot on. */
static void
send_clients(uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		ck_assert_int_eq(
		    worker_channel_send_client(&rig.channel, first + i, 1), 0);
}

/* How many messages the peer has; what they hold is thrown away. */
static unsigned
take_messages(void)
{
	struct msg_fds fds;
	unsigned count = 0;
	struct msg m;

	for (; msg_receive_with(rig.peer, FROM_SUPERVISOR, &m, &fds) == 1;
	     count++)
		for (uint32_t i = 0; i < fds.count; i++)
			fd_close(&fds.fd[i]);
	return count;
}

START_TEST(clients_of_one_turn_go_together)
{
	send_clients(0, 5);
	ck_assert_uint_eq(take_messages(), 0);
	ev_run(rig.loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(take_messages(), 1);
	send_clients(5, MSG_SLOTS_MAX + 1);
	ev_run(rig.loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(take_messages(), 2);
	ck_assert(channel_queue_is_empty(&rig.channel.queue));
	ck_assert(!ev_is_active(&rig.channel.turn));
	ck_assert(!ev_is_active(&rig.channel.writer));
}
END_TEST

START_TEST(void_clients_are_taken_out_of_a_message)
{
	rig.stale = 1;
	send_clients(0, 9);
	ev_run(rig.loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(take_clients(0, 2), 10);
	ck_assert_int_eq(worker_channel_send_client(&rig.channel, 1, 1), 0);
	ev_run(rig.loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(take_messages(), 0);
	ck_assert(channel_queue_is_empty(&rig.channel.queue));
}
END_TEST

START_TEST(nothing_overtakes_clients_that_wait)
{
	struct msg drain, got;
	struct msg_fds fds;

	send_clients(0, 1);
	msg_init(&drain, MSG_DRAIN);
	ck_assert_int_eq(worker_channel_send(&rig.channel, &drain), 0);
	send_clients(1, 1);
	ev_run(rig.loop, EVRUN_NOWAIT);
	for (uint32_t slot = 0; slot < 2; slot++) {
		ck_assert_int_eq(
		    msg_receive_with(rig.peer, FROM_SUPERVISOR, &got, &fds), 1);
		ck_assert_int_eq(got.head.type, MSG_CLIENTS);
		ck_assert_uint_eq(got.body.CLIENTS.item[0].slot, slot);
		fd_close(&fds.fd[0]);
		if (slot == 0)
			ck_assert_int_eq(msg_receive_with(rig.peer,
					     FROM_SUPERVISOR, &got, &fds),
			    1);
	}
	ck_assert_uint_eq(take_messages(), 0);
}
END_TEST

START_TEST(clients_join_a_jam)
{
	uint32_t sent = jam(), taken = 0;

	send_clients(sent, 100);
	sent += 100;
	while (taken < sent) {
		taken = take_clients(taken, 1);
		if (taken < sent)
			ev_run(rig.loop, EVRUN_ONCE);
	}
	ck_assert(channel_queue_is_empty(&rig.channel.queue));
}
END_TEST

START_TEST(closing_forgets_clients_that_wait)
{
	send_clients(0, 1);
	worker_channel_close(&rig.channel);
	ck_assert(!ev_is_active(&rig.channel.turn));
	ck_assert_int_eq(
	    worker_channel_send_client(&rig.channel, 1, 1), -EPIPE);
}
END_TEST

START_TEST(limit_of_the_queue_is_told)
{
	int r = 0;

	rig.channel.queue.limit = 10;
	for (unsigned i = 0; r == 0 && i < LIMIT; i++)
		r = send_client(i);
	ck_assert_int_eq(r, -ENOBUFS);
}
END_TEST

START_TEST(nonsense_is_a_fault_and_the_rest_is_read)
{
	struct msg m;

	msg_init(&m, MSG_READY);
	ck_assert_int_eq(send(rig.peer, "nonsense", 8, 0), 8);
	ck_assert_int_eq(msg_send(rig.peer, &m, -1), 0);
	while (rig.messages == 0)
		ev_run(rig.loop, EVRUN_ONCE);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(rig.last_fault, -EPROTO);
}
END_TEST

START_TEST(wrong_direction_is_a_fault)
{
	struct msg m;

	msg_init(&m, MSG_DRAIN);
	ck_assert_int_eq(msg_send(rig.peer, &m, -1), 0);
	while (rig.faults == 0)
		ev_run(rig.loop, EVRUN_ONCE);
	ck_assert_uint_eq(rig.messages, 0);
}
END_TEST

START_TEST(end_of_file_ends_it_quietly)
{
	fd_close(&rig.peer);
	while (worker_channel_is_open(&rig.channel))
		ev_run(rig.loop, EVRUN_ONCE);
	ck_assert_uint_eq(rig.faults, 0);
	ck_assert_int_eq(send_client(0), -EPIPE);
	ck_assert(!ev_is_active(&rig.channel.reader));
}
END_TEST

#define PARKS 50

/*
 * What a worker sent is read after its death, though it died with messages
 * of ours unread, which makes the kernel report a reset first.
 */
START_TEST(the_dead_are_read_to_the_end)
{
	struct msg m;
	int status;
	pid_t pid;

	for (uint32_t i = 0; i < 5; i++)
		ck_assert_int_eq(send_client(i), 0);
	pid = fork();
	if (pid == 0) {
		msg_init(&m, MSG_PARK);
		for (m.body.PARK.slot = 0; m.body.PARK.slot < PARKS;
		     m.body.PARK.slot++)
			if (msg_send(rig.peer, &m, rig.sample) != 0)
				_exit(1);
		(void)raise(SIGKILL);
	}
	fd_close(&rig.peer);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	worker_channel_drain(&rig.channel);
	ck_assert_uint_eq(rig.messages, PARKS);
	ck_assert_uint_eq(rig.last_slot, PARKS - 1);
	ck_assert_uint_eq(rig.faults, 0);
}
END_TEST

START_TEST(draining_goes_on_after_a_fault)
{
	struct msg m;

	msg_init(&m, MSG_READY);
	ck_assert_int_eq(send(rig.peer, "x", 1, 0), 1);
	ck_assert_int_eq(msg_send(rig.peer, &m, -1), 0);
	fd_close(&rig.peer);
	worker_channel_drain(&rig.channel);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_uint_eq(rig.messages, 1);
}
END_TEST

START_TEST(closing_twice_is_allowed)
{
	int fd = rig.channel.fd;

	(void)jam();
	worker_channel_close(&rig.channel);
	worker_channel_close(&rig.channel);
	ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
	ck_assert_int_eq(send_client(0), -EPIPE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("channel");
	TCase *tc = tcase_create("channel");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, full_socket_loses_nothing_and_keeps_the_order);
	tcase_add_test(tc, void_messages_are_dropped_when_their_turn_comes);
	tcase_add_test(tc, clients_of_one_turn_go_together);
	tcase_add_test(tc, void_clients_are_taken_out_of_a_message);
	tcase_add_test(tc, nothing_overtakes_clients_that_wait);
	tcase_add_test(tc, clients_join_a_jam);
	tcase_add_test(tc, closing_forgets_clients_that_wait);
	tcase_add_test(tc, limit_of_the_queue_is_told);
	tcase_add_test(tc, nonsense_is_a_fault_and_the_rest_is_read);
	tcase_add_test(tc, wrong_direction_is_a_fault);
	tcase_add_test(tc, end_of_file_ends_it_quietly);
	tcase_add_test(tc, the_dead_are_read_to_the_end);
	tcase_add_test(tc, draining_goes_on_after_a_fault);
	tcase_add_test(tc, closing_twice_is_allowed);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
