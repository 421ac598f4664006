/*
 * value.c - from msgpack to JSON.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/log_escape.h"
#include "ctl/value.h"

json_t *
value_of_text(const char *p, size_t len)
{
	json_t *text = json_stringn(p, len);
	size_t cap = 4 * len + 1;
	char *buf;

	if (text != NULL)
		return text;
	buf = malloc(cap);
	if (buf == NULL)
		return NULL;
	text = json_stringn(buf, log_escape(p, len, buf, cap));
	free(buf);
	return text;
}

static json_t *
to_array(const msgpack_object_array *array)
{
	json_t *to = json_array();

	for (uint32_t i = 0; to != NULL && i < array->size; i++) {
		if (json_array_append_new(to, value_to_json(&array->ptr[i])) <
		    0) {
			json_decref(to);
			return NULL;
		}
	}
	return to;
}

static int
add_member(json_t *to, const msgpack_object_kv *pair)
{
	const msgpack_object_str *key = &pair->key.via.str;
	char name[64];

	if (pair->key.type != MSGPACK_OBJECT_STR || key->size >= sizeof(name))
		return -1;
	memcpy(name, key->ptr, key->size);
	name[key->size] = '\0';
	return json_object_set_new(to, name, value_to_json(&pair->val));
}

static json_t *
to_object(const msgpack_object_map *map)
{
	json_t *to = json_object();

	for (uint32_t i = 0; to != NULL && i < map->size; i++) {
		if (add_member(to, &map->ptr[i]) < 0) {
			json_decref(to);
			return NULL;
		}
	}
	return to;
}

json_t *
value_to_json(const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_BOOLEAN:
		return json_boolean(o->via.boolean);
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return o->via.u64 <= INT64_MAX
			   ? json_integer((json_int_t)o->via.u64)
			   : json_real((double)o->via.u64);
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return json_integer(o->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return json_real(o->via.f64);
	case MSGPACK_OBJECT_STR:
		return value_of_text(o->via.str.ptr, o->via.str.size);
	case MSGPACK_OBJECT_ARRAY:
		return to_array(&o->via.array);
	case MSGPACK_OBJECT_MAP:
		return to_object(&o->via.map);
	default:
		return json_null();
	}
}

const msgpack_object *
value_member(const msgpack_object *map, const char *key)
{
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object_kv *pair = &map->via.map.ptr[i];

		if (pair->key.type == MSGPACK_OBJECT_STR &&
		    pair->key.via.str.size == strlen(key) &&
		    memcmp(pair->key.via.str.ptr, key, strlen(key)) == 0)
			return &pair->val;
	}
	return NULL;
}
