/*
 * limits.c - how much of everything there is room for.
 */
#include "config.h"

#include <errno.h>

#include "supervisor/limits.h"

/* Descriptors for everything but connections, channels and listeners. */
#define RESERVE 80u

/* More slots than anybody's machine serves would only cost address space. */
#define SLOTS_MAX 262144u

uint32_t
limits_workers(const struct conf *conf, long cores)
{
	uint64_t workers = conf->workers;

	if (workers == 0)
		workers = cores > 0 ? (uint64_t)cores : 1;
	return (uint32_t)MIN(workers, SHM_WORKERS_MAX);
}

/* Descriptors that are no connection's. */
static uint64_t
reserve_for(const struct conf *conf, uint32_t workers)
{
	return RESERVE + workers +
	       2 * (conf->listen_address.count + conf->metrics_address.count);
}

uint64_t
limits_files(const struct conf *conf, uint32_t workers)
{
	if (conf->client_max_connections == 0)
		return 0;
	return reserve_for(conf, workers) +
	       2 * MIN(conf->client_max_connections, SLOTS_MAX);
}

int
limits_sizes(const struct conf *conf, uint64_t files, uint32_t workers,
    struct shm_sizes *ret)
{
	uint64_t reserve = reserve_for(conf, workers);
	uint64_t slots, clients, blocks;

	if (files < reserve + 2 * LIMITS_SLOTS_MIN)
		return -EMFILE;
	slots = MIN((files - reserve) / 2, SLOTS_MAX);
	clients = slots;
	if (conf->client_max_connections > 0)
		clients = MIN(clients, conf->client_max_connections);
	blocks = MIN(conf->journal_memory / SHM_BLOCK_SIZE, UINT32_MAX / 2);
	*ret = (struct shm_sizes){
		.clients = (uint32_t)clients,
		.upstreams = (uint32_t)slots,
		.streams = (uint32_t)MIN(
		    clients + slots, MAX(conf->stream_max_streams, 1)),
		.sessions = (uint32_t)MAX(conf->session_max_sessions, 1),
		.blocks = (uint32_t)MAX(blocks, 1),
	};
	return 0;
}
