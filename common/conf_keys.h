/*
 * conf_keys.h - every configuration key, in one table.
 *
 * From it come struct conf and its defaults, the checks of --set and of the
 * file, the keys in --help, and the test that the manual page and the
 * example configuration name every key.  To add one: a row here, a paragraph
 * in man/shadowcat.conf.5, a line in contrib/shadowcat.conf, and a check in
 * common/conf.c if it must agree with another key.
 */
#ifndef COMMON_CONF_KEYS_H
#define COMMON_CONF_KEYS_H

#define CONF_SECOND ((uint64_t)1000)
#define CONF_MINUTE (60 * CONF_SECOND)
#define CONF_DAY (24 * 60 * CONF_MINUTE)
#define CONF_YEAR (366 * CONF_DAY)
#define CONF_KIB ((uint64_t)1024)
#define CONF_MIB (1024 * CONF_KIB)
#define CONF_GIB (1024 * CONF_MIB)

/*
 * A row: member of struct conf (the name with _ for the dot), name, type,
 * default as text, least and greatest value, when a change takes effect,
 * check, help.
 *
 *  type     DURATION (ms), SIZE (bytes), COUNT, REAL, BOOL, STRING, LIST
 *  bounds   in the unit of the type; unused for BOOL, STRING and LIST
 *  change   RELOAD: at a reload.  RESTART: needs a restart.  With _OR_0
 *           the value 0 is allowed too, whatever the bounds, and switches
 *           the thing off; the help says what it means
 *  check    of a STRING, and of each item of a LIST (common/conf_check.h)
 */
/* clang-format off */
#define CONF_KEYS(X)                                                    \
	X(workers, "workers",                                           \
	    COUNT, "0", 1, 64, RELOAD_OR_0, NONE,                       \
	    "worker processes; 0: one for each core")                   \
	X(pidfile, "pidfile",                                           \
	    STRING, "", 0, 0, RESTART, PATH,                            \
	    "file that holds the supervisor's process id")              \
	X(listen_address, "listen.address",                             \
	    LIST, "", 0, 0, RELOAD, ENDPOINT,                           \
	    "addresses to listen on: HOST:PORT, [IPV6]:PORT, :PORT")    \
	X(upstream_url, "upstream.url",                                 \
	    STRING, "", 0, 0, RELOAD, URL,                              \
	    "the MCP server: http://HOST[:PORT][/PATH]")                \
	X(upstream_connect_timeout, "upstream.connect_timeout",         \
	    DURATION, "5s", 1, CONF_DAY, RELOAD, NONE,                  \
	    "longest wait for a connection to the upstream")            \
	X(upstream_response_timeout, "upstream.response_timeout",       \
	    DURATION, "0", 1, CONF_DAY, RELOAD_OR_0, NONE,              \
	    "longest wait for the head of an answer; 0: no limit")      \
	X(upstream_idle_timeout, "upstream.idle_timeout",               \
	    DURATION, "4s", 1, CONF_DAY, RELOAD_OR_0, NONE,             \
	    "how long an unused connection is kept; 0: never")          \
	X(upstream_max_idle, "upstream.max_idle",                       \
	    COUNT, "256", 1, 65536, RELOAD_OR_0, NONE,                  \
	    "unused connections a worker keeps; 0: none")               \
	X(upstream_resolve_interval, "upstream.resolve_interval",       \
	    DURATION, "30s", CONF_SECOND, CONF_DAY, RELOAD, NONE,       \
	    "how long an upstream's address is used before it is "      \
	    "looked up again")                                          \
	X(client_head_timeout, "client.head_timeout",                   \
	    DURATION, "10s", 1, CONF_DAY, RELOAD_OR_0, NONE,            \
	    "longest wait for a whole request head; 0: no limit")       \
	X(client_body_timeout, "client.body_timeout",                   \
	    DURATION, "30s", 1, CONF_DAY, RELOAD_OR_0, NONE,            \
	    "longest pause in a request body; 0: no limit")             \
	X(client_idle_timeout, "client.idle_timeout",                   \
	    DURATION, "75s", 1, CONF_DAY, RELOAD_OR_0, NONE,            \
	    "longest wait for another request; 0: no limit")            \
	X(client_send_timeout, "client.send_timeout",                   \
	    DURATION, "60s", 1, CONF_DAY, RELOAD_OR_0, NONE,            \
	    "longest time in which a client takes no byte of an "       \
	    "answer that waits; 0: no limit")                           \
	X(client_max_header, "client.max_header",                       \
	    SIZE, "32KiB", CONF_KIB, CONF_MIB, RELOAD, NONE,            \
	    "largest request head")                                     \
	X(client_max_body, "client.max_body",                           \
	    SIZE, "16MiB", 1, 1024 * CONF_GIB, RELOAD_OR_0, NONE,       \
	    "largest request body; 0: no limit")                        \
	X(client_max_connections, "client.max_connections",             \
	    COUNT, "0", 1, 1048576, RESTART_OR_0, NONE,                 \
	    "client connections in all; 0: what the limit of open "     \
	    "files allows")                                             \
	X(session_idle_timeout, "session.idle_timeout",                 \
	    DURATION, "5m", 1, CONF_YEAR, RELOAD_OR_0, NONE,            \
	    "a session without request or event for so long ends; "     \
	    "0: no limit")                                              \
	X(session_max_age, "session.max_age",                           \
	    DURATION, "30m", 1, CONF_YEAR, RELOAD_OR_0, NONE,           \
	    "longest life of a session; 0: no limit")                   \
	X(session_max_connections, "session.max_connections",           \
	    COUNT, "10", 1, 1048576, RELOAD_OR_0, NONE,                 \
	    "client connections that one session may have at a time; "  \
	    "0: no limit")                                              \
	X(session_max_sessions, "session.max_sessions",                 \
	    COUNT, "65536", 1, 16777216, RESTART, NONE,                 \
	    "sessions known at a time; the idle ones go first")         \
	X(stream_detach_timeout, "stream.detach_timeout",               \
	    DURATION, "60s", 1, CONF_DAY, RELOAD_OR_0, NONE,            \
	    "how long events are kept for a client that left; "         \
	    "0: not at all")                                            \
	X(stream_keepalive_interval, "stream.keepalive_interval",       \
	    DURATION, "15s", 10, CONF_DAY, RELOAD_OR_0, NONE,           \
	    "a comment goes to a client whose stream is silent for "    \
	    "so long; 0: never")                                        \
	X(stream_max_event, "stream.max_event",                         \
	    SIZE, "16MiB", CONF_KIB, CONF_GIB, RELOAD, NONE,            \
	    "largest event that is relayed")                            \
	X(stream_max_streams, "stream.max_streams",                     \
	    COUNT, "65536", 1, 1048576, RESTART, NONE,                  \
	    "answers under way or kept at a time")                      \
	X(journal_stream_limit, "journal.stream_limit",                 \
	    SIZE, "256KiB", 4 * CONF_KIB, CONF_GIB, RELOAD, NONE,       \
	    "what is kept of one stream for a client that returns")     \
	X(journal_memory, "journal.memory",                             \
	    SIZE, "512MiB", CONF_MIB, 1024 * CONF_GIB, RESTART, NONE,   \
	    "memory for all streams together")                          \
	X(reconnect_initial_delay, "reconnect.initial_delay",           \
	    DURATION, "250ms", 1, CONF_DAY, RELOAD, NONE,               \
	    "wait before the first attempt to resume an upstream "      \
	    "stream")                                                   \
	X(reconnect_max_delay, "reconnect.max_delay",                   \
	    DURATION, "30s", 1, CONF_DAY, RELOAD, NONE,                 \
	    "longest wait between two attempts")                        \
	X(reconnect_max_attempts, "reconnect.max_attempts",             \
	    COUNT, "10", 1, 1000000, RELOAD_OR_0, NONE,                 \
	    "attempts since the last event; 0: no limit")               \
	X(reconnect_jitter, "reconnect.jitter",                         \
	    REAL, "0.25", 0, 1, RELOAD, NONE,                           \
	    "part of each wait that is left to chance, 0 to 1")         \
	X(health_idle_timeout, "health.idle_timeout",                   \
	    DURATION, "5m", CONF_SECOND, CONF_DAY, RELOAD_OR_0, NONE,   \
	    "an upstream stream silent for so long is opened anew; "    \
	    "0: never")                                                 \
	X(drain_timeout, "drain.timeout",                               \
	    DURATION, "30s", 1, CONF_DAY, RELOAD_OR_0, NONE,            \
	    "how long a stop waits for requests to finish; "            \
	    "0: not at all")                                            \
	X(worker_user, "worker.user",                                   \
	    STRING, "", 0, 0, RESTART, USER,                            \
	    "user the workers run as, if started as root")              \
	X(worker_chroot, "worker.chroot",                               \
	    STRING, "", 0, 0, RESTART, PATH,                            \
	    "directory that is / for the workers, if started as root")  \
	X(worker_seccomp, "worker.seccomp",                             \
	    BOOL, "true", 0, 0, RELOAD, NONE,                           \
	    "forbid workers system calls that they have no use for")    \
	X(worker_hang_timeout, "worker.hang_timeout",                   \
	    DURATION, "10s", CONF_SECOND, CONF_DAY, RELOAD_OR_0, NONE,  \
	    "a worker that stands still for so long is replaced; "      \
	    "0: never")                                                 \
	X(worker_orphan_timeout, "worker.orphan_timeout",               \
	    DURATION, "60s", 1, CONF_DAY, RELOAD_OR_0, NONE,            \
	    "how long workers go on without a supervisor; 0: they "     \
	    "stop at once")                                             \
	X(control_path, "control.path",                                 \
	    STRING, "", 0, 0, RESTART, SOCKET,                          \
	    "control socket of shadowcatctl(8)")                        \
	X(control_owner, "control.owner",                               \
	    STRING, "", 0, 0, RESTART, USER,                            \
	    "user that the control socket belongs to")                  \
	X(control_group, "control.group",                               \
	    STRING, "", 0, 0, RESTART, GROUP,                           \
	    "group whose members may use the control socket")           \
	X(metrics_address, "metrics.address",                           \
	    LIST, "", 0, 0, RELOAD, METRICS,                            \
	    "addresses to serve metrics and health over HTTP at: "      \
	    "HOST:PORT, or PORT on this machine alone")                 \
	X(log_level, "log.level",                                       \
	    STRING, "info", 0, 0, RELOAD, LEVEL,                        \
	    "error, warning, notice, info or debug")                    \
	X(log_target, "log.target",                                     \
	    STRING, "stderr", 0, 0, RELOAD, TARGET,                     \
	    "stderr, syslog, syslog:SOCKET or a file")                  \
	X(log_format, "log.format",                                     \
	    STRING, "text", 0, 0, RELOAD, FORMAT,                       \
	    "text (words and key=value) or json (an object a line)")    \
	X(log_access, "log.access",                                     \
	    BOOL, "false", 0, 0, RELOAD, NONE,                          \
	    "log a line for each request")                              \
	X(security_allowed_origins, "security.allowed_origins",         \
	    LIST, "", 0, 0, RELOAD, ORIGIN,                             \
	    "origins of web pages that may use the proxy, or *")        \
	X(security_allowed_hosts, "security.allowed_hosts",             \
	    LIST, "", 0, 0, RELOAD, HOST,                               \
	    "names in a Host field that are answered, or *")
/* clang-format on */

#endif
