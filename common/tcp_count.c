/*
 * tcp_count.c - bytes sent and taken, from the kernel's own counters.
 *
 * TCP_INFO and the two queue lengths can't be read in one call, so TCP_INFO
 * is read before and after: if nothing was acknowledged or received in
 * between, all four belong together.  (No one of this host reads or writes
 * the socket meanwhile; its worker is dead.)
 */
#include "config.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/tcp_count.h"

/* Segments that come in faster than this many readings: give up. */
#define TRIES 1000

/* tcpi_state; <linux/tcp.h> has no names, and <netinet/tcp.h> clashes. */
enum kernel_state {
	KERNEL_ESTABLISHED = 1,
	KERNEL_SYN_SENT,
	KERNEL_SYN_RECV,
	KERNEL_FIN_WAIT1,
	KERNEL_FIN_WAIT2,
	KERNEL_TIME_WAIT,
	KERNEL_CLOSE,
	KERNEL_CLOSE_WAIT,
	KERNEL_LAST_ACK,
	KERNEL_LISTEN,
	KERNEL_CLOSING,
};

#define IN(state) (1u << KERNEL_##state)

/* States in which bytes_received counts the peer's FIN. */
#define PEER_FIN (IN(CLOSE_WAIT) | IN(LAST_ACK) | IN(CLOSING))
/* States in which an own FIN was sent, and those where it is acknowledged. */
#define OWN_FIN (IN(FIN_WAIT1) | IN(FIN_WAIT2) | IN(CLOSING) | IN(LAST_ACK))
#define OWN_FIN_ACKED IN(FIN_WAIT2)
/* States without any byte yet, where the counters make no sense. */
#define CONNECTING (IN(SYN_SENT) | IN(SYN_RECV))
/* States whose counters are understood. */
#define KNOWN (IN(ESTABLISHED) | IN(CLOSE) | CONNECTING | PEER_FIN | OWN_FIN)

/* What one round of readings says. */
struct reading {
	unsigned state; /* as a bit: IN(...) */
	uint64_t acked;
	uint64_t received;
	uint64_t out_queue;
	uint64_t in_queue;
};

/* --- reading ------------------------------------------------------------- */

static int
read_info(int fd, struct reading *ret)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	const size_t need = offsetof(struct tcp_info, tcpi_bytes_received) +
			    sizeof(info.tcpi_bytes_received);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	if (len < need)
		return -ENOTSUP;
	if (info.tcpi_state > KERNEL_CLOSING)
		return -ERANGE;
	ret->state = 1u << info.tcpi_state;
	ret->acked = info.tcpi_bytes_acked;
	ret->received = info.tcpi_bytes_received;
	return 0;
}

static int
read_queue(int fd, unsigned long request, uint64_t *ret)
{
	int bytes = -1;

	if (ioctl(fd, request, &bytes) < 0)
		return -errno;
	if (bytes < 0)
		return -ERANGE;
	*ret = (uint64_t)bytes;
	return 0;
}

int
tcp_count_queued(int fd, uint64_t *ret)
{
	return read_queue(fd, SIOCOUTQ, ret);
}

/* All of it once; -EAGAIN where the parts do not belong together. */
static int
read_once(int fd, struct reading *ret)
{
	struct reading after;
	int error = read_info(fd, ret);

	if (error == 0)
		error = read_queue(fd, SIOCOUTQ, &ret->out_queue);
	if (error == 0)
		error = read_queue(fd, SIOCINQ, &ret->in_queue);
	if (error == 0)
		error = read_info(fd, &after);
	if (error != 0)
		return error;
	return ret->state == after.state && ret->acked == after.acked &&
		       ret->received == after.received
		   ? 0
		   : -EAGAIN;
}

/* --- understanding ------------------------------------------------------- */

/* *value - less, or -ERANGE. */
static int
subtract(uint64_t *value, uint64_t less)
{
	if (*value < less)
		return -ERANGE;
	*value -= less;
	return 0;
}

/* bytes_acked counts the SYN of the side that connected, and an own FIN. */
static int
count_sent(const struct reading *r, enum tcp_side side, struct tcp_count *c)
{
	uint64_t syn = side == TCP_CONNECTED;
	uint64_t fin = (r->state & OWN_FIN) != 0;
	uint64_t fin_acked = (r->state & OWN_FIN_ACKED) != 0;

	c->sent = r->acked + r->out_queue;
	c->acked = r->acked;
	if (r->acked == 0 && r->state == IN(CLOSE)) {
		/* A connect that failed: the SYN may be in OUTQ, or gone. */
		c->sent -= MIN(c->sent, syn);
		return 0;
	}
	if (subtract(&c->sent, syn + fin) != 0)
		return -ERANGE;
	return subtract(&c->acked, syn + fin_acked);
}

static int
count_taken(const struct reading *r, struct tcp_count *c)
{
	uint64_t fin = (r->state & PEER_FIN) != 0;

	c->taken = r->received;
	c->waiting = r->in_queue;
	return subtract(&c->taken, r->in_queue + fin);
}

static int
understand(const struct reading *r, enum tcp_side side, struct tcp_count *ret)
{
	struct tcp_count c = { .state = (uint8_t)__builtin_ctz(r->state) };
	int error = 0;

	if ((r->state & KNOWN) == 0)
		return -ERANGE;
	c.peer_closed = (r->state & PEER_FIN) != 0;
	c.reset = r->state == IN(CLOSE);
	c.connecting = (r->state & CONNECTING) != 0;
	if (!c.connecting) {
		error = count_sent(r, side, &c);
		if (error == 0)
			error = count_taken(r, &c);
	}
	if (error == 0)
		*ret = c;
	return error;
}

int
tcp_count(int fd, enum tcp_side side, struct tcp_count *ret)
{
	struct reading r = { 0 };
	int error = -EAGAIN;

	for (int i = 0; i < TRIES && error == -EAGAIN; i++)
		error = read_once(fd, &r);
	return error != 0 ? error : understand(&r, side, ret);
}
