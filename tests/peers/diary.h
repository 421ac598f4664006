/*
 * diary.h - the origin's log: one JSON object a line, for tests to read.
 *
 *	{"event":"connection","connection":1}
 *	{"event":"request","connection":1,"number":1,"method":"POST",
 *	 "target":"/mcp","head":"POST /mcp HTTP/1.1\r\n..."}
 *	{"event":"body","connection":1,"number":1,"length":5,"hash":"...",
 *	 "text":"hello","complete":true}
 *	{"event":"mark","connection":1,"number":1,"name":"here"}
 *	{"event":"blocked","connection":1,"number":1,"sent":123456}
 *	{"event":"closed","connection":1,"how":"FIN"}
 *	{"event":"bad","connection":1,"why":"Protocol error"}
 *
 * A "request" line stands for one execution; it is written when the head is
 * complete.  Strings hold bytes: the code point is the byte's value.
 * "blocked" says that the peer has taken nothing for a third of a second.
 */
#ifndef PEERS_DIARY_H
#define PEERS_DIARY_H

#include <stdbool.h>

#include "tests/peers/bytes.h"
#include "tests/peers/message.h"

/* Which request a line is about. */
struct diary_place {
	unsigned connection;
	unsigned number; /* of the request, over all connections */
};

/* Append to the file; 0 or -errno.  Without one nothing is written. */
int diary_open(const char *path);

void diary_connection(unsigned connection);
void diary_request(struct diary_place at, const struct message *request);
void diary_body(struct diary_place at, const struct bytes *body, bool complete);
void diary_mark(struct diary_place at, const char *name);
void diary_blocked(struct diary_place at, uint64_t sent);

/* err: 0 or -EPIPE for a FIN of the peer, else the -errno of the loss. */
void diary_closed(unsigned connection, int err);

/* The peer or the script broke a rule. */
void diary_bad(unsigned connection, const char *why);

#endif
