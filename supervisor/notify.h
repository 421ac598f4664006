/*
 * notify.h - tells the service manager how we are (the protocol of
 * sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names).
 */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

/*
 * Send lines such as "READY=1\nMAINPID=4711".  Does nothing where nobody
 * listens, never blocks; what can't be sent is dropped.
 */
void notify_send(const char *lines);

/* We serve, as this process. */
void notify_ready(void);

#endif
