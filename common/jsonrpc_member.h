/*
 * jsonrpc_member.h - what the members of a JSON-RPC message are to the
 * scanner.  For jsonrpc.c alone.
 */
#ifndef COMMON_JSONRPC_MEMBER_H
#define COMMON_JSONRPC_MEMBER_H

#include "common/jsonrpc_keep.h"

/* The extra value that a message with this method calls for. */
enum jsonrpc_extra jsonrpc_extra_of_method(const struct jsonrpc *);

/*
 * A member's value begins with the byte `c`.  Drop what a member of the
 * same name has left behind, and return what to keep the value as.
 */
enum jsonrpc_target jsonrpc_begin_member(
    struct jsonrpc *, enum jsonrpc_name name, char c);

#endif
