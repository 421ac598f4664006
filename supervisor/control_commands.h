/*
 * control_commands.h - what the commands of common/ctl_commands.h do.
 */
#ifndef SUPERVISOR_CONTROL_COMMANDS_H
#define SUPERVISOR_CONTROL_COMMANDS_H

#include "supervisor/control_conn.h"

/*
 * A request came: do it, or give the connection a job that does.  `context`
 * is the struct supervisor.  What changes something is logged with who asked.
 */
void control_commands_run(void *context, struct control_conn *conn,
    const struct ctl_request *request);

#endif
