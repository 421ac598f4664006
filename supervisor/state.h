/*
 * state.h - what the files of the supervisor share: one struct, made by
 * supervisor.c, which starts and stops everything in it.
 *
 * Who does what with it:
 *
 *	supervisor.c  start, signals, stop
 *	nursery.c     births and deaths of workers
 *	recycle.c     workers replaced without need
 *	upgrade.c     another binary in this process
 *	handover.c    what that one needs
 *	estate.c      the same for one of another layout; force.c lets workers
 *	              go, leaving.c waits for their end
 *	dispatch.c    what workers say, and what is said to them
 */
#ifndef SUPERVISOR_STATE_H
#define SUPERVISOR_STATE_H

#include <ev.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/shm.h"
#include "supervisor/accept.h"
#include "supervisor/control.h"
#include "supervisor/daemon.h"
#include "supervisor/deaths.h"
#include "supervisor/leaving.h"
#include "supervisor/listen.h"
#include "supervisor/options.h"
#include "supervisor/pidfile.h"
#include "supervisor/priv.h"
#include "supervisor/recycle.h"
#include "supervisor/reload.h"
#include "supervisor/scrape.h"
#include "supervisor/signals.h"
#include "supervisor/upgrade.h"
#include "supervisor/vault.h"
#include "supervisor/worker_table.h"

enum supervisor_state {
	SUPERVISOR_STARTING, /* no worker has ever been ready */
	SUPERVISOR_RUNNING,
	SUPERVISOR_DRAINING, /* workers finish what they have */
	SUPERVISOR_STOPPING, /* workers are killed */
};

struct supervisor {
	enum supervisor_state state;
	int exit_status;
	struct ev_loop *loop;
	uint64_t started_ms; /* clock_ms() */
	const struct options *options;
	struct conf *conf;
	struct shm shm;
	struct vault vault;
	struct worker_table workers;
	struct listeners listeners;
	struct deaths deaths;
	struct acceptor acceptor;
	struct control control;
	struct scrape scrape;
	struct daemon daemon;
	struct pidfile pidfile;
	struct priv_user user;
	struct signals signals;
	struct recycle recycle;
	struct upgrade upgrade;
	struct leaving leaving;
	struct reload_history reloads;
	uint64_t upgrades;    /* times that another binary has taken over */
	char *binary;         /* path of the installed one; NULL: not known */
	ev_timer tick;        /* looks at the workers' pulse */
	ev_timer deadline;    /* of draining */
	uint64_t deadline_ms; /* the same, on clock_ms() */
};

#endif
