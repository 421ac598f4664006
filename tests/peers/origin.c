/*
 * origin.c - a scripted upstream: each request says how it is answered.
 *
 * The script (script.h) is the value of the field X-Script, or of `script`
 * in the query (with %HH); else it is that of --default.  A request with a
 * Last-Event-ID looks at X-Resume first, a DELETE at X-Delete.  --on-connect is
 * run on each new connection before anything is read.
 *
 * What the test has laid down in the gate directory goes before these: for the
 * n-th GET with a Last-Event-ID the file resume-n, else resume; for a DELETE
 * the file delete.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/peers/exchange.h"
#include "tests/peers/serve.h"

struct origin {
	const char *default_script;
	const char *connect_script; /* NULL: none */
	const char *gate_dir;       /* NULL: none */
	uint16_t port;              /* 0: any */
	atomic_uint requests;
	atomic_uint resumes;
};

/* The query's script with its %HH resolved; false if there is none. */
static bool
query_script(const struct message *request, struct bytes *ret)
{
	const char *at = strstr(request->head.data, "script=");
	const char *line_end = strstr(request->head.data, "\r\n");
	char hex[3] = "", c;

	if (at == NULL || at > line_end)
		return false;
	for (at += 7; *at != ' ' && *at != '&'; at++) {
		c = *at;
		if (c == '%' && at[1] > ' ' && at[2] > ' ') {
			memcpy(hex, at + 1, 2);
			c = (char)strtoul(hex, NULL, 16);
			at += 2;
		}
		bytes_add(ret, &c, 1);
	}
	return true;
}

static const char *
field_script(const struct message *request, size_t *ret_len)
{
	const char *field = NULL;

	if (strncmp(request->head.data, "DELETE ", 7) == 0)
		field = message_field(request, "X-Delete", ret_len);
	else if (message_field(request, "Last-Event-ID", ret_len) != NULL)
		field = message_field(request, "X-Resume", ret_len);
	if (field == NULL)
		field = message_field(request, "X-Script", ret_len);
	return field;
}

/* A script in the gate directory; false if there is none of that name. */
static bool
read_script(const struct origin *origin, const char *name, struct bytes *ret)
{
	char path[4096], buf[4096];
	size_t n;
	FILE *f;

	if (origin->gate_dir == NULL)
		return false;
	snprintf(path, sizeof(path), "%s/%s", origin->gate_dir, name);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		bytes_add(ret, buf, n);
	fclose(f);
	return true;
}

/* What the test has laid down for requests that can't say it themselves. */
static bool
prepared_script(
    struct origin *origin, const struct message *request, struct bytes *ret)
{
	char name[32];

	if (strncmp(request->head.data, "DELETE ", 7) == 0)
		return read_script(origin, "delete", ret);
	if (strncmp(request->head.data, "GET ", 4) != 0 ||
	    message_count(request, "Last-Event-ID") == 0)
		return false;
	snprintf(name, sizeof(name), "resume-%u",
	    atomic_fetch_add(&origin->resumes, 1) + 1);
	return read_script(origin, name, ret) ||
	       read_script(origin, "resume", ret);
}

static int
choose_script(struct origin *origin, const struct message *request,
    struct script *ret, const char **ret_why)
{
	struct bytes text = { 0 };
	size_t len;
	const char *field = field_script(request, &len);
	int err;

	if (prepared_script(origin, request, &text))
		;
	else if (field != NULL)
		bytes_add(&text, field, len);
	else if (!query_script(request, &text))
		bytes_addf(&text, "%s", origin->default_script);
	err = script_parse(ret, text.data ? text.data : "", text.len, ret_why);
	bytes_fini(&text);
	return err;
}

static void
run_script(struct origin *origin, struct exchange *x, struct script *script)
{
	x->gate_dir = origin->gate_dir;
	exchange_run(x, script);
	exchange_fini(x);
	script_fini(script);
}

/* Serve one request; false when the connection has ended. */
static bool
serve_request(struct origin *origin, struct wire *w, struct message *request,
    unsigned connection)
{
	struct exchange x = { .wire = w, .request = request };
	struct script script;
	const char *why;

	if (message_frame_request(request) < 0) {
		diary_bad(connection, "the request's framing");
		return false;
	}
	x.place.connection = connection;
	x.place.number = atomic_fetch_add(&origin->requests, 1) + 1;
	diary_request(x.place, request);
	if (choose_script(origin, request, &script, &why) < 0) {
		diary_bad(connection, why);
		return false;
	}
	run_script(origin, &x, &script);
	return x.state == EXCHANGE_DONE;
}

/* The script of --on-connect; false when it ended the connection. */
static bool
greet(struct origin *origin, struct wire *w, unsigned connection)
{
	struct exchange x = { .wire = w, .place = { connection, 0 } };
	struct script script;
	const char *why;

	if (origin->connect_script == NULL)
		return true;
	if (script_parse(&script, origin->connect_script,
		strlen(origin->connect_script), &why) < 0) {
		diary_bad(connection, why);
		return false;
	}
	run_script(origin, &x, &script);
	return x.state == EXCHANGE_DONE;
}

static void
serve(void *context, int fd, unsigned connection)
{
	struct origin *origin = context;
	struct message request;
	struct wire w;
	bool going_on;
	int err = 0;

	wire_init(&w, fd);
	diary_connection(connection);
	going_on = greet(origin, &w, connection);
	while (going_on) {
		err = message_read_head(&w, &request, WIRE_NEVER);
		going_on =
		    err == 0 && serve_request(origin, &w, &request, connection);
		message_fini(&request);
	}
	if (err == -EPROTO || err == -ECONNABORTED)
		diary_bad(connection, "the request's head");
	if (err < 0)
		diary_closed(connection, err == -ENOTCONN ? 0 : err);
	wire_close(&w);
}

static void
usage(FILE *to)
{
	fprintf(to, "usage: origin [--port N] [--log FILE] [--gates DIR]\n"
		    "              [--default SCRIPT] [--on-connect SCRIPT]\n");
}

static int
parse_options(struct origin *origin, int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "log", required_argument, NULL, 'l' },
		{ "gates", required_argument, NULL, 'g' },
		{ "default", required_argument, NULL, 'd' },
		{ "on-connect", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			origin->port = (uint16_t)atoi(optarg);
		else if (option == 'g')
			origin->gate_dir = optarg;
		else if (option == 'd')
			origin->default_script = optarg;
		else if (option == 'c')
			origin->connect_script = optarg;
		else if (option == 'l' && diary_open(optarg) < 0)
			return -1;
		else if (option == 'h') {
			usage(stdout);
			script_print_verbs();
			exit(0);
		} else if (option == '?')
			return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct origin origin = { .default_script = "answer 200 text/plain ok" };
	uint16_t port;
	int listener;

	if (parse_options(&origin, argc, argv) < 0) {
		usage(stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	listener = wire_listen("127.0.0.1", origin.port, 4096, &port);
	if (listener < 0) {
		fprintf(stderr, "origin: port %" PRIu16 ": %s\n", origin.port,
		    strerror(-listener));
		return 1;
	}
	printf("origin on 127.0.0.1:%" PRIu16 "\n", port);
	fflush(stdout);
	(void)serve_run(listener, serve, &origin);
	return 1;
}
