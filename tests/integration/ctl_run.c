/*
 * ctl_run.c - shadowcatctl, run against the rig's daemon.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/ask.h"
#include "tests/integration/ctl_run.h"

void
ctl_arguments(struct arguments *a, const char *words)
{
	char path[PATH_MAX];
	const char *given = getenv("SHADOWCATCTL");
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);

	ck_assert_int_gt(n, 0);
	path[n] = '\0';
	strcpy(strrchr(path, '/') + 1, "../../shadowcatctl");
	arguments_add(a, given != NULL ? given : path);
	arguments_add(a, "-s");
	arguments_add(a, rig.control);
	arguments_add_words(a, words);
}

void
ctl_start(struct process *p, const char *name, const char *words)
{
	struct arguments a = { 0 };

	ctl_arguments(&a, words);
	process_start(p, rig.dir, name, &a);
	arguments_fini(&a);
}

void
ctl_await(struct process *p, const char *words, int code)
{
	struct bytes err;

	ck_assert_int_ne(process_wait(p, SOON), PROCESS_STILL_RUNNING);
	file_read(p->err, &err);
	ck_assert_msg(p->code == code, "%s: code %d, not %d: %s", words,
	    p->code, code, err.data);
	bytes_fini(&err);
}

void
ctl(struct process *p, const char *words, int code)
{
	static unsigned count;
	char name[32];

	(void)snprintf(name, sizeof(name), "ctl%u", ++count);
	ctl_start(p, name, words);
	ctl_await(p, words, code);
}

void
ctl_says(const char *words, int code, const char *text)
{
	struct process p;
	struct bytes out;

	ctl(&p, words, code);
	file_read(code == 0 ? p.out : p.err, &out);
	ck_assert_msg(strstr(out.data, text) != NULL, "%s: no \"%s\" in: %s",
	    words, text, out.data);
	bytes_fini(&out);
}

json_t *
ctl_json(const char *words)
{
	char line[256];
	struct process p;
	struct bytes out;
	json_error_t error;
	json_t *json;

	(void)snprintf(line, sizeof(line), "--json %s", words);
	ctl(&p, line, 0);
	file_read(p.out, &out);
	json = json_loads(out.data, 0, &error);
	ck_assert_msg(json != NULL, "%s: %s", out.data, error.text);
	bytes_fini(&out);
	return json;
}

size_t
ctl_count_rows(const char *words)
{
	json_t *rows = ctl_json(words);
	size_t n = json_array_size(rows);

	ck_assert(json_is_array(rows));
	json_decref(rows);
	return n;
}

/* What lets the sessions' streams go on. */
#define GATE "ctl-session"

void
ctl_session_open(struct client *c, const char *id)
{
	struct client_event event;
	char script[256];

	(void)snprintf(script, sizeof(script),
	    "body; field \"Mcp-Session-Id: %s\"; "
	    "head 200 text/event-stream chunked; event id=%s-1 data=one; "
	    "await " GATE "; event id=%s-2 data=two",
	    id, id, id);
	ask_open(c);
	ask_send(c, "POST", script, "",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}");
	(void)client_read_head(c, false, SOON);
	ck_assert_int_eq(c->status, 200);
	ask_event(c, &event);
	event_fini(&event);
}

void
ctl_session_finish(struct client *c)
{
	struct client_event event;

	rig_open_gate(GATE);
	ask_event(c, &event);
	ck_assert_str_eq(event.data.data, "two");
	event_fini(&event);
	client_close(c);
}
