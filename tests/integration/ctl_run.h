/*
 * ctl_run.h - shadowcatctl, run against the rig's daemon.
 *
 * Environment: SHADOWCATCTL, the path of the program.
 */
#ifndef INTEGRATION_CTL_RUN_H
#define INTEGRATION_CTL_RUN_H

#include <jansson.h>

#include "tests/integration/harness.h"

/* Append program, socket and these words: what is to be executed. */
void ctl_arguments(struct arguments *a, const char *words);

/* Start a command, given as words; its outputs are the files NAME.out, .err. */
void ctl_start(struct process *p, const char *name, const char *words);

/* It must end with this code. */
void ctl_await(struct process *p, const char *words, int code);

/* Run a command, which must end with this code; its outputs are files. */
void ctl(struct process *p, const char *words, int code);

/* The same, and its output must have this text. */
void ctl_says(const char *words, int code, const char *text);

/* Run it with --json: what it printed. */
json_t *ctl_json(const char *words);

/* Run it with --json: how many rows it printed. */
size_t ctl_count_rows(const char *words);

/*
 * Open a session of this id, for something to be shown: its stream has had an
 * event, ID-1 with "one".
 */
void ctl_session_open(struct client *c, const char *id);

/* Its client gets the rest, ID-2 with "two", and leaves. */
void ctl_session_finish(struct client *c);

#endif
