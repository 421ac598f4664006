/*
 * ctl_run.c - shadowcatctl, run against the rig's daemon.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
