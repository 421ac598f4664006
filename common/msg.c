/*
 * msg.c - the messages between supervisor and workers.
 *
 * One message is one datagram of a SOCK_SEQPACKET pair, so there is nothing
 * to reassemble.  What arrives is checked whole against the table before a
 * field of it is looked at: the supervisor trusts no worker.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/msg.h"

/* How many descriptors go with a message. */
enum msg_fd_rule { MSG_FDS_NONE, MSG_FDS_ONE, MSG_FDS_EACH };

/* clang-format off */
static const struct {
	const char *name;
	enum msg_sender sender;
	uint32_t body_len;
	enum msg_fd_rule fds;
} msg_types[MSG_TYPE_COUNT] = {
#define X(name, sender, body, fds) \
	{ #name, sender, sizeof(body), MSG_FDS_##fds },
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

/* Of a type that is in the table. */
static enum msg_fd_rule
fd_rule(const struct msg *m)
{
	return msg_types[m->head.type].fds;
}

/* All but the descriptors. */
static int
check_bytes(const struct msg *m, size_t len, enum msg_sender sender)
{
	if (len < sizeof(m->head) || m->head.version != MSG_VERSION ||
	    m->head.type >= MSG_TYPE_COUNT)
		return -EPROTO;
	if (msg_types[m->head.type].sender != sender ||
	    m->head.body_len != msg_types[m->head.type].body_len)
		return -EPROTO;
	return len == msg_size(m) ? 0 : -EPROTO;
}

/* Of a message whose bytes are right. */
static bool
is_right_count(const struct msg *m, size_t fds)
{
	switch (fd_rule(m)) {
	case MSG_FDS_NONE:
		return fds == 0;
	case MSG_FDS_ONE:
		return fds == 1;
	case MSG_FDS_EACH:
		return fds == m->body.CLIENTS.count && fds > 0 &&
		       fds <= MSG_FDS_MAX;
	}
	return false;
}

int
msg_check(const struct msg *m, size_t len, enum msg_sender sender, size_t fds)
{
	int r = check_bytes(m, len, sender);

	return r == 0 && !is_right_count(m, fds) ? -EPROTO : r;
}

/* --- sending ------------------------------------------------------------- */

/* Room for descriptors beside a message. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(MSG_FDS_MAX * sizeof(int))];
};

/* Let descriptors travel with the message. */
static void
attach_fds(
    struct msghdr *hdr, union control *control, const struct msg_fds *fds)
{
	size_t len = fds->count * sizeof(int);
	struct cmsghdr *cmsg;

	memset(control, 0, CMSG_SPACE(len));
	hdr->msg_control = control->bytes;
	hdr->msg_controllen = CMSG_SPACE(len);
	cmsg = CMSG_FIRSTHDR(hdr);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cmsg), fds->fd, len);
}

int
msg_send_with(int socket, const struct msg *m, const struct msg_fds *fds)
{
	struct msg copy = *m; /* sendmsg wants it writable */
	struct iovec iov = { &copy, msg_size(m) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	ssize_t n;

	sc_assert(m->head.type < MSG_TYPE_COUNT);
	sc_assert(m->head.body_len == msg_types[m->head.type].body_len);
	sc_assert(is_right_count(m, fds->count));
	if (fds->count > 0)
		attach_fds(&hdr, &control, fds);
	do {
		n = sendmsg(socket, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	/* Too many descriptors in flight: it passes when the peer reads. */
	return errno == ETOOMANYREFS ? -EAGAIN : -errno;
}

int
msg_send(int socket, const struct msg *m, int fd)
{
	struct msg_fds fds;

	fds.count = fd >= 0;
	fds.fd[0] = fd;
	return msg_send_with(socket, m, &fds);
}

/* --- receiving ----------------------------------------------------------- */

static void
close_fds(struct msg_fds *fds)
{
	for (uint32_t i = 0; i < fds->count; i++)
		fd_close(&fds->fd[i]);
	fds->count = 0;
}

/* Take the descriptors out of a message; what has no place is closed. */
static void
detach_fds(struct msghdr *hdr, struct msg_fds *ret)
{
	struct cmsghdr *cmsg;

	ret->count = 0;
	for (cmsg = CMSG_FIRSTHDR(hdr); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(hdr, cmsg)) {
		size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(
			    &fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			if (ret->count < MSG_FDS_MAX)
				ret->fd[ret->count++] = fd;
			else
				fd_close(&fd);
		}
	}
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

/* Of a message whose bytes are right, where the kernel cut off descriptors. */
static int
check_cut(const struct msg *m, size_t fds)
{
	uint32_t slots = m->body.CLIENTS.count;

	if (fd_rule(m) == MSG_FDS_ONE && fds == 0)
		return -EMFILE;
	return fd_rule(m) == MSG_FDS_EACH && fds < slots && slots <= MSG_FDS_MAX
		   ? 0
		   : -EPROTO;
}

static int
check_datagram(const struct msghdr *hdr, const struct msg *m, size_t len,
    enum msg_sender sender, size_t fds)
{
	if ((hdr->msg_flags & MSG_TRUNC) != 0 ||
	    check_bytes(m, len, sender) != 0)
		return -EPROTO;
	if ((hdr->msg_flags & MSG_CTRUNC) != 0)
		return check_cut(m, fds);
	return is_right_count(m, fds) ? 0 : -EPROTO;
}

/* Receive a message beside which there is room for so many descriptors. */
static int
receive(int socket, enum msg_sender sender, size_t room, struct msg *ret,
    struct msg_fds *ret_fds)
{
	struct msg m;
	struct iovec iov = { &m, sizeof(m) };
	union control control;
	struct msghdr hdr = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(room * sizeof(int)) };
	ssize_t n = receive_datagram(socket, &hdr);
	int error;

	if (n < 0)
		return (int)n;
	detach_fds(&hdr, ret_fds);
	error = n == 0 ? 0
		       : check_datagram(
			     &hdr, &m, (size_t)n, sender, ret_fds->count);
	if (error != 0 || n == 0) {
		close_fds(ret_fds);
		return error;
	}
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, &m, (size_t)n);
	return 1;
}

int
msg_receive_with(int socket, enum msg_sender sender, struct msg *ret,
    struct msg_fds *ret_fds)
{
	return receive(socket, sender, MSG_FDS_MAX, ret, ret_fds);
}

int
msg_receive(int socket, enum msg_sender sender, struct msg *ret, int *ret_fd)
{
	struct msg_fds fds;
	/* Alignment makes it two, so that a second one is seen. */
	int r = receive(socket, sender, 1, ret, &fds);

	if (r == 1 && fd_rule(ret) == MSG_FDS_EACH) {
		close_fds(&fds);
		return -EPROTO;
	}
	if (r == 1)
		*ret_fd = fds.count > 0 ? fds.fd[0] : -1;
	return r;
}
