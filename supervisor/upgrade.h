/*
 * upgrade.h - another binary for a running daemon, in place: same process,
 * same descriptors, same memory; workers follow one by one.
 *
 * A child tries the installed binary first.  Then all signals are blocked,
 * what can't be found again is written into a memfd (handover.h), and the
 * process executes the new binary.  If that can't take over, it executes the
 * old one again, through a descriptor that it was given.
 */
#ifndef SUPERVISOR_UPGRADE_H
#define SUPERVISOR_UPGRADE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/sc.h"

struct supervisor;

/* The mode in which a child runs the new binary: see upgrade_check(). */
#define UPGRADE_CHECK_MODE "upgrade-check"

/* What that child says if it can: other programs end with 0, too. */
#define UPGRADE_FIT "fit to go on"

/* How that child ends where only the versions keep it from taking over. */
#define UPGRADE_EXIT_OTHER_LAYOUT 3

/* And how the line begins that it says then. */
#define UPGRADE_OTHER_LAYOUT "another layout version"

/* Room for what can be said about an upgrade. */
#define UPGRADE_TEXT_CAP 1024

/*
 * The upgrade was refused, error is -errno and text says why; this image goes
 * on.  What is done by the next image can't be told here: see `answer`.
 */
typedef void upgrade_refused(void *context, int error, const char *text);

enum upgrade_state {
	UPGRADE_NONE,
	UPGRADE_TRYING,  /* a child runs the new binary */
	UPGRADE_WAITING, /* for workers that are being recycled */
	UPGRADE_FORCING, /* for workers that are being let go */
};

struct upgrade {
	enum upgrade_state state;
	pid_t trial;
	int output; /* of the trial, -1: none */
	int reply;
	bool may_force;      /* who asked wants it, whatever it costs */
	bool is_replacement; /* we are a next image by force, and begin */
	upgrade_refused *refused;
	void *context;
	ev_timer timer;
	uint64_t begun_ms;
	/*
	 * In the next image, when all workers are replaced, or in this one
	 * after it was come back to: answer who asked, on the descriptor
	 * `reply` (taken).  Set by the owner; NULL: it is closed.
	 */
	void (*answer)(
	    struct supervisor *sv, int reply, int error, const char *text);
};

/* Set up; find out which binary we are, by the first word of argv. */
void upgrade_init(struct supervisor *sv, const char *program);

/*
 * Try the new binary, and become it; where it has another layout, and only by
 * `force`, without the workers, who finish what they have.  `reply` is a
 * connection (borrowed, -1 for none) whose duplicate goes along to the next
 * image, which answers there. refused (or NULL) is called at most once, and may
 * be before this returns.
 */
void upgrade_begin(struct supervisor *sv, bool force, int reply,
    upgrade_refused *refused, void *context);

/* A child was reaped that is no worker: whether it was the trial. */
bool upgrade_note_exit(struct supervisor *sv, pid_t pid, int wait_status);

/* The daemon stops. */
void upgrade_cancel(struct supervisor *sv);

/* --- in the new binary -----------------------------------------------------
 */

/*
 * The trial: whether a daemon with these versions (handover_versions()) could
 * be taken over as it is.  0, having said so on stdout (UPGRADE_FIT); or
 * -EPROTO with a line on stderr: by force.
 */
SC_MUST_CHECK int upgrade_check(const char *versions);

/* What the image before has left us. */
struct upgrade_inheritance {
	int fd;     /* of the handover */
	int estate; /* -1, or by force: of the estate (estate.h) */
	int binary; /* of the image before, -1: this is that image again */
	char why[UPGRADE_TEXT_CAP]; /* if so: what was wrong with the other */
};

/* True if there is one; it is taken out of the environment. */
bool upgrade_inherit(struct upgrade_inheritance *ret);

/*
 * The take-over has failed: become the old image again.  Returns only where
 * that fails, too; all is lost then.
 */
void upgrade_go_back(
    const struct upgrade_inheritance *in, char **argv, const char *why);

#endif
