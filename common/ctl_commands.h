/*
 * ctl_commands.h - TABLE of the commands of shadowcatctl(8).
 *
 * The program, its help, its completion, the manual and the supervisor's
 * switch come from it, or are checked against it by tests/check-docs.sh.  To
 * add one: a row here, a case in supervisor/control_commands.c, a paragraph
 * in man/shadowcatctl.8, its words in contrib/completion/shadowcatctl; and columns
 * in ctl/columns.h if it answers with rows.
 */
#ifndef COMMON_CTL_COMMANDS_H
#define COMMON_CTL_COMMANDS_H

/* What a command answers with, before the word that it is done. */
enum ctl_form {
	CTL_FORM_RECORD, /* one row */
	CTL_FORM_ROWS,   /* rows, none to very many */
	CTL_FORM_TEXT,   /* text in pieces */
	CTL_FORM_WORD,   /* nothing but that word */
	CTL_FORM_LIVE,   /* rows, until the asker goes */
};

/* clang-format off */
#define CTL_COMMANDS(X)                                                      \
	/* name         words           arguments    least most changes form */ \
	/* help */                                                           \
	X(STATUS,       "status",       "",          0, 0, false, RECORD,    \
	    "what runs, since when, and how much of everything")             \
	X(WORKERS,      "workers",      "",          0, 0, false, ROWS,      \
	    "the worker processes")                                          \
	X(SESSIONS,     "sessions",     "",          0, 0, false, ROWS,      \
	    "the sessions")                                                  \
	X(SESSION_SHOW, "session show", "ID",        1, 1, false, RECORD,    \
	    "all that is known of one session")                              \
	X(SESSION_END,  "session end",  "ID",        1, 1, true,  WORD,      \
	    "end a session: its streams end, the upstream is told")          \
	X(STREAMS,      "streams",      "",          0, 0, false, ROWS,      \
	    "the answers under way, or kept for clients that left")          \
	X(UPSTREAMS,    "upstreams",    "",          0, 0, false, ROWS,      \
	    "the connections to the upstream")                               \
	X(TAP,          "tap",          "ID",        1, 1, false, LIVE,      \
	    "the events of a session or a stream as they come")              \
	X(RELOAD,       "reload",       "",          0, 0, true,  WORD,      \
	    "read the configuration again")                                  \
	X(RECYCLE,      "recycle",      "[SLOT]",    0, 1, true,  WORD,      \
	    "replace the worker of a slot, or all of them one by one")       \
	X(UPGRADE,      "upgrade",      "",          0, 0, true,  WORD,      \
	    "go on as the binary that is installed now")                     \
	X(DRAIN,        "drain",        "",          0, 0, true,  WORD,      \
	    "accept no more, let finish what runs, and stop")                \
	X(STOP,         "stop",         "",          0, 0, true,  WORD,      \
	    "stop at once")                                                  \
	X(LOG,          "log",          "LEVEL",     1, 1, true,  WORD,      \
	    "log lines of this level and graver ones from now on")           \
	X(METRICS,      "metrics",      "",          0, 0, false, TEXT,      \
	    "counters and gauges, as Prometheus reads them")                 \
	X(CRASHES,      "crashes",      "",          0, 0, false, ROWS,      \
	    "the newest deaths of workers")
/* clang-format on */

enum ctl_command {
#define X(name, words, arguments, least, most, changes, form, help) CTL_##name,
	CTL_COMMANDS(X)
#undef X
	    CTL_COMMAND_COUNT
};

#endif
