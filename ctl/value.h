/*
 * value.h - from msgpack to JSON.
 */
#ifndef CTL_VALUE_H
#define CTL_VALUE_H

#include <jansson.h>
#include <msgpack.h>

/*
 * A new JSON value; NULL without memory.  Text that is not UTF-8 comes with
 * its odd bytes as \xNN.
 */
json_t *value_to_json(const msgpack_object *o);

/* Text of any bytes, in the same way. */
json_t *value_of_text(const char *p, size_t len);

/* A member of a map; NULL where it has none of this name. */
const msgpack_object *value_member(const msgpack_object *map, const char *key);

#endif
