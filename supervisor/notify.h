/*
 * notify.h - tells the service manager how we are (the protocol of
 * sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names).
 */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

#include <stdint.h>

/*
 * Send lines such as "READY=1\nMAINPID=4711".  Does nothing where nobody
 * listens, never blocks; what can't be sent is dropped.
 */
void notify_send(const char *lines);

/* We serve, as this process; `status` says how, for people. */
void notify_ready(const char *status);

/* A reload begins; notify_ready() ends it. */
void notify_reloading(void);

/* We stop, which may take limit_ms; 0: at once. */
void notify_stopping(uint64_t limit_ms);

/*
 * We are alive: to be called each second or so.  Does nothing if the manager
 * keeps no watch on this process (sd_watchdog_enabled(3)).
 */
void notify_alive(void);

#endif
