/*
 * estate.h - what is left to an image of the daemon that knows nothing of our
 * memory and our workers: for an upgrade by force.
 *
 * A list of items with a name, a number and a text each.  This form never
 * changes; items that an image does not know it passes over.  Beside it the
 * handover is written, as for any upgrade, so that this image can come back.
 */
#ifndef SUPERVISOR_ESTATE_H
#define SUPERVISOR_ESTATE_H

#include "common/sc.h"
#include "supervisor/leaving.h"
#include "supervisor/listen.h"
#include "supervisor/pack.h"

struct supervisor;

/* All of it, on the heir's side. */
struct estate {
	struct listeners listeners;
	struct listeners metrics;
	int control;        /* the control socket, -1: none */
	char *control_path; /* on the heap, as the next */
	int pidfile;        /* -1: none */
	char *pidfile_path;
	char *binary_path; /* of the installed binary; the taker's */
	int binary;        /* of the image before */
	int reply;         /* of who asked, -1: nobody waits */
	struct leaving leaving;
	uint32_t leaving_ms; /* how long they may take */
	/* Descriptors of the image before that are nobody's any more. */
	int *rest;
	size_t rest_count;
};

/*
 * Write it: `rest` is the handover, all of whose descriptors are open in the
 * next image.  p->failed is set where memory is short.
 */
void estate_write(const struct supervisor *sv, int binary, int reply,
    const struct pack *rest, struct pack *p);

/*
 * Read it: 0, -EPROTO for bytes that are none, or -ENOMEM.  Nothing is
 * closed, whatever comes; estate_fini() frees and closes nothing either.
 */
SC_MUST_CHECK int estate_read(struct unpack *u, struct estate *ret);
void estate_fini(struct estate *e);

#endif
