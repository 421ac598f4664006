/*
 * control_upgrade.c - `shadowcatctl upgrade`.
 *
 * If it is refused, the connection is answered as any other.  If not, its
 * struct is gone with the old image; only the descriptor is there.
 */
#include "config.h"

#include <sys/socket.h>

#include "common/ctl_proto.h"
#include "common/fd.h"
#include "supervisor/control_upgrade.h"
#include "supervisor/control_wait.h"
#include "supervisor/upgrade.h"

void
control_upgrade_begin(
    struct supervisor *sv, struct control_conn *conn, bool force)
{
	struct control_promise *promise = control_wait_begin(conn);

	if (promise != NULL)
		upgrade_begin(
		    sv, force, conn->io.fd, control_wait_over, promise);
}

void
control_upgrade_answer(
    struct supervisor *sv, int reply, int error, const char *text)
{
	static char buf[CTL_OUT_CAP];
	struct ctl_out out;
	bool fits;

	(void)sv;
	ctl_out_init(&out, buf, sizeof(buf));
	fits =
	    error == 0 ? ctl_put_done(&out, text) : ctl_put_error(&out, text);
	/* A few lines fit in any socket's buffer, or nobody reads them. */
	if (fits)
		(void)!send(
		    reply, out.buf, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	fd_close(&reply);
}
