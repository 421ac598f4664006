/*
 * tclient.c - the test client on the command line.
 *
 *	tclient PORT 'GET /mcp HTTP/1.1\r\nHost: a\r\n\r\n'
 *
 * Sends the bytes (escapes as in bytes.h), prints the head and, as it comes,
 * the decoded body; then, on stderr, how the answer was framed and ended.
 * Exits 0 for a complete answer.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/peers/client.h"

struct options {
	int timeout_ms;
	size_t piece; /* 0: send all at once */
	int pause_ms;
	bool for_head;
};

static void
usage(FILE *to)
{
	fprintf(to, "usage: tclient [--timeout MS] [--piece N] [--pause MS] "
		    "[--head] PORT BYTES...\n");
}

static int
parse_options(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "timeout", required_argument, NULL, 't' },
		{ "piece", required_argument, NULL, 'n' },
		{ "pause", required_argument, NULL, 'p' },
		{ "head", no_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 't')
			o->timeout_ms = atoi(optarg);
		else if (option == 'n')
			o->piece = (size_t)atoi(optarg);
		else if (option == 'p')
			o->pause_ms = atoi(optarg);
		else if (option == 'H')
			o->for_head = true;
		else if (option == 'h') {
			usage(stdout);
			exit(0);
		} else
			return -1;
	}
	return argc - optind >= 2 ? 0 : -1;
}

static int
send_arguments(struct client *c, const struct options *o, char **texts)
{
	struct bytes out = { 0 };
	int err = 0;

	for (; *texts != NULL && err == 0; texts++)
		err = bytes_add_escaped(&out, *texts, strlen(*texts));
	if (err == 0)
		err = client_drip(c, out.data, out.len,
		    o->piece > 0 ? o->piece : out.len, o->pause_ms);
	bytes_fini(&out);
	return err;
}

static void
print_answer(struct client *c, const struct options *o)
{
	static const char *const framings[] = { "without body",
		"with Content-Length", "chunked", "until close" };
	size_t shown = 0;

	(void)client_read_head(c, o->for_head, o->timeout_ms);
	fwrite(c->message.head.data, 1, c->message.head.len, stdout);
	while (c->end == CLIENT_WAITING) {
		(void)client_read_more(c, o->timeout_ms);
		fwrite(c->body.data + shown, 1, c->body.len - shown, stdout);
		fflush(stdout);
		shown = c->body.len;
	}
	fprintf(stderr, "\n%s, %s, connection %s\n",
	    framings[c->message.framing], client_end_name(c->end),
	    client_is_open(c) ? "open" : "closed");
}

int
main(int argc, char **argv)
{
	struct options o = { .timeout_ms = 10000 };
	struct client c;
	int err;

	if (parse_options(&o, argc, argv) < 0) {
		usage(stderr);
		return 2;
	}
	err = client_open(&c, (uint16_t)atoi(argv[optind]), o.timeout_ms);
	if (err == 0)
		err = send_arguments(&c, &o, argv + optind + 1);
	if (err < 0) {
		fprintf(stderr, "tclient: %s\n", strerror(-err));
		return 1;
	}
	print_answer(&c, &o);
	err = c.end == CLIENT_COMPLETE ? 0 : 1;
	client_close(&c);
	return err;
}
