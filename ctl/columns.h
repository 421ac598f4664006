/*
 * columns.h - TABLES of the columns that people see, one for each command
 * that answers with rows: X(key of the row, title, how it is shown).  What a
 * row has beside them is in --json alone.
 */
#ifndef CTL_COLUMNS_H
#define CTL_COLUMNS_H

/* How a value is shown. */
enum column_form {
	COLUMN_TEXT,
	COLUMN_NUMBER,   /* to the right */
	COLUMN_ID,       /* shortened to what tells it from the others */
	COLUMN_DURATION, /* seconds: 5m12s */
	COLUMN_TIME,     /* seconds since the Epoch: local date and time */
	COLUMN_BYTES,    /* 1.2M */
	COLUMN_FLAG,     /* yes or a dash */
	COLUMN_STATE,    /* a word, in colour */
};

/* clang-format off */
#define COLUMNS_WORKERS(X)                                              \
	X("slot",        "SLOT",        NUMBER)                         \
	X("pid",         "PID",         NUMBER)                         \
	X("state",       "STATE",       STATE)                          \
	X("uptime",      "UP",          DURATION)                       \
	X("restarts",    "RESTARTS",    NUMBER)                         \
	X("connections", "CONNECTIONS", NUMBER)                         \
	X("streams",     "STREAMS",     NUMBER)                         \
	X("sessions",    "SESSIONS",    NUMBER)                         \
	X("upstreams",   "UPSTREAMS",   NUMBER)                         \
	X("requests",    "REQUESTS",    NUMBER)                         \
	X("events",      "EVENTS",      NUMBER)

#define COLUMNS_SESSIONS(X)                                             \
	X("id",            "SESSION",     ID)                           \
	X("state",         "STATE",       STATE)                        \
	X("age",           "AGE",         DURATION)                     \
	X("idle",          "IDLE",        DURATION)                     \
	X("connections",   "CONNECTIONS", NUMBER)                       \
	X("streams",       "STREAMS",     NUMBER)                       \
	X("worker",        "WORKER",      NUMBER)                       \
	X("last_event_id", "LAST EVENT",  TEXT)

#define COLUMNS_STREAMS(X)                                              \
	X("id",       "STREAM",   TEXT)                                 \
	X("session",  "SESSION",  ID)                                   \
	X("state",    "STATE",    STATE)                                \
	X("era",      "ERA",      TEXT)                                 \
	X("role",     "ROLE",     TEXT)                                 \
	X("method",   "METHOD",   TEXT)                                 \
	X("status",   "STATUS",   NUMBER)                               \
	X("client",   "CLIENT",   FLAG)                                 \
	X("upstream", "UPSTREAM", FLAG)                                 \
	X("age",      "AGE",      DURATION)                             \
	X("bytes",    "BYTES",    BYTES)                                \
	X("kept",     "KEPT",     BYTES)                                \
	X("resumes",  "RESUMES",  NUMBER)                               \
	X("worker",   "WORKER",   NUMBER)

#define COLUMNS_UPSTREAMS(X)                                            \
	X("slot",    "SLOT",    NUMBER)                                 \
	X("address", "ADDRESS", TEXT)                                   \
	X("state",   "STATE",   STATE)                                  \
	X("stream",  "STREAM",  TEXT)                                   \
	X("worker",  "WORKER",  NUMBER)

#define COLUMNS_CRASHES(X)                                              \
	X("time",       "TIME",   TIME)                                 \
	X("slot",       "SLOT",   NUMBER)                               \
	X("pid",        "PID",    NUMBER)                               \
	X("lived",      "LIVED",  DURATION)                             \
	X("death",      "DEATH",  TEXT)                                 \
	X("killed_for", "BY US FOR", TEXT)                              \
	X("doing",      "WHILE",     TEXT)                              \
	X("about",      "FOR",       TEXT)                              \
	X("trace",      "AT",        TEXT)

/* A record is shown as a list; these are not shown as they are. */
#define COLUMNS_RECORD(X)                                               \
	X("started",       "", TIME)                                    \
	X("uptime",        "", DURATION)                                \
	X("age",           "", DURATION)                                \
	X("idle",          "", DURATION)                                \
	X("state",         "", STATE)                                   \
	X("journal_bytes", "", BYTES)                                   \
	X("journal_limit", "", BYTES)
/* clang-format on */

#endif
