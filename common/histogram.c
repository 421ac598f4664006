/*
 * histogram.c - how long things take.
 */
#include "config.h"

#include "common/histogram.h"
#include "common/sc.h"

static const struct {
	uint64_t us;
	const char *seconds;
} bounds[] = {
#define X(us, seconds) { us, seconds },
	HISTOGRAM_BOUNDS(X)
#undef X
};
_Static_assert(ARRAY_LEN(bounds) == HISTOGRAM_BUCKETS, "a bucket a bound");

/* One writer, so no locked add. */
static void
add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_store_explicit(to,
	    atomic_load_explicit(to, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

void
histogram_observe(struct histogram *h, uint64_t us)
{
	unsigned i = 0;

	/* What is common is short, and found at once. */
	while (us > bounds[i].us)
		i++;
	add(&h->bucket[i], 1);
	add(&h->sum_us, us);
}

const char *
histogram_bound(unsigned bucket)
{
	return bounds[bucket].seconds;
}
