/*
 * http_slice.c - comparing slices, and reading the values of fields.
 */
#include "config.h"

#include <errno.h>

#include "common/http_slice.h"

static uint8_t
lower(char c)
{
	return (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool
http_slice_equals(struct http_slice a, struct http_slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool
http_slice_equals_nocase(struct http_slice a, struct http_slice b)
{
	if (a.len != b.len)
		return false;
	for (uint32_t i = 0; i < a.len; i++) {
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	}
	return true;
}

/* Take what is before the separator off s; the separator goes, too. */
static struct http_slice
take_until(struct http_slice *s, char separator)
{
	struct http_slice part = *s;
	const char *at = memchr(s->p, separator, s->len);

	if (at == NULL) {
		s->p += s->len;
		s->len = 0;
		return part;
	}
	part.len = (uint32_t)(at - s->p);
	s->p += part.len + 1;
	s->len -= part.len + 1;
	return part;
}

bool
http_list_next(struct http_slice *list, struct http_slice *ret_element)
{
	while (list->len > 0) {
		struct http_slice element =
		    http_slice_trim(take_until(list, ','));

		if (element.len > 0) {
			*ret_element = element;
			return true;
		}
	}
	return false;
}

bool
http_value_has_token(struct http_slice list, const char *token)
{
	struct http_slice want = http_slice_of(token), element;

	while (http_list_next(&list, &element)) {
		if (http_slice_equals_nocase(element, want))
			return true;
	}
	return false;
}

bool
http_media_type_is(struct http_slice value, const char *type)
{
	if (value.len == 0)
		return false;
	return http_slice_equals_nocase(
	    http_slice_trim(take_until(&value, ';')), http_slice_of(type));
}

int
http_number_parse(struct http_slice s, int64_t *ret_number)
{
	int64_t number = 0;

	if (s.len == 0)
		return -EINVAL;
	for (uint32_t i = 0; i < s.len; i++) {
		int digit = s.p[i] - '0';

		if (digit < 0 || digit > 9 ||
		    __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return -EINVAL;
	}
	*ret_number = number;
	return 0;
}
