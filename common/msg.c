/*
 * msg.c - the messages between supervisor and workers.
 *
 * One message is one datagram of a SOCK_SEQPACKET pair, so there is nothing
 * to reassemble.  What arrives is checked whole against the table before a
 * field of it is looked at: the supervisor trusts no worker.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/msg.h"

/* clang-format off */
static const struct {
	const char *name;
	enum msg_sender sender;
	uint32_t body_len;
	bool has_fd;
} msg_types[MSG_TYPE_COUNT] = {
#define X(name, sender, body, has_fd) { #name, sender, sizeof(body), has_fd },
	MSG_TYPES(X)
#undef X
};
/* clang-format on */

const char *
msg_type_name(unsigned type)
{
	return type < MSG_TYPE_COUNT ? msg_types[type].name : "?";
}

void
msg_init(struct msg *m, enum msg_type type)
{
	sc_assert(type < MSG_TYPE_COUNT);
	memset(m, 0, sizeof(*m));
	m->head.version = MSG_VERSION;
	m->head.type = (uint16_t)type;
	m->head.body_len = msg_types[type].body_len;
}

size_t
msg_size(const struct msg *m)
{
	return sizeof(m->head) + m->head.body_len;
}

int
msg_check(const struct msg *m, size_t len, enum msg_sender sender, bool has_fd)
{
	if (len < sizeof(m->head) || m->head.version != MSG_VERSION ||
	    m->head.type >= MSG_TYPE_COUNT)
		return -EPROTO;
	if (msg_types[m->head.type].sender != sender ||
	    msg_types[m->head.type].has_fd != has_fd)
		return -EPROTO;
	if (m->head.body_len != msg_types[m->head.type].body_len)
		return -EPROTO;
	return len == msg_size(m) ? 0 : -EPROTO;
}

/* --- sending ------------------------------------------------------------- */

/*
 * Room for descriptors beside a message.  Alignment gives room for two, so
 * that a peer that sends more than one is told from a limit of our own.
 */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* Let `fd` travel with the message. */
static void
attach_fd(struct msghdr *hdr, union control *control, int fd)
{
	struct cmsghdr *cmsg;

	memset(control, 0, sizeof(*control));
	hdr->msg_control = control->bytes;
	hdr->msg_controllen = CMSG_SPACE(sizeof(int));
	cmsg = CMSG_FIRSTHDR(hdr);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
}

int
msg_send(int socket, const struct msg *m, int fd)
{
	struct msg copy = *m; /* sendmsg wants it writable */
	struct iovec iov = { &copy, msg_size(m) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	ssize_t n;

	sc_assert(m->head.type < MSG_TYPE_COUNT);
	sc_assert(m->head.body_len == msg_types[m->head.type].body_len);
	sc_assert(msg_types[m->head.type].has_fd == (fd >= 0));
	if (fd >= 0)
		attach_fd(&hdr, &control, fd);
	do {
		n = sendmsg(socket, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	/* Too many descriptors in flight: it passes when the peer reads. */
	return errno == ETOOMANYREFS ? -EAGAIN : -errno;
}

/* --- receiving ----------------------------------------------------------- */

/* Take the descriptors out of a message: the first in *ret, the others are
 * closed.  Returns how many came. */
static size_t
detach_fds(struct msghdr *hdr, int *ret)
{
	struct cmsghdr *cmsg;
	size_t count = 0;

	*ret = -1;
	for (cmsg = CMSG_FIRSTHDR(hdr); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(hdr, cmsg)) {
		size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++, count++) {
			int fd;

			memcpy(
			    &fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			if (*ret < 0)
				*ret = fd;
			else
				fd_close(&fd);
		}
	}
	return count;
}

/*
 * recvmsg() that can be relied on to return what is queued.  A peer that
 * dies with messages unread leaves one ECONNRESET here, reported before the
 * messages that it had sent itself: those must not be lost.
 */
static ssize_t
receive_datagram(int socket, struct msghdr *hdr)
{
	size_t control_len = hdr->msg_controllen;
	unsigned resets = 0;
	ssize_t n;

	do {
		hdr->msg_controllen = control_len;
		n = recvmsg(socket, hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 &&
		 (errno == EINTR || (errno == ECONNRESET && resets++ == 0)));
	return n < 0 ? -errno : n;
}

/* What the kernel says about a datagram, before its bytes are looked at. */
static int
check_datagram(const struct msghdr *hdr, size_t fd_count)
{
	if (fd_count > 1 || (hdr->msg_flags & MSG_TRUNC) != 0)
		return -EPROTO;
	return (hdr->msg_flags & MSG_CTRUNC) != 0 ? -EMFILE : 0;
}

int
msg_receive(int socket, enum msg_sender sender, struct msg *ret, int *ret_fd)
{
	struct msg m;
	struct iovec iov = { &m, sizeof(m) };
	union control control;
	struct msghdr hdr = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	ssize_t n = receive_datagram(socket, &hdr);
	size_t fd_count;
	int fd, error;

	if (n < 0)
		return (int)n;
	fd_count = detach_fds(&hdr, &fd);
	error = check_datagram(&hdr, fd_count);
	if (error == 0 && n > 0)
		error = msg_check(&m, (size_t)n, sender, fd_count == 1);
	if (error != 0 || n == 0) {
		fd_close(&fd);
		return error;
	}
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, &m, (size_t)n);
	*ret_fd = fd;
	return 1;
}
