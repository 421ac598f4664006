/*
 * control_upgrade.h - `shadowcatctl upgrade`: asked of one image of the
 * daemon, answered by the next.
 */
#ifndef SUPERVISOR_CONTROL_UPGRADE_H
#define SUPERVISOR_CONTROL_UPGRADE_H

#include "supervisor/control_conn.h"

struct supervisor;

/* Begin an upgrade, by force if need be; the connection waits. */
void control_upgrade_begin(
    struct supervisor *sv, struct control_conn *conn, bool force);

/* For struct upgrade: answer on this connection, and close it. */
void control_upgrade_answer(
    struct supervisor *sv, int reply, int error, const char *text);

#endif
