/*
 * tap.h - what the rows of `tap` say: events, and the messages in them.
 */
#ifndef CTL_TAP_H
#define CTL_TAP_H

#include <jansson.h>
#include <msgpack.h>
#include <stdbool.h>

/*
 * Read one row, a map as supervisor/control_tap.c makes it, and append an
 * object for each event in it to `list`:
 *
 *	time, kind                     always
 *	stream, size                   size in bytes, of the event
 *	id                             the event's id, as the client has it
 *	method, message_id             of the JSON-RPC message, if there is one
 *	data                           with `bodies` alone
 *	cut                            true: not all of it was read
 *	records                        of "skipped": how many
 *
 * kind is "begin" (what follows is whole), "request", "notification",
 * "response", "error", "message" (none of them), "priming", "comment",
 * "body" (a piece of a plain answer), "head", "end", "skipped" or "gone".
 * False without memory.
 */
bool tap_read(const msgpack_object *row, bool bodies, json_t *list);

#endif
