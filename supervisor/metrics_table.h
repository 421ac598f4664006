/*
 * metrics_table.h - TABLES of the metrics that the supervisor knows itself;
 * those of the workers stand in common/counters.h and common/histogram.h.
 *
 * To add one: a row, and a line in shadowcatctl(8), METRICS.  Names as in
 * common/counters.h; values are expressions over `sv` (struct supervisor) and
 * `t` (struct tally).
 */
#ifndef SUPERVISOR_METRICS_TABLE_H
#define SUPERVISOR_METRICS_TABLE_H

/* clang-format off */
/* One value, no label. */
#define METRICS_PLAIN(X)                                                     \
	/* name, type, value, help */                                        \
	X("start_time_seconds", gauge, start_time(sv),                       \
	    "when the daemon was started, since the Epoch")                  \
	X("up_seconds", gauge, control_rows_since(sv->started_ms),           \
	    "time since the start")                                          \
	X("upgrades_total", counter, sv->upgrades,                           \
	    "times that another binary has taken over in place")             \
	X("reloads_total", counter, sv->reloads.done,                        \
	    "configurations put into force by a reload")                     \
	X("reload_failures_total", counter, sv->reloads.refused,             \
	    "reloads that failed")                                           \
	X("reload_last_successful", gauge, sv->reloads.last_failed ? 0 : 1,  \
	    "1, or 0 if the last reload failed")                             \
	X("reload_last_success_time_seconds", gauge,                         \
	    (double)sv->reloads.success_wall_ms / 1e3,                       \
	    "when the configuration in force was read, since the Epoch")     \
	X("workers", gauge, worker_table_living(&sv->workers),               \
	    "worker processes")                                              \
	X("workers_ready", gauge,                                            \
	    worker_table_in_state(&sv->workers, WORKER_READY),               \
	    "worker processes that get connections")                         \
	X("workers_wanted", gauge, sv->workers.wanted,                       \
	    "worker processes that there should be")                         \
	X("client_connections", gauge,                                       \
	    sv->vault.tables[SOCKET_CLIENT].used,                            \
	    "client connections that are open")                              \
	X("client_connections_limit", gauge,                                 \
	    sv->vault.tables[SOCKET_CLIENT].capacity,                        \
	    "client connections that there can be")                          \
	X("upstream_connections", gauge,                                     \
	    sv->vault.tables[SOCKET_UPSTREAM].used,                          \
	    "upstream connections that are open")                            \
	X("descriptors_used", gauge, descriptors_used(sv),                   \
	    "descriptors of the supervisor for connections, listeners and "  \
	    "workers")                                                       \
	X("descriptors_limit", gauge, descriptors_limit(),                   \
	    "descriptors that a process may have")                           \
	X("sessions", gauge, t->session_count, "sessions that are known")    \
	X("sessions_limit", gauge, sv->shm.sizes.sessions,                   \
	    "sessions that there can be")                                    \
	X("streams_detached", gauge, t->streams_detached,                    \
	    "streams that no client has at the moment")                      \
	X("streams_limit", gauge, sv->shm.sizes.streams,                     \
	    "streams that there can be")                                     \
	X("memory_used_bytes", gauge, t->blocks_used * SHM_BLOCK_SIZE,       \
	    "journal memory in use")                                         \
	X("memory_free_bytes", gauge,                                        \
	    (sv->shm.sizes.blocks - t->blocks_used) * SHM_BLOCK_SIZE,        \
	    "journal memory that is free")                                   \
	X("memory_limit_bytes", gauge,                                       \
	    (uint64_t)sv->shm.sizes.blocks * SHM_BLOCK_SIZE,                 \
	    "journal memory that there can be (journal.memory)")             \
	X("memory_backed_bytes", gauge, t->extents_backed * EXTENT_BYTES,    \
	    "journal memory that is taken from the system at the moment, "   \
	    "in steps of 1 MiB")                                             \
	X("memory_peak_bytes", gauge, t->extents_touched * EXTENT_BYTES,     \
	    "the most journal memory that was ever taken from the system, "  \
	    "in steps of 1 MiB")

/* Several values, told apart by labels: a function writes the samples. */
#define METRICS_LABELLED(X)                                                  \
	/* name, type, function, help */                                     \
	X("build_info", gauge, add_build, "the version that runs")           \
	X("worker_deaths_total", counter, add_deaths,                        \
	    "worker processes that have ended, by what ended them")          \
	X("worker_loop_lag_seconds", gauge, add_lags,                        \
	    "how late the timer of a worker was, at worst in the last 30 "   \
	    "to 60 seconds")                                                 \
	X("streams", gauge, add_streams, "streams, by their state and era")
/* clang-format on */

#endif
