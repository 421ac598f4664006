/*
 * http_names.c - look-ups over the tables of names.
 */
#include "config.h"

#include "common/http_chars.h"
#include "common/http_names.h"
#include "common/http_statuses.h"
#include "common/sc.h"

/*
 * The slot of a field name, by its length and its first and last letter in
 * lower case: no two rows of HTTP_FIELDS share one.
 */
#define HTTP_FIELD_SLOT(len, first, last)                                      \
	((uint8_t)((len) + 6 * (unsigned)(first) + 3 * (unsigned)(last)))

struct field_row {
	struct http_slice name;
	unsigned flags;
};

static const struct field_row field_rows[HTTP_FIELD_COUNT] = {
	{ HTTP_SLICE(""), 0 },
#define X(id, name, first, last, flags) { HTTP_SLICE(name), flags },
	HTTP_FIELDS(X)
#undef X
};

static const uint8_t field_slots[256] = {
#define X(id, name, first, last, flags)                                        \
	[HTTP_FIELD_SLOT(sizeof(name) - 1, first, last)] = HTTP_FIELD_##id,
	HTTP_FIELDS(X)
#undef X
};

static const struct http_slice method_names[HTTP_METHOD_COUNT] = { { NULL, 0 },
#define X(id) HTTP_SLICE(#id),
	HTTP_METHODS(X)
#undef X
};

struct fault_row {
	unsigned status;
	const char *name;
	const char *text;
};

static const struct fault_row fault_rows[HTTP_FAULT_COUNT] = {
	{ 0, "NONE", "" },
#define X(id, status, text) { status, #id, text },
	HTTP_FAULTS(X)
#undef X
};

enum http_method_id
http_method_lookup(struct http_slice name)
{
	for (unsigned i = 1; i < HTTP_METHOD_COUNT; i++) {
		if (http_slice_equals(name, method_names[i]))
			return (enum http_method_id)i;
	}
	return HTTP_METHOD_OTHER;
}

const char *
http_method_name(enum http_method_id method)
{
	return method < HTTP_METHOD_COUNT ? method_names[method].p : NULL;
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/*
 * Are eight bytes those of a known name, in any case of letters?  Those of
 * ASCII differ in bit 5, and among the bytes of known names (letters, digits
 * and '-') they alone have bit 6.
 */
static bool
same_eight(const char *p, const char *known)
{
	uint64_t a, b;

	memcpy(&a, p, sizeof(a));
	memcpy(&b, known, sizeof(b));
	return ((a ^ b) & ~((b & EACH_BYTE(0x40)) >> 1)) == 0;
}

/* The same for a known name's length; nothing but a token is the same. */
static bool
same_name(const char *name, const char *known, uint32_t len)
{
	uint32_t i = 0;

	for (; len - i >= 8; i += 8) {
		if (!same_eight(name + i, known + i))
			return false;
	}
	if (len >= 8) /* the rest, with some that were compared before */
		return same_eight(name + len - 8, known + len - 8);
	for (; i < len; i++) {
		if ((name[i] ^ known[i]) & ~((known[i] & 0x40) >> 1))
			return false;
	}
	return true;
}

enum http_field_id
http_field_lookup(struct http_slice name)
{
	const struct field_row *row;
	uint8_t id;

	if (name.len == 0)
		return HTTP_FIELD_OTHER;
	id = field_slots[HTTP_FIELD_SLOT(name.len, http_char_fold(name.p[0]),
	    http_char_fold(name.p[name.len - 1]))];
	row = &field_rows[id];
	if (row->name.len != name.len ||
	    !same_name(name.p, row->name.p, name.len))
		return HTTP_FIELD_OTHER;
	return (enum http_field_id)id;
}

struct http_slice
http_field_name(enum http_field_id id)
{
	sc_assert(id < HTTP_FIELD_COUNT);
	return field_rows[id].name;
}

unsigned
http_field_flags(enum http_field_id id)
{
	sc_assert(id < HTTP_FIELD_COUNT);
	return field_rows[id].flags;
}

static const struct fault_row *
fault_row(enum http_fault fault)
{
	return &fault_rows[fault < HTTP_FAULT_COUNT ? fault : 0];
}

unsigned
http_fault_status(enum http_fault fault)
{
	return fault_row(fault)->status;
}

const char *
http_fault_name(enum http_fault fault)
{
	return fault_row(fault)->name;
}

const char *
http_fault_text(enum http_fault fault)
{
	return fault_row(fault)->text;
}

const char *
http_status_reason(unsigned status)
{
	switch (status) {
#define X(code, reason)                                                        \
	case code:                                                             \
		return reason;
		HTTP_STATUSES(X)
#undef X
	}
	return "Unknown";
}
