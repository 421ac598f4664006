/*
 * demo_server.c - a small MCP server for the quick start.
 *
 * Owns sessions (legacy protocol versions) and three tools: `echo` and `add`
 * answer with JSON, `countdown` answers with an event stream, one progress
 * notification a second.  A request with MCP-Protocol-Version 2026-07-28 or
 * later is answered without sessions.  It keeps no events: that is what the
 * proxy in front of it is for.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "tests/peers/message.h"
#include "tests/peers/serve.h"

#define SESSIONS_MAX 1024
#define SESSION_ID_SIZE 33
#define BODY_MAX (4u << 20)
#define NEWEST_LEGACY "2025-11-25"
#define FIRST_MODERN "2026-07-28"
#define NOTIFY_MS 3000
#define STEP_MS 1000
#define COUNTDOWN_SECONDS 5
#define COUNTDOWN_MAX 3600

enum rpc_error {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_SESSION = -32000,
};

static struct {
	pthread_mutex_t lock;
	char ids[SESSIONS_MAX][SESSION_ID_SIZE]; /* "": free */
	bool with_event_ids;
	atomic_uint streams; /* for the event ids */
} demo = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* One request and the means to answer it. */
struct call {
	struct wire *wire;
	struct message *http;
	json_t *message;    /* the JSON-RPC request */
	json_t *params;     /* borrowed from it; NULL if there are none */
	const char *method; /* borrowed from it */
	bool modern;
};

/* --- sessions ------------------------------------------------------------ */

/* The session's place, -1 if there is none of this name. */
static int
session_find(const char *id, size_t len)
{
	if (len != SESSION_ID_SIZE - 1)
		return -1;
	for (int i = 0; i < SESSIONS_MAX; i++)
		if (memcmp(demo.ids[i], id, len) == 0)
			return i;
	return -1;
}

/* Open a session, in place of an older one if all are taken. */
static void
session_open(char id[SESSION_ID_SIZE])
{
	static unsigned next;
	unsigned char random[16];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort();
	for (unsigned i = 0; i < sizeof(random); i++)
		snprintf(id + 2 * i, 3, "%02x", random[i]);
	pthread_mutex_lock(&demo.lock);
	memcpy(demo.ids[next++ % SESSIONS_MAX], id, SESSION_ID_SIZE);
	pthread_mutex_unlock(&demo.lock);
}

/* Whether the request names a living session; ends it if asked to. */
static bool
session_check(const struct message *http, bool end)
{
	size_t len = 0;
	const char *id = message_field(http, "Mcp-Session-Id", &len);
	int at;

	pthread_mutex_lock(&demo.lock);
	at = id != NULL ? session_find(id, len) : -1;
	if (at >= 0 && end)
		demo.ids[at][0] = '\0';
	pthread_mutex_unlock(&demo.lock);
	return at >= 0;
}

/* --- answers ------------------------------------------------------------- */

static int
send_bytes(struct wire *w, struct bytes *out)
{
	int err = wire_write(w, out->data, out->len, WIRE_NEVER);

	bytes_fini(out);
	return err;
}

static int
send_status(struct wire *w, const char *status)
{
	struct bytes out = { 0 };

	bytes_addf(&out, "HTTP/1.1 %s\r\n", status);
	if (strncmp(status, "405", 3) == 0)
		bytes_addf(&out, "Allow: GET, POST, DELETE\r\n");
	if (strncmp(status, "204", 3) != 0)
		bytes_addf(&out, "Content-Length: 0\r\n");
	bytes_addf(&out, "\r\n");
	return send_bytes(w, &out);
}

/* Send a JSON answer; session may be NULL.  Takes body. */
static int
send_json(struct wire *w, const char *status, const char *session, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	struct bytes out = { 0 };

	if (text == NULL)
		abort();
	bytes_addf(&out,
	    "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n",
	    status, strlen(text));
	if (session != NULL)
		bytes_addf(&out, "Mcp-Session-Id: %s\r\n", session);
	bytes_addf(&out, "\r\n%s", text);
	free(text);
	json_decref(body);
	return send_bytes(w, &out);
}

static int
send_error(struct wire *w, const char *status, json_t *id, enum rpc_error code,
    const char *text)
{
	return send_json(w, status, NULL,
	    json_pack("{s:s, s:O?, s:{s:i, s:s}}", "jsonrpc", "2.0", "id",
		id ? id : json_null(), "error", "code", (int)code, "message",
		text));
}

/* The JSON-RPC answer to a call.  Takes result. */
static json_t *
rpc_result(const struct call *call, json_t *result)
{
	if (call->modern)
		json_object_set_new(
		    result, "resultType", json_string("complete"));
	return json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id",
	    json_object_get(call->message, "id"), "result", result);
}

static int
send_result(struct call *call, json_t *result)
{
	return send_json(call->wire, "200 OK", NULL, rpc_result(call, result));
}

/* --- event streams ------------------------------------------------------- */

static int
stream_begin(struct wire *w)
{
	struct bytes out = { 0 };

	bytes_addf(&out,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	    "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n");
	return send_bytes(w, &out);
}

/* Send one message as an event.  Takes body. */
static int
stream_send(struct wire *w, unsigned stream, unsigned sequence, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	struct bytes event = { 0 }, out = { 0 };

	if (text == NULL)
		abort();
	if (demo.with_event_ids)
		bytes_addf(&event, "id: %u_%u\n", stream, sequence);
	bytes_addf(&event, "event: message\ndata: %s\n\n", text);
	bytes_addf(&out, "%zx\r\n%s\r\n", event.len, event.data);
	bytes_fini(&event);
	free(text);
	json_decref(body);
	return send_bytes(w, &out);
}

static int
stream_end(struct wire *w)
{
	return wire_write(w, "0\r\n\r\n", 5, WIRE_NEVER);
}

/* --- tools --------------------------------------------------------------- */

static json_t *
text_result(const char *text)
{
	return json_pack(
	    "{s:[{s:s, s:s}]}", "content", "type", "text", "text", text);
}

static int
tool_echo(struct call *call, json_t *arguments)
{
	const char *text =
	    json_string_value(json_object_get(arguments, "message"));

	return send_result(call, text_result(text ? text : ""));
}

static int
tool_add(struct call *call, json_t *arguments)
{
	char sum[64];

	snprintf(sum, sizeof(sum), "%.15g",
	    json_number_value(json_object_get(arguments, "a")) +
		json_number_value(json_object_get(arguments, "b")));
	return send_result(call, text_result(sum));
}

static json_t *
progress_message(json_t *token, int done, int total)
{
	return json_pack("{s:s, s:s, s:{s:O, s:i, s:i}}", "jsonrpc", "2.0",
	    "method", "notifications/progress", "params", "progressToken",
	    token, "progress", done, "total", total);
}

static int
tool_countdown(struct call *call, json_t *arguments)
{
	json_t *seconds = json_object_get(arguments, "seconds");
	json_t *token = json_object_get(
	    json_object_get(call->params, "_meta"), "progressToken");
	unsigned stream = ++demo.streams, sequence = 0;
	int total = (int)(json_is_integer(seconds) ? json_integer_value(seconds)
						   : COUNTDOWN_SECONDS);
	int err = stream_begin(call->wire);

	total = total < 0 || total > COUNTDOWN_MAX ? COUNTDOWN_SECONDS : total;
	for (int done = 1; done <= total && err == 0; done++) {
		err = wire_watch(call->wire, wire_now_ms() + STEP_MS);
		if (err == 0 && token != NULL)
			err = stream_send(call->wire, stream, ++sequence,
			    progress_message(token, done, total));
	}
	if (err == 0)
		err = stream_send(call->wire, stream, ++sequence,
		    rpc_result(call, text_result("lift-off")));
	return err < 0 ? err : stream_end(call->wire);
}

/*
 * To add a tool: a row here, and its function above.
 */
#define STRING_PROPERTY(name) "\"" name "\":{\"type\":\"string\"}"
#define NUMBER_PROPERTY(name) "\"" name "\":{\"type\":\"number\"}"
/* clang-format off */
static const struct {
	const char *name;
	int (*run)(struct call *, json_t *arguments);
	const char *help;
	const char *properties;
} tools[] = {
	{ "echo", tool_echo, "Answers with the message",
	  STRING_PROPERTY("message") },
	{ "add", tool_add, "Adds two numbers",
	  NUMBER_PROPERTY("a") "," NUMBER_PROPERTY("b") },
	{ "countdown", tool_countdown, "Counts seconds, with progress",
	  NUMBER_PROPERTY("seconds") },
};
/* clang-format on */
#define TOOL_COUNT (sizeof(tools) / sizeof(tools[0]))

/* --- methods ------------------------------------------------------------- */

static int
method_initialize(struct call *call)
{
	const char *asked =
	    json_string_value(json_object_get(call->params, "protocolVersion"));
	char session[SESSION_ID_SIZE];
	json_t *result;

	if (asked == NULL || strcmp(asked, NEWEST_LEGACY) > 0)
		asked = NEWEST_LEGACY;
	session_open(session);
	result =
	    json_pack("{s:s, s:{s:{}, s:{}}, s:{s:s, s:s}}", "protocolVersion",
		asked, "capabilities", "tools", "logging", "serverInfo", "name",
		"shadowcat-demo-server", "version", PACKAGE_VERSION);
	return send_json(
	    call->wire, "200 OK", session, rpc_result(call, result));
}

static int
method_discover(struct call *call)
{
	return send_result(
	    call, json_pack("{s:[s,s], s:{s:{}}, s:{s:s, s:s}}",
		      "supportedVersions", FIRST_MODERN, NEWEST_LEGACY,
		      "capabilities", "tools", "serverInfo", "name",
		      "shadowcat-demo-server", "version", PACKAGE_VERSION));
}

static int
method_ping(struct call *call)
{
	return send_result(call, json_object());
}

static int
method_list(struct call *call)
{
	json_t *list = json_array();

	for (size_t i = 0; i < TOOL_COUNT; i++) {
		struct bytes schema = { 0 };

		bytes_addf(&schema, "{\"type\":\"object\",\"properties\":{%s}}",
		    tools[i].properties);
		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:o}", "name", tools[i].name,
			      "description", tools[i].help, "inputSchema",
			      json_loads(schema.data, 0, NULL)));
		bytes_fini(&schema);
	}
	return send_result(call, json_pack("{s:o}", "tools", list));
}

static int
method_call(struct call *call)
{
	const char *name =
	    json_string_value(json_object_get(call->params, "name"));

	for (size_t i = 0; name != NULL && i < TOOL_COUNT; i++)
		if (strcmp(tools[i].name, name) == 0)
			return tools[i].run(
			    call, json_object_get(call->params, "arguments"));
	return send_error(call->wire,
	    call->modern ? "400 Bad Request" : "200 OK",
	    json_object_get(call->message, "id"), RPC_INVALID_PARAMS,
	    "no such tool");
}

enum era { ERA_LEGACY = 1, ERA_MODERN = 2, ERA_BOTH = 3 };

static const struct {
	const char *name;
	enum era era;
	int (*run)(struct call *);
} methods[] = {
	{ "initialize", ERA_LEGACY, method_initialize },
	{ "ping", ERA_LEGACY, method_ping },
	{ "server/discover", ERA_MODERN, method_discover },
	{ "tools/list", ERA_BOTH, method_list },
	{ "tools/call", ERA_BOTH, method_call },
};
#define METHOD_COUNT (sizeof(methods) / sizeof(methods[0]))

static int
run_method(struct call *call)
{
	enum era era = call->modern ? ERA_MODERN : ERA_LEGACY;

	for (size_t i = 0; i < METHOD_COUNT; i++)
		if ((methods[i].era & era) != 0 &&
		    strcmp(methods[i].name, call->method) == 0)
			return methods[i].run(call);
	return send_error(call->wire, call->modern ? "404 Not Found" : "200 OK",
	    json_object_get(call->message, "id"), RPC_METHOD_NOT_FOUND,
	    "no such method");
}

/* --- requests ------------------------------------------------------------ */

static bool
is_modern(const struct message *http)
{
	size_t len;
	const char *version = message_field(http, "MCP-Protocol-Version", &len);

	return version != NULL && len == strlen(FIRST_MODERN) &&
	       memcmp(version, FIRST_MODERN, len) >= 0;
}

/* A legacy session is needed for all but initialize.  0: go on. */
static int
refuse_session(struct call *call)
{
	json_t *id = json_object_get(call->message, "id");

	if (call->modern || strcmp(call->method, "initialize") == 0)
		return 0;
	if (message_count(call->http, "Mcp-Session-Id") == 0)
		return send_error(call->wire, "400 Bad Request", id,
		    RPC_SESSION, "no session: initialize first");
	if (!session_check(call->http, false))
		return send_error(call->wire, "404 Not Found", id, RPC_SESSION,
		    "no such session");
	return 0;
}

static int
answer_call(struct call *call)
{
	uint64_t before = call->wire->sent;
	int err = refuse_session(call);

	if (err < 0 || call->wire->sent != before)
		return err;
	if (json_object_get(call->message, "id") == NULL ||
	    call->method[0] == '\0')
		return send_status(call->wire, "202 Accepted");
	return run_method(call);
}

static int
answer_post(struct wire *w, struct message *http, const struct bytes *body)
{
	struct call call = { .wire = w, .http = http };
	int err;

	call.message =
	    json_loadb(body->data ? body->data : "", body->len, 0, NULL);
	if (!json_is_object(call.message)) {
		err = send_error(w, "400 Bad Request", NULL,
		    call.message ? RPC_INVALID_REQUEST : RPC_PARSE_ERROR,
		    "not a JSON-RPC message");
		json_decref(call.message);
		return err;
	}
	call.modern = is_modern(http);
	call.params = json_object_get(call.message, "params");
	call.method =
	    json_string_value(json_object_get(call.message, "method"));
	if (call.method == NULL)
		call.method = ""; /* an answer of the client's */
	err = answer_call(&call);
	json_decref(call.message);
	return err;
}

/* The stream of the session: a log message every few seconds. */
static int
answer_get(struct wire *w, struct message *http)
{
	unsigned stream = ++demo.streams;
	int err;

	if (is_modern(http))
		return send_status(w, "405 Method Not Allowed");
	if (!session_check(http, false))
		return send_status(w, "404 Not Found");
	err = stream_begin(w);
	for (unsigned n = 1; err == 0 && session_check(http, false); n++) {
		err = stream_send(w, stream, n,
		    json_pack("{s:s, s:s, s:{s:s, s:s}}", "jsonrpc", "2.0",
			"method", "notifications/message", "params", "level",
			"info", "data", "still here"));
		if (err == 0)
			err = wire_watch(w, wire_now_ms() + NOTIFY_MS);
	}
	return err < 0 ? err : stream_end(w);
}

static int
answer_delete(struct wire *w, struct message *http)
{
	if (is_modern(http))
		return send_status(w, "405 Method Not Allowed");
	return send_status(
	    w, session_check(http, true) ? "204 No Content" : "404 Not Found");
}

static int
answer(struct wire *w, struct message *http, const struct bytes *body)
{
	const char *head = http->head.data;
	const char *target = strchr(head, ' ') + 1;

	if (strcspn(target, " ?") != 4 || strncmp(target, "/mcp", 4) != 0)
		return send_status(w, "404 Not Found");
	if (strncmp(head, "POST ", 5) == 0)
		return answer_post(w, http, body);
	if (strncmp(head, "GET ", 4) == 0)
		return answer_get(w, http);
	if (strncmp(head, "DELETE ", 7) == 0)
		return answer_delete(w, http);
	return send_status(w, "405 Method Not Allowed");
}

static int
read_body(struct wire *w, struct message *http, struct bytes *body)
{
	char buf[65536];
	int n;

	if (message_count(http, "Expect") > 0 &&
	    wire_write(w, "HTTP/1.1 100 Continue\r\n\r\n", 25, WIRE_NEVER) < 0)
		return -EPIPE;
	while ((n = message_read_body(w, http, buf, sizeof(buf), WIRE_NEVER)) >
	       0) {
		if (body->len + (size_t)n > BODY_MAX)
			return -EFBIG;
		bytes_add(body, buf, (size_t)n);
	}
	return n;
}

/* One request.  0 when the connection can take another. */
static int
serve_request(struct wire *w)
{
	struct message http;
	struct bytes body = { 0 };
	int err = message_read_head(w, &http, WIRE_NEVER);

	if (err == 0)
		err = message_frame_request(&http);
	if (err == 0 && strchr(http.head.data, ' ') == NULL)
		err = -EPROTO;
	if (err == 0)
		err = read_body(w, &http, &body);
	if (err == 0)
		err = answer(w, &http, &body);
	else if (err == -EPROTO || err == -EFBIG)
		(void)send_status(w, "400 Bad Request");
	if (err == 0 && message_field_is(&http, "Connection", "close"))
		err = -ENOTCONN;
	bytes_fini(&body);
	message_fini(&http);
	return err;
}

static void
serve(void *context, int fd, unsigned number)
{
	struct wire w;

	(void)context;
	(void)number;
	wire_init(&w, fd);
	while (serve_request(&w) == 0)
		;
	wire_close(&w);
}

/* --- command line -------------------------------------------------------- */

static void
usage(FILE *to)
{
	fprintf(to,
	    "usage: shadowcat-demo-server [--bind HOST:PORT] [--ids]\n"
	    "  --bind  where to listen (127.0.0.1:3000; port 0 picks one)\n"
	    "  --ids   give the events of streams ids\n");
}

/* 0 when the program shall serve, else -1. */
static int
parse_options(int argc, char **argv, char host[64], uint16_t *port)
{
	static const struct option options[] = {
		{ "bind", required_argument, NULL, 'b' },
		{ "ids", no_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'b' &&
		    sscanf(optarg, "%63[^:]:%" SCNu16, host, port) == 2)
			continue;
		if (option == 'h') {
			usage(stdout);
			exit(0);
		}
		if (option != 'i')
			return -1;
		demo.with_event_ids = true;
	}
	return optind == argc ? 0 : -1;
}

int
main(int argc, char **argv)
{
	char host[64] = "127.0.0.1";
	uint16_t port = 3000;
	int listener;

	if (parse_options(argc, argv, host, &port) < 0) {
		usage(stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(host, "localhost") == 0)
		strcpy(host, "127.0.0.1");
	listener = wire_listen(host, port, 1024, &port);
	if (listener < 0) {
		fprintf(stderr, "shadowcat-demo-server: %s:%" PRIu16 ": %s\n",
		    host, port, strerror(-listener));
		return 1;
	}
	printf("demo MCP server on http://%s:%" PRIu16 "/mcp\n", host, port);
	fflush(stdout);
	(void)serve_run(listener, serve, NULL);
	return 1;
}
