/*
 * ctl_proto.c - what goes over the control socket.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/ctl_proto.h"

/* --- the table of commands ------------------------------------------------ */

static const struct ctl_command_row command_rows[] = {
#define X(name, words, arguments, least, most, changes, form, help)            \
	{ words, arguments, least, most, changes, CTL_FORM_##form, help },
	CTL_COMMANDS(X)
#undef X
};

const struct ctl_command_row *
ctl_command_row(enum ctl_command command)
{
	sc_assert(command < CTL_COMMAND_COUNT);
	return &command_rows[command];
}

enum ctl_command
ctl_command_find(const char *words, size_t len)
{
	unsigned i;

	for (i = 0; i < CTL_COMMAND_COUNT; i++) {
		if (strlen(command_rows[i].words) == len &&
		    memcmp(command_rows[i].words, words, len) == 0)
			break;
	}
	return (enum ctl_command)i;
}

/* --- frames ----------------------------------------------------------------
 */

uint32_t
ctl_frame_len(const char head[CTL_HEAD_LEN])
{
	uint32_t len;

	memcpy(&len, head, sizeof(len));
	return ntohl(len);
}

/* What is left to read. */
struct reader {
	const unsigned char *p;
	size_t left;
};

static bool
skip(struct reader *r, uint64_t n)
{
	if (n > r->left)
		return false;
	r->p += n;
	r->left -= (size_t)n;
	return true;
}

/* A number of `size` bytes, the greatest first. */
static bool
read_number(struct reader *r, unsigned size, uint32_t *ret)
{
	const unsigned char *p = r->p;

	*ret = 0;
	if (!skip(r, size))
		return false;
	while (size-- > 0)
		*ret = *ret << 8 | *p++;
	return true;
}

/* What a first byte announces (msgpack's specification, "Formats"). */
enum shape { SHAPE_BAD, SHAPE_PLAIN, SHAPE_TEXT, SHAPE_ARRAY, SHAPE_MAP };

/* *ret: bytes that follow (PLAIN, TEXT), or elements. */
static enum shape
read_shape(struct reader *r, uint32_t *ret)
{
	static const unsigned char sizes[] = { 1, 2, 4, 8 };
	unsigned char first;

	if (r->left == 0)
		return SHAPE_BAD;
	first = *r->p;
	(void)skip(r, 1);
	*ret = 0;
	if (first <= 0x7f || first >= 0xe0 || first == 0xc0 || first == 0xc2 ||
	    first == 0xc3)
		return SHAPE_PLAIN; /* small integers, nil, booleans */
	if (first <= 0x8f || (first <= 0x9f)) {
		*ret = first & 0x0f;
		return first <= 0x8f ? SHAPE_MAP : SHAPE_ARRAY;
	}
	if (first <= 0xbf) {
		*ret = first & 0x1f;
		return SHAPE_TEXT;
	}
	if (first == 0xca || first == 0xcb) { /* floats */
		*ret = first == 0xca ? 4 : 8;
		return SHAPE_PLAIN;
	}
	if (first >= 0xcc && first <= 0xd3) { /* integers */
		*ret = sizes[first & 3];
		return SHAPE_PLAIN;
	}
	if (first >= 0xd9 && first <= 0xdb)
		return read_number(r, 1u << (first - 0xd9), ret) ? SHAPE_TEXT
								 : SHAPE_BAD;
	if (first >= 0xdc) /* array 16, array 32, map 16, map 32 */
		return !read_number(r, 2u << (first & 1), ret) ? SHAPE_BAD
		       : first <= 0xdd                         ? SHAPE_ARRAY
							       : SHAPE_MAP;
	return SHAPE_BAD; /* binary, extensions, what is never used */
}

static bool check_value(struct reader *r, unsigned depth);

static bool
check_text(struct reader *r)
{
	uint32_t n;

	return read_shape(r, &n) == SHAPE_TEXT && skip(r, n);
}

static bool
check_elements(struct reader *r, uint32_t n, bool with_keys, unsigned depth)
{
	/* Each takes a byte at least. */
	if (depth >= CTL_DEPTH_MAX || n > r->left)
		return false;
	while (n-- > 0) {
		if (with_keys && !check_text(r))
			return false;
		if (!check_value(r, depth + 1))
			return false;
	}
	return true;
}

/* The recursion ends at CTL_DEPTH_MAX. */
static bool
check_value(struct reader *r, unsigned depth)
{
	uint32_t n;

	switch (read_shape(r, &n)) {
	case SHAPE_PLAIN:
	case SHAPE_TEXT:
		return skip(r, n);
	case SHAPE_ARRAY:
		return check_elements(r, n, false, depth);
	case SHAPE_MAP:
		return check_elements(r, n, true, depth);
	case SHAPE_BAD:
		break;
	}
	return false;
}

bool
ctl_is_clean(const char *p, size_t len)
{
	struct reader r = { (const unsigned char *)p, len };

	return check_value(&r, 0) && r.left == 0;
}

/* --- requests --------------------------------------------------------------
 */

static void
write_head(char *buf, size_t len)
{
	uint32_t head = htonl((uint32_t)(len - CTL_HEAD_LEN));

	memcpy(buf, &head, sizeof(head));
}

static int
write_bytes(void *context, const char *p, size_t len)
{
	struct ctl_out *out = context;

	if (out->overflow || len > out->cap - out->len) {
		out->overflow = true;
		return -1;
	}
	memcpy(out->buf + out->len, p, len);
	out->len += len;
	return 0;
}

static msgpack_packer
packer_of(struct ctl_out *out)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, out, write_bytes);
	return pk;
}

static void
pack_bytes(msgpack_packer *pk, const char *p, size_t len)
{
	(void)msgpack_pack_str(pk, len);
	(void)msgpack_pack_str_body(pk, p, len);
}

static void
pack_text(msgpack_packer *pk, const char *text)
{
	pack_bytes(pk, text, strlen(text));
}

static void
pack_version(msgpack_packer *pk)
{
	pack_text(pk, "version");
	(void)msgpack_pack_uint32(pk, CTL_VERSION);
}

size_t
ctl_request_encode(const struct ctl_request *request, char *buf)
{
	struct ctl_out out;
	msgpack_packer pk;
	unsigned i;

	if (request->argument_count > CTL_ARGUMENTS_MAX)
		return 0;
	ctl_out_init(&out, buf, CTL_REQUEST_CAP);
	pk = packer_of(&out);
	(void)write_bytes(&out, "\0\0\0\0", CTL_HEAD_LEN);
	/* Daemons that do not know of force are not asked for it. */
	(void)msgpack_pack_map(&pk, request->force ? 5 : 4);
	pack_version(&pk);
	pack_text(&pk, "command");
	pack_text(&pk, ctl_command_row(request->command)->words);
	pack_text(&pk, "arguments");
	(void)msgpack_pack_array(&pk, request->argument_count);
	for (i = 0; i < request->argument_count; i++)
		pack_text(&pk, request->arguments[i]);
	pack_text(&pk, "bodies");
	(void)(request->bodies ? msgpack_pack_true(&pk)
			       : msgpack_pack_false(&pk));
	if (request->force) {
		pack_text(&pk, "force");
		(void)msgpack_pack_true(&pk);
	}
	if (out.overflow)
		return 0;
	write_head(buf, out.len);
	return out.len;
}

static bool
is_text(const msgpack_object *o, const char *text)
{
	return o->type == MSGPACK_OBJECT_STR &&
	       o->via.str.size == strlen(text) &&
	       memcmp(o->via.str.ptr, text, o->via.str.size) == 0;
}

/* An argument: short, without NUL, so that it is a string. */
static int
take_argument(const msgpack_object *o, struct ctl_request *ret)
{
	const msgpack_object_str *text = &o->via.str;
	char *to = ret->arguments[ret->argument_count];

	if (o->type != MSGPACK_OBJECT_STR || text->size >= CTL_ARGUMENT_CAP ||
	    (text->size > 0 && memchr(text->ptr, '\0', text->size) != NULL))
		return -EINVAL;
	if (text->size > 0)
		memcpy(to, text->ptr, text->size);
	to[text->size] = '\0';
	ret->argument_count++;
	return 0;
}

static int
take_arguments(
    const msgpack_object *o, struct ctl_request *ret, const char **ret_why)
{
	uint32_t i;

	*ret_why = "arguments: not a list of texts that are short enough";
	if (o->type != MSGPACK_OBJECT_ARRAY)
		return -EPROTO;
	if (o->via.array.size > CTL_ARGUMENTS_MAX)
		return -EINVAL;
	for (i = 0; i < o->via.array.size; i++) {
		if (take_argument(&o->via.array.ptr[i], ret) != 0)
			return -EINVAL;
	}
	return 0;
}

static int
take_command(
    const msgpack_object *o, struct ctl_request *ret, const char **ret_why)
{
	*ret_why = "command: not a text";
	if (o->type != MSGPACK_OBJECT_STR)
		return -EPROTO;
	ret->command = ctl_command_find(o->via.str.ptr, o->via.str.size);
	*ret_why = "no such command";
	return ret->command < CTL_COMMAND_COUNT ? 0 : -ENOENT;
}

static int
take_version(const msgpack_object *o, const char **ret_why)
{
	*ret_why = "version: not a number";
	if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return -EPROTO;
	*ret_why = "another version of the control protocol";
	return o->via.u64 == CTL_VERSION ? 0 : -EPROTONOSUPPORT;
}

static int
take_flag(const msgpack_object *o, bool *ret)
{
	if (o->type != MSGPACK_OBJECT_BOOLEAN)
		return -EPROTO;
	*ret = o->via.boolean;
	return 0;
}

/* Which keys a request has had. */
enum request_key {
	KEY_VERSION = 1 << 0,
	KEY_COMMAND = 1 << 1,
	KEY_ARGUMENTS = 1 << 2,
	KEY_BODIES = 1 << 3,
	KEY_FORCE = 1 << 4,
};

/* One key; *seen grows. */
static int
take_pair(const msgpack_object_kv *pair, unsigned *seen,
    struct ctl_request *ret, const char **ret_why)
{
	unsigned key = is_text(&pair->key, "version")     ? KEY_VERSION
		       : is_text(&pair->key, "command")   ? KEY_COMMAND
		       : is_text(&pair->key, "arguments") ? KEY_ARGUMENTS
		       : is_text(&pair->key, "bodies")    ? KEY_BODIES
		       : is_text(&pair->key, "force")     ? KEY_FORCE
							  : 0;

	*ret_why = key == 0 ? "a key that is not known" : "a key given twice";
	if (key == 0 || (*seen & key) != 0)
		return -EPROTO;
	*seen |= key;
	switch ((enum request_key)key) {
	case KEY_VERSION:
		return take_version(&pair->val, ret_why);
	case KEY_COMMAND:
		return take_command(&pair->val, ret, ret_why);
	case KEY_ARGUMENTS:
		return take_arguments(&pair->val, ret, ret_why);
	case KEY_BODIES:
		*ret_why = "bodies: neither true nor false";
		return take_flag(&pair->val, &ret->bodies);
	case KEY_FORCE:
		*ret_why = "force: neither true nor false";
		return take_flag(&pair->val, &ret->force);
	}
	return -EPROTO;
}

static int
take_request(
    const msgpack_object *o, struct ctl_request *ret, const char **ret_why)
{
	const struct ctl_command_row *row;
	unsigned seen = 0;
	uint32_t i;
	int r;

	*ret_why = "not a map";
	if (o->type != MSGPACK_OBJECT_MAP)
		return -EPROTO;
	for (i = 0; i < o->via.map.size; i++) {
		r = take_pair(&o->via.map.ptr[i], &seen, ret, ret_why);
		if (r != 0)
			return r;
	}
	*ret_why = "version or command is missing";
	if ((seen & KEY_VERSION) == 0 || (seen & KEY_COMMAND) == 0)
		return -EPROTO;
	row = ctl_command_row(ret->command);
	*ret_why = "too few or too many arguments for this command";
	return ret->argument_count >= row->least &&
		       ret->argument_count <= row->most
		   ? 0
		   : -EINVAL;
}

/* Decode what ctl_is_clean() has found to be so. */
static int
unpack(const char *p, size_t len, msgpack_unpacked *memory)
{
	if (!ctl_is_clean(p, len))
		return -EPROTO;
	switch (msgpack_unpack_next(memory, p, len, NULL)) {
	case MSGPACK_UNPACK_SUCCESS:
		return 0;
	case MSGPACK_UNPACK_NOMEM_ERROR:
		return -ENOMEM;
	default:
		return -EPROTO;
	}
}

int
ctl_request_decode(
    const char *p, size_t len, struct ctl_request *ret, const char **ret_why)
{
	msgpack_unpacked memory;
	int r;

	memset(ret, 0, sizeof(*ret));
	*ret_why = "not a request in msgpack";
	msgpack_unpacked_init(&memory);
	r = unpack(p, len, &memory);
	if (r == 0)
		r = take_request(&memory.data, ret, ret_why);
	msgpack_unpacked_destroy(&memory);
	return r;
}

/* --- writing answers -------------------------------------------------------
 */

void
ctl_out_init(struct ctl_out *out, char *buf, size_t cap)
{
	*out = (struct ctl_out){ .buf = buf, .cap = cap };
}

/* A frame with a version and one more key, whose value comes next. */
static void
begin_frame(struct ctl_out *out, const char *key)
{
	msgpack_packer pk = packer_of(out);

	out->overflow = false;
	out->frame = out->len;
	(void)write_bytes(out, "\0\0\0\0", CTL_HEAD_LEN);
	(void)msgpack_pack_map(&pk, 2);
	pack_version(&pk);
	pack_text(&pk, key);
}

static bool
end_frame(struct ctl_out *out)
{
	bool fits = !out->overflow;

	if (fits)
		write_head(out->buf + out->frame, out->len - out->frame);
	else
		out->len = out->frame;
	out->overflow = false;
	return fits;
}

/* Counts that are known later are written in their longest form. */
static void
write_array32(struct ctl_out *out)
{
	(void)write_bytes(out, "\xdd\0\0\0\0", 5);
}

static void
write_map32(struct ctl_out *out)
{
	(void)write_bytes(out, "\xdf\0\0\0\0", 5);
}

static void
patch_count(struct ctl_out *out, size_t at, uint32_t count)
{
	count = htonl(count);
	memcpy(out->buf + at + 1, &count, sizeof(count));
}

void
ctl_rows_begin(struct ctl_out *out)
{
	begin_frame(out, "rows");
	out->rows = 0;
	out->rows_at = out->len;
	write_array32(out);
}

void
ctl_rows_end(struct ctl_out *out)
{
	if (out->rows == 0)
		out->overflow = true;
	else
		patch_count(out, out->rows_at, out->rows);
	(void)end_frame(out);
}

void
ctl_row_begin(struct ctl_out *out)
{
	out->row = out->len;
	out->fields = 0;
	write_map32(out);
}

bool
ctl_row_end(struct ctl_out *out)
{
	if (out->overflow) {
		out->len = out->row;
		/* Where not even the frame's own beginning fitted. */
		out->overflow = out->row < out->rows_at + 5;
		return false;
	}
	patch_count(out, out->row, out->fields);
	out->rows++;
	return true;
}

static msgpack_packer
begin_field(struct ctl_out *out, const char *key)
{
	msgpack_packer pk = packer_of(out);

	pack_text(&pk, key);
	out->fields++;
	return pk;
}

void
ctl_put_text(struct ctl_out *out, const char *key, const char *text)
{
	ctl_put_bytes(out, key, text, strlen(text));
}

void
ctl_put_bytes(struct ctl_out *out, const char *key, const char *p, size_t len)
{
	msgpack_packer pk = begin_field(out, key);

	pack_bytes(&pk, p, len);
}

void
ctl_put_uint(struct ctl_out *out, const char *key, uint64_t value)
{
	msgpack_packer pk = begin_field(out, key);

	(void)msgpack_pack_uint64(&pk, value);
}

void
ctl_put_number(struct ctl_out *out, const char *key, double value)
{
	msgpack_packer pk = begin_field(out, key);

	(void)msgpack_pack_double(&pk, value);
}

void
ctl_put_bool(struct ctl_out *out, const char *key, bool value)
{
	msgpack_packer pk = begin_field(out, key);

	(void)(value ? msgpack_pack_true(&pk) : msgpack_pack_false(&pk));
}

void
ctl_put_nil(struct ctl_out *out, const char *key)
{
	msgpack_packer pk = begin_field(out, key);

	(void)msgpack_pack_nil(&pk);
}

static bool
put_frame(struct ctl_out *out, const char *key, const char *p, size_t len)
{
	msgpack_packer pk = packer_of(out);

	begin_frame(out, key);
	pack_bytes(&pk, p, len);
	return end_frame(out);
}

bool
ctl_put_piece(struct ctl_out *out, const char *p, size_t len)
{
	return put_frame(out, "text", p, len);
}

bool
ctl_put_done(struct ctl_out *out, const char *text)
{
	return put_frame(out, "done", text, strlen(text));
}

bool
ctl_put_error(struct ctl_out *out, const char *text)
{
	return put_frame(out, "error", text, strlen(text));
}

/* --- reading answers -------------------------------------------------------
 */

/* TABLE: a key of an answer, and the type of its value. */
static const struct {
	const char *key;
	msgpack_object_type type;
} answers[] = {
	[CTL_ANSWER_ROWS] = { "rows", MSGPACK_OBJECT_ARRAY },
	[CTL_ANSWER_TEXT] = { "text", MSGPACK_OBJECT_STR },
	[CTL_ANSWER_DONE] = { "done", MSGPACK_OBJECT_STR },
	[CTL_ANSWER_ERROR] = { "error", MSGPACK_OBJECT_STR },
};

static bool
are_rows(const msgpack_object_array *array)
{
	uint32_t i;

	for (i = 0; i < array->size; i++) {
		if (array->ptr[i].type != MSGPACK_OBJECT_MAP)
			return false;
	}
	return true;
}

static int
take_answer(const msgpack_object_kv *pair, struct ctl_answer *ret)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(answers); i++) {
		if (!is_text(&pair->key, answers[i].key))
			continue;
		if (pair->val.type != answers[i].type)
			return -EPROTO;
		if (i == CTL_ANSWER_ROWS && !are_rows(&pair->val.via.array))
			return -EPROTO;
		ret->kind = (enum ctl_answer_kind)i;
		ret->body = pair->val;
		return 0;
	}
	return -EPROTO;
}

int
ctl_answer_decode(
    const char *p, size_t len, msgpack_unpacked *memory, struct ctl_answer *ret)
{
	const msgpack_object_map *map;
	const char *why;
	int r = unpack(p, len, memory);

	if (r != 0)
		return r;
	map = &memory->data.via.map;
	if (memory->data.type != MSGPACK_OBJECT_MAP || map->size != 2 ||
	    !is_text(&map->ptr[0].key, "version"))
		return -EPROTO;
	r = take_version(&map->ptr[0].val, &why);
	return r != 0 ? r : take_answer(&map->ptr[1], ret);
}
