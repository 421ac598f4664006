/*
 * fuzz_ctl.c - frames of the control socket: whatever came, what is found
 * clean is decoded with bounded memory; a request that was accepted is the
 * same again after a journey.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/ctl_proto.h"
#include "tests/fuzz/fuzz.h"

static void
check_request(const char *p, size_t len)
{
	static struct ctl_request first, again;
	char buf[CTL_REQUEST_CAP];
	const char *why = NULL;
	size_t n;

	if (ctl_request_decode(p, len, &first, &why) != 0) {
		sc_assert(why != NULL);
		return;
	}
	n = ctl_request_encode(&first, buf);
	sc_assert(n > CTL_HEAD_LEN);
	sc_assert(ctl_frame_len(buf) == n - CTL_HEAD_LEN);
	sc_assert(ctl_request_decode(
		      buf + CTL_HEAD_LEN, n - CTL_HEAD_LEN, &again, &why) == 0);
	sc_assert(memcmp(&first, &again, sizeof(first)) == 0);
}

static void
check_answer(const char *p, size_t len)
{
	struct ctl_answer answer;
	msgpack_unpacked memory;

	msgpack_unpacked_init(&memory);
	if (ctl_answer_decode(p, len, &memory, &answer) == 0) {
		sc_assert(ctl_is_clean(p, len));
		sc_assert(answer.body.type == (answer.kind == CTL_ANSWER_ROWS
						      ? MSGPACK_OBJECT_ARRAY
						      : MSGPACK_OBJECT_STR));
	}
	msgpack_unpacked_destroy(&memory);
}

/* What we find clean, msgpack takes whole. */
static void
check_clean(const char *p, size_t len)
{
	msgpack_unpacked memory;
	size_t used = 0;

	if (!ctl_is_clean(p, len))
		return;
	msgpack_unpacked_init(&memory);
	sc_assert(msgpack_unpack_next(&memory, p, len, &used) ==
		  MSGPACK_UNPACK_SUCCESS);
	sc_assert(used == len);
	msgpack_unpacked_destroy(&memory);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *buf = fuzz_copy(data, len);

	check_clean(buf, len);
	check_request(buf, len);
	check_answer(buf, len);
	free(buf);
	return 0;
}
