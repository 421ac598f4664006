/*
 * metrics.c - all metrics in Prometheus' text format (version 0.0.4: "# HELP",
 * "# TYPE", then the samples of that name).
 */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/claim.h"
#include "common/clock.h"
#include "supervisor/control_rows.h"
#include "supervisor/look.h"
#include "supervisor/metrics.h"
#include "supervisor/metrics_table.h"

#define EXTENT_BYTES ((uint64_t)CLAIM_EXTENT * SHM_BLOCK_SIZE)

struct page {
	char *buf;
	size_t cap;
	size_t len;
};

/* --- lines ---------------------------------------------------------------- */

/* Add a line, or leave it away whole. */
static void add_line(struct page *page, const char *fmt, ...) SC_PRINTF(2, 3);

static void
add_line(struct page *page, const char *fmt, ...)
{
	size_t room = page->cap - page->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(page->buf + page->len, room, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < room)
		page->len += (size_t)n;
}

static void
add_head(
    struct page *page, const char *name, const char *type, const char *help)
{
	add_line(page, "# HELP shadowcat_%s %s\n", name, help);
	add_line(page, "# TYPE shadowcat_%s %s\n", name, type);
}

/* --- values of the supervisor ----------------------------------------------
 */

static double
start_time(const struct supervisor *sv)
{
	return (double)clock_wall_ms() / 1e3 -
	       control_rows_since(sv->started_ms);
}

/* What grows with the work; a handful beside it is always there. */
static uint64_t
descriptors_used(const struct supervisor *sv)
{
	return (uint64_t)sv->vault.tables[SOCKET_CLIENT].used +
	       sv->vault.tables[SOCKET_UPSTREAM].used + sv->listeners.count +
	       sv->scrape.listeners.count + sv->control.count +
	       sv->scrape.count + worker_table_living(&sv->workers);
}

static double
descriptors_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur
						     : 0;
}

static void
add_build(struct page *page, const struct supervisor *sv, const struct tally *t)
{
	(void)sv;
	(void)t;
	add_line(
	    page, "shadowcat_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
}

static void
add_deaths(
    struct page *page, const struct supervisor *sv, const struct tally *t)
{
	(void)t;
	for (unsigned i = 0; i < DEATH_KIND_COUNT; i++)
		add_line(page,
		    "shadowcat_worker_deaths_total{kind=\"%s\"} %" PRIu64 "\n",
		    deaths_kind_word(i), sv->deaths.by_kind[i]);
}

static void
add_lags(struct page *page, const struct supervisor *sv, const struct tally *t)
{
	const struct shm_worker *w;

	(void)t;
	for (uint32_t i = 0; i < sv->workers.wanted; i++) {
		w = &sv->shm.workers[i];
		add_line(page,
		    "shadowcat_worker_loop_lag_seconds{worker=\"%" PRIu32
		    "\"} %.6f\n",
		    i,
		    (double)atomic_load_explicit(
			&w->lag_us, memory_order_relaxed) /
			1e6);
	}
}

static void
add_streams(
    struct page *page, const struct supervisor *sv, const struct tally *t)
{
	(void)sv;
	for (unsigned era = 0; era < TALLY_ERAS; era++) {
		for (unsigned i = STREAM_FREE + 1; i < STREAM_PHASE_COUNT; i++)
			add_line(page,
			    "shadowcat_streams{state=\"%s\",era=\"%s\"} "
			    "%" PRIu32 "\n",
			    look_stream_phase(i), look_stream_era(era),
			    t->streams_in[era][i]);
	}
}

/* --- values of the workers --------------------------------------------------
 */

/* Rows of one metric stand together: its head comes before the first. */
static void
add_counter(struct page *page, const struct shm *shm, unsigned which,
    const char *name, const char *labels, const char *help)
{
	bool labelled = labels[0] != '\0';

	if (help[0] != '\0')
		add_head(page, name, "counter", help);
	add_line(page, "shadowcat_%s%s%s%s %" PRIu64 "\n", name,
	    labelled ? "{" : "", labels, labelled ? "}" : "",
	    look_counter(shm, which));
}

static void
add_counters(struct page *page, const struct shm *shm)
{
	char labels[64];

#define X(id, name, labels, help)                                              \
	add_counter(page, shm, COUNTER_##id, name, labels, help);
	COUNTERS(X)
#undef X
#define X(id, name, label, values, word, help)                                 \
	for (unsigned i = 0; i < (values); i++) {                              \
		(void)snprintf(                                                \
		    labels, sizeof(labels), label "=\"%s\"", word(i));         \
		add_counter(page, shm, COUNTER_##id + i, name, labels,         \
		    i == 0 ? (help) : "");                                     \
	}
	COUNTER_VECTORS(X)
#undef X
}

static void
add_histogram(struct page *page, const struct shm *shm,
    enum histogram_name which, const char *name, const char *help)
{
	struct look_histogram h;
	uint64_t count = 0;

	look_histogram(shm, which, &h);
	add_head(page, name, "histogram", help);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		count += h.bucket[i];
		add_line(page, "shadowcat_%s_bucket{le=\"%s\"} %" PRIu64 "\n",
		    name, histogram_bound(i), count);
	}
	add_line(page, "shadowcat_%s_sum %.6f\n", name, (double)h.sum_us / 1e6);
	add_line(page, "shadowcat_%s_count %" PRIu64 "\n", name, count);
}

/* --- all of them -------------------------------------------------------- */

size_t
metrics_write(
    const struct supervisor *sv, const struct tally *t, char *buf, size_t cap)
{
	struct page page = { buf, cap, 0 };

#define X(name, type, add, help)                                               \
	add_head(&page, name, #type, help);                                    \
	add(&page, sv, t);
	METRICS_LABELLED(X)
#undef X
#define X(name, type, value, help)                                             \
	add_head(&page, name, #type, help);                                    \
	add_line(&page, "shadowcat_%s %.15g\n", name, (double)(value));
	METRICS_PLAIN(X)
#undef X
	add_counters(&page, &sv->shm);
#define X(id, name, help)                                                      \
	add_histogram(&page, &sv->shm, HISTOGRAM_##id, name, help);
	HISTOGRAMS(X)
#undef X
	return page.len;
}
