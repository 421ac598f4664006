/*
 * fuzz_scrape.c - what a scraper sends: whatever it is, the answer is one of
 * a few, no byte beyond it is read, and it is the same however it came in
 * pieces.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/sc.h"
#include "supervisor/scrape_request.h"
#include "tests/fuzz/fuzz.h"

static void
check_result(unsigned status, const struct scrape_request *request,
    const char *buf, size_t len)
{
	sc_assert(status == 200 || status == 400 || status == 404 ||
		  status == 405 || status == 431 || status == 505);
	if (status != 200)
		return;
	sc_assert(request->target < SCRAPE_TARGET_COUNT);
	if (request->host.p != NULL)
		sc_assert(request->host.p >= buf &&
			  request->host.p + request->host.len <= buf + len);
}

/* In a copy of its own length, so that a read beyond it is seen. */
static unsigned
read_start(const uint8_t *data, size_t len)
{
	struct scrape_request request;
	char *buf = malloc(len + (len == 0));
	unsigned status;

	sc_assert(buf != NULL);
	if (len > 0)
		memcpy(buf, data, len);
	status = scrape_request_read(buf, len, &request);
	if (status != 0)
		check_result(status, &request, buf, len);
	free(buf);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint32_t seed = fuzz_seed(data, len);
	size_t have = 0;
	unsigned first = 0;

	if (len == 0)
		return 0;
	while (have < len && first == 0) {
		have += fuzz_piece(&seed, len - have);
		first = read_start(data, have);
	}
	/* More bytes change nothing. */
	sc_assert(read_start(data, len) == first);
	return 0;
}
