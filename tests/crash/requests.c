/*
 * requests.c - what was asked, and what the origin's log says of it.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "tests/crash/requests.h"

struct request {
	const char *label;
	enum request_times times;
	bool has_body, was_told;
	uint64_t hash, len;
	unsigned seen; /* executions */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct request *requests; /* number n is element n - 1 */
static unsigned count, capacity;

/* Sessions: number n is element n - 1, how often it was ended. */
static unsigned *session_ends, session_count, session_cap;
static unsigned sessions_checked;

/* How far the log is read, and the X-Id of its n-th request. */
static long log_at;
static unsigned *id_of;
static unsigned id_cap;

unsigned
request_new(
    const char *label, enum request_times times, const struct bytes *body)
{
	struct request r = { .label = label, .times = times };
	unsigned id;

	if (body != NULL) {
		r.has_body = true;
		r.len = body->len;
		r.hash = XXH64(body->data, body->len, 0);
	}
	pthread_mutex_lock(&lock);
	if (count == capacity) {
		capacity = capacity > 0 ? 2 * capacity : 1024;
		requests = realloc(requests, capacity * sizeof(*requests));
		if (requests == NULL)
			abort();
	}
	requests[count] = r;
	id = ++count;
	pthread_mutex_unlock(&lock);
	return id;
}

void
request_new_session(char ret[SESSION_CAP])
{
	pthread_mutex_lock(&lock);
	if (session_count == session_cap) {
		session_cap = session_cap > 0 ? 2 * session_cap : 1024;
		session_ends =
		    realloc(session_ends, session_cap * sizeof(*session_ends));
		if (session_ends == NULL)
			abort();
	}
	session_ends[session_count++] = 0;
	snprintf(ret, SESSION_CAP, "crash-%d-%u", (int)getpid(), session_count);
	pthread_mutex_unlock(&lock);
}

bool
request_session_ended(const char *session)
{
	unsigned number = (unsigned)atoi(strrchr(session, '-') + 1);
	bool ended;

	pthread_mutex_lock(&lock);
	ended = session_ends[number - 1] > 0;
	pthread_mutex_unlock(&lock);
	return ended;
}

unsigned
requests_count(void)
{
	return count;
}

/* --- the log ------------------------------------------------------------- */

/* The number behind a key, 0 if it isn't there. */
static unsigned
number_behind(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at != NULL ? (unsigned)strtoul(at + strlen(key), NULL, 10) : 0;
}

static unsigned
complain(unsigned id, const char *what)
{
	struct request *r = &requests[id - 1];

	if (r->was_told)
		return 0;
	r->was_told = true;
	printf("request %u (%s): %s\n", id, r->label, what);
	return 1;
}

static void
remember_id(unsigned number, unsigned id)
{
	if (number >= id_cap) {
		unsigned cap = 2 * number + 1024;

		id_of = realloc(id_of, cap * sizeof(*id_of));
		if (id_of == NULL)
			abort();
		memset(id_of + id_cap, 0, (cap - id_cap) * sizeof(*id_of));
		id_cap = cap;
	}
	id_of[number] = id;
}

/* A DELETE: the end of a session. */
static unsigned
read_end(const char *line)
{
	char key[SESSION_CAP + 20];
	unsigned number;

	snprintf(key, sizeof(key), "Mcp-Session-Id: crash-%d-", (int)getpid());
	number = number_behind(line, key);
	if (number > 0 && number <= session_count &&
	    ++session_ends[number - 1] == 1)
		return 0;
	printf("the end of a session that was over, or never was: %s", line);
	return 1;
}

/* One execution. */
static unsigned
read_request(const char *line)
{
	unsigned id = number_behind(line, "X-Id: ");
	struct request *r;

	if (id == 0 || id > count) {
		printf("the origin saw a request that nobody sent: %s", line);
		return 1;
	}
	r = &requests[id - 1];
	if (strstr(line, "\"method\":\"DELETE\"") != NULL) {
		if (r->times == REQUEST_DELETE)
			r->seen++;
		return read_end(line);
	}
	if (r->times == REQUEST_NEVER)
		return complain(id, "seen by the origin");
	if (strstr(line, "Last-Event-ID: ") != NULL)
		return 0;
	remember_id(number_behind(line, "\"number\":"), id);
	if (++r->seen == 1 || r->times == REQUEST_AND_AGAIN)
		return 0;
	return complain(id, "executed more than once");
}

static unsigned
read_body(const char *line)
{
	unsigned number = number_behind(line, "\"number\":"), id;
	const struct request *r;
	char hash[64];

	id = number < id_cap ? id_of[number] : 0;
	if (id == 0 || !requests[id - 1].has_body)
		return 0;
	r = &requests[id - 1];
	snprintf(hash, sizeof(hash), "\"hash\":\"%016llx\"",
	    (unsigned long long)r->hash);
	if (strstr(line, "\"complete\":true") == NULL)
		return complain(id, "its body did not come in whole");
	if (strstr(line, hash) == NULL)
		return complain(id, "its body came in changed");
	return 0;
}

static unsigned
check_missing(void)
{
	unsigned faults = 0;

	for (unsigned id = 1; id <= count; id++) {
		if (requests[id - 1].times != REQUEST_AT_MOST_ONCE &&
		    requests[id - 1].times != REQUEST_NEVER &&
		    requests[id - 1].seen == 0)
			faults += complain(id, "never executed");
	}
	for (; sessions_checked < session_count; sessions_checked++) {
		if (session_ends[sessions_checked] != 0)
			continue;
		printf("session %u was never ended\n", sessions_checked + 1);
		faults++;
	}
	return faults;
}

unsigned
requests_check(const char *log, bool final)
{
	FILE *file = fopen(log, "re");
	unsigned faults = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	pthread_mutex_lock(&lock);
	if (file == NULL || fseek(file, log_at, SEEK_SET) != 0)
		abort();
	while ((n = getline(&line, &cap, file)) > 0 && line[n - 1] == '\n') {
		if (strstr(line, "\"event\":\"request\"") != NULL)
			faults += read_request(line);
		else if (strstr(line, "\"event\":\"body\"") != NULL)
			faults += read_body(line);
		else if (strstr(line, "\"event\":\"bad\"") != NULL)
			faults += (unsigned)(printf("origin: %s", line) > 0);
		log_at += n;
	}
	if (final)
		faults += check_missing();
	pthread_mutex_unlock(&lock);
	free(line);
	fclose(file);
	return faults;
}

void
requests_forget_log(void)
{
	log_at = 0;
	/* The proxy that would have ended them is gone. */
	sessions_checked = session_count;
	if (id_cap > 0)
		memset(id_of, 0, id_cap * sizeof(*id_of));
}
