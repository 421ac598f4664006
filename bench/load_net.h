/*
 * load_net.h - what the programs of bench/ share: sockets on 127.0.0.1, a
 * clock in nanoseconds, and the shape of the events.
 */
#ifndef BENCH_LOAD_NET_H
#define BENCH_LOAD_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An event's line of data begins with one of these and goes on with
 * eight hexadecimal digits of its number, LOAD_AT, sixteen of the time when
 * it left (load_now_ns()), LOAD_PAD, padding and LOAD_TAIL.
 */
#define LOAD_NOTE                                                              \
	"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","     \
	"\"params\":{\"seq\":\""
#define LOAD_RESPONSE                                                          \
	"data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"seq\":\""
/* What a JSON body begins with: the number of the request. */
#define LOAD_JSON "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":{\"pad\":\""
#define LOAD_AT "\",\"at\":\""
#define LOAD_PAD "\",\"pad\":\""
#define LOAD_TAIL "\"}}"
#define LOAD_SEQ_LEN 8
#define LOAD_AT_LEN 16
/* The shortest event: a line and an empty one. */
#define LOAD_EVENT_MIN 160

/* CLOCK_MONOTONIC. */
uint64_t load_now_ns(void);

/* A listener on 127.0.0.1 (port 0: any), or exits with a message. */
int load_listen(uint16_t port);
uint16_t load_port_of(int fd);

/* A non-blocking socket that connects to 127.0.0.1, or exits. */
int load_connect(uint16_t port);

/* Accept without blocking: a descriptor, or -1 where nobody waits. */
int load_accept(int listener);

/* An epoll set with one member, or exits; data.ptr is NULL for it. */
int load_epoll(int member);

/* An error of the machine ends a program of bench/. */
_Noreturn void load_die(const char *what);

/*
 * Say how a program is used and exit: with 0 where that was asked for, with 2
 * where its command line is wrong.
 */
_Noreturn void load_usage(const char *text, bool is_asked);

/*
 * The command line of a program that knows no option but --help and takes
 * `count` arguments: the first of them, or it exits as load_usage() says.
 */
char **load_arguments(int argc, char **argv, int count, const char *usage);

/* A number of the command line within limits, or exits with a message. */
uint64_t load_number(const char *text, uint64_t most);

#endif
