/*
 * jsonrpc_error.h - error responses of our own.
 */
#ifndef COMMON_JSONRPC_ERROR_H
#define COMMON_JSONRPC_ERROR_H

#include <stddef.h>

/*
 * Write an error response (JSON-RPC 2.0, 5.1) to `buf`, without a line end
 * or a NUL.  `id` is a raw token as jsonrpc_id() gives it; with `id_len` 0
 * the id is null.  The message is UTF-8 text, which is escaped here.
 * Returns the length, or 0 if it does not fit in `cap` bytes.
 */
size_t jsonrpc_error_write(char *buf, size_t cap, const char *id, size_t id_len,
    int code, const char *message);

#endif
