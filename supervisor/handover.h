/*
 * handover.h - what one image of the daemon leaves to the next: everything
 * of the supervisor that can't be found again, as bytes.
 *
 * The layout has a version, and so has what it refers to: the shared memory
 * and the messages of workers that go on meanwhile.  They all have to agree.
 */
#ifndef SUPERVISOR_HANDOVER_H
#define SUPERVISOR_HANDOVER_H

#include "common/sc.h"
#include "supervisor/pack.h"

struct supervisor;

/* Any change of what handover.c writes: bump this. */
#define HANDOVER_VERSION 4u

/* The layout version that a developer build pretends to have. */
#define HANDOVER_LAYOUT_VARIABLE "SHADOWCAT_LAYOUT_VERSION"

/* Room for a text of the versions. */
#define HANDOVER_VERSIONS_CAP 64

/* The versions that must agree, as text without blanks. */
void handover_versions(char *buf, size_t cap);

/* What goes along beside the supervisor's own. */
struct handover {
	int log_fd;
	int binary; /* the old binary, -1: not known */
	int reply;  /* of who asked for the upgrade, -1: nobody waits */
};

/* Write it all down; p->failed is set where memory is short. */
void handover_write(
    const struct supervisor *sv, const struct handover *h, struct pack *p);

/*
 * Read it: conf, shm, vault, listeners and worker_table of `sv` (all empty
 * before, conf with the defaults), its paths and descriptors.  Channels are
 * not opened: their descriptors and queues are read when the loop is there,
 * with handover_read_channels(), after this.  0; -EPROTO for bytes that are
 * not of this version, or broken; or -errno.  Nothing is closed on failure,
 * for the old image needs it.
 */
SC_MUST_CHECK int handover_read(
    struct unpack *u, struct supervisor *sv, struct handover *ret);
SC_MUST_CHECK int handover_read_channels(
    struct unpack *u, struct supervisor *sv);

#endif
