/*
 * exposition.c - metrics, read strictly.
 */
#include "config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/exposition.h"

#define NAME_CAP 128
#define LINE_CAP 1024
#define SEEN_MAX 4096

struct reader {
	char family[NAME_CAP]; /* "" before the first */
	char type[16];         /* "" before its TYPE */
	unsigned samples;      /* of it */
	double le, in_bucket;  /* of its bucket before; in_bucket < 0: none */
	bool has_sum, has_count;
	char *seen[SEEN_MAX]; /* names, and samples with labels */
	unsigned seen_count;
	char why[LINE_CAP];
};

static bool complain(struct reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool
complain(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	return false;
}

/* Note it; false if it was there before. */
static bool
is_new(struct reader *r, const char *what)
{
	for (unsigned i = 0; i < r->seen_count; i++) {
		if (strcmp(r->seen[i], what) == 0)
			return complain(r, "stands there twice: %s", what);
	}
	if (r->seen_count == SEEN_MAX)
		return complain(r, "too many");
	r->seen[r->seen_count++] = strdup(what);
	return true;
}

static bool
ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static size_t
name_len(const char *p)
{
	size_t n = 0;

	while (islower((unsigned char)p[n]) || p[n] == '_' ||
	       (n > 0 && isdigit((unsigned char)p[n])))
		n++;
	return n;
}

/* --- the end of a metric ----------------------------------------------------
 */

static bool
finish(struct reader *r)
{
	bool histogram = strcmp(r->type, "histogram") == 0;

	if (r->family[0] == '\0')
		return true;
	if (r->type[0] == '\0')
		return complain(r, "%s has no TYPE", r->family);
	if (r->samples == 0)
		return complain(r, "%s has no sample", r->family);
	if (histogram && (!r->has_sum || !r->has_count))
		return complain(r, "%s is not whole", r->family);
	if (ends_in(r->family, "_total") != (strcmp(r->type, "counter") == 0))
		return complain(r, "%s is a %s", r->family, r->type);
	return true;
}

/* --- comments ---------------------------------------------------------------
 */

static bool
take_help(struct reader *r, const char *rest)
{
	size_t n = name_len(rest);

	if (!finish(r))
		return false;
	if (n == 0 || n >= NAME_CAP || rest[n] != ' ' || rest[n + 1] == '\0')
		return complain(r, "HELP without help: %s", rest);
	(void)snprintf(r->family, sizeof(r->family), "%.*s", (int)n, rest);
	r->type[0] = '\0';
	r->samples = 0;
	r->in_bucket = -1;
	r->has_sum = r->has_count = false;
	if (strncmp(r->family, "shadowcat_", 10) != 0)
		return complain(r, "%s is not ours", r->family);
	return is_new(r, r->family);
}

static bool
take_type(struct reader *r, const char *rest)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	size_t n = name_len(rest);

	if (n != strlen(r->family) || strncmp(rest, r->family, n) != 0 ||
	    r->type[0] != '\0' || rest[n] != ' ')
		return complain(r, "not the TYPE of %s: %s", r->family, rest);
	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(rest + n + 1, types[i]) == 0)
			(void)snprintf(
			    r->type, sizeof(r->type), "%s", types[i]);
	}
	return r->type[0] != '\0' || complain(r, "no type: %s", rest);
}

/* --- samples ----------------------------------------------------------------
 */

/* The length of {name="value",...}; 0 where there is none, -1: malformed. */
static int
labels_len(const char *p)
{
	const char *start = p;
	size_t n;

	if (*p != '{')
		return 0;
	do {
		p++;
		n = name_len(p);
		if (n == 0 || p[n] != '=' || p[n + 1] != '"')
			return -1;
		p += n + 2;
		p += strcspn(p, "\"\\");
		if (*p++ != '"')
			return -1;
	} while (*p == ',');
	return *p == '}' ? (int)(p + 1 - start) : -1;
}

static bool
take_bucket(struct reader *r, const char *labels, double value)
{
	double le;
	char *end;

	if (strncmp(labels, "{le=\"", 5) != 0)
		return complain(r, "a bucket of %s without le", r->family);
	le = strtod(labels + 5, &end);
	if (strcmp(end, "\"}") != 0)
		return complain(r, "%s: le %s", r->family, labels);
	if (r->in_bucket >= 0 && (le <= r->le || value < r->in_bucket))
		return complain(
		    r, "%s: le %s does not grow", r->family, labels);
	r->le = le;
	r->in_bucket = value;
	return true;
}

static bool
take_part(struct reader *r, const char *part, const char *labels, double value)
{
	if (strcmp(part, "_bucket") == 0)
		return take_bucket(r, labels, value);
	if (labels[0] != '\0')
		return complain(r, "%s%s has labels", r->family, part);
	if (strcmp(part, "_sum") == 0) {
		r->has_sum = true;
		return true;
	}
	r->has_count = true;
	if (strcmp(part, "_count") != 0 || value != r->in_bucket ||
	    r->le < 1e300)
		return complain(r, "%s%s: not all of it", r->family, part);
	return true;
}

static bool
take_value(struct reader *r, const char *part, const char *labels,
    const char *text, double value)
{
	r->samples++;
	if (strcmp(r->type, "histogram") == 0)
		return take_part(r, part, labels, value);
	if (part[0] != '\0')
		return complain(r, "%s%s in its place", r->family, part);
	if (strcmp(r->type, "counter") == 0 &&
	    strspn(text, "0123456789") != strlen(text))
		return complain(r, "%s counts %s", r->family, text);
	return r->type[0] != '\0' || complain(r, "before its TYPE: %s", part);
}

static bool
take_sample(struct reader *r, char *line)
{
	size_t family = strlen(r->family), n = name_len(line);
	int len = labels_len(line + n);
	char part[NAME_CAP], labels[LINE_CAP], *text, *end;
	double value;

	if (len < 0 || n < family || strncmp(line, r->family, family) != 0 ||
	    family == 0 || line[n + (size_t)len] != ' ')
		return complain(r, "not a sample of %s: %s", r->family, line);
	text = line + n + len + 1;
	value = strtod(text, &end);
	if (end == text || *end != '\0')
		return complain(r, "no number: %s", line);
	(void)snprintf(
	    part, sizeof(part), "%.*s", (int)(n - family), line + family);
	(void)snprintf(labels, sizeof(labels), "%.*s", len, line + n);
	text[-1] = '\0';
	/* A name alone may be that of the metric, which was noted. */
	if ((labels[0] != '\0' || part[0] != '\0' || r->samples > 0) &&
	    !is_new(r, line))
		return false;
	return take_value(r, part, labels, text, value);
}

static bool
take_line(struct reader *r, char *line)
{
	if (strncmp(line, "# HELP ", 7) == 0)
		return take_help(r, line + 7);
	if (strncmp(line, "# TYPE ", 7) == 0)
		return take_type(r, line + 7);
	return take_sample(r, line);
}

/* --- all of it ---------------------------------------------------------- */

static bool
read_all(struct reader *r, const char *text)
{
	char line[LINE_CAP];
	const char *end;

	for (; *text != '\0'; text = end + 1) {
		end = strchr(text, '\n');
		if (end == NULL || end - text >= LINE_CAP)
			return complain(r, "no line: %.100s", text);
		(void)snprintf(
		    line, sizeof(line), "%.*s", (int)(end - text), text);
		if (!take_line(r, line))
			return false;
	}
	return finish(r);
}

const char *
exposition_check(const char *text)
{
	static struct reader r;
	bool good;

	memset(&r, 0, sizeof(r));
	good = read_all(&r, text);
	for (unsigned i = 0; i < r.seen_count; i++)
		free(r.seen[i]);
	return good ? NULL : r.why;
}

double
exposition_value(const char *text, const char *sample)
{
	size_t len = strlen(sample);

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, sample, len) == 0 && line[len] == ' ')
			return strtod(line + len + 1, NULL);
	}
	return -1;
}
